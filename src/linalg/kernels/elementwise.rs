//! What goes element by element.

use ndarray::ArrayRef2;

use crate::linalg::{
    instructions::{Instructions, Kernel, Scalar},
    memory::{slice, slice_mut},
};

/// y += alpha·x; returns whether all of y is finite.
pub struct AddScaled<'a, F> {
    pub alpha: F,
    pub x: &'a ArrayRef2<F>,
    pub y: &'a mut ArrayRef2<F>,
}

impl<F: Scalar> Kernel for AddScaled<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) -> bool {
        let Self { alpha, x, y } = self;
        if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
            return add_scaled(alpha, x, y);
        }
        let mut finite = true;
        for row in 0..x.nrows() {
            finite &= add_scaled(alpha, slice(x, row), slice_mut(y, row));
        }
        finite
    }
}

#[inline(always)]
fn add_scaled<F: Scalar>(alpha: F, x: &[F], y: &mut [F]) -> bool {
    let mut not_finite = false;
    for (x, y) in x.iter().zip(y) {
        *y += alpha * *x;
        not_finite |= !y.is_finite();
    }
    !not_finite
}

/// (v, w) = f(dw, v, w); returns whether all of w is finite.
pub struct Update<'a, F, G> {
    pub dw: &'a ArrayRef2<F>,
    pub v: &'a mut ArrayRef2<F>,
    pub w: &'a mut ArrayRef2<F>,
    pub f: G,
}

impl<F: Scalar, G: Fn(F, F, F) -> (F, F)> Kernel for Update<'_, F, G> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) -> bool {
        let Self { dw, v, w, f } = self;
        if let (Some(dw), Some(v), Some(w)) = (dw.as_slice(), v.as_slice_mut(), w.as_slice_mut()) {
            return update(dw, v, w, f);
        }
        let mut finite = true;
        for row in 0..dw.nrows() {
            finite &= update(slice(dw, row), slice_mut(v, row), slice_mut(w, row), &f);
        }
        finite
    }
}

#[inline(always)]
fn update<F: Scalar>(dw: &[F], v: &mut [F], w: &mut [F], f: impl Fn(F, F, F) -> (F, F)) -> bool {
    let mut not_finite = false;
    for ((dw, v), w) in dw.iter().zip(v).zip(w) {
        (*v, *w) = f(*dw, *v, *w);
        not_finite |= !w.is_finite();
    }
    !not_finite
}

/// (m, v, w) = f(dw, m, v, w); returns whether all of v and w is finite.
pub struct Update2<'a, F, G> {
    pub dw: &'a ArrayRef2<F>,
    pub m: &'a mut ArrayRef2<F>,
    pub v: &'a mut ArrayRef2<F>,
    pub w: &'a mut ArrayRef2<F>,
    pub f: G,
}

impl<F: Scalar, G: Fn(F, F, F, F) -> (F, F, F)> Kernel for Update2<'_, F, G> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) -> bool {
        let Self { dw, m, v, w, f } = self;
        let flat = (m.as_slice_mut(), v.as_slice_mut(), w.as_slice_mut());
        if let (Some(dw), (Some(m), Some(v), Some(w))) = (dw.as_slice(), flat) {
            return update2(dw, [m, v, w], f);
        }
        let mut finite = true;
        for row in 0..dw.nrows() {
            let rows = [slice_mut(m, row), slice_mut(v, row), slice_mut(w, row)];
            finite &= update2(slice(dw, row), rows, &f);
        }
        finite
    }
}

#[inline(always)]
fn update2<F: Scalar>(
    dw: &[F],
    [m, v, w]: [&mut [F]; 3],
    f: impl Fn(F, F, F, F) -> (F, F, F),
) -> bool {
    let mut not_finite = false;
    for (((dw, m), v), w) in dw.iter().zip(m).zip(v).zip(w) {
        (*m, *v, *w) = f(*dw, *m, *v, *w);
        not_finite |= !v.is_finite() | !w.is_finite();
    }
    !not_finite
}

/// y = f(x)
pub struct Map<'a, F, G> {
    pub x: &'a ArrayRef2<F>,
    pub y: &'a mut ArrayRef2<F>,
    pub f: G,
}

impl<F: Scalar, G: Fn(F) -> F> Kernel for Map<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self { x, y, f } = self;
        for row in 0..x.nrows() {
            for (x, y) in slice(x, row).iter().zip(slice_mut(y, row)) {
                *y = f(*x);
            }
        }
    }
}

/// c = f(a, b)
pub struct ZipMap<'a, F, G> {
    pub a: &'a ArrayRef2<F>,
    pub b: &'a ArrayRef2<F>,
    pub c: &'a mut ArrayRef2<F>,
    pub f: G,
}

impl<F: Scalar, G: Fn(F, F) -> F> Kernel for ZipMap<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self { a, b, c, f } = self;
        for row in 0..a.nrows() {
            for ((a, b), c) in slice(a, row)
                .iter()
                .zip(slice(b, row))
                .zip(slice_mut(c, row))
            {
                *c = f(*a, *b);
            }
        }
    }
}

/// out = f(a, b, c)
pub struct ZipMap3<'a, F, G> {
    pub a: &'a ArrayRef2<F>,
    pub b: &'a ArrayRef2<F>,
    pub c: &'a ArrayRef2<F>,
    pub out: &'a mut ArrayRef2<F>,
    pub f: G,
}

impl<F: Scalar, G: Fn(F, F, F) -> F> Kernel for ZipMap3<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self { a, b, c, out, f } = self;
        for row in 0..a.nrows() {
            let (a, b, c) = (slice(a, row), slice(b, row), slice(c, row));
            for (((a, b), c), out) in a.iter().zip(b).zip(c).zip(slice_mut(out, row)) {
                *out = f(*a, *b, *c);
            }
        }
    }
}

/// `sums[j] += Σᵢ f(w[i][j])`
pub struct AddRows<'a, F, G> {
    pub w: &'a ArrayRef2<F>,
    pub sums: &'a mut [F],
    pub f: G,
}

impl<F: Scalar, G: Fn(F) -> F> Kernel for AddRows<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self { w, sums, f } = self;
        for row in 0..w.nrows() {
            for (sum, v) in sums.iter_mut().zip(slice(w, row)) {
                *sum += f(*v);
            }
        }
    }
}

/// `w[i][j] *= scales[j]`
pub struct ScaleColumns<'a, F> {
    pub w: &'a mut ArrayRef2<F>,
    pub scales: &'a [F],
}

impl<F: Scalar> Kernel for ScaleColumns<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self { w, scales } = self;
        for row in 0..w.nrows() {
            for (v, scale) in slice_mut(w, row).iter_mut().zip(scales) {
                *v *= *scale;
            }
        }
    }
}
