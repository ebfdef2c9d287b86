//! Both passes as on the board: whole batches, plain formulas, and nothing shared with the modules. Each line
//! is written once rightly, and beside it stands what people write in its place.

mod activation;
mod backward;
mod loss;

use std::cell::OnceCell;

use ndarray::{Array2, Axis, Zip};

use super::{Mistake, Problem, Slip, Step, estimate::Estimate};
use crate::nn::Activation;
use activation::f;

/// Operations that round, between two numbers of a pass: e^x, a quotient, a difference.
const OPERATIONS: f64 = 4.0;

/// The lines of both passes for one problem.
pub(super) struct Board<'a> {
    pub problem: &'a Problem,
    /// The unit roundoff of the arithmetic that is judged; none if no error bounds are wanted.
    pub u: Option<f64>,
}

/// The forward pass: right, or with what was wrong on the way.
pub(super) struct World {
    pub slips: Vec<Slip>,
    /// The input of every module, and at the end the output of the last.
    pub x: Vec<Estimate>,
    /// What the outputs are compared with.
    t: Array2<f64>,
    /// The N of the loss.
    n: usize,
    /// Weights and biases where they are not those of the problem.
    steps: Option<Vec<Step>>,
    /// An activation behind the last module, and the outputs before it.
    end: Option<(Activation, Estimate)>,
    /// An activation that is left out.
    left_out: Option<usize>,
    /// The outputs for the images that follow the batch, once they are asked for.
    next: OnceCell<Option<Estimate>>,
}

/// What is asked for: one of the numbers of the passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Leaf {
    /// dw of module m, as (I, O).
    Weight(usize),
    /// db of module m, as (1, O).
    Bias(usize),
    /// y of module m.
    Y(usize),
    /// The predictions.
    P,
    /// ln p
    LogP,
    /// L, as (1, 1).
    Loss,
    /// ∂L/∂y of module m.
    Dy(usize),
}

impl Leaf {
    /// Whether it belongs to the forward pass.
    pub fn forward(self) -> bool {
        matches!(self, Self::Y(_) | Self::P | Self::LogP | Self::Loss)
    }
}

impl<'a> Board<'a> {
    pub fn new(problem: &'a Problem, u: Option<f64>) -> Self {
        Self { problem, u }
    }

    fn steps<'b>(&'b self, world: &'b World) -> &'b [Step] {
        world.steps.as_deref().unwrap_or(&self.problem.steps)
    }

    /// The forward pass with these slips.
    pub fn world(&self, slips: &[Slip]) -> World {
        let problem = self.problem;
        let mut world = World {
            slips: slips.to_vec(),
            x: Vec::new(),
            t: problem.t.clone(),
            n: problem.n(),
            steps: None,
            end: None,
            left_out: None,
            next: OnceCell::new(),
        };
        let mut x = problem.x.clone();
        for slip in slips {
            self.slip_forward(slip, &mut world, &mut x);
        }
        world.x.push(Estimate::rounded(x, self.u));
        let changed = world.steps.take();
        let steps = changed.as_deref().unwrap_or(&problem.steps);
        for (m, step) in steps.iter().enumerate() {
            let x = &world.x[m];
            let y = match step {
                Step::Linear { w, b } => {
                    let bias = slips.iter().rev().find(|slip| {
                        matches!(slip.mistake, Mistake::BiasTwice | Mistake::BiasForgotten)
                            && slip.place.is_none_or(|place| place == m)
                    });
                    let times = match bias.map(|slip| slip.mistake) {
                        Some(Mistake::BiasTwice) => 2.0,
                        Some(_) => 0.0,
                        None => 1.0,
                    };
                    self.linear(x, w, &(b * times))
                }
                Step::Activation(_) if world.left_out == Some(m) => x.clone(),
                Step::Activation(activation) => self.activation(x, *activation),
                Step::Mask(mask) => self.masked(x, mask),
            };
            world.x.push(y);
        }
        world.steps = changed;
        if let Some(slip) = slips
            .iter()
            .find(|slip| slip.mistake == Mistake::ActivationAtEnd)
        {
            let activation = Activation::ALL[slip.variant / 2];
            let z = world.x.last().expect("the batch at least").clone();
            let after = self.activation(&z, activation);
            *world.x.last_mut().expect("the batch at least") = after;
            world.end = Some((activation, z));
        }
        world
    }

    /// What a slip makes of what the network is fed, and of its parameters.
    fn slip_forward(&self, slip: &Slip, world: &mut World, x: &mut Array2<f64>) {
        match slip.mistake {
            Mistake::PixelsTo255 => *x *= 255.0,
            Mistake::ActivationForgotten => world.left_out = slip.place,
            Mistake::OtherImages | Mistake::NotZeroed | Mistake::AnotherBatch => {
                let (all, t) = self.problem.everything();
                let rows: Vec<usize> = slip.rows.clone().collect();
                *x = all.select(Axis(0), &rows);
                if slip.mistake == Mistake::AnotherBatch {
                    return; // with the targets of this one
                }
                world.t = t.select(Axis(0), &rows);
                world.n = match slip.mistake {
                    Mistake::OtherImages => rows.len(),
                    _ => self.problem.n(),
                };
            }
            Mistake::WeightUpdated => {
                let lr = slip.amount.unwrap_or(0.0);
                let right = Board::new(self.problem, None);
                let before = right.world(&[]);
                let mut steps = self.problem.steps.clone();
                for (m, step) in steps.iter_mut().enumerate() {
                    if let Step::Linear { w, b } = step {
                        let dy = right.dy(&before, m);
                        w.scaled_add(-lr, &Estimate::outer(&before.x[m], &dy, None).value);
                        b.scaled_add(-lr, &dy.sum_rows(None).value);
                    }
                }
                world.steps = Some(steps);
            }
            _ => {}
        }
    }

    fn linear(&self, x: &Estimate, w: &Array2<f64>, b: &Array2<f64>) -> Estimate {
        let mut y = Estimate::product(x, w, self.u);
        y.value += b;
        if let (Some(u), Some(error)) = (self.u, &mut y.error) {
            Zip::from(error)
                .and(&y.value)
                .for_each(|error, y| *error += u * y.abs());
        }
        y
    }

    fn activation(&self, x: &Estimate, activation: Activation) -> Estimate {
        let u = self.u.unwrap_or(0.0);
        x.map(self.u, x.value.ncols(), |at| {
            let (x, off) = (x.value[at], x.off(at));
            let y = f(activation, x);
            let moved = [x - off, x + off].map(|x| (f(activation, x) - y).abs());
            (y, moved[0].max(moved[1]) + OPERATIONS * u * y.abs())
        })
    }

    fn masked(&self, x: &Estimate, mask: &Array2<f64>) -> Estimate {
        let u = self.u.unwrap_or(0.0);
        x.map(self.u, x.value.ncols(), |at| {
            let (value, off) = (x.value[at] * mask[at], x.off(at) * mask[at]);
            (value, off + u * value.abs())
        })
    }
}

/// Some columns of a, or all.
fn picked(a: &Array2<f64>, columns: Option<&[usize]>) -> Array2<f64> {
    match columns {
        Some(columns) => a.select(Axis(1), columns),
        None => a.clone(),
    }
}

/// Each row replaced by the next one, or by the one before.
fn rolled(a: &Estimate, variant: usize) -> Estimate {
    let n = a.value.nrows();
    let rows: Vec<_> = (0..n)
        .map(|row| match variant {
            0 => (row + 1) % n,
            _ => (row + n - 1) % n,
        })
        .collect();
    Estimate {
        value: a.value.select(Axis(0), &rows),
        error: a.error.as_ref().map(|error| error.select(Axis(0), &rows)),
    }
}

/// x of the first image, or of the last, with zeros for all others.
fn one_image(x: &Estimate, variant: usize) -> Estimate {
    let kept = match variant {
        0 => 0,
        _ => x.value.nrows() - 1,
    };
    let one = |a: &Array2<f64>| {
        let mut one = Array2::zeros(a.dim());
        one.row_mut(kept).assign(&a.row(kept));
        one
    };
    Estimate {
        value: one(&x.value),
        error: x.error.as_ref().map(one),
    }
}
