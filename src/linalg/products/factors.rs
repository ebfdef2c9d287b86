//! A product, and how it is cut.

use ndarray::ArrayRef2;

/// c = a·b or c += a·b.
pub struct Product<'a, F> {
    pub a: Left<'a, F>,
    pub b: Right<'a, F>,
    pub c: &'a mut ArrayRef2<F>,
    /// Whether `c` is added to; if not it is overwritten.
    pub add: bool,
}

/// The left factor (M, K), by the direction in which it is contiguous.
#[derive(Clone, Copy)]
pub enum Left<'a, F> {
    /// (M, K)
    Rows(&'a ArrayRef2<F>),
    /// (K, M)
    Columns(&'a ArrayRef2<F>),
}

/// The right factor (K, N), likewise.
#[derive(Clone, Copy)]
pub enum Right<'a, F> {
    /// (K, N)
    Rows(&'a ArrayRef2<F>),
    /// (N, K)
    Columns(&'a ArrayRef2<F>),
}

/// M, K and N.
#[inline(always)]
pub fn sizes<F>(a: Left<'_, F>, b: Right<'_, F>) -> (usize, usize, usize) {
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
pub fn parts(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let part = len.div_ceil(len.div_ceil(most).max(1)).max(1);
    (0..len)
        .step_by(part)
        .map(move |start| (start, part.min(len - start)))
}
