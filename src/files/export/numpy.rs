//! A script that needs Python and NumPy alone.

use super::{
    plan::{Operation, Plan},
    python::{docstring, parameters, settings},
};
use crate::{
    loss::Decoding,
    nn::{Activation, ScaledTanh},
};

/// The first line.
pub const BEGINS: &str = "\"\"\"A network exported by mlp for NumPy.";

const USAGE: &str = "\
    python model_numpy.py IMAGES [LABELS]

IMAGES is an .npy file with grey values of 0 to 255, of one image or of N, or an IDX file, compressed (.gz) or not, such
as MNIST's t10k-images-idx3-ubyte.gz. Prints the class of every image or, with such a file of LABELS, how many are
right. As a module: predict(pixels) and logits(pixels), and probabilities(pixels) where the loss has them, of arrays or
lists.";

const HEAD: &str = "
import base64
import gzip
import sys

import numpy as np


def tensor(shape, text):
    return np.frombuffer(base64.b64decode(text), \"<f4\").astype(np.float32).reshape(shape)


";

const LOGITS: &str = "

def images(pixels):
    \"\"\"Grey values of 0 to 255, of an array or lists, as (N, ROWS, COLS).\"\"\"
    pixels = np.asarray(pixels)
    whole = np.issubdtype(pixels.dtype, np.integer)
    if not whole or pixels.size and not 0 <= pixels.min() <= pixels.max() <= 255:
        raise TypeError(f\"pixels of type {pixels.dtype}, expected whole grey values of 0 to 255, such as uint8\")
    if pixels.shape[-2:] != (ROWS, COLS) and pixels.shape[-1:] != (ROWS * COLS,):
        raise ValueError(f\"pixels of shape {pixels.shape}, expected (N, {ROWS}, {COLS})\")
    return pixels.astype(np.uint8).reshape(-1, ROWS, COLS)


def logits(pixels):
    \"\"\"The outputs of the network, (N, outputs).\"\"\"
    pixels = images(pixels)
    # In blocks, so that many images need little memory.
    blocks = [block(pixels[first : first + 256]) for first in range(0, len(pixels), 256)]
    return np.concatenate(blocks) if blocks else np.zeros((0, OUTPUTS), np.float32)


def block(pixels):
    x = np.float32(SCALE) * pixels.astype(np.float32) + np.float32(SHIFT)
";

const DESLANT: &str = "

def deslant(x):
    \"\"\"Shears every image about its centre until it leans neither way, see mlp's src/data/deslant.rs.\"\"\"
    r, c = np.arange(ROWS)[:, None], np.arange(COLS)
    v = x.astype(np.float64) - SHIFT
    mass, across, down, down_down, down_across = (
        (v * weight).sum((1, 2)) for weight in (np.ones((ROWS, COLS)), c, r, r * r, r * c)
    )
    with np.errstate(all=\"ignore\"):
        centre = down / mass
        slope = (down_across - centre * across) / (down_down - centre * down)
    defined = np.isfinite(slope)
    slope = np.where(defined, np.clip(slope, -1, 1), 0)
    shift = slope[:, None] * (np.arange(ROWS) - np.where(defined, centre, 0)[:, None])
    # y[r][c] = black + Σₖ max(0, 1 − |c + shift[r] − k|)·v[r][k]
    share = np.maximum(0, 1 - np.abs(shift[:, :, None, None] + (c[:, None] - c)))
    return ((share @ v[:, :, :, None])[:, :, :, 0] + SHIFT).astype(np.float32)
";

const TAIL: &str = "

def predict(pixels):
    \"\"\"The class of every image, as a number.\"\"\"
    return classes(logits(pixels))


def read(path):
    \"\"\"The array of an .npy or IDX file of bytes.\"\"\"
    if path.endswith(\".npy\"):
        return np.load(path)
    with (gzip.open if path.endswith(\".gz\") else open)(path, \"rb\") as file:
        data = file.read()
    if data[:3] != b\"\\0\\0\\x08\":
        raise ValueError(f\"{path}: expected an .npy file, or an IDX file of bytes\")
    start = 4 + 4 * data[3]
    return np.frombuffer(data, np.uint8, offset=start).reshape(np.frombuffer(data[4:start], \">i4\"))


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
    text += &format!("OUTPUTS = {}\n", plan.outputs());
    text += &parameters(plan);
    if plan.deslant {
        text += DESLANT;
    }
    text += LOGITS;
    if plan.deslant {
        text += "    x = deslant(x)\n";
    }
    text += "    x = x.reshape(-1, ROWS * COLS)\n";
    for step in &plan.steps {
        let index = step.index;
        let line = match step.operation {
            Operation::Linear { .. } => {
                format!("x @ PARAMETERS[\"{index}.weight\"].T + PARAMETERS[\"{index}.bias\"]")
            }
            Operation::Activation(Activation::Identity) | Operation::Dropout(_) => continue,
            Operation::Activation(activation) => formula(activation),
        };
        text += &format!("    x = {line}\n");
    }
    text + "    return x\n" + &outputs(plan) + TAIL
}

/// y from x.
fn formula(activation: Activation) -> String {
    match activation {
        Activation::Relu => "np.maximum(x, 0)".into(),
        Activation::Tanh => "np.tanh(x)".into(),
        Activation::ScaledTanh => {
            format!("{:?} * np.tanh({:?} * x)", ScaledTanh::A, ScaledTanh::B)
        }
        Activation::Sigmoid => {
            "0.5 + 0.5 * np.tanh(0.5 * x)  # 1 / (1 + e^-x), without overflow".into()
        }
        Activation::LeakyRelu => "np.where(x > 0, x, 0.01 * x)".into(),
        Activation::Gelu => {
            "0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))".into()
        }
        Activation::Identity => "x".into(),
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
    p = 0.5 + 0.5 * np.tanh(0.5 * logits(pixels))
    return np.concatenate([1 - p, p], 1)
"
        }
        (true, _) => {
            "

def probabilities(pixels):
    \"\"\"The probability of every class, (N, classes).\"\"\"
    z = logits(pixels)
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)
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
    return (z[:, 0] > 0).astype(np.int64)
"
        }
        Decoding::Nearest => {
            "

def classes(z):
    \"\"\"The class whose number is nearest to the output.\"\"\"
    z = np.clip(z[:, 0], 0, len(CLASSES) - 1)
    below = np.floor(z)
    return (below + (z - below >= 0.5)).astype(np.int64)
"
        }
    };
    probabilities.to_owned() + classes
}
