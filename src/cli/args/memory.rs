//! Which networks are refused because no machine of ours could hold or save them.

use anyhow::ensure;
use mlp::files::model;

use crate::cli::terminal::{describe::layers_text, output::thousands};

/// The most memory that a network and its batches may take: 8 GiB.
const MAX_MEMORY: u64 = 8 << 30;

/// Bytes that a parameter and an activation take, gradients included.
#[derive(Clone, Copy)]
pub struct Bytes {
    /// Of a parameter.
    pub parameter: u64,
    /// Of an activation.
    pub activation: u64,
}

/// Training, in `f32`: w, dw, v and a copy of the best.
pub const TRAINING: Bytes = Bytes {
    parameter: 16,
    activation: 8,
};
/// A gradient check, in `f64`: a weight, its gradient and its place in the list to choose from; y and dy, on
/// both sides of a change.
pub const CHECK: Bytes = Bytes {
    parameter: 48,
    activation: 48,
};
/// One image there and back, in `f64`.
pub const ONE_PASS: Bytes = Bytes {
    parameter: 16,
    activation: 16,
};

/// Refuses a network that cannot be saved or does not fit the memory, before anything is allocated.
/// `batch` is the number of images at a time.
pub fn check_size(layers: &[usize], batch: usize, bytes: Bytes) -> anyhow::Result<()> {
    // No overflow: at most 1,000 widths of at most 100,000, and batches are no larger than the data.
    let wide = |n: usize| n as u64;
    let parameters: u64 = layers
        .windows(2)
        .map(|io| (wide(io[0]) + 1) * wide(io[1]))
        .sum();
    let activations = wide(batch) * layers.iter().copied().map(wide).sum::<u64>();
    let memory = bytes.parameter * parameters + bytes.activation * activations;
    ensure!(
        memory <= MAX_MEMORY,
        "{} with batches of {batch} needs {} GB for {} parameters and {} activations, expected at most {} GB: \
         choose a narrower --hidden or a smaller --batch-size",
        layers_text(layers),
        memory.div_ceil(1_000_000_000),
        thousands(parameters),
        thousands(activations),
        MAX_MEMORY / 1_000_000_000,
    );
    // What is written must be read again; a megabyte is more than the names and shapes need.
    let most = (model::MAX_BYTES - (1 << 20)) / 4;
    ensure!(
        parameters <= most,
        "{}: {} parameters, expected at most {}, which is what a model file holds: choose a narrower --hidden",
        layers_text(layers),
        thousands(parameters),
        thousands(most),
    );
    Ok(())
}
