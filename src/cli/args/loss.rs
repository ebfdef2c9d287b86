//! The flags that say which loss, and what it takes as the target.

use clap::ValueEnum;
use mlp::loss::LossKind;

use crate::cli::args::{Usage, number};

/// Which loss, and what it takes as the target.
#[derive(clap::Args, Clone, Copy)]
#[command(next_help_heading = "Network")]
pub struct LossArgs {
    #[command(flatten)]
    name: LossNameArgs,

    /// With mse: 10 outputs against one-hot targets, or one output against the digit itself (the
    /// lesson's version) [default: onehot]
    #[arg(long, value_enum)]
    target: Option<TargetName>,
}

/// Which loss, of a command with a `--target` of its own.
#[derive(clap::Args, Clone, Copy)]
#[command(next_help_heading = "Network")]
pub struct LossNameArgs {
    /// What to make small: cross-entropy, the mean squared error, or binary cross-entropy, which has one
    /// output for two classes [default: ce]
    #[arg(long, value_enum)]
    loss: Option<LossName>,

    /// With ce: label smoothing, the share of each target that is spread evenly over all classes, such as 0.1
    #[arg(long, value_name = "SHARE", value_parser = number::share::<f64>)]
    label_smoothing: Option<f64>,
}

/// The digit that is class 1 where a loss has two classes and nothing says which.
pub const POSITIVE: u8 = 5;

/// Why a loss of two classes cannot have the ten of MNIST.
pub const TWO_CLASSES: &str =
    "--loss bce is for two classes: add --positive 5, or another class to tell from the rest";

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum LossName {
    Ce,
    Mse,
    Bce,
}

/// What mse takes as the target.
#[derive(Clone, Copy, ValueEnum)]
pub enum TargetName {
    Onehot,
    Digit,
}

impl LossArgs {
    /// Whether a flag was given.
    pub fn given(self) -> bool {
        self.name.given() || self.target.is_some()
    }

    /// The loss, or wrong usage.
    pub fn kind(self) -> Result<LossKind, Usage> {
        self.name.kind(self.target)
    }
}

impl LossNameArgs {
    /// Whether a flag was given.
    pub fn given(self) -> bool {
        self.loss.is_some() || self.label_smoothing.is_some()
    }

    /// The loss, or wrong usage: cross-entropy has no choice of target, and it alone has smoothing.
    pub fn kind(self, target: Option<TargetName>) -> Result<LossKind, Usage> {
        let kind = match (self.loss.unwrap_or(LossName::Ce), target) {
            (LossName::Ce, None) => LossKind::Ce,
            (LossName::Ce, Some(_)) => {
                return Err(
                    "--target goes with --loss mse: cross-entropy always has one output a class"
                        .into(),
                );
            }
            (LossName::Bce, None) => LossKind::Bce,
            (LossName::Bce, Some(_)) => {
                return Err(
                    "--target goes with --loss mse: binary cross-entropy always has one output"
                        .into(),
                );
            }
            (LossName::Mse, None | Some(TargetName::Onehot)) => LossKind::MseOnehot,
            (LossName::Mse, Some(TargetName::Digit)) => LossKind::MseDigit,
        };
        match (kind, self.label_smoothing) {
            (kind, None | Some(0.0)) => Ok(kind),
            (LossKind::Ce, Some(smoothing)) => Ok(LossKind::SmoothedCe(smoothing)),
            _ => Err("--label-smoothing goes with --loss ce".into()),
        }
    }
}
