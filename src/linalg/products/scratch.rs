//! What a product needs beside its factors.

use super::masks::{BITS, Mask};
use crate::linalg::{
    instructions::{Scalar, TILE},
    memory::Aligned,
};

/// Elements of panels: 256 KiB of `f32`, a part of an L2 cache.
pub const PANELS: usize = 64 << 10;

/// Most columns of a panel that is used with masks: [`BITS`] rows of it are 32 KiB of `f32`, an L1 cache.
pub const WIDEST: usize = 128;

/// Most rows whose sums are kept.
pub const ROWS: usize = 256;

/// Masks: of [`ROWS`] rows of 1024 elements, or of as many columns.
pub const MASKS: usize = ROWS * 1024 / BITS;

/// Columns of tiles: 22 tiles of 768.
pub const TILES: usize = 22 * 768;

/// Buffers of a thread for any product, taken once. What one product leaves there means nothing to the next.
pub struct Scratch<F> {
    /// Some columns of a factor or of the result.
    pub panels: Aligned<F>,
    /// Some rows of the left factor, column by column.
    pub tiles: Vec<[F; TILE]>,
    /// Some columns of the result.
    pub sums: Aligned<F>,
    /// Where a factor is not zero.
    pub masks: Vec<Mask>,
}

impl<F: Scalar> Scratch<F> {
    pub fn new() -> Self {
        Self {
            panels: Aligned::new(PANELS),
            tiles: vec![[F::zero(); TILE]; TILES],
            sums: Aligned::new(ROWS * WIDEST),
            masks: vec![0; MASKS],
        }
    }
}
