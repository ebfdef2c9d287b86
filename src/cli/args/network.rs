//! The flags that say which network and which loss: the same for every command that builds one.

use std::{io, path::Path, str::FromStr};

use anyhow::{bail, ensure};
use clap::ValueEnum;
use mlp::{
    data::{CLASSES, PIXELS},
    files::model::{self, MAX_LAYERS, Model, ModelError},
    linalg::{Float, team::Team},
    loss::LossKind,
};

use crate::cli::terminal::output::thousands;

/// Which loss, and what it takes as the target.
#[derive(clap::Args, Clone, Copy)]
#[command(next_help_heading = "Network")]
pub struct LossArgs {
    /// What to make small: cross-entropy or the mean squared error [default: ce]
    #[arg(long, value_enum)]
    loss: Option<LossName>,

    /// With mse: 10 outputs against one-hot targets, or one output against the digit itself (the
    /// lesson's version) [default: onehot]
    #[arg(long, value_enum)]
    target: Option<TargetName>,

    /// With ce: the share of each label that all classes get evenly, such as 0.1
    #[arg(long, value_name = "SHARE", value_parser = share)]
    label_smoothing: Option<f64>,
}

fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to below 1, such as 0.1"),
    }
}

/// The losses by name.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum LossName {
    Ce,
    Mse,
}

#[derive(Clone, Copy, ValueEnum)]
enum TargetName {
    Onehot,
    Digit,
}

impl LossArgs {
    /// Whether a flag was given.
    pub fn given(self) -> bool {
        self.loss.is_some() || self.target.is_some() || self.label_smoothing.is_some()
    }

    /// The loss, or wrong usage: cross-entropy has no choice of target, and it alone has smoothing.
    pub fn kind(self) -> Result<LossKind, clap::Error> {
        match (self.plain()?, self.label_smoothing) {
            (kind, None | Some(0.0)) => Ok(kind),
            (LossKind::Ce, Some(smoothing)) => Ok(LossKind::SmoothedCe(smoothing)),
            _ => Err(clap::Error::raw(
                clap::error::ErrorKind::ArgumentConflict,
                "--label-smoothing goes with --loss ce",
            )),
        }
    }

    fn plain(self) -> Result<LossKind, clap::Error> {
        match (self.loss.unwrap_or(LossName::Ce), self.target) {
            (LossName::Ce, None) => Ok(LossKind::Ce),
            (LossName::Ce, Some(_)) => Err(clap::Error::raw(
                clap::error::ErrorKind::ArgumentConflict,
                "--target goes with --loss mse: cross-entropy always has one output a class",
            )),
            (LossName::Mse, None | Some(TargetName::Onehot)) => Ok(LossKind::MseOnehot),
            (LossName::Mse, Some(TargetName::Digit)) => Ok(LossKind::MseDigit),
        }
    }
}

/// The widths of the hidden layers: `50`, `500,150` or `none`.
#[derive(Clone, Debug)]
pub struct Hidden(pub Vec<usize>);

impl FromStr for Hidden {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let widths = text.split(',').map(|width| match width.trim().parse() {
            Ok(width @ 1..=100_000) => Ok(width),
            _ => bail!("expected widths from 1 to 100000 such as 50 or 500,150, or none"),
        });
        let widths = widths.collect::<anyhow::Result<Vec<_>>>()?;
        // Inputs and outputs are layers of a model, too.
        let most = MAX_LAYERS - 2;
        ensure!(
            widths.len() <= most,
            "{} hidden layers, expected at most {most}",
            widths.len()
        );
        Ok(Self(widths))
    }
}

impl Hidden {
    /// The widths of all layers of a network for MNIST.
    pub fn layers(&self, loss: LossKind) -> Vec<usize> {
        let outputs = loss.outputs(CLASSES);
        [&[PIXELS], &self.0[..], &[outputs]].concat()
    }
}

/// The most memory that a network and its batches may take: 8 GiB.
const MAX_MEMORY: u64 = 8 << 30;

/// Bytes that training takes for a parameter and for an activation, gradients included, in `f32`.
pub const TRAIN_BYTES: (u64, u64) = (16, 8);

/// Refuses a network that cannot be saved or does not fit the memory, before anything is allocated.
///
/// `batch` images at a time; a parameter and an activation take so many bytes, gradients included.
pub fn check_size(
    layers: &[usize],
    batch: usize,
    (parameter_bytes, activation_bytes): (u64, u64),
) -> anyhow::Result<()> {
    // No overflow: at most 1,000 widths of at most 100,000, and batches are no larger than the data.
    let wide = |n: usize| n as u64;
    let parameters: u64 = layers
        .windows(2)
        .map(|io| (wide(io[0]) + 1) * wide(io[1]))
        .sum();
    let activations = wide(batch) * layers.iter().copied().map(wide).sum::<u64>();
    let bytes = parameter_bytes * parameters + activation_bytes * activations;
    ensure!(
        bytes <= MAX_MEMORY,
        "{} with batches of {batch} needs {} GB for {} parameters and {} activations, expected at most {} GB: \
         choose a narrower --hidden or a smaller --batch-size",
        layers_text(layers),
        bytes.div_ceil(1_000_000_000),
        thousands(parameters),
        thousands(activations),
        MAX_MEMORY / 1_000_000_000,
    );
    // What is written must be read again; a megabyte is more than the names and shapes need.
    let most = (model::MAX_BYTES - (1 << 20)) / 4;
    ensure!(
        parameters <= most,
        "{}: {} parameters, expected at most {}, which is what a model file holds: choose a narrower --hidden",
        layers_text(layers),
        thousands(parameters),
        thousands(most),
    );
    Ok(())
}

/// Reads a model for images of MNIST, or says how to get one.
pub fn load_model<F: Float>(path: &Path) -> anyhow::Result<Model<F>> {
    let model = match model::load::<F>(path) {
        Err(ModelError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => bail!(
            "{}: no such file: train a model first with `mlp train`, or name one that is there",
            path.display()
        ),
        result => result?,
    };
    let inputs = model.network.inputs();
    ensure!(
        inputs == PIXELS,
        "{}: {inputs} inputs, expected {PIXELS} for images of 28x28: train again with `mlp train`",
        path.display()
    );
    Ok(model)
}

/// `784-50-10`; of a long list the first and the last.
pub fn layers_text(layers: &[usize]) -> String {
    let text = |layers: &[usize]| {
        let widths: Vec<_> = layers.iter().map(ToString::to_string).collect();
        widths.join("-")
    };
    match layers.len() {
        ..=12 => text(layers),
        n => format!(
            "{}-…-{} ({n} layers)",
            text(&layers[..4]),
            text(&layers[n - 2..])
        ),
    }
}

/// How many threads to use.
#[derive(clap::Args, Clone, Copy)]
#[command(next_help_heading = "Machine")]
pub struct ThreadArgs {
    /// Threads; the result is the same with any number [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// The number of threads.
    pub fn count(self) -> usize {
        match self.threads {
            Some(threads) => usize::from(threads),
            None => Team::processors(),
        }
    }
}
