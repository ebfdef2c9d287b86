use super::{About, Elementwise, Float, Formula};
use crate::{linalg::functions::tanh, nn::Init};

/// y = tanh(x) = (e^x − e^−x) / (e^x + e^−x), element by element
///
/// Shapes: x, y (N, I), so O = I. Of s = e^x − e^−x and c = e^x + e^−x each is the slope of the other, so the
/// quotient rule gives
///
/// ```text
/// ∂y/∂x = ∂(s/c)/∂x = (c·c − s·s)/c² = 1 − y²
///
/// dx = dy·(1 − y²)
/// ```
///
/// The slope is 1 at 0 and vanishes on both sides: 0.07 at x = ±2, 0.0002 at ±5.
///
/// ```
/// use mlp::nn::{Module, Tanh};
/// use ndarray::{Array2, array};
///
/// // tanh(ln 2) = (2 − 1/2) / (2 + 1/2) = 0.6 and tanh(ln 3) = (3 − 1/3) / (3 + 1/3) = 0.8
/// let (x, dy) = (array![[0., 2_f64.ln()], [-2_f64.ln(), 3_f64.ln()]], array![[5., 5.], [1., 1.]]);
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// Tanh.forward(&x, &mut y);
/// assert!((&y - array![[0., 0.6], [-0.6, 0.8]]).iter().all(|error| error.abs() < 1e-15));
/// Tanh.backward_input(&x, &y, &dy, &mut dx);
/// let expected = array![[5., 3.2], [0.64, 0.36]]; // 5·(1 − 0.36) = 3.2
/// assert!((&dx - expected).iter().all(|error| error.abs() < 1e-14));
/// ```
#[derive(Clone, Copy)]
pub struct Tanh;

impl Elementwise for Tanh {
    const ABOUT: About = About {
        flag: "tanh",
        name: "Tanh",
        formula: Formula {
            y: "tanh(x)",
            dx: "dy·(1 − y²)",
        },
        init: Init::XavierUniform,
        kink: false,
        switches_off: false,
    };

    fn y<F: Float>(x: F) -> F {
        tanh(x)
    }

    fn dx<F: Float>(_x: F, y: F, dy: F) -> F {
        dy * (F::one() - y * y)
    }
}
