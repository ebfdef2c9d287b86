//! 05 mse_grad: the gradient of exercise 03, where the way back begins

use ndarray::{Array1, Array2, Axis};

/// ∂L/∂output, for L = the mean over the N rows of (output − target)²
///
/// output (N, 1), target (N). Returns dz (N, 1): how L changes with each output.
///
/// Example: mse_grad([[3], [4]], [5, 4]) is [[-2], [0]].
pub fn mse_grad(output: &Array2<f64>, target: &Array1<f64>) -> Array2<f64> {
    // solution
    let column = target.view().insert_axis(Axis(1));
    (output - &column) * (2.0 / target.len() as f64)
    // end
}
