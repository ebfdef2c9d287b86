//! The learning rate range test: a short training run in which the learning rate climbs from far too small to
//! far too large.
//!
//! While the rate is too small, the loss hardly moves. Then it falls, faster as the rate grows. At last the
//! steps overshoot, and it rises. A good rate to train with lies where the loss still falls, before its
//! lowest point. Only training images are used.
//!
//! Source: L. Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3.

use std::ops::{ControlFlow, Range};

use crate::{
    data::{
        Dataset,
        batch::{Preprocessing, in_order, shuffle},
    },
    linalg::{
        functions::{exp, ln},
        team::Team,
    },
    loss::Loss,
    nn::Mlp,
    rng::{Purpose, generator},
    train::{
        self, Images, Observer, Settings, Step, TrainError,
        schedule::{Schedule, Shape},
    },
};

/// The rates and steps of a range test.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The first and the last learning rate, both above 0, the first the smaller.
    pub rates: Range<f32>,
    /// Steps from the first to the last rate, at least 2. Each multiplies the rate by the same factor.
    pub steps: usize,
}

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its learning rate.
    pub rate: f32,
    /// The mean loss of the next batch: after this step, before the next.
    pub loss: f64,
}

/// How the test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It reached the last rate.
    LastRate,
    /// A running mean of the loss rose to [`DIVERGED`] times its lowest value, or the loss was not finite.
    Diverged,
    /// The observer stopped it.
    Stopped,
}

/// The test ends once a running mean of the loss is this many times its lowest value.
pub const DIVERGED: f64 = 4.0;

/// The result of a range test.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeTest {
    /// Every step in order, with ascending rates.
    pub points: Vec<Point>,
    /// The smoothed loss of each step: the mean over as many steps before it as after it, at most `reach` on
    /// each side.
    pub smooth: Vec<f64>,
    /// The most steps averaged on each side: [`WINDOW`] of all steps.
    pub reach: usize,
    /// How it ended.
    pub end: End,
}

/// The share of all steps that are averaged on each side of a step.
pub const WINDOW: f64 = 0.05;

/// Trains `network` with `settings`, but at the rates of `plan`, and discards it. `see` is told of every step
/// and may end the test.
///
/// The images are drawn from `data` at random, and repeated if there are too few for the steps. Errors:
/// [`TrainError::Augmentation`]. Panics like [`train::train`], and if the plan is not as documented.
pub fn range_test(
    network: Mlp<f32>,
    loss: &dyn Loss<f32>,
    (data, preprocessing): (&Dataset, Preprocessing),
    settings: &Settings,
    plan: &Plan,
    team: Team,
    see: &mut dyn FnMut(Point) -> ControlFlow<()>,
) -> Result<RangeTest, TrainError> {
    let Range { start, end } = plan.rates;
    assert!(0.0 < start && start < end && plan.steps > 1, "{plan:?}");
    // The first loss is measured before any step.
    let batch_size = settings.batch_size.clamp(1, data.len());
    let wanted = (plan.steps + 1).saturating_mul(batch_size);
    let some = some(data, wanted, settings.seed);
    let epoch_steps = some.len().div_ceil(batch_size);
    let epochs = (plan.steps + 1).div_ceil(epoch_steps);
    // A schedule reaches its end only after its last step.
    let (first, last) = (ln(f64::from(start)), ln(f64::from(end)));
    let a_step = (last - first) / (plan.steps - 1) as f64;
    let beyond = exp(first + a_step * (epochs * epoch_steps) as f64) as f32;
    assert!(
        beyond.is_finite(),
        "{plan:?}: the rates climb too far in a step"
    );
    let shape = Shape::Exponential { end: beyond };
    let settings = Settings {
        epochs,
        patience: None,
        target_accuracy: None,
        learning_rate: start,
        schedule: Schedule {
            shape,
            warm_up: 0.0,
        },
        ..settings.clone()
    };
    let (schedule, all) = (settings.schedule, epochs * epoch_steps);
    let mut watch = Watch {
        rate: |step| schedule.rate(start, step, epoch_steps, all),
        steps: plan.steps,
        epoch_steps,
        points: Vec::with_capacity(plan.steps),
        falling: Falling::new(reach(plan.steps)),
        end: End::LastRate,
        see,
    };
    let none = Dataset::empty(data.spec.clone());
    let images = Images {
        train: &some,
        valid: &none,
        preprocessing,
    };
    match train::train(network, loss, images, &settings, team, &mut watch) {
        Ok(_) => {}
        Err(TrainError::NotFinite { .. }) => watch.end = End::Diverged,
        Err(error) => return Err(error),
    }
    let Watch { points, end, .. } = watch;
    Ok(RangeTest::new(points, plan.steps, end))
}

/// The proposed rate is the rate of the lowest loss divided by this.
pub const MARGIN: f32 = 3.0;

/// If the loss never fell below this share of its initial value, no rate worked.
pub const FELL: f64 = 0.9;

/// What to do after a range test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Advice {
    /// Try this rate.
    Try(f32),
    /// The loss never fell to [`FELL`] of its initial value: try other rates, or more steps.
    NeverFell,
    /// The loss still fell at the last rate: try larger rates.
    StillFalls,
}

/// How many steps are averaged on each side of a step.
fn reach(steps: usize) -> usize {
    (WINDOW * steps as f64).round() as usize
}

impl RangeTest {
    fn new(points: Vec<Point>, steps: usize, end: End) -> Self {
        let reach = reach(steps);
        Self {
            smooth: smoothed(&points, reach),
            reach,
            points,
            end,
        }
    }

    /// Steps with a full window on both sides; all steps if there are too few.
    fn inner(&self) -> Range<usize> {
        let all = self.smooth.len();
        match all > 2 * self.reach {
            true => self.reach..all - self.reach,
            false => 0..all,
        }
    }

    /// The step with the lowest smoothed loss, the ends excluded; none without steps.
    pub fn lowest(&self) -> Option<usize> {
        self.inner()
            .min_by(|&a, &b| self.smooth[a].total_cmp(&self.smooth[b]))
    }

    /// The step, up to the lowest, around which the smoothed loss falls most against the logarithm of the rate.
    pub fn steepest(&self) -> Option<usize> {
        let reach = self.reach.max(1);
        let fall = |step: usize| self.smooth[step + reach] - self.smooth[step - reach];
        let last = self
            .lowest()?
            .min(self.smooth.len().saturating_sub(reach + 1));
        (reach..=last).min_by(|&a, &b| fall(a).total_cmp(&fall(b)))
    }

    /// What to do: if the loss fell and rose again, try the rate of the lowest loss divided by [`MARGIN`], to
    /// one digit.
    ///
    /// At the lowest loss steps begin to be too long, and a full training run needs shorter ones than this
    /// short test.
    pub fn advice(&self) -> Advice {
        let Some(lowest) = self.lowest() else {
            return Advice::NeverFell;
        };
        let inner = self.inner();
        let rate = self.points[lowest].rate / MARGIN;
        match self.smooth[lowest] < FELL * self.smooth[inner.start] {
            false => Advice::NeverFell,
            // So near the end that chance may have put it there.
            true if self.end == End::LastRate && lowest + self.reach.max(1) >= inner.end => {
                Advice::StillFalls
            }
            true => Advice::Try(format!("{rate:.0e}").parse().expect("a number")),
        }
    }

    /// The highest smoothed loss up to the lowest: anything above only shows that the loss rises.
    pub fn ceiling(&self) -> f64 {
        let fall = &self.smooth[..self.lowest().map_or(0, |lowest| lowest + 1)];
        fall.iter().copied().fold(f64::MIN, f64::max)
    }
}

/// `count` images of `data` drawn at random, or all of them.
fn some(data: &Dataset, count: usize, seed: u64) -> Dataset {
    let mut order = in_order(data.len());
    shuffle(&mut order, &mut generator(seed, Purpose::Check));
    order.truncate(count);
    let order: Vec<_> = order.into_iter().map(|image| image as usize).collect();
    data.select(&order)
}

/// The mean of every loss and of up to `reach` losses on each side.
fn smoothed(points: &[Point], reach: usize) -> Vec<f64> {
    let around = |step: usize| {
        // The same number on each side, so that a slope is not shifted.
        let reach = reach.min(step).min(points.len() - 1 - step);
        let near = &points[step - reach..=step + reach];
        near.iter().map(|point| point.loss).sum::<f64>() / near.len() as f64
    };
    (0..points.len()).map(around).collect()
}

/// Collects the losses of a test.
struct Watch<'a, R> {
    rate: R,
    steps: usize,
    epoch_steps: usize,
    points: Vec<Point>,
    falling: Falling,
    end: End,
    see: &'a mut dyn FnMut(Point) -> ControlFlow<()>,
}

impl<R: Fn(usize) -> f32> Observer for Watch<'_, R> {
    fn step(&mut self, step: &Step) -> ControlFlow<()> {
        // Told after step t, with the loss before it: the result of step t − 1.
        let Some(before) = ((step.epoch - 1) * self.epoch_steps + step.step - 1).checked_sub(1)
        else {
            return ControlFlow::Continue(());
        };
        let point = Point {
            rate: (self.rate)(before),
            loss: step.loss,
        };
        self.points.push(point);
        if (self.see)(point).is_break() {
            self.end = End::Stopped;
            return ControlFlow::Break(());
        }
        if self.falling.no_more(step.loss) {
            self.end = End::Diverged;
            return ControlFlow::Break(());
        }
        match self.points.len() < self.steps {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}

/// A running mean of the loss, and its lowest value so far.
struct Falling {
    /// About how many steps the mean covers.
    memory: f64,
    seen: f64,
    mean: f64,
    lowest: f64,
}

impl Falling {
    fn new(reach: usize) -> Self {
        Self {
            memory: (reach + 1) as f64,
            seen: 0.0,
            mean: 0.0,
            lowest: f64::INFINITY,
        }
    }

    /// Whether the mean is above [`DIVERGED`] times its lowest value.
    fn no_more(&mut self, loss: f64) -> bool {
        self.seen += 1.0;
        self.mean += (loss - self.mean) / self.memory.min(self.seen);
        // The mean of a few losses says little.
        if self.seen >= self.memory {
            self.lowest = self.lowest.min(self.mean);
        }
        self.mean > DIVERGED * self.lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_of(losses: &[f64]) -> RangeTest {
        let points = losses.iter().enumerate();
        let points = points.map(|(step, &loss)| Point {
            rate: 10f32.powi(step as i32 - 4),
            loss,
        });
        RangeTest::new(points.collect(), losses.len(), End::LastRate)
    }

    #[test]
    fn the_lowest_and_the_steepest_step_are_found() {
        let test = test_of(&[2.3, 2.3, 2.2, 1.8, 0.9, 0.6, 0.5, 0.8, 3.0]);
        assert_eq!((test.steepest(), test.lowest()), (Some(3), Some(6)));
        // Of 10⁶⁻⁴ = 100, a third.
        assert_eq!((test.advice(), test.ceiling()), (Advice::Try(30.0), 2.3));
        for losses in [&[][..], &[1.0], &[1.0, 2.0], &[2.0, 1.9, 1.95]] {
            assert_eq!(test_of(losses).advice(), Advice::NeverFell, "{losses:?}");
            assert!(test_of(losses).steepest().is_none_or(|step| step == 1));
        }
        let falls: Vec<_> = (0..100).map(|step| 3.0 - 0.02 * f64::from(step)).collect();
        assert_eq!(test_of(&falls).advice(), Advice::StillFalls);
    }

    #[test]
    fn a_loss_alone_ends_nothing_and_a_rise_does() {
        let ends = |losses: &[f64]| {
            let mut falling = Falling::new(9);
            losses.iter().position(|&loss| falling.no_more(loss))
        };
        let mut losses = vec![0.001; 5];
        losses.extend([1.0; 50]);
        assert_eq!(ends(&losses), None, "few losses that are low by chance");
        losses[30] = 9.0;
        assert_eq!(ends(&losses), None, "one that is high");
        losses.extend([10.0; 50]);
        assert!(ends(&losses).is_some_and(|step| (56..65).contains(&step)));
    }

    #[test]
    fn losses_are_averaged_with_as_many_on_either_side() {
        let losses: Vec<_> = (0..100).map(|step| f64::from(step * step)).collect();
        let test = test_of(&losses);
        assert_eq!((test.smooth[0], test.smooth[99]), (0.0, 9801.0));
        assert_eq!(test.smooth[1], (0.0 + 1.0 + 4.0) / 3.0);
        let eleven: f64 = (45..=55).map(|step| f64::from(step * step)).sum();
        assert_eq!(test.smooth[50], eleven / 11.0);
    }
}
