#!/usr/bin/env bash
# Trains with several seeds and measures each model on the test images: the spread behind a single number.
#
#   scripts/seeds.sh 5 --hidden 50 --epochs 3      seeds 1 to 5, any flags of `mlp train`
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=$1
shift
cargo build --release --quiet
mlp=${CARGO_TARGET_DIR:-target}/release/mlp
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for seed in $(seq "$seeds"); do
    "$mlp" train "$@" --seed "$seed" --out "$folder/model.bin" --json 2>/dev/null |
        grep '"event":"epoch"' | tail -1 | grep -o '"valid_accuracy":[^,}]*' | cut -d: -f2 >"$folder/valid"
    test=$("$mlp" eval "$folder/model.bin" --json 2>/dev/null | grep -o '"accuracy":[^,}]*' | cut -d: -f2)
    awk -v seed="$seed" -v valid="$(cat "$folder/valid")" -v test="$test" \
        'BEGIN {printf "seed %d  valid %.2f %%  test %.2f %%\n", seed, 100 * valid, 100 * test}'
    echo "$test" >>"$folder/tests"
done
sort -n "$folder/tests" | awk '{a[NR] = 100 * $1} END {
    median = NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2
    printf "test accuracy over %d seeds: median %.2f %%, from %.2f to %.2f %%\n", NR, median, a[1], a[NR]}'
