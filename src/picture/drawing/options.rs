use crate::{explain::Numbers, loss::LossKind};

/// What the drawing of a network shows besides its numbers.
pub struct Options<'a> {
    /// Which network and which image, in words.
    pub title: &'a str,
    /// The loss that the trace was made with.
    pub kind: LossKind,
    /// How numbers are written.
    pub numbers: Numbers,
    /// Rows and columns of the image.
    pub pixels: (usize, usize),
    /// Units to follow: module and unit.
    pub units: &'a [(usize, usize)],
}
