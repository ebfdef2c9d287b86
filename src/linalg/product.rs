//! The matrix product: panels, tiles, and lists of what is not zero.

// Loops over the fixed sizes of arrays, as the formulas have them, are what becomes vector code.
#![allow(clippy::needless_range_loop)]

use std::cell::RefCell;

use ndarray::ArrayRef2;

use super::{
    Float,
    dispatch::{Kernel, WIDEST},
    mask::{BLOCK, Mask, WORDS, find_in_columns, find_in_rows},
};

/// c += a·b, or cᵀ += a·b.
pub(super) struct Product<'a, F> {
    pub a: Left<'a, F>,
    pub b: Right<'a, F>,
    pub c: &'a mut ArrayRef2<F>,
    /// Whether `c` has rows for columns.
    pub transposed: bool,
}

/// The left factor (M, K), by the direction in which it is contiguous.
#[derive(Clone, Copy)]
pub(super) enum Left<'a, F> {
    /// (M, K)
    Rows(&'a ArrayRef2<F>),
    /// (K, M)
    Columns(&'a ArrayRef2<F>),
}

/// The right factor (K, N), likewise.
#[derive(Clone, Copy)]
pub(super) enum Right<'a, F> {
    /// (K, N)
    Rows(&'a ArrayRef2<F>),
    /// (N, K)
    Columns(&'a ArrayRef2<F>),
}

/// k's that a panel of b holds: 256 rows of 16 `f32` are 16 KiB, half of a small L1 cache.
const DENSE_K: usize = 256;
/// Rows of a tile.
const TILE: usize = 6;
/// Rows of a block of tiles.
const BLOCK_ROWS: usize = 21 * TILE;

/// Room that a thread needs for any product, taken once.
pub struct Scratch<F> {
    panel: Vec<F>,
    tiles: Vec<[F; TILE]>,
    masks: Vec<Mask>,
}

impl<F: Float> Scratch<F> {
    fn new() -> Self {
        Self {
            panel: vec![F::zero(); BLOCK * WIDEST],
            tiles: vec![[F::zero(); TILE]; BLOCK_ROWS / TILE * DENSE_K],
            masks: vec![[0; WORDS]; BLOCK],
        }
    }
}

/// What a kernel needs of its floats beyond arithmetic.
pub trait Scalar: Sized {
    /// Calls `work` with the scratch of this thread.
    fn with_scratch<T>(work: impl FnOnce(&mut Scratch<Self>) -> T) -> T;

    /// A byte as a number, exactly.
    fn from_byte(byte: u8) -> Self;
}

macro_rules! scalar {
    ($($float:ty),*) => {$(
        impl Scalar for $float {
            fn with_scratch<T>(work: impl FnOnce(&mut Scratch<Self>) -> T) -> T {
                thread_local!(static SCRATCH: RefCell<Scratch<$float>> = RefCell::new(Scratch::new()));
                SCRATCH.with_borrow_mut(work)
            }

            #[inline(always)]
            fn from_byte(byte: u8) -> Self {
                byte.into()
            }
        }
    )*};
}
scalar!(f32, f64);

/// A product, with the scratch of the thread that computes it.
pub(super) struct WithScratch<'a, F>(pub Product<'a, F>, pub &'a mut Scratch<F>);

impl<F: Float> Kernel for WithScratch<'_, F> {
    type Output = ();

    /// Goes through all of a, or only through what is not zero, whichever is less work.
    #[inline(always)]
    fn run<const NR: usize, const WIDE: usize, const FMA: bool>(self) {
        let Self(product, scratch) = self;
        if !product.transposed && mostly_zero(product.a) {
            sparse::<F, WIDE, FMA>(product, scratch);
        } else {
            dense::<F, NR, FMA>(product, scratch);
        }
    }
}

/// Whether most elements are zero, judged by some rows.
#[inline(always)]
fn mostly_zero<F: Float>(a: Left<'_, F>) -> bool {
    const JUDGED: usize = 4;
    let (Left::Rows(a) | Left::Columns(a)) = a;
    if a.nrows() < JUDGED || a.ncols() < 16 {
        return false;
    }
    let mut zeros = 0_u32;
    for row in (0..a.nrows()).step_by(a.nrows().div_ceil(JUDGED)) {
        for &v in slice(a, row) {
            zeros += u32::from(v == F::zero());
        }
    }
    zeros as usize > JUDGED * a.ncols() / 2
}

/// A block of the left factor, as its tiles read it.
#[derive(Clone, Copy)]
enum Block<'a, F> {
    /// (M, K), of which the k's are some columns.
    Rows(&'a ArrayRef2<F>),
    /// Tile by tile, and in a tile k by k, `TILE` elements each.
    Tiles(&'a [[F; TILE]]),
}

/// All of a, in tiles of 6 rows.
#[inline(always)]
fn dense<F: Float, const NR: usize, const FMA: bool>(
    product: Product<'_, F>,
    scratch: &mut Scratch<F>,
) {
    let Product {
        a,
        b,
        c,
        transposed,
    } = product;
    let (m, k, n) = sizes(a, b);
    let (panel, _) = scratch.panel.as_chunks_mut::<NR>();
    for (k0, kc) in parts(k, DENSE_K.min(panel.len())) {
        let panel = &mut panel[..kc];
        let most_rows = match a {
            Left::Rows(_) => m,
            Left::Columns(_) => BLOCK_ROWS,
        };
        for (i0, rows) in parts(m, most_rows) {
            let block = match a {
                Left::Rows(a) => Block::Rows(a),
                Left::Columns(a) => {
                    // The columns of a tape lie pages apart: a tile that walked them would wait for each.
                    pack_tiles(a, (i0, k0), (rows, kc), &mut scratch.tiles);
                    Block::Tiles(&scratch.tiles)
                }
            };
            for j in (0..n).step_by(NR) {
                pack(b, k0, j, panel);
                let mut row = 0;
                while row < rows {
                    macro_rules! tile {
                        ($rows:literal) => {{
                            let at = (i0, row, k0, j);
                            dense_tile::<F, $rows, NR, FMA>(block, at, panel, c, transposed);
                            row += $rows;
                        }};
                    }
                    match rows - row {
                        1 => tile!(1),
                        2 => tile!(2),
                        3 => tile!(3),
                        4 => tile!(4),
                        5 => tile!(5),
                        _ => tile!(6),
                    }
                }
            }
        }
    }
}

/// tiles: the elements of the rows from `i0` and the k's from `k0` on of a, given as its columns.
#[inline(always)]
fn pack_tiles<F: Float>(
    a: &ArrayRef2<F>,
    (i0, k0): (usize, usize),
    (rows, kc): (usize, usize),
    tiles: &mut [[F; TILE]],
) {
    for k in 0..kc {
        let column = &slice(a, k0 + k)[i0..i0 + rows];
        let (whole, rest) = column.as_chunks::<TILE>();
        for (tile, elements) in whole.iter().enumerate() {
            tiles[tile * kc + k] = *elements;
        }
        if !rest.is_empty() {
            tiles[whole.len() * kc + k][..rest.len()].copy_from_slice(rest);
        }
    }
}

/// What is not zero of each row of a, one row at a time.
#[inline(always)]
fn sparse<F: Float, const NR: usize, const FMA: bool>(
    product: Product<'_, F>,
    scratch: &mut Scratch<F>,
) {
    let Product { a, b, c, .. } = product;
    let (m, k, n) = sizes(a, b);
    let (panel, _) = scratch.panel.as_chunks_mut::<NR>();
    let mut lines = [&[][..]; BLOCK];
    for (k0, kc) in parts(k, BLOCK) {
        let panel = &mut panel[..kc];
        for (i0, rows) in parts(m, BLOCK) {
            let masks = &mut scratch.masks[..rows];
            // A block of a, in lines along whatever is contiguous: its rows, or its columns.
            match a {
                Left::Rows(a) => {
                    for row in 0..rows {
                        lines[row] = &slice(a, i0 + row)[k0..k0 + kc];
                    }
                    find_in_rows(&lines[..rows], masks);
                }
                Left::Columns(a) => {
                    for k in 0..kc {
                        lines[k] = &slice(a, k0 + k)[i0..i0 + rows];
                    }
                    find_in_columns(&lines[..kc], masks);
                }
            }
            for j in (0..n).step_by(NR) {
                pack(b, k0, j, panel);
                for (row, mask) in masks.iter().enumerate() {
                    if *mask == [0; WORDS] {
                        continue;
                    }
                    let mut sums = load::<F, 1, NR>(c, false, (i0 + row, j));
                    match a {
                        Left::Rows(_) => {
                            let element = |k: usize| lines[row][k];
                            add_masked::<F, NR, FMA>(element, mask, panel, &mut sums);
                        }
                        Left::Columns(_) => {
                            let element = |k: usize| lines[k][row];
                            add_masked::<F, NR, FMA>(element, mask, panel, &mut sums);
                        }
                    }
                    store(c, false, (i0 + row, j), &sums);
                }
            }
        }
    }
}

/// `sums[s] += Σ element(k)·panel[k][s]` over the k's of the mask, in order.
#[inline(always)]
fn add_masked<F: Float, const NR: usize, const FMA: bool>(
    element: impl Fn(usize) -> F,
    mask: &Mask,
    panel: &[[F; NR]],
    out: &mut [[F; NR]; 1],
) {
    let mut sums = *out;
    for word in 0..WORDS {
        let mut bits = mask[word];
        while bits != 0 {
            let k = 64 * word + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            add_outer::<F, 1, NR, FMA>([element(k)], &panel[k], &mut sums);
        }
    }
    *out = sums;
}

/// M, K and N.
#[inline(always)]
fn sizes<F>(a: Left<'_, F>, b: Right<'_, F>) -> (usize, usize, usize) {
    let (m, k) = match a {
        Left::Rows(a) => a.dim(),
        Left::Columns(a) => (a.ncols(), a.nrows()),
    };
    let n = match b {
        Right::Rows(b) => b.ncols(),
        Right::Columns(b) => b.nrows(),
    };
    (m, k, n)
}

/// 0..`len` in as few parts of at most `most` as possible, of nearly equal length: (start, length).
#[inline(always)]
fn parts(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let part = len.div_ceil(len.div_ceil(most).max(1)).max(1);
    (0..len)
        .step_by(part)
        .map(move |start| (start, part.min(len - start)))
}

/// The row of a matrix whose rows are contiguous.
#[inline(always)]
fn slice<F>(a: &ArrayRef2<F>, row: usize) -> &[F] {
    a.row(row).to_slice().expect("contiguous rows")
}

/// a·b + c, rounded once where the instruction set can.
#[inline(always)]
fn fma<F: Float, const FMA: bool>(a: F, b: F, c: F) -> F {
    match FMA {
        true => a.mul_add(b, c),
        false => a * b + c,
    }
}

/// Adds to `MR × NR` elements of c.
#[inline(always)]
fn dense_tile<F: Float, const MR: usize, const NR: usize, const FMA: bool>(
    block: Block<'_, F>,
    (i0, row, k0, j): (usize, usize, usize, usize),
    panel: &[[F; NR]],
    c: &mut ArrayRef2<F>,
    transposed: bool,
) {
    let i = i0 + row;
    let mut sums = load::<F, MR, NR>(c, transposed, (i, j));
    match block {
        Block::Rows(a) => {
            let mut rows = [&[][..]; MR];
            for r in 0..MR {
                rows[r] = &slice(a, i + r)[k0..k0 + panel.len()];
            }
            let column = |k: usize| {
                let mut column = [F::zero(); MR];
                for r in 0..MR {
                    column[r] = rows[r][k];
                }
                column
            };
            add_products::<F, MR, NR, FMA>(column, panel, &mut sums);
        }
        Block::Tiles(tiles) => {
            let tile = &tiles[row / TILE * panel.len()..][..panel.len()];
            let column = |k: usize| *tile[k].first_chunk().expect("rows of a tile");
            add_products::<F, MR, NR, FMA>(column, panel, &mut sums);
        }
    }
    store(c, transposed, (i, j), &sums);
}

/// `sums[r][s] += Σ column(k)[r]·panel[k][s]`, k in order.
#[inline(always)]
fn add_products<F: Float, const MR: usize, const NR: usize, const FMA: bool>(
    column: impl Fn(usize) -> [F; MR],
    panel: &[[F; NR]],
    out: &mut [[F; NR]; MR],
) {
    // A copy that nobody else looks at lives in registers.
    let mut sums = *out;
    for k in 0..panel.len() {
        add_outer::<F, MR, NR, FMA>(column(k), &panel[k], &mut sums);
    }
    *out = sums;
}

/// `sums[r][s] += a[r]·b[s]`
#[inline(always)]
fn add_outer<F: Float, const MR: usize, const NR: usize, const FMA: bool>(
    a: [F; MR],
    b: &[F; NR],
    sums: &mut [[F; NR]; MR],
) {
    for r in 0..MR {
        for s in 0..NR {
            sums[r][s] = fma::<F, FMA>(a[r], b[s], sums[r][s]);
        }
    }
}

/// `panel[k][s] = b[k0 + k][j + s]`; columns beyond the last keep what they had, and are never stored.
#[inline(always)]
fn pack<F: Float, const NR: usize>(b: Right<'_, F>, k0: usize, j: usize, panel: &mut [[F; NR]]) {
    match b {
        Right::Rows(b) => {
            for (k, line) in panel.iter_mut().enumerate() {
                fill(line, &slice(b, k0 + k)[j..]);
            }
        }
        Right::Columns(b) => {
            for (s, column) in (j..b.nrows().min(j + NR)).enumerate() {
                let column = &slice(b, column)[k0..k0 + panel.len()];
                for (line, &v) in panel.iter_mut().zip(column) {
                    line[s] = v;
                }
            }
        }
    }
}

/// The `MR × NR` elements of c from (i, j) on, as far as there are any.
#[inline(always)]
fn load<F: Float, const MR: usize, const NR: usize>(
    c: &ArrayRef2<F>,
    transposed: bool,
    (i, j): (usize, usize),
) -> [[F; NR]; MR] {
    let mut sums = [[F::zero(); NR]; MR];
    if transposed {
        for s in 0..NR.min(c.nrows() - j) {
            let row = slice(c, j + s)[i..]
                .first_chunk::<MR>()
                .expect("rows of a tile");
            for r in 0..MR {
                sums[r][s] = row[r];
            }
        }
    } else {
        for r in 0..MR {
            fill(&mut sums[r], &slice(c, i + r)[j..]);
        }
    }
    sums
}

/// The reverse of [`load`].
#[inline(always)]
fn store<F: Float, const MR: usize, const NR: usize>(
    c: &mut ArrayRef2<F>,
    transposed: bool,
    (i, j): (usize, usize),
    sums: &[[F; NR]; MR],
) {
    if transposed {
        for s in 0..NR.min(c.nrows() - j) {
            let mut row = c.row_mut(j + s);
            let row = row.as_slice_mut().expect("contiguous rows")[i..].first_chunk_mut::<MR>();
            let row = row.expect("rows of a tile");
            for r in 0..MR {
                row[r] = sums[r][s];
            }
        }
    } else {
        for r in 0..MR {
            let mut row = c.row_mut(i + r);
            spill(
                &sums[r],
                &mut row.as_slice_mut().expect("contiguous rows")[j..],
            );
        }
    }
}

/// Fills a row of a tile or panel from a row of a matrix, as far as it reaches.
#[inline(always)]
fn fill<F: Float, const NR: usize>(row: &mut [F; NR], from: &[F]) {
    match from.first_chunk::<NR>() {
        Some(from) => *row = *from,
        None => copy(from, &mut row[..from.len()]),
    }
}

/// The reverse of [`fill`].
#[inline(always)]
fn spill<F: Float, const NR: usize>(row: &[F; NR], to: &mut [F]) {
    match to.first_chunk_mut::<NR>() {
        Some(to) => *to = *row,
        None => copy(&row[..to.len()], to),
    }
}

/// Copies in steps of a register: the last columns are too few to call a function for.
#[inline(always)]
fn copy<F: Float>(from: &[F], to: &mut [F]) {
    let (from, from_rest) = from.as_chunks::<8>();
    let (to, to_rest) = to.as_chunks_mut::<8>();
    for (from, to) in from.iter().zip(to) {
        *to = *from;
    }
    for (from, to) in from_rest.iter().zip(to_rest) {
        *to = *from;
    }
}
