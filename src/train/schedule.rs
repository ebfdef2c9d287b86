//! How the learning rate changes from step to step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::linalg::functions::{cos, pow};

/// How the learning rate changes from step to step.
///
/// With T steps in all, the first W of them for warm-up, step t = 0, 1, … of training has the learning rate
///
/// ```text
/// peak·(t + 1)/(W + 1)              while t < W
/// shape at p = (t − W)/(T − W)      then, 0 ≤ p < 1
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// What comes after the warm-up.
    pub shape: Shape,
    /// Length of the warm-up in epochs.
    pub warm_up: f64,
}

/// How the learning rate goes from its `peak`, set by `--lr`, to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// peak
    #[default]
    Constant,
    /// peak + p·(end − peak); PyTorch's `LinearLR`
    Linear {
        /// The learning rate after the last step.
        end: f32,
    },
    /// peak·(end/peak)^p; PyTorch's `ExponentialLR` with that gamma
    Exponential {
        /// The learning rate after the last step, above 0.
        end: f32,
    },
    /// end + (peak − end)·(1 + cos πp)/2; PyTorch's `CosineAnnealingLR`
    ///
    /// Source: I. Loshchilov and F. Hutter, "SGDR", 2017.
    Cosine {
        /// The learning rate after the last step.
        end: f32,
    },
    /// peak·factor^⌊epochs/every⌋; PyTorch's `StepLR`
    Step {
        /// Epochs between drops.
        every: f64,
        /// The factor of a drop.
        factor: f32,
    },
    /// Up from peak/25 to peak over the first 0.3 of the steps, then down to peak/250,000, each along a
    /// cosine; PyTorch's `OneCycleLR` without its change of momentum
    ///
    /// Source: L. Smith and N. Topin, "Super-convergence", 2018.
    OneCycle,
}

impl Schedule {
    /// Whether the rate of a step depends on how many steps follow, so that a run cannot be extended later.
    pub fn looks_ahead(&self) -> bool {
        !matches!(self.shape, Shape::Constant | Shape::Step { .. })
    }

    /// The learning rate of step `t` from 0, where an epoch has `epoch` steps and training has `total`.
    pub fn rate(&self, peak: f32, t: usize, epoch: usize, total: usize) -> f32 {
        let warm_up = ((self.warm_up * epoch as f64).round() as usize).min(total);
        let peak64 = f64::from(peak);
        if t < warm_up {
            return (peak64 * (t + 1) as f64 / (warm_up + 1) as f64) as f32;
        }
        let (t, total) = ((t - warm_up) as f64, (total - warm_up) as f64);
        let p = (t / total.max(1.0)).min(1.0);
        let rate = match self.shape {
            Shape::Constant => return peak,
            Shape::Linear { end } => peak64 + p * (f64::from(end) - peak64),
            Shape::Exponential { end } => peak64 * pow(f64::from(end) / peak64, p),
            Shape::Cosine { end } => along_cosine(peak64, end.into(), p),
            Shape::Step { every, factor } => {
                // Epochs count from the end of the warm-up. The 1e-9 is for the rounding of fractions of an epoch.
                let drops = (t / epoch as f64 / every + 1e-9).floor();
                peak64 * pow(factor.into(), drops)
            }
            Shape::OneCycle => {
                let (start, end) = (peak64 / 25.0, peak64 / 250_000.0);
                let (top, last) = (0.3 * total - 1.0, total - 1.0);
                match t <= top {
                    true => along_cosine(start, peak64, t / top.max(1.0)),
                    false => along_cosine(peak64, end, ((t - top) / (last - top)).min(1.0)),
                }
            }
        };
        rate as f32
    }
}

/// From `from` at p = 0 to `to` at p = 1, flat at both ends.
fn along_cosine(from: f64, to: f64, p: f64) -> f64 {
    to + (from - to) * (1.0 + cos(PI * p)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shape: Shape, warm_up: f64) -> Vec<f32> {
        let schedule = Schedule { shape, warm_up };
        (0..10).map(|t| schedule.rate(0.5, t, 5, 10)).collect()
    }

    #[test]
    fn a_warm_up_climbs_to_the_peak_and_the_shape_follows() {
        let warm = rates(Shape::Linear { end: 0.0 }, 0.8);
        let expected = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5 * 5.0 / 6.0];
        for (rate, expected) in warm.iter().zip(expected) {
            assert!((rate - expected).abs() < 1e-7, "{warm:?}");
        }
        assert_eq!(rates(Shape::Constant, 0.0), [0.5; 10]);
    }

    #[test]
    fn nothing_leaves_the_range_from_0_to_the_peak_even_after_the_last_step() {
        for shape in [
            Shape::Linear { end: 0.0 },
            Shape::Exponential { end: 1e-6 },
            Shape::Cosine { end: 0.0 },
            Shape::Step {
                every: 0.5,
                factor: 0.5,
            },
            Shape::OneCycle,
        ] {
            for (warm_up, epoch, total) in [(0.0, 1, 1), (3.0, 2, 4), (0.5, 3, 9), (0.0, 7, 0)] {
                let schedule = Schedule { shape, warm_up };
                for t in 0..total + 3 {
                    let rate = schedule.rate(0.5, t, epoch, total);
                    assert!(
                        (0.0..=0.5).contains(&rate),
                        "{shape:?}, step {t} of {total}: {rate}"
                    );
                }
            }
        }
    }
}
