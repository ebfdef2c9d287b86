//! What is kept of a network and of a run.

mod checkpoint;
mod model;
mod net;
