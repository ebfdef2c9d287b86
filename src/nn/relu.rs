use ndarray::{ArrayRef2, Zip};

use super::{Float, Module};
use crate::linalg::{map, zip_map};

/// y = max(x, 0), element by element
///
/// Shapes: x, y (N, I), so O = I. Each `x[n][i]` acts on L through its own `y[n][i]` alone, and so the chain
/// rule has one term:
///
/// ```text
/// ∂L/∂x[n][i] = ∂L/∂y[n][i] · ∂y[n][i]/∂x[n][i]
/// ∂y/∂x       = 1 where x > 0, 0 where x < 0
///
/// dx = dy where x > 0, else 0
/// ```
///
/// At the kink x = 0, where there is no slope, it is taken as 0, as PyTorch does.
///
/// A NaN stays a NaN (`max` would turn it into 0 and hide it from everything after).
///
/// ```
/// use mlp::nn::{Module, ReLU};
/// use ndarray::{Array2, array};
///
/// let (x, dy) = (array![[1., -2.], [0., 3.]], array![[5., 6.], [7., 8.]]);
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// ReLU.forward(&x, &mut y);
/// assert_eq!(y, array![[1., 0.], [0., 3.]]);
/// ReLU.backward_input(&x, &y, &dy, &mut dx);
/// assert_eq!(dx, array![[5., 0.], [0., 8.]]); // dy, where the light was on
/// ```
pub struct ReLU;

impl<F: Float> Module<F> for ReLU {
    /// y = max(x, 0)
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        map(x, y, |x| if x < F::zero() { F::zero() } else { x });
    }

    /// dx = dy where x > 0, else 0
    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        _y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        zip_map(
            dy,
            x,
            dx,
            |dy, x| if x > F::zero() { dy } else { F::zero() },
        );
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn name(&self) -> &'static str {
        "ReLU"
    }

    fn smooth_between(&self, x0: &ArrayRef2<F>, x1: &ArrayRef2<F>) -> bool {
        Zip::from(x0)
            .and(x1)
            .all(|&x0, &x1| (x0 > F::zero()) == (x1 > F::zero()))
    }
}
