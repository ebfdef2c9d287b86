//! A script that builds a `torch.nn.Sequential` and loads the parameters, under the names of the model file.

use super::{
    plan::{Operation, Plan},
    python::{docstring, parameters, settings},
};
use crate::{
    loss::Decoding,
    nn::{Activation, ScaledTanh},
};

/// The first line.
pub const BEGINS: &str = "\"\"\"A network exported by mlp for PyTorch.";

const USAGE: &str = "\
    python model_pytorch.py IMAGES [LABELS]

IMAGES is an .npy file with grey values of 0 to 255, of one image or of N, or an IDX file, compressed (.gz) or not, such
as MNIST's t10k-images-idx3-ubyte.gz. Prints the class of every image or, with such a file of LABELS, how many are
right. As a module: net, a torch.nn.Sequential that takes inputs(pixels); predict(pixels) and logits(pixels), and
probabilities(pixels) where the loss has them, of tensors, NumPy arrays or lists.";

const HEAD: &str = "
import base64
import gzip
import sys

import torch


def tensor(shape, text):
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32).reshape(shape)


";

const INPUTS: &str = "

def images(pixels):
    \"\"\"Grey values of 0 to 255, of a tensor, an array of NumPy or lists, as a tensor (N, ROWS, COLS).\"\"\"
    if not isinstance(pixels, torch.Tensor):
        pixels = torch.tensor(pixels)
    whole = not (pixels.is_floating_point() or pixels.is_complex() or pixels.dtype == torch.bool)
    if not whole or pixels.numel() and not 0 <= pixels.min() <= pixels.max() <= 255:
        raise TypeError(f\"pixels of type {pixels.dtype}, expected whole grey values of 0 to 255, such as uint8\")
    if pixels.shape[-2:] != (ROWS, COLS) and pixels.shape[-1:] != (ROWS * COLS,):
        raise ValueError(f\"pixels of shape {tuple(pixels.shape)}, expected (N, {ROWS}, {COLS})\")
    return pixels.to(torch.uint8).reshape(-1, ROWS, COLS)


def inputs(pixels):
    \"\"\"What the network takes, (N, ROWS·COLS).\"\"\"
    x = SCALE * images(pixels).float() + SHIFT
";

const DESLANT: &str = "

def deslant(x):
    \"\"\"Shears every image about its centre until it leans neither way, see mlp's src/data/deslant.rs.\"\"\"
    r, c = torch.arange(ROWS).double(), torch.arange(COLS).double()
    v = x.double() - SHIFT
    rows, crossed = v.sum(2), v @ c
    mass, down, down_down = rows.sum(1), rows @ r, rows @ (r * r)
    across, down_across = crossed.sum(1), crossed @ r
    centre = down / mass
    slope = (down_across - centre * across) / (down_down - centre * down)
    defined = slope.isfinite()
    slope = torch.where(defined, slope.clamp(-1, 1), 0.0)
    shift = slope[:, None] * (r - torch.where(defined, centre, 0.0)[:, None])
    # y[r][c] = black + Σₖ max(0, 1 − |c + shift[r] − k|)·v[r][k]
    share = (1 - (shift[:, :, None, None] + (c[:, None] - c)).abs()).clamp(min=0)
    return ((share @ v[:, :, :, None])[:, :, :, 0] + SHIFT).float()
";

const SCALED_TANH: &str = "

class ScaledTanh(torch.nn.Module):
    def forward(self, x):
        return A * torch.tanh(B * x)
";

const LOGITS: &str = "
net.load_state_dict(PARAMETERS)
net.eval()  # without dropout


@torch.no_grad()
def logits(pixels):
    \"\"\"The outputs of the network, (N, outputs).\"\"\"
    # In blocks, so that many images need little memory.
    return torch.cat([net(inputs(block)) for block in images(pixels).split(256)])
";

const TAIL: &str = "

def predict(pixels):
    \"\"\"The class of every image, as a number.\"\"\"
    return classes(logits(pixels))


def read(path):
    \"\"\"The tensor of an .npy or IDX file of bytes.\"\"\"
    if path.endswith(\".npy\"):
        import numpy as np  # which nothing else needs

        return torch.from_numpy(np.load(path))
    with (gzip.open if path.endswith(\".gz\") else open)(path, \"rb\") as file:
        data = bytearray(file.read())
    if data[:3] != b\"\\0\\0\\x08\":
        raise ValueError(f\"{path}: expected an .npy file, or an IDX file of bytes\")
    start = 4 + 4 * data[3]
    shape = [int.from_bytes(data[at : at + 4], \"big\") for at in range(4, start, 4)]
    return torch.frombuffer(data, dtype=torch.uint8, offset=start).reshape(shape)


if __name__ == \"__main__\":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    found = predict(read(sys.argv[1]))
    if len(sys.argv) == 3:
        print(f\"{(found == read(sys.argv[2])).sum()} of {len(found)} right\")
    else:
        print(*(CLASSES[number] for number in found), sep=\"\\n\")
";

/// The script.
pub fn write(plan: &Plan) -> String {
    let mut text = docstring(BEGINS, USAGE, plan) + HEAD;
    text += &settings(plan);
    text += &parameters(plan);
    if plan.deslant {
        text += DESLANT;
    }
    text += INPUTS;
    if plan.deslant {
        text += "    x = deslant(x)\n";
    }
    text += "    return x.reshape(-1, ROWS * COLS)\n";
    let is_scaled =
        |operation: &Operation| matches!(operation, Operation::Activation(Activation::ScaledTanh));
    if plan.steps.iter().any(|step| is_scaled(&step.operation)) {
        text += &SCALED_TANH
            .replace("A *", &format!("{:?} *", ScaledTanh::A))
            .replace("B *", &format!("{:?} *", ScaledTanh::B));
    }
    text += "\n\nnet = torch.nn.Sequential(\n";
    for step in &plan.steps {
        text += &format!("    {},\n", module(&step.operation));
    }
    text + ")" + LOGITS + &outputs(plan) + TAIL
}

/// The module that PyTorch has for a step.
fn module(operation: &Operation) -> String {
    match operation {
        Operation::Linear { w, .. } => {
            format!("torch.nn.Linear({}, {})", w.ncols(), w.nrows())
        }
        Operation::Dropout(p) => format!("torch.nn.Dropout({p:?})"),
        Operation::Activation(Activation::ScaledTanh) => "ScaledTanh()".into(),
        Operation::Activation(Activation::Gelu) => "torch.nn.GELU(approximate=\"tanh\")".into(),
        Operation::Activation(activation) => format!("torch.nn.{}()", activation.about().name),
    }
}

/// `probabilities` and `classes`.
fn outputs(plan: &Plan) -> String {
    let probabilities = match (plan.loss.probabilities(), plan.loss.decoding()) {
        (false, _) => "",
        (true, Decoding::Threshold) => {
            "

def probabilities(pixels):
    \"\"\"The probabilities of class 0 and of class 1, (N, 2).\"\"\"
    p = logits(pixels).sigmoid()
    return torch.cat([1 - p, p], 1)
"
        }
        (true, _) => {
            "

def probabilities(pixels):
    \"\"\"The probability of every class, (N, classes).\"\"\"
    return logits(pixels).softmax(1)
"
        }
    };
    let classes = match plan.loss.decoding() {
        Decoding::Largest => {
            "

def classes(z):
    \"\"\"The class of the largest output.\"\"\"
    return z.argmax(1)
"
        }
        Decoding::Threshold => {
            "

def classes(z):
    \"\"\"Class 1 where its logit is above 0.\"\"\"
    return (z[:, 0] > 0).long()
"
        }
        Decoding::Nearest => {
            "

def classes(z):
    \"\"\"The class whose number is nearest to the output.\"\"\"
    z = z[:, 0].clamp(0, len(CLASSES) - 1)
    below = z.floor()
    return (below + (z - below >= 0.5)).long()
"
        }
    };
    probabilities.to_owned() + classes
}
