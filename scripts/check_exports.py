"""Runs every export of `mlp export` with the program that it is for: onnxruntime, NumPy, PyTorch, a C compiler, JSON.

    cargo build --release
    python scripts/check_exports.py

Trains small networks with every activation and loss, with dropout and deslanting, exports each in every format, and runs it on
the 10,000 test images. Every class must be that of `mlp predict`, and every output that of the model file in float64, but for
rounding. onnx.checker must approve, and the C file must compile as C99 without a warning. Takes some minutes. Written with
Python 3.11, numpy 2.4, onnx 1.23, onnxruntime 1.32, safetensors 0.8, torch 2.15. Exit code 1 if anything differs.
"""

import csv
import gzip
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ["numpy", "onnx", "onnxruntime", "safetensors", "torch"]
MLP = [os.environ.get("MLP", str(ROOT / "target" / "release" / "mlp"))]
DATA = ROOT / "data"
IMAGES = DATA / "t10k-images-idx3-ubyte.gz"

# A difference of an output, as a share of the largest output, that rounding alone makes.
ROUNDING = 1e-5

MODELS = {
    "relu": [],
    "tanh": ["--activation", "tanh"],
    "scaled-tanh": ["--activation", "scaled-tanh"],
    "sigmoid": ["--activation", "sigmoid"],
    "leaky-relu": ["--activation", "leaky-relu"],
    "gelu": ["--activation", "gelu"],
    "none": ["--activation", "none"],
    "no hidden layer": ["--hidden", "none"],
    "three layers, dropout": ["--hidden", "40,30", "--dropout", "0.2,0.3"],
    "label smoothing": ["--label-smoothing", "0.1"],
    "mse one-hot": ["--loss", "mse"],
    "mse digit": ["--loss", "mse", "--target", "digit", "--lr", "0.01"],
    "bce": ["--loss", "bce", "--positive", "5"],
    "deslanted": ["--deslant"],
    "deslanted gelu, dropout": ["--deslant", "--activation", "gelu", "--dropout", "0,0.2"],
}


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, env=os.environ | {"MLP_DATA_DIR": str(DATA)}, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.decode()}")
    return done.stdout


def imported(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def activate(np, name, x):
    """The functions in float64, written on their own."""
    return {
        "relu": lambda: np.maximum(x, 0),
        "tanh": lambda: np.tanh(x),
        "scaled-tanh": lambda: 1.7159 * np.tanh(2 / 3 * x),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "leaky-relu": lambda: np.where(x > 0, x, 0.01 * x),
        "gelu": lambda: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        "none": lambda: x,
    }[name]()


def deslanted(np, images):
    """LeCun's deslanting, an image at a time."""
    upright = np.empty_like(images)
    r, c = np.mgrid[: images.shape[1], : images.shape[2]]
    for image, out in zip(images, upright):
        mass = image.sum()
        row, column = (image * r).sum() / mass, (image * c).sum() / mass
        slope = np.clip((image * (r - row) * (c - column)).sum() / (image * (r - row) ** 2).sum(), -1, 1)
        columns = np.arange(images.shape[2])
        for y in range(images.shape[1]):
            out[y] = np.interp(columns + slope * (y - row), np.arange(-1, images.shape[2] + 1), np.pad(image[y], 1))
    return upright


def outputs(np, model, pixels):
    """What the model file says, in float64."""
    from safetensors import safe_open

    with safe_open(model, "np") as file:
        about = json.loads(file.metadata()["mlp"])
        tensors = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}
    x = about["input_scale"] * pixels.astype(np.float64)  # the shift is 0 in all of these
    if about.get("deslant"):
        x = deslanted(np, x)
    x = x.reshape(len(x), -1)
    layers = sorted((name for name in tensors if name.endswith("weight")), key=lambda name: int(name.split(".")[0]))
    for name in layers:
        x = x @ tensors[name].T + tensors[name.replace("weight", "bias")]
        if name != layers[-1]:
            x = activate(np, about["activation"], x)
    return x


def with_onnx(np, folder, pixels):
    import onnx
    import onnxruntime

    path = str(folder / "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    blocks = [session.run(["logits", "class"], {"pixels": block}) for block in np.split(pixels, 100)]
    return [np.concatenate(parts) for parts in zip(*blocks)]


def with_numpy(np, folder, pixels):
    module = imported(folder / "model_numpy.py")
    return module.logits(pixels), module.predict(pixels)


def with_pytorch(np, folder, pixels):
    import torch

    module = imported(folder / "model_pytorch.py")
    pixels = torch.from_numpy(pixels)
    return module.logits(pixels).numpy(), module.predict(pixels).numpy()


def with_c(np, folder, pixels):
    strict = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run("cc", *strict, "-c", folder / "model.c", "-o", folder / "model.o")
    run("cc", *strict, "-DMLP_MAIN", folder / "model.c", "-o", folder / "classify", "-lm")
    table = np.loadtxt(io.BytesIO(run(folder / "classify", input=pixels.tobytes())))
    return table[:, 1:], table[:, 0]


def with_json(np, folder, pixels):
    net = json.loads((folder / "model.json").read_text())
    x = net["preprocessing"]["scale"] * pixels.astype(np.float64) + net["preprocessing"]["shift"]
    if net["preprocessing"]["deslant"]:
        x = deslanted(np, x)
    x = x.reshape(len(x), -1)
    for module in net["modules"]:
        if module["module"] == "linear":
            x = x @ np.array(module["weight"], np.float32).T + np.array(module["bias"], np.float32)
        else:
            x = activate(np, module["activation"], x)
    classes = {
        "largest": lambda: x.argmax(1),
        "threshold": lambda: x[:, 0] > 0,
        "nearest": lambda: np.clip(np.floor(x[:, 0] + 0.5), 0, len(net["classes"]) - 1),
    }
    return x, classes[net["decoding"]]()


FORMATS = {"onnx": with_onnx, "numpy": with_numpy, "pytorch": with_pytorch, "c": with_c, "json": with_json}


def main():
    parser = needs.parser(__doc__, NEEDED)
    parser.add_argument("models", nargs="*", help="only these: " + ", ".join(MODELS))
    chosen = parser.parse_args().models or list(MODELS)
    needs.check(NEEDED)
    import numpy as np

    pixels = np.frombuffer(bytearray(gzip.open(IMAGES).read()), np.uint8, offset=16).reshape(-1, 28, 28)
    bad = 0
    print(f"{'model':<26}{'format':<10}{'classes':>8}  {'largest difference':>20}  of up to")
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            model = folder / "model.bin"
            run(*MLP, "train", "--epochs", "1", "--quiet", *MODELS[name], "--out", model)
            labels = list(csv.reader(run(*MLP, "predict", model, IMAGES, "--csv").decode().splitlines()))[1:]
            # "not 5" and "5" are the classes 0 and 1.
            number = {"not 5": 0, "5": 1} if name == "bce" else {str(digit): digit for digit in range(10)}
            expected = np.array([number[label] for _, label in labels])
            z = outputs(np, model, pixels)
            for format, with_it in FORMATS.items():
                out = folder / {"numpy": "model_numpy.py", "pytorch": "model_pytorch.py"}.get(format, f"model.{format}")
                run(*MLP, "export", model, "--to", format, "--out", out)
                logits, classes = with_it(np, folder, pixels)
                same, difference, most = (classes == expected).sum(), np.abs(logits - z).max(), np.abs(z).max()
                wrong = same != len(pixels) or not difference <= ROUNDING * most
                bad += wrong
                print(f"{name:<26}{format:<10}{same:>8}  {difference:>20.1e}  {most:.1f}{'  WRONG' if wrong else ''}", flush=True)
    print(f"{bad} wrong" if bad else "all the same")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
