"""How the time of an epoch grows with the work: images, width, depth and batch, as Markdown tables.

    cargo build --release
    python scripts/bench_scaling.py                            # some two minutes
    python scripts/bench_scaling.py --cpus 0 --seconds 0.5     # on one processor, half as long

Every network is measured by `mlp bench` on one thread; "of peak" is its share of the floating-point
operations that a core can do at best, every product counted as dense.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = needs.parser(__doc__)
    parser.add_argument("--ours", default=ROOT / "target" / "release" / "mlp", metavar="BINARY")
    parser.add_argument("--seconds", default="1", help="for each network [default: 1]")
    parser.add_argument("--cpus", type=int, nargs="+", help="the processors to use [default: any]")
    args = parser.parse_args()
    if args.cpus:
        os.sched_setaffinity(0, args.cpus)
    machine = ["--threads", "1", "--json", "--data-dir", str(ROOT / "data")]

    def run(*flags):
        output = subprocess.check_output([args.ours, *flags, *machine], text=True, stderr=subprocess.DEVNULL)
        return [json.loads(line) for line in output.splitlines()]

    def bench(hidden, batch):
        answer = run("bench", "--hidden", hidden, "--batch-size", str(batch), "--seconds", args.seconds)
        return answer[0]["speeds"][0]

    def table(what, values, measure):
        print(f"| {what} | s/epoch | GFLOP/s | of peak |\n|--:|--:|--:|--:|")
        for value in values:
            speed = measure(value)
            print(
                f"| {value} | {speed['seconds_per_epoch']:.3f} | {speed['flops_per_second'] / 1e9:.1f} "
                f"| {100 * speed['share_of_peak']:.0f} % |",
                flush=True,
            )
        print()

    print("784-W-10, batches of 64:\n")
    table("width W", [16, 32, 64, 128, 256, 512, 1024, 2048, 4096], lambda width: bench(str(width), 64))
    print("784-256-…-256-10, batches of 64:\n")
    table("hidden layers", range(9), lambda depth: bench(",".join(["256"] * depth) or "none", 64))
    print("784-256-10:\n")
    table("batch", [1, 2, 3, 7, 10, 16, 64, 100, 256, 1000, 4096], lambda batch: bench("256", batch))
    print("784-256-10, batches of 64, mlp train:\n\n| images | s/epoch | µs an image |\n|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for valid in [59_000, 50_000, 30_000, 0]:
            flags = ["--hidden", "256", "--batch-size", "64", "--epochs", "3", "--valid", str(valid)]
            lines = run("train", *flags, "--out", str(Path(folder) / f"{valid}.bin"))
            seconds = [line["seconds"] for line in lines if "seconds" in line][-1]
            images = 60_000 - valid
            print(f"| {images} | {seconds:.3f} | {1e6 * seconds / images:.1f} |", flush=True)


if __name__ == "__main__":
    main()
