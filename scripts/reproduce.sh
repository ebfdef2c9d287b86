#!/usr/bin/env bash
# Trains by recipes with several seeds, measures each model once on the test images, and prints a table.
#
#   scripts/reproduce.sh                          nothing new, the table of what was measured
#   scripts/reproduce.sh lesson hinton2005        these with seeds 1, 2, 3; what is there is not run again
#   SEEDS="1" scripts/reproduce.sh ciresan2010-large
#
# A committee of seven with seed 2 has members with seeds 8 to 14. Models are kept in target/reproduce/, by
# the flags they were trained with, so that a committee that was broken off trains only who is missing. Remove
# that folder to train anew after a change of the program.
#
# scripts/results/RECIPE-SEED.jsonl keeps the log: the start, every epoch (of a committee's members the last),
# and a last line from `mlp eval` with the seconds of all training processes. src/train/recipes/measured.tsv is made
# of the logs, and `mlp recipes` of that. Nothing is chosen on the test images. THREADS says how many threads
# train (default: all processors).
set -euo pipefail
# A training that fails or is interrupted ends the script, in $( ) too.
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
cargo build --release --quiet
target=${CARGO_TARGET_DIR:-target}
mlp=$target/release/mlp
results=scripts/results
mkdir -p "$results"

# The value of a key, the first of that name: a number, or text without its quotes.
field() { grep -oE "\"$1\":(\"[^\"]*\"|[0-9.]+)" <<<"$2" | head -1 | cut -d: -f2- | tr -d '"'; }

# train FLAGS SEED: trains unless that was done, and prints what the names of the model (.bin), of its log (.log)
# and of its seconds (.seconds) begin with.
train() {
    local kept
    kept=$target/reproduce/$(cksum <<<"$1 ${THREADS:-}" | cut -d' ' -f1)-$2
    if [ ! -e "$kept.seconds" ]; then
        mkdir -p "$target/reproduce"
        local start seconds
        start=$(date +%s.%N)
        # shellcheck disable=SC2086 # flags are words
        "$mlp" train $1 --seed "$2" --out "$kept.bin" --json ${THREADS:+--threads "$THREADS"} >"$kept.log"
        seconds=$(echo "$(date +%s.%N) $start" | awk '{print $1 - $2}')
        echo "$seconds" >"$kept.seconds"
    fi
    echo "$kept"
}

for recipe in "$@"; do
    about=$("$mlp" recipes "$recipe" --json)
    members=$(field members "$about")
    for seed in ${SEEDS:-1 2 3}; do
        log=$results/$recipe-$seed.jsonl
        [ -e "$log" ] && continue
        kept=()
        for member in $(seq $(((seed - 1) * members + 1)) $((seed * members))); do
            kept+=("$(train "$(field flags "$about")" "$member")")
        done
        seconds=$(cat "${kept[@]/%/.seconds}" | awk '{ all += $1 } END { print all }')
        {
            for member in "${kept[@]}"; do
                if [ "$members" = 1 ]; then
                    cat "$member.log"
                else
                    grep '"event":"start"' "$member.log"
                    tail -2 "$member.log"
                fi
            done
            "$mlp" eval "${kept[@]/%/.bin}" --json | sed "s/^{/{\"event\":\"test\",\"process_seconds\":$seconds,/"
            # Confusions and paths are not worth keeping.
        } | sed -E 's/"confusion":\[(\[[0-9,]*\],?)*\],//; s/"(model|data)":"[^"]*",?//g; s/,\}/}/g' >"$log.part"
        mv "$log.part" "$log"
        echo "$recipe, seed $seed: $(field accuracy "$(tail -1 "$log")")" >&2
    done
done

for log in "$results"/*-[0-9]*.jsonl; do
    name=$(basename "$log" .jsonl)
    test=$(tail -1 "$log")
    correct=$(field correct "$test")
    seconds=$(field process_seconds "$test")
    printf '%s\t%s\t%s\t%s\n' "${name%-*}" "${name##*-}" "$correct" "$seconds"
done >"$target/measured.tsv"
mv "$target/measured.tsv" src/train/recipes/measured.tsv
cargo build --release --quiet
"$mlp" recipes --markdown 2>/dev/null
