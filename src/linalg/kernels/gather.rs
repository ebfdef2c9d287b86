//! Bytes from here and there, as the rows of a matrix.

use ndarray::ArrayRef2;

use crate::linalg::{
    instructions::{Instructions, Kernel, Scalar},
    memory::{prefetch, slice, slice_mut},
};

/// Rows in a random order are far from each other in memory: asked for this many before their turn.
const AHEAD: usize = 4;

/// `x[n] = then(scale·rows[order[n]] + shift)`
pub struct GatherRows<'a, F, G> {
    pub rows: &'a ArrayRef2<u8>,
    pub order: &'a [u32],
    pub scale: F,
    pub shift: F,
    pub x: &'a mut ArrayRef2<F>,
    pub then: G,
}

impl<F: Scalar, G: Fn(&mut [F])> Kernel for GatherRows<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self {
            rows,
            order,
            scale,
            shift,
            x,
            then,
        } = self;
        for &first in &order[..AHEAD.min(order.len())] {
            prefetch(slice(rows, first as usize));
        }
        for n in 0..order.len() {
            if n + AHEAD < order.len() {
                prefetch(slice(rows, order[n + AHEAD] as usize));
            }
            let x = slice_mut(x, n);
            for (byte, x) in slice(rows, order[n] as usize).iter().zip(&mut *x) {
                *x = scale * F::from_byte(*byte) + shift;
            }
            then(x);
        }
    }
}
