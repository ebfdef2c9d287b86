//! The ranges of settings, those of the command line: a file that was changed by hand can hold anything.

use std::fmt::Debug;

use super::Fault;
use crate::train::{
    Settings,
    optim::{Extras, Optimizer},
    schedule::{Schedule, Shape},
};

/// The most epochs of a warm-up, and from one drop of the learning rate to the next.
const MAX_TIME: f64 = 1e6;

/// Checks the numbers of the optimiser and its schedule.
pub(super) fn check(settings: &Settings) -> Result<(), Fault> {
    check_optimizer(settings.optimizer)?;
    check_extras(&settings.extras)?;
    check_schedule(&settings.schedule)
}

fn check_optimizer(optimizer: Optimizer) -> Result<(), Fault> {
    let Some(moments) = optimizer.moments() else {
        return Ok(());
    };
    share("beta1", moments.beta1)?;
    share("beta2", moments.beta2)?;
    above_0("eps", moments.eps, f32::MAX)
}

fn check_extras(extras: &Extras) -> Result<(), Fault> {
    let most = f32::MAX;
    share("momentum", extras.momentum)?;
    range("weight_decay", extras.weight_decay, 0.0, most)?;
    for (field, norm) in [
        ("clip_norm", extras.clip_norm),
        ("max_norm", extras.max_norm),
    ] {
        above_0(field, norm.unwrap_or(1.0), most)?;
    }
    Ok(())
}

fn check_schedule(schedule: &Schedule) -> Result<(), Fault> {
    range("warm_up", schedule.warm_up, 0.0, MAX_TIME)?;
    match schedule.shape {
        Shape::Constant | Shape::OneCycle => Ok(()),
        // A thousandth of the smallest learning rates, the default of an exponential end, is 0.
        Shape::Linear { end } | Shape::Exponential { end } | Shape::Cosine { end } => {
            range("end of the schedule", end, 0.0, f32::MAX)
        }
        Shape::Step { every, factor } => {
            above_0("every of the schedule", every, MAX_TIME)?;
            above_0("factor of the schedule", factor, f32::MAX)
        }
    }
}

fn share(field: &'static str, found: f32) -> Result<(), Fault> {
    match (0.0..1.0).contains(&found) {
        true => Ok(()),
        false => Err(Fault::Range {
            field,
            found: format!("{found:?}"),
            expected: "at least 0 and below 1".to_owned(),
        }),
    }
}

/// An error if a number is not in this range. No range holds NaN.
pub(crate) fn range<T: PartialOrd + Debug>(
    field: &'static str,
    found: T,
    least: T,
    most: T,
) -> Result<(), Fault> {
    match least <= found && found <= most {
        true => Ok(()),
        false => Err(Fault::Range {
            field,
            found: format!("{found:?}"),
            expected: format!("{least:?} to {most:?}"),
        }),
    }
}

fn above_0<T: PartialOrd + Default + Debug>(
    field: &'static str,
    found: T,
    most: T,
) -> Result<(), Fault> {
    match T::default() < found && found <= most {
        true => Ok(()),
        false => Err(Fault::Range {
            field,
            found: format!("{found:?}"),
            expected: format!("above 0, at most {most:?}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::optim::Moments;

    #[test]
    fn settings_that_no_command_line_gives_are_refused() {
        let taken = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            check(&settings).map_err(|fault| fault.to_string())
        };
        fn step(every: f64, factor: f32) -> Shape {
            Shape::Step { every, factor }
        }
        type Change = fn(&mut Settings);
        let refused: [(Change, &str); 18] = [
            (
                |s| s.extras.momentum = 1.0,
                "momentum 1.0, expected at least 0 and below 1",
            ),
            (|s| s.extras.momentum = 3e38, "momentum 3e38, expected"),
            (|s| s.extras.momentum = -0.1, "momentum -0.1, expected"),
            (|s| s.extras.momentum = f32::NAN, "momentum NaN, expected"),
            (
                |s| s.extras.weight_decay = -3e38,
                "weight_decay -3e38, expected 0.0 to",
            ),
            (
                |s| s.extras.weight_decay = f32::INFINITY,
                "weight_decay inf, expected",
            ),
            (
                |s| s.extras.clip_norm = Some(0.0),
                "clip_norm 0.0, expected above 0",
            ),
            (
                |s| s.extras.clip_norm = Some(f32::INFINITY),
                "clip_norm inf, expected",
            ),
            (
                |s| s.extras.max_norm = Some(-1.0),
                "max_norm -1.0, expected above 0",
            ),
            (
                |s| s.schedule.warm_up = -1.0,
                "warm_up -1.0, expected 0.0 to 1000000.0",
            ),
            (|s| s.schedule.warm_up = 1e308, "warm_up 1e308, expected"),
            (
                |s| s.schedule.shape = Shape::Linear { end: -1.0 },
                "end of the schedule -1.0",
            ),
            (
                |s| s.schedule.shape = Shape::Cosine { end: f32::INFINITY },
                "end of the schedule inf",
            ),
            (
                |s| s.schedule.shape = Shape::Exponential { end: -1.0 },
                "end of the schedule -1.0",
            ),
            (
                |s| s.schedule.shape = step(0.0, 0.5),
                "every of the schedule 0.0",
            ),
            (
                |s| s.schedule.shape = step(1e308, 0.5),
                "every of the schedule 1e308",
            ),
            (
                |s| s.schedule.shape = step(1.0, 0.0),
                "factor of the schedule 0.0",
            ),
            (
                |s| s.schedule.shape = step(1.0, -2.0),
                "factor of the schedule -2.0",
            ),
        ];
        for (change, expected) in refused {
            let error = taken(change).unwrap_err();
            assert!(error.contains(expected), "{error}, expected {expected}");
        }
        let with = |moments: Moments| {
            let optimizer = Optimizer::AdamW(moments);
            let settings = Settings {
                optimizer,
                ..Settings::default()
            };
            check(&settings).map_err(|fault| fault.to_string())
        };
        let usual = Moments::default();
        assert_eq!(with(usual), Ok(()));
        for (moments, expected) in [
            (
                Moments {
                    beta1: 1.0,
                    ..usual
                },
                "beta1 1.0, expected at least",
            ),
            (
                Moments {
                    beta2: -0.1,
                    ..usual
                },
                "beta2 -0.1, expected",
            ),
            (
                Moments {
                    beta2: f32::NAN,
                    ..usual
                },
                "beta2 NaN, expected",
            ),
            (Moments { eps: 0.0, ..usual }, "eps 0.0, expected above 0"),
            (
                Moments {
                    eps: f32::INFINITY,
                    ..usual
                },
                "eps inf, expected",
            ),
        ] {
            let error = with(moments).unwrap_err();
            assert!(error.contains(expected), "{error}, expected {expected}");
        }
        assert_eq!(taken(|_| {}), Ok(()));
        let whole = taken(|s| {
            s.extras = Extras {
                momentum: 0.99,
                nesterov: true,
                weight_decay: 3e38,
                clip_norm: Some(1e-45),
                max_norm: Some(3e38),
            };
            s.schedule.warm_up = 0.5;
            s.schedule.shape = Shape::Step {
                every: 0.1,
                factor: 2.0,
            };
        });
        assert_eq!(whole, Ok(()));
    }
}
