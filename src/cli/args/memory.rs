//! What is refused because this machine could not hold it, or no file of ours could.

use anyhow::ensure;
use mlp::files::model;

use crate::cli::{
    args::available::available,
    terminal::{describe::layers_text, output::thousands},
};

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

const MEGABYTE: u64 = 1_000_000;

/// Megabytes in words.
fn size(megabytes: u64) -> String {
    match megabytes {
        0..1000 => format!("{megabytes} MB"),
        _ => format!("{} GB", megabytes / 1000),
    }
}

/// Refuses data that take so many bytes to read, before anything is allocated.
pub fn check_data(bytes: u64) -> anyhow::Result<()> {
    let left = available();
    ensure!(
        bytes <= left.bytes,
        "reading the data takes {}, and the {} leaves {}: raise it, or free some memory",
        size(bytes.div_ceil(MEGABYTE)),
        left.bound,
        size(left.bytes / MEGABYTE),
    );
    Ok(())
}

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
    let refused = |most: u64, why: &str| {
        anyhow::anyhow!(
            "{} with batches of {batch} needs {} for {} parameters and {} activations, expected at most {}{why}: \
             choose a narrower --hidden or a smaller --batch-size",
            layers_text(layers),
            size(memory.div_ceil(MEGABYTE)),
            thousands(parameters),
            thousands(activations),
            size(most / MEGABYTE),
        )
    };
    ensure!(memory <= MAX_MEMORY, refused(MAX_MEMORY, ""));
    // What is written must be read again; a megabyte is more than the names and shapes need.
    let most = (model::MAX_BYTES - (1 << 20)) / 4;
    ensure!(
        parameters <= most,
        "{}: {} parameters, expected at most {}, which is what a model file holds: choose a narrower --hidden",
        layers_text(layers),
        thousands(parameters),
        thousands(most),
    );
    let left = available();
    let why = format!(", which is what the {} leaves", left.bound);
    ensure!(memory <= left.bytes, refused(left.bytes, &why));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_refused_with_its_size_and_the_bound() {
        check_size(&[784, 50, 10], 16, TRAINING).unwrap();
        let refused = |layers: &[usize]| {
            let error = check_size(layers, 16, TRAINING).unwrap_err();
            error.to_string()
        };
        let error = refused(&[784, 100_000, 100_000, 10]);
        assert!(error.contains("needs 161 GB for 10,0"), "{error}");
        assert!(error.contains("at most 8 GB: choose"), "{error}");
        check_data(1).unwrap();
        if available().bytes < u64::MAX {
            let error = check_data(u64::MAX).unwrap_err().to_string();
            assert!(error.contains("leaves "), "{error}");
        }
    }
}
