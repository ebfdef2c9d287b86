"""The cells of docs/json.md, run as they stand there.

    python scripts/check_notebook.py
    python scripts/check_notebook.py --mlp target/debug/mlp --data-dir some/folder

Trains in a temporary folder, three epochs. Takes some seconds. Exit code 1 if a cell fails, or if the tables in pandas
are not what was trained. Written with Python 3.11 and pandas 2.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ["pandas"]
parser = needs.parser(__doc__, NEEDED)
parser.add_argument("--mlp", type=Path, default=ROOT / "target/release/mlp", help="the program")
parser.add_argument("--data-dir", type=Path, default=ROOT / "data", help="folder of the data")
ARGS = parser.parse_args()
needs.check(NEEDED)


def main():
    program, data = ARGS.mlp.resolve(), ARGS.data_dir.resolve()
    if program.name not in ("mlp", "mlp.exe") or not program.exists():
        sys.exit(f"{program}: expected the program mlp: cargo build --release")
    os.environ["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["MLP_DATA_DIR"] = str(data)
    cells = re.findall(r"```python\n(.*?)```", (ROOT / "docs/json.md").read_text(encoding="utf-8"), re.S)
    scope = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for cell in cells:
            exec(cell, scope)
        os.chdir(ROOT)
    history, record = scope["history"], scope["record"]
    kept = record[record["event"] == "epoch"]
    faults = [
        what
        for what, fine in {
            "three epochs came one by one": list(history.index) == [1, 2, 3],
            "each has a learning rate": (history["learning_rate"] == 0.1).all(),
            "the record has the same epochs": list(kept["valid_accuracy"]) == list(history["valid_accuracy"]),
        }.items()
        if not fine
    ]
    sys.exit("\n".join(f"not so: {what}" for what in faults) or None)


if __name__ == "__main__":
    main()
