use ndarray::ArrayRef2;

use super::{Float, Module};
use crate::linalg::{map, tanh, zip_map};

/// y = tanh(x) = (e^x − e^−x) / (e^x + e^−x), element by element
///
/// Shapes: x, y (N, I), so O = I. With s = e^x − e^−x and c = e^x + e^−x, each of which is the slope of the
/// other, the quotient rule says
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
pub struct Tanh;

impl<F: Float> Module<F> for Tanh {
    /// y = tanh(x)
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        map(x, y, tanh);
    }

    /// dx = dy·(1 − y²)
    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        zip_map(dy, y, dx, |dy, y| dy * (F::one() - y * y));
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn name(&self) -> &'static str {
        "Tanh"
    }
}

/// y = a·tanh(b·x) with a = 1.7159 and b = 2/3, element by element
///
/// Shapes: x, y (N, I), so O = I. By the chain rule with the slope of [`Tanh`], and since tanh(b·x) is y/a,
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
pub struct ScaledTanh;

impl ScaledTanh {
    /// How far y reaches.
    pub const A: f64 = 1.7159;
    /// How fast it gets there.
    pub const B: f64 = 2.0 / 3.0;
}

impl<F: Float> Module<F> for ScaledTanh {
    /// y = a·tanh(b·x)
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        let [a, b] = [Self::A, Self::B].map(constant::<F>);
        map(x, y, |x| a * tanh(b * x));
    }

    /// dx = dy·(b/a)·(a² − y²)
    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        let [b_a, a] = [Self::B / Self::A, Self::A].map(constant::<F>);
        zip_map(dy, y, dx, |dy, y| dy * b_a * (a * a - y * y));
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn name(&self) -> &'static str {
        "ScaledTanh"
    }
}

fn constant<F: Float>(v: f64) -> F {
    F::from(v).expect("f64 converts to any float")
}
