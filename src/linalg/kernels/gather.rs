//! Bytes from here and there, as the rows of a matrix.

use ndarray::ArrayRef2;

use crate::linalg::{
    instructions::{Instructions, Kernel, Scalar},
    memory::{prefetch, slice, slice_mut},
};

/// Rows in a random order are far from each other in memory: asked for this many before their turn.
const AHEAD: usize = 4;

/// `x[n] = scale·rows[order[n]] + shift`
pub struct GatherRows<'a, F> {
    pub rows: &'a ArrayRef2<u8>,
    pub order: &'a [u32],
    pub scale: F,
    pub shift: F,
    pub x: &'a mut ArrayRef2<F>,
}

impl<F: Scalar> Kernel for GatherRows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self {
            rows,
            order,
            scale,
            shift,
            x,
        } = self;
        for &first in &order[..AHEAD.min(order.len())] {
            prefetch(slice(rows, first as usize));
        }
        for n in 0..order.len() {
            if n + AHEAD < order.len() {
                prefetch(slice(rows, order[n + AHEAD] as usize));
            }
            let bytes = slice(rows, order[n] as usize);
            for (byte, x) in bytes.iter().zip(slice_mut(x, n)) {
                *x = scale * F::from_byte(*byte) + shift;
            }
        }
    }
}
