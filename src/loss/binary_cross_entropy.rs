use ndarray::{ArrayView1, ArrayViewMut1};

use super::{Decoding, Float, Loss, float};
use crate::linalg::functions::{exp, ln_1p, sigmoid};

/// `L = (1/N) Σₙ −t[n]·ln p[n] − (1 − t[n])·ln(1 − p[n])` with p = σ(outputs), in nats
///
/// Shapes: outputs z (N, 1), targets t (N), each 0 or 1. The sigmoid and the negative log-likelihood in one.
/// The single output (logit) z of an image says how likely class 1 is:
///
/// ```text
/// p = σ(z) = 1 / (1 + e^−z)            the probability of class 1
/// 1 − p    = e^−z / (1 + e^−z)         that of class 0
/// ℓ        = −t·ln p − (1 − t)·ln(1 − p)
/// ```
///
/// One of the two terms is 0: ℓ is −ln p where t = 1, and −ln(1 − p) where t = 0.
///
/// The slope of the sigmoid is p·(1 − p), by the chain rule through 1/u with u = 1 + e^−z. ln p has the slope
/// 1/p, and ln(1 − p) the slope −1/(1 − p):
///
/// ```text
/// ∂p/∂z = (−1/u²)·(−e^−z) = (1 / u)·(e^−z / u) = p·(1 − p)
///
/// ∂ℓ/∂p = −t/p + (1 − t)/(1 − p) = (p − t) / (p·(1 − p))
/// ∂ℓ/∂z = ∂ℓ/∂p · ∂p/∂z          = p − t
///
/// dz = (σ(z) − t) / N
/// ```
///
/// The slope of the sigmoid cancels: a confident mistake gets a gradient near 1, and not the vanishing one that
/// mse behind a sigmoid has. The 1/N is that of the mean L.
///
/// Computed from p, the loss is −ln 0 where p rounds to 0 or 1. From z it is not:
///
/// ```text
/// ln p      = −ln(1 + e^−z)
/// ln(1 − p) = −z − ln(1 + e^−z)
/// ℓ         = z − z·t + ln(1 + e^−z)            for z ≥ 0
///           = −z·t + ln(1 + e^z)                for z < 0, since z + ln(1 + e^−z) = ln(e^z + 1)
///           = max(z, 0) − z·t + ln(1 + e^−|z|)  both in one
/// ```
///
/// No exponent is above 0, and the logarithm is of 1 to 2: outputs of ±1e4 stay finite.
///
/// It is [`CrossEntropy`](super::CrossEntropy) of two classes with the logits (0, z), whose softmax is
/// (1, e^z) / (1 + e^z) = (1 − p, p). The same as PyTorch's `BCEWithLogitsLoss`.
///
/// Three images:
///
/// ```
/// use mlp::loss::{BinaryCrossEntropy, Loss};
/// use ndarray::{Array1, Array2, array};
///
/// let logits = array![[0.], [9_f64.ln()], [9_f64.ln()]]; // p = 1/2, 9/10 and 9/10
/// let (mut p, mut losses) = (Array2::zeros((3, 1)), Array1::zeros(3));
/// BinaryCrossEntropy.forward(&logits, &[1, 1, 0], &mut p, &mut losses);
/// assert!((&p - array![[0.5], [0.9], [0.9]]).iter().all(|error: &f64| error.abs() < 1e-15));
/// let expected = array![2_f64.ln(), (10. / 9_f64).ln(), 10_f64.ln()]; // −ln p, −ln p, −ln(1 − p)
/// assert!((&losses - expected).iter().all(|error: &f64| error.abs() < 1e-15));
///
/// let mut dlogits = Array2::zeros((3, 1));
/// BinaryCrossEntropy.backward(&p, &[1, 1, 0], 3, &mut dlogits);
/// let expected = array![[-0.5 / 3.], [-0.1 / 3.], [0.9 / 3.]]; // (p − t)/3
/// assert!((&dlogits - expected).iter().all(|error: &f64| error.abs() < 1e-15));
/// ```
///
/// Softmax of the logits (0, z) is the same thing:
///
/// ```
/// use mlp::loss::{BinaryCrossEntropy, CrossEntropy, Loss};
/// use ndarray::{Array1, Array2, array};
///
/// let (mut p, mut losses) = (Array2::<f64>::zeros((1, 1)), Array1::<f64>::zeros(1));
/// BinaryCrossEntropy.forward(&array![[-1.5]], &[1], &mut p, &mut losses);
/// let (mut softmax, mut two) = (Array2::<f64>::zeros((1, 2)), Array1::<f64>::zeros(1));
/// CrossEntropy.forward(&array![[0., -1.5]], &[1], &mut softmax, &mut two);
/// assert!((losses[0] - two[0]).abs() < 1e-15);
/// assert!((p[[0, 0]] - softmax[[0, 1]]).abs() < 1e-15);
/// ```
pub struct BinaryCrossEntropy;

impl<F: Float> Loss<F> for BinaryCrossEntropy {
    /// `ℓ = max(z, 0) − z·t + ln(1 + e^−|z|)`;  `p = σ(z)`
    fn image(&self, z: ArrayView1<F>, t: usize, mut p: ArrayViewMut1<F>) -> F {
        let z = z[0];
        p[0] = sigmoid(z);
        z.max(F::zero()) - z * target(t) + ln_1p(exp(-z.abs()))
    }

    /// dz = (σ(z) − t) / N
    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]) {
        dz[0] = (p[0] - target(t)) / n;
    }

    fn decoding(&self) -> Decoding {
        Decoding::Threshold
    }
}

/// t as a float. Panics if it is neither 0 nor 1.
fn target<F: Float>(t: usize) -> F {
    assert!(t < 2, "class {t}, expected 0 or 1 of two classes");
    float(t)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, arr2};

    use super::*;

    #[test]
    fn large_outputs_stay_finite_and_keep_their_small_losses() {
        let logits = arr2(&[[1e4_f32], [1e4], [-1e4], [-1e4], [12.0], [-12.0]]);
        let targets = [1, 0, 1, 0, 1, 0];
        let (mut p, mut losses) = (Array2::zeros((6, 1)), Array1::zeros(6));
        BinaryCrossEntropy.forward(&logits, &targets, &mut p, &mut losses);
        assert_eq!(losses.to_vec()[..4], [0.0, 1e4, 1e4, 0.0]);
        // e^−12, which is lost in 1 + e^−12.
        for loss in &losses.to_vec()[4..] {
            assert!((loss / 6.144e-6 - 1.0).abs() < 1e-3, "{loss}");
        }
        let mut dz = Array2::zeros((6, 1));
        BinaryCrossEntropy.backward(&p, &targets, 1, &mut dz);
        assert!((dz[[1, 0]], dz[[2, 0]]) == (1.0, -1.0) && dz[[0, 0]] == 0.0);
    }

    #[test]
    #[should_panic(expected = "class 5, expected 0 or 1")]
    fn a_third_class_is_a_bug_of_the_caller() {
        let (mut p, mut losses) = (Array2::zeros((1, 1)), Array1::zeros(1));
        BinaryCrossEntropy.forward(&arr2(&[[0.5]]), &[5], &mut p, &mut losses);
    }
}
