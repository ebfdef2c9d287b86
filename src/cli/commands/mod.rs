//! One file a command, or one folder. They use what is in `args` and `terminal`, and never each other.

pub mod augment_preview;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod data;
pub mod eval;
pub mod explain;
pub mod export;
pub mod export_batch;
pub mod gradcheck;
pub mod learn;
pub mod lr_find;
pub mod man;
pub mod plot;
pub mod predict;
pub mod recipes;
pub mod sweep;
pub mod train;
pub mod worksheet;
