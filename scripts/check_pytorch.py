"""What PyTorch makes of a model that mlp has trained, on the 10,000 test images.

    python scripts/check_pytorch.py model.bin
    python scripts/check_pytorch.py model.bin --against "target/release/mlp eval model.bin --json"

With --against, the same number of images must be right and the loss agree to 1e-5, else the exit
code is 1. Takes some seconds.
"""

import gzip
import json
import shlex
import subprocess
import sys
from pathlib import Path

import needs

DATA = Path(__file__).resolve().parent.parent / "data"
TOLERANCE = 1e-5
NEEDED = ["numpy", "safetensors", "torch"]
parser = needs.parser(__doc__, NEEDED)
parser.add_argument("model", type=Path)
parser.add_argument("--data", type=Path, default=DATA, help="folder of the .gz files")
parser.add_argument("--against", metavar="CMD", help="mlp eval ... --json, to compare with")
ARGS = parser.parse_args()
needs.check(NEEDED)

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open



def test_set(folder):
    """Images (N, 784) and labels (N), from the files as the mirrors serve them."""
    def elements(name, header):
        packed = (folder / f"{name}.gz").read_bytes()
        return torch.from_numpy(np.frombuffer(gzip.decompress(packed), np.uint8, offset=header).copy())

    images = elements("t10k-images-idx3-ubyte", 16)
    return images.view(-1, 784), elements("t10k-labels-idx1-ubyte", 8).long()


def load(path):
    """The network, from nothing but the names and shapes of its tensors, and mlp's metadata."""
    with safe_open(path, "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}
        metadata = json.loads(file.metadata()["mlp"])
    last = max(int(name.split(".")[0]) for name in state)
    modules = [
        torch.nn.Linear(*reversed(state[f"{k}.weight"].shape)) if k % 2 == 0 else torch.nn.ReLU()
        for k in range(last + 1)
    ]
    network = torch.nn.Sequential(*modules)
    network.load_state_dict(state)
    return network, metadata


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


def loss_and_classes(name, out, labels):
    if name == "ce":
        return F.cross_entropy(out, labels), out.argmax(dim=1)
    if name == "mse-onehot":
        return F.mse_loss(out, F.one_hot(labels, 10).to(out.dtype)), out.argmax(dim=1)
    if name == "mse-digit":
        return F.mse_loss(out[:, 0], labels.to(out.dtype)), (out[:, 0] + 0.5).floor().clamp(0, 9).long()
    if name == "bce":  # labels 0 and 1
        loss = F.binary_cross_entropy_with_logits(out[:, 0], labels.to(out.dtype))
        return loss, (out[:, 0] > 0).long()
    sys.exit(f"loss {name}, expected ce, mse-onehot, mse-digit or bce")


def main():
    network, metadata = load(ARGS.model)
    images, labels = test_set(ARGS.data)
    with torch.no_grad():
        images = deslanted(images.float()) if metadata.get("deslant") else images.float()
        out = network(images * metadata["input_scale"] + metadata["input_shift"])
        loss, classes = loss_and_classes(metadata["loss"], out, labels)
    loss, correct = loss.item(), (classes == labels).sum().item()
    layers = "-".join(map(str, metadata["layers"]))
    print(f"{ARGS.model}: {layers}, {metadata['loss']}, {len(labels)} test images")
    print(f"  PyTorch {torch.__version__:<14} loss {loss:.7f}  {correct} right")
    if ARGS.against is None:
        return

    ours = json.loads(subprocess.check_output(shlex.split(ARGS.against)))
    print(f"  {'mlp':<22} loss {ours['loss']:.7f}  {ours['correct']} right")
    if ours["correct"] != correct or abs(ours["loss"] - loss) > TOLERANCE * max(1.0, loss):
        sys.exit("  they differ")
    print("  they agree")


if __name__ == "__main__":
    main()
