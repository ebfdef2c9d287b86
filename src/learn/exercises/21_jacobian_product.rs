//! 21 jacobian_product: the derivative of a product by elements

use ndarray::{Array1, Array2};

/// J of y[i] = a[i]·x[i]²: J[o][i] = ∂y[o]/∂x[i], shape (I, I)
///
/// x (I), a (I). Returns J (I, I): a whole matrix, whatever is zero in it.
///
/// Example: jacobian_product([1, 2], [3, 4]) is [[6, 0], [0, 16]].
pub fn jacobian_product(x: &Array1<f64>, a: &Array1<f64>) -> Array2<f64> {
    // solution
    Array2::from_diag(&(a * x * 2.0))
    // end
}
