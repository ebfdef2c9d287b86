//! Files that outlive a run. Their readers trust nothing that they have not checked.

pub mod arrays;
pub mod checkpoint;
pub mod dataset;
pub mod export;
pub mod model;
pub mod net;
mod protobuf;
pub mod run;
pub mod sweep;
pub mod tensorboard;
