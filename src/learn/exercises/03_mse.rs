//! 03 mse: the mean squared error of one output against the digit itself

use ndarray::{Array1, Array2};

/// L = the mean over the N rows of (output − target)²
///
/// output (N, 1), target (N): mind the two shapes. Returns one number.
///
/// Example: mse([[3], [4]], [5, 4]) is 2.
pub fn mse(output: &Array2<f64>, target: &Array1<f64>) -> f64 {
    // solution
    let diff = &output.column(0) - target;
    (&diff * &diff).sum() / target.len() as f64
    // end
}
