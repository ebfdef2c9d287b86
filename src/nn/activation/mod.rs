//! Activation functions: each is two lines from the board, `y(x)` and `dx(x, y, dy)`, and one entry in the
//! list below.

mod gelu;
mod identity;
mod leaky_relu;
mod relu;
mod scaled_tanh;
mod sigmoid;
mod tanh;

use ndarray::{ArrayRef2, Zip};
use serde::{Deserialize, Serialize};

use super::{Float, Formula, Init, Kind, Module};
use crate::linalg::{map, zip_map3};
pub use gelu::GELU;
pub use identity::Identity;
pub use leaky_relu::LeakyReLU;
pub use relu::ReLU;
pub use scaled_tanh::ScaledTanh;
pub use sigmoid::Sigmoid;
pub use tanh::Tanh;

/// A function of one number, applied to every element: y and x (N, I), so O = I.
///
/// Each `x[n][i]` acts on L only through its own `y[n][i]`, so the chain rule has one term, dx = dy·∂y/∂x.
pub trait Elementwise: Copy + Send + Sync + 'static {
    /// Its description.
    const ABOUT: About;

    /// y from x.
    fn y<F: Float>(x: F) -> F;

    /// dx from dy, with x and y as they were in the forward pass.
    fn dx<F: Float>(x: F, y: F, dy: F) -> F;
}

/// The description of an activation function, used wherever one is named, written down or drawn.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name in flags and model files.
    pub flag: &'static str,
    /// PyTorch's name of the module, or one in its style.
    pub name: &'static str,
    /// The two lines from the board.
    pub formula: Formula,
    /// The initialisation that was derived for it.
    pub init: Init,
    /// Whether it has a kink at x = 0, where a finite difference says nothing.
    pub kink: bool,
    /// Whether y = 0 and dx = 0 wherever x ≤ 0: such a unit is off, and dead if it is always off.
    pub switches_off: bool,
}

macro_rules! activations {
    ($($(#[$attribute:meta])* $module:ident $variant:ident)*) => {
        /// The activation functions.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Activation {
            $(#[doc = concat!("[`", stringify!($module), "`]")] $(#[$attribute])* $variant,)*
        }

        impl Activation {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($variant)),*].len()] = [$(Self::$variant),*];

            /// Its description.
            pub fn about(self) -> &'static About {
                match self {
                    $(Self::$variant => &<$module as Elementwise>::ABOUT,)*
                }
            }

            /// Its module.
            pub fn module<F: Float>(self) -> Box<dyn Module<F>> {
                match self {
                    $(Self::$variant => Box::new($module),)*
                }
            }
        }
    };
}

activations! {
    #[default] ReLU Relu
    Tanh Tanh
    ScaledTanh ScaledTanh
    Sigmoid Sigmoid
    LeakyReLU LeakyRelu
    GELU Gelu
    #[serde(rename = "none")] Identity Identity
}

impl Activation {
    /// Its name in flags and model files.
    pub fn flag(self) -> &'static str {
        self.about().flag
    }

    fn of<A: Elementwise>() -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|activation| activation.flag() == A::ABOUT.flag)
            .expect("every module stands in the list")
    }
}

impl<F: Float, A: Elementwise> Module<F> for A {
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        map(x, y, A::y);
    }

    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        zip_map3(x, y, dy, dx, A::dx);
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn kind(&self) -> Kind {
        Kind::Activation(Activation::of::<A>())
    }

    fn smooth_between(&self, x0: &ArrayRef2<F>, x1: &ArrayRef2<F>) -> bool {
        let side = |x: F| x > F::zero();
        !A::ABOUT.kink || Zip::from(x0).and(x1).all(|&x0, &x1| side(x0) == side(x1))
    }
}

/// A constant of a formula.
#[inline(always)]
fn constant<F: Float>(value: f64) -> F {
    F::from(value).expect("f64 converts to any float")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Expression;
    use ndarray::Array2;

    #[test]
    fn the_formulas_that_are_shown_are_those_that_are_computed() {
        let xs = [-3.0, -0.7, -0.001, 0.0, 0.02, 0.5, 2.5];
        let x = Array2::from_shape_vec((1, xs.len()), xs.to_vec()).unwrap();
        let dy = Array2::from_elem(x.dim(), -1.75);
        for activation in Activation::ALL {
            let module = activation.module::<f64>();
            let (mut y, mut dx) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
            module.forward(&x, &mut y);
            module.backward_input(&x, &y, &dy, &mut dx);
            let formula = activation.about().formula;
            for (column, &x) in xs.iter().enumerate() {
                let at = [0, column];
                let letters = |name: &str| match name {
                    "x" => Some(x),
                    "y" => Some(y[at]),
                    "dy" => Some(dy[at]),
                    _ => None,
                };
                for (text, found) in [(formula.y, y[at]), (formula.dx, dx[at])] {
                    let expected = Expression::parse(text).unwrap().value(&letters);
                    assert!((found - expected).abs() < 1e-12, "{text} at x = {x}");
                }
            }
        }
    }

    #[test]
    fn what_switches_off_has_its_kink_there() {
        for activation in Activation::ALL {
            let about = activation.about();
            assert!(about.kink || !about.switches_off, "{}", about.name);
        }
    }
}
