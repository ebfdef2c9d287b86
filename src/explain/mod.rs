//! One image, or a batch, through a network and back, with every number kept: what `mlp explain` shows.
//!
//! The numbers come from the very passes that train, in `f64`, so that sums agree with their terms to the
//! last digit shown. Dropout is off, as it is whenever a network is used.

mod batch;
mod numbers;
pub mod worksheet;

use ndarray::{Array1, Array2, Axis};

use crate::{
    loss::{Loss, Mse, Target},
    nn::{Kind, Mlp},
};

pub use batch::{BatchTrace, PassedBatch};
pub use numbers::{Numbers, shown};

/// One module on the way: its input and output, and the gradients of both.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Which module it is.
    pub kind: Kind,
    /// x (I)
    pub x: Array1<f64>,
    /// y (O)
    pub y: Array1<f64>,
    /// ∂L/∂y (O)
    pub dy: Array1<f64>,
    /// ∂L/∂x (I); none up to the first weights, where it is not needed.
    pub dx: Option<Array1<f64>>,
}

impl Passed {
    /// PyTorch's name of the module, such as `Linear`.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }
}

/// The way of one image through a network and back.
pub struct Trace {
    /// The network, with the gradients of all its parameters.
    pub network: Mlp<f64>,
    /// Its modules in order.
    pub modules: Vec<Passed>,
    /// What the loss makes of the outputs: softmax, or the outputs themselves for mse.
    pub predictions: Array1<f64>,
    /// L
    pub loss: f64,
    /// The class of the image.
    pub target: u8,
}

impl Trace {
    /// Takes an image x (1, I) of class `target` through the network and back. Panics if they do not fit.
    pub fn new(network: Mlp<f64>, loss: &dyn Loss<f64>, x: &Array2<f64>, target: u8) -> Self {
        let batch = BatchTrace::new(network, loss, x, &[target]);
        let row = |rows: Array2<f64>| rows.index_axis_move(Axis(0), 0);
        let modules = batch.modules.into_iter().map(|passed| Passed {
            kind: passed.kind,
            x: row(passed.x),
            y: row(passed.y),
            dy: row(passed.dy),
            dx: passed.dx.map(row),
        });
        Self {
            network: batch.network,
            modules: modules.collect(),
            predictions: row(batch.predictions),
            loss: batch.loss,
            target,
        }
    }

    /// The outputs of the network.
    pub fn outputs(&self) -> &Array1<f64> {
        &self.modules.last().expect("a network has a module").y
    }

    /// ∂L/∂outputs
    pub fn doutputs(&self) -> &Array1<f64> {
        &self.modules.last().expect("a network has a module").dy
    }

    /// The loss of the same image after one weight (or bias) of a module is changed to `value`.
    pub fn loss_with(
        &mut self,
        loss: &dyn Loss<f64>,
        (module, param, element): (usize, usize, (usize, usize)),
        value: f64,
    ) -> f64 {
        let x = x_of(&self.modules[module].x);
        let changed = ((module, param, element), value);
        batch::loss_with(&mut self.network, loss, (x, &[self.target]), changed)
    }

    /// The weight with the largest gradient: its module, its parameter and its element.
    pub fn steepest_weight(&self) -> (usize, usize, (usize, usize)) {
        batch::steepest_weight(&self.network)
    }
}

/// A vector as a batch of one.
fn x_of(x: &Array1<f64>) -> Array2<f64> {
    x.clone().insert_axis(Axis(0))
}

/// What a loss makes of outputs (C) and a target: predictions (C), the loss, and ∂L/∂outputs (C).
#[derive(Clone, Debug)]
pub struct Judged {
    /// Softmax, or the outputs themselves for mse.
    pub predictions: Array1<f64>,
    /// L
    pub loss: f64,
    /// ∂L/∂outputs
    pub doutputs: Array1<f64>,
}

/// Applies `loss` to these outputs. Panics if the target is not one of their classes.
pub fn judge(loss: &dyn Loss<f64>, outputs: &Array1<f64>, target: u8) -> Judged {
    let outputs = x_of(outputs);
    let (predictions, losses) = batch::forward(loss, &outputs, &[target]);
    let mut doutputs = Array2::zeros(outputs.dim());
    loss.backward(&predictions, &[target], 1, &mut doutputs);
    Judged {
        predictions: predictions.remove_axis(Axis(0)),
        loss: losses[0],
        doutputs: doutputs.remove_axis(Axis(0)),
    }
}

/// Applies mse to these outputs, with one-hot and with digit targets.
pub fn both_mse(outputs: &Array1<f64>, target: u8) -> [Judged; 2] {
    [Target::OneHot, Target::Digit].map(|encoding| judge(&Mse(encoding), outputs, target))
}

/// One product in the sum of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// The index of the input.
    pub input: usize,
    /// The input x.
    pub x: f64,
    /// The weight w between the input and the unit.
    pub w: f64,
}

impl Term {
    /// x·w
    pub fn product(self) -> f64 {
        self.x * self.w
    }
}

/// The terms of x·w of unit `o`, the largest first. Terms with x = 0 are left out: they add nothing.
pub fn terms(x: &Array1<f64>, w: &Array2<f64>, o: usize) -> Vec<Term> {
    let inputs = x.indexed_iter().filter(|(_, x)| **x != 0.0);
    let mut terms: Vec<_> = inputs
        .map(|(input, &x)| Term {
            input,
            x,
            w: w[[input, o]],
        })
        .collect();
    terms.sort_by(|a, b| b.product().abs().total_cmp(&a.product().abs()));
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        loss::{CrossEntropy, LossKind},
        nn::{Activation, Architecture},
        rng::{Purpose, generator},
    };

    fn traced(architecture: &Architecture, kind: LossKind) -> (Trace, Box<dyn Loss<f64>>) {
        let network = architecture.init(
            architecture.activation.about().init,
            &mut generator(1, Purpose::Init),
        );
        let x = Array2::from_shape_fn(
            (1, 12),
            |(_, i)| if i % 3 == 0 { 0.0 } else { i as f64 / 12.0 },
        );
        let loss = kind.build::<f64>();
        (Trace::new(network, &*loss, &x, 3), loss)
    }

    #[test]
    fn a_unit_is_the_sum_of_its_terms_and_a_step_lowers_the_loss_as_the_gradient_says() {
        for activation in Activation::ALL {
            for (hidden, kind) in [
                (&[][..], LossKind::Ce),
                (&[6], LossKind::SmoothedCe(0.1)),
                (&[6, 5, 4, 3, 7], LossKind::MseOnehot),
                (&[6], LossKind::MseDigit),
            ] {
                let outputs = kind.outputs(10);
                let layers = [&[12], hidden, &[outputs]].concat();
                let dropout = vec![0.2; layers.len() - 1];
                let architecture = Architecture {
                    activation,
                    dropout,
                    layers,
                };
                let (mut trace, loss) = traced(&architecture, kind);
                for (m, passed) in trace.modules.iter().enumerate() {
                    let Some([w, b]) = trace.network.modules()[m].params() else {
                        continue;
                    };
                    for o in 0..passed.y.len() {
                        let products = terms(&passed.x, &w.value, o).into_iter().map(Term::product);
                        let sum = products.sum::<f64>() + b.value[[0, o]];
                        assert!((sum - passed.y[o]).abs() < 1e-12);
                    }
                }
                let judged = judge(&*loss, trace.outputs(), 3);
                assert_eq!(
                    (&judged.doutputs, judged.loss),
                    (trace.doutputs(), trace.loss)
                );
                let (m, p, element) = trace.steepest_weight();
                let param = &trace.network.param(m, p);
                let (w, dw) = (param.value[element], param.grad[element]);
                let step = 1e-6 * dw;
                let after = trace.loss_with(&*loss, (m, p, element), w - step);
                assert!((after - (trace.loss - step * dw)).abs() < 1e-9 * dw * dw + 1e-12);
                assert_eq!(trace.loss_with(&*loss, (m, p, element), w), trace.loss);
            }
        }
    }

    #[test]
    fn the_table_is_that_of_the_lesson() {
        let logits = ndarray::array![0.1, 0., 0., 0.2, 0.3, 0., 0., 0.3, 0., 0.2];
        let judged = judge(&CrossEntropy, &logits, 4);
        assert!((judged.loss - 2.1202).abs() < 5e-5 && (judged.predictions[4] - 0.12).abs() < 5e-5);
        let [one_hot, digit] = both_mse(&logits, 4);
        let squares: f64 = logits
            .iter()
            .enumerate()
            .map(|(c, z)| (z - f64::from(c == 4)).powi(2))
            .sum();
        assert!((one_hot.loss - squares / 10.0).abs() < 1e-12);
        let squares: f64 = logits.iter().map(|z| (z - 4.0).powi(2)).sum();
        assert!((digit.loss - squares / 10.0).abs() < 1e-12);
    }
}
