//! Whether a network has learned anything, and if not, what of it has gone still.
//!
//! Whoever always names the most frequent class needs no network. One that does no better has learned nothing, whatever
//! its loss.

use ndarray::{Array1, Axis, array};

use super::{metrics::Evaluation, pass};
use crate::{
    data::{
        Dataset,
        batch::{Preprocessing, in_order},
    },
    linalg::functions::ln,
    loss::{Loss, LossKind},
    nn::{Activation, Kind, Mlp},
};

/// Images to look at for units that stand still; fewer if there are fewer.
const SAMPLE: usize = 1_000;
/// The share of a layer's units that must stand still for the layer to be named.
const MOST_UNITS: f64 = 0.9;

/// What guessing gets, of a network that does no better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guessing {
    /// The most frequent class.
    pub class: usize,
    /// Its share of the images: the accuracy of always naming it.
    pub share: f64,
    /// The accuracy of the network.
    pub accuracy: f64,
    /// The loss of giving every class its share, whatever the image.
    pub constant_loss: f64,
    /// The loss of the network.
    pub loss: f64,
}

impl Guessing {
    /// What guessing gets on these images, if the network does no better there. None, too, of fewer than 50 images.
    ///
    /// It does better if its loss is clearly below that of the best constant prediction, which gives every class its
    /// share of the images, whatever the image. A network that has learned something may still have a larger loss, where
    /// it is sure and wrong; then it must have ten points more of the images right than the most frequent class has, or
    /// more of each class on average than 1 of C classes: where one class is rare, only the second shows.
    pub fn of(evaluation: &Evaluation, kind: LossKind) -> Option<Self> {
        const FEWEST: f64 = 50.0;
        const CLEARLY: f64 = 0.99;
        const POINTS: f64 = 0.1;
        let confusion = &evaluation.confusion;
        let counts = confusion.sum_axis(Axis(1)).mapv(f64::from);
        let images = counts.sum();
        let classes = counts.iter().filter(|&&n| n > 0.0).count() as f64;
        if classes < 2.0 || images < FEWEST {
            return None; // of one class, nothing can be learned; of few images, nothing is seen
        }
        let shares = &counts / images;
        let found = |(c, &n): (usize, &f64)| match n > 0.0 {
            true => f64::from(confusion[[c, c]]) / n,
            false => 0.0,
        };
        let recall = counts.iter().enumerate().map(found).sum::<f64>() / classes;
        let (class, share) = shares
            .iter()
            .copied()
            .enumerate()
            .fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
        let guessing = Self {
            class,
            share,
            accuracy: evaluation.accuracy(),
            constant_loss: constant_loss(kind, &shares),
            loss: evaluation.loss,
        };
        let better = guessing.loss < CLEARLY * guessing.constant_loss
            || guessing.accuracy > share + POINTS
            || recall > 1.0 / classes + POINTS;
        (!better).then_some(guessing)
    }
}

/// The loss of the best prediction that is the same for every image, where the classes have these shares.
fn constant_loss(kind: LossKind, shares: &Array1<f64>) -> f64 {
    const LEAST: f64 = 1e-9; // of a class that has no image
    let classes = shares.len();
    let p = shares.mapv(|share| share.max(LEAST));
    let mean: f64 = shares
        .iter()
        .enumerate()
        .map(|(class, share)| class as f64 * share)
        .sum();
    let outputs = match kind {
        LossKind::Ce => p.mapv(ln),
        LossKind::SmoothedCe(s) => p.mapv(|p| ln((1.0 - s) * p + s / classes as f64)),
        LossKind::MseOnehot => p,
        LossKind::MseDigit => array![mean],
        LossKind::Bce => array![ln(p[1] / p[0])],
    };
    let outputs = outputs
        .broadcast((classes, outputs.len()))
        .expect("a row a class")
        .to_owned();
    let targets: Vec<_> = (0..classes).map(|class| class as u8).collect();
    let (mut predictions, mut losses) = (outputs.clone(), Array1::zeros(classes));
    kind.build::<f64>()
        .forward(&outputs, &targets, &mut predictions, &mut losses);
    losses.dot(shares)
}

/// A layer whose units give the same for every image, so that no gradient passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Still {
    /// Which hidden layer, from 1.
    pub layer: usize,
    /// What it is followed by.
    pub activation: Activation,
    /// Units that stand still.
    pub still: usize,
    /// All its units.
    pub units: usize,
}

impl Still {
    /// Whether the units are 0 for every image, and not at an end of their range.
    pub fn is_dead(&self) -> bool {
        Kind::Activation(self.activation).switches_off()
    }
}

/// The hidden layers of which nine tenths of the units stand still on the first of these images: a ReLU that is 0, and
/// a tanh or sigmoid within a hundredth of an end of its range.
pub fn still(
    network: &Mlp<f32>,
    loss: &dyn Loss<f32>,
    images: &Dataset,
    preprocessing: Preprocessing,
) -> Vec<Still> {
    let n = images.len().min(SAMPLE);
    let mut tape = network.tape(n);
    let order = in_order(n);
    for mut rows in tape.rows_mut(n, n) {
        preprocessing.gather(images, &order, &mut rows.x);
        pass::forward(network, loss, &mut rows, &images.labels[..n]);
    }
    let modules = network.modules().iter().enumerate();
    let activations = modules.filter_map(|(m, module)| match module.kind() {
        Kind::Activation(activation) => Some((m, activation)),
        _ => None,
    });
    let layers = activations.enumerate().map(|(layer, (m, activation))| {
        let y = tape.y(m, n);
        let still = y
            .columns()
            .into_iter()
            .filter(|y| stands_still(activation, y.iter().copied()));
        Still {
            layer: layer + 1,
            activation,
            still: still.count(),
            units: y.ncols(),
        }
    });
    layers
        .filter(|l| l.still as f64 >= MOST_UNITS * l.units as f64)
        .collect()
}

fn stands_still(activation: Activation, y: impl Iterator<Item = f32>) -> bool {
    let (low, high) = match activation {
        Activation::Relu => (0.0, f32::INFINITY),
        Activation::Sigmoid => (0.0, 1.0),
        Activation::Tanh => (-1.0, 1.0),
        Activation::ScaledTanh => (-1.7159, 1.7159),
        // They pass something of every gradient.
        Activation::LeakyRelu | Activation::Gelu | Activation::Identity => return false,
    };
    let near = |y: f32| {
        y <= low
            || y >= high
            || (high.is_finite() && (y - low).min(high - y) <= 0.01 * (high - low))
    };
    let mut y = y;
    y.all(near)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn of(loss: f64, confusion: Array2<u32>) -> Option<Guessing> {
        Guessing::of(&Evaluation { loss, confusion }, LossKind::Ce)
    }

    #[test]
    fn always_the_same_class_is_guessing_and_what_finds_a_rare_class_is_not() {
        let always = of(0.4, array![[900, 0], [100, 0]]).unwrap();
        assert_eq!((always.class, always.share, always.accuracy), (0, 0.9, 0.9));
        // It never says the rare class, but knows where it is likelier: the entropy of 0.9 and 0.1 is 0.325.
        assert_eq!(of(0.2, array![[900, 0], [100, 0]]), None);
        // Half of the rare class is found, at the price of as many others, and surely: yet something is learned.
        assert_eq!(of(3.0, array![[850, 50], [50, 50]]), None);
        // As a coin says it.
        assert!(of(0.7, array![[250, 250], [251, 249]]).is_some());
        // Class 1 is all there is, or there are few images: nothing can be said.
        assert_eq!(of(3.0, array![[0, 0], [30, 70]]), None);
        assert_eq!(of(3.0, array![[1, 3], [2, 4]]), None);
        // Luck of the first weights.
        assert!(of(2.0, array![[30, 30, 40], [30, 40, 30], [30, 30, 40]]).is_some());
    }

    #[test]
    fn the_constant_loss_is_that_of_the_shares() {
        let even = array![0.5, 0.5];
        let ln_2 = std::f64::consts::LN_2;
        for (kind, expected) in [
            (LossKind::Ce, ln_2),
            (LossKind::SmoothedCe(0.2), ln_2),
            (LossKind::Bce, ln_2),
            (LossKind::MseOnehot, 0.25),
            (LossKind::MseDigit, 0.25),
        ] {
            let found = constant_loss(kind, &even);
            assert!((found - expected).abs() < 1e-12, "{kind}: {found}");
        }
    }
}
