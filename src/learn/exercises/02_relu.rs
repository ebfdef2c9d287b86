//! 02 relu: what stands between two linear layers

use ndarray::Array2;

/// y = x where x > 0, else 0
///
/// x (N, I). Returns y (N, I).
///
/// Example: relu([[-1, 2, -3, 4]]) is [[0, 2, 0, 4]].
pub fn relu(x: &Array2<f64>) -> Array2<f64> {
    // solution
    x.mapv(|x| x.max(0.0))
    // end
}
