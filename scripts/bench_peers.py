"""Seconds of one training epoch in mlp and in other people's programs, side by side.

    python scripts/bench_peers.py                                  # the peers alone
    python scripts/bench_peers.py --ours target/release/mlp --threads 1
    python scripts/bench_peers.py --ours target/release/mlp --workload W3 --peers jax,torch
    python scripts/bench_peers.py --ours target/release/mlp --workload W2 --eval

Written with Python 3.11, numpy 2.4, torch 2.15, jax 0.10, tensorflow-cpu 2.21, scikit-learn 1.9.

All do the same work: f32, ReLU, softmax cross-entropy, plain SGD, all 60,000 images in a new order
each epoch, the last smaller batch included. The clock covers shuffling, gathering, and turning the
u8 pixels into f32; it does not cover start, loading, compiling, or the ten steps of warming up. The
peers take the form that was fastest when the script was written: whole epochs inside XLA for JAX and
TensorFlow, functional calls and one foreach update for PyTorch; they classify 1,000 images at a time.
"torch-loader" is PyTorch as most people write it.

Each peer lives in a process of its own. In every round each trains one epoch, one after the other,
while the others wait for their turn, so that slow drifts hit all alike. Other work does not: on two
threads PyTorch, NumPy and scikit-learn, whose threads spin, then lose up to tenfold. Believe only
what was measured on an idle machine. "ours" is started anew each round and its last epoch of two
counts (the only one if there is only one round).
Loss and accuracy are those of the first 10,000 training images after two epochs (or the only one),
computed from the weights, the same way for all: they show that each really trains.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

from bench_peers_worker import DATA, IMAGES, JUDGED, PEERS, WORKLOADS, judge, read_split

WORKER = Path(__file__).with_name("bench_peers_worker.py")


class Peer:
    """A worker process seen from outside."""

    def __init__(self, name, workload, threads):
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }
        command = [sys.executable, str(WORKER), name, workload, str(threads)]
        self.process = subprocess.Popen(
            command, env=environment, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.label = self.answer()["label"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a worker died: its last words are above")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    """The program itself, started anew for every answer."""

    def __init__(self, binary, work, threads, epochs, folder):
        self.model = Path(folder) / "model.bin"
        self.train = [
            binary, "train", "--loss", "ce", "--hidden", ",".join(map(str, work.hidden)), "--valid", "0",
            "--batch-size", str(work.batch_size), "--lr", str(work.learning_rate), "--epochs", str(epochs),
            "--out", str(self.model), "--data-dir", str(DATA), "--threads", str(threads), "--json",
        ]
        self.eval = [
            binary, "eval", str(self.model), "--data-dir", str(DATA), "--threads", str(threads), "--json"
        ]
        self.label = subprocess.check_output([binary, "--version"], text=True).strip()

    def ask(self, command):
        if command == "judge":
            tensors = load_file(self.model)
            weights = [(tensors[f"{2 * k}.weight"].T, tensors[f"{2 * k}.bias"]) for k in range(len(tensors) // 2)]
            images, labels = read_split("train")
            return judge(weights, images[:JUDGED], labels[:JUDGED])
        command = {"train": self.train, "eval": self.eval}[command]
        done = subprocess.run(command, text=True, capture_output=True)
        answers = [line for line in map(json.loads, done.stdout.splitlines()) if "seconds" in line]
        if done.returncode != 0 or not answers:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}, expected JSON with seconds\n{done.stderr}")
        return answers[-1]

    def close(self):
        pass


def measure(programs, work, rounds, epochs, evaluate):
    """One row for each program, and one table for training and, if asked, one for evaluating."""
    seconds = {program: [] for program in programs}
    judged = {}
    for done in range(1, rounds + 1):
        for program in programs:
            seconds[program].append(program.ask("train")["seconds"])
            load = f"load {os.getloadavg()[0]:.2f}"  # above --threads: others are busy, measure again
            print(f"round {done}: {program.label}: {seconds[program][-1]:.3f} s, {load}", file=sys.stderr)
            if done == epochs:
                judged[program] = program.ask("judge")
    tables = {"train": [row(p, seconds[p], judged[p]) for p in programs]}
    if evaluate:
        answers = {program: [] for program in programs}
        for _ in range(rounds):
            for program in programs:
                answers[program].append(program.ask("eval"))
        tables["eval"] = [
            row(p, [a["seconds"] for a in answers[p]], {"accuracy": answers[p][-1]["accuracy"]})
            for p in programs
        ]
    return tables


def row(program, seconds, more):
    return {
        "program": program.label,
        "seconds": seconds,
        "median": statistics.median(seconds),
        "ours": isinstance(program, Ours),
        **more,
    }


def print_table(title, rows):
    ours = next((r["median"] for r in rows if r["ours"]), None)
    print(f"\n{title}\n\n| program | median s | min to max | ÷ ours | loss | accuracy |\n|---|--:|--:|--:|--:|--:|")
    for r in sorted(rows, key=lambda r: r["median"]):
        ratio = f"{r['median'] / ours:.2f}" if ours else "–"
        loss = f"{r['loss']:.4f}" if "loss" in r else "–"
        low, high = min(r["seconds"]), max(r["seconds"])
        print(
            f"| {r['program']} | {r['median']:.4f} | {low:.4f} to {high:.4f} | {ratio} "
            f"| {loss} | {100 * r['accuracy']:.2f} % |"
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workload", choices=WORKLOADS, default="W1")
    parser.add_argument("--threads", type=int, default=1, help="also the number of processors to use")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"some of {','.join(PEERS)}")
    parser.add_argument("--ours", metavar="BINARY", help="the mlp program")
    parser.add_argument("--rounds", type=int, help="[default: 5 for W1 and W2, 3 for W3]")
    parser.add_argument("--eval", action="store_true", help="also classify the 10,000 test images")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    args = parser.parse_args()
    work = WORKLOADS[args.workload]

    # Whoever is started from here runs on these processors alone.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    rounds = args.rounds or work.rounds
    epochs = min(rounds, 2)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        programs = [Peer(name, args.workload, args.threads) for name in args.peers.split(",") if name]
        if args.ours:
            programs.append(Ours(args.ours, work, args.threads, epochs, folder))
        tables = measure(programs, work, rounds, epochs, args.eval)
        for program in programs:
            program.close()

    cpu = next(line for line in open("/proc/cpuinfo") if line.startswith("model name"))
    about = {
        "workload": args.workload,
        "layers": work.layers,
        "batch_size": work.batch_size,
        "learning_rate": work.learning_rate,
        "threads": args.threads,
        "rounds": rounds,
        "epochs_judged": epochs,
        "cpu": cpu.split(":")[1].strip(),
        "load_before": load,
    }
    if args.json:
        print(json.dumps(about | tables))
        return
    print(
        f"{args.workload}: {'-'.join(map(str, work.layers))}, batch {work.batch_size}, "
        f"learning rate {work.learning_rate}; threads {args.threads}, rounds {rounds}; "
        f"{about['cpu']}, load before {load:.2f}"
    )
    print_table(
        f"One epoch of {IMAGES} images; loss and accuracy on {JUDGED} of them after {epochs}", tables["train"]
    )
    if args.eval:
        print_table("Classifying the 10000 test images", tables["eval"])


if __name__ == "__main__":
    main()
