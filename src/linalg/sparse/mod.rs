//! The product that leaves out what is zero in a: row by row of it, or column by column.

mod columns;
mod rows;

use super::{
    Float,
    dispatch::Instructions,
    mask::{BLOCK, Mask},
    product::{Left, Product, Right, slice},
};

/// Room for either way.
pub(super) struct Room<F> {
    rows: rows::Room<F>,
    columns: columns::Room<F>,
}

impl<F: Float> Room<F> {
    pub(super) fn new() -> Self {
        Self {
            rows: rows::Room::new(),
            columns: columns::Room::new(),
        }
    }
}

/// What is zero in a matrix, as a few of its rows tell. Nothing, if the rows are short or none: so the ways below
/// need not care for a matrix without elements.
#[derive(Clone, Copy)]
pub(super) struct Zeros {
    judged: usize,
    zeros: usize,
    /// Neighbours in a row, both zero.
    pairs: usize,
}

impl Zeros {
    /// Of a, or of its columns where those are what is contiguous.
    #[inline(always)]
    pub(super) fn judge<F: Float>(a: Left<'_, F>) -> Self {
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
    pub(super) fn exceed(self, (part, of): (usize, usize)) -> bool {
        of * self.zeros > part * self.judged
    }

    /// Whether most of the elements are zero, together with their neighbours: the black around a digit.
    #[inline(always)]
    fn cluster(self) -> bool {
        3 * self.pairs > 2 * self.judged
    }
}

/// Goes through what is not zero in a.
#[inline(always)]
pub(super) fn product<F: Float, I: Instructions, const WIDE: usize>(
    product: Product<'_, F>,
    zeros: Zeros,
    room: &mut Room<F>,
) {
    let Product { a, b, c, add } = product;
    let cluster = zeros.cluster();
    // With half as many registers a few rows of b do not stay in them: slower than row by row.
    let many_registers = WIDE >= 32;
    match (a, b) {
        (Left::Columns(x), Right::Rows(b)) => {
            columns::sum_over_rows::<F, I, WIDE>(x, b, c, add, cluster, &mut room.columns);
        }
        (Left::Rows(x), Right::Rows(b)) if cluster && many_registers => {
            columns::sum_over_columns::<F, I>(x, b, c, add, &mut room.columns);
        }
        (Left::Rows(a), b) => rows::product::<F, I, WIDE>(a, b, c, add, &mut room.rows),
        (Left::Columns(_), Right::Columns(_)) => unreachable!("a or b has contiguous rows"),
    }
}

/// The bits that some mask has. Panics if one is beyond the first `ks`: whoever looks there may rely on it.
#[inline(always)]
fn assert_within(masks: &[Mask], ks: usize) -> Mask {
    let some = masks.iter().fold(0, |some, mask| some | mask);
    let beyond = some.checked_shr(ks as u32).unwrap_or(0);
    assert_eq!(beyond, 0, "bits beyond the first {ks} of a mask");
    some
}

/// The place of the first bit of a mask, which is taken out.
#[inline(always)]
fn take_first(mask: &mut Mask) -> Option<usize> {
    if *mask == 0 {
        return None;
    }
    let first = mask.trailing_zeros() as usize;
    *mask &= *mask - 1;
    // Less than that anyway; said, so that nobody checks an index.
    Some(first % BLOCK)
}
