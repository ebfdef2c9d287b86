//! A problem through the modules of [`nn`](crate::nn): forward, backward, one step, and central differences.

use ndarray::{Array1, Array2, ArrayRef2, Axis};

use super::{
    Settings, TensorReport,
    finite_differences::compare,
    mistakes::{Objective, Problem, Step},
};
use crate::{
    linalg::functions::sigmoid,
    loss::{CrossEntropy, Loss},
    nn::{Kind, Linear, Mlp, Module},
    rng::{Purpose, generator},
    train::optim::Sgd,
};

/// A problem through the modules and back, with every number kept.
pub struct Pass {
    /// The network, with the gradients of all its parameters.
    pub network: Mlp<f64>,
    /// What goes into each module, (N, I); the last is what the network gives, z (N, C).
    pub x: Vec<Array2<f64>>,
    /// ∂L/∂x of each, so the last is dz.
    pub dx: Vec<Array2<f64>>,
    /// L
    pub loss: f64,
}

impl Pass {
    /// Takes the batch of a problem through its network and back. Panics if shapes do not fit.
    pub fn new(problem: &Problem) -> Self {
        let mut network = network(problem);
        let x = forward_from(&network, 0, problem.x.clone());
        let z = x.last().expect("at least the input");
        let loss = problem.objective.value(z, &problem.t);
        let mut dx = vec![problem.objective.gradient(z, &problem.t)];
        for (m, module) in network.modules_mut().iter_mut().enumerate().rev() {
            let dy = dx.last().expect("at least dz");
            for param in module.params_mut().into_iter().flatten() {
                param.backward(&x[m], dy);
            }
            let mut down = Array2::zeros(x[m].dim());
            module.backward_input(&x[m], &x[m + 1], dy, &mut down);
            dx.push(down);
        }
        dx.reverse();
        Self {
            network,
            x,
            dx,
            loss,
        }
    }

    /// What the network gives, z (N, C).
    pub fn outputs(&self) -> &Array2<f64> {
        self.x.last().expect("at least the input")
    }

    /// What the loss compares with t (N, C): the softmax of the outputs, their sigmoid for binary cross-entropy,
    /// or these themselves for mse.
    pub fn predictions(&self, objective: Objective) -> Array2<f64> {
        let z = self.outputs();
        match objective {
            Objective::Mse(_) => z.clone(),
            Objective::Bce(_) => z.mapv(sigmoid),
            Objective::Ce(_) => {
                let (mut p, mut losses) = (Array2::zeros(z.dim()), Array1::zeros(z.nrows()));
                CrossEntropy.forward(z, &vec![0; z.nrows()], &mut p, &mut losses);
                p
            }
        }
    }

    /// One step of SGD of all parameters, or of the weights alone; the network after it and its loss.
    pub fn step(&self, problem: &Problem, learning_rate: f64, biases: bool) -> (Mlp<f64>, f64) {
        let mut after = network(problem);
        for ((_, param), (_, here)) in after.params_mut().zip(self.network.params()) {
            if param.name == "bias" && !biases {
                continue;
            }
            param.grad.assign(&here.grad);
            for mut rows in param.rows_mut(usize::MAX) {
                // A value that is not finite shows in the loss.
                let _ = Sgd::new(learning_rate).step(&mut rows);
            }
        }
        let z = after.predict(&problem.x);
        let loss = problem.objective.value(&z, &problem.t);
        (after, loss)
    }
}

/// Dropout whose mask is drawn: y = x∘mask, dx = dy∘mask, for the whole batch.
struct Drawn(Array2<f64>);

impl Module<f64> for Drawn {
    fn forward(&self, x: &ArrayRef2<f64>, y: &mut ArrayRef2<f64>) {
        y.assign(&(&self.0 * &x.view()));
    }

    fn backward_input(
        &self,
        _x: &ArrayRef2<f64>,
        _y: &ArrayRef2<f64>,
        dy: &ArrayRef2<f64>,
        dx: &mut ArrayRef2<f64>,
    ) {
        dx.assign(&(&self.0 * &dy.view()));
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn kind(&self) -> Kind {
        Kind::Dropout
    }
}

/// The network of a problem, of the modules that train.
fn network(problem: &Problem) -> Mlp<f64> {
    let modules = problem.steps.iter().map(|step| match step {
        Step::Linear { w, b } => {
            let b = b.index_axis(Axis(0), 0).to_owned();
            Box::new(Linear::new(w.clone(), b)) as Box<dyn Module<f64>>
        }
        Step::Activation(activation) => activation.module(),
        Step::Mask(mask) => Box::new(Drawn(mask.clone())),
    });
    Mlp::new(problem.x.ncols(), modules.collect())
}

/// What goes into each module from `first` on, and what the last one gives.
fn forward_from(network: &Mlp<f64>, first: usize, x: Array2<f64>) -> Vec<Array2<f64>> {
    let mut all = vec![x];
    for module in &network.modules()[first..] {
        let x = all.last().expect("at least the input");
        let mut y = Array2::zeros((x.nrows(), module.outputs(x.ncols())));
        module.forward(x, &mut y);
        all.push(y);
    }
    all
}

/// Checks every parameter gradient of a problem.
///
/// Inputs may be of any size, so the step of a weight is shorter where its x are large, and gradients are
/// compared in units of the largest if that is above 1. Where a central difference crosses a kink, a
/// difference to one side is taken if it does not: at ReLU's x = 0 that is the side whose slope is 0.
/// Panics if shapes do not fit.
pub fn check_problem(problem: &Problem, settings: &Settings) -> Vec<TensorReport> {
    let mut rng = generator(settings.seed, Purpose::Check);
    let Pass { network, x, .. } = Pass::new(problem);
    let mut probe = Probe {
        problem,
        network,
        x,
    };
    let gradients: Vec<_> = probe
        .network
        .params()
        .map(|(m, p)| (m, p.name, p.grad.clone()))
        .collect();
    let unit = gradients.iter().flat_map(|(_, _, grad)| grad);
    let unit = unit.fold(1.0_f64, |unit, g| unit.max(g.abs()));
    let reports = gradients
        .into_iter()
        .enumerate()
        .map(|(p, (m, name, grad))| {
            let change = |element: (usize, usize), eps: f64| {
                let size = match name {
                    "weight" => probe.x[m]
                        .column(element.0)
                        .fold(1.0_f64, |s, x| s.max(x.abs())),
                    _ => 1.0,
                };
                // As if the whole eps had been gone, in units of the largest gradient.
                let slope = probe.slope(p, m, element, eps / size)?;
                Some(2.0 * eps * slope / unit)
            };
            let name = format!("{m}.{name}");
            let mut report = compare(&name, &(grad / unit), settings, &mut rng, change);
            report.max_absolute *= unit;
            if let Some(worst) = &mut report.worst {
                worst.backward *= unit;
                worst.difference *= unit;
            }
            // Where every element is at a kink there is nothing to be wrong.
            report.passed |= report.checked == 0 && report.skipped > 0;
            report
        });
    reports.collect()
}

/// A network whose parameters are changed one at a time.
struct Probe<'a> {
    problem: &'a Problem,
    network: Mlp<f64>,
    x: Vec<Array2<f64>>,
}

impl Probe<'_> {
    /// ∂L/∂v of an element v of parameter p, which belongs to module m; none at a kink.
    fn slope(&mut self, p: usize, m: usize, element: (usize, usize), h: f64) -> Option<f64> {
        let mut at = |change: f64| {
            let Self {
                problem,
                network,
                x,
            } = self;
            let mut set = |value| {
                let param = network
                    .params_mut()
                    .nth(p)
                    .expect("one of its parameters")
                    .1;
                std::mem::replace(&mut param.value[element], value)
            };
            let before = set(0.0);
            set(before + change);
            let moved = forward_from(network, m, x[m].clone());
            let mut set = |value| {
                let param = network
                    .params_mut()
                    .nth(p)
                    .expect("one of its parameters")
                    .1;
                param.value[element] = value;
            };
            set(before);
            // From the unchanged network on, whose sides are those of the backward pass.
            let modules = network.modules().iter().enumerate().skip(m);
            let mut pairs = modules.zip(&moved);
            let smooth = pairs.all(|((m, module), moved)| module.smooth_between(&x[m], moved));
            let (z, moved) = (x.last()?, moved.last()?);
            smooth.then(|| change_of_loss(problem.objective, z, moved, &problem.t))
        };
        match (at(h), at(-h)) {
            (Some(up), Some(down)) => Some((up - down) / (2.0 * h)),
            (None, None) => None,
            // Of second order, too: L(v), L(v + h), L(v + 2h).
            (Some(up), None) => Some((4.0 * up - at(2.0 * h)?) / (2.0 * h)),
            (None, Some(down)) => Some((at(-2.0 * h)? - 4.0 * down) / (2.0 * h)),
        }
    }
}

/// L(z₁) − L(z₀), not as the difference of two large numbers: what did not change cancels exactly.
fn change_of_loss(
    objective: Objective,
    z0: &Array2<f64>,
    z1: &Array2<f64>,
    t: &Array2<f64>,
) -> f64 {
    let (n, c) = t.dim();
    let factor = objective.factor(n, c);
    match objective {
        // (z₁ − t)² − (z₀ − t)² = (z₁ − z₀)·(z₁ + z₀ − 2t)
        Objective::Mse(_) => {
            let terms = (z1 - z0) * (z1 + z0 - 2.0 * t);
            factor / 2.0 * terms.sum()
        }
        // With d = z₁ − z₀: lse₁ − lse₀ = ln Σ p₀·e^d = ln(1 + Σ p₀·(e^d − 1))
        Objective::Ce(_) => {
            let rows = z0.rows().into_iter().zip(z1.rows()).zip(t.rows());
            let changes = rows.map(|((z0, z1), t)| {
                let highest = z0.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                let powers = z0.mapv(|z| (z - highest).exp());
                let d = &z1 - &z0;
                let lse = ((&powers * &d.mapv(f64::exp_m1)).sum() / powers.sum()).ln_1p();
                t.iter().zip(&d).map(|(t, d)| t * (lse - d)).sum::<f64>()
            });
            factor * changes.sum::<f64>()
        }
        // The same of the logits (0, z), with d = (0, z₁ − z₀) and p₀ = (1 − σ(z₀), σ(z₀)).
        Objective::Bce(_) => {
            let numbers = z0.iter().zip(z1).zip(t);
            let changes = numbers.map(|((&z0, &z1), t)| {
                let d = z1 - z0;
                (sigmoid(z0) * d.exp_m1()).ln_1p() - t * d
            });
            factor * changes.sum::<f64>()
        }
    }
}
