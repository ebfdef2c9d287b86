use ndarray::Array2;

use super::{
    Mistake,
    board::{Board, Gradients},
};
use crate::{
    data::batch::Batch,
    loss::LossKind,
    nn::{Activation, Kind, Mlp},
    rng::Noise,
};

/// What the gradients of a batch look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Diagnosis {
    /// They agree with the formulas on the board.
    Right,
    /// These mistakes would give them. If there are several, the numbers cannot tell them apart.
    Mistakes(Vec<Finding>),
    /// No known mistake fits, but all the wrong gradients, named here, are the right ones times this factor.
    Ratio(f64, Vec<String>),
    /// No known mistake fits.
    Unknown,
}

/// A mistake that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which mistake.
    pub mistake: Mistake,
    /// The modules where it was made; empty if it is in the loss.
    pub places: Vec<usize>,
    /// The module at the first of them.
    pub kind: Option<Kind>,
    /// The factor between the wrong gradients and the right ones, if it is the same for all.
    pub ratio: Option<f64>,
}

impl Finding {
    /// The formula that corrects it: that of the very activation at its place.
    pub fn mend(&self) -> String {
        use Mistake::*;
        let usual = self.mistake.mend().to_owned();
        let activation = match self.kind {
            Some(Kind::Activation(activation)) if activation != Activation::Relu => activation,
            _ => return usual,
        };
        let (name, dx) = (activation.about().name, activation.about().formula.dx);
        match self.mistake {
            ReluMaskMissing | SlopeMissing => format!("{name}: dx = {dx}"),
            UpstreamIgnored => format!("the chain rule multiplies by dy: dx = {dx}"),
            SlopeFromX => format!("{name}: dx = {dx}, with y the output"),
            SharedRelu | ReluMaskOfBefore => {
                format!("one {name} object for each layer, with the x that went into it: dx = {dx}")
            }
            _ => usual,
        }
    }
}

/// Names the mistake in the gradients of a batch.
///
/// Every known mistake is made on the board, at each of its places alone and at all of them together. It fits
/// if no element of any gradient differs by more than `tolerance` times the largest element of its tensor.
/// Panics if the shapes of the gradients are not those of the parameters, or the images do not fit the
/// network.
pub fn diagnose(
    found: &Gradients,
    network: &Mlp<f64>,
    kind: LossKind,
    images: &Batch,
    noise: Option<Noise>,
    tolerance: f64,
) -> Diagnosis {
    let board = Board::new(network, kind, images, noise);
    let right = board.gradients(None);
    let alike = |a: &Gradients, b: &Gradients| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(&a.1, &b.1, tolerance))
    };
    if alike(found, &right) {
        return Diagnosis::Right;
    }
    let (mut names, mut pairs) = (Vec::new(), Vec::new());
    for ((name, found), (_, right)) in found.iter().zip(&right) {
        if !close(found, right, tolerance) {
            names.push(name.clone());
            pairs.push((found, right));
        }
    }
    let findings = Mistake::ALL
        .into_iter()
        .filter(|mistake| mistake.fits(network, kind));
    let findings = findings.filter_map(|mistake| {
        let places = mistake.places(network);
        let mut tries = vec![places.clone()];
        if places.len() > 1 {
            tries.extend(places.into_iter().map(|m| vec![m]));
        }
        let mut fitting = tries.into_iter().filter(|places| {
            let made = board.gradients(Some((mistake, places)));
            alike(found, &made) && !alike(&right, &made)
        });
        let ratio = common_ratio(&pairs, tolerance);
        fitting.next().map(|places| Finding {
            mistake,
            kind: places.first().map(|&m| network.modules()[m].kind()),
            places,
            ratio,
        })
    });
    let findings: Vec<_> = findings.collect();
    if !findings.is_empty() {
        return Diagnosis::Mistakes(findings);
    }
    match common_ratio(&pairs, tolerance) {
        Some(ratio) => Diagnosis::Ratio(ratio, names),
        None => Diagnosis::Unknown,
    }
}

/// Whether a equals b, to within a share of the largest element of b.
fn close(a: &Array2<f64>, b: &Array2<f64>, tolerance: f64) -> bool {
    // Smaller gradients are nothing but rounding.
    const LEAST: f64 = 1e-9;
    let largest = b.fold(LEAST, |max, b| max.max(b.abs()));
    a.dim() == b.dim()
        && a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= tolerance * largest)
}

/// The factor r, if every gradient found is r times the right one.
fn common_ratio(pairs: &[(&Array2<f64>, &Array2<f64>)], tolerance: f64) -> Option<f64> {
    let sum = |product: fn(f64, f64) -> f64| -> f64 {
        let numbers = pairs
            .iter()
            .flat_map(|(found, right)| found.iter().zip(*right));
        numbers.map(|(&found, &right)| product(found, right)).sum()
    };
    let ratio = sum(|found, right| found * right) / sum(|_, right| right * right);
    let mut pairs = pairs.iter();
    let all = pairs.all(|(found, right)| close(found, &(*right * ratio), tolerance));
    (all && ratio.is_finite() && ratio != 0.0).then_some(ratio)
}
