#!/usr/bin/env bash
set -euo pipefail
# A training that fails or is interrupted ends the script, in $( ) too.
shopt -s inherit_errexit
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Trains by recipes, measures each model once on the test images, and compares with the committed logs.

    scripts/reproduce.sh lesson                          every seed that is committed
    scripts/reproduce.sh lesson hinton2005               several recipes (`mlp recipes` lists them)
    scripts/reproduce.sh --again lesson                  trains anew what an earlier call has trained
    SEEDS="1" scripts/reproduce.sh ciresan2010-large     these seeds only
    scripts/reproduce.sh --record lesson                 for maintainers: see below

Models and logs go to runs/reproduce/, which git ignores (RUNS names another folder). What an earlier call has
trained there with the same flags is measured and compared again, not trained again, and the script says so.
THREADS says how many threads train (default: all processors).

The exit code is 1 if an error rate lies outside of the 95 % interval of the committed one. Training losses that
differ in late digits are no failure: a processor without fused multiply-add rounds products.

--record puts the new logs into scripts/results/ in place of the committed ones, makes
src/train/recipes/measured.tsv of all of them, and prints the table that belongs into docs/results.md.
scripts/results/RECIPE-SEED.jsonl holds the start, every epoch (of a committee's members the last), and a line
from `mlp eval` with the seconds of all training processes. A committee of seven with seed 2 has members with
seeds 8 to 14. Nothing is chosen on the test images.

Needs the Rust toolchain and nothing else. Time: from a second (lesson) to three hours (ciresan2010-committee);
the script says how long the committed runs took before it starts.
TEXT
}

again='' record='' recipes=()
for word in "$@"; do
    case $word in
    -h | --help) usage && exit ;;
    --again) again=yes ;;
    --record) record=yes ;;
    -*) usage >&2 && exit 2 ;;
    *) recipes+=("$word") ;;
    esac
done
((${#recipes[@]})) || { usage >&2 && exit 2; }

cargo build --release --quiet
mlp=${CARGO_TARGET_DIR:-target}/release/mlp
results=scripts/results
runs=${RUNS:-runs/reproduce}

# The value of a key, the first of that name: a number, or text without its quotes.
field() { grep -oE "\"$1\":(\"[^\"]*\"|[0-9.]+)" <<<"$2" | head -1 | cut -d: -f2- | tr -d '"'; }

# The flags of a recipe, from its line of JSON.
flags_of() { grep -oE '"flags":\[[^]]*\]' <<<"$1" | cut -d: -f2- | sed 's/","/ /g; s/[]["]//g'; }

# The seeds to train a recipe with.
seeds() {
    local committed
    committed=$(find "$results" -name "$1-*.jsonl" | sed -nE "s|.*/$1-([0-9]+)\.jsonl|\1|p" | sort -n)
    echo "${SEEDS:-${committed:-1 2 3}}"
}

# train RECIPE FLAGS SEED: trains unless that was done, and prints what the names of the model (.bin), of its log
# (.log), flags (.flags) and seconds (.seconds) begin with.
train() {
    local kept=$runs/$1-$3 flags="$2${THREADS:+ --threads $THREADS}"
    if [ -z "$again" ] && [ -e "$kept.seconds" ] && [ "$flags" = "$(cat "$kept.flags")" ]; then
        echo "$1: $kept.bin was trained $(date -r "$kept.bin" '+%F %R') and is not trained again; --again does" >&2
    else
        rm -f "$kept.seconds"
        echo "$flags" >"$kept.flags"
        echo "$1: mlp train $flags --seed $3 --out $kept.bin" >&2
        local start
        start=$(date +%s.%N)
        # shellcheck disable=SC2086 # flags are words
        "$mlp" train $flags --seed "$3" --out "$kept.bin" --force --json 2>"$kept.notes" >"$kept.log" || {
            cat "$kept.notes" >&2
            return 1
        }
        echo "$(date +%s.%N) $start" | awk '{print $1 - $2}' >"$kept.seconds"
    fi
    echo "$kept"
}

# compare NAME NEW COMMITTED: the logs of one recipe and seed. Fails if the error rates do not go together.
compare() {
    local test committed
    test=$(tail -1 "$2")
    local new="$1: $(field correct "$test") of $(field images "$test") test images right"
    [ -e "$3" ] || { echo "$new; no run with this seed is committed" && return; }
    committed=$(tail -1 "$3")
    new+=", committed $(field correct "$committed")"
    new+="; $(field process_seconds "$test") s, committed $(field process_seconds "$committed") s"
    losses() { grep -oE '"train_loss":[^,}]*' "$1" | cut -d: -f2; }
    new+="; $(paste <(losses "$2") <(losses "$3") | awk '
        { d = $1 - $2; if (d < 0) d = -d; if (NF < 2 || d > 1e-9 * $2) differ++; else same++ }
        END { print "training losses of " same + 0 " epochs agree" (differ ? ", of " differ " do not" : "") }')"
    echo "$new"
    grep -oE '"accuracy_interval_95":\[[^]]*' <<<"$committed" | tr -c '0-9.\n' ' ' |
        awk -v accuracy="$(field accuracy "$test")" '{ exit !($(NF - 1) <= accuracy && accuracy <= $NF) }' ||
        { echo "$1: outside of the 95 % interval of the committed run" && return 1; }
}

trainings=0 expected=0
for recipe in "${recipes[@]}"; do
    members=$(field members "$("$mlp" recipes "$recipe" --json 2>/dev/null || "$mlp" recipes "$recipe" >&2)")
    for seed in $(seeds "$recipe"); do
        trainings=$((trainings + members))
        log=$results/$recipe-$seed.jsonl
        [ ! -e "$log" ] || expected=$(echo "$expected $(field process_seconds "$(tail -1 "$log")")" | awk '{ print $1 + $2 }')
    done
done
mkdir -p "$runs"
echo "trainings: $trainings, in $runs; the committed runs took $expected s in all" >&2

differ=0
for recipe in "${recipes[@]}"; do
    about=$("$mlp" recipes "$recipe" --json 2>/dev/null)
    members=$(field members "$about")
    for seed in $(seeds "$recipe"); do
        kept=()
        for member in $(seq $(((seed - 1) * members + 1)) $((seed * members))); do
            kept+=("$(train "$recipe" "$(flags_of "$about")" "$member")")
        done
        seconds=$(cat "${kept[@]/%/.seconds}" | awk '{ all += $1 } END { print all }')
        log=$runs/$recipe-$seed.jsonl
        {
            for member in "${kept[@]}"; do
                if [ "$members" = 1 ]; then
                    cat "$member.log"
                else
                    grep '"event":"start"' "$member.log"
                    tail -2 "$member.log"
                fi
            done
            "$mlp" eval "${kept[@]/%/.bin}" --json 2>/dev/null | sed "s/^{/{\"event\":\"test\",\"process_seconds\":$seconds,/"
            # Confusions and paths are not worth keeping.
        } | sed -E 's/"confusion":\[(\[[0-9,]*\],?)*\],//; s/"(model|data)":"[^"]*",?//g; s/"models":\[[^]]*\],?//g; s/,\}/}/g' >"$log"
        compare "$recipe, seed $seed" "$log" "$results/$recipe-$seed.jsonl" || differ=1
        [ -z "$record" ] || cp "$log" "$results/"
    done
done
[ -n "$record" ] || exit $differ

for log in "$results"/*-[0-9]*.jsonl; do
    name=$(basename "$log" .jsonl)
    test=$(tail -1 "$log")
    printf '%s\t%s\t%s\t%s\n' "${name%-*}" "${name##*-}" "$(field correct "$test")" "$(field process_seconds "$test")"
done >"$runs/measured.tsv"
mv "$runs/measured.tsv" src/train/recipes/measured.tsv
cargo build --release --quiet
"$mlp" recipes --markdown 2>/dev/null
