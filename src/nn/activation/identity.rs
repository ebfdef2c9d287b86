use super::{About, Elementwise, Float, Formula};
use crate::nn::Init;

/// y = x, element by element: no activation at all
///
/// Shapes: x, y (N, I), so O = I. The slope is 1 everywhere:
///
/// ```text
/// ∂y/∂x = 1
///
/// dx = dy
/// ```
///
/// With it two linear layers are one, and so are any number of them:
///
/// ```text
/// (x·w1 + b1)·w2 + b2 = x·w1·w2 + b1·w2 + b2
///                     = x·(w1·w2) + (b1·w2 + b2)
///                     = x·w + b        with w = w1·w2, b = b1·w2 + b2
/// ```
///
/// So hidden layers add nothing to what the network can compute: that is what the other activations are for.
///
/// ```
/// use mlp::nn::{Identity, Module};
/// use ndarray::{Array2, array};
///
/// let (x, dy) = (array![[1., -2.], [0., 3.]], array![[5., 6.], [7., 8.]]);
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// Identity.forward(&x, &mut y);
/// assert_eq!(y, x);
/// Identity.backward_input(&x, &y, &dy, &mut dx);
/// assert_eq!(dx, dy);
/// ```
#[derive(Clone, Copy)]
pub struct Identity;

impl Elementwise for Identity {
    const ABOUT: About = About {
        flag: "none",
        name: "Identity",
        formula: Formula { y: "x", dx: "dy" },
        init: Init::XavierUniform,
        kink: false,
        switches_off: false,
    };

    fn y<F: Float>(x: F) -> F {
        x
    }

    fn dx<F: Float>(_x: F, _y: F, dy: F) -> F {
        dy
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use crate::{
        nn::{Activation, Architecture, Init},
        rng::{Purpose, generator},
    };

    #[test]
    fn two_linear_layers_are_one() {
        let architecture = Architecture {
            activation: Activation::Identity,
            ..Architecture::relu(&[5, 4, 3])
        };
        let mut rng = generator(1, Purpose::Init);
        let mut network = architecture.init::<f64>(Init::XavierUniform, &mut rng);
        for (m, unit) in [(0, 3), (2, 1)] {
            network.param_mut(m, 1).value[[0, unit]] = 0.5;
        }
        let [w1, b1, w2, b2] =
            [(0, 0), (0, 1), (2, 0), (2, 1)].map(|(m, p)| &network.param(m, p).value);
        let x = Array2::from_shape_fn((2, 5), |(n, i)| (n as f64 + 1.0) * (i as f64 - 1.7));
        let as_one = x.dot(&w1.dot(w2)) + (b1.dot(w2) + b2);
        let found = network.predict(&x);
        assert!((found - as_one).iter().all(|error| error.abs() < 1e-12));
    }
}
