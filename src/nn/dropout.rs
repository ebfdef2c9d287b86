use ndarray::ArrayRef2;

use super::{Float, Kind, Module};
use crate::{linalg::map_random, rng::Noise};

/// y = x·m/(1 − p) in training; y = x afterwards
///
/// Shapes: x, y and the mask m (N, I), so O = I. Each element of m is 0 with probability p and 1 otherwise,
/// drawn afresh for every image in every step. Once drawn it is a constant, so y is linear in x, and the
/// backward pass has the same factors:
///
/// ```text
/// ∂y[n][i]/∂x[n][i] = m[n][i]/(1 − p)
///
/// dx = dy·m/(1 − p)
/// ```
///
/// No unit can rely on another being there. The factor 1/(1 − p) keeps the mean of y at x ("inverted
/// dropout"), so that nothing needs to change once training is over. As in PyTorch, p is the probability of
/// being *dropped*; in the source it is that of being kept.
///
/// The mask is not stored but drawn a second time: see [`Noise`].
///
/// Source: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
/// 2014, section 4 and, for the factor, section 10.
///
/// ```
/// use mlp::{nn::{Dropout, Module}, rng::Noise};
/// use ndarray::{Array2, array};
///
/// let (dropout, noise) = (Dropout::new(0.5), Noise::new(18, 1, 1)); // draws m = [[1, 0], [0, 1]]
/// let (x, dy) = (array![[1., 2.], [3., 4.]], array![[5., 6.], [7., 8.]]);
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
///
/// let mask = dropout.mask(noise);
/// mask.forward(&x, &mut y);
/// assert_eq!(y, array![[2., 0.], [0., 8.]]); // x·m/0.5
/// mask.backward_input(&x, &y, &dy, &mut dx);
/// assert_eq!(dx, array![[10., 0.], [0., 16.]]); // dropped where y is
/// dropout.forward(&x, &mut y);
/// assert_eq!(y, x); // once training is over
///
/// // Many units: the mean stays.
/// let (x, mut y) = (Array2::<f64>::ones((4, 1000)), Array2::zeros((4, 1000)));
/// Dropout::new(0.2).mask(noise).forward(&x, &mut y);
/// assert!(y.iter().all(|&y| y == 0. || y == 1.25) && (y.mean().unwrap() - 1.).abs() < 0.05);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    p: f64,
}

/// [`Dropout`] in one step of training: y = x·m/(1 − p) with a fixed mask m.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    p: f64,
    noise: Noise,
    /// Whether the backward pass applies the mask; if not, this is the mistake that gradcheck plants.
    backward: bool,
}

impl Dropout {
    /// Drops each unit with probability p. Panics if p is not at least 0 and below 1.
    pub fn new(p: f64) -> Self {
        assert!((0.0..1.0).contains(&p), "a share of {p} to drop");
        Self { p }
    }

    /// Dropout in a step with this noise.
    pub fn mask(self, noise: Noise) -> Mask {
        Mask {
            p: self.p,
            noise,
            backward: true,
        }
    }
}

impl Mask {
    /// Plants the mistake of a backward pass without a mask: dx = dy.
    pub(crate) fn forgotten_backward(self) -> Self {
        Self {
            backward: false,
            ..self
        }
    }

    /// y = x·m/(1 − p)
    fn apply<F: Float>(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        // Of 2³² random numbers, those below this one drop.
        let dropped = (self.p * 2_f64.powi(32)) as u32;
        let scale = F::from(1.0 / (1.0 - self.p)).expect("f64 converts to any float");
        map_random(
            |row| self.noise.row(row),
            x,
            y,
            |x, random| match random < dropped {
                true => F::zero(),
                false => x * scale,
            },
        );
    }
}

impl<F: Float> Module<F> for Mask {
    /// y = x·m/(1 − p)
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        self.apply(x, y);
    }

    /// dx = dy·m/(1 − p)
    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        _y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        match self.backward {
            true => self.apply(dy, dx),
            false => dx.assign(dy),
        }
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn kind(&self) -> Kind {
        Kind::Dropout
    }
}

impl<F: Float> Module<F> for Dropout {
    /// y = x
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        y.assign(x);
    }

    /// dx = dy
    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        _y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        dx.assign(dy);
    }

    fn in_training(&self, noise: Noise) -> Option<Mask> {
        Some(self.mask(noise))
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn kind(&self) -> Kind {
        Kind::Dropout
    }
}
