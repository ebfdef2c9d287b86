#!/usr/bin/env bash
set -uo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
Runs mlp where something fails: full and read-only disks, folders that vanish, pipes and devices in the place of files,
too few processes, files and bytes of memory, signals at random moments, two runs at once, clocks that jump. Each case
has a time limit and must end as it says it does: an exit code and words, never a panic, never a half-written file.

    scripts/faults.sh [PATTERN]

    scripts/faults.sh             all cases, in about five minutes
    scripts/faults.sh signal      those whose names contain it

Prints a line a case and, at the end, how many were tried and how many were mishandled; fails if any was. Cases that need
what is not at hand (root, for a disk of a few megabytes; another user, for a limit on processes) are named as not tried.
Needs the Rust toolchain and nothing else. Everything is kept in a temporary folder, which is removed at the end.
TEXT
}

case ${1:-} in
-h | --help) usage && exit ;;
esac
pattern=${1:-}
if [ -z "${MLP:-}" ]; then
    cargo build --release --quiet || exit
    MLP=${CARGO_TARGET_DIR:-target}/release/mlp
fi
data=$(realpath data)
folder=$(mktemp -d)
chmod 755 "$folder"
# A copy, which a build in the meantime does not replace.
cp "$MLP" "$folder/mlp"
mlp=$folder/mlp
mkdir "$folder/data"
cp "$data"/*.gz "$folder/data"
export MLP_DATA_DIR=$folder/data MLP_OFFLINE=1
mounted=()
cleanup() {
    cd /
    for place in "${mounted[@]}"; do umount -l "$place" 2>>"$folder/log"; done
    rm -rf "$folder"
}
trap cleanup EXIT
"$mlp" data >"$folder/log" 2>&1 # unpacks them once
cd "$folder"
mkdir work
cd work

tried=0 mishandled=0 untried=0
quick=(train --hidden 8 --epochs 2 --valid 55000)
long=(train --hidden 8 --epochs 1000000 --valid 55000)

wanted() { [[ $1 == *"$pattern"* ]]; }

skip() {
    wanted "$1" || return 0
    untried=$((untried + 1))
    printf '%-66s not tried: %s\n' "$1" "$2"
}

# judge NAME CODE "CODES" WORDS: the last command, whose output is in $folder/out and $folder/err, exited with CODE.
judge() {
    local name=$1 code=$2 codes=$3 words=$4 fault=
    tried=$((tried + 1))
    if [ "$code" = 124 ] || [ "$code" = 137 ]; then
        [[ " $codes " == *" $code "* ]] || fault="took too long"
    elif [[ " $codes " != *" $code "* ]]; then
        fault="exit code $code, expected $codes"
    fi
    if grep -qE 'panicked|RUST_BACKTRACE|memory allocation of .* failed$' "$folder/err"; then
        fault="a panic"
    elif [ -z "$fault" ] && [ -n "$words" ] && ! cat "$folder/out" "$folder/err" | grep -qE -- "$words"; then
        fault="does not say '$words'"
    fi
    for file in *.bin; do
        [ -f "$file" ] && [ ! -L "$file" ] && [ -s "$file" ] || continue
        "$mlp" predict "$file" "$folder/data/t10k-images-idx3-ubyte.gz" --json >"$folder/log" 2>&1 ||
            [ $? != 1 ] || grep -q 'not a model\|trained on' "$folder/log" || fault="$file is half a model"
    done
    if [ -z "$fault" ]; then
        printf '%-66s ok\n' "$name"
    else
        mishandled=$((mishandled + 1))
        printf '%-66s MISHANDLED: %s\n' "$name" "$fault"
        tail -n 3 "$folder/err" | sed 's/^/    /'
    fi
}

# try NAME "CODES" WORDS COMMAND…: within a minute, in this folder.
try() {
    local name=$1 codes=$2 words=$3
    shift 3
    wanted "$name" || return 0
    timeout -k 1 60 "$@" >"$folder/out" 2>"$folder/err" </dev/null
    judge "$name" $? "$codes" "$words"
}

# The run is the child of timeout, or of what timeout runs.
child() {
    local id=$1 below
    while below=$(cut -d ' ' -f 1 "/proc/$id/task/$id/children" 2>>"$folder/log") && [ -n "$below" ]; do id=$below; done
    echo "$id"
}

# during NAME "CODES" WORDS ACTION COMMAND…: ACTION, a line of shell, once the run has printed its first epoch.
during() {
    local name=$1 codes=$2 words=$3 action=$4
    shift 4
    wanted "$name" || return 0
    : >"$folder/out"
    timeout -k 1 60 "$@" >"$folder/out" 2>"$folder/err" </dev/null &
    local run=$! waited=0
    until grep -q '^ *1  ' "$folder/out" || ! kill -0 $run 2>/dev/null || [ $waited = 400 ]; do
        sleep 0.05
        waited=$((waited + 1))
    done
    pid=$(child $run)
    eval "$action"
    wait $run
    judge "$name" $? "$codes" "$words"
}

fresh() {
    cd "$folder"
    rm -rf work
    mkdir work
    cd work
}

# A disk of 2 MB at ./disk, if that is allowed.
disk() {
    mkdir -p disk
    mount -t tmpfs -o size=2m none disk 2>>"$folder/log" && mounted+=("$PWD/disk")
}

echo "disk"
fresh
if disk; then
    dd if=/dev/zero of=disk/filler bs=1k count=1990 2>>"$folder/log"
    try "disk full before training" "1" "no room for .* choose another --out" "$mlp" train --out disk/model.bin
    rm disk/filler
    during "disk fills while training: room was kept" "0" "saved disk/model.bin" \
        "dd if=/dev/zero of=disk/filler bs=1k 2>>'$folder/log'" "$mlp" "${quick[@]}" --epochs 40 --out disk/model.bin
    rm -f disk/filler
    during "disk fills: the checkpoint before is kept" "1" "the one before is kept" \
        "dd if=/dev/zero of=disk/filler bs=1k 2>>'$folder/log'" \
        "$mlp" "${quick[@]}" --epochs 40 --checkpoint disk/run --checkpoint-every 1
    rm -f disk/filler
    try "disk: goes on from that checkpoint" "0" "saved model.bin" "$mlp" train --resume disk/run --epochs 41
    during "disk fills: the record of the run has a gap" "1" "has a gap" \
        "dd if=/dev/zero of=disk/filler bs=1k 2>>'$folder/log'" \
        "$mlp" "${quick[@]}" --hidden 300 --epochs 40 --run disk/record
    rm -f disk/filler
    during "disk becomes read-only: the model goes elsewhere" "1" "could not be saved there, so it is in .*: .mv " \
        "mount -t tmpfs -o ro none disk" "$mlp" "${quick[@]}" --epochs 40 --out disk/other.bin
    rm -f other.bin
    try "disk read-only before training" "1" "cannot be written|Read-only" "$mlp" "${quick[@]}" --out disk/new.bin
    try "disk read-only: checkpoints" "1" "Read-only" "$mlp" "${quick[@]}" --checkpoint disk/new
    umount -l disk
    umount -l disk
    mounted=()
    disk
    cp "$data"/*.gz disk 2>>"$folder/log"
    try "disk too small for unpacked data" "0 1" "" "$mlp" data --data-dir disk
    umount -l disk
    mounted=()
else
    skip "disk full and read-only" "mounting is not allowed"
fi
fresh
try "file size limit" "1" "no room|File too large" bash -c "trap '' XFSZ; ulimit -f 40; exec '$mlp' train --epochs 1"

echo "folders that vanish"
fresh
mkdir gone
during "the folder of --out vanishes" "0" "saved gone/model.bin" "rm -rf gone" \
    "$mlp" "${quick[@]}" --epochs 40 --out gone/model.bin
fresh
during "the folder of the checkpoints vanishes" "0 1" "checkpoint|saved" "rm -rf run" \
    "$mlp" "${quick[@]}" --epochs 40 --checkpoint run --checkpoint-every 1
fresh
during "the working folder vanishes" "0 1" "" "rm -rf ../work" "$mlp" "${quick[@]}" --epochs 40
fresh
cp -r "$folder/data" mine
during "the data vanish" "0" "saved model.bin" "rm -rf mine" "$mlp" "${quick[@]}" --epochs 40 --data-dir mine
fresh
try "data nowhere" "1" "none of the four|no such|not here|--data-dir" "$mlp" train --data-dir nowhere
TMPDIR=/nowhere try "no temporary folder" "0" "saved" "$mlp" "${quick[@]}"
try "no home" "0" "saved" env -u HOME -u XDG_CACHE_HOME "$mlp" "${quick[@]}"

echo "pipes, devices and links"
fresh
"$mlp" "${quick[@]}" --out good.bin -q 2>>"$folder/log"
mkfifo pipe
ln -s nowhere/at/all dangling
mkdir directory
for place in pipe /dev/full /dev/null directory dangling; do
    for line in "train --hidden 8 --epochs 1 --valid 55000 --out $place" "augment-preview --out $place" \
        "explain good.bin --svg $place" "explain good.bin --html $place" "export-batch good.bin --out $place" \
        "lr-find --steps 20 --svg $place"; do
        # shellcheck disable=SC2086
        try "${line//good.bin /}" "1 2" "$place" "$mlp" $line
    done
done
for name in checkpoint.safetensors previous.safetensors .lock; do
    fresh
    mkdir run
    mkfifo "run/$name"
    try "a pipe as $name: resume" "1" "$name|no checkpoint" "$mlp" train --resume run
    try "a pipe as $name: begin" "0 1" "" "$mlp" "${quick[@]}" --checkpoint run
    rm "run/$name"
    echo mine >victim
    ln -s ../victim "run/$name"
    try "a link as $name" "0 1" "" "$mlp" "${quick[@]}" --checkpoint run --force
    try "what the link points to is untouched" "0" "" grep -qx mine victim
done
fresh
mkdir record
mkfifo record/run.jsonl
try "a pipe as run.jsonl: plot" "1" "not a regular file" "$mlp" plot record
try "a pipe as run.jsonl" "1" "already holds another run" "$mlp" "${quick[@]}" --run record
try "a pipe as run.jsonl: --force" "0" "saved" "$mlp" "${quick[@]}" --run record --force
for name in train-images-idx3-ubyte t10k-labels-idx1-ubyte manifest.json; do
    fresh
    cp -r "$folder/data" mine
    rm "mine/unpacked/$name"
    mkfifo "mine/unpacked/$name"
    try "a pipe as unpacked/$name" "0 1" "" "$mlp" "${quick[@]}" --data-dir mine
    rm -f "mine/unpacked/$name"
    echo mine >victim
    ln -s ../../victim "mine/unpacked/$name"
    try "a link as unpacked/$name" "0 1" "" "$mlp" "${quick[@]}" --data-dir mine
    try "what the link points to is untouched" "0" "" grep -qx mine victim
done
fresh
cp "$data"/*.gz .
mkdir elsewhere
ln -s elsewhere unpacked
try "unpacked is a link" "0" "saved" "$mlp" "${quick[@]}" --data-dir .
try "where it leads nothing is written" "0" "" bash -c '[ -z "$(ls elsewhere)" ]'

echo "output"
fresh
"$mlp" "${quick[@]}" --out good.bin --run record -q 2>>"$folder/log"
for line in "train --hidden 8 --epochs 1 --valid 55000" "eval good.bin" "explain good.bin" "data" "recipes" "gradcheck" \
    "plot record" "compare good.bin good.bin" "lr-find --steps 20" "--help"; do
    # shellcheck disable=SC2086
    try "stdout is /dev/full: $line" "1" "could not be printed" bash -c "exec '$mlp' $line >/dev/full"
    # shellcheck disable=SC2086
    try "stdout and stderr are closed: $line" "0 1" "" bash -c "exec '$mlp' $line >&- 2>&-"
    # shellcheck disable=SC2086
    try "the reader of stdout is gone: $line" "0" "" bash -c "set -o pipefail; '$mlp' $line | head -c 1 >'$folder/log'"
done

echo "limits"
fresh
for n in 4 5 6 8 12; do
    try "$n open files" "0 1" "" bash -c "ulimit -n $n; exec '$mlp' ${quick[*]}"
done
"$mlp" "${quick[@]}" --out good.bin -q 2>>"$folder/log"
for mb in 20 24 32 48 64 96 128 200 400; do
    for line in "${quick[*]}" "eval good.bin" "explain good.bin" "gradcheck --hidden 8" "data"; do
        try "$mb MB of address space: ${line%% *}" "0 1" "" bash -c "ulimit -v $((mb * 1024)); exec '$mlp' $line"
    done
done
if [ "$(id -u)" = 0 ] && command -v setpriv >>"$folder/log"; then
    chmod 777 . "$folder"
    for n in 1 2 3 5; do
        for line in "${quick[*]} --threads 3" "eval good.bin" "data" "gradcheck --hidden 8"; do
            try "$n processes: ${line%% *}" "0" "" setpriv --reuid=65534 --regid=65534 --clear-groups \
                bash -c "ulimit -u $n; exec '$mlp' $line"
        done
    done
else
    skip "few processes" "needs root, to become a user without processes"
fi

echo "signals"
fresh
for i in {1..24}; do
    wanted "signal" || break
    rm -f ./*.bin
    set -- INT 130 TERM 143 HUP 129 KILL 137
    shift $((i % 4 * 2))
    # Without job control a shell ignores INT for what it starts in the background, and mlp keeps to that.
    set -m
    "$mlp" "${long[@]}" >"$folder/out" 2>"$folder/err" &
    run=$!
    set +m
    sleep "0.$((RANDOM % 6))$((RANDOM % 10))"
    kill "-$1" $run
    wait $run
    judge "signal $1 at a random moment ($i)" $? "$2" ""
done
during "signal STOP and CONT" "0" "saved model.bin" 'kill -STOP $pid; sleep 1; kill -CONT $pid' \
    "$mlp" "${quick[@]}" --epochs 40
during "signal TERM of timeout" "124" "interrupted by SIGTERM.*saved as" "" timeout 2 "$mlp" "${long[@]}"
if unshare -pf true 2>>"$folder/log"; then
    during "signal TERM as process 1" "143" "interrupted by SIGTERM.*saved as" 'kill -TERM $pid' \
        unshare -pf "$mlp" "${long[@]}" --out one.bin
else
    skip "signal TERM as process 1" "needs root, for a namespace"
fi

echo "two runs at once"
fresh
during "two runs with one --out" "0" "saved model.bin" \
    "'$mlp' ${quick[*]} >'$folder/second' 2>&1; grep -q 'another run is going to save' '$folder/second' || echo panicked >>'$folder/err'" \
    "$mlp" "${quick[@]}" --epochs 60
during "two runs with one --checkpoint" "0" "saved model.bin" \
    "'$mlp' ${quick[*]} --out b.bin --checkpoint run --resume >'$folder/second' 2>&1; grep -q 'another run is writing' '$folder/second' || echo panicked >>'$folder/err'" \
    "$mlp" "${quick[@]}" --epochs 60 --checkpoint run
fresh
for i in 1 2 3 4; do "$mlp" data --data-dir "$folder/data" >"$folder/second" 2>&1 & done
try "five unpack at once" "0" "" "$mlp" data
wait

echo "clocks"
fresh
cp -r "$folder/data" mine
touch -d 2099-01-01 mine/*.gz mine/unpacked/*
try "files of the future" "0" "saved" "$mlp" "${quick[@]}" --data-dir mine
touch -d 1971-01-01 mine/*.gz mine/unpacked/*
try "files of the past" "0" "saved" "$mlp" "${quick[@]}" --data-dir mine
if command -v faketime >>"$folder/log"; then
    try "a clock that runs backwards" "0" "saved" faketime -f '@2026-01-01 00:00:00 x-10' "$mlp" "${quick[@]}"
    try "a clock that runs a thousand times as fast" "0" "saved" faketime -f '+0 x1000' "$mlp" "${quick[@]}"
else
    skip "a clock that jumps while it runs" "needs faketime"
fi

echo
echo "tried $tried, mishandled $mishandled, not tried $untried"
[ "$mishandled" = 0 ]
