use ndarray::ArrayRef2;

use super::{Float, Module};
use crate::linalg::{map, sigmoid, zip_map};

/// y = 1 / (1 + e^−x), element by element: the logistic function
///
/// Shapes: x, y (N, I), so O = I. The slope e^−x / (1 + e^−x)² is the product of y and
/// e^−x / (1 + e^−x) = 1 − y:
///
/// ```text
/// dx = dy·y·(1 − y)
/// ```
///
/// It is 1/4 at the most: every layer makes the gradient four times smaller, or more.
///
/// ```
/// use mlp::nn::{Module, Sigmoid};
/// use ndarray::{Array2, array};
///
/// let (x, dy) = (array![[0., 3_f64.ln()]], array![[8., 8.]]); // 1 / (1 + 1/3) = 0.75
/// let (mut y, mut dx) = (Array2::zeros((1, 2)), Array2::zeros((1, 2)));
/// Sigmoid.forward(&x, &mut y);
/// assert!((&y - array![[0.5, 0.75]]).iter().all(|error| error.abs() < 1e-15));
/// Sigmoid.backward_input(&x, &y, &dy, &mut dx);
/// assert!((&dx - array![[2., 1.5]]).iter().all(|error| error.abs() < 1e-14)); // 8·0.75·0.25
/// ```
pub struct Sigmoid;

impl<F: Float> Module<F> for Sigmoid {
    /// y = 1 / (1 + e^−x)
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        map(x, y, sigmoid);
    }

    /// dx = dy·y·(1 − y)
    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        zip_map(dy, y, dx, |dy, y| dy * y * (F::one() - y));
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn name(&self) -> &'static str {
        "Sigmoid"
    }
}
