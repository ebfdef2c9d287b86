use std::borrow::Cow;

use crate::{explain::Numbers, loss::LossKind, picture::font::shortened};

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
    /// What the classes are called, in the order of the labels.
    pub classes: &'a [String],
    /// Units to follow: module and unit.
    pub units: &'a [(usize, usize)],
}

impl Options<'_> {
    /// What a class is called: by its number if it has no name.
    pub(super) fn class(&self, class: usize) -> Cow<'_, str> {
        match self.classes.get(class) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(class.to_string()),
        }
    }

    /// The same for a place of this width, its end cut if need be.
    pub(super) fn short_class(&self, class: usize, size: f64, width: f64) -> String {
        shortened(&self.class(class), size, width)
    }
}
