//! The flags that say which network and which loss: the same for every command that builds one.

use std::str::FromStr;

use anyhow::bail;
use clap::ValueEnum;
use mlp::model_file::LossKind;

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
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum LossName {
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
        self.loss.is_some() || self.target.is_some()
    }

    /// The loss, or wrong usage: cross-entropy has no choice of target.
    pub fn kind(self) -> Result<LossKind, clap::Error> {
        match (self.loss.unwrap_or(LossName::Ce), self.target) {
            (LossName::Ce, None) => Ok(LossKind::Ce),
            (LossName::Ce, Some(_)) => Err(clap::Error::raw(
                clap::error::ErrorKind::ArgumentConflict,
                "--target goes with --loss mse: cross-entropy always has one output a class\n",
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
        Ok(Self(widths.collect::<anyhow::Result<_>>()?))
    }
}

/// `784-50-10`
pub fn layers_text(layers: &[usize]) -> String {
    layers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("-")
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
            None => std::thread::available_parallelism()
                .map_or(1, usize::from)
                .min(256),
        }
    }
}
