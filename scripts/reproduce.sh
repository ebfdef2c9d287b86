#!/usr/bin/env bash
# Trains by recipes with several seeds, measures each model once on the test images, and prints a table.
#
#   scripts/reproduce.sh                          nothing new, the table of what was measured
#   scripts/reproduce.sh lesson hinton2005        these with seeds 1, 2, 3; what is there is not run again
#   SEEDS="1" scripts/reproduce.sh ciresan2010-large
#
# scripts/results/RECIPE-SEED.jsonl keeps the log: the start, every epoch, and a last line from `mlp eval` with
# the seconds of the whole training process. src/recipe/measured.tsv is made of the logs, and `mlp recipes` of
# that. Nothing is chosen on the test images. THREADS says how many threads train (default: all processors).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
mlp=${CARGO_TARGET_DIR:-target}/release/mlp
results=scripts/results
mkdir -p "$results"

for recipe in "$@"; do
    for seed in ${SEEDS:-1 2 3}; do
        log=$results/$recipe-$seed.jsonl
        [ -e "$log" ] && continue
        folder=$(mktemp -d)
        start=$(date +%s.%N)
        "$mlp" train --recipe "$recipe" --seed "$seed" --out "$folder/model.bin" --json \
            ${THREADS:+--threads "$THREADS"} >"$folder/log"
        seconds=$(echo "$(date +%s.%N) $start" | awk '{print $1 - $2}')
        "$mlp" eval "$folder/model.bin" --json | sed "s/^{/{\"event\":\"test\",\"process_seconds\":$seconds,/" >>"$folder/log"
        # Confusions and paths are not worth keeping.
        sed -E 's/"confusion":\[(\[[0-9,]*\],?)*\],//; s/"(model|data)":"[^"]*",//' "$folder/log" >"$log"
        rm -r "$folder"
        echo "$recipe, seed $seed: $(tail -1 "$log" | grep -o '"accuracy":[0-9.]*')" >&2
    done
done

field() { grep -o "\"$1\":[0-9.]*" <<<"$2" | head -1 | cut -d: -f2; }
for log in "$results"/*-[0-9]*.jsonl; do
    name=$(basename "$log" .jsonl)
    test=$(tail -1 "$log")
    printf '%s\t%s\t%s\t%s\n' "${name%-*}" "${name##*-}" "$(field correct "$test")" "$(field process_seconds "$test")"
done >src/recipe/measured.tsv
cargo build --release --quiet
"$mlp" recipes --markdown 2>/dev/null
