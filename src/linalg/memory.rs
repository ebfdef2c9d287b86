//! How matrices lie in memory: lines of the cache, pages, rows that are contiguous.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayRef2, NdFloat, s};

/// Bytes that a cache holds or fetches together.
const LINE: usize = 64;

/// Elements of a line, if they are `f32`.
const IN_A_LINE: usize = LINE / size_of::<f32>();

/// Zeros that begin with a cache line, and long ones on huge pages: what training goes through again and again.
pub fn zeros<F: NdFloat>(shape: (usize, usize)) -> Array2<F> {
    let len = shape.0 * shape.1;
    let longer = Array1::<F>::zeros(len + LINE);
    let start = longer.as_ptr().align_offset(LINE);
    let zeros = longer.slice_move(s![start..start + len]);
    let zeros = zeros
        .into_shape_with_order(shape)
        .expect("as many elements");
    prefer_huge_pages(zeros.as_slice().expect("contiguous"));
    zeros
}

/// A copy that lies as [`zeros`] do.
pub fn stored<F: NdFloat>(matrix: &ArrayRef2<F>) -> Array2<F> {
    let mut copy = zeros(matrix.dim());
    copy.assign(matrix);
    copy
}

/// As [`zeros`], for many rows that are read column by column: each row begins with a cache line, and an odd
/// number of lines after the one before. Otherwise the same column of all rows falls into a few sets of the cache,
/// which do not hold them.
pub fn zeros_with_rows_apart<F: NdFloat>((rows, columns): (usize, usize)) -> Array2<F> {
    let lines = columns.div_ceil(IN_A_LINE) | 1;
    zeros((rows, lines * IN_A_LINE)).slice_move(s![.., ..columns])
}

/// The columns of matrices of these widths that lie side by side in one, each from a cache line on.
pub fn side_by_side(widths: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let mut end = 0_usize;
    let columns = widths.into_iter().map(|width| {
        let start = end.next_multiple_of(IN_A_LINE);
        end = start + width;
        start..end
    });
    columns.collect()
}

/// Elements that begin with a cache line: a register's worth read from two lines takes twice as long.
pub struct Aligned<F> {
    elements: Vec<F>,
    start: usize,
}

impl<F: NdFloat> Aligned<F> {
    pub fn new(len: usize) -> Self {
        let elements = vec![F::zero(); len + LINE];
        let start = elements.as_ptr().align_offset(LINE);
        Self { elements, start }
    }

    #[inline(always)]
    pub fn elements(&mut self) -> &mut [F] {
        &mut self.elements[self.start..]
    }
}

/// The row of a matrix whose rows are contiguous.
#[inline(always)]
pub fn slice<F>(a: &ArrayRef2<F>, row: usize) -> &[F] {
    a.row(row).to_slice().expect("contiguous rows")
}

/// The row of a matrix whose rows are contiguous, to be changed.
#[inline(always)]
pub fn slice_mut<F>(a: &mut ArrayRef2<F>, row: usize) -> &mut [F] {
    let row = a.row_mut(row).into_slice();
    row.expect("contiguous rows")
}

/// Whether a matrix is so large that it comes from memory, where the processor must be told what is next.
#[inline(always)]
pub fn far<F>(b: &ArrayRef2<F>) -> bool {
    const CACHE: usize = 4 << 20;
    size_of::<F>() * b.len() > CACHE
}

/// Asks for elements that will be read soon: the memory takes longer to answer than the processor to work. Does
/// nothing where there is no stable way to say it.
#[inline(always)]
#[allow(unsafe_code)]
pub fn prefetch<T>(elements: &[T]) {
    for line in elements.chunks(LINE / size_of::<T>()) {
        // SAFETY: a hint, which reads nothing and cannot fault; every x86-64 has SSE.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = line;
    }
}

/// `MADV_COLLAPSE`, Linux's own number: `libc` names it for glibc alone, and programs of musl run on the same kernel.
#[cfg(target_os = "linux")]
const COLLAPSE: libc::c_int = 25;

/// Asks the system to keep many elements in pages of 2 MiB: the rows of a column lie in as many pages of 4 KiB,
/// more than a processor has at hand. Only advice: nothing changes but the time, and nothing at all where there is
/// no such advice.
#[allow(unsafe_code)]
fn prefer_huge_pages<T>(elements: &[T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 2 << 20;
        let all = elements.as_ptr_range();
        let start = (all.start as usize).next_multiple_of(PAGE);
        let end = all.end as usize / PAGE * PAGE;
        if start < end {
            for advice in [libc::MADV_HUGEPAGE, COLLAPSE] {
                // SAFETY: the pages belong to `elements`; the advice changes where they lie, not what
                // they hold. A system that does not know it says so, and nothing is lost.
                unsafe { libc::madvise(start as *mut libc::c_void, end - start, advice) };
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = elements;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn the_number_of_an_advice_is_the_c_librarys() {
        assert_eq!(COLLAPSE, libc::MADV_COLLAPSE);
    }

    #[test]
    fn matrices_side_by_side_and_rows_apart_begin_with_lines() {
        assert_eq!(side_by_side([16, 1, 50]), [0..16, 16..17, 32..82]);
        for columns in [1, 16, 17, 32, 784] {
            let zeros = zeros_with_rows_apart::<f32>((3, columns));
            assert_eq!(zeros.dim(), (3, columns));
            let bytes = size_of::<f32>() * zeros.strides()[0] as usize;
            assert_eq!(
                bytes % (2 * LINE),
                LINE,
                "an odd number of lines: {columns}"
            );
            assert_eq!(zeros.as_ptr().align_offset(LINE), 0, "{columns}");
        }
        let matrix = Array2::from_shape_fn((3, 5), |(i, j)| (10 * i + j) as f32);
        assert_eq!(stored(&matrix), matrix);
    }
}
