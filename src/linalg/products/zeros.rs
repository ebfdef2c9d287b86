//! How much of a matrix is zero, before a product is chosen.

use super::factors::Left;
use crate::linalg::{instructions::Scalar, memory::slice};

/// What is zero in a matrix, as a few of its rows tell. Nothing, if the rows are short or none: so the products that
/// leave out zeros need not care for a matrix without elements.
#[derive(Clone, Copy)]
pub struct Zeros {
    judged: usize,
    zeros: usize,
    /// Neighbours in a row, both zero.
    pairs: usize,
}

impl Zeros {
    /// Of a, or of its columns where those are what is contiguous.
    #[inline(always)]
    pub fn judge<F: Scalar>(a: Left<'_, F>) -> Self {
        const JUDGED: usize = 4;
        let (Left::Rows(a) | Left::Columns(a)) = a;
        let (mut judged, mut zeros, mut pairs) = (0, 0_u32, 0_u32);
        if a.ncols() >= 16 {
            for row in (0..a.nrows()).step_by(a.nrows().div_ceil(JUDGED).max(1)) {
                let row = slice(a, row);
                judged += row.len();
                for &v in row {
                    zeros += u32::from(v == F::zero());
                }
                for (&v, &next) in row.iter().zip(&row[1..]) {
                    pairs += u32::from(v == F::zero() && next == F::zero());
                }
            }
        }
        Self {
            judged,
            zeros: zeros as usize,
            pairs: pairs as usize,
        }
    }

    /// Whether more than this share of the elements is zero.
    #[inline(always)]
    pub fn exceed(self, (part, of): (usize, usize)) -> bool {
        of * self.zeros > part * self.judged
    }

    /// Whether most of the elements are zero, together with their neighbours: the black around a digit.
    #[inline(always)]
    pub fn cluster(self) -> bool {
        3 * self.pairs > 2 * self.judged
    }
}
