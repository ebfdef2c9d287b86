//! What goes element by element.

use ndarray::ArrayRef2;

use super::{
    Float,
    dispatch::{Instructions, Kernel},
};

/// y += alpha·x; returns whether all of y is finite.
pub(super) struct AddScaled<'a, F> {
    pub alpha: F,
    pub x: &'a ArrayRef2<F>,
    pub y: &'a mut ArrayRef2<F>,
}

impl<F: Float> Kernel for AddScaled<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize, const Q: usize>(self) -> bool {
        let Self { alpha, x, y } = self;
        if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
            return add_scaled(alpha, x, y);
        }
        let mut finite = true;
        for (x, mut y) in x.rows().into_iter().zip(y.rows_mut()) {
            let (x, y) = (x.to_slice(), y.as_slice_mut());
            finite &= add_scaled(
                alpha,
                x.expect("contiguous rows"),
                y.expect("contiguous rows"),
            );
        }
        finite
    }
}

#[inline(always)]
fn add_scaled<F: Float>(alpha: F, x: &[F], y: &mut [F]) -> bool {
    let mut not_finite = false;
    for (x, y) in x.iter().zip(y) {
        *y += alpha * *x;
        not_finite |= !y.is_finite();
    }
    !not_finite
}

/// x = scale·byte + shift
pub(super) struct ScaleBytes<'a, F> {
    pub bytes: &'a [u8],
    pub scale: F,
    pub shift: F,
    pub x: &'a mut [F],
}

impl<F: Float> Kernel for ScaleBytes<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize, const Q: usize>(self) {
        let Self {
            bytes,
            scale,
            shift,
            x,
        } = self;
        for (byte, x) in bytes.iter().zip(x) {
            *x = scale * F::from_byte(*byte) + shift;
        }
    }
}
