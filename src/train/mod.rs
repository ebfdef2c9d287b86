//! The training loop and what surrounds it. It prints nothing: an [`Observer`] is told what happens.

pub mod bench;
pub mod binary;
pub mod calibration;
pub mod comparison;
pub mod familiar;
mod fit;
pub mod learned;
pub mod lr_find;
pub mod metrics;
mod observer;
pub mod optim;
pub mod pass;
mod progress;
pub mod recipes;
pub mod schedule;
mod settings;
pub mod statistics;
mod step;

pub use fit::{Images, TrainError, Trained, fit, resume, train};
pub use observer::{Epoch, Observer, Step};
pub use progress::{Best, End, Progress};
pub use settings::{ClassWeights, Settings, TEST_SEED};
pub use step::{BatchResult, NotFinite, Trainer};
