//! 04 mse_onehot: the mean squared error of C outputs against the class, one-hot

use ndarray::Array2;

/// L = the mean over all N·C numbers of (output − q)², where q is 1 at the class of its row and 0 elsewhere
///
/// output (N, C), target: N whole numbers from 0 to C − 1. Returns one number.
///
/// Example: mse_onehot([[0.5, 0.5], [0, 1]], [0, 1]) is 0.125.
pub fn mse_onehot(output: &Array2<f64>, target: &[usize]) -> f64 {
    // solution
    let mut diff = output.clone();
    for (n, &class) in target.iter().enumerate() {
        diff[[n, class]] -= 1.0;
    }
    (&diff * &diff).sum() / diff.len() as f64
    // end
}
