use super::{About, Elementwise, Float, Formula};
use crate::{linalg::functions::sigmoid, nn::Init};

/// y = 1 / (1 + e^−x), element by element: the logistic function
///
/// Shapes: x, y (N, I), so O = I. With u = 1 + e^−x, whose slope is −e^−x = 1 − u,
///
/// ```text
/// ∂y/∂x = ∂(1/u)/∂x = −(1 − u)/u² = (1/u)·(u − 1)/u = y·(1 − y)
///
/// dx = dy·y·(1 − y)
/// ```
///
/// The slope is at most 1/4: every layer shrinks the gradient at least fourfold.
///
/// ```
/// use mlp::nn::{Module, Sigmoid};
/// use ndarray::{Array2, array};
///
/// let x = array![[0., 3_f64.ln()], [-3_f64.ln(), 4_f64.ln()]]; // 1 / (1 + 1/3) = 0.75
/// let dy = array![[8., 8.], [8., 100.]];
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// Sigmoid.forward(&x, &mut y);
/// assert!((&y - array![[0.5, 0.75], [0.25, 0.8]]).iter().all(|error| error.abs() < 1e-15));
/// Sigmoid.backward_input(&x, &y, &dy, &mut dx);
/// let expected = array![[2., 1.5], [1.5, 16.]]; // 8·0.75·0.25 = 1.5
/// assert!((&dx - expected).iter().all(|error| error.abs() < 1e-13));
/// ```
#[derive(Clone, Copy)]
pub struct Sigmoid;

impl Elementwise for Sigmoid {
    const ABOUT: About = About {
        flag: "sigmoid",
        name: "Sigmoid",
        formula: Formula {
            y: "1 / (1 + e^−x)",
            dx: "dy·y·(1 − y)",
        },
        init: Init::XavierUniform,
        kink: false,
        switches_off: false,
    };

    fn y<F: Float>(x: F) -> F {
        sigmoid(x)
    }

    fn dx<F: Float>(_x: F, y: F, dy: F) -> F {
        dy * y * (F::one() - y)
    }
}
