//! One file a command.

pub mod augment_preview;
pub mod bench;
pub mod compare;
pub mod data;
pub mod eval;
pub mod explain;
pub mod export_batch;
pub mod gradcheck;
pub mod lr_find;
pub mod mistakes;
pub mod plot;
pub mod recipes;
pub mod train;
