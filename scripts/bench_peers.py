"""Seconds of one training epoch in mlp and in other people's programs, side by side, as Markdown.

    python scripts/bench_peers.py                          # everything: one to two hours, mostly W3
    python scripts/bench_peers.py --workloads W1,W2        # the two quick ones, some ten minutes
    python scripts/bench_peers.py --workloads W1 --peers numpy,sklearn --rounds 2     # a first look, a minute
    python scripts/bench_peers.py --workloads W3 --threads 2 --peers jax,tensorflow

Needs `cargo build --release` first, and the Python packages of the peers that are asked for: all of them take up
to 7 GB, numpy and sklearn alone 0.3 GB. The script says which are not there and how long it will take, and installs
nothing by itself: --install does, in a virtual environment outside of this repository (--venv). Written with
Python 3.11, numpy 2.4, torch 2.15, jax 0.10, tensorflow-cpu 2.21, scikit-learn 1.9.

All do the same work: f32, ReLU, softmax cross-entropy, plain SGD, all 60,000 images in a new order
each epoch, the last smaller batch included. The clock covers shuffling, gathering, and turning the
u8 pixels into f32; it does not cover start, loading, compiling, or the ten steps of warming up. The
peers take the form that was fastest when the script was written: whole epochs inside XLA for JAX and
TensorFlow, functional calls and one foreach update for PyTorch; they classify 1,000 images at a time.
"torch-loader" is PyTorch as most people write it.

On several threads, what counts is measured on as many cores: a rented machine may put its processors on
hyperthreads of one core for a while, where two threads reach the peak of one. So the peak is measured
before and after each measurement, and what fell into such a while is measured again.

Each peer lives in a process of its own. In every round each trains one epoch, one after the other,
while the others wait for their turn, so that slow drifts hit all alike. Other work does not: on two
threads PyTorch, NumPy and scikit-learn, whose threads spin, then lose up to tenfold. Believe only
what was measured on an idle machine. "ours" is started anew each round, and its last epoch counts.

Test accuracy is computed from the weights, the same way for all, after as many epochs for all: it shows
that each really trains. If one is more than a point behind the best, the exit code is 1.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import needs

WORKER = Path(__file__).with_name("bench_peers_worker.py")
ROOT = WORKER.parent.parent
DATA = ROOT / "data"
# Which module each peer needs, and the seconds of its epoch of each workload, on one core with a peak of
# 250 GFLOP/s (docs/performance.md): what the estimate of time is made of.
PEERS = {
    "tensorflow": ("tensorflow", {"W1": 0.110, "W2": 1.03, "W3": 25.5}),
    "jax": ("jax", {"W1": 0.105, "W2": 1.01, "W3": 23.9}),
    "torch": ("torch", {"W1": 0.216, "W2": 2.09, "W3": 45.6}),
    "torch-loader": ("torch", {"W1": 0.624, "W2": 2.50, "W3": 46.4}),
    "numpy": ("numpy", {"W1": 0.144, "W2": 1.79, "W3": 39.0}),
    "sklearn": ("sklearn", {"W1": 0.285, "W2": 2.75, "W3": 50.3}),
}
# The same for mlp, which trains as many epochs a round as accuracy is compared after.
OURS = {"W1": 0.07, "W2": 1.12, "W3": 18.2}
START_SECONDS = 10  # of a peer: imports, the data, warming up
ROUND_SECONDS = 2  # of a program: its peaks before and after, and the test images


def estimate(names, workloads, threads, rounds, flops):
    """Minutes that all will take. Several threads are counted as one: how much they win, the machine decides."""
    seconds = 0
    for workload in workloads:
        epochs = OURS[workload] + sum(PEERS[name][1][workload] for name in names)
        seconds += rounds * (epochs * 250e9 / flops + ROUND_SECONDS * (len(names) + 1)) + START_SECONDS * len(names)
    return seconds * len(threads) / 60


def start_again(python):
    """Runs this script in the virtual environment of another Python."""
    os.execv(python, [python, *(word for word in sys.argv if word != "--install")])


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

    def __init__(self, binary, work, threads, folder):
        from safetensors.numpy import load_file

        self.model = Path(folder) / "model.bin"
        machine = ["--data-dir", str(DATA), "--threads", str(threads), "--json"]
        self.train = [
            binary, "train", "--loss", "ce", "--hidden", ",".join(map(str, work.hidden)), "--valid", "0",
            "--batch-size", str(work.batch_size), "--lr", str(work.learning_rate), "--force",
            "--epochs", str(work.epochs), "--out", str(self.model), *machine,
        ]
        self.eval = [binary, "eval", str(self.model), *machine]
        self.label = subprocess.check_output([binary, "--version"], text=True).strip()
        self.load = load_file

    def ask(self, command):
        if command == "judge":
            tensors = self.load(self.model)
            weights = [(tensors[f"{2 * k}.weight"].T, tensors[f"{2 * k}.bias"]) for k in range(len(tensors) // 2)]
            return {"accuracy": accuracy(weights, *read_split("t10k"))}
        command = {"train": self.train, "eval": self.eval}[command]
        done = subprocess.run(command, text=True, capture_output=True)
        answers = [line for line in map(json.loads, done.stdout.splitlines()) if "seconds" in line]
        if done.returncode != 0 or not answers:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}, expected JSON with seconds\n{done.stderr}")
        return answers[-1]

    def close(self):
        pass


class Cores:
    """Whether the processors are cores of their own, told by the peak of all of them together."""

    TRIES = 20

    def __init__(self, binary, threads):
        self.binary, self.threads = binary, threads
        self.one, self.kernels = peak(binary, 1)
        self.all = self.one * threads
        self.again = 0

    def there(self):
        return self.threads == 1 or peak(self.binary, self.threads)[0] > 0.85 * self.all

    def seconds(self, measure_once):
        """The seconds that something took while every thread had a core."""
        for _ in range(self.TRIES):
            while not self.there():
                time.sleep(1)
            seconds = measure_once()
            if self.there():
                return seconds
            self.again += 1
        sys.exit(f"{self.threads} cores were never there for a whole measurement, in {self.TRIES} tries")


def measure(programs, work, rounds, cores):
    """Rows of two tables: seconds to train an epoch, and to classify the test images."""
    train = {program: [] for program in programs}
    classify = {program: [] for program in programs}
    trained = dict.fromkeys(programs, 0)
    judged = {}

    def train_epoch(program):
        seconds = program.ask("train")["seconds"]
        trained[program] += 1
        if trained[program] == work.epochs:
            judged[program] = program.ask("judge")["accuracy"]
        return seconds

    for done in range(1, rounds + 1):
        for program in programs:
            train[program].append(cores.seconds(lambda: train_epoch(program)))
            load = f"load {os.getloadavg()[0]:.2f}"  # above --threads: others are busy, measure again
            print(f"round {done}: {program.label}: {train[program][-1]:.3f} s, {load}", file=sys.stderr)
    for _ in range(rounds):
        for program in programs:
            classify[program].append(cores.seconds(lambda: program.ask("eval")["seconds"]))
    return [
        {
            "program": program.label,
            "ours": isinstance(program, Ours),
            "train_seconds": train[program],
            "eval_seconds": classify[program],
            "accuracy": judged[program],
        }
        for program in programs
    ]


def whole_process(binary, threads, rounds, folder):
    """Seconds from start to saved model: one epoch of 784-50-10, in mlp and in a PyTorch script."""
    model = str(Path(folder) / "whole")
    ours = [binary, "train", "--loss", "ce", "--hidden", "50", "--valid", "0", "--epochs", "1", "--force", "--out", model]
    ours += ["--data-dir", str(DATA), "--threads", str(threads), "--json"]
    commands = {"mlp": ours, "PyTorch script": [sys.executable, str(WORKER), "script", str(threads), model]}
    seconds, epochs = {name: [] for name in commands}, []
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds[name].append(time.perf_counter() - start)
            if name == "mlp":
                epochs += [line["seconds"] for line in map(json.loads, output.splitlines()) if "seconds" in line]
    medians = {name: statistics.median(all) for name, all in seconds.items()}
    return medians | {"epoch": statistics.median(epochs)}


def peak(binary, threads):
    """The machine's floating-point operations a second, and the names of the kernels."""
    command = [binary, "bench", "--hidden", "none", "--seconds", "0.1", "--threads", str(threads), "--json"]
    answer = json.loads(subprocess.check_output([*command, "--data-dir", str(DATA)], text=True, stderr=subprocess.DEVNULL))
    return answer["speeds"][0]["peak_flops_per_second"], answer["kernels"]


def print_table(rows, flops, peak_flops):
    """Every program, the fastest first."""
    median = lambda row, what: statistics.median(row[f"{what}_seconds"])
    ours = next(row for row in rows if row["ours"])
    print("| program | s/epoch | min to max | ÷ mlp | of peak | s to classify 10,000 | ÷ mlp | test accuracy |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for row in sorted(rows, key=lambda row: median(row, "train")):
        seconds, classify = median(row, "train"), median(row, "eval")
        low, high = min(row["train_seconds"]), max(row["train_seconds"])
        print(
            f"| {row['program']} | {seconds:.3f} | {low:.3f} to {high:.3f} "
            f"| {seconds / median(ours, 'train'):.2f} | {100 * flops / seconds / peak_flops:.0f} % "
            f"| {classify:.4f} | {classify / median(ours, 'eval'):.2f} | {100 * row['accuracy']:.2f} % |"
        )
    print(flush=True)


def main():
    parser = needs.parser(__doc__, ["numpy", "safetensors", *dict.fromkeys(module for module, _ in PEERS.values())])
    parser.add_argument("--workloads", default="W1,W2,W3", help="[default: %(default)s]")
    parser.add_argument("--threads", default="1,2", help="also the number of processors to use [default: %(default)s]")
    parser.add_argument("--peers", default=",".join(PEERS), help="[default: %(default)s]")
    parser.add_argument("--ours", metavar="BINARY", default=ROOT / "target" / "release" / "mlp")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each program [default: %(default)s]")
    parser.add_argument("--cpus", type=int, nargs="+", help="the processors to use [default: the first]")
    parser.add_argument(
        "--venv", type=Path, default=Path.home() / ".cache" / "mlp-bench-venv", help="[default: %(default)s]"
    )
    parser.add_argument("--install", action="store_true", help="first install what the peers need into --venv")
    parser.add_argument("--json", type=Path, help="also write every single measurement to this file")
    args = parser.parse_args()
    names, workloads, threads = args.peers.split(","), args.workloads.split(","), args.threads.split(",")
    for flag, given, known in [("--peers", names, PEERS), ("--workloads", workloads, OURS)]:
        if unknown := [word for word in given if word not in known]:
            parser.error(f"{flag}: {unknown[0]}, expected some of {','.join(known)}")
    binary = str(Path(args.ours).resolve())
    if not Path(binary).exists():
        parser.error(f"{binary}: not there: cargo build --release")
    modules = list(dict.fromkeys(["numpy", "safetensors", *(PEERS[name][0] for name in names)]))
    python = args.venv / "bin" / "python"
    inside = Path(sys.prefix).resolve() == args.venv.resolve()
    if needs.missing(modules) and python.exists() and not inside and not args.install:
        start_again(python)
    flops, _ = peak(binary, 1)
    minutes = estimate(names, workloads, threads, args.rounds, flops)
    print(
        f"{args.workloads}, peers: {args.peers}, threads: {args.threads}, rounds: {args.rounds}: "
        f"about {max(1, round(minutes))} min on this machine ({flops / 1e9:.0f} GFLOP/s a core), several times as long if it is busy",
        file=sys.stderr,
    )
    if args.install:
        if not python.exists():
            subprocess.check_call([sys.executable, "-m", "venv", args.venv])
        subprocess.check_call([python, "-m", "pip", "install", *needs.packages(modules)])
        start_again(python)
    if absent := needs.missing(modules):
        sys.exit(f"needs Python packages that are not here: {' '.join(needs.packages(absent))}: --install puts them into {args.venv}")

    global accuracy, read_split
    from bench_peers_worker import WORKLOADS, accuracy, read_split

    fewest = max(WORKLOADS[workload].epochs for workload in workloads)
    if args.rounds < fewest:
        parser.error(f"--rounds: at least {fewest}: accuracies are compared after as many epochs")
    cpus = args.cpus or sorted(os.sched_getaffinity(0))
    cpu = next(line for line in open("/proc/cpuinfo") if line.startswith("model name"))
    about = {"date": str(date.today()), "cpu": cpu.split(":")[1].strip(), "rounds": args.rounds, "load": os.getloadavg()[0]}
    print(f"{about['date']}, {about['cpu']}, medians of {args.rounds} interleaved epochs, load before {about['load']:.2f}\n")
    everything, behind = [], []
    for threads in map(int, threads):
        # Whoever is started from here runs on these processors alone.
        os.sched_setaffinity(0, cpus[:threads])
        cores = Cores(binary, threads)
        for workload in workloads:
            work = WORKLOADS[workload]
            with tempfile.TemporaryDirectory() as folder:
                programs = [Peer(name, workload, threads) for name in names]
                programs.append(Ours(binary, work, threads, folder))
                rows = measure(programs, work, args.rounds, cores)
                for program in programs:
                    program.close()
            print(
                f"**{workload}**: {'-'.join(map(str, work.layers))}, batch {work.batch_size}, learning rate "
                f"{work.learning_rate}; threads: {threads}; {cores.kernels}, peak {cores.all / 1e9:.0f} GFLOP/s; "
                f"accuracy after epochs: {work.epochs}; measured again for want of cores: {cores.again}\n"
            )
            print_table(rows, work.flops, cores.all)
            best = max(row["accuracy"] for row in rows)
            behind += [(workload, threads, row["program"]) for row in rows if row["accuracy"] < best - 0.01]
            everything.append({"workload": workload, "threads": threads, "peak": cores.all, "rows": rows})
        if "W1" in workloads and any(name.startswith("torch") for name in names):
            with tempfile.TemporaryDirectory() as folder:
                whole = whole_process(binary, threads, args.rounds, folder)
            print(
                f"Whole process, start to saved model, one epoch of 784-50-10, threads: {threads}: mlp {whole['mlp']:.2f} s "
                f"({whole['mlp'] / whole['epoch']:.1f} times the epoch itself), PyTorch script {whole['PyTorch script']:.2f} s, "
                f"{whole['PyTorch script'] / whole['mlp']:.1f} times as long.\n"
            )
            everything.append({"whole": whole, "threads": threads})
    if args.json:
        args.json.write_text(json.dumps(about | {"measured": everything}))
    for workload, threads, program in behind:
        print(f"{workload}, threads {threads}: {program} is more than a point behind: does it learn?", file=sys.stderr)
    sys.exit(1 if behind else 0)


if __name__ == "__main__":
    main()
