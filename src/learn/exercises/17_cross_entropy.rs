//! 17 cross_entropy: the loss of a classifier, and its gradient

use ndarray::Array2;

/// L = the mean over the N rows of −ln softmax(z) at the target, and its gradient ∂L/∂z
///
/// z (N, C), of any size; target: N whole numbers from 0 to C − 1. Returns loss (one number) and dz (N, C).
///
/// Example: cross_entropy([[0, 0]], [1]) is 0.6931 and [[0.5, -0.5]].
pub fn cross_entropy(z: &Array2<f64>, target: &[usize]) -> (f64, Array2<f64>) {
    // solution
    let n = target.len() as f64;
    let (mut loss, mut dz) = (0.0, z.clone());
    for (mut row, &class) in dz.rows_mut().into_iter().zip(target) {
        let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        let lse = m + row.mapv(|z| (z - m).exp()).sum().ln();
        loss += (lse - row[class]) / n;
        row.mapv_inplace(|z| (z - lse).exp());
        row[class] -= 1.0;
    }
    (loss, dz / n)
    // end
}
