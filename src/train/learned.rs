//! Whether a network has learned anything, and if not, what of it has gone still.
//!
//! Whoever always names the most frequent class needs no network. One that does no better has learned nothing, whatever
//! its loss.

use ndarray::Axis;

use super::{metrics::Evaluation, pass};
use crate::{
    data::{
        Dataset,
        batch::{Preprocessing, in_order},
    },
    loss::Loss,
    nn::{Activation, Kind, Mlp},
};

/// Images to look at for units that stand still; fewer if there are fewer.
const SAMPLE: usize = 1_000;
/// The share of a layer's units that must stand still for the layer to be named.
const MOST_UNITS: f64 = 0.9;
/// The most that chance may lift an accuracy above that of guessing, however few the images.
const MARGIN: f64 = 0.01;

/// What guessing gets, of a network that does no better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guessing {
    /// The most frequent class.
    pub class: usize,
    /// Its share of the images: the accuracy of always naming it.
    pub share: f64,
    /// The accuracy of the network.
    pub accuracy: f64,
}

impl Guessing {
    /// What guessing gets on these images, if the network does no better there.
    ///
    /// It does better if it has more of the images right than the most frequent class has, or more of each class on
    /// average than 1 of C classes: where one class is rare, only the second shows. Both by more than three standard
    /// deviations of chance, or by one point where there are few images.
    pub fn of(evaluation: &Evaluation) -> Option<Self> {
        let confusion = &evaluation.confusion;
        let counts = confusion.sum_axis(Axis(1));
        let counts = || {
            counts
                .iter()
                .map(|&n| f64::from(n))
                .enumerate()
                .filter(|&(_, n)| n > 0.0)
        };
        let images: f64 = counts().map(|(_, n)| n).sum();
        let classes = counts().count() as f64;
        if classes < 2.0 {
            return None; // of one class, nothing can be learned
        }
        let (class, most) = counts().fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
        let share = most / images;
        let recall = counts()
            .map(|(c, n)| f64::from(confusion[[c, c]]) / n)
            .sum::<f64>()
            / classes;
        let by_chance = |p: f64, n: f64| (3.0 * (p * (1.0 - p) / n).sqrt()).min(MARGIN);
        let even = 1.0 / classes;
        let better = evaluation.accuracy() > share + by_chance(share, images)
            || recall > even + by_chance(even, images);
        (!better).then_some(Self {
            class,
            share,
            accuracy: evaluation.accuracy(),
        })
    }
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
        Activation::LeakyRelu | Activation::Gelu => return false,
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
    use ndarray::{Array2, array};

    use super::*;

    fn evaluation(confusion: Array2<u32>) -> Evaluation {
        Evaluation {
            loss: 1.0,
            confusion,
        }
    }

    #[test]
    fn always_the_same_class_is_guessing_and_what_finds_a_rare_class_is_not() {
        let of = |confusion| Guessing::of(&evaluation(confusion));
        let always = of(array![[900, 0], [100, 0]]).unwrap();
        assert_eq!((always.class, always.share, always.accuracy), (0, 0.9, 0.9));
        // Half of the rare class is found, at the price of as many others: no more right, yet something learned.
        assert_eq!(of(array![[850, 50], [50, 50]]), None);
        assert_eq!(of(array![[900, 0], [50, 50]]), None);
        // As a coin says it.
        assert!(of(array![[250, 250], [251, 249]]).is_some());
        // Class 1 is all there is: nothing can be learned of it, and nothing said.
        assert_eq!(of(array![[0, 0], [3, 7]]), None);
        // Ten images and four of them right, of three classes: chance alone reaches that, but it is no guessing.
        assert_eq!(of(array![[2, 1, 1], [1, 1, 1], [1, 1, 1]]), None);
    }
}
