//! Where the elements are that are not zero.

// Loops over the fixed sizes of arrays, as the formulas have them, are what becomes vector code.
#![allow(clippy::needless_range_loop)]

use crate::linalg::instructions::{Instructions, LANES, Scalar};

/// A bit for each of up to [`BITS`] elements of a row, or of a column: whether it is not zero.
pub type Mask = u64;

/// Elements that a mask covers.
pub const BITS: usize = Mask::BITS as usize;

/// One bit of every mask a line, of which there are at most `BITS`.
#[inline(always)]
pub fn find_in_columns<F: Scalar>(lines: &[&[F]], masks: &mut [Mask]) {
    let (masks, first) = columns::<F, { 4 * LANES }>(lines, 0, masks);
    let (masks, first) = columns::<F, LANES>(lines, first, masks);
    columns::<F, 1>(lines, first, masks);
}

/// The masks of elements from `line[first]` on, W at a time: a bit is or-ed into so many. Returns the masks that
/// are left, fewer than W, and their first element.
#[inline(always)]
fn columns<'a, F: Scalar, const W: usize>(
    lines: &[&[F]],
    mut first: usize,
    masks: &'a mut [Mask],
) -> (&'a mut [Mask], usize) {
    let (whole, rest) = masks.as_chunks_mut::<W>();
    for masks in whole {
        // In halves, which are as wide as `f32`.
        let mut halves = [[0_u32; W]; 2];
        for (half, lines) in halves.iter_mut().zip(lines.chunks(BITS / 2)) {
            let mut bits = [0_u32; W];
            for (k, line) in lines.iter().enumerate() {
                let bit = 1 << k;
                let elements = line[first..].first_chunk::<W>().expect("as many as masks");
                for s in 0..W {
                    bits[s] |= if elements[s] == F::zero() { 0 } else { bit };
                }
            }
            *half = bits;
        }
        for s in 0..W {
            masks[s] = u64::from(halves[0][s]) | u64::from(halves[1][s]) << 32;
        }
        first += W;
    }
    (rest, first)
}

/// The mask of a line of at most `BITS` elements.
#[inline(always)]
pub fn not_zero<F: Scalar, I: Instructions>(line: &[F]) -> Mask {
    let (whole, rest) = line.as_chunks::<LANES>();
    if let [a, b, c, d] = whole {
        return F::not_zero::<I>(a)
            | F::not_zero::<I>(b) << LANES
            | F::not_zero::<I>(c) << (2 * LANES)
            | F::not_zero::<I>(d) << (3 * LANES);
    }
    let mut mask = 0;
    for (part, elements) in whole.iter().enumerate() {
        mask |= F::not_zero::<I>(elements) << (LANES * part);
    }
    for (k, v) in rest.iter().enumerate() {
        mask |= u64::from(*v != F::zero()) << (LANES * whole.len() + k);
    }
    mask
}

/// The bits that some mask has. Panics if one is beyond the first `ks`: whoever looks there may rely on it.
#[inline(always)]
pub fn assert_within(masks: &[Mask], ks: usize) -> Mask {
    let some = masks.iter().fold(0, |some, mask| some | mask);
    let beyond = some.checked_shr(ks as u32).unwrap_or(0);
    assert_eq!(beyond, 0, "bits beyond the first {ks} of a mask");
    some
}

/// The place of the first bit of a mask, which is taken out.
#[inline(always)]
pub fn take_first(mask: &mut Mask) -> Option<usize> {
    if *mask == 0 {
        return None;
    }
    let first = mask.trailing_zeros() as usize;
    *mask &= *mask - 1;
    // Less than that anyway; said, so that nobody checks an index.
    Some(first % BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::instructions::{Kernel, Set};

    /// Both ways to find masks.
    struct Find<'a, F> {
        by_rows: &'a [&'a [F]],
        by_columns: &'a [&'a [F]],
        masks: [&'a mut [Mask]; 2],
    }

    impl<F: Scalar> Kernel for Find<'_, F> {
        type Output = ();

        #[inline(always)]
        fn run<I: Instructions, const W: usize, const H: usize>(self) {
            let [by_rows, by_columns] = self.masks;
            for (line, mask) in self.by_rows.iter().zip(by_rows) {
                *mask = not_zero::<F, I>(line);
            }
            find_in_columns(self.by_columns, by_columns);
        }
    }

    fn masks_are_right<F: Scalar>(set: Set) {
        // A pattern without symmetry, ragged in both directions; −0 is zero, NaN is not.
        let values = [0.0, -0.0, 1e-40, f64::NAN, -1.0].map(|v| F::from(v).unwrap());
        let element = |i: usize, k: usize| values[(7 * i + 3 * k * k) % values.len()];
        for (rows, ks) in [(1, 1), (3, 64), (64, 5), (129, 33), (128, 64)] {
            let line = |i: usize| (0..ks).map(|k| element(i, k)).collect::<Vec<F>>();
            let column = |k: usize| (0..rows).map(|i| element(i, k)).collect::<Vec<F>>();
            let by_rows: Vec<_> = (0..rows).map(line).collect();
            let by_columns: Vec<_> = (0..ks).map(column).collect();
            let by_rows: Vec<_> = by_rows.iter().map(Vec::as_slice).collect();
            let by_columns: Vec<_> = by_columns.iter().map(Vec::as_slice).collect();
            let mut masks = [vec![u64::MAX; rows], vec![u64::MAX; rows]];
            let [in_rows, in_columns] = &mut masks;
            set.run(Find {
                by_rows: &by_rows,
                by_columns: &by_columns,
                masks: [in_rows, in_columns],
            });
            for i in 0..rows {
                for k in 0..BITS {
                    let expected = k < ks && element(i, k) != F::zero();
                    for masks in &masks {
                        let bit = masks[i] >> k & 1 == 1;
                        assert_eq!(bit, expected, "row {i}, k {k} of ({rows}, {ks}), {set:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn masks_have_a_bit_where_an_element_is_not_zero_by_rows_and_by_columns() {
        for set in Set::available() {
            masks_are_right::<f32>(set);
            masks_are_right::<f64>(set);
        }
    }
}
