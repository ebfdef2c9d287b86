//! A mistake at its place.

use std::ops::Range;

use super::Mistake;
use crate::nn::Activation;

/// A mistake at its place: one line of the passes that was written otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Slip {
    /// Which mistake.
    pub mistake: Mistake,
    /// The module whose line it is; none for the loss, for what the network is fed, and for a mistake made at
    /// all its places.
    pub place: Option<usize>,
    /// The learning rate of an update, the factor of weight decay, or that of a factor that is missing or too
    /// many.
    pub amount: Option<f64>,
    /// The activation at its place, or the first of several.
    pub activation: Option<Activation>,
    /// Which of the ways to make it, see [`Board`](super::board::Board).
    pub(super) variant: usize,
    /// The images that were taken.
    pub(super) rows: Range<usize>,
}

impl Slip {
    pub(super) fn new(mistake: Mistake) -> Self {
        Self {
            mistake,
            place: None,
            amount: None,
            activation: None,
            variant: 0,
            rows: 0..0,
        }
    }

    pub(super) fn at(self, m: usize) -> Self {
        Self {
            place: Some(m),
            ..self
        }
    }

    pub(super) fn variant(self, variant: usize) -> Self {
        Self { variant, ..self }
    }

    pub(super) fn amount(self, amount: f64) -> Self {
        Self {
            amount: Some(amount),
            ..self
        }
    }

    pub(super) fn rows(self, rows: Range<usize>) -> Self {
        Self { rows, ..self }
    }

    /// The formula that mends it: that of the very activation at its place.
    pub fn mend(&self) -> String {
        use Mistake::*;
        let usual = self.mistake.mend().to_owned();
        let activation = match self.activation {
            Some(activation) if activation != Activation::Relu => activation,
            _ => return usual,
        };
        let (name, dx) = (activation.about().name, activation.about().formula.dx);
        match self.mistake {
            ReluMaskMissing | SlopeMissing | ReluMaskInverted | ReluMaskAtZero
            | ReluMaskOfGradient => format!("{name}: dx = {dx}"),
            UpstreamIgnored => format!("the chain rule multiplies by dy: dx = {dx}"),
            SlopeFromX => format!("{name}: dx = {dx}, with y the output"),
            SharedRelu | ReluMaskOfBefore | ReluMaskOfAnother => {
                format!("one {name} object for each layer, with the x that went into it: dx = {dx}")
            }
            _ => usual,
        }
    }
}
