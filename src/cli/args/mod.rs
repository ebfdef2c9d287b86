//! Flags that several commands share, and how their values are read.

pub mod architecture;
pub mod augment;
pub mod network;
pub mod optim;
pub mod settings;
