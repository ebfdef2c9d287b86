//! How good a network is: loss, accuracy and confusion matrix, and how certain these are.

use ndarray::{Array2, Axis, concatenate, s};

use super::pass;
use crate::{
    data::{
        Dataset,
        batch::{Preprocessing, in_order},
    },
    linalg::{
        Float,
        functions::{exp, ln},
        team::Team,
    },
    loss::{Decoding, Loss},
    nn::{Mlp, Tape},
};

/// Images that one thread takes through the network at a time.
const SHARE: usize = 128;
/// The most images that all threads together take at a time.
const MOST: usize = 1024;

/// The evaluation of a network on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss per image.
    pub loss: f64,
    /// `confusion[[t, p]]`: how many images of class t were classified as p.
    pub confusion: Array2<u32>,
}

impl Evaluation {
    /// Number of images.
    pub fn images(&self) -> u32 {
        self.confusion.sum()
    }

    /// Number of images classified correctly.
    pub fn correct(&self) -> u32 {
        self.confusion.diag().sum()
    }

    /// The share of images classified correctly, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.images())
    }

    /// The 95 % confidence interval of the accuracy, see [`wilson_interval`].
    pub fn interval(&self) -> (f64, f64) {
        wilson_interval(self.correct(), self.images())
    }
}

/// Runs every image through the network once, in order. Panics if there are no images or shapes do not fit.
pub fn evaluate<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    data: &Dataset,
    preprocessing: Preprocessing,
    team: &mut Team,
) -> Evaluation {
    let mut total = 0.0;
    let classes = data.classes();
    let mut confusion = Array2::zeros((classes, classes));
    let decoding = loss.decoding();
    every_image(network, loss, data, preprocessing, team, |tape, labels| {
        for (outputs, &label) in tape.outputs(labels.len()).rows().into_iter().zip(labels) {
            let class = decoding.class(outputs, classes);
            confusion[[usize::from(label), usize::from(class)]] += 1;
        }
        // One by one, so that the sum does not depend on the block size.
        total = add(total, tape.losses(labels.len()));
    });
    Evaluation {
        loss: total / data.len() as f64,
        confusion,
    }
}

/// The predictions of the loss for every image (images, C): probabilities for cross-entropy, one column with
/// that of class 1 for binary cross-entropy. Panics like
/// [`evaluate`].
pub fn predictions<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    data: &Dataset,
    preprocessing: Preprocessing,
    team: &mut Team,
) -> Array2<F> {
    let width = loss.decoding().outputs(data.classes());
    let mut all = Array2::zeros((data.len(), width));
    let mut first = 0;
    every_image(network, loss, data, preprocessing, team, |tape, labels| {
        let block = first..first + labels.len();
        all.slice_mut(s![block, ..])
            .assign(&tape.predictions(labels.len()));
        first += labels.len();
    });
    all
}

/// The class that every image is taken for. Panics like [`evaluate`].
pub fn classes<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    data: &Dataset,
    preprocessing: Preprocessing,
    team: &mut Team,
) -> Vec<u8> {
    let mut all = Vec::with_capacity(data.len());
    let decoding = loss.decoding();
    every_image(network, loss, data, preprocessing, team, |tape, labels| {
        let outputs = tape.outputs(labels.len());
        let rows = outputs.rows().into_iter();
        all.extend(rows.map(|row| decoding.class(row, data.classes())));
    });
    all
}

/// The loss of every image. Panics like [`evaluate`].
pub fn losses<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    data: &Dataset,
    preprocessing: Preprocessing,
    team: &mut Team,
) -> Vec<f64> {
    let mut all = Vec::with_capacity(data.len());
    every_image(network, loss, data, preprocessing, team, |tape, labels| {
        all.extend(in_f64(tape.losses(labels.len())));
    });
    all
}

/// The images that so many threads together take through a network at a time.
pub fn images_at_a_time(threads: usize) -> usize {
    (SHARE * threads).min(MOST)
}

/// Runs every image through the network, a block at a time, and shows each block and its labels to `see`.
fn every_image<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    data: &Dataset,
    preprocessing: Preprocessing,
    team: &mut Team,
    mut see: impl FnMut(&Tape<F>, &[u8]),
) {
    assert!(!data.is_empty(), "nothing to evaluate on");
    let order = in_order(data.len());
    let block = images_at_a_time(team.threads());
    let share = block.div_ceil(team.threads());
    let mut tape = network.tape(block.min(data.len()));
    for (images, labels) in order.chunks(block).zip(data.labels.chunks(block)) {
        team.for_each(tape.rows_mut(images.len(), share), |mut rows| {
            let here = rows.first..rows.first + rows.len();
            preprocessing.gather(data, &images[here.clone()], &mut rows.x);
            pass::forward(network, loss, &mut rows, &labels[here]);
        });
        see(&tape, labels);
    }
}

/// Evaluates a committee on images with these labels. The mean of its members' probabilities (images,
/// classes) decides the class; the loss is −ln of the mean probability of the label. A single column is the
/// probability of class 1 of two.
///
/// Panics if there are no members or shapes do not fit.
pub fn committee<F: Float>(members: &[Array2<F>], labels: &[u8]) -> Evaluation {
    let mut mean = Array2::<f64>::zeros(members[0].dim());
    for member in members {
        mean.zip_mut_with(member, |mean, p| {
            *mean += p.to_f64().expect("a float converts")
        });
    }
    mean /= members.len() as f64;
    assert_eq!(mean.nrows(), labels.len(), "images against labels");
    if mean.ncols() == 1 {
        mean = concatenate![Axis(1), 1.0 - &mean, mean];
    }
    let classes = mean.ncols();
    let mut confusion = Array2::zeros((classes, classes));
    let mut total = 0.0;
    for (p, &label) in mean.rows().into_iter().zip(labels) {
        confusion[[
            usize::from(label),
            usize::from(Decoding::Largest.class(p, classes)),
        ]] += 1;
        total -= ln(p[usize::from(label)].max(f64::MIN_POSITIVE));
    }
    Evaluation {
        loss: total / labels.len() as f64,
        confusion,
    }
}

/// McNemar's exact test of two models: the probability of a split at least as uneven if both were equally
/// good. Of the images that exactly one of them classifies correctly, the first has `first` and the second
/// has `second`.
///
/// With n = first + second and k the smaller: p = min(1, 2·Σᵢ₌₀ᵏ C(n, i) / 2ⁿ).
///
/// Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
/// percentages", 1947; in the exact form of the sign test.
pub fn mcnemar(first: u32, second: u32) -> f64 {
    let (n, k) = (first + second, first.min(second));
    // ln C(n, i), updated from one i to the next.
    let mut choose = 0.0;
    let mut tail = 0.0;
    for i in 0..=k {
        if i > 0 {
            choose += ln(f64::from(n - i + 1)) - ln(f64::from(i));
        }
        tail += exp(choose - f64::from(n) * std::f64::consts::LN_2);
    }
    (2.0 * tail).min(1.0)
}

/// total + Σ losses, added one by one in `f64`.
pub(crate) fn add<F: Float>(total: f64, losses: &[F]) -> f64 {
    in_f64(losses).fold(total, |total, loss| total + loss)
}

fn in_f64<F: Float>(losses: &[F]) -> impl Iterator<Item = f64> {
    let losses = losses.iter();
    losses.map(|loss| loss.to_f64().expect("a float converts to f64"))
}

/// The 95 % confidence interval of a proportion after `hits` in `n` trials: (low, high), each 0 to 1.
///
/// With p = hits/n and z = 1.96: (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n).
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. The
/// interval stays within 0..1 and holds near its ends, where p ± z·√(p(1 − p)/n) does not.
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

    #[test]
    fn mcnemar_is_the_sign_test() {
        // 2·(1 + 10 + 45)/1024; 2·(1 + 5)/32; a draw; nothing to compare.
        for (first, second, p) in [(2, 8, 0.109375), (4, 1, 0.375), (7, 7, 1.0), (0, 0, 1.0)] {
            assert!(
                (mcnemar(first, second) - p).abs() < 1e-12,
                "{first} against {second}"
            );
        }
        // A normal approximation holds for large numbers: z = 200/√1000, p = 2·(1 − Φ(6.3246)).
        let p = mcnemar(400, 600);
        assert!((2.0e-10..3.2e-10).contains(&p), "{p}");
        assert!(mcnemar(0, 10_000) < 1e-300);
    }

    #[test]
    fn a_committee_decides_by_the_mean_of_its_probabilities() {
        let mut sure = Array2::<f32>::zeros((2, 10));
        sure[[0, 3]] = 1.0;
        sure[[1, 4]] = 1.0;
        let mut unsure = Array2::<f32>::from_elem((2, 10), 0.0);
        unsure[[0, 3]] = 0.4;
        unsure[[0, 5]] = 0.6;
        unsure[[1, 5]] = 1.0;
        let both = committee(&[sure, unsure], &[3, 5]);
        assert_eq!(both.confusion[[3, 3]], 1);
        assert_eq!(both.confusion[[5, 4]], 1, "of equals the first");
        let expected = -(0.7_f64.ln() + 0.5_f64.ln()) / 2.0;
        assert!((both.loss - expected).abs() < 1e-7);
    }

    #[test]
    fn a_committee_of_two_classes_has_the_probability_of_class_1_in_one_column() {
        let members = [
            ndarray::array![[0.9_f32], [0.5], [0.6]],
            ndarray::array![[0.3_f32], [0.5], [0.2]],
        ];
        let both = committee(&members, &[1, 0, 1]);
        assert_eq!((both.confusion[[1, 1]], both.confusion[[0, 0]]), (1, 1));
        assert_eq!(both.confusion[[1, 0]], 1);
        let expected = -(0.6_f64.ln() + 0.5_f64.ln() + 0.4_f64.ln()) / 3.0;
        assert!((both.loss - expected).abs() < 1e-7);
    }
}
