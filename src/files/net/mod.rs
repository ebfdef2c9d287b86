//! Any small network with its batch and loss, from a file that one can write by hand.
//!
//! The format is recognised by the content: JSON, NumPy's `.npz`, or `.safetensors`.
//!
//! # JSON
//!
//! ```json
//! {"x": [[0.05, 0.10]], "t": [[0.01, 0.99]],
//!  "layers": [{"w": [[0.15, 0.20], [0.25, 0.30]], "b": [0.35, 0.35], "activation": "sigmoid"},
//!             {"w": [[0.40, 0.45], [0.50, 0.55]], "b": [0.60, 0.60], "activation": "sigmoid"}],
//!  "loss": "mse", "reduction": "sum/2", "lr": 0.5}
//! ```
//!
//! | field | what it is | also |
//! |---|---|---|
//! | `x` | the inputs, a list of N rows; one row may stand alone | `X`, `inputs` |
//! | `t` | what the outputs should be: N rows of C numbers, or a flat list where N or C is 1; for `ce` also N classes, from 0 | `y`, `targets` |
//! | `layers` | a list of layers, each with `w`, `b` and `activation` | |
//! | `w` | the weight, a row for each unit: (outputs, inputs), as in PyTorch | `W`, `weight`, `weights` |
//! | `b` | the bias, a number for each unit, or one for all; without it zeros | `bias`, `biases` |
//! | `activation` | a name from [`Activation::ALL`](crate::nn::Activation::ALL), or `none` (the default) | `act` |
//! | `loss` | `mse`, `ce`, the cross-entropy of the softmax of the outputs, or `bce`, the binary cross-entropy of the sigmoid of each | |
//! | `reduction` | `mean` (the default; over N·C for `mse` and `bce`, over N for `ce`), `sum`, or for `mse` `sum/2` | |
//! | `lr` | the learning rate of a step, 0.1 by default | `learning_rate` |
//! | `orientation` | `outputs-inputs` or `inputs-outputs`, for all the weights | |
//! | `train_biases` | `false` where a step of SGD keeps the biases as they are; `true` by default | |
//! | `note` | any text for people | |
//!
//! Where no orientation is given and the weights only fit together as (inputs, outputs), the w of x·w, they
//! are taken as such. Square weights fit both ways, and are taken as (outputs, inputs): [`Net::square`] tells.
//!
//! In place of `layers` there may be the lists `weights` (of rows), `biases` and `activations`, with an entry for
//! each layer. `activations` may leave out the last layer, which then has none; a single name in place of the list
//! is that of every layer but the last. `last_activation` is that of the last.
//!
//! # `.npz` and `.safetensors`
//!
//! Arrays `x`, `t`, and the parameters as `0.weight`, `0.bias`, `2.weight`, … (in the order of their numbers),
//! or `w1`, `b1`, `w2`, …. The settings are text arrays under the names above, such as
//! `np.savez("net.npz", x=x, t=t, w1=w1, b1=b1, activation="relu", loss="mse")`. Where there are several layers,
//! the activations must be given, if as `none`. `.safetensors` has them as
//! JSON in its metadata, under [`METADATA`]. Files of [`to_bytes`] are such files.

mod binary;
mod build;
mod json;

use std::{io::Read, path::Path};

use crate::{check::mistakes::Problem, files::arrays::ArrayError, regular_file};

pub use binary::{METADATA, to_bytes};
pub use build::objective_names;

/// The most bytes of a file.
const MAX_BYTES: u64 = 64 << 20;
/// The most numbers in all: inputs, targets, parameters, and what every module gives for every row.
const MAX_NUMBERS: usize = 10_000_000;
/// The most layers.
const MAX_LAYERS: usize = 100;

/// A network with its batch, its loss and a learning rate.
#[derive(Clone, Debug)]
pub struct Net {
    /// The network, the batch and the loss.
    pub problem: Problem,
    /// The learning rate of a step.
    pub learning_rate: f64,
    /// Whether a step changes the biases as well.
    pub train_biases: bool,
    /// Whether the weights fit both as (outputs, inputs) and as (inputs, outputs), the file does not say which,
    /// and it makes a difference.
    pub square: bool,
}

/// Why no network could be read from a file: what keeps arrays from being read keeps a network, too.
pub type NetError = ArrayError;

/// Reads the network of a file, whose format is recognised by its content and not by its name.
pub fn read(path: &Path) -> Result<Net, NetError> {
    let io = |error| NetError::Io {
        path: path.to_path_buf(),
        error,
    };
    let mut bytes = Vec::new();
    let file = regular_file::open(path).map_err(io)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    from_bytes(&bytes).map_err(|fault| NetError::Fault {
        path: path.to_path_buf(),
        fault,
    })
}

/// The network in the bytes of a file; an error says what is wrong with it.
pub fn from_bytes(bytes: &[u8]) -> Result<Net, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!(
            "more than {} MiB, expected a small network",
            MAX_BYTES >> 20
        ));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => Err(
            "empty, expected a network as JSON: {\"x\": …, \"t\": …, \"layers\": […], \"loss\": …}"
                .into(),
        ),
        Some(b'{' | b'[') => build::net(json::raw(text)?),
        Some(_) => build::net(binary::raw(bytes)?),
    }
}
