use super::{About, Elementwise, Float, Formula};
use crate::nn::Init;

/// y = max(x, 0), element by element
///
/// Shapes: x, y (N, I), so O = I. Each `x[n][i]` acts on L only through its own `y[n][i]`, so the chain rule
/// has one term:
///
/// ```text
/// ∂L/∂x[n][i] = ∂L/∂y[n][i] · ∂y[n][i]/∂x[n][i]
/// ∂y/∂x       = 1 where x > 0, 0 where x < 0
///
/// dx = dy where x > 0, else 0
/// ```
///
/// At the kink x = 0 there is no slope; it is taken to be 0, as in PyTorch.
///
/// NaN stays NaN (`max` would turn it into 0 and hide it from everything after).
///
/// ```
/// use mlp::nn::{Module, ReLU};
/// use ndarray::{Array2, array};
///
/// let (x, dy) = (array![[1., -2.], [0., 3.]], array![[5., 6.], [7., 8.]]);
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// ReLU.forward(&x, &mut y);
/// assert_eq!(y, array![[1., 0.], [0., 3.]]);
/// ReLU.backward_input(&x, &y, &dy, &mut dx);
/// assert_eq!(dx, array![[5., 0.], [0., 8.]]); // dy where the unit was on
/// ```
#[derive(Clone, Copy)]
pub struct ReLU;

impl Elementwise for ReLU {
    const ABOUT: About = About {
        flag: "relu",
        name: "ReLU",
        formula: Formula {
            y: "max(x, 0)",
            dx: "dy where x > 0, else 0",
        },
        init: Init::KaimingUniform,
        kink: true,
        switches_off: true,
    };

    fn y<F: Float>(x: F) -> F {
        if x < F::zero() { F::zero() } else { x }
    }

    fn dx<F: Float>(x: F, _y: F, dy: F) -> F {
        if x > F::zero() { dy } else { F::zero() }
    }
}
