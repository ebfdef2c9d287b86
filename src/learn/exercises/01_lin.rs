//! 01 lin: a linear layer

use ndarray::{Array1, Array2};

/// y = x·w + b
///
/// x (N, I): N rows of I inputs. w (I, O), b (O). Returns y (N, O).
///
/// Example: lin([[1, 2]], [[3, 4, 5], [6, 7, 8]], [0.1, 0.2, 0.3]) is [[15.1, 18.2, 21.3]].
pub fn lin(x: &Array2<f64>, w: &Array2<f64>, b: &Array1<f64>) -> Array2<f64> {
    // solution
    x.dot(w) + b
    // end
}
