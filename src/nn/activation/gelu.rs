use super::{About, Elementwise, Float, Formula, constant};
use crate::{linalg::functions::tanh, nn::Init};

/// y = x·(1 + t)/2 with t = tanh(√(2/π)·(x + 0.044715·x³)), element by element
///
/// Shapes: x, y (N, I), so O = I. y is x times the probability that a standard normal number is below x, in
/// its usual approximation by tanh. The product rule, with the slope 1 − t² of tanh, gives
///
/// ```text
/// ∂t/∂x = (1 − t²)·√(2/π)·(1 + 3·0.044715·x²)
/// ∂y/∂x = (1 + t)/2 + x/2·∂t/∂x
///
/// dx = dy·((1 + t)/2 + x/2·(1 − t²)·√(2/π)·(1 + 3·0.044715·x²))
/// ```
///
/// A smooth ReLU: y → x far above 0 and y → 0 far below, with a minimum of −0.17 at x = −0.75. The same as
/// PyTorch's `GELU(approximate="tanh")`.
///
/// Source: D. Hendrycks and K. Gimpel, "Gaussian error linear units", 2016.
///
/// ```
/// use mlp::nn::{GELU, Module};
/// use ndarray::{Array2, array};
///
/// // At x = 1, t = tanh(0.797885·1.044715) = 0.682384, so y = 1.682384/2 and the slope is
/// // 0.841192 + (1 − 0.465648)/2·0.797885·1.134145 = 1.082964
/// let (x, dy) = (array![[0., 1.]], array![[3., 2.]]);
/// let (mut y, mut dx) = (Array2::zeros((1, 2)), Array2::zeros((1, 2)));
/// GELU.forward(&x, &mut y);
/// assert!((&y - array![[0., 0.841192]]).iter().all(|error: &f64| error.abs() < 1e-6));
/// GELU.backward_input(&x, &y, &dy, &mut dx);
/// assert!((&dx - array![[1.5, 2.165928]]).iter().all(|error: &f64| error.abs() < 1e-6));
/// ```
#[derive(Clone, Copy)]
pub struct GELU;

/// √(2/π)
const ROOT: f64 = 0.797_884_560_802_865_4;
const CUBIC: f64 = 0.044_715;

impl Elementwise for GELU {
    const ABOUT: About = About {
        flag: "gelu",
        name: "GELU",
        formula: Formula {
            y: "x·(1 + t)/2 with t = tanh(√(2/π)·(x + 0.044715·x³))",
            dx: "dy·((1 + t)/2 + x/2·(1 − t²)·√(2/π)·(1 + 3·0.044715·x²)) \
                 with t = tanh(√(2/π)·(x + 0.044715·x³))",
        },
        init: Init::KaimingUniform,
        kink: false,
        switches_off: false,
    };

    fn y<F: Float>(x: F) -> F {
        x * (F::one() + t(x)) * constant(0.5)
    }

    fn dx<F: Float>(x: F, _y: F, dy: F) -> F {
        let (half, t) = (constant::<F>(0.5), t(x));
        let dt =
            (F::one() - t * t) * constant(ROOT) * (F::one() + constant::<F>(3.0 * CUBIC) * x * x);
        dy * (half * (F::one() + t) + half * x * dt)
    }
}

/// t = tanh(√(2/π)·(x + 0.044715·x³))
fn t<F: Float>(x: F) -> F {
    tanh(constant::<F>(ROOT) * (x + constant::<F>(CUBIC) * x * x * x))
}
