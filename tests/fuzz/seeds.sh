#!/usr/bin/env bash
# Fills tests/fuzz/corpus/ with sound files, as the program writes them: what mutations begin with.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --quiet
mlp=$(realpath "${CARGO_TARGET_DIR:-target}/release/mlp")
MLP_DATA_DIR=$(realpath data)
export MLP_DATA_DIR
cd tests/fuzz
mkdir -p corpus/{idx,model,arrays,npy,record,checkpoint}
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
