//! 14 logsumexp: the logarithm of a sum that no number could hold

use ndarray::{Array2, Axis};

/// lse[n] = ln Σⱼ e^z[n][j], for outputs of any size: e^1000 is infinite, but this is not
///
/// z (N, C). Returns lse (N, 1), a column.
///
/// Example: logsumexp([[0, 0], [1000, 1000]]) is [[0.6931], [1000.6931]].
pub fn logsumexp(z: &Array2<f64>) -> Array2<f64> {
    // solution
    let lse = z.map_axis(Axis(1), |row| {
        let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        m + row.mapv(|z| (z - m).exp()).sum().ln()
    });
    lse.insert_axis(Axis(1))
    // end
}
