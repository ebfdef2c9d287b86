//! Whether an image is like those that a network was trained on.
//!
//! A softmax always names a class: of noise, of a letter, of a shoe. Two numbers tell some of these apart: how sure
//! the network is, and how much ink lies in the outer frame, which is empty around a digit. Their bounds are chosen
//! so that 99 % of the validation images are within both. What is beyond is unlike them; what is within may be
//! anything: this is no detector, and `docs/results.md` has how much it lets through.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

use super::metrics::predictions;
use crate::{
    data::{Dataset, Spec, batch::Preprocessing},
    linalg::team::Team,
    loss::LossKind,
    nn::Mlp,
};

/// The share of the validation images that are within the bounds.
pub const KEPT: f64 = 0.99;
/// The fewest validation images that bounds are taken from.
pub const FEWEST: usize = 200;
/// The most validation images that are looked at, the first: more tell no more, and a run ends with them.
const MOST: usize = 10_000;
/// The outer frame is this share of the image on each side: 4 of 28 pixels.
const MARGIN: f64 = 1.0 / 7.0;

/// Bounds that 99 % of the validation images are within.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Familiar {
    /// The least confidence, see [`confidence`].
    pub confidence: f64,
    /// The largest mean grey value of the outer frame, 0 to 255.
    pub frame: f64,
}

/// What speaks against an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unfamiliar {
    /// The network is less sure than it was of 99 % of the validation images.
    Unsure,
    /// There is more ink in the outer frame than in theirs.
    Frame,
}

impl Familiar {
    /// The bounds of these validation images; none of fewer than [`FEWEST`].
    pub fn measure(
        network: &Mlp<f32>,
        kind: LossKind,
        valid: &Dataset,
        preprocessing: Preprocessing,
    ) -> Option<Self> {
        if valid.len() < FEWEST {
            return None;
        }
        let first;
        let valid = match valid.len() > MOST {
            true => {
                first = valid.select(&Vec::from_iter(0..MOST));
                &first
            }
            false => valid,
        };
        let (loss, mut team) = (kind.build::<f32>(), Team::new(1));
        let predictions = predictions(network, &*loss, valid, preprocessing, &mut team);
        let predictions = predictions.rows().into_iter();
        let confidences: Vec<_> = predictions.map(|p| confidence(kind, p)).collect();
        let images = valid.images.rows().into_iter();
        let outer = outer(&valid.spec);
        let frames: Vec<_> = images.map(|image| mean(image, &outer)).collect();
        // The larger the share that each bound leaves out, the fewer are within both: as large as may be.
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        let (sure, framed) = (sorted(&confidences), sorted(&frames));
        let bounds = |left_out: usize| Self {
            confidence: sure[left_out],
            frame: framed[valid.len() - 1 - left_out],
        };
        let kept = |bounds: &Self| {
            let both = confidences.iter().zip(&frames);
            let within = |&(&c, &f): &(&f64, &f64)| c >= bounds.confidence && f <= bounds.frame;
            both.filter(within).count()
        };
        let wanted = (KEPT * valid.len() as f64).ceil() as usize;
        let most = (valid.len() - wanted).min(valid.len() - 1);
        let fitting = |&left_out: &usize| kept(&bounds(left_out)) >= wanted;
        (0..=most).rev().find(fitting).map(bounds)
    }

    /// What speaks against an image with this confidence and frame.
    pub fn judge(&self, confidence: f64, frame: f64) -> Vec<Unfamiliar> {
        let mut against = Vec::new();
        // What is not even a number is not sure.
        if confidence.is_nan() || confidence < self.confidence {
            against.push(Unfamiliar::Unsure);
        }
        if frame > self.frame {
            against.push(Unfamiliar::Frame);
        }
        against
    }
}

/// How sure a network is: the largest of its predictions p (C); where there is but one, how near it is to a class,
/// 1 at it and 1/2 between two.
pub fn confidence(kind: LossKind, p: ArrayView1<'_, f32>) -> f64 {
    let value = |p: f32| f64::from(p);
    match kind {
        LossKind::MseDigit => 1.0 - (value(p[0]) - value(p[0]).round()).abs(),
        _ if p.len() == 1 => value(p[0]).max(1.0 - value(p[0])),
        _ => p
            .iter()
            .map(|&p| value(p))
            .fold(f64::NEG_INFINITY, f64::max),
    }
}

/// The mean grey value of the outer frame of an image, 0 to 255.
pub fn frame(image: ArrayView1<'_, u8>, spec: &Spec) -> f64 {
    mean(image, &outer(spec))
}

/// The mean of some pixels.
fn mean(image: ArrayView1<'_, u8>, pixels: &[usize]) -> f64 {
    let sum: u64 = pixels.iter().map(|&p| u64::from(image[p])).sum();
    sum as f64 / pixels.len().max(1) as f64
}

/// The pixels of the outer frame.
fn outer(spec: &Spec) -> Vec<usize> {
    let margin = |side: usize| ((side as f64 * MARGIN).round() as usize).max(1);
    let (high, wide) = (margin(spec.rows), margin(spec.cols));
    let inside = |at: usize, side: usize, margin: usize| at >= margin && at + margin < side;
    let is_outer = |&p: &usize| {
        let (row, col) = (p / spec.cols, p % spec.cols);
        !(inside(row, spec.rows, high) && inside(col, spec.cols, wide))
    };
    (0..spec.pixels()).filter(is_outer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Linear;
    use ndarray::{Array2, array};

    #[test]
    fn the_frame_is_four_of_28_pixels_on_each_side() {
        let spec = Spec::default();
        let mut image = ndarray::Array1::<u8>::zeros(784);
        for row in 4..24 {
            for col in 4..24 {
                image[row * 28 + col] = 255;
            }
        }
        assert_eq!(frame(image.view(), &spec), 0.0);
        image[3 * 28 + 10] = 192;
        assert!((frame(image.view(), &spec) - 192.0 / 384.0).abs() < 1e-12);
        assert_eq!(frame(array![7_u8].view(), &Spec::numbered(1, 1, 2)), 7.0);
    }

    #[test]
    fn at_least_99_of_100_validation_images_are_within_and_not_all() {
        let spec = Spec::numbered(7, 7, 2);
        let images =
            Array2::from_shape_fn((1000, 49), |(n, p)| ((n * 37 + p * p * 11) % 256) as u8);
        let labels = (0..1000).map(|n| (n % 2) as u8).collect();
        let valid = Dataset::new(images, labels, spec.clone());
        let w = Array2::from_shape_fn((49, 2), |(i, o)| ((i * 7 + o * 3) % 11) as f32 / 11.0 - 0.4);
        let network = Mlp::of_linears([Linear::new(w, array![0., 0.])]);
        let kind = LossKind::Ce;
        let familiar = Familiar::measure(&network, kind, &valid, Preprocessing::UNIT).unwrap();
        let loss = kind.build::<f32>();
        let p = predictions(
            &network,
            &*loss,
            &valid,
            Preprocessing::UNIT,
            &mut Team::new(2),
        );
        let images = p.rows().into_iter().zip(valid.images.rows());
        let within = images.filter(|(p, image)| {
            let judged = familiar.judge(confidence(kind, p.view()), frame(image.view(), &spec));
            judged.is_empty()
        });
        let within = within.count();
        assert!((990..1000).contains(&within), "{within}");
        let few = valid.select(&Vec::from_iter(0..FEWEST - 1));
        assert!(Familiar::measure(&network, kind, &few, Preprocessing::UNIT).is_none());
    }

    #[test]
    fn confidence_is_how_near_a_prediction_is_to_a_class() {
        let of = |kind, p: &[f32]| confidence(kind, ndarray::aview1(p));
        assert!((of(LossKind::Ce, &[0.2, 0.7, 0.1]) - 0.7).abs() < 1e-6);
        assert!((of(LossKind::MseDigit, &[3.4]) - 0.6).abs() < 1e-6);
        assert!(
            Familiar {
                confidence: 0.5,
                frame: 9.0
            }
            .judge(f64::NAN, 10.0)
            .len()
                == 2
        );
    }
}
