#!/usr/bin/env bash
# Fills tests/fuzz/corpus/ with sound files, as the program writes them: what mutations begin with.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --quiet
mlp=$(realpath "${CARGO_TARGET_DIR:-target}/release/mlp")
MLP_DATA_DIR=$(realpath data)
export MLP_DATA_DIR
cd tests/fuzz
mkdir -p corpus/{idx,model,arrays,npy,record,sweep,checkpoint,dataset,table}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Few images and no hidden layer, so that seeds are small.
train="train --valid 59900 --epochs 2 --quiet --force"
"$mlp" $train --hidden none --out corpus/model/softmax --checkpoint "$folder/plain"
"$mlp" $train --hidden 3 --activation tanh --dropout 0.2 --momentum 0.9 --label-smoothing 0.1 --deslant \
    --out corpus/model/hidden --best "$folder/best.bin" --checkpoint "$folder/momentum" --run "$folder/run"
"$mlp" $train --hidden 2 --loss mse --target digit --lr 0.01 --out corpus/model/digit
cp "$folder/plain/checkpoint.safetensors" corpus/checkpoint/plain
cp "$folder/momentum/checkpoint.safetensors" corpus/checkpoint/momentum
cp "$folder/run/run.jsonl" corpus/record/run
"$mlp" sweep --valid 59900 --epochs 1 --lr 0.1,1e30 --hidden none,3 --seeds 2 --out corpus/sweep/runs >"$folder/notes" 2>&1
for kind in npz safetensors; do
    "$mlp" export-batch corpus/model/softmax --out "$folder/batch.$kind" >"$folder/notes" 2>&1
    cp "$folder/batch.$kind" corpus/arrays/$kind
done

for file in t10k-labels train-labels; do
    cp ../../data/$file-idx1-ubyte.gz corpus/idx/$file.gz
    gzip -dc corpus/idx/$file.gz >corpus/idx/$file
done
for file in t10k-images train-images; do
    head -c 20000 ../../data/$file-idx3-ubyte.gz >corpus/idx/$file.gz
    (gzip -dc corpus/idx/$file.gz || true) 2>"$folder/notes" | head -c 20000 >corpus/idx/$file
done

# npy NAME DESCR FORTRAN SHAPE BYTES
npy() {
    local header="{'descr': '$2', 'fortran_order': $3, 'shape': $4, }"
    { printf '\x93NUMPY\x01\x00'"\\x$(printf %02x ${#header})"'\x00%s' "$header"; head -c "$5" /dev/zero; } >"corpus/npy/$1"
}
npy rows '<f4' False '(2, 3)' 24
npy columns '<f8' True '(3, 2)' 48
npy scalar '<f4' False '()' 4
npy empty '<f4' True '(0, 5)' 0

# idx NAME HEADER BYTES
idx() {
    { printf "$2"; head -c "$3" /dev/zero; } >"corpus/dataset/$1"
}
idx images '\0\0\x08\x03\0\0\0\x03\0\0\0\x02\0\0\0\x02' 12
idx floats '\0\0\x0d\x02\0\0\0\x02\0\0\0\x04' 32
idx reversed '\x01\x0c\0\0\x03\0\0\0' 12
printf 'label,pixel0,pixel1,pixel2,pixel3\n1,0,1,2,3\n0,4,5,6,255\n' >corpus/table/names
printf '5;0;1;2;3\n0;4.5;5;6;255\n' >corpus/table/plain
printf 'A\t0\t1\t2\t3\nB\t4\t5\t6\t7\n' >corpus/table/words
