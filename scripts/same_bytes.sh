#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Trains with random combinations of flags, each with 1, 2, 3, 5, 7 and 16 threads and with every instruction set of
this machine, and compares the models of a combination byte for byte.

    scripts/same_bytes.sh [COMBINATIONS]

    scripts/same_bytes.sh         12 combinations
    scripts/same_bytes.sh 100     the same 12 and 88 more
    SEED=2 scripts/same_bytes.sh  12 others

Needs the Rust toolchain and nothing else; MLP names a built program to take instead. A run takes about half a second.
Everything is kept in a temporary folder, which is removed at the end. The exit code is 1 if two models differ.
TEXT
}

case ${1:-12} in
-h | --help) usage && exit ;;
*[!0-9]*) usage >&2 && exit 2 ;;
esac
combinations=${1:-12}
RANDOM=${SEED:-1}
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
cd "$folder"

# Draws `flags`, one alternative of each line. Not printed: a subshell would not move RANDOM on.
draw() {
    local choices=(
        '--hidden none|--hidden 50|--hidden 33,17|--hidden 128|--hidden 20,12,9'
        '|--activation tanh|--activation scaled-tanh|--activation sigmoid|--activation leaky-relu|--activation gelu|--activation none'
        '|--loss mse|--loss mse --target digit|--label-smoothing 0.1|--positive 5|--class-weights balanced|--positive 3 --class-weights balanced'
        '||--dropout 0.2'
        '|--momentum 0.9|--momentum 0.9 --nesterov|--momentum 0.5 --weight-decay 1e-4|--clip-norm 1|--max-norm 2|--optimizer adam|--optimizer adamw --weight-decay 0.01'
        '|--schedule linear|--schedule exponential|--schedule cosine|--schedule step --step-epochs 0.3|--schedule one-cycle'
        '||--augment lecun1998|--augment simard2003|--augment ciresan2010'
        '||--deslant'
        '|--batch-size 1|--batch-size 37|--batch-size 64|--batch-size 101|--batch-size 1000'
        '||--init lecun-normal|--init xavier-normal|--init uniform=0.05'
        '--valid 50000|--valid 55000|--valid 57123 --valid-random'
        '--epochs 1|--epochs 2|--epochs 2 --warm-up 0.5'
    )
    flags="--seed $RANDOM --lr 0.001 "
    local choice all
    for choice in "${choices[@]}"; do
        IFS='|' read -ra all <<<"$choice"
        flags+="${all[RANDOM % ${#all[@]}]} "
    done
    # Nothing to drop, and no activation, without hidden layers.
    case $flags in
    *'--hidden none'*) flags=$(sed 's/--dropout [^ ]*//; s/--activation [^ ]*//' <<<"$flags") ;;
    esac
    flags=$(tr -s ' ' <<<"$flags")
}

# The program names them itself when it is given a wrong one.
sets=$(MLP_INSTRUCTIONS='?' ./mlp recipes 2>&1 || true)
sets=$(sed -n 's/.*expected one of: \([^;]*\);.*/\1/p' <<<"$sets" | tr -d ,)
[ -n "$sets" ] || { echo "the program does not say which instruction sets it has" >&2 && exit 1; }
echo "instruction sets: $sets; threads: 1 2 3 5 7 16"
printf '%5s  %-4s  %s\n' runs same combination

different=0
for ((n = 0; n < combinations; n++)); do
    draw
    : >sums
    for set in $sets; do
        for threads in 1 2 3 5 7 16; do
            # shellcheck disable=SC2086 # flags are many words
            MLP_INSTRUCTIONS=$set ./mlp train $flags --threads $threads --out model.bin --quiet 2>notes ||
                { cat notes >&2 && exit 1; }
            echo "$(sha256sum <model.bin | cut -c 1-64) $set, $threads threads" >>sums
        done
    done
    same=yes
    if [ "$(cut -d' ' -f1 sums | sort -u | wc -l)" != 1 ]; then
        same=NO different=1
    fi
    printf '%5s  %-4s  %s\n' "$(wc -l <sums)" $same "$flags"
    [ $same = yes ] || cat sums
done
exit $different
