"""Reference values for the Rust tests, from PyTorch autograd in float64.

    python scripts/golden.py                    # rewrites tests/golden/*.safetensors, in some seconds
    python scripts/golden.py --out /tmp/golden  # writes them elsewhere, to compare

Written with Python 3.11, torch 2.15 (CPU), numpy 2.4, safetensors 0.8. A second run gives the
same bytes; another torch or processor may differ in the last digits, far below any tolerance.

One file for each loss and each choice of hidden layers, of a torch.nn.Sequential(Linear, ReLU,
Linear, ...) whose module K, if Linear, has the parameters K.weight (O, I) and K.bias (O); and one for
each other activation, for dropout and for label smoothing (targets of bce are 0 and 1):

    x (N, I), targets (N)                 one batch; about half of x is zero
    init.K.weight, init.K.bias            the parameters before training
    out.K (N, O)                          what module K gives for x
    loss (1)                              of the last out.K
    grad.K.weight, grad.K.bias            dL/d(parameter)
    grad.out.K, grad.x                    dL/d(out.K), dL/dx
    steps.x (S, N, I), steps.targets (S, N), lr (1)
    losses (S)                            the loss before each of S steps of plain SGD from init
    final.K.weight, final.K.bias          the parameters after them

Where there is dropout, module K drops what it is told to: `dropped` draws as src/rng/mod.rs and
src/linalg/random.rs say, with seed 1, epoch 1, and step 0 for the one batch, 1 to S for the S steps.

losses.safetensors holds losses alone: NAME.logits (N, O), NAME.targets (N), NAME.row_losses (N),
NAME.loss (1) = their mean, NAME.dlogits (N, O).

optim.safetensors holds steps of torch.optim.SGD on two parameters with given gradients, and schedules:
grads.weight (S, O, I), grads.bias (S, O), init.weight, init.bias, NAME.final.weight, NAME.final.bias,
rates.NAME (T). adam.safetensors holds the same of torch.optim.Adam and AdamW; one gradient is always 0,
and one is very small.
"""

import functools
import itertools
from pathlib import Path

import needs

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
NEEDED = ["numpy", "safetensors", "torch"]
parser = needs.parser(__doc__, NEEDED)
parser.add_argument("--out", type=Path, default=GOLDEN, metavar="FOLDER", help="[default: tests/golden]")
ARGS = parser.parse_args()
needs.check(NEEDED)

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save

INPUTS, CLASSES, BATCH, STEPS = 12, 10, 7, 10
HIDDEN = [[], [5], [6, 5], [7, 6, 5]]
KINK = 1e-3  # no pre-activation may come nearer to ReLU's corner


def cross_entropy_rows(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none")


def mse_onehot_rows(out, targets):
    onehot = F.one_hot(targets, CLASSES).to(out.dtype)
    return F.mse_loss(out, onehot, reduction="none").mean(dim=1)


def mse_digit_rows(out, targets):
    return F.mse_loss(out[:, 0], targets.to(out.dtype), reduction="none")


def bce_rows(logits, targets):
    return F.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype), reduction="none")


def smoothed_rows(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=0.1)


# name: (loss of each row, outputs of the network, learning rate)
LOSSES = {
    "smoothed-ce": (smoothed_rows, CLASSES, 0.1),
    "ce": (cross_entropy_rows, CLASSES, 0.1),
    "mse-onehot": (mse_onehot_rows, CLASSES, 0.1),
    "mse-digit": (mse_digit_rows, 1, 0.01),
    "bce": (bce_rows, 1, 0.1),
}


class ScaledTanh(torch.nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(2 / 3 * x)


class Dropout(torch.nn.Module):
    """torch.nn.Dropout(p) in training, with the mask that mlp draws as module `index` in a step."""

    def __init__(self, p, index):
        super().__init__()
        self.p, self.index, self.step = p, index, 0

    def forward(self, x):
        keep = torch.from_numpy(~dropped(self.p, 1, 1, self.step, self.index, *x.shape))
        return x * keep / (1 - self.p)


ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "scaled-tanh": ScaledTanh,
    "sigmoid": torch.nn.Sigmoid,
    "leaky-relu": torch.nn.LeakyReLU,
    "none": torch.nn.Identity,
    "gelu": functools.partial(torch.nn.GELU, approximate="tanh"),
}


def split(seed, n):
    """Number n of SplitMix64 with this seed."""
    z = (seed + (n + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def dropped(p, seed, epoch, step, module, rows, columns):
    """Which elements of the output of a module are dropped (rows, columns)."""
    mask = np.zeros((rows, columns), bool)
    for row, column in np.ndindex(mask.shape):
        key = split(split(split(split(seed, epoch), step), module), row)
        h = (column * 0x9E3779B9 + key) % 2**32
        h = (h ^ h >> 16) * 0x85EBCA6B % 2**32 ^ key >> 32
        h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
        mask[row, column] = h ^ h >> 16 < int(p * 2**32)
    return mask


def parameters(prefix, model):
    return {f"{prefix}.{name}": value.clone() for name, value in model.state_dict().items()}


def forward(model, x, step):
    """The output of every module."""
    outputs = []
    for module in model:
        module.step = step  # for Dropout
        x = module(x)
        outputs.append(x)
    return outputs


def far_from_kink(model, outputs):
    into_relu = [out for out, module in zip(outputs, model[1:]) if isinstance(module, (torch.nn.ReLU, torch.nn.LeakyReLU))]
    return all(out.abs().min() > KINK for out in into_relu)


def no_dead_unit(model):
    return all((p.grad != 0).any(dim=-1).all() for p in model.parameters())


def network(sizes, activation, dropout):
    modules = []
    for layer, (i, o) in enumerate(itertools.pairwise(sizes)):
        if layer > 0:
            modules.append(ACTIVATIONS[activation]())
        if dropout[layer:] and dropout[layer] > 0:
            modules.append(Dropout(dropout[layer], len(modules)))
        modules.append(torch.nn.Linear(i, o))
    return torch.nn.Sequential(*modules)


def make_case(loss_name, hidden, seed, activation="relu", dropout=()):
    """All tensors of one case, or None if this seed comes near a kink or has a dead unit."""
    row_loss, outputs_wanted, lr = LOSSES[loss_name]
    torch.manual_seed(seed)
    model = network([INPUTS, *hidden, outputs_wanted], activation, dropout)
    batches = torch.randn(1 + STEPS, BATCH, INPUTS)
    batches[torch.rand(batches.shape) < 0.5] = 0
    labels = torch.randint(CLASSES, (1 + STEPS, BATCH))
    if loss_name == "bce":
        labels = (labels >= 5).long()  # two classes
    init = parameters("init", model)

    x, targets = batches[0].clone().requires_grad_(), labels[0]
    outputs = forward(model, x, 0)
    for out in outputs:
        out.retain_grad()
    loss = row_loss(outputs[-1], targets).mean()
    loss.backward()
    if not (far_from_kink(model, outputs) and no_dead_unit(model)):
        return None
    gradients = {f"grad.{name}": p.grad for name, p in model.named_parameters()}

    optimizer = torch.optim.SGD(model.parameters(), lr)
    losses = []
    for step, (step_x, step_targets) in enumerate(zip(batches[1:], labels[1:]), 1):
        step_outputs = forward(model, step_x, step)
        if not far_from_kink(model, step_outputs):
            return None
        losses.append(row_loss(step_outputs[-1], step_targets).mean())
        optimizer.zero_grad(set_to_none=True)  # leaves the tensors in `gradients` as they are
        losses[-1].backward()
        optimizer.step()

    return {
        "x": x,
        "targets": targets,
        **init,
        **{f"out.{k}": out for k, out in enumerate(outputs)},
        "loss": loss.reshape(1),
        **gradients,
        **{f"grad.out.{k}": out.grad for k, out in enumerate(outputs)},
        "grad.x": x.grad,
        "steps.x": batches[1:],
        "steps.targets": labels[1:],
        "lr": torch.tensor([lr]),
        "losses": torch.stack(losses),
        **parameters("final", model),
    }


def make_loss(name, row_loss, logits, targets):
    logits, targets = torch.tensor(logits, requires_grad=True), torch.tensor(targets)
    row_losses = row_loss(logits, targets)
    loss = row_losses.mean()
    loss.backward()
    return {
        f"{name}.logits": logits,
        f"{name}.targets": targets,
        f"{name}.row_losses": row_losses,
        f"{name}.loss": loss.reshape(1),
        f"{name}.dlogits": logits.grad,
    }


RATE = 0.05
# name: (torch.optim.SGD's arguments, clip_grad_norm_'s, renorm's)
OPTIMIZERS = {
    "plain": ({}, None, None),
    "momentum": ({"momentum": 0.9}, None, None),
    "nesterov": ({"momentum": 0.9, "nesterov": True}, None, None),
    "decay": ({"weight_decay": 0.1}, None, None),
    "all": ({"momentum": 0.8, "nesterov": True, "weight_decay": 0.01}, 1.5, 0.7),
    "clip": ({}, 1.5, None),
    "max-norm": ({"momentum": 0.5}, None, 0.7),
}


# name: (the optimizer, its arguments, clip_grad_norm_'s, renorm's)
ADAMS = {
    "adam": (torch.optim.Adam, {}, None, None),
    "betas": (torch.optim.Adam, {"betas": (0.5, 0.75), "eps": 0.125}, None, None),
    "no-means": (torch.optim.Adam, {"betas": (0.0, 0.0)}, None, None),
    "l2": (torch.optim.Adam, {"weight_decay": 0.1}, None, None),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.0}, None, None),
    "decay": (torch.optim.AdamW, {"weight_decay": 0.1}, None, None),
    "clip": (torch.optim.Adam, {}, 1.5, None),
    "max-norm": (torch.optim.Adam, {}, None, 0.7),
    "all": (torch.optim.AdamW, {"betas": (0.75, 0.875), "eps": 0.0625, "weight_decay": 0.5}, 1.5, 0.7),
}


def make_optimizers():
    torch.manual_seed(1)
    init = {"weight": torch.randn(4, 3), "bias": torch.randn(4)}
    grads = {name: torch.randn(STEPS, *value.shape) for name, value in init.items()}
    cases = {name: (torch.optim.SGD, *case) for name, case in OPTIMIZERS.items()}
    return make_steps(init, grads, cases)


def make_adams():
    torch.manual_seed(2)
    init = {"weight": torch.randn(4, 3), "bias": torch.randn(4)}
    grads = {name: torch.randn(STEPS, *value.shape) for name, value in init.items()}
    grads["weight"][:, 0, 0] = 0
    grads["weight"][:, 1, 1] *= 1e-6
    return make_steps(init, grads, ADAMS)


def make_steps(init, grads, cases):
    tensors = {f"init.{k}": v for k, v in init.items()} | {f"grads.{k}": v for k, v in grads.items()}
    for name, (make, options, clip, max_norm) in cases.items():
        params = {key: value.clone().requires_grad_() for key, value in init.items()}
        optimizer = make(params.values(), RATE, **options)
        for step in range(STEPS):
            for key, param in params.items():
                param.grad = grads[key][step].clone()
            if clip:
                torch.nn.utils.clip_grad_norm_(params.values(), clip)
            optimizer.step()
            if max_norm:
                with torch.no_grad():
                    params["weight"].copy_(params["weight"].renorm(2, 0, max_norm))
        tensors |= {f"{name}.final.{key}": value for key, value in params.items()}
    return tensors


def make_schedules(total=20):
    lr = torch.optim.lr_scheduler
    makers = {
        "linear": lambda o: lr.LinearLR(o, 1.0, 0.1, total),
        "exponential": lambda o: lr.ExponentialLR(o, 0.01 ** (1 / total)),
        "cosine": lambda o: lr.CosineAnnealingLR(o, total, 0.005),
        "step": lambda o: lr.StepLR(o, 5, 0.5),
        "one-cycle": lambda o: lr.OneCycleLR(o, RATE, total, cycle_momentum=False),
    }
    tensors = {}
    for name, make in makers.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], RATE)
        scheduler = make(optimizer)
        rates = []
        for _ in range(total):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        tensors[f"rates.{name}"] = torch.tensor(rates)
    return tensors


def write(name, tensors, note):
    tensors = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    # one entry only: safetensors writes several in random order
    metadata = {"made_by": f"scripts/golden.py, torch {torch.__version__}, {note}"}
    (ARGS.out / f"{name}.safetensors").write_bytes(save(tensors, metadata))


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    ARGS.out.mkdir(parents=True, exist_ok=True)

    seeds = itertools.count(1)

    def write_case(name, loss_name, hidden, *architecture):
        tensors = None
        while tensors is None:
            seed = next(seeds)
            tensors = make_case(loss_name, hidden, seed, *architecture)
        note = f"loss {loss_name}, hidden {hidden}, lr {tensors['lr'].item()}, seed {seed}"
        write(name, tensors, ", ".join([note, *map(str, architecture)]))

    for loss_name, hidden in itertools.product(["ce", "mse-onehot", "mse-digit"], HIDDEN):
        write_case(f"{loss_name}-{'x'.join(map(str, hidden)) or 'none'}", loss_name, hidden)
    for activation in ["tanh", "scaled-tanh", "sigmoid"]:
        write_case(activation, "ce", [6, 5], activation)
    write_case("dropout", "ce", [7, 6], "tanh", (0.2, 0.5, 0.4))
    write_case("smoothed-ce", "smoothed-ce", [6, 5])
    for activation in ["leaky-relu", "gelu"]:
        write_case(activation, "ce", [6, 5], activation)
    for hidden in HIDDEN:
        write_case(f"bce-{'x'.join(map(str, hidden)) or 'none'}", "bce", hidden)
    write_case("identity", "ce", [6, 5], "none")

    big = 1e4
    losses = {
        **make_loss("worked", cross_entropy_rows, [[0.1, 0, 0, 0.2, 0.3, 0, 0, 0.3, 0, 0.2]], [4]),
        **make_loss("extreme", cross_entropy_rows, [
            [big] + [-big] * 9,  # certain and right
            [big] + [-big] * 9,  # certain and wrong
            [big] * 10,          # every exp overflows, all classes are equally likely
            [-big] * 10,         # every exp underflows, all classes are equally likely
            [big, big - 1] + [-big] * 8,
            [0.0] * 10,
        ], [0, 1, 2, 3, 1, 5]),
        **make_loss("smoothed", smoothed_rows, [
            [0.1, 0, 0, 0.2, 0.3, 0, 0, 0.3, 0, 0.2],
            [big] + [-big] * 9,
        ], [4, 1]),
        **make_loss("single-onehot", mse_onehot_rows,
                    [[0.1, -0.2, 0.3, 0.9, -1.5, 0.0, 2.0, 0.4, -0.6, 1.0]], [3]),
        **make_loss("single-digit", mse_digit_rows, [[2.5]], [7]),
        **make_loss("bce", bce_rows, [[0.0], [0.3], [-2.0], [40.0], [-40.0]], [1, 0, 1, 1, 0]),
        **make_loss("bce-extreme", bce_rows, [[big], [big], [-big], [-big]], [1, 0, 1, 0]),
        **make_loss("single-bce", bce_rows, [[1.5]], [0]),
    }
    write("losses", losses, "hand-made logits")
    # Of three classes with 3, 1 and 2 images: as balanced as they can be, N / (C·n).
    weights = torch.tensor([6 / (3 * 3), 6 / (3 * 1), 6 / (3 * 2)])
    images = [[0.3, -1.2, 0.7], [2.0, 0.1, -0.4], [0.0, 0.5, 0.5], [-1.0, 0.2, 3.0], [1.5, 1.0, 0.5], [0.1, 0.1, 0.1]]
    weighted = {
        **make_loss("ce", lambda z, t: F.cross_entropy(z, t, weight=weights, reduction="none"), images,
                    [0, 0, 1, 2, 0, 2]),
        **make_loss("bce", lambda z, t: F.binary_cross_entropy_with_logits(
            z[:, 0], t.double(), weight=torch.tensor([4 / (2 * 3), 4 / (2 * 1)])[t], reduction="none"),
            [[0.3], [-2.0], [1.1], [0.7]], [0, 0, 1, 0]),
    }
    write("weighted", weighted, "class weights")
    write("optim", make_optimizers() | make_schedules(), f"rate {RATE}")
    write("adam", make_adams(), f"rate {RATE}")


if __name__ == "__main__":
    main()
