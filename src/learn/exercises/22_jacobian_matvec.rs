//! 22 jacobian_matvec: the derivatives of a matrix times a vector

use ndarray::{Array1, Array2};

/// Of y = w·x: the Jacobian of y by x; and the gradient of L = u·y, one number, by the matrix w
///
/// w (O, I), x (I), u (O). Returns J (O, I), with J[o][i] = ∂y[o]/∂x[i], and dw (O, I), with dw[o][i] = ∂L/∂w[o][i].
///
/// Example: jacobian_matvec([[1, 2]], [3, 4], [10]) is [[1, 2]] and [[30, 40]].
pub fn jacobian_matvec(
    w: &Array2<f64>,
    x: &Array1<f64>,
    u: &Array1<f64>,
) -> (Array2<f64>, Array2<f64>) {
    // solution
    let dw = Array2::from_shape_fn(w.dim(), |(o, i)| u[o] * x[i]);
    (w.clone(), dw)
    // end
}
