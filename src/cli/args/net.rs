//! `--net`: any small network, from a file.

use std::{io, path::Path};

use anyhow::bail;
use mlp::{
    check::mistakes::{Objective, Problem, Step},
    files::net::{self, Net, NetError},
};

use crate::cli::terminal::{describe::layers_text, output::note};

/// The flag in a line.
pub const HELP: &str =
    "Any small network of your own, with its inputs and targets, from a .json or .npz file";

/// The flag and the format of its file.
pub const LONG_HELP: &str = r#"Any small network of your own, with its inputs and targets, from a .json or .npz file

As JSON, with any number of layers, and of rows in x and t:
  {"x": [[0.05, 0.10]], "t": [[0.01, 0.99]],
   "layers": [{"w": [[0.15, 0.20], [0.25, 0.30]],
               "b": [0.35, 0.35], "activation": "sigmoid"}],
   "loss": "mse", "reduction": "sum/2", "lr": 0.5}

w has a row for each unit, as in PyTorch; for the w of x·w add "orientation": "inputs-outputs". b may be one number for all units, or missing. activation: relu, tanh, scaled-tanh, sigmoid, leaky-relu, gelu, or none. loss: mse; ce, which takes the softmax itself; or bce, which takes the sigmoid itself. t of ce is probabilities, or a list of classes from 0; t of bce is from 0 to 1. reduction: mean, sum, or for mse sum/2. "train_biases": false keeps the biases in a step. In place of layers there may be lists "weights", "biases" and "activations"; a single name for activations is that of the hidden layers.

As .npz: np.savez("net.npz", x=x, t=t, w1=w1, b1=b1, w2=w2, b2=b2, activation="relu", loss="mse")"#;

/// Reads a network, and says how its weights are taken where that is open.
pub fn load_net(path: &Path) -> anyhow::Result<Net> {
    let net = match net::read(path) {
        Err(NetError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => bail!(
            "{}: no such file: expected one that describes a network, see `mlp explain --help`",
            path.display()
        ),
        result => result?,
    };
    if net.square {
        note(format_args!(
            "{}: the weights are square: w is taken as (outputs, inputs), a row for each unit, as in PyTorch; if \
             it is the w of x·w, add \"orientation\": \"inputs-outputs\"",
            path.display()
        ));
    }
    Ok(net)
}

/// `2-2-2, Sigmoid, Sigmoid, mse, reduction sum/2`
pub fn net_text(problem: &Problem) -> String {
    let outputs = problem.steps.iter().filter_map(|step| match step {
        Step::Linear { w, .. } => Some(w.ncols()),
        _ => None,
    });
    let layers: Vec<_> = std::iter::once(problem.x.ncols()).chain(outputs).collect();
    let mut text = layers_text(&layers);
    for step in &problem.steps {
        if let Step::Activation(activation) = step {
            text += ", ";
            text += activation.about().name;
        }
    }
    format!("{text}, {}", loss_text(problem.objective))
}

/// `mse, reduction sum/2`
pub fn loss_text(objective: Objective) -> String {
    let (loss, reduction) = net::objective_names(objective);
    let loss = match loss {
        "ce" => "cross-entropy",
        "bce" => "binary cross-entropy",
        loss => loss,
    };
    match reduction {
        "mean" => loss.to_owned(),
        other => format!("{loss}, reduction {other}"),
    }
}
