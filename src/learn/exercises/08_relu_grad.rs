//! 08 relu_grad: the way back through a ReLU

use ndarray::{Array2, Zip};

/// ∂L/∂x of y = relu(x), given dy = ∂L/∂y
///
/// x (N, I): what went in. dy (N, I). Returns dx (N, I).
///
/// Example: relu_grad([[-1, 2, -3, 4]], [[5, -6, 7, 8]]) is [[0, -6, 0, 8]].
pub fn relu_grad(x: &Array2<f64>, dy: &Array2<f64>) -> Array2<f64> {
    // solution
    Zip::from(x)
        .and(dy)
        .map_collect(|&x, &dy| if x > 0.0 { dy } else { 0.0 })
    // end
}
