//! Pictures of networks and runs.

pub mod drawing;
pub mod names;
pub mod page;
pub mod palette;
pub mod plot;
