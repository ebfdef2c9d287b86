//! Products with a matrix x (N, K), a few neighbouring columns at a time, through the rows in which one of
//! them is not zero: pixels side by side are black in much the same images.

// Loops over the fixed sizes of arrays, as the formulas have them, are what becomes vector code.
#![allow(clippy::needless_range_loop)]

use ndarray::ArrayRef2;

use super::{
    factors::parts,
    masks::{BITS, Mask, assert_within, find_in_columns, take_first},
    scratch::{MASKS, ROWS, Scratch},
};
use crate::linalg::{
    instructions::{Instructions, LANES, Register, Scalar},
    memory::{Aligned, slice, slice_mut},
};

/// Columns of x at a time: each has a mask a strip.
const MOST_COLUMNS: usize = MASKS / (ROWS / BITS);

/// `BITS` rows of Q registers' worth, of some columns of b or c.
type Panel<F, const Q: usize> = [[[F; LANES]; Q]; BITS];

#[inline(always)]
fn panel<F: Scalar, const Q: usize>(panels: &mut Aligned<F>) -> &mut Panel<F, Q> {
    let (registers, _) = panels.elements().as_chunks_mut::<LANES>();
    let (rows, _) = registers.as_chunks_mut::<Q>();
    rows.first_chunk_mut().expect("room")
}

/// A rectangle of x: rows from `n0` and columns from `k0`.
#[derive(Clone, Copy)]
struct Area<'a, F> {
    x: &'a ArrayRef2<F>,
    n0: usize,
    rows: usize,
    k0: usize,
    columns: usize,
}

/// All of x, all columns of some rows before the next rows: so sums over either are in order.
#[inline(always)]
fn areas<F>(x: &ArrayRef2<F>) -> impl Iterator<Item = Area<'_, F>> {
    let (n, k) = x.dim();
    (0..n).step_by(ROWS).flat_map(move |n0| {
        parts(k, MOST_COLUMNS).map(move |(k0, columns)| Area {
            x,
            n0,
            rows: ROWS.min(n - n0),
            k0,
            columns,
        })
    })
}

/// Up to `BITS` rows of an [`Area`], and for every column a bit a row.
#[derive(Clone, Copy)]
struct Strip<'a, F> {
    /// Its first element, and how far it is from row to row: held here, where the compiler sees that no sum
    /// that is stored can change it.
    first: *const F,
    stride: isize,
    masks: &'a [Mask],
    n0: usize,
    rows: usize,
    k0: usize,
}

impl<'a, F: Scalar> Area<'a, F> {
    /// One mask a strip and column.
    #[inline(always)]
    fn find(&self, masks: &mut [[Mask; MOST_COLUMNS]]) {
        for (strip, start) in (0..self.rows).step_by(BITS).enumerate() {
            let rows = BITS.min(self.rows - start);
            let mut lines = [&[][..]; BITS];
            for row in 0..rows {
                let line = slice(self.x, self.n0 + start + row);
                lines[row] = &line[self.k0..self.k0 + self.columns];
            }
            find_in_columns(&lines[..rows], &mut masks[strip][..self.columns]);
        }
    }

    #[inline(always)]
    fn strip(&self, index: usize, masks: &'a [[Mask; MOST_COLUMNS]]) -> Strip<'a, F> {
        let start = index * BITS;
        let (n0, rows) = (self.n0 + start, BITS.min(self.rows - start));
        let masks = &masks[index][..self.columns];
        assert_within(masks, rows);
        // The first row and the last are there, and reach as far as the columns.
        for n in [n0, n0 + rows - 1] {
            assert!(self.k0 + self.columns <= slice(self.x, n).len(), "x");
        }
        let stride = self.x.strides()[0];
        let place = n0 as isize * stride + self.k0 as isize;
        Strip {
            first: self.x.as_ptr().wrapping_offset(place),
            stride,
            masks,
            n0,
            rows,
            k0: self.k0,
        }
    }
}

impl<F: Scalar> Strip<'_, F> {
    /// The rows in which one of G columns is not zero.
    #[inline(always)]
    fn rows_of<const G: usize>(&self, column: usize) -> Mask {
        let masks = self.masks[column..].first_chunk::<G>().expect("columns");
        masks.iter().fold(0, |some, mask| some | mask)
    }

    /// G elements of a row.
    ///
    /// # Safety
    ///
    /// `row` is one of [`rows_of`](Self::rows_of) these columns.
    #[inline(always)]
    #[allow(unsafe_code)] // an index that is checked for every few multiply-adds costs 5 % of a product
    unsafe fn elements<const G: usize>(&self, row: usize, column: usize) -> [F; G] {
        // SAFETY: a row with a bit in a mask is less than `rows`, and columns with a mask are of x: `strip` has
        // asserted the first and the last of both, and what lies between them, `stride` apart, is of x, too.
        unsafe {
            let line = self.first.offset(row as isize * self.stride);
            *line.add(column).cast()
        }
    }
}

/// Q registers' worth of a row of a matrix, from its column `j` on: zeros beyond the last.
#[inline(always)]
fn load<F: Scalar, I: Instructions, const Q: usize>(row: &[F], j: usize) -> [F::Register<I>; Q] {
    let (whole, rest) = row[j..].as_chunks();
    let mut registers = [F::Register::<I>::zero(); Q];
    for q in 0..Q {
        if q < whole.len() {
            registers[q] = F::Register::<I>::load(&whole[q]);
        } else if q == whole.len() {
            registers[q] = F::Register::<I>::load_some(rest);
        }
    }
    registers
}

/// The reverse of [`load`].
#[inline(always)]
fn store<F: Scalar, I: Instructions, const Q: usize>(
    registers: [F::Register<I>; Q],
    row: &mut [F],
    j: usize,
) {
    let (whole, rest) = row[j..].as_chunks_mut();
    for q in 0..Q {
        if q < whole.len() {
            registers[q].store(&mut whole[q]);
        } else if q == whole.len() {
            registers[q].store_some(rest);
        }
    }
}

/// Puts registers into a row of a panel.
#[inline(always)]
fn keep<F: Scalar, I: Instructions, const Q: usize>(
    registers: [F::Register<I>; Q],
    row: &mut [[F; LANES]; Q],
) {
    for q in 0..Q {
        registers[q].store(&mut row[q]);
    }
}

/// Goes through columns from the first, so many neighbours G at a time, and the last few alone.
macro_rules! in_groups {
    ($columns:expr, $group:literal, |$g:ident, $column:ident| $work:block) => {{
        let whole = $columns / $group * $group;
        for $column in (0..whole).step_by($group) {
            const $g: usize = $group;
            $work
        }
        for $column in whole..$columns {
            const $g: usize = 1;
            $work
        }
    }};
}

/// c (K, J) = xᵀ·b, or c += xᵀ·b; b (N, J). Neighbours are taken together where the registers hold the sums of
/// all, or where they `cluster`: of those without a pattern one is never zero.
#[inline(always)]
pub fn sum_over_rows<F: Scalar, I: Instructions, const WIDE: usize>(
    x: &ArrayRef2<F>,
    b: &ArrayRef2<F>,
    c: &mut ArrayRef2<F>,
    add: bool,
    cluster: bool,
    scratch: &mut Scratch<F>,
) {
    let (masks, _) = scratch.masks.as_chunks_mut::<MOST_COLUMNS>();
    for area in areas(x) {
        area.find(masks);
        let mut j = 0;
        while j < b.ncols() {
            macro_rules! registers {
                ($q:literal, $group:literal) => {{
                    for index in 0..area.rows.div_ceil(BITS) {
                        let strip = area.strip(index, masks);
                        let panel = panel::<F, $q>(&mut scratch.panels);
                        for n in 0..strip.rows {
                            let row = load::<F, I, $q>(slice(b, strip.n0 + n), j);
                            keep::<F, I, $q>(row, &mut panel[n]);
                        }
                        let add = add || strip.n0 > 0;
                        in_groups!(area.columns, $group, |G, column| {
                            of_columns::<F, I, $q, G>(strip, column, panel, c, j, add);
                        });
                    }
                    j += LANES * $q;
                }};
            }
            match (WIDE, b.ncols() - j) {
                (32.., ..=16) => registers!(1, 6),
                (32.., 17..=32) => registers!(2, 4),
                (32.., 33..=48) => registers!(3, 4),
                (32.., 49..=64) => registers!(4, 3),
                (32.., _) if cluster => registers!(8, 2),
                (32.., _) => registers!(8, 1),
                (_, ..=16) => registers!(1, 3),
                (16.., 17..=32) => registers!(2, 2),
                (16.., 33..=48) => registers!(3, 2),
                (16.., _) => registers!(4, 1),
                _ => registers!(2, 1),
            }
        }
    }
}

/// `c[k][j..] = Σₙ x[n][k]·panel[n]`, or added to it, for G columns k of a strip.
#[inline(always)]
#[allow(unsafe_code)] // see `elements`
fn of_columns<F: Scalar, I: Instructions, const Q: usize, const G: usize>(
    strip: Strip<'_, F>,
    column: usize,
    panel: &Panel<F, Q>,
    c: &mut ArrayRef2<F>,
    j: usize,
    add: bool,
) {
    let mut rows = strip.rows_of::<G>(column);
    if add && rows == 0 {
        return;
    }
    let k = strip.k0 + column;
    let mut sums = [[F::Register::<I>::zero(); Q]; G];
    if add {
        for g in 0..G {
            sums[g] = load::<F, I, Q>(slice(c, k + g), j);
        }
    }
    while let Some(n) = take_first(&mut rows) {
        // SAFETY: n is one of these rows.
        let x = unsafe { strip.elements::<G>(n, column) };
        for q in 0..Q {
            let of_row = F::Register::<I>::load(&panel[n][q]);
            for g in 0..G {
                sums[g][q] = sums[g][q].add_product::<I>(x[g], of_row);
            }
        }
    }
    for g in 0..G {
        store::<F, I, Q>(sums[g], slice_mut(c, k + g), j);
    }
}

/// c (N, J) = x·b, or c += x·b; b (K, J). Made for 32 registers: a few rows of b stay there, while the sums of
/// every row of x come and go.
#[inline(always)]
pub fn sum_over_columns<F: Scalar, I: Instructions>(
    x: &ArrayRef2<F>,
    b: &ArrayRef2<F>,
    c: &mut ArrayRef2<F>,
    add: bool,
    scratch: &mut Scratch<F>,
) {
    let (masks, _) = scratch.masks.as_chunks_mut::<MOST_COLUMNS>();
    for area in areas(x) {
        area.find(masks);
        let add = add || area.k0 > 0;
        let mut j = 0;
        while j < b.ncols() {
            macro_rules! registers {
                ($q:literal, $group:literal) => {{
                    for index in 0..area.rows.div_ceil(BITS) {
                        let strip = area.strip(index, masks);
                        let sums = panel::<F, $q>(&mut scratch.panels);
                        for n in 0..strip.rows {
                            let row = match add {
                                true => load::<F, I, $q>(slice(c, strip.n0 + n), j),
                                false => [F::Register::<I>::zero(); $q],
                            };
                            keep::<F, I, $q>(row, &mut sums[n]);
                        }
                        in_groups!(area.columns, $group, |G, column| {
                            add_columns::<F, I, $q, G>(strip, column, b, j, sums);
                        });
                        for n in 0..strip.rows {
                            let mut row = [F::Register::<I>::zero(); $q];
                            for q in 0..$q {
                                row[q] = F::Register::<I>::load(&sums[n][q]);
                            }
                            store::<F, I, $q>(row, slice_mut(c, strip.n0 + n), j);
                        }
                    }
                    j += LANES * $q;
                }};
            }
            match b.ncols() - j {
                ..=16 => registers!(1, 4),
                17..=32 => registers!(2, 4),
                33..=48 => registers!(3, 4),
                _ => registers!(4, 3),
            }
        }
    }
}

/// `sums[n] += Σₖ x[n][k]·b[k][j..]` for G columns k of a strip.
#[inline(always)]
#[allow(unsafe_code)] // see `elements`
fn add_columns<F: Scalar, I: Instructions, const Q: usize, const G: usize>(
    strip: Strip<'_, F>,
    column: usize,
    b: &ArrayRef2<F>,
    j: usize,
    sums: &mut Panel<F, Q>,
) {
    let mut rows = strip.rows_of::<G>(column);
    if rows == 0 {
        return;
    }
    let mut of_b = [[F::Register::<I>::zero(); Q]; G];
    for g in 0..G {
        of_b[g] = load::<F, I, Q>(slice(b, strip.k0 + column + g), j);
    }
    while let Some(n) = take_first(&mut rows) {
        // SAFETY: n is one of these rows.
        let x = unsafe { strip.elements::<G>(n, column) };
        for q in 0..Q {
            let mut sum = F::Register::<I>::load(&sums[n][q]);
            for g in 0..G {
                sum = sum.add_product::<I>(x[g], of_b[g][q]);
            }
            sum.store(&mut sums[n][q]);
        }
    }
}
