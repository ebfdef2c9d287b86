//! What is judged: a network as plain arrays, what it is fed, and the loss.

use ndarray::{Array2, Axis, concatenate, s};

use super::{Gradients, board::Board, estimate::Estimate};

use crate::{
    data::batch::Batch,
    loss::LossKind,
    nn::{Activation, Kind, Mlp, in_training},
    rng::Noise,
};

/// A module as on the board.
#[derive(Clone, Debug)]
pub enum Step {
    /// y = x·w + b
    Linear {
        /// w (I, O)
        w: Array2<f64>,
        /// b (1, O)
        b: Array2<f64>,
    },
    /// y = f(x), element by element.
    Activation(Activation),
    /// y = x∘mask (N, O): dropout, with its mask drawn and scaled.
    Mask(Array2<f64>),
}

/// What the losses of the images are made one number by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The mean: over N for cross-entropy, over N·C for mse and binary cross-entropy.
    Mean,
    /// ½ Σ (z − t)², over images and outputs: mse only.
    Half,
    /// Σ
    Sum,
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// `−Σ_c t[c]·ln p[c]`, with p = softmax(z)
    Ce(Reduction),
    /// (z − t)²
    Mse(Reduction),
    /// `−t·ln p − (1 − t)·ln(1 − p)` of every output, with p = σ(z) and t from 0 to 1
    Bce(Reduction),
}

impl Objective {
    /// Whether the predictions are probabilities.
    pub fn probabilities(self) -> bool {
        matches!(self, Self::Ce(_) | Self::Bce(_))
    }

    /// The factor of p − t, or of z − t, in dz.
    pub fn factor(self, n: usize, c: usize) -> f64 {
        match self {
            Self::Ce(Reduction::Mean) => 1.0 / n as f64,
            Self::Ce(Reduction::Half | Reduction::Sum)
            | Self::Bce(Reduction::Half | Reduction::Sum)
            | Self::Mse(Reduction::Half) => 1.0,
            Self::Bce(Reduction::Mean) => 1.0 / (n * c) as f64,
            Self::Mse(Reduction::Mean) => 2.0 / (n * c) as f64,
            Self::Mse(Reduction::Sum) => 2.0,
        }
    }

    /// L and dz as they are written for n rows of c outputs z.
    pub fn formulas(self, n: usize, c: usize) -> (&'static str, &'static str) {
        match self {
            Self::Ce(Reduction::Mean) if n > 1 => ("L = −Σ t·ln p / N", "dz = (p − t)/N"),
            Self::Ce(_) => ("L = −Σ t·ln p", "dz = p − t"),
            Self::Bce(Reduction::Mean) if n * c > 1 => (
                "L = −Σ (t·ln p + (1 − t)·ln(1 − p)) / (N·C)",
                "dz = (p − t)/(N·C)",
            ),
            Self::Bce(_) => ("L = −Σ (t·ln p + (1 − t)·ln(1 − p))", "dz = p − t"),
            Self::Mse(Reduction::Mean) => ("L = Σ (z − t)² / (N·C)", "dz = 2·(z − t)/(N·C)"),
            Self::Mse(Reduction::Half) => ("L = ½·Σ (z − t)²", "dz = z − t"),
            Self::Mse(Reduction::Sum) => ("L = Σ (z − t)²", "dz = 2·(z − t)"),
        }
    }

    /// The part (N, C) of L that each output z (N, C) with its target t (N, C) has: L is their sum.
    pub fn parts(self, z: &Array2<f64>, t: &Array2<f64>) -> Array2<f64> {
        let (n, c) = z.dim();
        let mut parts = Array2::zeros((n, c));
        for row in 0..n {
            let highest = z.row(row).fold(f64::NEG_INFINITY, |m, &z| m.max(z));
            let lse = highest + z.row(row).mapv(|z| (z - highest).exp()).sum().ln();
            for output in 0..c {
                let (z, t) = (z[[row, output]], t[[row, output]]);
                parts[[row, output]] = match self {
                    Self::Ce(_) if t == 0.0 => 0.0,
                    Self::Ce(_) => self.factor(n, c) * t * (lse - z),
                    Self::Mse(_) => self.factor(n, c) / 2.0 * (z - t) * (z - t),
                    Self::Bce(_) => self.factor(n, c) * minus_ln_likelihood(z, t),
                };
            }
        }
        parts
    }

    /// L of outputs z (N, C) and what they should be, t (N, C).
    pub fn value(self, z: &Array2<f64>, t: &Array2<f64>) -> f64 {
        let (n, c) = z.dim();
        match self {
            Self::Ce(_) => {
                let each = z.rows().into_iter().zip(t.rows()).map(|(z, t)| {
                    let m = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                    let lse = m + z.mapv(|z| (z - m).exp()).sum().ln();
                    // Where t is 0 a probability of 0 costs nothing.
                    let terms = z.iter().zip(t).filter(|(_, t)| **t != 0.0);
                    terms.map(|(z, t)| t * (lse - z)).sum::<f64>()
                });
                self.factor(n, c) * each.sum::<f64>()
            }
            Self::Mse(_) => {
                let squares = z.iter().zip(t).map(|(z, t)| (z - t) * (z - t));
                self.factor(n, c) / 2.0 * squares.sum::<f64>()
            }
            Self::Bce(_) => {
                let each = z.iter().zip(t).map(|(&z, &t)| minus_ln_likelihood(z, t));
                self.factor(n, c) * each.sum::<f64>()
            }
        }
    }

    /// dz (N, C) = ∂L/∂z.
    pub fn gradient(self, z: &Array2<f64>, t: &Array2<f64>) -> Array2<f64> {
        let (n, c) = z.dim();
        let p = match self {
            Self::Ce(_) => {
                // For targets that do not sum to 1, the softmax has their sum as weight.
                let sums = t.sum_axis(Axis(1)).insert_axis(Axis(1));
                softmax_rows(z) * sums
            }
            Self::Mse(_) => z.clone(),
            Self::Bce(_) => z.mapv(sigmoid),
        };
        (p - t) * self.factor(n, c)
    }
}

/// σ(z) = 1 / (1 + e^−z)
pub(in crate::check) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// −t·ln σ(z) − (1 − t)·ln(1 − σ(z)), where 1 − σ(z) = σ(−z) and −ln σ(z) = ln(1 + e^−z).
fn minus_ln_likelihood(z: f64, t: f64) -> f64 {
    // Where t is 0 a probability of 0 costs nothing.
    let term = |share: f64, z: f64| match share {
        0.0 => 0.0,
        share => share * minus_ln_sigmoid(z),
    };
    term(t, z) + term(1.0 - t, -z)
}

/// −ln σ(z) = ln(1 + e^−z), where e^−z overflows −z itself.
pub(in crate::check) fn minus_ln_sigmoid(z: f64) -> f64 {
    match z < -700.0 {
        true => -z,
        false => (-z).exp().ln_1p(),
    }
}

/// e^z / Σ e^z, row by row.
pub(super) fn softmax_rows(z: &Array2<f64>) -> Array2<f64> {
    let mut p = z.clone();
    for mut row in p.rows_mut() {
        let highest = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        row.mapv_inplace(|z| (z - highest).exp());
        let sum = row.sum();
        row /= sum;
    }
    p
}

/// A network, a batch and a loss: all that a gradient is made of.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The modules, numbered as in PyTorch's `nn.Sequential`.
    pub steps: Vec<Step>,
    /// The batch, x (N, I).
    pub x: Array2<f64>,
    /// What the outputs are compared with, t (N, C): one-hot, a distribution, digits or any numbers.
    pub t: Array2<f64>,
    /// The classes of the batch, if it has such.
    pub classes: Option<Vec<u8>>,
    /// The loss.
    pub objective: Objective,
    /// Whether x are pixels, 0 to 255 divided by 255.
    pub pixels: bool,
    /// Images that come after those of the batch, with their targets: people take these by mistake.
    pub others: Option<(Array2<f64>, Array2<f64>)>,
}

impl Problem {
    /// The problem of a network of this program; dropout uses this noise.
    pub fn of_network(
        network: &Mlp<f64>,
        kind: LossKind,
        images: &Batch,
        noise: Option<Noise>,
    ) -> Self {
        let mut rows = images.x.clone();
        let mut steps = Vec::new();
        for (m, module) in network.modules().iter().enumerate() {
            let noise = noise.map(|noise| noise.of(m, 0));
            let run = |x: &Array2<f64>| {
                let mut y = Array2::zeros((x.nrows(), module.outputs(x.ncols())));
                in_training(&**module, noise, |module| module.forward(x, &mut y));
                y
            };
            let step = match module.kind() {
                Kind::Linear => {
                    let [w, b] = module.params().expect("a weight and a bias");
                    Step::Linear {
                        w: w.value.clone(),
                        b: b.value.clone(),
                    }
                }
                Kind::Activation(activation) => Step::Activation(activation),
                // Applied to ones, dropout gives its mask and scale.
                Kind::Dropout => Step::Mask(run(&Array2::ones(rows.dim()))),
            };
            rows = Array2::zeros((rows.nrows(), module.outputs(rows.ncols())));
            steps.push(step);
        }
        let outputs = rows.ncols();
        Self {
            steps,
            x: images.x.clone(),
            t: encode(kind, &images.targets, outputs),
            classes: Some(images.targets.clone()),
            objective: match kind {
                LossKind::Ce | LossKind::SmoothedCe(_) => Objective::Ce(Reduction::Mean),
                LossKind::MseOnehot | LossKind::MseDigit => Objective::Mse(Reduction::Mean),
                LossKind::Bce => Objective::Bce(Reduction::Mean),
            },
            pixels: true,
            others: None,
        }
    }

    /// The same problem of the first images of a batch; the rest are those that come after them. Pixels are
    /// rounded to float32, in which others get them.
    pub fn of_batch(network: &Mlp<f64>, kind: LossKind, images: &Batch, first: usize) -> Self {
        let part = |range: std::ops::Range<usize>| Batch {
            x: images
                .x
                .slice(s![range.clone(), ..])
                .mapv(|x| f64::from(x as f32)),
            targets: images.targets[range].to_vec(),
        };
        let first = first.min(images.targets.len());
        let mut problem = Self::of_network(network, kind, &part(0..first), None);
        let rest = part(first..images.targets.len());
        if !rest.targets.is_empty() {
            let t = encode(kind, &rest.targets, problem.t.ncols());
            problem.others = Some((rest.x, t));
        }
        problem
    }

    /// N
    pub fn n(&self) -> usize {
        self.x.nrows()
    }

    /// C, the outputs of the network.
    pub fn c(&self) -> usize {
        self.t.ncols()
    }

    /// The number of outputs of every module.
    pub fn widths(&self) -> Vec<usize> {
        let widths = self.steps.iter().scan(self.x.ncols(), |width, step| {
            if let Step::Linear { w, .. } = step {
                *width = w.ncols();
            }
            Some(*width)
        });
        widths.collect()
    }

    /// The modules with parameters.
    pub fn linears(&self) -> Vec<usize> {
        let steps = self.steps.iter().enumerate();
        let linears = steps.filter(|(_, step)| matches!(step, Step::Linear { .. }));
        linears.map(|(m, _)| m).collect()
    }

    /// The names of the parameters, with the shapes that PyTorch gives them.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let steps = self.steps.iter().enumerate();
        let named = steps.filter_map(|(m, step)| match step {
            Step::Linear { w, .. } => Some([
                (format!("{m}.weight"), vec![w.ncols(), w.nrows()]),
                (format!("{m}.bias"), vec![w.ncols()]),
            ]),
            _ => None,
        });
        named.flatten().collect()
    }

    /// The batch and what follows it, as one.
    pub(super) fn everything(&self) -> (Array2<f64>, Array2<f64>) {
        match &self.others {
            None => (self.x.clone(), self.t.clone()),
            Some((x, t)) => (
                concatenate![Axis(0), self.x, *x],
                concatenate![Axis(0), self.t, *t],
            ),
        }
    }
}

/// What outputs are compared with, t (N, C).
fn encode(kind: LossKind, targets: &[u8], c: usize) -> Array2<f64> {
    let (high, low) = match kind {
        LossKind::SmoothedCe(s) => (1.0 - s + s / c as f64, s / c as f64),
        LossKind::Ce | LossKind::MseOnehot => (1.0, 0.0),
        LossKind::MseDigit | LossKind::Bce => {
            return Array2::from_shape_fn((targets.len(), c), |(n, _)| f64::from(targets[n]));
        }
    };
    Array2::from_shape_fn((targets.len(), c), |(n, c)| {
        match usize::from(targets[n]) == c {
            true => high,
            false => low,
        }
    })
}

/// Every gradient of the loss on these images, by the formulas on the board; dropout uses this noise.
pub fn right_gradients(
    network: &Mlp<f64>,
    kind: LossKind,
    images: &Batch,
    noise: Option<Noise>,
) -> Gradients {
    let problem = Problem::of_network(network, kind, images, noise);
    let board = Board::new(&problem, None);
    let world = board.world(&[]);
    let mut gradients = Gradients::new();
    let mut dy = board.dz(&world, None, None, None);
    for m in (0..problem.steps.len()).rev() {
        if let Step::Linear { .. } = problem.steps[m] {
            gradients.push((format!("{m}.bias"), board.bias(&dy, None).value));
            let dw = Estimate::outer(&world.x[m], &dy, None);
            gradients.push((format!("{m}.weight"), dw.value));
        }
        if m > 0 {
            dy = board.dx(&world, m, &dy, None, None);
        }
    }
    gradients.reverse();
    gradients
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_loss_is_the_sum_of_its_parts() {
        let z = array![[0.5, -2.0, 800.0], [1e3, 0.0, -0.25]];
        let t = array![[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]];
        for by in [Reduction::Mean, Reduction::Sum, Reduction::Half] {
            for objective in [Objective::Ce(by), Objective::Mse(by), Objective::Bce(by)] {
                let (parts, value) = (objective.parts(&z, &t), objective.value(&z, &t));
                assert!(
                    (parts.sum() - value).abs() <= 1e-12 * value,
                    "{objective:?}"
                );
                assert!(parts.iter().all(|part| *part >= 0.0), "{parts}");
            }
        }
        let half = Objective::Mse(Reduction::Half);
        assert_eq!(
            half.parts(&array![[3.0, 1.0]], &array![[1.0, 1.0]]),
            array![[2.0, 0.0]]
        );
        assert_eq!(half.formulas(1, 2), ("L = ½·Σ (z − t)²", "dz = z − t"));
        let mean = Objective::Ce(Reduction::Mean);
        assert_ne!(mean.formulas(1, 3), mean.formulas(2, 3));
    }
}
