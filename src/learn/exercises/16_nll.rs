//! 16 nll: the negative log-likelihood

use ndarray::Array2;

/// L = the mean over the N rows of −log_p at the target
///
/// log_p (N, C), target: N whole numbers from 0 to C − 1. Returns one number.
///
/// Example: nll([[-0.5, -1], [-2, -0.25]], [0, 1]) is 0.375.
pub fn nll(log_p: &Array2<f64>, target: &[usize]) -> f64 {
    // solution
    let picked = target
        .iter()
        .enumerate()
        .map(|(n, &class)| log_p[[n, class]]);
    -picked.sum::<f64>() / target.len() as f64
    // end
}
