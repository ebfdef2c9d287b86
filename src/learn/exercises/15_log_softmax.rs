//! 15 log_softmax: the logarithm of softmax, without a softmax

use ndarray::Array2;

/// ln p[n][c] = ln (e^z[n][c] / Σⱼ e^z[n][j]), finite for outputs of any size
///
/// z (N, C). Returns ln p (N, C).
///
/// Example: log_softmax([[0, 1000]]) is [[-1000, 0]].
pub fn log_softmax(z: &Array2<f64>) -> Array2<f64> {
    // solution
    let mut log_p = z.clone();
    for mut row in log_p.rows_mut() {
        let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        let lse = m + row.mapv(|z| (z - m).exp()).sum().ln();
        row -= lse;
    }
    log_p
    // end
}
