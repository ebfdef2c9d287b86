#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Kills training runs (-9) at random moments, from the first millisecond on, starts each again with the same command
(--checkpoint and --resume together) until it is done, and compares what it saved, byte for byte, with a run that was
left alone.

    scripts/kill_resume.sh KILLS [FLAGS of `mlp train`]

    scripts/kill_resume.sh 200                                                  40 kills for each of five settings
    scripts/kill_resume.sh 50 --hidden 50 --epochs 9 --augment ciresan2010      with distorted images

The five: distorted images; dropout; momentum with a schedule; deslanted images by Adam; patience. Needs the Rust toolchain and
nothing else; MLP names a built program to take instead. A kill takes about half a second. A run that has begun is always
finished, so there may be more kills than asked for. Everything is kept in a temporary folder, which is removed at the end.
TEXT
}

case ${1:-} in
-h | --help) usage && exit ;;
'' | *[!0-9]*) usage >&2 && exit 2 ;;
esac
kills=$1
shift
if [ -z "${MLP:-}" ]; then
    cargo build --release --quiet
    MLP=${CARGO_TARGET_DIR:-target}/release/mlp
fi
MLP_DATA_DIR=$(realpath "${MLP_DATA_DIR:-data}")
export MLP_DATA_DIR
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A copy, which a build in the meantime does not replace.
cp "$MLP" "$folder/mlp"
mlp=$folder/mlp
cd "$folder"

# Half of the moments are in the first 100 ms, where a run begins.
moment() {
    case $((RANDOM % 2)) in
    0) printf '0.%03d' $((RANDOM % 100 + 1)) ;;
    1) printf '0.%03d' $((RANDOM % 900 + 100)) ;;
    esac
}

# setting KILLS FLAGS…
setting() {
    local wanted=$1 killed=0 runs=0 early=0 done threads
    shift
    "$mlp" train "$@" --out whole.bin --best whole-best.bin --quiet
    while ((killed < wanted)); do
        rm -rf run model.bin best.bin
        done=no
        while [ $done = no ]; do
            threads=$((RANDOM % 3 + 1))
            "$mlp" train --checkpoint run --resume "$@" --out model.bin --best best.bin --checkpoint-every 10ms \
                --threads $threads --quiet 2>>notes &
            sleep "$(moment)"
            if kill -9 $! 2>kill.log; then
                wait $! 2>wait.log || killed=$((killed + 1))
                [ -e run ] || early=$((early + 1))
            else
                wait $!
                done=yes
            fi
        done
        cmp whole.bin model.bin
        cmp whole-best.bin best.bin
        runs=$((runs + 1))
    done
    printf '%5d kills, %d of them before there was a folder, %d runs finished to the same bytes: %s\n' \
        $killed $early $runs "$*"
}

if [ $# -gt 0 ]; then
    setting "$kills" "$@"
    exit
fi
each=$(((kills + 4) / 5))
short=(--hidden 20 --valid 40000)
setting $each "${short[@]}" --epochs 6 --augment ciresan2010
setting $each "${short[@]}" --epochs 12 --hidden 64,32 --dropout 0.2,0.3,0.1
setting $each "${short[@]}" --epochs 20 --momentum 0.9 --nesterov --schedule cosine --lr 0.02
setting $each "${short[@]}" --epochs 20 --deslant --optimizer adam
setting $each "${short[@]}" --epochs 60 --patience 3
