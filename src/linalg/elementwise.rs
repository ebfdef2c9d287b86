//! What goes element by element.

use ndarray::ArrayRef2;

use super::{Float, dispatch::Kernel};

const LANES: usize = 16;

/// y += alpha·x; returns whether all of y is finite.
pub(super) struct AddScaled<'a, F> {
    pub alpha: F,
    pub x: &'a ArrayRef2<F>,
    pub y: &'a mut ArrayRef2<F>,
}

impl<F: Float> Kernel for AddScaled<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn run<const NR: usize, const WIDE: usize, const FMA: bool>(self) -> bool {
        let Self { alpha, x, y } = self;
        // 0·v is 0 unless v is infinite or NaN. A sum a lane, or the sums would wait for each other.
        let mut zeros = [F::zero(); LANES];
        for (x, mut y) in x.rows().into_iter().zip(y.rows_mut()) {
            let (x, y) = (x.to_slice(), y.as_slice_mut());
            let (xs, x_rest) = x.expect("contiguous rows").as_chunks::<LANES>();
            let (ys, y_rest) = y.expect("contiguous rows").as_chunks_mut::<LANES>();
            for (x, y) in xs.iter().zip(ys) {
                for lane in 0..LANES {
                    y[lane] += alpha * x[lane];
                    zeros[lane] += F::zero() * y[lane];
                }
            }
            for (&x, y) in x_rest.iter().zip(y_rest) {
                *y += alpha * x;
                zeros[0] += F::zero() * *y;
            }
        }
        zeros.iter().all(|&zero| zero == F::zero())
    }
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
    fn run<const NR: usize, const WIDE: usize, const FMA: bool>(self) {
        let Self {
            bytes,
            scale,
            shift,
            x,
        } = self;
        let (bytes_chunks, bytes_rest) = bytes.as_chunks::<LANES>();
        let (xs, x_rest) = x.as_chunks_mut::<LANES>();
        for (bytes, x) in bytes_chunks.iter().zip(xs) {
            for lane in 0..LANES {
                x[lane] = scale * F::from_byte(bytes[lane]) + shift;
            }
        }
        for (&byte, x) in bytes_rest.iter().zip(x_rest) {
            *x = scale * F::from_byte(byte) + shift;
        }
    }
}
