use super::{About, Elementwise, Float, Formula, constant};
use crate::{linalg::functions::tanh, nn::Init};

/// y = a·tanh(b·x) with a = 1.7159 and b = 2/3, element by element
///
/// Shapes: x, y (N, I), so O = I. The chain rule, with the slope of [`Tanh`](super::Tanh) and tanh(b·x) = y/a,
/// gives
///
/// ```text
/// ∂y/∂x = a·b·(1 − tanh²(b·x)) = a·b·(1 − (y/a)²) = (b/a)·(a² − y²)
///
/// dx = dy·(b/a)·(a² − y²)
/// ```
///
/// The constants make y(±1) = ±1: inputs of variance 1 give outputs of about variance 1, and targets of
/// ±1 lie where the slope is still large.
///
/// Source: Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998, section 4.4.
///
/// ```
/// use mlp::nn::{Module, ScaledTanh};
/// use ndarray::{Array2, array};
///
/// let x = array![[0., 1.5 * 2_f64.ln()], [1., -1.]]; // b·1.5·ln 2 = ln 2, whose tanh is 0.6
/// let dy = array![[1., 1.], [1., 2.]];
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// ScaledTanh.forward(&x, &mut y);
/// let expected = array![[0., 1.7159 * 0.6], [1., -1.]];
/// assert!((&y - expected).iter().all(|error| error.abs() < 1e-4));
/// ScaledTanh.backward_input(&x, &y, &dy, &mut dx);
/// let ab = 1.7159 * 2. / 3.; // the slope at 0
/// let expected = array![[ab, ab * 0.64], [0.7554, 2. * 0.7554]]; // 1 − 0.36; (b/a)·(a² − 1)
/// assert!((&dx - expected).iter().all(|error| error.abs() < 1e-4));
/// ```
#[derive(Clone, Copy)]
pub struct ScaledTanh;

impl ScaledTanh {
    /// The largest |y|.
    pub const A: f64 = 1.7159;
    /// The slope of the argument of tanh.
    pub const B: f64 = 2.0 / 3.0;
}

impl Elementwise for ScaledTanh {
    const ABOUT: About = About {
        flag: "scaled-tanh",
        name: "ScaledTanh",
        formula: Formula {
            y: "1.7159·tanh(2/3·x)",
            dx: "dy·(2/3)/1.7159·(1.7159² − y²)",
        },
        init: Init::LecunUniform,
        kink: false,
        switches_off: false,
    };

    fn y<F: Float>(x: F) -> F {
        let (a, b) = (constant::<F>(Self::A), constant::<F>(Self::B));
        a * tanh(b * x)
    }

    fn dx<F: Float>(_x: F, y: F, dy: F) -> F {
        let (b_a, a) = (constant::<F>(Self::B / Self::A), constant::<F>(Self::A));
        dy * b_a * (a * a - y * y)
    }
}
