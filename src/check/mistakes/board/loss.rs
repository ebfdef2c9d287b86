//! The loss and dz, line by line.

use ndarray::{Array2, Axis};

use super::{Board, Leaf, OPERATIONS, World, rolled};
use crate::{
    check::mistakes::{
        Mistake, Slip,
        estimate::Estimate,
        problem::{Objective, Reduction, minus_ln_sigmoid, sigmoid, softmax_rows},
    },
    data::CLASSES,
    nn::Activation,
};

/// How many times more ln(1 − p) is rounded than p, at the most that is forgiven.
const MOST_LOST: f64 = 1e3;

impl Board<'_> {
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

    /// What the loss makes of the outputs: softmax, sigmoid, or the outputs themselves.
    pub fn predictions(&self, world: &World, slip: Option<&Slip>) -> Estimate {
        let z = world.x.last().expect("the batch at least");
        let of_others = |slip: Option<&Slip>| match slip {
            Some(slip) if slip.mistake == Mistake::AnotherBatch => self.of_others(world, z, slip),
            _ => z.clone(),
        };
        match self.problem.objective {
            Objective::Mse(_) => return of_others(slip),
            Objective::Bce(_) => return self.activation(&of_others(slip), Activation::Sigmoid),
            Objective::Ce(_) => {}
        }
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
        let ce = matches!(self.problem.objective, Objective::Ce(_));
        let binary = matches!(self.problem.objective, Objective::Bce(_));
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
            // −t/p + (1 − t)/(1 − p)
            Some((Mistake::OneOverP, _)) if binary => with(&|at| {
                let least = f64::MIN_POSITIVE;
                let (t, p, off) = (t[at], p.value[at], p.off(at) + OPERATIONS * u);
                let (p, q) = (p.max(least), (1.0 - p).max(least));
                let value = (1.0 - t) / q - t / p;
                let error = (1.0 - t) * (off / q / q) + t * (off / p / p);
                (value, error + OPERATIONS * u * value.abs())
            }),
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
            Some((Mistake::SigmoidSlopeBesides, _)) => with(&|at| {
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
            // Every row has the targets of all.
            Some((Mistake::BroadcastNByN, 2)) => {
                let any = t.fold_axis(Axis(0), 0.0, |m: &f64, t: &f64| m.max(*t));
                with(&|(n, c)| {
                    let (p, off) = (p.value[[n, c]], p.off((n, c)));
                    (p - any[c], off + OPERATIONS * u * p.max(any[c]))
                })
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

    /// d through a softmax p backwards: `p[c]·(d[c] − Σ_j p[j]·d[j])`.
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
            // ln p = −ln(1 + e^−z)
            Leaf::LogP if matches!(self.problem.objective, Objective::Bce(_)) => {
                let z = world.x.last().expect("the batch at least");
                let p = self.predictions(world, predictions);
                let u = self.u.unwrap_or(0.0);
                p.map(self.u, p.value.ncols(), |at| {
                    let value = match predictions {
                        None => -minus_ln_sigmoid(z.value[at]),
                        Some(_) => p.value[at].max(f64::MIN_POSITIVE).ln(),
                    };
                    let rounding = OPERATIONS * u * (1.0 + z.value[at].abs());
                    (value, 2.0 * z.off(at) + rounding)
                })
            }
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
                    (Objective::Bce(_), Some(_)) => {
                        let p = self.predictions(world, predictions);
                        let ln = |p: f64| p.max(f64::MIN_POSITIVE).ln();
                        let terms = p.value.iter().zip(&t);
                        let terms = terms.map(|(p, t)| t * ln(*p) + (1.0 - t) * ln(1.0 - p));
                        let (_, c) = z.value.dim();
                        -self.problem.objective.factor(world.n, c) * terms.sum::<f64>()
                    }
                    (objective, _) => objective.value(&z.value, &t),
                };
                let (n, c) = z.value.dim();
                let factor = self.problem.objective.factor(n, c).abs();
                let error = 2.0 * factor * self.loss_error(z, &t)
                    + 16.0 * self.u.unwrap_or(0.0) * value.abs();
                Estimate {
                    value: Array2::from_elem((1, 1), value),
                    error: self.u.map(|_| Array2::from_elem((1, 1), error)),
                }
            }
        }
    }

    /// How far rounding can have moved the sum of the losses.
    fn loss_error(&self, z: &Estimate, t: &Array2<f64>) -> f64 {
        let Some(u) = self.u else {
            return 0.0;
        };
        // ∂L/∂z is p − t, or z − t.
        let p = match self.problem.objective {
            Objective::Ce(_) => softmax_rows(&z.value),
            Objective::Mse(_) => z.value.clone(),
            Objective::Bce(_) => z.value.mapv(sigmoid),
        };
        let mut error = 0.0;
        for (n, (row, t)) in z.value.rows().into_iter().zip(t.rows()).enumerate() {
            let largest = row.fold(0.0, |m: f64, z| m.max(z.abs()));
            for (c, t) in t.iter().enumerate() {
                let gap = (p[[n, c]] - t).abs() + z.off((n, c));
                error += gap * (z.off((n, c)) + OPERATIONS * u * (row[c].abs() + t.abs()));
            }
            match self.problem.objective {
                // ln p = z − lse is rounded in units of the larger of the two.
                Objective::Ce(_) => error += OPERATIONS * u * (largest + 1.0),
                // So are ln p and ln(1 − p); who takes the logarithm of 1 − p has what p leaves of it.
                Objective::Bce(_) => {
                    let lost = row.iter().zip(t).map(|(z, t)| {
                        let left = (1.0 - t) * z.exp().min(MOST_LOST);
                        z.abs() + 1.0 + left
                    });
                    error += OPERATIONS * u * lost.sum::<f64>();
                }
                Objective::Mse(_) => {}
            }
        }
        error
    }
}
