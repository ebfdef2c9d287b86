//! 20 jacobian_sum: the derivative of a sum
//!
//! The Jacobian of a function from I numbers to O numbers has a row for each output and a column for each input:
//! J[o][i] = ∂y[o]/∂x[i], shape (O, I). Yours is checked against finite differences at random points.

use ndarray::{Array1, Array2, Axis};

/// J of y = Σᵢ (x[i] − a[i])², one number: J (1, I)
///
/// x (I), a (I). Returns J (1, I).
///
/// Example: jacobian_sum([1, 2], [0, 5]) is [[2, -6]].
pub fn jacobian_sum(x: &Array1<f64>, a: &Array1<f64>) -> Array2<f64> {
    // solution
    ((x - a) * 2.0).insert_axis(Axis(0))
    // end
}
