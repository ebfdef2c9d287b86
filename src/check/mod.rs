//! Every gradient against finite differences, in `f64`.
//!
//! A derivative is what a small change does. So for an element v of any input or parameter
//!
//! ```text
//! ∂L/∂v ≈ (L(v + eps) − L(v − eps)) / (2·eps)
//! ```
//!
//! with an error of order eps², the central difference. The checker changes one element at a time,
//! runs the very code that trains, generic over its floats, and compares. It shares nothing with the
//! backward passes it checks, so it cannot repeat their mistakes.
//!
//! The measure of disagreement between the backward pass a and the difference d is
//! |a − d| / max(|a|, |d|, 1e-3): relative, but absolute for gradients so small that the rounding of L
//! is what one would measure.

mod finite_differences;
pub mod mistakes;
mod suite;

pub use finite_differences::{
    Settings, TensorReport, Worst, check_loss, check_module, check_network, off_zero,
};
pub use suite::{
    Group, architecture, injected, losses, model, modules, network, random_images, random_network,
};
