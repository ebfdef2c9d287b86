//! Flags that several commands share, and how their values are read: one file a job.

pub mod architecture;
pub mod augment;
pub mod data;
pub mod given;
pub mod hidden;
pub mod json;
pub mod loss;
pub mod memory;
pub mod mistake;
pub mod model;
pub mod number;
pub mod optim;
pub mod recipe;
pub mod settings;
pub mod split;
pub mod threads;
pub mod usage;
