use ndarray::{Array1, Array2, ArrayRef2, Zip};
use ndarray_rand::{
    RandomExt,
    rand::{RngCore, seq::index},
    rand_distr::StandardNormal,
};
use rand_chacha::ChaCha8Rng;

use crate::{
    linalg::team::Team,
    loss::Loss,
    nn::{Mlp, Module, Param, Tape, in_training},
    rng::{Noise, Purpose, generator},
    train::{Trainer, pass},
};

/// How to check gradients.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How far an element is moved to either side.
    pub eps: f64,
    /// The largest relative error that passes.
    pub tolerance: f64,
    /// Elements checked per tensor; all of them if it has no more.
    pub samples: usize,
    /// The random seed of the inputs and of the choice of elements.
    pub seed: u64,
}

impl Settings {
    /// The noise of modules that are random in training: the same in every pass of a check.
    pub fn noise(&self) -> Noise {
        Noise::new(self.seed, 1, 1)
    }
}

impl Default for Settings {
    /// eps 1e-5: the errors of the formula (eps² = 1e-10) and of rounding (1e-16/eps = 1e-11) both stay far
    /// below the tolerance of 1e-6, and the error of a wrong formula is far above it.
    fn default() -> Self {
        Self {
            eps: 1e-5,
            tolerance: 1e-6,
            samples: 60,
            seed: 1,
        }
    }
}

/// Gradients smaller than this are compared absolutely, in units of it.
const SMALL: f64 = 1e-3;

/// What the check of one tensor found.
#[derive(Clone, Debug)]
pub struct TensorReport {
    /// Which gradient, such as `2.weight` or `dx`.
    pub name: String,
    /// Its shape.
    pub shape: (usize, usize),
    /// Elements compared.
    pub checked: usize,
    /// Elements left out because moving them crosses a kink of ReLU.
    pub skipped: usize,
    /// Elements left out because finite differences of several steps disagree among themselves: the loss bends
    /// too sharply there, or is too large for its changes to be seen.
    pub unstable: usize,
    /// The largest |a − d|.
    pub max_absolute: f64,
    /// The largest relative error, see the [module](super).
    pub max_relative: f64,
    /// The element with the largest relative error.
    pub worst: Option<Worst>,
    /// Whether all elements compared were within the tolerance; so if none could be compared.
    pub passed: bool,
}

impl TensorReport {
    /// Whether any element could be compared.
    pub fn checkable(&self) -> bool {
        self.checked > 0
    }
}

/// The element that disagrees most.
#[derive(Clone, Copy, Debug)]
pub struct Worst {
    /// Row and column.
    pub index: (usize, usize),
    /// The gradient from the backward pass.
    pub backward: f64,
    /// The gradient from the finite difference.
    pub difference: f64,
}

/// Checks dx and every parameter gradient of one module at x (N, I)
///
/// The loss is L = Σ r∘y with a random r (N, O), which makes r the dy that arrives from above. The module
/// runs as in training, with the same noise throughout.
pub fn check_module(
    module: &mut dyn Module<f64>,
    x: &Array2<f64>,
    settings: &Settings,
) -> Vec<TensorReport> {
    let mut rng = generator(settings.seed, Purpose::Check);
    let shape = (x.nrows(), module.outputs(x.ncols()));
    let r = Array2::random_using(shape, StandardNormal, &mut rng);
    let noise = settings.noise();
    let run = |module: &dyn Module<f64>, x: &Array2<f64>| {
        let mut y = Array2::zeros(shape);
        in_training(module, Some(noise), |module| module.forward(x, &mut y));
        y
    };
    // Σ r∘(y₊ − y₋) and not Σ r∘y₊ − Σ r∘y₋: what did not change cancels exactly.
    let change = |y0: &Array2<f64>, y1: &Array2<f64>| (&r * &(y1 - y0)).sum();

    let y = run(module, x);
    let mut dx = Array2::zeros(x.dim());
    in_training(module, Some(noise), |module| {
        module.backward_input(x, &y, &r, &mut dx);
    });
    let mut reports = vec![compare("dx", &dx, settings, &mut rng, |element, eps| {
        let (mut x0, mut x1) = (x.clone(), x.clone());
        x0[element] -= eps;
        x1[element] += eps;
        let smooth = module.smooth_between(&x0, &x1);
        smooth.then(|| change(&run(module, &x0), &run(module, &x1)))
    })];
    for p in 0..module.params().map_or(0, |params| params.len()) {
        let param = param_mut(module, p);
        param.backward(x, &r);
        let (name, grad) = (param.name, param.grad.clone());
        reports.push(compare(name, &grad, settings, &mut rng, |element, eps| {
            let value = param_mut(module, p).value[element];
            let mut at = |value| {
                param_mut(module, p).value[element] = value;
                run(module, x)
            };
            let change = change(&at(value - eps), &at(value + eps));
            at(value);
            Some(change)
        }));
    }
    reports
}

/// Parameter p of a module that has it.
fn param_mut(module: &mut dyn Module<f64>, p: usize) -> &mut Param<f64> {
    let params = module.params_mut().expect("a module with parameters");
    params.into_iter().nth(p).expect("one of its parameters")
}

/// Checks ∂L/∂outputs (N, C) of a loss.
pub fn check_loss(
    loss: &dyn Loss<f64>,
    outputs: &Array2<f64>,
    targets: &[u8],
    settings: &Settings,
) -> Vec<TensorReport> {
    let mut rng = generator(settings.seed, Purpose::Check);
    let n = targets.len();
    let run = |outputs: &Array2<f64>| {
        let (mut predictions, mut losses) = (Array2::zeros(outputs.dim()), Array1::zeros(n));
        loss.forward(outputs, targets, &mut predictions, &mut losses);
        (predictions, losses)
    };
    let (predictions, _) = run(outputs);
    let mut doutputs = Array2::zeros(outputs.dim());
    loss.backward(&predictions, targets, n, &mut doutputs);
    vec![compare(
        "doutputs",
        &doutputs,
        settings,
        &mut rng,
        |element, eps| {
            let (mut outputs0, mut outputs1) = (outputs.clone(), outputs.clone());
            outputs0[element] -= eps;
            outputs1[element] += eps;
            Some((run(&outputs1).1 - run(&outputs0).1).sum() / n as f64)
        },
    )]
}

/// Checks every parameter gradient of a whole network on the images x (N, I), using the very passes of
/// [`Trainer`]. Panics if x, targets and the network do not fit.
pub fn check_network(
    network: Mlp<f64>,
    loss: &dyn Loss<f64>,
    x: &Array2<f64>,
    targets: &[u8],
    settings: &Settings,
) -> Vec<TensorReport> {
    check_gradients(network, loss, (x, targets), settings, 2).0
}

/// [`check_network`] on this many threads; also returns the network with the gradients that were checked.
pub(super) fn check_gradients(
    network: Mlp<f64>,
    loss: &dyn Loss<f64>,
    (x, targets): (&Array2<f64>, &[u8]),
    settings: &Settings,
    threads: usize,
) -> (Vec<TensorReport>, Mlp<f64>) {
    let mut rng = generator(settings.seed, Purpose::Check);
    let mut trainer = Trainer::new(network, loss, targets.len(), Team::new(threads));
    let noise = Some(settings.noise());
    trainer.tape.noise = noise;
    trainer.gradients(targets, |first, rows| {
        rows.assign(&x.slice(ndarray::s![first..first + rows.nrows(), ..]));
    });
    let mut network = trainer.network;
    let mut tapes = [network.tape(x.nrows()), network.tape(x.nrows())];
    tapes.iter_mut().for_each(|tape| tape.noise = noise);
    let mut probe = Probe {
        tapes,
        loss,
        targets,
    };
    probe.start(x, &network);
    let mut reports = Vec::new();
    let gradients = network.params();
    let gradients =
        gradients.map(|(m, param)| (m, format!("{m}.{}", param.name), param.grad.clone()));
    for (p, (m, name, grad)) in gradients.collect::<Vec<_>>().into_iter().enumerate() {
        reports.push(compare(&name, &grad, settings, &mut rng, |element, eps| {
            let value = *value_mut(&mut network, p, element);
            for (side, change) in [-eps, eps].into_iter().enumerate() {
                *value_mut(&mut network, p, element) = value + change;
                probe.run(side, m, &network);
            }
            *value_mut(&mut network, p, element) = value;
            probe.smooth(m, &network).then(|| probe.change())
        }));
        probe.start(x, &network);
    }
    (reports, network)
}

/// An element of parameter `p` of the network.
fn value_mut(network: &mut Mlp<f64>, p: usize, element: (usize, usize)) -> &mut f64 {
    let param = network.params_mut().nth(p);
    &mut param.expect("one of its parameters").1.value[element]
}

/// Runs the network on both sides of a change.
struct Probe<'a> {
    tapes: [Tape<f64>; 2],
    loss: &'a dyn Loss<f64>,
    targets: &'a [u8],
}

impl Probe<'_> {
    /// Fills both tapes from x with the network as it is.
    fn start(&mut self, x: &Array2<f64>, network: &Mlp<f64>) {
        for side in 0..2 {
            let n = self.targets.len();
            let mut rows = self.tapes[side]
                .rows_mut(n, n)
                .next()
                .expect("a batch has images");
            rows.x.assign(x);
            self.run(side, 0, network);
        }
    }

    /// Runs one side from `module` on; what comes before has not changed.
    fn run(&mut self, side: usize, module: usize, network: &Mlp<f64>) {
        let n = self.targets.len();
        let mut rows = self.tapes[side]
            .rows_mut(n, n)
            .next()
            .expect("a batch has images");
        pass::forward_from(module, network, self.loss, &mut rows, self.targets);
    }

    /// Whether every module from `module` on is smooth between the two sides.
    fn smooth(&self, module: usize, network: &Mlp<f64>) -> bool {
        let n = self.targets.len();
        let mut modules = network.modules().iter().enumerate().skip(module);
        modules.all(|(m, module)| {
            module.smooth_between(&self.tapes[0].x(m, n), &self.tapes[1].x(m, n))
        })
    }

    /// L on the second side, minus L on the first.
    fn change(&self) -> f64 {
        let n = self.targets.len();
        let losses = self.tapes[0].losses(n).iter().zip(self.tapes[1].losses(n));
        losses.map(|(l0, l1)| l1 - l0).sum::<f64>() / n as f64
    }
}

/// Compares a gradient with finite differences. `change(element, eps)` is L(v + eps) − L(v − eps), or none
/// where a kink lies in between.
pub(super) fn compare(
    name: &str,
    gradient: &ArrayRef2<f64>,
    settings: &Settings,
    rng: &mut ChaCha8Rng,
    mut change_of: impl FnMut((usize, usize), f64) -> Option<f64>,
) -> TensorReport {
    let mut report = TensorReport {
        name: name.to_owned(),
        shape: gradient.dim(),
        checked: 0,
        skipped: 0,
        unstable: 0,
        max_absolute: 0.0,
        max_relative: 0.0,
        worst: None,
        passed: false,
    };
    // NaN is the worst of all and stays so: no number compares greater.
    let worse = |error: f64, max: f64| error.is_nan() || error > max;
    for index in choose(gradient, settings.samples, rng) {
        let Some(change) = change_of(index, settings.eps) else {
            report.skipped += 1;
            continue;
        };
        let backward = gradient[index];
        let mut difference = change / (2.0 * settings.eps);
        let size = |difference: f64| backward.abs().max(difference.abs()).max(SMALL);
        if worse(
            (backward - difference).abs() / size(difference),
            settings.tolerance,
        ) {
            match settle(|eps| change_of(index, eps), settings.eps) {
                Some(estimate) if estimate.off > UNSTABLE * size(estimate.value) => {
                    report.unstable += 1;
                    continue;
                }
                Some(estimate) => {
                    // What the differences cannot tell is not held against the gradient.
                    let rest = estimate.value - backward;
                    difference =
                        backward + rest.signum() * (rest.abs() - 2.0 * estimate.off).max(0.0);
                }
                None => {}
            }
        }
        let absolute = (backward - difference).abs();
        let relative = absolute / size(difference);
        report.checked += 1;
        if report.worst.is_none() || worse(relative, report.max_relative) {
            report.max_relative = relative;
            report.worst = Some(Worst {
                index,
                backward,
                difference,
            });
        }
        if worse(absolute, report.max_absolute) {
            report.max_absolute = absolute;
        }
    }
    report.passed = report.checked == 0 || report.max_relative <= settings.tolerance;
    report
}

/// How far differences of two steps may disagree, as a share, for an element to be compared at all.
const UNSTABLE: f64 = 1e-3;

/// A derivative, and how far it may be off.
struct Estimate {
    value: f64,
    off: f64,
}

/// The derivative from steps of several sizes: from the two neighbouring sizes that agree best. A step that is
/// too large sees the curve bend, one that is too small sees the rounding of L.
fn settle(mut change: impl FnMut(f64) -> Option<f64>, eps: f64) -> Option<Estimate> {
    let steps = [10.0, 1.0, 0.1, 0.01, 0.001].map(|factor| factor * eps);
    let differences: Vec<f64> = steps
        .into_iter()
        .filter_map(|eps| change(eps).map(|change| change / (2.0 * eps)))
        .collect();
    let pairs = differences.windows(2).map(|pair| Estimate {
        value: pair[1],
        off: (pair[1] - pair[0]).abs(),
    });
    pairs
        .filter(|pair| pair.off.is_finite())
        .min_by(|a, b| a.off.total_cmp(&b.off))
}

/// Up to `samples` elements of a gradient: half of them from anywhere, half from those that are not zero.
/// (Most of the first layer of an MNIST network belongs to pixels that are always black.)
fn choose(
    gradient: &ArrayRef2<f64>,
    samples: usize,
    rng: &mut impl RngCore,
) -> Vec<(usize, usize)> {
    let all: Vec<_> = gradient.indexed_iter().map(|(index, _)| index).collect();
    if all.len() <= samples {
        return all;
    }
    let not_zero: Vec<_> = all
        .iter()
        .copied()
        .filter(|&index| gradient[index] != 0.0)
        .collect();
    let mut pick = |from: &[(usize, usize)], samples: usize| -> Vec<(usize, usize)> {
        let picked = index::sample(rng, from.len(), samples.min(from.len()));
        picked.into_iter().map(|i| from[i]).collect()
    };
    let mut chosen = pick(&not_zero, samples / 2);
    chosen.extend(pick(&all, samples - chosen.len()));
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Random numbers at least `gap` away from 0, the kink of ReLU.
pub fn off_zero(shape: (usize, usize), gap: f64, rng: &mut impl RngCore) -> Array2<f64> {
    let mut x = Array2::<f64>::random_using(shape, StandardNormal, rng);
    Zip::from(&mut x).for_each(|x| *x += gap.copysign(*x));
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_that_is_nan_is_wrong_wherever_it_stands() {
        let settings = Settings::default();
        for nan in 0..3 {
            let mut gradient = ndarray::array![[2.0, 2.0, 2.0]];
            gradient[[0, nan]] = f64::NAN;
            let mut rng = generator(1, Purpose::Check);
            let change = |_, eps| Some(2.0 * 2.0 * eps);
            let report = compare("dx", &gradient, &settings, &mut rng, change);
            assert!(!report.passed, "NaN at {nan}");
            assert!(report.max_relative.is_nan() && report.max_absolute.is_nan());
            assert_eq!(report.worst.unwrap().index, (0, nan));
        }
    }
}
