use ndarray::ArrayRef2;

use super::{Float, Module};
use crate::linalg::{map, tanh, zip_map};

/// y = tanh(x) = (e^x − e^−x) / (e^x + e^−x), element by element
///
/// Shapes: x, y (N, I), so O = I. By the quotient rule the slope is 1 − tanh²(x), and tanh(x) is y:
///
/// ```text
/// dx = dy·(1 − y²)
/// ```
///
/// The slope is 1 at 0 and vanishes on both sides: 0.07 at x = ±2, 0.0002 at ±5.
///
/// ```
/// use mlp::nn::{Module, Tanh};
/// use ndarray::{Array2, array};
///
/// // tanh(ln 2) = (2 − 1/2) / (2 + 1/2) = 0.6
/// let (x, dy) = (array![[0., 2_f64.ln()]], array![[5., 5.]]);
/// let (mut y, mut dx) = (Array2::zeros((1, 2)), Array2::zeros((1, 2)));
/// Tanh.forward(&x, &mut y);
/// assert!((&y - array![[0., 0.6]]).iter().all(|error| error.abs() < 1e-15));
/// Tanh.backward_input(&x, &y, &dy, &mut dx);
/// assert!((&dx - array![[5., 3.2]]).iter().all(|error| error.abs() < 1e-14)); // 5·(1 − 0.36)
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
/// Shapes: x, y (N, I), so O = I. By the chain rule, and since tanh(b·x) is y/a,
///
/// ```text
/// dx = dy·a·b·(1 − (y/a)²) = dy·(b/a)·(a² − y²)
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
/// let (x, dy) = (array![[0., 1., -1.]], array![[1., 1., 1_f64]]);
/// let (mut y, mut dx) = (Array2::zeros((1, 3)), Array2::zeros((1, 3)));
/// ScaledTanh.forward(&x, &mut y);
/// assert!((&y - array![[0., 1., -1.]]).iter().all(|error: &f64| error.abs() < 1e-4));
/// ScaledTanh.backward_input(&x, &y, &dy, &mut dx);
/// assert!((dx[[0, 0]] - 1.7159_f64 * 2. / 3.).abs() < 1e-12);
/// assert!((dx[[0, 1]] - 0.7554_f64).abs() < 1e-4); // (b/a)·(a² − 1)
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
