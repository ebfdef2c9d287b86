"""What PyTorch makes of a model that mlp has trained, on the 10,000 test images.

    python scripts/check_pytorch.py model.bin
    python scripts/check_pytorch.py --all

The network is loaded by the code in the README's section "Take the model with you", as it stands there. As many images
must be right as `mlp eval` says, and the loss agree to 1e-5, else the exit code is 1. --all trains small networks in a
temporary folder, with every activation and loss, and checks each. The environment variable MLP names the program, if
it is not target/release/mlp. Takes some seconds, --all a minute.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent
MLP = os.environ.get("MLP", str(ROOT / "target" / "release" / "mlp"))
TOLERANCE = 1e-5
NEEDED = ["numpy", "safetensors", "torch"]
parser = needs.parser(__doc__, NEEDED)
parser.add_argument("model", type=Path, nargs="*", help="a model that mlp train has saved")
parser.add_argument("--all", action="store_true", help="train and check networks of every kind")
parser.add_argument("--data", type=Path, default=ROOT / "data", help="folder of MNIST's .gz files, or of others in their form")
ARGS = parser.parse_args()
if not ARGS.model and not ARGS.all:
    parser.error("nothing to check: name a model, or give --all")
needs.check(NEEDED)

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F

# The code that is proved: it defines load(path), and loads a model.bin that is not here.
section = (ROOT / "README.md").read_text().split("## Take the model with you")[1]
README_CODE = section.split("```python\n")[1].split("\nnet, meta = load(")[0]
exec(README_CODE)

KINDS = {
    **{
        f"activation {name}": f"--hidden 50,20 --activation {name}"
        for name in ["relu", "leaky-relu", "gelu", "tanh", "scaled-tanh", "sigmoid", "none"]
    },
    "no hidden layer": "--hidden none",
    "dropout of units": "--dropout 0.5",
    "dropout of inputs and units": "--hidden 50,20 --dropout 0.2,0,0.5 --activation tanh",
    "deslanted": "--deslant",
    "label smoothing": "--label-smoothing 0.1",
    "class weights": "--class-weights balanced",
    "mse, one-hot targets": "--loss mse",
    "mse, digit targets": "--loss mse --target digit",
    "binary cross-entropy": "--positive 5",
    "binary, deslanted, dropout": "--positive 8 --deslant --dropout 0.2 --activation gelu",
}


def test_set(folder):
    """Images (N, 784) and labels (N), from the files as the mirrors serve them."""
    def elements(name, header):
        packed = (folder / f"{name}.gz").read_bytes()
        return torch.from_numpy(np.frombuffer(gzip.decompress(packed), np.uint8, offset=header).copy())

    images = elements("t10k-images-idx3-ubyte", 16)
    return images.view(-1, 784), elements("t10k-labels-idx1-ubyte", 8).long()


def deslanted(x):
    """Images (N, 784) sheared about their centres until they lean neither way, as src/data/deslant.rs has it."""
    x = x.view(-1, 28, 28)
    row, column = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    mean = lambda values: (x * values).sum((1, 2), keepdim=True) / x.sum((1, 2), keepdim=True)
    down, across = row - mean(row), column - mean(column)
    slope = (mean(down * across) / mean(down * down)).clamp(-1, 1)
    place = column + slope * down
    left = place.floor()
    padded = F.pad(x, (28, 29))  # black, as far as any row moves
    at = lambda columns: padded.gather(2, (columns.long() + 28).clamp(0, padded.shape[2] - 1))
    return (at(left) + (place - left) * (at(left + 1) - at(left))).reshape(-1, 784)


def loss_and_classes(kind, out, labels):
    """The mean loss of these outputs (N, C), and the class that each row stands for."""
    name, strength = next(iter(kind.items())) if isinstance(kind, dict) else (kind, 0.0)
    if name in ["ce", "smoothed-ce"]:
        return F.cross_entropy(out, labels, label_smoothing=strength), out.argmax(dim=1)
    if name == "mse-onehot":
        return F.mse_loss(out, F.one_hot(labels, out.shape[1]).to(out.dtype)), out.argmax(dim=1)
    if name == "mse-digit":
        return F.mse_loss(out[:, 0], labels.to(out.dtype)), (out[:, 0] + 0.5).floor().clamp(0, 9).long()
    if name == "bce":
        loss = F.binary_cross_entropy_with_logits(out[:, 0], labels.to(out.dtype))
        return loss, (out[:, 0] > 0).long()
    sys.exit(f"loss {name}, expected ce, smoothed-ce, mse-onehot, mse-digit or bce")


def pytorch(path):
    """What PyTorch finds: the loss, the number of right images, and what the network is."""
    network, metadata = load(path)
    images, labels = test_set(ARGS.data)
    if metadata["layers"][0] != images.shape[1]:
        sys.exit(f"{path}: of images of {metadata['layers'][0]} pixels, expected {images.shape[1]}: other data need --data")
    if (positive := metadata.get("positive")) is not None:
        labels = (labels == positive).long()
    with torch.no_grad():
        images = deslanted(images.float()) if metadata.get("deslant") else images.float()
        out = network(images * metadata["input_scale"] + metadata["input_shift"])
        loss, classes = loss_and_classes(metadata["loss"], out, labels)
    about = f"{'-'.join(map(str, metadata['layers']))}, {metadata['activation']}, {metadata['loss']}"
    return loss.item(), (classes == labels).sum().item(), about


def mlp(*words):
    """What the program prints."""
    try:
        return subprocess.check_output([MLP, *words], text=True, stderr=subprocess.PIPE)
    except FileNotFoundError:
        sys.exit(f"no {MLP}: cargo build --release, or name the program in MLP")
    except subprocess.CalledProcessError as error:
        sys.exit(f"mlp {' '.join(map(str, words))}: exit code {error.returncode}\n{error.stderr}")


def agrees(path, name):
    """Whether PyTorch and mlp find the same. Prints both."""
    loss, correct, about = pytorch(path)
    ours = json.loads(mlp("eval", path, "--json", "--data-dir", ARGS.data))
    close = abs(ours["loss"] - loss) <= TOLERANCE * max(1.0, loss)
    agree = close and ours["correct"] == correct
    print(f"{name}: {about}")
    print(f"  PyTorch {torch.__version__:<14} loss {loss:.7f}  {correct} right")
    print(f"  {'mlp':<22} loss {ours['loss']:.7f}  {ours['correct']} right{'' if agree else '  they differ'}")
    return agree


def with_other_inputs(source, path):
    """The same network, for pixels normalised to mean 0 and standard deviation 1: its first layer undoes that."""
    mean, std = 0.1307, 0.3081
    with safetensors.safe_open(source, "pt") as file:
        metadata = json.loads(file.metadata()["mlp"])
    state = safetensors.torch.load_file(source)
    state["0.bias"] = state["0.bias"] + mean * state["0.weight"].sum(1)
    state["0.weight"] = state["0.weight"] * std
    metadata |= {"input_scale": 1 / 255 / std, "input_shift": -mean / std}
    safetensors.torch.save_file(state, path, {"mlp": json.dumps(metadata)})


def main():
    results = [agrees(path, path) for path in ARGS.model]
    if ARGS.all:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.bin"
            for name, flags in KINDS.items():
                mlp("train", "--quiet", "--epochs", "1", "--data-dir", ARGS.data, "--out", path, *flags.split())
                results.append(agrees(path, name))
            other = Path(folder) / "normalised.bin"
            mlp("train", "--quiet", "--epochs", "1", "--data-dir", ARGS.data, "--out", path)
            with_other_inputs(path, other)
            results.append(agrees(other, "normalised inputs"))
    if not all(results):
        sys.exit(f"{results.count(False)} of {len(results)} differ")
    print(f"{len(results)} of {len(results)} agree")


if __name__ == "__main__":
    main()
