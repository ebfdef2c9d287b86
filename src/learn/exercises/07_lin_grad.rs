//! 07 lin_grad: the way back through a linear layer

use ndarray::{Array1, Array2, Axis};

/// The three gradients of y = x·w + b, given dy = ∂L/∂y
///
/// x (N, I), w (I, O), dy (N, O). Returns dx (N, I), dw (I, O) and db (O), in this order: each has the shape of
/// what it is the gradient of.
///
/// Example: lin_grad([[1, 2], [0, 1]], [[3], [4]], [[0.5], [-1]]) is [[1.5, 2], [-3, -4]], [[0.5], [0]], [-0.5].
pub fn lin_grad(
    x: &Array2<f64>,
    w: &Array2<f64>,
    dy: &Array2<f64>,
) -> (Array2<f64>, Array2<f64>, Array1<f64>) {
    // solution
    let dx = dy.dot(&w.t());
    let dw = x.t().dot(dy);
    let db = dy.sum_axis(Axis(0));
    (dx, dw, db)
    // end
}
