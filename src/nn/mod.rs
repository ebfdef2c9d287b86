//! Hand-written modules: a forward and a backward pass each, one formula per line.
//!
//! # The legend
//!
//! | symbol | meaning |
//! |---|---|
//! | N | images in the batch (rows of every activation) |
//! | I, O | inputs and outputs of a module |
//! | C | outputs of the whole network: 10 classes, or 1 digit |
//! | x (N, I), y (N, O) | what goes into a module and what comes out |
//! | w (I, O), b (1, O) | weight and bias |
//! | L | the loss of the batch, a mean over its N images |
//! | dx, dy, dw, db | ∂L/∂x, ∂L/∂y, ∂L/∂w, ∂L/∂b, shaped like what they belong to |
//!
//! The lesson's `inp`, `out`, `out.g` and `inp.g` are `x`, `y`, `dy` and `dx`. Nothing is hidden on tensors:
//! a module is handed all four, and the borrow checker says who writes what.
//!
//! Every module derives its backward pass. [`lesson`](crate::lesson) leads through them in order.

mod activation;
mod architecture;
mod dropout;
mod formula;
mod init;
mod linear;
mod mlp;
mod module;
mod param;
mod tape;

pub use crate::linalg::Float;
pub use activation::{
    About, Activation, Elementwise, GELU, Identity, LeakyReLU, ReLU, ScaledTanh, Sigmoid, Tanh,
};
pub use architecture::Architecture;
pub use dropout::{Dropout, Mask};
pub use formula::{Expression, Formula, renamed};
pub use init::{Init, kaiming_uniform};
pub use linear::Linear;
pub use mlp::{Layers, Mlp, in_training};
pub use module::{Kind, Module};
pub use param::{Gradient, Param, ParamRows};
pub use tape::{Tape, TapeRows};
