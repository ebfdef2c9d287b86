"""Judges gradients that notebooks compute with NumPy and PyTorch: right ones must be right, slips must be named.

    cargo build --release
    python scripts/check_against.py

Runs the README's "Judge your gradients" as it stands, then lessons' code on networks trained for 1 to 100 epochs, in float32 and
others, right and with one or two slips, through `mlp gradcheck --against`. Takes five minutes. Written with Python 3.11, numpy 2.4,
torch 2.15, safetensors 0.8. Exit code 1 if a right gradient is called wrong, or a slip is not named.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ["numpy", "safetensors", "torch"]
MLP = [os.environ.get("MLP", str(ROOT / "target" / "release" / "mlp"))]

section = (ROOT / "README.md").read_text().split("**Judge your gradients.**")[1].split("\n**")[0]
numpy_code, torch_code = (block.split("```")[0] for block in section.split("```python\n")[1:3])

# The lesson's way to write it: weights (inputs, outputs), any number of hidden layers, numbers of type F.
FORWARD = """
x = (batch["x"]).astype(F)
t = batch["targets"]
N, C = len(x), w[-1].shape[1]
a = [x]
l = []
for k in range(len(w)):
    l.append(a[-1] @ w[k] + b[k])
    if k < len(w) - 1:
        a.append(ACTIVATION(l[-1]))
z = l[-1]
"""
LOSS = {
    "ce": """
p = np.exp(z - z.max(1, keepdims=True))
p = p / p.sum(1, keepdims=True)
q = np.eye(C, dtype=F)[t]
dz = (p - q) / N
""",
    "onehot": """
q = np.eye(C, dtype=F)[t]
diff = z - q
dz = 2 * diff / (N * C)
""",
    "digit": """
y = t[:, None].astype(F)
diff = z - y
dz = 2 * diff / N
""",
}
BACKWARD = """
dl = dz
dw, db = [None] * len(w), [None] * len(w)
for k in reversed(range(len(w))):
    dw[k] = a[k].T @ dl
    db[k] = dl.sum(0)
    if k:
        da = dl @ w[k].T
        dl = da * SLOPE(l[k - 1], a[k])
"""
ACTIVATIONS = {
    "relu": ("np.maximum({}, 0)", "({0} > 0)"),
    "tanh": ("np.tanh({})", "(1 - {1} ** 2)"),
    "sigmoid": ("(1 / (1 + np.exp(-{})))", "({1} * (1 - {1}))"),
    "none": ("{}", "np.ones_like({0})"),
    "leaky-relu": ("np.where({0} > 0, {0}, 0.01 * {0})", "np.where({0} > 0, 1, 0.01).astype(F)"),
}

# What to write for what, in which loss and activation, what must be found then, and in how many gradients at least.
EVERY, CE, MSE = ("ce", "onehot", "digit"), ("ce",), ("onehot", "digit")
SLIPS = [
    (EVERY, "relu", "* SLOPE(l[k - 1], a[k])", "", "relu-mask-missing"),
    (EVERY, "relu", "SLOPE(l[k - 1], a[k])", "(a[k] >= 0)", "relu-mask-at-zero"),
    (EVERY, "relu", "SLOPE(l[k - 1], a[k])", "(l[k - 1] < 0)", "relu-mask-inverted"),
    (EVERY, "relu", "SLOPE(l[k - 1], a[k])", "(da > 0)", "relu-mask-of-gradient"),
    (EVERY, "relu", "da * SLOPE(l[k - 1], a[k])", "(l[k - 1] > 0).astype(F)", "upstream-ignored"),
    (EVERY, "tanh", "a[k])", "l[k - 1])", "slope-from-x"),
    (EVERY, "tanh", "a[k])", "np.tanh(a[k]))", "slope-at-output"),
    (EVERY, "sigmoid", "a[k])", "1 / (1 + np.exp(-a[k])))", "slope-at-output"),
    (EVERY, "tanh", "* SLOPE(l[k - 1], a[k])", "", "slope-missing"),
    (EVERY, "relu", "dw[k] = a[k].T @ dl", "dw[k] = (l[k - 1] if k else x).T @ dl", "before-activation-in-dw"),
    (EVERY, "relu", "dl.sum(0)", "dl.mean(0)", "bias-averaged"),
    (("ce", "onehot"), "relu", "dl.sum(0)", "dl[0]", "bias-not-summed"),
    (("ce", "onehot"), "relu", "dl.sum(0)", "np.full(dl.shape[1], dl.sum())", "bias-scalar"),
    (EVERY, "relu", "dl.sum(0)", "0 * dl[0]", "gradient-zero"),
    (EVERY, "relu", "dw[k] = a[k].T @ dl", "dw[k] = a[k].T @ dl / N", "mean-twice"),
    (EVERY, "relu", "dw[k] = a[k].T @ dl", "dw[k] = a[k].T @ dl + F(0.001) * w[k]", "weight-decay"),
    (EVERY, "relu", "dw[k] = a[k].T @ dl", "dw[k] = 2 * (a[k].T @ dl)", "not-zeroed"),
    (EVERY, "relu", "da = dl @ w[k].T", "da = dl @ dw[k].T", "gradient-for-weight"),
    (EVERY, "relu", "da = dl @ w[k].T", "da = dl @ (w[k] - F(0.1) * dw[k]).T", "weight-updated"),
    (("ce", "onehot"), "relu", "da = dl @ w[k].T", "da = dl @ w[k].reshape(w[k].shape[::-1])", "weight-reshaped"),
    (EVERY, "relu", '(batch["x"])', '(batch["x"] * 255)', "pixels-to-255"),
    (EVERY, "relu", 't = batch["targets"]', 't = np.roll(batch["targets"], 1)', "labels-shifted"),
    (EVERY, "relu", "+ b[k])", "+ b[k] + b[k])", "bias-twice"),
    (EVERY, "relu", "+ b[k])", ")", "bias-forgotten"),
    (EVERY, "relu", "z = l[-1]", "z = ACTIVATION(l[-1])", "activation-at-end"),
    (CE, "relu", "(p - q) / N", "(q - p) / N", "sign"),
    (CE, "relu", "(p - q) / N", "p - q", "mean-missing"),
    (CE, "relu", "(p - q) / N", "(p - q) / N / N", "mean-twice"),
    (CE, "relu", "(p - q) / N", "(p - q) / C", "mean-over-classes"),
    (CE, "relu", "(p - q) / N", "(p - q) / p.size", "mean-over-others"),
    (CE, "relu", "(p - q) / N", "p / N", "target-not-subtracted"),
    (CE, "relu", "(p - q) / N", "-q / p / N", "one-over-p"),
    (CE, "relu", "(p - q) / N", "(p - q) * p * (1 - p) / N", "softmax-slope-besides"),
    (CE, "relu", "(p - q) / N", "(p - t[:, None]) / N", "target-encoding"),
    (CE, "relu", "p.sum(1, keepdims=True)", "p.sum(0, keepdims=True)", None),
    (CE, "relu", "z.max(1, keepdims=True)", "z.max()", None),
    (CE, "relu", "p / p.sum(1, keepdims=True)", "np.exp(z - z.max()) / np.exp(z - z.max()).sum()", "logsumexp-not-by-rows"),
    (CE, "relu", "p / p.sum(1, keepdims=True)", "np.exp(z) / np.exp(z).sum(0)", "softmax-over-batch"),
    (CE, "relu", "q = np", "p = np.exp(p); p = p / p.sum(1, keepdims=True)\nq = np", "softmax-twice"),
    (MSE, "relu", "2 * diff", "diff", "two-missing"),
    (MSE, "relu", "2 * diff", "2 * z", "res-for-diff"),
    (("onehot",), "relu", "(N * C)", "N", "mean-over-others"),
    (("digit",), "relu", "2 * diff / N", "2 * (z - y.T).mean(1, keepdims=True) / N", "broadcast-n-by-n"),
    (("digit",), "relu", "da = dl @ w[k].T", "da = dl @ w[k].T if k < len(w) - 1 else 2 * (z - y @ w[k].T) / N", "misplaced-bracket"),
]


def run(*command):
    return subprocess.run([*MLP, *command], capture_output=True, text=True, env=os.environ | {"MLP_DATA_DIR": str(ROOT / "data")})


def against(model, grads, *more):
    done = run("gradcheck", "--model", model, "--against", grads, "--json", *more)
    if not done.stdout:
        raise SystemExit(f"{model} {grads}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)


class Tried:
    """What was tried, and what came out."""

    def __init__(self):
        self.tried, self.bad, self.unsure = 0, 0, 0

    def right(self, what, model, grads, *more):
        code, found = against(model, grads, *more)
        self.tried += 1
        verdicts = [tensor["verdict"] for tensor in found["tensors"]]
        self.unsure += verdicts.count("unsure")
        named = [tensor["looks_like"] for tensor in found["tensors"] if tensor["looks_like"]]
        nothing_told = code == 3 and set(verdicts) == {"unsure"}
        if code and not nothing_told or named or not set(verdicts) <= {"right", "transposed", "unsure"}:
            self.bad += 1
            print(f"called wrong: {what}: {[(t['name'], t['verdict'], t['relative_error'], t['looks_like']) for t in found['tensors']]}")

    def wrong(self, what, expected, model, grads, *more):
        code, found = against(model, grads, *more)
        self.tried += 1
        wrong = [tensor for tensor in found["tensors"] if tensor["verdict"] == "wrong"]
        named = [sorted(expected) in map(sorted, tensor["looks_like"]) for tensor in wrong]
        if not code or not named or not all(named):
            self.bad += 1
            print(f"not named: {what}: {[(t['name'], t['verdict'], t['relative_error'], t['looks_like'][:3]) for t in found['tensors']]}")


def gradients(np, code, model, activation, dtype, batch):
    """Runs the code of a notebook on an exported batch."""
    batch = np.load(batch)
    names = [name for name in batch.files if name.endswith("weight")]
    y, slope = ACTIVATIONS[activation]
    scope = {
        "np": np,
        "F": dtype,
        "batch": batch,
        "w": [batch[name].T.astype(dtype) for name in names],
        "b": [batch[name.replace("weight", "bias")].astype(dtype) for name in names],
        "ACTIVATION": eval("lambda l: " + y.format("l"), {"np": np}),
        "SLOPE": eval("lambda l, a: " + slope.format("l", "a"), {"np": np, "F": dtype}),
    }
    with np.errstate(all="ignore"):
        exec(code, scope)
    grads = {}
    for name, dw, db in zip(names, scope["dw"], scope["db"]):
        grads |= {name: dw.T, name.replace("weight", "bias"): db}
    return grads


def torch_gradients(torch, batch, layers, activation, loss, double):
    """PyTorch's own."""
    from safetensors.torch import load_file

    batch = load_file(batch)
    x, t = batch.pop("x"), batch.pop("targets")
    kinds = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "leaky-relu": torch.nn.LeakyReLU,
             "none": torch.nn.Identity}
    modules = []
    for i, o in zip(layers, layers[1:]):
        modules += [torch.nn.Linear(i, o), kinds[activation]()]
    net = torch.nn.Sequential(*modules[:-1])
    net.load_state_dict(batch)
    if double:
        net, x = net.double(), x.double()
    z = net(x)
    losses = {
        "ce": lambda: torch.nn.functional.cross_entropy(z, t),
        "onehot": lambda: torch.nn.functional.mse_loss(z, torch.nn.functional.one_hot(t, 10).to(z.dtype)),
        "digit": lambda: torch.nn.functional.mse_loss(z[:, 0], t.to(z.dtype)),
    }
    losses[loss]().backward()
    return {name: param.grad.numpy() for name, param in net.named_parameters()}


def main():
    needs.parser(__doc__, NEEDED).parse_args()
    needs.check(NEEDED)
    import numpy as np
    import torch

    tried = Tried()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for command in [
            ["train", "--epochs", "1", "--quiet"],
            ["export-batch", "model.bin", "--out", "runs/batch.npz"],
            ["export-batch", "model.bin", "--out", "runs/batch.safetensors"],
        ]:
            run(*command).check_returncode()
        for name, code, grads in [("NumPy", numpy_code, "runs/grads.npz"), ("PyTorch", torch_code, "runs/grads.safetensors")]:
            exec(code, {})
            tried.right(f"the README's {name}", "model.bin", grads)
        models = []
        for loss, flags in [("ce", []), ("onehot", ["--loss", "mse"]), ("digit", ["--loss", "mse", "--target", "digit", "--lr", "0.01"])]:
            for activation in ACTIVATIONS:
                for epochs, hidden in [(1, "50"), (20, "50"), (100, "40,40")]:
                    name = f"{loss}-{activation}-{epochs}.bin"
                    command = ["train", "--quiet", "--hidden", hidden, "--epochs", str(epochs), "--valid", "55000", *flags]
                    run(*command, "--activation", activation, "--out", name).check_returncode()
                    layers = [784, *map(int, hidden.split(",")), 1 if loss == "digit" else 10]
                    models.append((name, loss, activation, layers))
        run("train", "--quiet", "--init", "uniform=10", "--epochs", "1", "--lr", "1e-6", "--valid", "55000", "--out", "large.bin").check_returncode()
        models.append(("large.bin", "ce", "relu", [784, 50, 10]))
        for model, loss, activation, layers in models:
            code = FORWARD + LOSS[loss] + BACKWARD
            for n in ["1", "8", "64"]:
                for suffix in ["npz", "safetensors"]:
                    run("export-batch", model, "--batch-size", n, "--out", f"batch.{suffix}", "--force").check_returncode()
                size = ["--batch-size", n]
                for dtype in [np.float32, np.float64, np.float16]:
                    stored = gradients(np, code, model, activation, np.float32 if dtype == np.float16 else dtype, "batch.npz")
                    np.savez("grads.npz", **{name: array.astype(dtype) for name, array in stored.items()})
                    tried.right(f"{model}, {n} images, {dtype.__name__}", model, "grads.npz", *size)
                for double in [False, True]:
                    np.savez("grads.npz", **torch_gradients(torch, "batch.safetensors", layers, activation, loss, double))
                    tried.right(f"{model}, {n} images, PyTorch", model, "grads.npz", *size)
            if model.endswith("-100.bin") or model == "large.bin":
                continue  # so sure, or so large, that some slips hide
            for losses, of, right, wrong, expected in SLIPS:
                if loss not in losses or of != activation:
                    continue
                slipped = code.replace(right, wrong)
                assert slipped != code, right
                grads = gradients(np, slipped, model, activation, np.float32, "batch.npz")
                np.savez("grads.npz", **grads)
                if expected is None:
                    continue
                tried.wrong(f"{model}: {expected}", [expected], model, "grads.npz", *size)
            # Two at once, one of them in the first weight alone.
            if activation == "relu":
                wrong = code.replace(SLIPS[0][2], SLIPS[0][3]).replace("dl.sum(0)", "dl.mean(0)")
                grads = gradients(np, wrong, model, activation, np.float32, "batch.npz")
                right = gradients(np, code, model, activation, np.float32, "batch.npz")
                np.savez("grads.npz", **(right | {"0.bias": grads["0.bias"]}))
                tried.wrong(f"{model}: two in 0.bias", ["relu-mask-missing", "bias-averaged"], model, "grads.npz", *size)
    print(f"{tried.tried} files: {tried.bad} judged wrongly; {tried.unsure} gradients too sure to judge")
    sys.exit(1 if tried.bad else 0)


if __name__ == "__main__":
    main()
