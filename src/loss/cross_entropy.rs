use ndarray::{ArrayRef1, ArrayRef2, ArrayView1, Zip};

use super::{Float, Loss, argmax, float};

/// `L = (1/N) Σₙ −ln softmax(outputs[n])[target[n]]`, in nats
///
/// Softmax and the negative log-likelihood in one: with the row maximum m, for an image with
/// outputs (logits) z and target t,
///
/// ```text
/// softmax(z)[c] = e^(z[c] − m) / Σⱼ e^(z[j] − m)
/// ℓ             = −ln softmax(z)[t] = ln Σⱼ e^(z[j] − m) + m − z[t]
/// ∂ℓ/∂z[c]      = softmax(z)[c] − (c = t ? 1 : 0)
/// ```
///
/// The last line follows from ∂/∂`z[c]` of `ln Σⱼ e^z[j]`, which is `softmax(z)[c]`, and of `−z[t]`. So over a
/// batch ∂L/∂outputs = (softmax(outputs) − onehot(targets)) / N. Subtracting m changes no value and
/// keeps every exponent at or below 0: outputs of ±1e4 stay finite.
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
    fn forward(
        &self,
        outputs: &ArrayRef2<F>,
        targets: &[u8],
        predictions: &mut ArrayRef2<F>,
        losses: &mut ArrayRef1<F>,
    ) {
        assert_eq!(
            outputs.nrows(),
            targets.len(),
            "rows of outputs against targets"
        );
        let rows = outputs.rows().into_iter().zip(targets);
        for ((z, &t), (mut p, loss)) in rows.zip(predictions.rows_mut().into_iter().zip(losses)) {
            // The maximum of this row: a global one underflows every other row.
            let m = z.fold(F::neg_infinity(), |m, &z| m.max(z));
            Zip::from(&mut p)
                .and(z)
                .for_each(|p, &z| *p = (z - m).exp());
            let sum = p.sum();
            p /= sum;
            *loss = sum.ln() + (m - z[usize::from(t)]);
        }
    }

    /// ∂L/∂z = (softmax(z) − onehot(t)) / N
    fn backward(
        &self,
        predictions: &ArrayRef2<F>,
        targets: &[u8],
        batch: usize,
        doutputs: &mut ArrayRef2<F>,
    ) {
        let n: F = float(batch);
        let rows = predictions.rows().into_iter().zip(targets);
        for ((p, &t), mut dz) in rows.zip(doutputs.rows_mut()) {
            dz.assign(&p);
            dz[usize::from(t)] -= F::one();
            dz /= n;
        }
    }

    fn class(&self, outputs: ArrayView1<F>, _classes: usize) -> u8 {
        argmax(outputs)
    }

    fn outputs(&self, classes: usize) -> usize {
        classes
    }
}
