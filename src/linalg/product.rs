//! The matrix product: its parts, and the choice between the two ways to go through them.

use std::cell::RefCell;

use ndarray::ArrayRef2;

use super::{
    Float, dense,
    dispatch::{Instructions, Kernel, LANES, Register, SIDE, Set, prefetch, transpose},
    elementwise::AddScaled,
    sparse::{self, Zeros},
};

/// c = a·b or c += a·b.
pub(super) struct Product<'a, F> {
    pub a: Left<'a, F>,
    pub b: Right<'a, F>,
    pub c: &'a mut ArrayRef2<F>,
    /// Whether `c` is added to; if not it is overwritten.
    pub add: bool,
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

/// Room that a thread needs for any product, taken once.
struct Scratch<F> {
    dense: dense::Room<F>,
    sparse: sparse::Room<F>,
}

/// Elements that begin with a cache line: a register's worth read from two lines takes twice as long.
pub(super) struct Aligned<F> {
    elements: Vec<F>,
    start: usize,
}

impl<F: Float> Aligned<F> {
    pub(super) fn new(len: usize) -> Self {
        const LINE: usize = 64;
        let elements = vec![F::zero(); len + LINE];
        let start = elements.as_ptr().align_offset(LINE);
        Self { elements, start }
    }

    #[inline(always)]
    pub(super) fn elements(&mut self) -> &mut [F] {
        &mut self.elements[self.start..]
    }
}

/// What a kernel needs of its floats beyond arithmetic.
#[allow(private_bounds, private_interfaces)]
pub trait Scalar: Sized {
    /// `LANES` of them in registers.
    type Register<I: Instructions>: Register<Self>;

    /// The product with these instructions. Not generic, so that it is compiled once, in this crate.
    fn multiply(set: Set, product: Product<'_, Self>);

    /// [`add_scaled`](super::add_scaled), likewise.
    fn add_scaled(set: Set, sum: AddScaled<'_, Self>) -> bool;

    /// A byte as a number, exactly.
    fn from_byte(byte: u8) -> Self;

    /// A bit for each element, the first in the lowest: whether it is not zero.
    fn not_zero<I: Instructions>(elements: &[Self; LANES]) -> u64;

    /// Rows for columns.
    fn transpose<I: Instructions>(square: [&[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE];
}

macro_rules! scalar {
    ($float:ty, $register:ty, $not_zero:expr, $transpose:expr) => {
        #[allow(private_bounds, private_interfaces)]
        impl Scalar for $float {
            type Register<I: Instructions> = $register;

            fn multiply(set: Set, product: Product<'_, Self>) {
                thread_local!(static SCRATCH: RefCell<Scratch<$float>> = RefCell::new(Scratch {
                    dense: dense::Room::new(),
                    sparse: sparse::Room::new(),
                }));
                SCRATCH.with_borrow_mut(|scratch| set.run(WithScratch(product, scratch)));
            }

            fn add_scaled(set: Set, sum: AddScaled<'_, Self>) -> bool {
                set.run(sum)
            }

            #[inline(always)]
            fn from_byte(byte: u8) -> Self {
                byte.into()
            }

            #[inline(always)]
            fn not_zero<I: Instructions>(elements: &[Self; LANES]) -> u64 {
                let not_zero: fn(&[Self; LANES]) -> u64 = $not_zero;
                not_zero(elements)
            }

            #[inline(always)]
            fn transpose<I: Instructions>(square: [&[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE] {
                $transpose(square)
            }
        }
    };
}
scalar!(f32, I::Register, I::not_zero, I::transpose);
scalar!(
    f64,
    [f64; LANES],
    |elements| {
        let bits = elements.iter().enumerate();
        bits.fold(0, |mask, (k, v)| mask | u64::from(*v != 0.0) << k)
    },
    transpose
);

/// A product, with the scratch of the thread that computes it.
struct WithScratch<'a, F>(Product<'a, F>, &'a mut Scratch<F>);

impl<F: Float> Kernel for WithScratch<'_, F> {
    type Output = ();

    /// Goes through all of a, or only through what is not zero, whichever is less work.
    #[inline(always)]
    fn run<I: Instructions, const WIDE: usize, const HALF: usize>(self) {
        let Self(product, scratch) = self;
        let (m, _, n) = sizes(product.a, product.b);
        let enough_rows = matches!(product.b, Right::Rows(_)) || m >= ROWS_TO_TRANSPOSE_FOR;
        let share = match product.a {
            _ if n > HALF => (2, 5),
            // With one register of sums each multiply-add waits for the one before: few left out are little won.
            Left::Rows(_) => (3, 4),
            // But six columns at a time need no tiles.
            Left::Columns(_) => (0, 1),
        };
        let zeros = Zeros::judge(product.a);
        if enough_rows && zeros.exceed(share) {
            sparse::product::<F, I, WIDE>(product, zeros, &mut scratch.sparse);
        } else {
            dense::product::<F, I, WIDE, HALF>(product, &mut scratch.dense);
        }
    }
}

/// Rows of c from which on it pays to transpose b, so that zeros of a can be left out.
const ROWS_TO_TRANSPOSE_FOR: usize = 24;

/// M, K and N.
#[inline(always)]
pub(super) fn sizes<F>(a: Left<'_, F>, b: Right<'_, F>) -> (usize, usize, usize) {
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
pub(super) fn parts(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let part = len.div_ceil(len.div_ceil(most).max(1)).max(1);
    (0..len)
        .step_by(part)
        .map(move |start| (start, part.min(len - start)))
}

/// Rows of b that are asked for ahead of their turn while they are copied: a large b comes from memory, and its
/// rows lie pages apart, so that the processor does not guess the next.
pub(super) const AHEAD: usize = 12;

/// Whether a matrix is so large that it comes from memory, where the processor must be told what is next.
#[inline(always)]
pub(super) fn far<F>(b: &ArrayRef2<F>) -> bool {
    const CACHE: usize = 4 << 20;
    size_of::<F>() * b.len() > CACHE
}

/// The row of a matrix whose rows are contiguous.
#[inline(always)]
pub(super) fn slice<F>(a: &ArrayRef2<F>, row: usize) -> &[F] {
    a.row(row).to_slice().expect("contiguous rows")
}

/// The row of a matrix whose rows are contiguous, to be changed.
#[inline(always)]
pub(super) fn slice_mut<F>(a: &mut ArrayRef2<F>, row: usize) -> &mut [F] {
    let row = a.row_mut(row).into_slice();
    row.expect("contiguous rows")
}

/// a·b + c, rounded once where there is an instruction for it.
#[inline(always)]
pub(super) fn fma<F: Float, I: Instructions>(a: F, b: F, c: F) -> F {
    match I::FMA {
        true => a.mul_add(b, c),
        false => a * b + c,
    }
}

/// Fills a row of a tile or panel from a row of a matrix, as far as it reaches.
#[inline(always)]
pub(super) fn fill<F: Float, const W: usize>(row: &mut [F; W], from: &[F]) {
    match from.first_chunk::<W>() {
        Some(from) => *row = *from,
        None => copy(from, &mut row[..from.len()]),
    }
}

/// The reverse of [`fill`].
#[inline(always)]
pub(super) fn spill<F: Float, const W: usize>(row: &[F; W], to: &mut [F]) {
    match to.first_chunk_mut::<W>() {
        Some(to) => *to = *row,
        None => copy(&row[..to.len()], to),
    }
}

/// Copies fewer than 128 elements, in few steps: the last columns are too few to call a function for.
#[inline(always)]
pub(super) fn copy<F: Float>(mut from: &[F], mut to: &mut [F]) {
    macro_rules! step {
        ($($elements:literal),*) => {$(
            if let Some((first, rest)) = from.split_first_chunk::<$elements>() {
                let (place, others) = to.split_first_chunk_mut::<$elements>().expect("as many");
                *place = *first;
                (from, to) = (rest, others);
            }
        )*};
    }
    step!(64, 32, 16, 8, 4, 2, 1);
    debug_assert!(from.is_empty() && to.is_empty());
}

/// `panel[k][s] = b[j + s][k0 + k]` for every k of the panel; columns beyond the last hold anything: their
/// sums are never stored. The k's after these are asked for.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // over the fixed sizes of arrays: they become vector code
pub(super) fn pack_transposed<F: Float, I: Instructions, const W: usize>(
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
