//! Copies of parts of b, in the order in which products read them.

use ndarray::ArrayRef2;

use crate::linalg::{
    instructions::{Instructions, SIDE, Scalar},
    memory::{far, prefetch, slice},
};

/// Rows of b that are asked for ahead of their turn while they are copied: a large b comes from memory, and its
/// rows lie pages apart, so that the processor does not guess the next.
pub const AHEAD: usize = 12;

/// `panel[k][s] = b[j + s][k0 + k]` for every k of the panel; columns beyond the last hold anything: their
/// sums are never stored. The k's after these are asked for.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // over the fixed sizes of arrays: they become vector code
pub fn pack_transposed<F: Scalar, I: Instructions, const W: usize>(
    b: &ArrayRef2<F>,
    k0: usize,
    j: usize,
    panel: &mut [[F; W]],
) {
    let columns = W.min(b.nrows() - j);
    let zeros = [F::zero(); SIDE];
    let far = far(b);
    for s in (0..columns).step_by(SIDE) {
        let mut lines = [&[][..]; SIDE];
        for r in 0..SIDE {
            // The last again, where there are no more.
            let row = slice(b, j + (s + r).min(columns - 1));
            let (line, after) = row[k0..].split_at(panel.len());
            lines[r] = line;
            if far {
                prefetch(&after[..panel.len().min(after.len())]);
            }
        }
        let (whole, rest) = panel.as_chunks_mut::<SIDE>();
        for (square, rows) in whole.iter_mut().enumerate() {
            let mut square_of_b = [&zeros; SIDE];
            for r in 0..SIDE {
                square_of_b[r] = lines[r][square * SIDE..].first_chunk().expect("whole");
            }
            let transposed = F::transpose::<I>(square_of_b);
            for i in 0..SIDE {
                rows[i][s..s + SIDE].copy_from_slice(&transposed[i]);
            }
        }
        for (i, row) in rest.iter_mut().enumerate() {
            for r in 0..SIDE {
                row[s + r] = lines[r][whole.len() * SIDE + i];
            }
        }
    }
}
