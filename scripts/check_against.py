"""Runs the Python of the README's "Judge your gradients", and with mistakes in it, through `mlp gradcheck --against`.

    cargo build --release
    python scripts/check_against.py

Takes half a minute. Written with Python 3.11, numpy 2.4, torch 2.15, safetensors 0.8. Exit code 1 if a right gradient is called
wrong, or a mistake is not named.
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
MLP = [str(ROOT / "target" / "release" / "mlp")]

section = (ROOT / "README.md").read_text().split("**Judge your gradients.**")[1].split("\n**")[0]
numpy_code, torch_code = (block.split("```")[0] for block in section.split("```python\n")[1:3])

# What to write for what in the NumPy version, and what must be found then.
MISTAKES = [
    (" * (l1 > 0)", "", "relu-mask-missing"),
    ("(dz @ w2) * (l1 > 0)", "1.0 * (l1 > 0)", "upstream-ignored"),
    (" / len(x)", "", "mean-missing"),
    (" / len(x)", " / p.size", "mean-over-others"),
    ("(p - np.eye(10)[t])", "(np.eye(10)[t] - p)", "sign"),
    ("p = np.exp(z - z.max(1, keepdims=True))\np /= p.sum(1, keepdims=True)", "p = np.exp(z)\np /= p.sum()", "logsumexp-not-by-rows"),
    ("dl1.sum(0)", "dl1.mean(0)", "bias-averaged"),
    ("dz.sum(0)", "dz[0]", "bias-not-summed"),
    ("dz.sum(0)", "dz", "sum over axis 0"),
    ("dl1.T @ x", "dl1[:, :, None] * x[:, None, :]", "sum over axis 0"),
    ("dl1.T @ x", "x[:, :, None] * dl1[:, None, :]", "and transpose"),
    ("dl1.sum(0)", "dl1.sum(0)[:, None]", "it is a column"),
    ("dl1.sum(0)", "dl1.sum()", "summed over too many axes"),
    ("dz.T @ l2", "l2.T @ dz", "transposed"),
    ("dz.T @ l2", "3 * dz.T @ l2", "3.0000 times"),
    ("dz.T @ l2", "dz.T @ l2 + 1", "other numbers"),
]


def run(*command):
    return subprocess.run([*MLP, *command], capture_output=True, text=True, env=os.environ | {"MLP_DATA_DIR": str(ROOT / "data")})


def against(grads):
    return run("gradcheck", "--model", "model.bin", "--against", grads, "--json")


def main():
    needs.parser(__doc__, NEEDED).parse_args()
    needs.check(NEEDED)
    bad = 0
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
            done = against(grads)
            right = done.returncode == 0 and json.loads(done.stdout)["passed"]
            errors = [tensor["error"] for tensor in json.loads(done.stdout)["tensors"]]
            print(f"{name}: {'right' if right else 'WRONG'}, largest error {max(errors):.1e}")
            bad += not right
        for right, wrong, expected in MISTAKES:
            assert numpy_code.count(right) == 1, right
            exec(numpy_code.replace(right, wrong), {})
            done = against("runs/grads.npz")
            found = done.returncode == 1 and expected in done.stdout
            print(f"{expected}: {'named' if found else 'NOT NAMED: ' + done.stdout + done.stderr}")
            bad += not found
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
