//! The flags that say by which rule the weights change, what is added to it, and how the learning rate changes.

use clap::ValueEnum;
use mlp::train::{
    optim::{Extras, Moments, Optimizer},
    schedule::{Schedule, Shape},
};

use crate::cli::args::{Usage, number};

/// The learning rate of Adam and AdamW where none is given. That of SGD, 0.1, is far too large for them.
pub const ADAM_RATE: f32 = 0.001;

/// The weight decay of AdamW where none is given, as in PyTorch. Without any, it is Adam.
const ADAMW_DECAY: f32 = 0.01;

/// The rule by which the weights change, and what is added to it.
#[derive(clap::Args)]
#[command(next_help_heading = "Optimiser")]
pub struct ExtrasArgs {
    /// Optimiser: the rule by which gradients change the weights [default: sgd]
    #[arg(long, value_name = "NAME", value_enum)]
    optimizer: Option<OptimizerName>,

    /// With adam and adamw: the share of the mean gradient that is kept from step to step [default: 0.9]
    #[arg(long, value_name = "SHARE", value_parser = number::share::<f32>)]
    beta1: Option<f32>,

    /// With adam and adamw: the share of the mean squared gradient that is kept from step to step [default:
    /// 0.999]
    #[arg(long, value_name = "SHARE", value_parser = number::share::<f32>)]
    beta2: Option<f32>,

    /// With adam and adamw: added to what divides a step [default: 1e-8]
    #[arg(long, value_name = "SIZE", value_parser = number::above_0::<f32>)]
    eps: Option<f32>,

    /// With sgd: momentum, the share of the velocity that is kept from step to step, such as 0.9
    #[arg(long, value_name = "SHARE", value_parser = number::share::<f32>)]
    momentum: Option<f32>,

    /// With sgd: Nesterov's momentum
    // That it requires --momentum is ours to check: the parser does not see the momentum of a recipe.
    #[arg(long)]
    nesterov: bool,

    /// L2 penalty: this times w is added to the gradient of w, such as 1e-5; with adamw, w shrinks by this times
    /// the learning rate instead [default: 0, or 0.01 with adamw]
    #[arg(long, value_name = "LAMBDA", value_parser = number::at_least_0::<f32>)]
    weight_decay: Option<f32>,

    /// Gradient clipping: scale all gradients down together if their norm is larger than this
    #[arg(long, value_name = "NORM", value_parser = number::above_0::<f32>)]
    clip_norm: Option<f32>,

    /// Max-norm: after each step, scale down the weights into a unit whose norm is larger than this
    #[arg(long, value_name = "NORM", value_parser = number::above_0::<f32>)]
    max_norm: Option<f32>,
}

/// How the learning rate changes.
#[derive(clap::Args)]
#[command(next_help_heading = "Optimiser")]
pub struct ScheduleArgs {
    /// How the learning rate changes from step to step, from --lr to --final-lr [default: constant]
    #[arg(long, value_name = "SHAPE", value_enum)]
    schedule: Option<ShapeName>,

    /// The learning rate at the end of linear, exponential and cosine [default: 0; exponential: a thousandth
    /// of --lr]
    #[arg(long, value_name = "RATE", value_parser = number::at_least_0::<f32>)]
    final_lr: Option<f32>,

    /// With step: epochs from one drop to the next [default: 10]
    #[arg(long, value_name = "N", value_parser = number::epochs)]
    step_epochs: Option<f64>,

    /// With step: what a drop multiplies the rate by [default: 0.1]
    #[arg(long, value_name = "FACTOR", value_parser = number::above_0::<f32>)]
    step_factor: Option<f32>,

    /// Warm-up: epochs in which the rate climbs to --lr before its schedule begins, such as 1 or 0.5
    #[arg(long, value_name = "EPOCHS", value_parser = number::epochs_or_0)]
    warm_up: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum OptimizerName {
    Sgd,
    Adam,
    Adamw,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum ShapeName {
    Constant,
    Linear,
    Exponential,
    Cosine,
    Step,
    OneCycle,
}

impl ExtrasArgs {
    /// The rule, or wrong usage.
    pub fn optimizer(&self) -> Result<Optimizer, Usage> {
        let usual = Moments::default();
        let moments = Moments {
            beta1: self.beta1.unwrap_or(usual.beta1),
            beta2: self.beta2.unwrap_or(usual.beta2),
            eps: self.eps.unwrap_or(usual.eps),
        };
        let given = self.beta1.or(self.beta2).or(self.eps).is_some();
        match self.optimizer {
            Some(OptimizerName::Adam) => Ok(Optimizer::Adam(moments)),
            Some(OptimizerName::Adamw) => Ok(Optimizer::AdamW(moments)),
            Some(OptimizerName::Sgd) | None if given => {
                Err("--beta1, --beta2 and --eps go with --optimizer adam or adamw".into())
            }
            Some(OptimizerName::Sgd) | None => Ok(Optimizer::Sgd),
        }
    }

    /// What is added to the plain step, or wrong usage.
    pub fn extras(&self) -> Result<Extras, Usage> {
        let is_sgd = self.optimizer()? == Optimizer::Sgd;
        if self.nesterov && self.momentum.is_none() {
            return Err(match is_sgd {
                true => "--nesterov goes with --momentum, such as --momentum 0.9".into(),
                false => {
                    "--nesterov goes with --optimizer sgd: adam and adamw have no momentum".into()
                }
            });
        }
        let momentum = self.momentum.unwrap_or(0.0);
        if momentum != 0.0 && !is_sgd {
            return Err(
                "--momentum goes with --optimizer sgd: in adam and adamw --beta1 has its place"
                    .into(),
            );
        }
        Ok(Extras {
            momentum,
            // Without momentum it means nothing, and a recipe may have brought it.
            nesterov: self.nesterov && is_sgd,
            weight_decay: self.weight_decay.unwrap_or(match self.optimizer {
                Some(OptimizerName::Adamw) => ADAMW_DECAY,
                _ => 0.0,
            }),
            clip_norm: self.clip_norm,
            max_norm: self.max_norm,
        })
    }
}

impl ScheduleArgs {
    /// The schedule from this peak on, or wrong usage.
    pub fn schedule(&self, peak: f32, epochs: usize) -> Result<Schedule, Usage> {
        let usage = |text: &str| Err(text.into());
        let name = self.schedule.unwrap_or(ShapeName::Constant);
        use ShapeName::{Constant, Cosine, Exponential, Linear, OneCycle, Step};
        if self.final_lr.is_some() && !matches!(name, Linear | Exponential | Cosine) {
            return usage("--final-lr goes with --schedule linear, exponential or cosine");
        }
        if (self.step_epochs.is_some() || self.step_factor.is_some()) && name != Step {
            return usage("--step-epochs and --step-factor go with --schedule step");
        }
        if name == Exponential && self.final_lr == Some(0.0) {
            return usage("--schedule exponential never reaches 0: choose a --final-lr above it");
        }
        let warm_up = self.warm_up.unwrap_or(0.0);
        if warm_up > epochs as f64 {
            return Err(Usage(format!(
                "--warm-up {warm_up} is longer than --epochs {epochs}"
            )));
        }
        let end = self.final_lr.unwrap_or(0.0);
        let shape = match name {
            Constant => Shape::Constant,
            Linear => Shape::Linear { end },
            Exponential => Shape::Exponential {
                end: self.final_lr.unwrap_or(peak / 1000.0),
            },
            Cosine => Shape::Cosine { end },
            Step => Shape::Step {
                every: self.step_epochs.unwrap_or(10.0),
                factor: self.step_factor.unwrap_or(0.1),
            },
            OneCycle => Shape::OneCycle,
        };
        Ok(Schedule { shape, warm_up })
    }
}
