"""The peers of bench_peers.py, each in a process of its own:

    python scripts/bench_peers_worker.py PEER WORKLOAD THREADS

answers each line on stdin (train, eval, judge) with one line of JSON on stdout.
"""

import gzip
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data"
WARM_UP_STEPS = 10
IMAGES = 60_000


@dataclass
class Workload:
    hidden: list[int]
    batch_size: int
    learning_rate: float
    epochs: int  # after which accuracy is compared

    @property
    def layers(self):
        return [784, *self.hidden, 10]

    @property
    def steps(self):
        """Full batches of an epoch; what remains is one more, smaller step."""
        return IMAGES // self.batch_size

    @property
    def flops(self):
        """Floating-point operations of an epoch: two for each element of x·w, xᵀ·dy and, but for the first, dy·wᵀ."""
        products = [i * o for i, o in zip(self.layers, self.layers[1:])]
        return 2 * IMAGES * (3 * sum(products) - products[0])


WORKLOADS = {
    "W1": Workload([50], 64, 0.1, 2),
    "W2": Workload([512, 512], 128, 0.1, 2),
    "W3": Workload([2500, 2000, 1500, 1000, 500], 100, 0.01, 1),
}


def read_split(name):
    """Images (N, 784) and labels (N), u8."""
    def elements(file, header):
        return np.frombuffer(gzip.decompress((DATA / file).read_bytes()), np.uint8, offset=header)

    images = elements(f"{name}-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    return images, elements(f"{name}-labels-idx1-ubyte.gz", 8)


def initial_weights(work):
    """[(w (I, O), b (O))], Kaiming-uniform as in mlp."""
    rng = np.random.default_rng(1)
    return [
        (rng.uniform(-1, 1, (i, o)).astype(np.float32) * np.float32(np.sqrt(6 / i)), np.zeros(o, np.float32))
        for i, o in zip(work.layers, work.layers[1:])
    ]


# The peers. Each takes the workload, the number of threads, images and labels (u8), and gives
#   train(steps)     that many full batches of a fresh order; after the last one the smaller batch
#   predict(images)  classes (N)
#   weights()        [(w (I, O), b (O))]


def jax_scan(work, threads, images, labels):
    import jax
    import jax.numpy as jnp
    from jax import lax

    size = work.batch_size
    images, labels = jnp.asarray(images), jnp.asarray(labels, jnp.int32)
    params = jax.tree.map(jnp.asarray, initial_weights(work))
    rng = np.random.default_rng(2)

    def logits(params, pixels):
        x = pixels.astype(jnp.float32) * (1 / 255)
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    def loss(params, pixels, targets):
        log_p = jax.nn.log_softmax(logits(params, pixels))
        return -jnp.take_along_axis(log_p, targets[:, None], axis=1).mean()

    def step(params, images, labels, batch):
        grads = jax.grad(loss)(params, images[batch], labels[batch])
        return jax.tree.map(lambda p, g: p - work.learning_rate * g, params, grads)

    # lax.scan would compile anew for every value of steps
    def epoch(params, images, labels, order, steps):
        def body(i, params):
            return step(params, images, labels, lax.dynamic_slice(order, (i * size,), (size,)))

        params = lax.fori_loop(0, steps, body, params)
        rest = order[work.steps * size :]
        return step(params, images, labels, rest) if len(rest) else params

    epoch = jax.jit(epoch, donate_argnums=0)
    classes = jax.jit(lambda params, pixels: logits(params, pixels).argmax(axis=1))

    def train(steps):
        nonlocal params
        order = rng.permutation(IMAGES).astype(np.int32)
        params = jax.block_until_ready(epoch(params, images, labels, order, steps))

    return train, lambda pixels: np.asarray(classes(params, pixels)), lambda: params


def tensorflow_xla(work, threads, images, labels):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    size = work.batch_size
    images, labels = tf.constant(images), tf.constant(labels, tf.int32)
    params = [(tf.Variable(w), tf.Variable(b)) for w, b in initial_weights(work)]
    variables = [p for layer in params for p in layer]
    rng = np.random.default_rng(2)

    def logits(pixels):
        x = tf.cast(pixels, tf.float32) * (1 / 255)
        for w, b in params[:-1]:
            x = tf.nn.relu(tf.nn.bias_add(x @ w, b))
        w, b = params[-1]
        return tf.nn.bias_add(x @ w, b)

    def step(images, labels, batch):
        with tf.GradientTape() as tape:
            out = logits(tf.gather(images, batch))
            targets = tf.gather(labels, batch)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, out))
        for p, g in zip(variables, tape.gradient(loss, variables)):
            p.assign_sub(work.learning_rate * g)

    @tf.function(jit_compile=True)
    def epoch(images, labels, order, steps):
        i = tf.constant(0)
        while i < steps:  # tf.range would compile anew for every value of steps
            step(images, labels, tf.slice(order, [i * size], [size]))
            i += 1
        rest = order[work.steps * size :]
        if len(rest):
            step(images, labels, rest)

    @tf.function(jit_compile=True)
    def classes(pixels):
        return tf.argmax(logits(pixels), axis=1)

    def train(steps):
        order = tf.constant(rng.permutation(IMAGES).astype(np.int32))
        epoch(images, labels, order, tf.constant(steps))
        variables[-1].numpy()  # waits for the end

    def weights():
        return [(w.numpy(), b.numpy()) for w, b in params]

    return train, lambda pixels: classes(pixels).numpy(), weights


def torch_tensor(work, threads, images, labels):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    images, labels = torch.from_numpy(images), torch.from_numpy(labels).long()
    layers = [(torch.tensor(w.T.copy()), torch.tensor(b)) for w, b in initial_weights(work)]
    params = [p.requires_grad_() for layer in layers for p in layer]

    def logits(pixels):
        x = pixels.float().mul_(1 / 255)
        for w, b in layers[:-1]:
            x = F.relu(F.linear(x, w, b))
        return F.linear(x, *layers[-1])

    def train(steps):
        batches = torch.randperm(IMAGES).split(work.batch_size)
        for batch in batches if steps == work.steps else batches[:steps]:
            loss = F.cross_entropy(logits(images.index_select(0, batch)), labels[batch])
            grads = torch.autograd.grad(loss, params)
            with torch.no_grad():
                torch._foreach_add_(params, grads, alpha=-work.learning_rate)

    @torch.no_grad()
    def predict(pixels):
        return logits(torch.from_numpy(pixels)).argmax(dim=1).numpy()

    return train, predict, lambda: [(w.detach().numpy().T, b.detach().numpy()) for w, b in layers]


def torch_loader(work, threads, images, labels):
    import itertools

    import torch
    from torch.utils.data import DataLoader, Dataset

    torch.set_num_threads(threads)

    class Mnist(Dataset):
        images_, labels_ = torch.from_numpy(images), torch.from_numpy(labels).long()

        def __len__(self):
            return len(self.images_)

        def __getitem__(self, index):
            return self.images_[index].float() / 255, self.labels_[index]

    linears = []
    for w, b in initial_weights(work):
        linears.append(torch.nn.Linear(*w.shape))
        linears[-1].load_state_dict({"weight": torch.tensor(w.T.copy()), "bias": torch.tensor(b)})
    modules = [m for linear in linears for m in (linear, torch.nn.ReLU())]
    network = torch.nn.Sequential(*modules[:-1])
    optimizer = torch.optim.SGD(network.parameters(), lr=work.learning_rate)
    criterion = torch.nn.CrossEntropyLoss()
    loader = DataLoader(Mnist(), batch_size=work.batch_size, shuffle=True)

    def train(steps):
        for x, targets in loader if steps == work.steps else itertools.islice(loader, steps):
            optimizer.zero_grad()
            criterion(network(x), targets).backward()
            optimizer.step()

    @torch.no_grad()
    def predict(pixels):
        return network(torch.from_numpy(pixels).float() / 255).argmax(dim=1).numpy()

    def weights():
        return [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in linears]

    return train, predict, weights


def numpy_blas(work, threads, images, labels):
    params = initial_weights(work)
    rng = np.random.default_rng(2)
    scale = np.float32(1 / 255)

    def activations(pixels):
        """x, then the output of every layer; the last one has no ReLU."""
        tape = [np.multiply(pixels, scale, dtype=np.float32)]
        for w, b in params:
            tape.append(tape[-1] @ w)
            tape[-1] += b
            if w is not params[-1][0]:
                np.maximum(tape[-1], 0, out=tape[-1])
        return tape

    def train(steps):
        order = rng.permutation(IMAGES)
        end = IMAGES if steps == work.steps else steps * work.batch_size
        for start in range(0, end, work.batch_size):
            batch = order[start : start + work.batch_size]
            *tape, dy = activations(images[batch])
            dy -= dy.max(axis=1, keepdims=True)
            np.exp(dy, out=dy)
            dy /= dy.sum(axis=1, keepdims=True)
            dy[np.arange(len(batch)), labels[batch]] -= 1
            dy /= len(batch)
            for k in reversed(range(len(params))):
                (w, b), x = params[k], tape[k]
                dw, db = x.T @ dy, dy.sum(axis=0)
                if k > 0:
                    dy = dy @ w.T
                    dy *= x > 0
                dw *= work.learning_rate
                w -= dw
                b -= work.learning_rate * db

    return train, lambda pixels: activations(pixels)[-1].argmax(axis=1), lambda: params


def sklearn_mlp(work, threads, images, labels):
    import sklearn.neural_network

    network = sklearn.neural_network.MLPClassifier(
        work.hidden, solver="sgd", alpha=0, momentum=0, nesterovs_momentum=False,
        batch_size=work.batch_size, learning_rate_init=work.learning_rate, random_state=2,
    )

    def train(steps):
        first = not hasattr(network, "coefs_")
        n = IMAGES if steps == work.steps else steps * work.batch_size
        x = np.multiply(images[:n], np.float32(1 / 255), dtype=np.float32)
        network.partial_fit(x, labels[:n], classes=np.arange(10) if first else None)
        if first:  # one pass with its own first weights, then ours
            for w, b, (new_w, new_b) in zip(network.coefs_, network.intercepts_, initial_weights(work)):
                w[...], b[...] = new_w, new_b

    def predict(pixels):
        return network.predict(np.multiply(pixels, np.float32(1 / 255), dtype=np.float32))

    return train, predict, lambda: list(zip(network.coefs_, network.intercepts_))


PEERS = {
    "tensorflow": (tensorflow_xla, "tensorflow", "TensorFlow {}, XLA"),
    "jax": (jax_scan, "jax", "JAX {}, XLA"),
    "torch": (torch_tensor, "torch", "PyTorch {}, tensor"),
    "torch-loader": (torch_loader, "torch", "PyTorch {}, DataLoader"),
    "numpy": (numpy_blas, "numpy", "NumPy {}, OpenBLAS"),
    "sklearn": (sklearn_mlp, "sklearn", "scikit-learn {}"),
}


def accuracy(weights, images, labels):
    """Share of images whose class is found: the same arithmetic for all."""
    x = images / np.float32(255)
    for w, b in weights[:-1]:
        x = np.maximum(x @ np.asarray(w) + np.asarray(b), 0)
    w, b = weights[-1]
    z = x @ np.asarray(w) + np.asarray(b)
    return float((z.argmax(axis=1) == labels).mean())


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main(name, workload, threads):
    work, threads = WORKLOADS[workload], int(threads)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    images, labels = (a.copy() for a in read_split("train"))
    test_images, test_labels = (a.copy() for a in read_split("t10k"))
    build, module, label = PEERS[name]
    train, predict, weights = build(work, threads, images, labels)
    train(WARM_UP_STEPS)
    classify = lambda: np.concatenate([predict(part) for part in np.split(test_images, 10)])
    classify()

    def answer(command):
        if command == "train":
            return {"seconds": timed(lambda: train(work.steps))[0]}
        if command == "eval":
            seconds, classes = timed(classify)
            return {"seconds": seconds, "accuracy": float((classes == test_labels).mean())}
        return {"accuracy": accuracy(weights(), test_images, test_labels)}

    print(json.dumps({"label": label.format(sys.modules[module].__version__)}), file=answers, flush=True)
    for command in sys.stdin:
        print(json.dumps(answer(command.strip())), file=answers, flush=True)


def script(threads, path):
    """What `mlp train --hidden 50 --valid 0 --epochs 1` does, in PyTorch as most people write it."""
    work = Workload([50], batch_size=16, learning_rate=0.1, epochs=1)
    images, labels = (a.copy() for a in read_split("train"))
    train, _, weights = torch_loader(work, int(threads), images, labels)
    train(work.steps)
    np.savez(path, *(tensor for layer in weights() for tensor in layer))


if __name__ == "__main__":
    script(*sys.argv[2:]) if sys.argv[1] == "script" else main(*sys.argv[1:])
