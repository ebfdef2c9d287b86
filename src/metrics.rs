//! How good a network is: loss, accuracy, confusion, and how sure one may be of them.

use ndarray::Array2;

use crate::{
    data::{
        CLASSES, Dataset,
        batches::{Scaling, in_order},
    },
    linalg::Float,
    loss::Loss,
    nn::Mlp,
    team::Team,
};

/// Images that go through the network at a time, and the share of them that a thread takes.
const BLOCK: usize = 1024;
const SHARE: usize = 128;

/// A network measured on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss of an image.
    pub loss: f64,
    /// `confusion[[t, p]]`: images of class t taken for class p.
    pub confusion: Array2<u32>,
}

impl Evaluation {
    /// Images measured.
    pub fn images(&self) -> u32 {
        self.confusion.sum()
    }

    /// Images whose class was found.
    pub fn correct(&self) -> u32 {
        self.confusion.diag().sum()
    }

    /// The share of images whose class was found, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.images())
    }

    /// The 95 % confidence interval of the accuracy, see [`wilson_interval`].
    pub fn interval(&self) -> (f64, f64) {
        wilson_interval(self.correct(), self.images())
    }
}

/// Runs every image through the network once, in order. Panics if there are none or shapes do not fit.
pub fn evaluate<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    data: &Dataset,
    scaling: Scaling,
    team: &mut Team,
) -> Evaluation {
    assert!(!data.is_empty(), "nothing to evaluate on");
    let order = in_order(data.len());
    let mut tape = network.tape(BLOCK.min(data.len()));
    let mut total = 0.0;
    let mut confusion = Array2::zeros((CLASSES, CLASSES));
    for (images, labels) in order.chunks(BLOCK).zip(data.labels.chunks(BLOCK)) {
        team.for_each(tape.rows_mut(images.len(), SHARE), |mut rows| {
            let here = rows.first..rows.first + rows.len();
            scaling.gather(data, &images[here.clone()], &mut rows.x);
            network.forward(&mut rows);
            let ([outputs, mut predictions, _], mut losses) = rows.loss();
            loss.forward(&outputs, &labels[here], &mut predictions, &mut losses);
        });
        for (outputs, &label) in tape.outputs(images.len()).rows().into_iter().zip(labels) {
            let class = loss.class(outputs, CLASSES);
            confusion[[usize::from(label), usize::from(class)]] += 1;
        }
        total += sum(tape.losses(images.len()));
    }
    Evaluation {
        loss: total / data.len() as f64,
        confusion,
    }
}

/// Σ losses, in order and in `f64`.
pub(crate) fn sum<F: Float>(losses: &[F]) -> f64 {
    losses
        .iter()
        .map(|loss| loss.to_f64().expect("a float converts to f64"))
        .sum()
}

/// The 95 % interval of a proportion of which `hits` of `n` were seen: (low, high), each 0 to 1.
///
/// With p = hits/n and z = 1.96: (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n).
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
/// 1927. It stays within 0..1 and holds near its ends, where p ± z·√(p(1 − p)/n) does not.
pub fn wilson_interval(hits: u32, n: u32) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (f64::from(n), f64::from(hits) / f64::from(n));
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    ((centre - half) / scale, (centre + half) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wilson_interval_is_the_published_one() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
        for (hits, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
        ] {
            let (l, h) = wilson_interval(hits, n);
            assert!(
                (l - low).abs() < 5e-5 && (h - high).abs() < 5e-5,
                "{hits}/{n}: {l} to {h}"
            );
        }
    }
}
