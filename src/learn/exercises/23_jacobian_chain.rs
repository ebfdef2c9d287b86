//! 23 jacobian_chain: the chain rule by vectors, where Jacobians are multiplied

use ndarray::{Array1, Array2};

/// J of y = w2·tanh(w1·x): J[o][i] = ∂y[o]/∂x[i], shape (O, I)
///
/// w1 (H, I), w2 (O, H), x (I). Returns J (O, I).
///
/// Example: jacobian_chain([[1], [0]], [[2, 3]], [0]) is [[2]].
pub fn jacobian_chain(w1: &Array2<f64>, w2: &Array2<f64>, x: &Array1<f64>) -> Array2<f64> {
    // solution
    let slope = w1.dot(x).mapv(|l| 1.0 - l.tanh().powi(2));
    w2.dot(&Array2::from_diag(&slope)).dot(w1)
    // end
}
