//! Both passes as on the board: whole batches, plain formulas, and nothing shared with the modules. Each line
//! is written once rightly, and beside it stands what people write in its place.

use std::cell::OnceCell;

use ndarray::{Array2, Axis, Zip, s};

use super::{
    Mistake, Problem, Step,
    estimate::Estimate,
    problem::{Objective, Reduction, softmax_rows},
    slip::Slip,
};
use crate::{
    data::CLASSES,
    nn::{Activation, ScaledTanh},
};

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
        let share = self.u.map(|u| u + problem.input_rounding);
        world.x.push(Estimate::rounded(x, share));
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

    /// The targets, t (N, C), as they are or as they were taken.
    pub fn targets(&self, world: &World, slip: Option<&Slip>) -> Array2<f64> {
        let Some(slip) = slip else {
            return world.t.clone();
        };
        let n = world.t.nrows();
        match (slip.mistake, slip.variant) {
            (Mistake::LabelsShifted, variant) => {
                let from = |row: usize| match variant {
                    0 => (row + 1) % n,
                    1 => (row + n - 1) % n,
                    // Without wrapping around: the last, or the first, stays.
                    2 => (row + 1).min(n - 1),
                    _ => row.saturating_sub(1),
                };
                let rows: Vec<_> = (0..n).map(from).collect();
                world.t.select(Axis(0), &rows)
            }
            // A one-hot of ten, of which the mean is taken.
            (Mistake::TargetEncoding, 1) => Array2::from_elem(world.t.dim(), 1.0 / CLASSES as f64),
            // The digit in every column.
            (Mistake::TargetEncoding, _) => {
                let digits = world.t.rows().into_iter().map(|row| {
                    let highest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                    highest.map_or(0.0, |(class, _)| class as f64)
                });
                let digits: Vec<_> = digits.collect();
                Array2::from_shape_fn(world.t.dim(), |(n, _)| digits[n])
            }
            _ => unreachable!("a slip in the targets"),
        }
    }

    /// What the loss makes of the outputs: softmax, or the outputs themselves.
    pub fn predictions(&self, world: &World, slip: Option<&Slip>) -> Estimate {
        let z = world.x.last().expect("the batch at least");
        let Objective::Ce(_) = self.problem.objective else {
            return match slip {
                Some(slip) if slip.mistake == Mistake::AnotherBatch => {
                    self.of_others(world, z, slip)
                }
                _ => z.clone(),
            };
        };
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => self.softmax(z),
            Some((Mistake::AnotherBatch, _)) => {
                let slip = slip.expect("it was matched");
                self.softmax(&self.of_others(world, z, slip))
            }
            Some((Mistake::SoftmaxTwice, _)) => self.softmax(&self.softmax(z)),
            Some((Mistake::SoftmaxOverBatch, _)) => {
                let turned = Estimate::exact(z.value.t().to_owned());
                let p = self.softmax(&turned).value.reversed_axes();
                self.about(p, z)
            }
            Some((Mistake::LogsumexpNotByRows, _)) => {
                let highest = z.value.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                let e = z.value.mapv(|z| (z - highest).exp());
                let sum = e.sum();
                self.about(e / sum, z)
            }
            _ => unreachable!("a slip in the predictions"),
        }
    }

    /// The outputs of images other than those of the targets: in other rows, or of the images that follow.
    fn of_others(&self, world: &World, z: &Estimate, slip: &Slip) -> Estimate {
        if slip.rows.is_empty() {
            return rolled(z, slip.variant);
        }
        let next = world.next.get_or_init(|| {
            let slips = [Slip::new(Mistake::AnotherBatch).rows(slip.rows.clone())];
            self.world(&slips).x.pop()
        });
        next.clone().unwrap_or_else(|| z.clone())
    }

    /// Probabilities that were made of z in some way: a plain bound.
    fn about(&self, p: Array2<f64>, z: &Estimate) -> Estimate {
        let Some(u) = self.u else {
            return Estimate::exact(p);
        };
        let error = z.error.as_ref();
        let off = error.map_or(0.0, |error| error.fold(0.0, |m: f64, &e| m.max(e)));
        let highest = z.value.fold(0.0, |m: f64, z| m.max(z.abs()));
        let share = 2.0 * off + u * (OPERATIONS + 2.0 * highest);
        Estimate::rounded(p, Some(share))
    }

    fn softmax(&self, z: &Estimate) -> Estimate {
        let p = softmax_rows(&z.value);
        let Some(u) = self.u else {
            return Estimate::exact(p);
        };
        let mut error = Array2::zeros(p.dim());
        for (n, row) in p.rows().into_iter().enumerate() {
            // ∂p[c]/∂z[j] = p[c]·(δ − p[j]).
            let all: f64 = (0..row.len()).map(|j| row[j] * z.off((n, j))).sum();
            let highest = z.value.row(n).fold(0.0, |m: f64, z| m.max(z.abs()));
            for (c, &p) in row.iter().enumerate() {
                let own = z.off((n, c));
                let others = all - p * own;
                // ln p = z − lse is rounded in units of the larger of the two.
                let rounding = u * (OPERATIONS + z.value[[n, c]].abs() + highest);
                error[[n, c]] = p * (own * (1.0 - p) + others + rounding);
            }
        }
        Estimate {
            value: p,
            error: Some(error),
        }
    }

    /// dz (N, C): what goes back from the loss, through an activation behind the last module if there is one.
    pub fn dz(
        &self,
        world: &World,
        targets: Option<&Slip>,
        predictions: Option<&Slip>,
        combine: Option<&Slip>,
    ) -> Estimate {
        let p = self.predictions(world, predictions);
        let t = self.targets(world, targets);
        let dz = self.combine(world, &p, &t, (predictions, combine));
        match &world.end {
            Some((activation, z)) if self.end_has_slope(world) => {
                let y = world.x.last().expect("the batch at least");
                self.sloped(&dz, *activation, (z, y), dz.value.ncols(), |at| at)
            }
            _ => dz,
        }
    }

    fn end_has_slope(&self, world: &World) -> bool {
        let mut slips = world.slips.iter();
        slips.any(|slip| slip.mistake == Mistake::ActivationAtEnd && slip.variant % 2 == 0)
    }

    fn combine(
        &self,
        world: &World,
        p: &Estimate,
        t: &Array2<f64>,
        (predictions, combine): (Option<&Slip>, Option<&Slip>),
    ) -> Estimate {
        let u = self.u.unwrap_or(0.0);
        let (rows, c) = p.value.dim();
        let factor = self.problem.objective.factor(world.n, c);
        let ce = self.problem.objective.probabilities();
        let with = |f: &dyn Fn((usize, usize)) -> (f64, f64)| p.map(self.u, c, f).times(factor);
        let difference = |at| {
            let (p, t, off): (f64, f64, f64) = (p.value[at], t[at], p.off(at));
            // A p that was rounded near t loses what t leaves of it.
            (
                p - t,
                off + OPERATIONS * u * p.abs().max(t.abs()).min(1.0 + p.abs()),
            )
        };
        let dz = match combine.map(|slip| (slip.mistake, slip.variant)) {
            None => with(&difference),
            Some((Mistake::TargetNotSubtracted | Mistake::ResForDiff, _)) => {
                with(&|at| (p.value[at], p.off(at)))
            }
            Some((Mistake::Sign, _)) => with(&difference).times(-1.0),
            // The factors of `Problem::factors`, where they meet a line that is not linear.
            Some((
                Mistake::MeanMissing
                | Mistake::MeanTwice
                | Mistake::TwoMissing
                | Mistake::MeanOverOthers
                | Mistake::MeanOverClasses
                | Mistake::NotZeroed,
                _,
            )) => {
                let times = combine.and_then(|slip| slip.amount).unwrap_or(1.0);
                with(&difference).times(times)
            }
            Some((Mistake::OneOverP, _)) => with(&|at| {
                let (p, off) = (p.value[at].max(f64::MIN_POSITIVE), p.off(at));
                (-t[at] / p, t[at] * (off / p / p + u / p))
            }),
            Some((Mistake::SoftmaxSlopeBesides, 0)) => with(&|at| {
                let ((d, off), p) = (difference(at), p.value[at]);
                let slope = p * (1.0 - p);
                (
                    d * slope,
                    off * slope + d.abs() * OPERATIONS * (off + u * p),
                )
            }),
            // The whole Jacobian of softmax, p[c]·(δ − p[j]).
            Some((Mistake::SoftmaxSlopeBesides, _)) => {
                let d = with(&difference);
                self.through_softmax(&d, &p.value)
            }
            // Every output against every target.
            Some((Mistake::BroadcastNByN, variant)) => {
                let mean = t.mean_axis(Axis(0)).expect("a batch has images");
                let times = match variant {
                    0 => 1.0,
                    _ => rows as f64,
                };
                with(&|(n, c)| {
                    let (p, off) = (p.value[[n, c]], p.off((n, c)));
                    let d = p - mean[c];
                    (
                        d * times,
                        times * (off + OPERATIONS * u * p.abs().max(mean[c].abs())),
                    )
                })
            }
            _ => unreachable!("a slip in dz"),
        };
        // Cross-entropy of a softmax as PyTorch would differentiate it.
        match predictions {
            Some(slip) if slip.mistake == Mistake::SoftmaxTwice && slip.variant == 1 && ce => {
                let z = world.x.last().expect("the batch at least");
                self.through_softmax(&dz, &softmax_rows(&z.value))
            }
            _ => dz,
        }
    }

    /// d through a softmax p backwards: p[c]·(d[c] − Σ_j p[j]·d[j]).
    fn through_softmax(&self, d: &Estimate, p: &Array2<f64>) -> Estimate {
        let u = self.u.unwrap_or(0.0);
        let sums = (&d.value * p).sum_axis(Axis(1));
        let offs: Vec<f64> = (0..p.nrows())
            .map(|n| {
                let each = (0..p.ncols())
                    .map(|j| p[[n, j]] * (d.off((n, j)) + OPERATIONS * u * d.value[[n, j]].abs()));
                each.sum()
            })
            .collect();
        d.map(self.u, p.ncols(), |(n, c)| {
            let (p, value) = (p[[n, c]], d.value[[n, c]]);
            let off =
                p * (d.off((n, c)) + offs[n] + OPERATIONS * u * (value.abs() + sums[n].abs()));
            (p * (value - sums[n]), off)
        })
    }

    /// The right ∂L/∂y of module m.
    pub fn dy(&self, world: &World, m: usize) -> Estimate {
        let mut dy = self.dz(world, None, None, None);
        for m in (m + 1..self.problem.steps.len()).rev() {
            dy = self.dx(world, m, &dy, None, None);
        }
        dy
    }

    /// dx of module m from dy, or some columns of it.
    pub fn dx(
        &self,
        world: &World,
        m: usize,
        dy: &Estimate,
        slip: Option<&Slip>,
        columns: Option<&[usize]>,
    ) -> Estimate {
        match &self.steps(world)[m] {
            Step::Linear { w, .. } => self.dx_of_linear(world, (m, w), dy, slip, columns),
            Step::Activation(_) if world.left_out == Some(m) => dy.clone(),
            Step::Activation(activation) => {
                self.dx_of_activation(world, (m, *activation), dy, slip, columns)
            }
            Step::Mask(mask) => match slip.map(|slip| slip.mistake) {
                Some(Mistake::DropoutMaskMissing) => dy.clone(),
                Some(_) => self.masked(
                    &Estimate::exact(Array2::ones(dy.value.dim())),
                    &picked(mask, columns),
                ),
                None => self.masked(dy, &picked(mask, columns)),
            },
        }
    }

    fn dx_of_linear(
        &self,
        world: &World,
        (m, w): (usize, &Array2<f64>),
        dy: &Estimate,
        slip: Option<&Slip>,
        columns: Option<&[usize]>,
    ) -> Estimate {
        let back = |w: &Array2<f64>| {
            // Rows of w are columns of wᵀ.
            let turned = match columns {
                Some(columns) => w.select(Axis(0), columns).reversed_axes(),
                None => w.t().to_owned(),
            };
            Estimate::product(dy, &turned, self.u)
        };
        let reshaped = |w: &Array2<f64>, shape| {
            let numbers: Vec<_> = w.iter().copied().collect();
            Array2::from_shape_vec(shape, numbers).expect("as many numbers")
        };
        let (i, o) = w.dim();
        let own_gradient = || world.x[m].value.t().dot(&dy.value);
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => back(w),
            Some((Mistake::WeightNotTransposed, _)) => back(&w.t().to_owned()),
            // (I, O) read as (O, I), or the transposed one the other way round.
            Some((Mistake::WeightReshaped, 0)) => back(&reshaped(w, (o, i)).reversed_axes()),
            Some((Mistake::WeightReshaped, _)) => back(&reshaped(&w.t().to_owned(), (i, o))),
            // The gradient that the program itself has: of this very dy.
            Some((Mistake::GradientForWeight, _)) => back(&own_gradient()),
            Some((Mistake::WeightUpdated, _)) => {
                let lr = slip.and_then(|slip| slip.amount).unwrap_or(0.0);
                back(&(w - own_gradient() * lr))
            }
            Some((Mistake::MisplacedBracket, variant)) => {
                let factor = self.problem.objective.factor(world.n, world.t.ncols());
                let z = match variant {
                    0 => world.x.last().expect("the batch at least"),
                    _ => &world.x[m],
                };
                let t_w = world.t.dot(&w.t());
                let u = self.u.unwrap_or(0.0);
                let all: Vec<usize> = (0..i).collect();
                let columns = columns.unwrap_or(&all);
                let z_at = |(n, column): (usize, usize)| match z.value.ncols() {
                    1 => (n, 0),
                    _ => (n, columns[column]),
                };
                let shape = Estimate::exact(Array2::zeros((z.value.nrows(), columns.len())));
                shape
                    .map(self.u, columns.len(), |at| {
                        let (z_value, off) = (z.value[z_at(at)], z.off(z_at(at)));
                        let t_w = t_w[(at.0, columns[at.1])];
                        (
                            z_value - t_w,
                            off + OPERATIONS * u * (z_value.abs() + t_w.abs()),
                        )
                    })
                    .times(factor)
            }
            _ => unreachable!("a slip in the dx of a linear layer"),
        }
    }

    fn dx_of_activation(
        &self,
        world: &World,
        (m, activation): (usize, Activation),
        dy: &Estimate,
        slip: Option<&Slip>,
        columns: Option<&[usize]>,
    ) -> Estimate {
        let (x, y) = (&world.x[m], &world.x[m + 1]);
        let width = dy.value.ncols();
        let at =
            |(n, column): (usize, usize)| (n, columns.map_or(column, |columns| columns[column]));
        let times = |f: &dyn Fn((usize, usize)) -> f64| {
            // The error of a slope is not followed where it is not the right one.
            dy.map(self.u, width, |here| {
                let slope = f(at(here));
                (dy.value[here] * slope, dy.off(here) * slope.abs())
            })
        };
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => self.sloped(dy, activation, (x, y), width, at),
            Some((Mistake::ReluMaskMissing | Mistake::SlopeMissing, _)) => dy.clone(),
            Some((Mistake::ReluMaskAtZero, 0)) => times(&|at| {
                let below = slope(activation, -1.0, -1.0);
                if y.value[at] >= 0.0 { 1.0 } else { below }
            }),
            Some((Mistake::ReluMaskAtZero, _)) => times(&|at| {
                let below = slope(activation, -1.0, -1.0);
                if x.value[at] >= 0.0 { 1.0 } else { below }
            }),
            Some((Mistake::ReluMaskInverted, _)) => {
                times(&|at| slope(activation, -x.value[at], -x.value[at]))
            }
            Some((Mistake::ReluMaskOfGradient, _)) => dy.map(self.u, width, |here| {
                let slope = slope(activation, dy.value[here], dy.value[here]);
                (dy.value[here] * slope, dy.off(here))
            }),
            Some((
                Mistake::SharedRelu | Mistake::ReluMaskOfBefore | Mistake::ReluMaskOfAnother,
                other,
            )) => {
                let (x, y) = (&world.x[other], &world.x[other + 1]);
                self.sloped(dy, activation, (x, y), width, at)
            }
            Some((Mistake::UpstreamIgnored, _)) => {
                let ones = Estimate::exact(Array2::ones(dy.value.dim()));
                self.sloped(&ones, activation, (x, y), width, at)
            }
            Some((Mistake::SlopeFromX, _)) => {
                times(&|at| slope(activation, x.value[at], x.value[at]))
            }
            Some((Mistake::SlopeAtOutput, _)) => times(&|at| {
                let y = y.value[at];
                slope(activation, y, f(activation, y))
            }),
            _ => unreachable!("a slip in the dx of an activation"),
        }
    }

    /// dy times the slope of an activation at x, y; `at` says where in x and y an element of dy stands.
    fn sloped(
        &self,
        dy: &Estimate,
        activation: Activation,
        (x, y): (&Estimate, &Estimate),
        width: usize,
        at: impl Fn((usize, usize)) -> (usize, usize),
    ) -> Estimate {
        let u = self.u.unwrap_or(0.0);
        dy.map(self.u, width, |here| {
            let there = at(here);
            let x_value = x.value[there];
            let right = slope(activation, x_value, y.value[there]);
            let value = dy.value[here] * right;
            if self.u.is_none() {
                return (value, 0.0);
            }
            let off = x.off(there);
            let moved = [x_value - off, x_value + off]
                .map(|x| (slope(activation, x, f(activation, x)) - right).abs());
            // A mask is not rounded; a slope is.
            let rounding = match activation.about().kink {
                true => 0.0,
                false => OPERATIONS * u,
            };
            let slope_off = moved[0].max(moved[1]) + rounding;
            let error = dy.off(here) * (right.abs() + slope_off)
                + dy.value[here].abs() * (slope_off + u * right.abs());
            (value, error)
        })
    }

    /// The x that dw of module m is made with.
    pub fn input(&self, world: &World, m: usize, slip: Option<&Slip>) -> Estimate {
        let Some(slip) = slip else {
            return world.x[m].clone();
        };
        match slip.mistake {
            Mistake::WeightNotSummed => one_image(&world.x[m], slip.variant),
            // Both keep the module whose input is taken as their variant.
            Mistake::BeforeActivationInDw | Mistake::AnotherInputInDw => {
                world.x[slip.variant].clone()
            }
            _ => unreachable!("a slip in the x of dw"),
        }
    }

    /// db of dy.
    pub fn bias(&self, dy: &Estimate, slip: Option<&Slip>) -> Estimate {
        match slip.map(|slip| (slip.mistake, slip.variant)) {
            None => dy.sum_rows(self.u),
            Some((Mistake::BiasNotSummed, variant)) => {
                let row = match variant {
                    0 => 0,
                    _ => dy.value.nrows() - 1,
                };
                let row = |a: &Array2<f64>| a.slice(s![row..=row, ..]).to_owned();
                Estimate {
                    value: row(&dy.value),
                    error: dy.error.as_ref().map(row),
                }
            }
            Some((Mistake::BiasScalar, _)) => {
                let sum = dy.sum_rows(self.u);
                let all = |a: &Array2<f64>| Array2::from_elem(a.dim(), a.sum());
                Estimate {
                    value: all(&sum.value),
                    error: sum.error.as_ref().map(all),
                }
            }
            _ => unreachable!("a slip in db"),
        }
    }

    /// L and the numbers of the forward pass.
    pub fn forward(
        &self,
        world: &World,
        leaf: Leaf,
        targets: Option<&Slip>,
        predictions: Option<&Slip>,
    ) -> Estimate {
        match leaf {
            Leaf::Y(m) if m + 1 == self.problem.steps.len() && world.end.is_some() => {
                world.x[m + 1].clone()
            }
            Leaf::Y(m) => world.x[m + 1].clone(),
            Leaf::P => self.predictions(world, predictions),
            Leaf::LogP => {
                let z = world.x.last().expect("the batch at least");
                let p = self.predictions(world, predictions);
                let u = self.u.unwrap_or(0.0);
                p.map(self.u, p.value.ncols(), |at| {
                    let row = z.value.row(at.0);
                    let highest = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                    let lse = highest + row.mapv(|z| (z - highest).exp()).sum().ln();
                    let value = match predictions {
                        None => z.value[at] - lse,
                        Some(_) => p.value[at].max(f64::MIN_POSITIVE).ln(),
                    };
                    let largest = (0..row.len()).map(|c| z.off((at.0, c))).fold(0.0, f64::max);
                    (
                        value,
                        2.0 * largest + OPERATIONS * u * (z.value[at].abs() + lse.abs()),
                    )
                })
            }
            _ => {
                let z = world.x.last().expect("the batch at least");
                let t = self.targets(world, targets);
                let value = match (self.problem.objective, predictions) {
                    (Objective::Ce(reduction), Some(_)) => {
                        let p = self.predictions(world, predictions);
                        let terms = p.value.iter().zip(&t).filter(|(_, t)| **t != 0.0);
                        let sum: f64 = terms.map(|(p, t)| -t * p.max(f64::MIN_POSITIVE).ln()).sum();
                        match reduction {
                            Reduction::Mean => sum / world.n as f64,
                            Reduction::Half | Reduction::Sum => sum,
                        }
                    }
                    (objective, _) => objective.value(&z.value, &t),
                };
                let u = self.u.unwrap_or(0.0);
                let (n, c) = z.value.dim();
                let factor = self.problem.objective.factor(n, c).abs();
                let offs = z.value.indexed_iter().map(|(at, z_value)| {
                    let gap = match self.problem.objective {
                        Objective::Ce(_) => 1.0,
                        Objective::Mse(_) => (z_value - t[at]).abs() + z.off(at),
                    };
                    gap * (z.off(at) + OPERATIONS * u * (z_value.abs() + t[at].abs() + 1.0))
                });
                let error = 2.0 * factor * offs.sum::<f64>() + 16.0 * u * value.abs();
                Estimate {
                    value: Array2::from_elem((1, 1), value),
                    error: self.u.map(|_| Array2::from_elem((1, 1), error)),
                }
            }
        }
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

/// y from x.
pub(super) fn f(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu => {
            if x > 0.0 {
                x
            } else {
                0.01 * x
            }
        }
        Activation::Tanh => x.tanh(),
        Activation::ScaledTanh => ScaledTanh::A * (ScaledTanh::B * x).tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Gelu => {
            let root = (2.0 / std::f64::consts::PI).sqrt();
            let u = root * (x + 0.044715 * x.powi(3));
            x / (1.0 + (-2.0 * u).exp())
        }
    }
}

/// ∂y/∂x at x; y serves those functions whose slope is written in terms of y.
pub(super) fn slope(activation: Activation, x: f64, y: f64) -> f64 {
    match activation {
        Activation::Relu => f64::from(x > 0.0),
        Activation::Tanh => 1.0 - y * y,
        Activation::ScaledTanh => {
            let (a, b) = (ScaledTanh::A, ScaledTanh::B);
            b / a * (a * a - y * y)
        }
        Activation::Sigmoid => y * (1.0 - y),
        Activation::LeakyRelu => {
            if x > 0.0 {
                1.0
            } else {
                0.01
            }
        }
        Activation::Gelu => {
            // y = x·σ(2u), since (1 + tanh u)/2 is the logistic function of 2u.
            let root = (2.0 / std::f64::consts::PI).sqrt();
            let (u, du) = (
                root * (x + 0.044715 * x.powi(3)),
                root * (1.0 + 0.134145 * x.powi(2)),
            );
            let s = 1.0 / (1.0 + (-2.0 * u).exp());
            s + x * 2.0 * du * s * (1.0 - s)
        }
    }
}
