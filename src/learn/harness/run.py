"""Runs one exercise of `mlp learn` on the numbers of a request, and writes down what came out.

    python run.py EXERCISE.py REQUEST REPLY SECONDS

The form of both files is that of docs/learn.md.
"""

import ast
import faulthandler
import importlib.machinery
import importlib.util
import os
import sys
import traceback
from types import SimpleNamespace

exercise_path, request_path, reply_path, seconds = sys.argv[1:5]
sys.argv = [exercise_path]
sys.dont_write_bytecode = True
# What lies beside the exercise must not stand for NumPy.
sys.path.pop(0)


class Fault(Exception):
    """What keeps a result from being read: its kind, and words."""


# The longest text that is told of an error, and the most numbers of a result.
LONGEST = 4000
LARGEST = 2_000_000


def write(*fields):
    print("\t".join(fields), file=reply, flush=True)


def say(*words):
    # A tab divides fields.
    write(*(str(word)[:LONGEST].replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") for word in words))



def stop(kind, *words):
    say("fault", kind, *words)
    say("done")
    reply.close()
    sys.stdout.flush()
    os._exit(0)


def no_network(event, _args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        raise PermissionError("an exercise has no network")


def imports_torch():
    """Whether the exercise imports PyTorch, or a part of it."""
    try:
        with open(exercise_path, "rb") as file:
            tree = ast.parse(file.read())
    except Exception:
        return False  # importing it will say why
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.split(".")[0] == "torch" for name in names)


# The time of the exercise begins with the reply: these take as long as the machine needs.
numpy_missing = None
try:
    import numpy as np
except ImportError as error:
    numpy_missing = error
torch = None
try:
    if imports_torch():
        import torch

        # A tensor of PyTorch is float32 unless told otherwise, and a check wants more.
        torch.set_default_dtype(torch.float64)
except ImportError:
    pass
sys.path.insert(0, os.path.dirname(os.path.abspath(exercise_path)))
reply = open(reply_path, "w", encoding="utf-8", errors="backslashreplace")
# Says the line that a loop without end is in.
faulthandler.dump_traceback_later(float(seconds), file=sys.stderr)
sys.addaudithook(no_network)
say("mlp-learn", 1)
if numpy_missing:
    stop("numpy", numpy_missing)


def text_of(error):
    """What an error says, though it may say nothing."""
    try:
        return str(error.msg if isinstance(error, SyntaxError) else error)
    except BaseException:
        return "(an error without words)"


def failed(error):
    """Says what went wrong in the exercise, and in which of its lines."""
    inside = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.abspath(frame.filename) == os.path.abspath(exercise_path)]
    line, text = (inside[-1].lineno, inside[-1].line) if inside else (0, "")
    if isinstance(error, SyntaxError):
        line, text = error.lineno or 0, (error.text or "").strip()
    if isinstance(error, NotImplementedError):
        stop("unwritten", text_of(error))
    if isinstance(error, SystemExit):
        stop("exit", text_of(error), line, text)
    stop("error", f"{type(error).__name__}: {text_of(error)}", line, text)


def read_request():
    cases = []
    with open(request_path, encoding="utf-8") as request:
        name = request.readline().split()[2]
        for line in request:
            words = line.rstrip("\n").split("\t")
            if words[0] == "case":
                cases.append({})
                continue
            key, kind, shape, values = words
            shape = tuple(int(size) for size in shape.split("x")) if shape != "-" else ()
            if kind in ("pixels", "classes"):
                array = np.fromfile(values, np.uint8).reshape(shape)
                array = array / np.float64(255) if kind == "pixels" else array.astype(np.int64)
            else:
                numbers = [float(value) for value in values.split()] if kind == "float" else [int(value) for value in values.split()]
                array = np.array(numbers, np.float64 if kind == "float" else np.int64).reshape(shape)
            cases[-1][key] = float(array) if shape == () else array
    return name, cases


def value_of(name, value):
    """The numbers of what a student's function gave, as an array."""
    if value is None:
        raise Fault("none", name)
    if callable(value):
        raise Fault("type", name, "a function (are its brackets () missing?)")
    dtype = None
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu()
        value = value.to_dense() if value.layout is not torch.strided else value
        dtype = "bfloat16" if value.dtype is torch.bfloat16 else None
        value = (value.float() if dtype else value).numpy()
    try:
        array = np.asarray(value)
        if array.dtype == object:  # fractions, decimals
            array = array.astype(np.float64)
    except Exception as error:
        raise Fault("type", name, f"{type(value).__name__} ({text_of(error)})") from None
    if array.dtype == bool:
        array = array.astype(np.float64)
    if array.size > LARGEST:
        raise Fault("type", name, f"an array of the shape {array.shape}")
    if array.dtype.kind not in "fiu":
        what = "complex numbers" if array.dtype.kind == "c" else f"a {type(value).__name__}"
        raise Fault("type", name, what)
    return array, dtype or array.dtype.name


def give(name, value):
    array, dtype = value_of(name, value)
    shape = "x".join(str(size) for size in array.shape) or "-"
    numbers = " ".join(repr(float(number)) for number in array.ravel())
    write("value", name, dtype, shape, numbers)


def several(names, values):
    """Gives what a function returned, which should be so many."""
    if not isinstance(values, (tuple, list)) or len(values) != len(names):
        what = f"{len(values)} values" if isinstance(values, (tuple, list)) else f"one {type(values).__name__}"
        what = "nothing (None): is there a return?" if values is None else what
        raise Fault("count", f"{len(names)}: {', '.join(names)}", what)
    for name, value in zip(names, values):
        give(name, value)


def held(name, thing, where):
    """Gives what an object was to keep."""
    if not hasattr(type(thing), name) and not hasattr(thing, name):
        raise Fault("attribute", where, f"{type(thing).__name__} has no {name}")
    give(where, getattr(thing, name))


def forward_and_backward(m, a):
    found = m.forward_and_backward(a.x, a.w1, a.b1, a.w2, a.b2, a.target)
    if not isinstance(found, dict):
        raise Fault("count", "a dict", f"one {type(found).__name__}" if found is not None else "None")
    for name in ("l1", "l2", "z", "loss", "dz", "dl2", "dw2", "db2", "dl1", "dw1", "db1"):
        if name not in found:
            raise Fault("attribute", name, f"the dict has no {name!r}, only {', '.join(map(str, found)) or 'nothing'}")
        give(name, found[name])


def network(m, a):
    """Two layers and a loss, there and back."""
    lin1, relu, lin2, mse = m.Lin(a.w1, a.b1), m.Relu(), m.Lin(a.w2, a.b2), m.Mse()
    # Once with other rows: what a layer keeps must be that of its last call.
    mse(lin2(relu(lin1(a.other))), a.target[: len(a.other)])
    l1 = lin1(a.x)
    give("l1", l1)
    l2 = relu(l1)
    give("l2", l2)
    z = lin2(l2)
    give("z", z)
    give("loss", mse(z, a.target))
    dz = mse.backward()
    give("dz", dz)
    dl2 = lin2.backward(dz)
    give("dl2", dl2)
    held("dw", lin2, "dw2")
    held("db", lin2, "db2")
    dl1 = relu.backward(dl2)
    give("dl1", dl1)
    lin1.backward(dl1)
    held("dw", lin1, "dw1")
    held("db", lin1, "db1")


def module(m, a):
    network(m, a)

    class Scale(m.Module):
        """A layer that is not the student's."""

        def forward(self, x, factor):
            return x * factor

        def bwd(self, out, dy, x, factor):
            return dy * factor + 0 * out + 0 * x

    scale = Scale()
    give("module", scale(a.x, 3.0))
    give("dmodule", scale.backward(a.x))


def layers(m, a):
    count = len([name for name in vars(a) if name.startswith("w")])
    weights = [getattr(a, f"w{k}") for k in range(1, count + 1)]
    biases = [getattr(a, f"b{k}") for k in range(1, count + 1)]
    mlp = m.Mlp(weights, biases)
    mlp(a.other)
    give("z", mlp(a.x))
    mlp.backward(a.dz)
    for k in range(count):
        for name in ("dw", "db"):
            all_of_them = getattr(mlp, name, None)
            if not isinstance(all_of_them, (list, tuple)) or len(all_of_them) != count:
                raise Fault("attribute", f"{name}{k + 1}", f"self.{name} is no list of {count} arrays")
            give(f"{name}{k + 1}", all_of_them[k])


def sgd(m, a):
    params, grads = [a.w1, a.w2], [a.dw1, a.dw2]
    m.sgd(params, grads, a.lr)
    for name, value in zip(("w1", "w2", "dw1", "dw2"), (a.w1, a.w2, a.dw1, a.dw2)):
        give(name, value)


DRIVERS = {
    "lin": lambda m, a: give("y", m.lin(a.x, a.w, a.b)),
    "relu": lambda m, a: give("y", m.relu(a.x)),
    "mse": lambda m, a: give("loss", m.mse(a.output, a.target)),
    "mse_onehot": lambda m, a: give("loss", m.mse_onehot(a.output, a.target)),
    "mse_grad": lambda m, a: give("dz", m.mse_grad(a.output, a.target)),
    "mse_onehot_grad": lambda m, a: give("dz", m.mse_onehot_grad(a.output, a.target)),
    "lin_grad": lambda m, a: several(("dx", "dw", "db"), m.lin_grad(a.x, a.w, a.dy)),
    "relu_grad": lambda m, a: give("dx", m.relu_grad(a.x, a.dy)),
    "forward_and_backward": forward_and_backward,
    "classes": network,
    "module": module,
    "layers": layers,
    "softmax": lambda m, a: give("p", m.softmax(a.z)),
    "logsumexp": lambda m, a: give("lse", m.logsumexp(a.z)),
    "log_softmax": lambda m, a: give("log_p", m.log_softmax(a.z)),
    "nll": lambda m, a: give("loss", m.nll(a.log_p, a.target)),
    "cross_entropy": lambda m, a: several(("loss", "dz"), m.cross_entropy(a.z, a.target)),
    "sgd": sgd,
    "train": lambda m, a: several(("w1", "b1", "w2", "b2"), m.train(a.x, a.target)),
    "jacobian_sum": lambda m, a: give("J", m.jacobian_sum(a.x, a.a)),
    "jacobian_product": lambda m, a: give("J", m.jacobian_product(a.x, a.a)),
    "jacobian_matvec": lambda m, a: several(("J", "dw"), m.jacobian_matvec(a.w, a.x, a.u)),
    "jacobian_chain": lambda m, a: give("J", m.jacobian_chain(a.w1, a.w2, a.x)),
    "jacobian_softmax": lambda m, a: give("J", m.jacobian_softmax(a.z)),
}
NEEDED = {"classes": ("Lin", "Relu", "Mse"), "module": ("Module", "Lin", "Relu", "Mse"), "layers": ("Mlp",)}

name, cases = read_request()
try:
    loader = importlib.machinery.SourceFileLoader("exercise", exercise_path)
    spec = importlib.util.spec_from_loader("exercise", loader)
    exercise = importlib.util.module_from_spec(spec)
    sys.modules["exercise"] = exercise
    spec.loader.exec_module(exercise)
except BaseException as error:
    failed(error)
for needed in NEEDED.get(name, (name,)):
    if not hasattr(exercise, needed):
        stop("missing", needed)

for case in cases:
    say("case")
    if torch:
        case = {key: torch.from_numpy(array.copy()) if isinstance(array, np.ndarray) else array for key, array in case.items()}
        copies = {key: array.clone() for key, array in case.items() if hasattr(array, "clone")}
    else:
        copies = {key: array.copy() for key, array in case.items() if isinstance(array, np.ndarray)}
    try:
        DRIVERS[name](exercise, SimpleNamespace(**case))
    except Fault as fault:
        say("fault", *fault.args)
    except BaseException as error:
        failed(error)
    if name != "sgd":
        for key, before in copies.items():
            if not bool((before == case[key]).all()):
                say("changed", key)
say("done")
reply.close()
sys.stdout.flush()
# Threads of the exercise may still run.
os._exit(0)
