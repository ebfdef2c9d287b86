use ndarray::{ArrayView1, ArrayViewMut1};

use super::{Decoding, Float, Loss, float};

/// Another loss whose images count as much as their class: `L = (1/N) Σₙ w[t]·ℓₙ`
///
/// Shapes: as of the loss within; weights w (C), one for each class. A constant factor in front of ℓ is one
/// in front of its gradient:
///
/// ```text
/// dz = w[t]·dℓ/dz / N
/// ```
///
/// Of few images of a class and many of another, a network learns the many first. Balanced weights let every
/// class count the same: of N images in C classes, `n[c]` of class c,
///
/// ```text
/// w[c] = N / (C·n[c]),   so that  Σₙ w[t] = N
/// ```
///
/// C counts the classes that there are images of. The same as scikit-learn's `class_weight="balanced"`, after
/// G. King and L. Zeng, "Logistic Regression in Rare Events Data", 2001. PyTorch's
/// `CrossEntropyLoss(weight=w)` divides by the sum of `w[t]` over the batch, here it is N.
///
/// ```
/// use mlp::loss::{Loss, LossKind, Weighted};
/// use ndarray::{Array1, Array2, array};
///
/// // Three images of class 0 and one of class 1: weights 4/(2·3) and 4/(2·1).
/// let loss = Weighted::balanced(LossKind::Ce.build::<f64>(), &[3, 1]);
/// let (mut p, mut losses) = (Array2::zeros((2, 2)), Array1::zeros(2));
/// loss.forward(&array![[0., 0.], [0., 0.]], &[0, 1], &mut p, &mut losses);
/// assert!((losses[0] - 2. / 3. * 2_f64.ln()).abs() < 1e-12);
/// assert!((losses[1] - 2. * 2_f64.ln()).abs() < 1e-12);
/// ```
pub struct Weighted<F> {
    inner: Box<dyn Loss<F>>,
    weights: Vec<F>,
}

impl<F: Float> Weighted<F> {
    /// A loss in which all classes with these numbers of images count the same.
    pub fn balanced(inner: Box<dyn Loss<F>>, images: &[usize]) -> Self {
        let all: usize = images.iter().sum();
        let classes = images.iter().filter(|&&n| n > 0).count();
        let weight = |&n: &usize| match n {
            0 => F::zero(),
            n => float::<F>(all) / (float::<F>(classes) * float::<F>(n)),
        };
        let weights = images.iter().map(weight).collect();
        Self { inner, weights }
    }
}

impl<F: Float> Loss<F> for Weighted<F> {
    /// `w[t]·ℓ`, with the prediction of the loss within
    fn image(&self, z: ArrayView1<F>, t: usize, p: ArrayViewMut1<F>) -> F {
        self.weights[t] * self.inner.image(z, t, p)
    }

    /// `dz = w[t]·dz` of the loss within
    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]) {
        self.inner.image_gradient(p, t, n, dz);
        dz.iter_mut().for_each(|dz| *dz *= self.weights[t]);
    }

    fn decoding(&self) -> Decoding {
        self.inner.decoding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::LossKind;
    use ndarray::{Array1, Array2, array};

    /// Central differences of the mean loss, in every output.
    #[test]
    fn the_gradient_is_that_of_the_weighted_mean() {
        for kind in [LossKind::Ce, LossKind::SmoothedCe(0.2), LossKind::MseOnehot] {
            let loss = Weighted::balanced(kind.build::<f64>(), &[5, 1, 0]);
            let (z, targets) = (array![[0.3, -1.2, 0.7], [2.0, 0.1, -0.4]], [0, 1]);
            let mean = |z: &Array2<f64>| {
                let (mut p, mut losses) = (Array2::zeros(z.dim()), Array1::zeros(2));
                loss.forward(z, &targets, &mut p, &mut losses);
                (losses.mean().unwrap(), p)
            };
            let mut dz = Array2::zeros(z.dim());
            loss.backward(&mean(&z).1, &targets, 2, &mut dz);
            for (at, dz) in dz.indexed_iter() {
                let moved = |by: f64| {
                    let mut z = z.clone();
                    z[at] += by;
                    mean(&z).0
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((dz - slope).abs() < 1e-9, "{kind}: {dz}, not {slope}");
            }
        }
    }

    #[test]
    fn balanced_weights_add_up_to_the_images() {
        let loss = Weighted::<f64>::balanced(LossKind::Ce.build(), &[6, 3, 0, 1]);
        assert_eq!(loss.weights[2], 0.0);
        let sum = 6.0 * loss.weights[0] + 3.0 * loss.weights[1] + loss.weights[3];
        assert!((sum - 10.0).abs() < 1e-12);
        assert!((loss.weights[3] / loss.weights[0] - 6.0).abs() < 1e-12);
    }
}
