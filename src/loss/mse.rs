use ndarray::{ArrayView1, ArrayViewMut1};

use super::{Decoding, Float, Loss, float};

/// `L = (1/(N·C)) Σₙ Σ_c (outputs[n][c] − t[n][c])²`, the mean squared error
///
/// Shapes: outputs z and targets t (N, C). The [`Target`] says what t and C are. Each `z[n][c]` is in one
/// square of the sum, so with diff = z − t
///
/// ```text
/// ∂L/∂z[n][c] = (1/(N·C)) · ∂(z[n][c] − t[n][c])²/∂z[n][c] = (1/(N·C)) · 2·(z[n][c] − t[n][c])
///
/// dz = 2·diff / (N·C)
/// ```
///
/// The same as PyTorch's `mse_loss`, which averages over all elements.
///
/// ```
/// use mlp::loss::{Loss, Mse, Target};
/// use ndarray::{Array1, Array2, array};
///
/// // The lesson's version: one output per row, regressed on the digit itself.
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
    /// C outputs, one per class: 1 for the class, 0 for the others.
    OneHot,
    /// One output, the number of the class itself.
    Digit,
}

impl Target {
    /// `t[c]` of an image of class `class`.
    fn value<F: Float>(self, class: usize, c: usize) -> F {
        match self {
            Self::OneHot if c == class => F::one(),
            Self::OneHot => F::zero(),
            Self::Digit => float(class),
        }
    }
}

impl<F: Float> Loss<F> for Mse {
    /// `ℓ = (1/C) Σ_c (z[c] − t[c])²`;  `p = z`
    fn image(&self, z: ArrayView1<F>, t: usize, mut p: ArrayViewMut1<F>) -> F {
        p.assign(&z);
        let squares = z.indexed_iter().map(|(c, &z)| {
            let diff = z - self.0.value(t, c);
            diff * diff
        });
        squares.fold(F::zero(), |sum, square| sum + square) / float(z.len())
    }

    /// dz = 2·(z − t) / (N·C)
    fn image_gradient(&self, z: &[F], t: usize, n: F, dz: &mut [F]) {
        let (two, nc): (F, F) = (float(2), n * float(z.len()));
        for (c, (dz, &z)) in dz.iter_mut().zip(z).enumerate() {
            let diff = z - self.0.value(t, c);
            *dz = two * diff / nc;
        }
    }

    fn decoding(&self) -> Decoding {
        match self.0 {
            Target::OneHot => Decoding::Largest,
            Target::Digit => Decoding::Nearest,
        }
    }
}
