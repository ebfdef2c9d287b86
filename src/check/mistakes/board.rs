//! The backward pass as on the board: whole batches, plain formulas, and nothing shared with the modules but
//! their forward passes. It makes a mistake if asked to.

use ndarray::{Array2, Axis, s};

use super::{Mistake, masks};
use crate::{
    data::batch::Batch,
    loss::LossKind,
    nn::{Activation, Kind, Mlp, Module, ScaledTanh, in_training},
    rng::Noise,
};

/// The gradient of every parameter, module by module, with its name, such as `2.weight`.
pub type Gradients = Vec<(String, Array2<f64>)>;

/// Every gradient of the loss on these images, by the formulas on the board; dropout uses this noise.
pub fn right_gradients(
    network: &Mlp<f64>,
    kind: LossKind,
    images: &Batch,
    noise: Option<Noise>,
) -> Gradients {
    Board::new(network, kind, images, noise).gradients(None)
}

/// A mistake and its places.
pub(super) type Made<'a> = Option<(Mistake, &'a [usize])>;

/// The forward pass of a batch.
pub(super) struct Board<'a> {
    network: &'a Mlp<f64>,
    kind: LossKind,
    targets: &'a [u8],
    /// The input of every module, and at the end the output of the last.
    x: Vec<Array2<f64>>,
    noise: Option<Noise>,
}

impl<'a> Board<'a> {
    pub(super) fn new(
        network: &'a Mlp<f64>,
        kind: LossKind,
        images: &'a Batch,
        noise: Option<Noise>,
    ) -> Self {
        let mut board = Self {
            network,
            kind,
            targets: &images.targets,
            x: vec![images.x.clone()],
            noise,
        };
        for m in 0..network.modules().len() {
            board.x.push(board.forward(m, &board.x[m]));
        }
        board
    }

    fn forward(&self, m: usize, x: &Array2<f64>) -> Array2<f64> {
        let module = &*self.network.modules()[m];
        let mut y = Array2::zeros((x.nrows(), module.outputs(x.ncols())));
        let noise = self.noise.map(|noise| noise.of(m, 0));
        in_training(module, noise, |module| module.forward(x, &mut y));
        y
    }

    /// Every gradient, with this mistake if there is one.
    pub(super) fn gradients(&self, made: Made<'_>) -> Gradients {
        let mut gradients = Vec::new();
        let mut dy = self.dz(made.map(|(mistake, _)| mistake));
        for (m, module) in self.network.modules().iter().enumerate().rev() {
            let here = made.and_then(|(mistake, places)| places.contains(&m).then_some(mistake));
            let (x, y) = (&self.x[m], &self.x[m + 1]);
            if let Some([w, _]) = module.params() {
                gradients.push((format!("{m}.bias"), db(&dy, here)));
                gradients.push((format!("{m}.weight"), x.t().dot(&dy)));
                dy = self.dx_of_linear(&w.value, &dy, here);
            } else {
                dy = self.dx_of_activation(m, (x, y), dy, here);
            }
        }
        gradients.reverse();
        gradients
    }

    /// ∂L/∂z of the outputs z (N, C).
    fn dz(&self, mistake: Option<Mistake>) -> Array2<f64> {
        let z = self.x.last().expect("the images at least");
        let (n, c) = z.dim();
        let one_hot = |high: f64, low: f64| {
            Array2::from_shape_fn((n, c), |(n, c)| match usize::from(self.targets[n]) == c {
                true => high,
                false => low,
            })
        };
        let (mut p, t, mut factor) = match self.kind {
            LossKind::Ce => (softmax(z, mistake), one_hot(1.0, 0.0), 1.0 / n as f64),
            LossKind::SmoothedCe(s) => {
                let share = s / c as f64;
                (
                    softmax(z, mistake),
                    one_hot(1.0 - s + share, share),
                    1.0 / n as f64,
                )
            }
            LossKind::MseOnehot => (z.clone(), one_hot(1.0, 0.0), 2.0 / (n * c) as f64),
            LossKind::MseDigit => {
                let digits = Array2::from_shape_fn((n, c), |(n, _)| f64::from(self.targets[n]));
                (z.clone(), digits, 2.0 / n as f64)
            }
        };
        match mistake {
            Some(Mistake::ResForDiff) => return p * factor,
            Some(Mistake::AnotherBatch) => {
                let next: Vec<_> = (1..n).chain([0]).collect();
                p = p.select(Axis(0), &next);
            }
            Some(Mistake::Sign) => factor = -factor,
            Some(Mistake::MeanMissing) => factor *= n as f64,
            Some(Mistake::TwoMissing) => factor /= 2.0,
            Some(Mistake::MeanOverOthers) if self.kind == LossKind::MseOnehot => factor *= c as f64,
            Some(Mistake::MeanOverOthers) => factor /= c as f64,
            _ => {}
        }
        (p - t) * factor
    }

    fn dx_of_linear(
        &self,
        w: &Array2<f64>,
        dy: &Array2<f64>,
        mistake: Option<Mistake>,
    ) -> Array2<f64> {
        match mistake {
            Some(Mistake::WeightNotTransposed) => dy.dot(w),
            Some(Mistake::MisplacedBracket) => {
                let z = self.x.last().expect("the images at least");
                let t: Array2<f64> =
                    Array2::from_shape_fn(z.dim(), |(n, _)| f64::from(self.targets[n]));
                (z - &t.dot(&w.t())) * (2.0 / z.nrows() as f64)
            }
            _ => dy.dot(&w.t()),
        }
    }

    fn dx_of_activation(
        &self,
        m: usize,
        (x, y): (&Array2<f64>, &Array2<f64>),
        dy: Array2<f64>,
        mistake: Option<Mistake>,
    ) -> Array2<f64> {
        let slope_at = if mistake == Some(Mistake::SlopeFromX) {
            x
        } else {
            y
        };
        let slope = match self.network.modules()[m].kind() {
            // Applied to ones, dropout gives its mask and scale.
            Kind::Dropout => self.forward(m, &Array2::ones(x.dim())),
            Kind::Activation(activation) => {
                let modules = self.network.modules();
                let x = match mistake {
                    Some(Mistake::SharedRelu) => &self.x[last_relu(modules)],
                    Some(Mistake::ReluMaskOfBefore) => &self.x[last_relu(&modules[..m])],
                    _ => x,
                };
                slope(activation, x, slope_at)
            }
            Kind::Linear => unreachable!("it has a weight"),
        };
        match mistake {
            Some(
                Mistake::ReluMaskMissing | Mistake::SlopeMissing | Mistake::DropoutMaskMissing,
            ) => dy,
            Some(Mistake::UpstreamIgnored) => slope,
            _ => dy * slope,
        }
    }
}

/// ∂y/∂x at x; y serves those functions whose slope is written in terms of y.
fn slope(activation: Activation, x: &Array2<f64>, y: &Array2<f64>) -> Array2<f64> {
    match activation {
        Activation::Relu => x.mapv(|x| f64::from(x > 0.0)),
        Activation::Tanh => y.mapv(|y| 1.0 - y * y),
        Activation::ScaledTanh => {
            let (a, b) = (ScaledTanh::A, ScaledTanh::B);
            y.mapv(|y| b / a * (a * a - y * y))
        }
        Activation::Sigmoid => y.mapv(|y| y * (1.0 - y)),
        Activation::LeakyRelu => x.mapv(|x| if x > 0.0 { 1.0 } else { 0.01 }),
        Activation::Gelu => x.mapv(|x| {
            // y = x·σ(2u), since (1 + tanh u)/2 is the logistic function of 2u.
            let root = (2.0 / std::f64::consts::PI).sqrt();
            let (u, du) = (
                root * (x + 0.044715 * x.powi(3)),
                root * (1.0 + 0.134145 * x.powi(2)),
            );
            let s = 1.0 / (1.0 + (-2.0 * u).exp());
            s + x * 2.0 * du * s * (1.0 - s)
        }),
    }
}

/// The last ReLU among these. A mistake that asks for it is made only where there is one.
fn last_relu(modules: &[Box<dyn Module<f64>>]) -> usize {
    let last = modules.iter().rposition(|module| masks(module.kind()));
    last.expect("a ReLU")
}

/// db (1, O) from dy (N, O).
fn db(dy: &Array2<f64>, mistake: Option<Mistake>) -> Array2<f64> {
    match mistake {
        Some(Mistake::BiasNotSummed) => dy.slice(s![..1, ..]).to_owned(),
        Some(Mistake::BiasAveraged) => {
            (dy.sum_axis(Axis(0)) / dy.nrows() as f64).insert_axis(Axis(0))
        }
        _ => dy.sum_axis(Axis(0)).insert_axis(Axis(0)),
    }
}

/// e^z / Σ e^z, row by row.
fn softmax(z: &Array2<f64>, mistake: Option<Mistake>) -> Array2<f64> {
    let highest = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
    if mistake == Some(Mistake::LogsumexpNotByRows) {
        let e = z.mapv(|z| (z - highest).exp());
        let sum = e.sum();
        return e / sum;
    }
    let mut p = z.clone();
    for mut row in p.rows_mut() {
        let highest = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        row.mapv_inplace(|z| (z - highest).exp());
        let sum = row.sum();
        row /= sum;
    }
    p
}
