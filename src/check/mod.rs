//! Checks every gradient against finite differences, in `f64`.
//!
//! A derivative is the effect of a small change. So for an element v of any input or parameter
//!
//! ```text
//! ∂L/∂v ≈ (L(v + eps) − L(v − eps)) / (2·eps)
//! ```
//!
//! with an error of order eps² (the central difference). The checker changes one element at a time, runs the
//! very code that trains, which is generic over the float type, and compares. It shares nothing with the
//! backward passes it checks, so it cannot repeat their mistakes.
//!
//! The disagreement between the gradient a of the backward pass and the finite difference d is measured as
//! |a − d| / max(|a|, |d|, 1e-3): a relative error, but an absolute one for gradients so small that the
//! rounding of L would dominate.

mod finite_differences;
pub mod mistakes;
mod problem;
mod suite;

pub use finite_differences::{
    Settings, TensorReport, Worst, check_loss, check_module, check_network, off_zero,
};
pub use problem::{Pass, check_problem};
pub use suite::{
    Group, architecture, injected, losses, model, modules, network, random_images, random_network,
};
