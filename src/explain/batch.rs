//! Several images at once through a network and back, as the rows of X.

use ndarray::{Array1, Array2, ArrayRef2, ArrayView2};

use crate::{
    linalg::team::Team,
    loss::Loss,
    nn::{Kind, Mlp},
    rng::Noise,
    train::{Trainer, optim::Sgd},
};

/// One module on the way of a batch: its input and output, and the gradients of both. Row n is of image n.
#[derive(Clone, Debug)]
pub struct PassedBatch {
    /// Which module it is.
    pub kind: Kind,
    /// x (N, I)
    pub x: Array2<f64>,
    /// y (N, O)
    pub y: Array2<f64>,
    /// ∂L/∂y (N, O)
    pub dy: Array2<f64>,
    /// ∂L/∂x (N, I); none up to the first weights, where it is not needed.
    pub dx: Option<Array2<f64>>,
}

/// The way of a batch through a network and back.
pub struct BatchTrace {
    /// The network, with the gradients of all its parameters.
    pub network: Mlp<f64>,
    /// Its modules in order.
    pub modules: Vec<PassedBatch>,
    /// What the loss makes of the outputs (N, C): softmax, or the outputs themselves for mse.
    pub predictions: Array2<f64>,
    /// The loss of every image (N).
    pub losses: Array1<f64>,
    /// L, the mean of these.
    pub loss: f64,
    /// The classes of the images (N).
    pub targets: Vec<u8>,
}

impl BatchTrace {
    /// Takes images x (N, I) of classes `targets` (N) through the network and back. Panics if they do not fit.
    pub fn new(network: Mlp<f64>, loss: &dyn Loss<f64>, x: &Array2<f64>, targets: &[u8]) -> Self {
        let n = targets.len();
        let mut trainer = Trainer::new(network, loss, n, Team::new(1));
        trainer.tape.noise = None::<Noise>;
        let gather = |_, rows: &mut ArrayRef2<f64>| rows.assign(x);
        let result = trainer.gradients(targets, gather);
        let tape = &trainer.tape;
        let owned = |view: ArrayView2<'_, f64>| view.to_owned();
        let first = trainer.network.first_with_params();
        let modules = trainer.network.modules().iter().enumerate();
        let modules: Vec<_> = modules
            .map(|(m, module)| PassedBatch {
                kind: module.kind(),
                x: owned(tape.x(m, n)),
                y: owned(tape.y(m, n)),
                dy: owned(tape.dy(m, n)),
                dx: (m > first).then(|| owned(tape.dy(m - 1, n))),
            })
            .collect();
        let outputs = &modules.last().expect("a network has a module").y;
        let (predictions, losses) = forward(loss, outputs, targets);
        Self {
            network: trainer.network,
            modules,
            predictions,
            losses,
            loss: result.loss,
            targets: targets.to_vec(),
        }
    }

    /// N
    pub fn n(&self) -> usize {
        self.targets.len()
    }

    /// The outputs of the network, z (N, C).
    pub fn outputs(&self) -> &Array2<f64> {
        &self.modules.last().expect("a network has a module").y
    }

    /// ∂L/∂outputs (N, C)
    pub fn doutputs(&self) -> &Array2<f64> {
        &self.modules.last().expect("a network has a module").dy
    }

    /// The loss of the same images after one weight (or bias) of a module is changed to `value`.
    pub fn loss_with(
        &mut self,
        loss: &dyn Loss<f64>,
        (module, param, element): (usize, usize, (usize, usize)),
        value: f64,
    ) -> f64 {
        let x = self.modules[module].x.clone();
        let changed = ((module, param, element), value);
        loss_with(&mut self.network, loss, (x, &self.targets), changed)
    }

    /// The weight with the largest gradient: its module, its parameter and its element.
    pub fn steepest_weight(&self) -> (usize, usize, (usize, usize)) {
        steepest_weight(&self.network)
    }

    /// The loss of the same images after one step of SGD of every weight and bias. The network stays as it is.
    pub fn loss_after_step(&mut self, loss: &dyn Loss<f64>, learning_rate: f64) -> f64 {
        let before: Vec<_> = self.network.values().cloned().collect();
        for (_, param) in self.network.params_mut() {
            for mut rows in param.rows_mut(usize::MAX) {
                // A value that is not finite shows in the loss.
                let _ = Sgd::new(learning_rate).step(&mut rows);
            }
        }
        let outputs = self.network.predict(&self.modules[0].x);
        self.network.set_values(&before);
        mean(&forward(loss, &outputs, &self.targets).1)
    }
}

/// The weight with the largest gradient.
pub(super) fn steepest_weight(network: &Mlp<f64>) -> (usize, usize, (usize, usize)) {
    let modules = network.modules().iter().enumerate();
    let weights = modules.filter_map(|(m, module)| module.params().map(|[w, _]| (m, w)));
    let elements = weights.flat_map(|(m, w)| {
        w.grad
            .indexed_iter()
            .map(move |(element, dw)| ((m, 0, element), dw.abs()))
    });
    let steepest = elements.max_by(|a, b| a.1.total_cmp(&b.1));
    steepest.expect("a network has a weight").0
}

/// The loss of what goes into a module, y (N, I), and the targets, with one element of its parameters changed.
pub(super) fn loss_with(
    network: &mut Mlp<f64>,
    loss: &dyn Loss<f64>,
    (mut y, targets): (Array2<f64>, &[u8]),
    ((module, param, element), value): ((usize, usize, (usize, usize)), f64),
) -> f64 {
    let changed = &mut network.param_mut(module, param).value[element];
    let before = std::mem::replace(changed, value);
    for module in &network.modules()[module..] {
        let mut next = Array2::zeros((y.nrows(), module.outputs(y.ncols())));
        module.forward(&y, &mut next);
        y = next;
    }
    network.param_mut(module, param).value[element] = before;
    mean(&forward(loss, &y, targets).1)
}

/// Predictions (N, C) and the loss of every image (N).
pub(super) fn forward(
    loss: &dyn Loss<f64>,
    outputs: &Array2<f64>,
    targets: &[u8],
) -> (Array2<f64>, Array1<f64>) {
    let mut predictions = Array2::zeros(outputs.dim());
    let mut losses = Array1::zeros(targets.len());
    loss.forward(outputs, targets, &mut predictions, &mut losses);
    (predictions, losses)
}

fn mean(losses: &Array1<f64>) -> f64 {
    losses.mean().expect("a batch has an image")
}

#[cfg(test)]
mod tests {
    use ndarray::Axis;

    use super::*;
    use crate::{
        explain::Trace,
        loss::LossKind,
        nn::{Activation, Architecture},
        rng::{Purpose, generator},
    };

    const KINDS: [LossKind; 5] = [
        LossKind::Ce,
        LossKind::SmoothedCe(0.1),
        LossKind::MseOnehot,
        LossKind::MseDigit,
        LossKind::Bce,
    ];

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn a_batch_is_the_mean_of_its_images() {
        for (kind, activation) in KINDS.into_iter().zip(Activation::ALL) {
            let architecture = Architecture {
                activation,
                dropout: vec![0.2, 0.5],
                ..Architecture::relu(&[12, 6, kind.outputs(10)])
            };
            let init = activation.about().init;
            let network = || architecture.init(init, &mut generator(1, Purpose::Init));
            let x = Array2::from_shape_fn((3, 12), |(n, i)| ((n * 12 + i) as f64).sin());
            let targets = [1, 0, 1];
            let loss = kind.build::<f64>();
            let mut batch = BatchTrace::new(network(), &*loss, &x, &targets);
            assert!(near(batch.losses.sum() / 3.0, batch.loss), "{kind}");
            let single: Vec<_> = (0..3)
                .map(|n| {
                    let x = x.row(n).to_owned().insert_axis(Axis(0));
                    Trace::new(network(), &*loss, &x, targets[n])
                })
                .collect();
            for (n, trace) in single.iter().enumerate() {
                assert!(near(batch.losses[n], trace.loss), "{kind}");
                for (all, one) in batch.modules.iter().zip(&trace.modules) {
                    assert!(all.y.row(n).iter().zip(&one.y).all(|(a, b)| near(*a, *b)));
                    // The 1/N of the mean.
                    let pairs = all.dy.row(n).into_iter().zip(&one.dy);
                    assert!(pairs.into_iter().all(|(a, b)| near(3.0 * a, *b)));
                }
            }
            for (p, (_, param)) in batch.network.params().enumerate() {
                let grads = single
                    .iter()
                    .map(|trace| &trace.network.params().nth(p).unwrap().1.grad);
                let mean =
                    grads.fold(Array2::zeros(param.grad.dim()), |sum, grad| sum + grad) / 3.0;
                assert!(
                    param.grad.iter().zip(&mean).all(|(a, b)| near(*a, *b)),
                    "{kind}"
                );
            }
            let squares: f64 = batch
                .network
                .params()
                .map(|(_, p)| (&p.grad * &p.grad).sum())
                .sum();
            let (rate, before) = (1e-6, batch.loss);
            let after = batch.loss_after_step(&*loss, rate);
            let promised = before - rate * squares;
            assert!((after - promised).abs() < 1e-3 * rate * squares, "{kind}");
            let (m, p, element) = batch.steepest_weight();
            let w = batch.network.param(m, p).value[element];
            assert!(near(batch.loss_with(&*loss, (m, p, element), w), before));
        }
    }
}
