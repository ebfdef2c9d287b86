use super::{About, Elementwise, Float, Formula, constant};
use crate::nn::Init;

/// y = x where x > 0, else 0.01·x, element by element
///
/// Shapes: x, y (N, I), so O = I. [`ReLU`](super::ReLU) with a small slope where ReLU has none:
///
/// ```text
/// ∂y/∂x = 1 where x > 0, 0.01 where x < 0
///
/// dx = dy where x > 0, else 0.01·dy
/// ```
///
/// So no unit is ever quite off, and none can die. At the kink x = 0 the slope is taken to be 0.01, as in
/// PyTorch's `LeakyReLU`.
///
/// Source: A. Maas, A. Hannun and A. Ng, "Rectifier nonlinearities improve neural network acoustic
/// models", 2013.
///
/// ```
/// use mlp::nn::{LeakyReLU, Module};
/// use ndarray::{Array2, array};
///
/// let (x, dy) = (array![[1., -2.], [0., 3.]], array![[5., 6.], [7., 8.]]);
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// LeakyReLU.forward(&x, &mut y);
/// assert_eq!(y, array![[1., -0.02], [0., 3.]]);
/// LeakyReLU.backward_input(&x, &y, &dy, &mut dx);
/// assert_eq!(dx, array![[5., 0.06], [0.07, 8.]]);
/// ```
#[derive(Clone, Copy)]
pub struct LeakyReLU;

impl Elementwise for LeakyReLU {
    const ABOUT: About = About {
        flag: "leaky-relu",
        name: "LeakyReLU",
        formula: Formula {
            y: "x where x > 0, else 0.01·x",
            dx: "dy where x > 0, else 0.01·dy",
        },
        init: Init::KaimingUniform,
        kink: true,
        switches_off: false,
    };

    fn y<F: Float>(x: F) -> F {
        if x > F::zero() {
            x
        } else {
            constant::<F>(0.01) * x
        }
    }

    fn dx<F: Float>(x: F, _y: F, dy: F) -> F {
        if x > F::zero() {
            dy
        } else {
            constant::<F>(0.01) * dy
        }
    }
}
