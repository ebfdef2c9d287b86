//! From any picture of a digit to an image like MNIST's.
//!
//! [`decode()`] reads the file; [`prepare()`] does what the makers of MNIST did: it finds the ink, scales its box to
//! 20×20 and moves its centre of mass to the middle of 28×28. [`fit`] is that last part alone.
//!
//! The same bytes give the same pixels on any machine. Nothing here panics, whatever the bytes.

mod blobs;
mod decode;
mod frame;
mod light;
mod lines;
mod plane;
mod prepare;
mod strokes;
mod threshold;
mod width;

use std::fmt;

pub use decode::{MAX_BYTES, MAX_MEMORY, MAX_PIXELS, PhotoError, decode, is_picture_name};
pub use frame::fit;
pub use prepare::prepare;

/// A grey picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gray {
    /// Its height.
    pub rows: usize,
    /// Its width.
    pub cols: usize,
    /// Grey values (rows·cols), row by row, 0 black to 255 white.
    pub pixels: Vec<u8>,
    /// What decoding did besides reading, such as "turned 90° (EXIF)"; may be empty.
    pub notes: Vec<String>,
}

impl Gray {
    /// A picture of these pixels (rows·cols). [`prepare()`] takes one of another length for an empty picture.
    pub fn new(rows: usize, cols: usize, pixels: Vec<u8>) -> Self {
        Self {
            rows,
            cols,
            pixels,
            notes: Vec::new(),
        }
    }

    /// Whether there is at least one pixel, and as many as rows·cols.
    fn is_sound(&self) -> bool {
        !self.pixels.is_empty() && self.rows.checked_mul(self.cols) == Some(self.pixels.len())
    }
}

/// The size of the images that a network was trained on. The box of the ink is 20/28 of it, rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Rows of an image.
    pub rows: usize,
    /// Columns of an image.
    pub cols: usize,
}

impl Frame {
    /// MNIST's, 28×28.
    pub const MNIST: Self = Self {
        rows: super::ROWS,
        cols: super::COLS,
    };
}

/// An image for a network, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Grey values (rows·cols of the frame), bright ink on black.
    pub pixels: Vec<u8>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Why it may be no digit, or more than one; empty if nothing speaks against it.
    pub doubts: Vec<Doubt>,
}

/// One step of the preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, such as "box".
    pub name: &'static str,
    /// What it did, with numbers: "box 212×340 → 12×20".
    pub words: String,
    /// The picture after it.
    pub picture: Gray,
}

/// Why a picture may not show one digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// No ink was found.
    Nothing,
    /// So many blobs could each be a digit.
    Several(usize),
    /// The ink hardly differs from the paper.
    Faint,
    /// The ink touches the border of the picture.
    CutOff,
    /// There are no strokes: a photograph, a texture, noise.
    NoStroke,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no ink found: the picture looks blank"),
            Self::Several(n) => {
                write!(f, "{n} separate shapes found, where one digit was expected")
            }
            Self::Faint => f.write_str("the ink hardly differs from the paper"),
            Self::CutOff => {
                f.write_str("the ink touches the border: part of the digit may be cut off")
            }
            Self::NoStroke => f.write_str(
                "no pen strokes found: it looks like a photograph or a pattern, not a digit",
            ),
        }
    }
}
