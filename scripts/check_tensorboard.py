"""What `mlp train --tensorboard` writes, read by TensorBoard itself.

    cargo build --release
    python scripts/check_tensorboard.py

Trains a small network on a few hundred images made here, tears a record, resumes a run, and reads the folders with TensorBoard's own
loader. Every number must be that of run.jsonl, every histogram of the last epoch must count the weights of the model file,
every image must decode to the colours of its weights, and no step may come twice. Takes some seconds. MLP names another
program than target/release/mlp. Written with Python 3.11, tensorboard 2.20, numpy 2.4, pillow 12. Exit code 1 if anything
differs.
"""

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import needs

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ["numpy", "tensorboard", "PIL"]
MLP = os.environ.get("MLP", str(ROOT / "target" / "release" / "mlp"))
DATA = ["--data-dir", "data.npz"]
TRAIN = ["train", "--quiet", "--valid", "200", *DATA, "--hidden", "20,12", "--momentum", "0.9", "--lr", "0.02"]
BLUE, ORANGE, WHITE = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (255, 255, 255)
faults = []


def check(what, fine):
    if not fine:
        faults.append(what)


def run(folder, *command):
    done = subprocess.run([MLP, *command], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"mlp {' '.join(command)}: {done.stderr}")


def save_data(path):
    """Images of ten classes: a bright row each, and noise."""
    generator = np.random.default_rng(1)

    def images(n):
        labels = np.arange(n) % 10
        pixels = generator.integers(0, 120, (n, 28, 28))
        pixels[np.arange(n), 2 * labels + 4] += 120
        return pixels.astype("u1"), labels.astype("u1")

    (x_train, y_train), (x_test, y_test) = images(800), images(100)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def loaded(folder):
    everything = {kind: 0 for kind in ("scalars", "histograms", "images", "tensors")}
    events = EventAccumulator(str(folder), size_guidance=everything)
    events.Reload()
    return events


def expected_scalars(epoch):
    """Every number of an epoch, by its tag."""
    names = {
        "loss/train": "train_loss",
        "loss/valid": "valid_loss",
        "accuracy/train": "train_accuracy",
        "accuracy/valid": "valid_accuracy",
        "learning_rate": "learning_rate",
        "images_per_second": "images_per_second",
    }
    numbers = {tag: epoch[name] for tag, name in names.items()}
    for layer in epoch["statistics"]:
        for name in ("gradient_norm", "update_ratio", "activation_mean", "activation_deviation", "dead"):
            numbers[f"{name}/{layer['module']}"] = layer[name]
    return {tag: float(np.float32(number)) for tag, number in numbers.items() if number is not None}


def check_scalars(events, record):
    epochs = [line for line in map(json.loads, record.read_text().splitlines()) if line["event"] == "epoch"]
    tags = set(events.Tags()["scalars"])
    check("the tags are those of the record", tags == {tag for epoch in epochs for tag in expected_scalars(epoch)})
    for tag in sorted(tags):
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        expected = [(e["epoch"], expected_scalars(e)[tag]) for e in epochs if tag in expected_scalars(e)]
        check(f"{tag}: {found}, expected {expected}", found == expected)
    return [epoch["epoch"] for epoch in epochs]


def parameters(path):
    """The tensors of a safetensors file of float32."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    body = data[8 + length :]
    return {
        name: np.frombuffer(body[slice(*tensor["data_offsets"])], "<f4").reshape(tensor["shape"])
        for name, tensor in header.items()
    }


def check_histograms(events, model, steps):
    check("every parameter has a histogram", set(events.Tags()["histograms"]) == set(model))
    for name, values in model.items():
        histograms = events.Histograms(name)
        check(f"{name}: a histogram an epoch", [h.step for h in histograms] == steps)
        found = histograms[-1].histogram_value
        values = values.astype("f8").ravel()
        limits, counts = np.array(found.bucket_limit), np.array(found.bucket)
        check(f"{name}: count", found.num == len(values) == counts.sum())
        check(f"{name}: least and most", (found.min, found.max) == (values.min(), values.max()))
        check(f"{name}: sums", np.allclose([found.sum, found.sum_squares], [values.sum(), (values**2).sum()]))
        check(f"{name}: limits", (np.diff(limits) > 0).all() and limits[-1] == found.max)
        # A number on a limit may count on either side of it.
        below = np.array([(values <= limit).sum() for limit in limits])
        check(f"{name}: counts", np.abs(np.cumsum(counts) - below).max() <= 1)


def colour(v):
    ink = np.array(ORANGE if v < 0 else BLUE)
    strength = min(abs(v), 1.0)
    return np.array(WHITE) * (1 - strength) + ink * strength


def check_images(events, weight, steps):
    (tag,) = events.Tags()["images"]
    images = events.Images(tag)
    check("an image an epoch", [image.step for image in images] == steps)
    last = images[-1]
    pixels = np.asarray(Image.open(io.BytesIO(last.encoded_image_string)).convert("RGB")).astype("f8")
    lines = -(-len(weight) // 8)
    check("size of the image", pixels.shape == (29 * lines - 1, 29 * 8 - 1, 3) == (last.height, last.width, 3))
    distances = np.sort(np.abs(weight[weight != 0].astype("f8")))
    most = distances[int(np.ceil(0.99 * len(distances))) - 1]
    for unit, row in enumerate(weight):
        top, left = 29 * (unit // 8), 29 * (unit % 8)
        found = pixels[top : top + 28, left : left + 28].reshape(784, 3)
        expected = np.array([colour(v / most) for v in row.astype("f8")])
        check(f"unit {unit}: colours", np.abs(found - expected).max() <= 1)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_data(folder / "data.npz")
        run(folder, *TRAIN, "--epochs", "4", "--tensorboard", "tb/once", "--run", "once", "--out", "once.bin")
        run(folder, *TRAIN, "--epochs", "4", "--out", "plain.bin")
        same = (folder / "plain.bin").read_bytes() == (folder / "once.bin").read_bytes()
        check("the model is the same without events", same)
        events = loaded(folder / "tb/once")
        steps = check_scalars(events, folder / "once/run.jsonl")
        check("four epochs", steps == [1, 2, 3, 4])
        model = parameters(folder / "once.bin")
        check_histograms(events, model, steps)
        check_images(events, model["0.weight"], steps)
        settings = events.Tensors("settings")[0].tensor_proto.string_val[0].decode()
        check("the settings are told", "| batch_size | 16 |" in settings and "| layers | [784,20,12,10] |" in settings)

        # Torn records: all before them are read.
        (file,) = (folder / "tb/once").iterdir()
        whole = file.read_bytes()
        for cut in (1, 20, 3000):
            torn = folder / f"torn{cut}"
            torn.mkdir()
            (torn / file.name).write_bytes(whole[:-cut])
            found = [event.step for event in loaded(torn).Scalars("loss/train")]
            check(f"{cut} bytes short: {found}", found == [1, 2, 3])

        # Resumed, with an epoch that the checkpoint does not know.
        again = ["--tensorboard", "tb/again", "--run", "again", "--out", "again.bin"]
        run(folder, *TRAIN, "--epochs", "2", *again, "--checkpoint", "kept")
        kept = (folder / "kept/checkpoint.safetensors").read_bytes()
        run(folder, "train", "--quiet", *DATA, "--resume", "kept", "--epochs", "3")
        (folder / "kept/checkpoint.safetensors").write_bytes(kept)
        run(folder, "train", "--quiet", *DATA, "--resume", "kept", "--epochs", "4")
        check("three files", len(list((folder / "tb/again").iterdir())) == 3)
        events = loaded(folder / "tb/again")
        check("no step comes twice", check_scalars(events, folder / "again/run.jsonl") == [1, 2, 3, 4])
    print("\n".join(f"not so: {fault}" for fault in faults) or "TensorBoard reads all that was written")
    sys.exit(bool(faults))


if __name__ == "__main__":
    parser = needs.parser(__doc__, NEEDED)
    parser.parse_args()
    needs.check(NEEDED)
    import numpy as np
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    main()
