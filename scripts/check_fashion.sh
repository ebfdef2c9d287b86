#!/bin/sh
# Trains on Fashion-MNIST as Debian packages it, in three forms that must give the same model: as it comes, as IDX of
# 32-bit integers, and as NumPy's archive. Then looks for the names of its classes in what the program prints.
set -eu
usage="usage: scripts/check_fashion.sh [FOLDER]

FOLDER holds Fashion-MNIST's four .gz files; without it, Debian's package dataset-fashion-mnist is fetched and unpacked
into a temporary folder (needs apt-get and dpkg, no root). Needs a release build, and python3 (or PYTHON) with numpy. A minute."
case "${1-}" in -h|--help) echo "$usage"; exit 0 ;; esac
cd "$(dirname "$0")/.."
python=${PYTHON-python3}
mlp=$PWD/target/release/mlp
[ -x "$mlp" ] || { echo "no $mlp: cargo build --release" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
    from=$(cd "$1" && pwd)
else
    (cd "$work" && apt-get download -q dataset-fashion-mnist >/dev/null 2>&1 && dpkg -x ./*.deb unpacked)
    from=$work/unpacked/usr/share/datasets/fashion-mnist
fi
[ -f "$from/train-images-idx3-ubyte.gz" ] || { echo "$from: no Fashion-MNIST here" >&2; exit 1; }
mkdir "$work/wide" "$work/numpy"
"$python" - "$from" "$work" <<'PYTHON'
import gzip, struct, sys
import numpy as np
source, work = sys.argv[1:]
arrays = {}
for part, name in [("train", "train"), ("t10k", "test")]:
    for kind, key, dims in [("images-idx3", "x", 3), ("labels-idx1", "y", 1)]:
        raw = gzip.open(f"{source}/{part}-{kind}-ubyte.gz").read()
        shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
        array = np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)
        arrays[f"{key}_{name}"] = array
        with open(f"{work}/wide/{part}-{kind}-int", "wb") as file:
            file.write(bytes([0, 0, 0x0C, dims]) + struct.pack(f">{dims}I", *shape) + array.astype(">i4").tobytes())
np.savez(f"{work}/numpy/fashion.npz", **arrays)
PYTHON
cd "$work"
for form in "$from" wide numpy/fashion.npz; do
    name=$(basename "$form" .npz)
    "$mlp" train --quiet --hidden 50 --epochs 3 --data-dir "$form" --out "$name.bin"
    "$mlp" eval "$name.bin" --data-dir "$form" --json >"$name.json"
    printf '%-24s %s\n' "$name" "$("$python" -c 'import json,sys; d=json.load(open(sys.argv[1])); print(d["correct"], "of", d["images"])' "$name.json")"
done
"$python" - fashion-mnist.json wide.json fashion.json <<'PYTHON' || exit 1
import json, sys
found = [json.load(open(path)) for path in sys.argv[1:]]
right = [result["correct"] for result in found]
assert len(set(right)) == 1, f"other results in other forms: {right}"
assert right[0] > 8200, f"{right[0]} right, expected more than 8200 of 10000"
names = found[0]["classes"]
assert names[-1] == "Ankle boot", f"classes are called {names}"
PYTHON
"$mlp" eval fashion-mnist.bin --data-dir "$from" | grep -q 'Ankle boot'
echo "the same in every form, and its classes have their names"
