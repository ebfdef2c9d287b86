//! 06 mse_onehot_grad: the gradient of exercise 04

use ndarray::Array2;

/// ∂L/∂output, for L = the mean over all N·C numbers of (output − q)², with q the one-hot of target
///
/// output (N, C), target: N whole numbers from 0 to C − 1. Returns dz (N, C).
///
/// Example: mse_onehot_grad([[0.5, 0.5], [0, 1]], [0, 1]) is [[-0.25, 0.25], [0, 0]].
pub fn mse_onehot_grad(output: &Array2<f64>, target: &[usize]) -> Array2<f64> {
    // solution
    let mut diff = output.clone();
    for (n, &class) in target.iter().enumerate() {
        diff[[n, class]] -= 1.0;
    }
    diff * (2.0 / output.len() as f64)
    // end
}
