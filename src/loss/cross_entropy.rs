use ndarray::{ArrayView1, ArrayViewMut1};

use super::{Float, Loss};
use crate::linalg::functions::{exp, ln};

/// `L = (1/N) Σₙ −ln softmax(outputs[n])[target[n]]`, in nats
///
/// Shapes: outputs (N, C), targets (N). Softmax and the negative log-likelihood in one. For an image with
/// outputs (logits) z and target t,
///
/// ```text
/// p[c] = softmax(z)[c] = e^z[c] / Σⱼ e^z[j]
/// ℓ    = −ln p[t]      = ln Σⱼ e^z[j] − z[t]
/// ```
///
/// ℓ is a log-sum-exp minus a single logit, and both derivatives are known: ln u has the slope 1/u, and only
/// the term j = c of the sum depends on `z[c]`:
///
/// ```text
/// ∂/∂z[c] ln Σⱼ e^z[j] = (1 / Σⱼ e^z[j]) · e^z[c] = p[c]
/// ∂/∂z[c] (−z[t])      = −1 where c = t, else 0
/// ∂ℓ/∂z[c]             = p[c] − (c = t ? 1 : 0)
///
/// dz = (softmax(z) − onehot(t)) / N
/// ```
///
/// The 1/N is that of the mean L. A row of dz sums to 0, as p and the one-hot target both sum to 1.
///
/// The lesson's `logsumexp` first takes out the maximum m of the row, which changes no value:
///
/// ```text
/// ln Σⱼ e^z[j] = ln (e^m · Σⱼ e^(z[j] − m)) = m + ln Σⱼ e^(z[j] − m)
/// ```
///
/// Then no exponent is above 0, and one is 0: outputs of ±1e4 stay finite, and the logarithm is never of 0.
///
/// Two images with two classes:
///
/// ```
/// use mlp::loss::{CrossEntropy, Loss};
/// use ndarray::{Array1, Array2, array};
///
/// let logits = array![[0., 0.], [9_f64.ln(), 0.]]; // softmax (1, 1)/2 and (9, 1)/10
/// let (mut p, mut losses) = (Array2::zeros((2, 2)), Array1::zeros(2));
/// CrossEntropy.forward(&logits, &[0, 1], &mut p, &mut losses);
/// assert!((&losses - array![2_f64.ln(), 10_f64.ln()]).iter().all(|error| error.abs() < 1e-15));
///
/// let mut dlogits = Array2::zeros((2, 2));
/// CrossEntropy.backward(&p, &[0, 1], 2, &mut dlogits);
/// let expected = array![[-0.25, 0.25], [0.45, -0.45]]; // (0.5 − 1)/2 and (0.1 − 1)/2
/// assert!((&dlogits - expected).iter().all(|error: &f64| error.abs() < 1e-15));
/// ```
///
/// The worked example of the lesson, whose exponentials sum to 11.2477:
///
/// ```
/// use mlp::loss::{CrossEntropy, Loss};
/// use ndarray::{Array1, Array2, array};
///
/// let logits = array![[0.1, 0., 0., 0.2, 0.3, 0., 0., 0.3, 0., 0.2]];
/// let (mut p, mut losses) = (Array2::zeros((1, 10)), Array1::zeros(1));
/// CrossEntropy.forward(&logits, &[4], &mut p, &mut losses);
/// assert!((logits.exp().sum() - 11.2477_f64).abs() < 5e-5);
/// assert!((p[[0, 4]] - 0.1200_f64).abs() < 5e-5);
/// assert!((losses[0] - 2.1202_f64).abs() < 5e-5); // −ln 0.12: a loss is positive
///
/// let mut dlogits = Array2::zeros((1, 10));
/// CrossEntropy.backward(&p, &[4], 1, &mut dlogits);
/// assert!((dlogits[[0, 4]] - (0.1200 - 1.)).abs() < 5e-5);
/// ```
pub struct CrossEntropy;

impl<F: Float> Loss<F> for CrossEntropy {
    /// `ℓ = ln Σⱼ e^(z[j] − m) + m − z[t]`;  `p = softmax(z)`
    fn image(&self, z: ArrayView1<F>, t: usize, mut p: ArrayViewMut1<F>) -> F {
        // The maximum of this row: a global one underflows every other row.
        let m = z.fold(F::neg_infinity(), |m, &z| m.max(z));
        p.zip_mut_with(&z, |p, &z| *p = exp(z - m));
        let sum = p.sum();
        p /= sum;
        ln(sum) + (m - z[t])
    }

    /// dz = (softmax(z) − onehot(t)) / N
    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]) {
        dz.copy_from_slice(p);
        dz[t] -= F::one();
        dz.iter_mut().for_each(|dz| *dz /= n);
    }
}
