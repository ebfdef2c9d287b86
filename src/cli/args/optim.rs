//! The flags that say what is added to plain SGD, and how the learning rate changes.

use clap::{ValueEnum, error::ErrorKind};
use mlp::train::{
    optim::Extras,
    schedule::{Schedule, Shape},
};

/// What is added to plain SGD.
#[derive(clap::Args)]
#[command(next_help_heading = "Optimiser")]
pub struct ExtrasArgs {
    /// Momentum: the share of the velocity that stays from step to step, such as 0.9
    #[arg(long, value_name = "SHARE", value_parser = share)]
    momentum: Option<f32>,

    /// Nesterov's momentum
    #[arg(long, requires = "momentum")]
    nesterov: bool,

    /// L2 penalty: this times w is added to the gradient of w, such as 1e-5
    #[arg(long, value_name = "LAMBDA", value_parser = at_least_0)]
    weight_decay: Option<f32>,

    /// Scale all gradients down together where their norm is larger
    #[arg(long, value_name = "NORM", value_parser = above_0)]
    clip_norm: Option<f32>,

    /// Scale the weights into a unit down after a step where their norm is larger
    #[arg(long, value_name = "NORM", value_parser = above_0)]
    max_norm: Option<f32>,
}

/// How the learning rate changes.
#[derive(clap::Args)]
#[command(next_help_heading = "Optimiser")]
pub struct ScheduleArgs {
    /// How the learning rate changes from step to step, from --lr to --final-lr [default: constant]
    #[arg(long, value_name = "SHAPE", value_enum)]
    schedule: Option<ShapeName>,

    /// The learning rate at the end of linear, exponential and cosine [default: 0; exponential: a thousandth of --lr]
    #[arg(long, value_name = "RATE", value_parser = at_least_0)]
    final_lr: Option<f32>,

    /// With step: epochs from one drop to the next [default: 10]
    #[arg(long, value_name = "N", value_parser = epochs)]
    step_epochs: Option<f64>,

    /// With step: what a drop multiplies the rate by [default: 0.1]
    #[arg(long, value_name = "FACTOR", value_parser = above_0)]
    step_factor: Option<f32>,

    /// Epochs in which the rate climbs to --lr before its schedule begins; may be a part of one
    #[arg(long, value_name = "EPOCHS", value_parser = epochs)]
    warm_up: Option<f64>,
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
    /// What is added to the plain step.
    pub fn extras(&self) -> Extras {
        Extras {
            momentum: self.momentum.unwrap_or(0.0),
            nesterov: self.nesterov,
            weight_decay: self.weight_decay.unwrap_or(0.0),
            clip_norm: self.clip_norm,
            max_norm: self.max_norm,
        }
    }
}

impl ScheduleArgs {
    /// The schedule from this peak on, or wrong usage.
    pub fn schedule(&self, peak: f32, epochs: usize) -> Result<Schedule, clap::Error> {
        let usage = |text| Err(clap::Error::raw(ErrorKind::ArgumentConflict, text));
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
            return usage("--warm-up is longer than --epochs");
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

/// What is added to plain SGD, and the schedule, in a few words, each after a comma.
pub fn optimiser_text(extras: &Extras, schedule: &Schedule) -> String {
    let Extras {
        momentum,
        nesterov,
        weight_decay,
        clip_norm,
        max_norm,
    } = extras;
    let mut parts = Vec::new();
    parts.extend(match schedule.shape {
        Shape::Constant => None,
        Shape::Linear { end } => Some(format!("linear to {end:?}")),
        Shape::Exponential { end } => Some(format!("exponential to {end:?}")),
        Shape::Cosine { end } => Some(format!("cosine to {end:?}")),
        Shape::Step { every, factor } => Some(format!("times {factor} every {every} epochs")),
        Shape::OneCycle => Some("one cycle".into()),
    });
    let or_not = |name: &str, number: f32| (number != 0.0).then(|| format!("{name} {number:?}"));
    parts.extend((schedule.warm_up > 0.0).then(|| format!("warm-up {}", schedule.warm_up)));
    parts.extend(or_not(
        if *nesterov {
            "Nesterov momentum"
        } else {
            "momentum"
        },
        *momentum,
    ));
    parts.extend(or_not("weight decay", *weight_decay));
    parts.extend(clip_norm.map(|norm| format!("clip norm {norm:?}")));
    parts.extend(max_norm.map(|norm| format!("max norm {norm:?}")));
    parts.iter().map(|part| format!(", {part}")).collect()
}

fn number(text: &str, fits: impl Fn(f32) -> bool, expected: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() && fits(number) => Ok(number),
        _ => Err(format!("expected {expected}")),
    }
}

fn share(text: &str) -> Result<f32, String> {
    number(
        text,
        |x| (0.0..1.0).contains(&x),
        "a number from 0 to below 1, such as 0.9",
    )
}

fn at_least_0(text: &str) -> Result<f32, String> {
    number(text, |x| x >= 0.0, "a number of at least 0, such as 1e-5")
}

fn above_0(text: &str) -> Result<f32, String> {
    number(text, |x| x > 0.0, "a number above 0, such as 2")
}

fn epochs(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(epochs) if epochs > 0.0 && epochs <= 1e6 => Ok(epochs),
        _ => Err("expected a number of epochs above 0, such as 1 or 0.5".into()),
    }
}
