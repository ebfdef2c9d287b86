//! Backpropagation you can read, check and trust.
#![warn(missing_docs)]
#![deny(unsafe_code)] // allowed in two places: linalg's choice of instructions, and the team of threads

pub mod atomic_file;
pub mod data;
pub mod gradcheck;
pub mod linalg;
pub mod loss;
pub mod metrics;
pub mod model_file;
pub mod nn;
pub mod optim;
pub mod team;
pub mod train;
