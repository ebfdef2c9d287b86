#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Trains with several random seeds and measures each model on the test images: the spread behind a single number.

    scripts/seeds.sh SEEDS [FLAGS of `mlp train`]

    scripts/seeds.sh 5 --hidden 50 --epochs 3     seeds 1 to 5

Needs the Rust toolchain and nothing else. Takes as long as so many runs of `mlp train`. Models are kept in a
temporary folder, which is removed at the end.
TEXT
}

case ${1:-} in
-h | --help) usage && exit ;;
'' | 0 | *[!0-9]*) usage >&2 && exit 2 ;;
esac
seeds=$1
shift
cargo build --release --quiet
mlp=${CARGO_TARGET_DIR:-target}/release/mlp
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The value of a key of a line of JSON, in per cent.
percent() { grep -o "\"$1\":[^,}]*" | cut -d: -f2 | awk '{ print ($1 == "null") ? "none" : sprintf("%.2f %%", 100 * $1) }'; }

for seed in $(seq "$seeds"); do
    "$mlp" train "$@" --seed "$seed" --out "$folder/model.bin" --json >"$folder/log" 2>"$folder/notes" || {
        cat "$folder/notes" >&2
        exit 1
    }
    valid=$(grep '"event":"epoch"' "$folder/log" | tail -1 | percent valid_accuracy)
    test=$("$mlp" eval "$folder/model.bin" --json 2>"$folder/notes" | percent accuracy)
    echo "seed $seed  valid $valid  test $test"
    echo "$test" >>"$folder/tests"
done
sort -n "$folder/tests" | awk '{ a[NR] = $1 } END {
    median = NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2
    printf "test accuracy over %d seeds: median %.2f %%, from %.2f to %.2f %%\n", NR, median, a[1], a[NR] }'
