//! Plots of runs and models: a few shapes, written as SVG or painted as PNG.

mod chart;
mod grids;
mod model;
mod paint;
mod rates;
mod reliability;
mod runs;
mod shapes;
mod steps;
mod svg;

pub use grids::{Augmented, augmented, weights, weights_png};
pub use model::{Wrong, confusion, worst};
pub use rates::rates;
pub use reliability::reliability;
pub use runs::{MAX_RUNS, curves, layers};
pub use shapes::{Anchor, Picture, Pixels, Shape};
pub use steps::preparation;
