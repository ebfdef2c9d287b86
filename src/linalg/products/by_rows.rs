//! The product that goes only through what is not zero in a, one row of a at a time or two.

// Loops over the fixed sizes of arrays, as the formulas have them, are what becomes vector code.
#![allow(clippy::needless_range_loop)]

use ndarray::ArrayRef2;

use super::{
    factors::{Right, parts},
    masks::{BITS, Mask, assert_within, not_zero, take_first},
    pack::{AHEAD, pack_transposed},
    scratch::{MASKS, ROWS, Scratch},
};
use crate::linalg::{
    instructions::{Instructions, Scalar, TILE, fill, fma, spill},
    memory::{far, prefetch, slice, slice_mut},
};

/// k's at a time: those of a row have so many masks.
const MOST_K: usize = MASKS / ROWS * BITS;

/// Some rows of a, cut to some k's, and the place of the first of both.
#[derive(Clone, Copy)]
struct Lines<'a, F> {
    lines: &'a [&'a [F]],
    i0: usize,
    k0: usize,
    kc: usize,
}

/// c = a·b, or c += a·b.
#[inline(always)]
pub fn product<F: Scalar, I: Instructions, const WIDE: usize>(
    a: &ArrayRef2<F>,
    b: Right<'_, F>,
    c: &mut ArrayRef2<F>,
    add: bool,
    scratch: &mut Scratch<F>,
) {
    let (m, n) = c.dim();
    for (k0, kc) in parts(a.ncols(), MOST_K) {
        for i0 in (0..m).step_by(ROWS) {
            let rows = ROWS.min(m - i0);
            let mut lines = [&[][..]; ROWS];
            for row in 0..rows {
                lines[row] = &slice(a, i0 + row)[k0..k0 + kc];
                let (masks, _) = scratch.masks.as_chunks_mut::<ROWS>();
                for (elements, masks) in lines[row].chunks(BITS).zip(masks) {
                    masks[row] = not_zero::<F, I>(elements);
                }
            }
            let of_a = Lines {
                lines: &lines[..rows],
                i0,
                k0,
                kc,
            };
            let add = add || k0 > 0;
            let mut j = 0;
            while j < n {
                macro_rules! columns {
                    ($width:literal) => {{
                        columns::<F, I, WIDE, $width>(of_a, b, scratch, c, j, add);
                        j += $width;
                    }};
                }
                // As wide as 8 registers, or less where fewer columns are left.
                match (n - j).min(4 * WIDE) {
                    ..=16 => columns!(16),
                    17..=32 => columns!(32),
                    33..=48 if WIDE <= 16 => columns!(48),
                    49..=56 if WIDE <= 16 => columns!(56),
                    33..=64 if WIDE >= 16 => columns!(64),
                    _ if WIDE >= 32 => columns!(128),
                    _ => unreachable!("narrower registers"),
                }
            }
        }
    }
}

/// W columns of c from `j` on.
#[inline(always)]
#[allow(unsafe_code)] // an index that is checked for every multiply-add costs 5 % of a product
fn columns<F: Scalar, I: Instructions, const WIDE: usize, const W: usize>(
    of_a: Lines<'_, F>,
    b: Right<'_, F>,
    scratch: &mut Scratch<F>,
    c: &mut ArrayRef2<F>,
    j: usize,
    add: bool,
) {
    let Lines { lines, i0, k0, kc } = of_a;
    let (sums, _) = scratch.sums.elements().as_chunks_mut::<W>();
    let (panel, _) = scratch.panels.elements().as_chunks_mut::<W>();
    let panel = panel.first_chunk_mut::<BITS>().expect("room");
    let (masks, _) = scratch.masks.as_chunks::<ROWS>();
    for start in (0..kc).step_by(BITS) {
        let ks = BITS.min(kc - start);
        let masks = &masks[start / BITS][..lines.len()];
        let some = assert_within(masks, ks);
        match b {
            Right::Rows(b) => pack(b, k0 + start, j, some, panel),
            Right::Columns(b) => pack_transposed::<F, I, W>(b, k0 + start, j, &mut panel[..ks]),
        }
        let ends = Ends {
            i0,
            j,
            begin: match (start, add) {
                (0, false) => Begin::Zero,
                (0, true) => Begin::C,
                _ => Begin::Sums,
            },
            last: start + ks == kc,
        };
        let line = |row: usize| &lines[row][start..start + ks];
        // SAFETY: k has a bit in a mask, so it is less than ks, as was asserted, and so long is each line.
        let element = |line: &[F], k: usize| unsafe { *line.get_unchecked(k) };
        let sums = &mut sums[..lines.len()];
        add_rows::<F, I, WIDE, W>(line, element, masks, panel, ends, sums, c);
    }
}

/// Where sums come from and where they go.
#[derive(Clone, Copy)]
struct Ends {
    i0: usize,
    j: usize,
    begin: Begin,
    /// Whether they go to c.
    last: bool,
}

/// What sums begin with.
#[derive(Clone, Copy, PartialEq)]
enum Begin {
    Zero,
    /// What c has.
    C,
    /// What the k's before have left.
    Sums,
}

/// `sums[row] += Σ element(line(row), k)·panel[k]` for every row, over the k's of its mask.
#[inline(always)]
fn add_rows<'a, F: Scalar, I: Instructions, const WIDE: usize, const W: usize>(
    line: impl Fn(usize) -> &'a [F],
    element: impl Fn(&[F], usize) -> F,
    masks: &[Mask],
    panel: &[[F; W]; BITS],
    ends: Ends,
    sums: &mut [[F; W]],
    c: &mut ArrayRef2<F>,
) {
    let Ends { i0, j, begin, last } = ends;
    let mut row = 0;
    macro_rules! add {
        ($mask:expr, $elements:expr, $rows:literal) => {{
            let sums = sums[row..].first_chunk_mut::<$rows>().expect("rows");
            if begin == Begin::C {
                for r in 0..$rows {
                    fill(&mut sums[r], &slice(c, i0 + row + r)[j..]);
                }
            }
            let fresh = begin == Begin::Zero;
            add_masked::<F, I, W, $rows>($elements, $mask, panel, fresh, sums);
            if last {
                for r in 0..$rows {
                    spill(&sums[r], &mut slice_mut(c, i0 + row + r)[j..]);
                }
            }
            row += $rows;
        }};
    }
    // Two at a time, if the registers hold the sums of both: images are black in much the same pixels.
    while 2 * W <= TILE * WIDE && row + 1 < masks.len() {
        let (mask, lines) = (masks[row] | masks[row + 1], (line(row), line(row + 1)));
        add!(mask, |k| [element(lines.0, k), element(lines.1, k)], 2);
    }
    while row < masks.len() {
        let line = line(row);
        add!(masks[row], |k| [element(line, k)], 1);
    }
}

/// `panel[k][s] = b[k0 + k][j + s]` for every k that some mask has; the others, and columns beyond the last,
/// keep what they had: nobody looks at them.
#[inline(always)]
fn pack<F: Scalar, const W: usize>(
    b: &ArrayRef2<F>,
    k0: usize,
    j: usize,
    some: Mask,
    panel: &mut [[F; W]; BITS],
) {
    let far = far(b);
    let mut left = some;
    while let Some(k) = take_first(&mut left) {
        if far && k0 + k + AHEAD < b.nrows() {
            let row = &slice(b, k0 + k + AHEAD)[j..];
            prefetch(&row[..W.min(row.len())]);
        }
        fill(&mut panel[k], &slice(b, k0 + k)[j..]);
    }
}

/// `sums[r][s] += Σ elements(k)[r]·panel[k][s]` over the k's of the mask, in order; from 0 if `fresh`.
#[inline(always)]
fn add_masked<F: Scalar, I: Instructions, const W: usize, const R: usize>(
    elements: impl Fn(usize) -> [F; R],
    mask: Mask,
    panel: &[[F; W]; BITS],
    fresh: bool,
    out: &mut [[F; W]; R],
) {
    // A copy that nobody else looks at lives in registers.
    let mut sums = match fresh {
        true => [[F::zero(); W]; R],
        false if mask == 0 => return,
        false => *out,
    };
    let mut left = mask;
    while let Some(k) = take_first(&mut left) {
        let a = elements(k);
        for r in 0..R {
            for s in 0..W {
                sums[r][s] = fma::<F, I>(a[r], panel[k][s], sums[r][s]);
            }
        }
    }
    *out = sums;
}
