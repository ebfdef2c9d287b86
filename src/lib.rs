//! Backpropagation you can read, check and trust.
#![warn(missing_docs)]

pub mod atomic_file;
pub mod data;
