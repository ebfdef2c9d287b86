//! e^x and its kin, with the same bits on every processor and with every system.
//!
//! The methods of `f32` and `f64` call the system's library, which rounds the last bit as its version likes. These
//! are made of sums, products and quotients alone, which every processor rounds alike. So whatever a trained network
//! depends on uses these and not the methods. (Square roots are exact to the last bit everywhere.)

use super::Float;
pub use libm::{cos, pow, sin, tan};

/// e^x; in `f32` right to 2 units of the last place, and 0 below the least normal number, 1.2·10⁻³⁸.
#[inline(always)]
pub fn exp<F: Float>(x: F) -> F {
    x.exponential()
}

/// The natural logarithm of x.
#[inline(always)]
pub fn ln<F: Float>(x: F) -> F {
    x.logarithm()
}

/// ln(1 + x), without the loss of digits near 0.
#[inline(always)]
pub fn ln_1p<F: Float>(x: F) -> F {
    x.logarithm_of_one_plus()
}

/// tanh x; in `f32` right to 3 units of the last place.
#[inline(always)]
pub fn tanh<F: Float>(x: F) -> F {
    x.hyperbolic_tangent()
}

/// 1 / (1 + e^−x), the logistic function, as [`tanh`]. (In `f32`, e^−87 is the least.)
#[inline(always)]
pub fn sigmoid<F: Float>(x: F) -> F {
    x.logistic()
}
