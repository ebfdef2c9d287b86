//! The activations, as on the board.

use crate::nn::{Activation, ScaledTanh};

/// y from x.
pub(in crate::check::mistakes) fn f(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu => {
            if x > 0.0 {
                x
            } else {
                0.01 * x
            }
        }
        Activation::Tanh => x.tanh(),
        Activation::ScaledTanh => ScaledTanh::A * (ScaledTanh::B * x).tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Gelu => {
            let root = (2.0 / std::f64::consts::PI).sqrt();
            let u = root * (x + 0.044715 * x.powi(3));
            x / (1.0 + (-2.0 * u).exp())
        }
        Activation::Identity => x,
    }
}

/// ∂y/∂x at x; y serves those functions whose slope is written in terms of y.
pub(in crate::check::mistakes) fn slope(activation: Activation, x: f64, y: f64) -> f64 {
    match activation {
        Activation::Relu => f64::from(x > 0.0),
        Activation::Tanh => 1.0 - y * y,
        Activation::ScaledTanh => {
            let (a, b) = (ScaledTanh::A, ScaledTanh::B);
            b / a * (a * a - y * y)
        }
        Activation::Sigmoid => y * (1.0 - y),
        Activation::LeakyRelu => {
            if x > 0.0 {
                1.0
            } else {
                0.01
            }
        }
        Activation::Gelu => {
            // y = x·σ(2u), since (1 + tanh u)/2 is the logistic function of 2u.
            let root = (2.0 / std::f64::consts::PI).sqrt();
            let (u, du) = (
                root * (x + 0.044715 * x.powi(3)),
                root * (1.0 + 0.134145 * x.powi(2)),
            );
            let s = 1.0 / (1.0 + (-2.0 * u).exp());
            s + x * 2.0 * du * s * (1.0 - s)
        }
        Activation::Identity => 1.0,
    }
}
