use ndarray::{ArrayRef1, ArrayRef2, ArrayView1, Zip};

use super::{Float, Loss, argmax, float};

/// `L = (1/(N·C)) Σₙ Σ_c (outputs[n][c] − t[n][c])²`, the mean squared error
///
/// Shapes: outputs z and targets t (N, C). What t is, and C with it, the [`Target`] says. Each `z[n][c]` is in
/// one square of the sum, so with diff = z − t
///
/// ```text
/// ∂L/∂z[n][c] = (1/(N·C)) · ∂(z[n][c] − t[n][c])²/∂z[n][c] = (1/(N·C)) · 2·(z[n][c] − t[n][c])
///
/// dz = 2·diff / (N·C)
/// ```
///
/// The same as PyTorch's `mse_loss` (which means over all elements).
///
/// ```
/// use mlp::loss::{Loss, Mse, Target};
/// use ndarray::{Array1, Array2, array};
///
/// // The lesson's version: one output a row, regressed on the digit itself.
/// let mse = Mse(Target::Digit);
/// let (mut p, mut losses) = (Array2::zeros((2, 1)), Array1::zeros(2));
/// mse.forward(&array![[3.5], [7.]], &[4, 5], &mut p, &mut losses);
/// assert_eq!(losses, array![0.25, 4.]); // L is their mean
///
/// let mut doutputs = Array2::zeros((2, 1));
/// mse.backward(&p, &[4, 5], 2, &mut doutputs);
/// assert_eq!(doutputs, array![[-0.5], [2.]]); // 2·(3.5 − 4)/2 and 2·(7 − 5)/2
///
/// // Two classes with one-hot targets: t = [[1, 0], [0, 1]].
/// let (mse, outputs) = (Mse(Target::OneHot), array![[0.5, 0.5], [2., 0.]]);
/// let (mut p, mut doutputs) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// mse.forward(&outputs, &[0, 1], &mut p, &mut losses);
/// assert_eq!(losses, array![0.25, 2.5]); // (0.5² + 0.5²)/2 and (2² + 1²)/2
/// mse.backward(&p, &[0, 1], 2, &mut doutputs);
/// assert_eq!(doutputs, array![[-0.25, 0.25], [1., -0.5]]); // 2·diff/4
/// ```
pub struct Mse(pub Target);

/// How a class becomes the numbers that [`Mse`] compares outputs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// C outputs, one a class: 1 for the class, 0 for the others. An output is read by its maximum.
    OneHot,
    /// One output, the number of the class itself. An output is read by rounding to the nearest class.
    Digit,
}

impl Target {
    /// `t[c]` of an image of class `class`.
    fn value<F: Float>(self, class: u8, c: usize) -> F {
        match self {
            Self::OneHot if c == usize::from(class) => F::one(),
            Self::OneHot => F::zero(),
            Self::Digit => float(usize::from(class)),
        }
    }
}

impl<F: Float> Loss<F> for Mse {
    /// `ℓ = (1/C) Σ_c (z[c] − t[c])²`;  `p = z`
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
        predictions.assign(outputs);
        let c: F = float(outputs.ncols());
        for ((z, &class), loss) in outputs.rows().into_iter().zip(targets).zip(losses) {
            let squares = z.indexed_iter().map(|(c, &z)| {
                let diff = z - self.0.value(class, c);
                diff * diff
            });
            *loss = squares.fold(F::zero(), |sum, square| sum + square) / c;
        }
    }

    /// ∂L/∂z = 2·(z − t) / (N·C)
    fn backward(
        &self,
        predictions: &ArrayRef2<F>,
        targets: &[u8],
        batch: usize,
        doutputs: &mut ArrayRef2<F>,
    ) {
        let (two, nc): (F, F) = (float(2), float(batch * predictions.ncols()));
        let rows = predictions.rows().into_iter().zip(targets);
        for ((z, &class), mut dz) in rows.zip(doutputs.rows_mut()) {
            Zip::indexed(&mut dz).and(z).for_each(|c, dz, &z| {
                let diff = z - self.0.value(class, c);
                *dz = two * diff / nc;
            });
        }
    }

    fn class(&self, outputs: ArrayView1<F>, classes: usize) -> u8 {
        match self.0 {
            Target::OneHot => argmax(outputs),
            Target::Digit => {
                let nearest = outputs[0].round().max(F::zero()).min(float(classes - 1));
                nearest.to_u8().expect("between 0 and the last class")
            }
        }
    }

    fn outputs(&self, classes: usize) -> usize {
        match self.0 {
            Target::OneHot => classes,
            Target::Digit => 1,
        }
    }
}
