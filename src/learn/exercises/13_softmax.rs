//! 13 softmax: outputs become probabilities

use ndarray::Array2;

/// p[n][c] = e^z[n][c] / Σⱼ e^z[n][j]: each row sums to 1
///
/// z (N, C). Returns p (N, C).
///
/// Example: softmax([[0, 0], [0, ln 3]]) is [[0.5, 0.5], [0.25, 0.75]].
pub fn softmax(z: &Array2<f64>) -> Array2<f64> {
    // solution
    let mut p = z.clone();
    for mut row in p.rows_mut() {
        let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        row.mapv_inplace(|z| (z - m).exp());
        let sum = row.sum();
        row /= sum;
    }
    p
    // end
}
