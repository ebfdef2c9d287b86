//! 24 jacobian_softmax: a function in which every output depends on every input

use ndarray::{Array1, Array2};

/// J of p[c] = e^z[c] / Σⱼ e^z[j]: J[o][i] = ∂p[o]/∂z[i], shape (C, C)
///
/// z (C). Returns J (C, C).
///
/// Example: jacobian_softmax([0, 0]) is [[0.25, -0.25], [-0.25, 0.25]].
pub fn jacobian_softmax(z: &Array1<f64>) -> Array2<f64> {
    // solution
    let m = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
    let e = z.mapv(|z| (z - m).exp());
    let p = &e / e.sum();
    let mut j = Array2::from_shape_fn((p.len(), p.len()), |(o, i)| -p[o] * p[i]);
    for (c, &p) in p.iter().enumerate() {
        j[[c, c]] += p;
    }
    j
    // end
}
