use ndarray::{ArrayView1, ArrayViewMut1};

use super::{CrossEntropy, Float, Loss, float};

/// [`CrossEntropy`] with smoothed labels: `L = (1/N) Σₙ −Σ_c q[n][c]·ln softmax(outputs[n])[c]`
///
/// Shapes: outputs z and target probabilities q (N, C), targets t (N). The target q gives 1 − s to the label
/// t and spreads s evenly over all C classes, t included:
///
/// ```text
/// q[c] = (1 − s)·(c = t ? 1 : 0) + s/C
/// ℓ    = −Σ_c q[c]·ln softmax(z)[c]
///      = −Σ_c q[c]·(z[c] − lse(z))      with lse(z) = ln Σⱼ e^z[j]
///      = lse(z) − Σ_c q[c]·z[c]         since q sums to 1
///      = ℓ_CE + s·(z[t] − (1/C) Σ_c z[c])
/// ```
///
/// The derivative of lse is softmax, as [`CrossEntropy`] shows, and that of the sum is q:
///
/// ```text
/// ∂ℓ/∂z[c] = softmax(z)[c] − q[c] = ∂ℓ_CE/∂z[c] + s·((c = t ? 1 : 0) − 1/C)
///
/// dz = (softmax(z) − q) / N
/// ```
///
/// Plain cross-entropy pulls `z[t]` away from the others for ever. This loss has a minimum, the entropy of q,
/// where softmax(z) = q. The same as PyTorch's `CrossEntropyLoss(label_smoothing=s)`.
///
/// Source: C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, section 7.
///
/// ```
/// use mlp::loss::{Loss, SmoothedCrossEntropy};
/// use ndarray::{Array1, Array2, array};
///
/// let loss = SmoothedCrossEntropy { smoothing: 0.2 }; // of two classes: q = (0.9, 0.1)
/// let (mut p, mut losses) = (Array2::zeros((2, 2)), Array1::zeros(2));
/// let logits = array![[0., 0.], [9_f64.ln(), 0.]]; // softmax (0.5, 0.5) and (0.9, 0.1)
/// loss.forward(&logits, &[0, 0], &mut p, &mut losses);
/// assert!((losses[0] - 2_f64.ln()).abs() < 1e-12);
/// assert!((losses[1] + 0.9 * 0.9_f64.ln() + 0.1 * 0.1_f64.ln()).abs() < 1e-12);
///
/// let mut dlogits = Array2::zeros((2, 2));
/// loss.backward(&p, &[0, 0], 1, &mut dlogits);
/// let expected = array![[0.5 - 0.9, 0.5 - 0.1], [0., 0.]];
/// assert!((dlogits - expected).iter().all(|error| error.abs() < 1e-12));
/// ```
pub struct SmoothedCrossEntropy {
    /// s, at least 0 and below 1.
    pub smoothing: f64,
}

impl SmoothedCrossEntropy {
    fn s<F: Float>(&self) -> F {
        F::from(self.smoothing).expect("f64 converts to any float")
    }
}

impl<F: Float> Loss<F> for SmoothedCrossEntropy {
    /// `ℓ = ℓ_CE + s·(z[t] − mean z)`;  `p = softmax(z)`
    fn image(&self, z: ArrayView1<F>, t: usize, p: ArrayViewMut1<F>) -> F {
        let mean = z.sum() / float(z.len());
        CrossEntropy.image(z, t, p) + self.s::<F>() * (z[t] - mean)
    }

    /// dz = dz_CE + s·(onehot(t) − 1/C) / N
    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]) {
        CrossEntropy.image_gradient(p, t, n, dz);
        let s_n = self.s::<F>() / n;
        let s_nc = s_n / float(dz.len());
        dz.iter_mut().for_each(|dz| *dz -= s_nc);
        dz[t] += s_n;
    }
}
