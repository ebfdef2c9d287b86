#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Kills training runs (-9) at random moments, goes on with each until it is done, and compares what it saved,
byte for byte, with a run that was left alone.

    scripts/kill_resume.sh KILLS [FLAGS of `mlp train`]

    scripts/kill_resume.sh 5                                                    a quick look
    scripts/kill_resume.sh 200 --hidden 50 --epochs 9 --augment ciresan2010     with distorted images

Needs the Rust toolchain and nothing else. A kill takes about half a second. A run that has begun is always finished,
so there may be more kills than asked for, on a busy machine many more. Everything is kept in a temporary folder,
which is removed at the end.
TEXT
}

case ${1:-} in
-h | --help) usage && exit ;;
'' | *[!0-9]*) usage >&2 && exit 2 ;;
esac
kills=$1
shift
cargo build --release --quiet
MLP_DATA_DIR=$(realpath "${MLP_DATA_DIR:-data}")
export MLP_DATA_DIR
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A copy, which a build in the meantime does not replace.
cp "${CARGO_TARGET_DIR:-target}/release/mlp" "$folder/mlp"
mlp=$folder/mlp
cd "$folder"
"$mlp" train "$@" --out whole.bin --best whole-best.bin --quiet

killed=0 runs=0
while ((killed < kills)); do
    rm -rf run
    while true; do
        threads=$((RANDOM % 3 + 1))
        if [ -e run/checkpoint.safetensors ] || [ -e run/previous.safetensors ]; then
            flags=(--resume run)
        else
            flags=(--checkpoint run "$@" --out model.bin --best best.bin)
        fi
        "$mlp" train "${flags[@]}" --checkpoint-every 10ms --threads $threads --quiet &
        sleep "0.$((RANDOM % 8 + 1))$RANDOM"
        if kill -9 $! 2>kill.log; then
            wait $! 2>wait.log || killed=$((killed + 1))
        else
            wait $!
            break
        fi
    done
    cmp whole.bin model.bin
    cmp whole-best.bin best.bin
    runs=$((runs + 1))
    echo "run $runs: the same bytes after $killed kills in all"
done
