#!/usr/bin/env bash
# Trains by recipes with several seeds, measures each model once on the test images, and prints a table.
#
#   scripts/reproduce.sh                          every recipe that has results in scripts/results, as a table
#   scripts/reproduce.sh lesson hinton2005        these with seeds 1, 2, 3; what is there is not run again
#   SEEDS="1" scripts/reproduce.sh ciresan2010-large
#
# scripts/results/RECIPE-SEED.jsonl keeps the log: the start, every epoch, and a last line from `mlp eval` with
# the seconds of the whole training process. Nothing is chosen on the test images.
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
        "$mlp" train --recipe "$recipe" --seed "$seed" --out "$folder/model.bin" --json >"$folder/log"
        seconds=$(echo "$(date +%s.%N) $start" | awk '{print $1 - $2}')
        "$mlp" eval "$folder/model.bin" --json | sed "s/^{/{\"event\":\"test\",\"process_seconds\":$seconds,/" >>"$folder/log"
        # Confusions and paths are not worth keeping.
        sed -E 's/"confusion":\[(\[[0-9,]*\],?)*\],//; s/"model":"[^"]*",//' "$folder/log" >"$log"
        rm -r "$folder"
        echo "$recipe, seed $seed: $(tail -1 "$log" | grep -o '"accuracy":[0-9.]*')" >&2
    done
done

# Median of the seeds, from best to worst, and the 95 % interval of the median's images.
echo "| recipe | published test error % | ours %, median (all seeds) | 95 % interval | seconds |"
echo "|---|---|---|---|--:|"
"$mlp" recipes --json 2>/dev/null | tr '{' '\n' | while IFS= read -r line; do
    name=$(echo "$line" | grep -o '"name":"[^"]*"' | cut -d'"' -f4) || continue
    published=$(echo "$line" | grep -o '"published_test_error_percent":"[^"]*"' | cut -d'"' -f4)
    compgen -G "$results/$name-[0-9]*.jsonl" >/dev/null || continue
    for log in "$results/$name"-[0-9]*.jsonl; do
        tail -1 "$log" | awk '{
            match($0, /"accuracy":[0-9.]+/); accuracy = substr($0, RSTART + 11, RLENGTH - 11)
            match($0, /"accuracy_interval_95":\[[0-9.,]+/); split(substr($0, RSTART + 24, RLENGTH - 24), interval, ",")
            match($0, /"process_seconds":[0-9.]+/); seconds = substr($0, RSTART + 18, RLENGTH - 18)
            printf "%.2f %.2f %.2f %.1f\n", 100 - 100 * accuracy, 100 - 100 * interval[2], 100 - 100 * interval[1], seconds
        }'
    done | sort -n | awk -v name="$name" -v published="$published" '
        {error[NR] = $1; low[NR] = $2; high[NR] = $3; seconds[NR] = $4}
        END {
            m = int((NR + 1) / 2)
            all = error[1]; for (i = 2; i <= NR; i++) all = all ", " error[i]
            printf "| %s | %s | %s (%s) | %s to %s | %s |\n", name, published, error[m], all, low[m], high[m], seconds[m]
        }'
done
