//! What is refused because this machine could not hold it, or no file of ours could.

use std::path::Path;

use anyhow::{Context, ensure};
use mlp::{
    files::model,
    train::{Settings, metrics::images_at_a_time},
};

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

/// Training, in `f32`: w, dw, v and a copy of the best; y and dy, of a Linear layer and of its activation.
pub const TRAINING: Bytes = Bytes {
    parameter: 16,
    activation: 16,
};
/// [`TRAINING`] with these settings: Adam keeps two moments of a parameter in the place of v.
pub fn training(settings: &Settings) -> Bytes {
    Bytes {
        parameter: TRAINING.parameter + if settings.moments() { 4 } else { 0 },
        ..TRAINING
    }
}
/// A model that is read and runs, in `f32`: four times its file while it is read; activations as in training.
pub const RUNNING: Bytes = Bytes {
    parameter: 16,
    activation: 16,
};
/// A gradient check, in `f64`: a weight, its gradient and its place in the list to choose from; y and dy, on
/// both sides of a change.
pub const CHECK: Bytes = Bytes {
    parameter: 48,
    activation: 48,
};
/// One image there and back, in `f64`, and what is told of it: seven times the file of a model while it is read; y
/// and dy on the tape and in the trace, of a Linear layer and of its activation.
pub const ONE_PASS: Bytes = Bytes {
    parameter: 32,
    activation: 96,
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
    let advice = "choose a narrower --hidden or a smaller --batch-size";
    check_memory(layers, batch, bytes, (MAX_MEMORY, advice))?;
    // What is written must be read again; a megabyte is more than the names and shapes need.
    let most = (model::MAX_BYTES - (1 << 20)) / 4;
    let parameters = parameters(layers);
    ensure!(
        parameters <= most,
        "{}: {} parameters, expected at most {}, which is what a model file holds: choose a narrower --hidden",
        layers_text(layers),
        thousands(parameters),
        thousands(most),
    );
    Ok(())
}

/// What a command does with a model that it is given.
#[derive(Clone, Copy)]
pub struct Use {
    /// Images at a time.
    pub batch: usize,
    /// Bytes that it takes.
    pub bytes: Bytes,
    /// How many models share the memory.
    pub models: u64,
}

impl Use {
    /// Of so many models, to classify images with so many threads.
    pub fn classifying(models: usize, threads: usize) -> Self {
        Self {
            batch: images_at_a_time(threads),
            bytes: RUNNING,
            models: models as u64,
        }
    }
}

/// Refuses a model that does not fit the memory, before its parameters are read.
pub fn check_model(path: &Path, layers: &[usize], needs: Use) -> anyhow::Result<()> {
    let most = MAX_MEMORY / needs.models.max(1);
    let advice = match needs.models {
        ..=1 => "the model is too wide for this command",
        _ => "the models are too wide to be used together",
    };
    check_memory(layers, needs.batch, needs.bytes, (most, advice))
        .with_context(|| path.display().to_string())
}

fn check_memory(
    layers: &[usize],
    batch: usize,
    bytes: Bytes,
    (most, advice): (u64, &str),
) -> anyhow::Result<()> {
    let parameters = parameters(layers);
    let activations = activations(layers, batch);
    let memory = needed(layers, batch, bytes);
    let refused = |most: u64, why: &str| {
        anyhow::anyhow!(
            "{} with batches of {batch} needs {} for {} parameters and {} activations, expected at most {}{why}: \
             {advice}",
            layers_text(layers),
            size(memory.div_ceil(MEGABYTE)),
            thousands(parameters),
            thousands(activations),
            size(most / MEGABYTE),
        )
    };
    ensure!(memory <= most, refused(most, ""));
    let left = available();
    let why = format!(", which is what the {} leaves", left.bound);
    ensure!(memory <= left.bytes, refused(left.bytes, &why));
    Ok(())
}

/// Bytes that a network and its batches take.
pub fn needed(layers: &[usize], batch: usize, bytes: Bytes) -> u64 {
    let parameters = bytes.parameter.saturating_mul(parameters(layers));
    let activations = bytes.activation.saturating_mul(activations(layers, batch));
    parameters.saturating_add(activations)
}

/// The number of activations of a batch; the largest number if there are more.
fn activations(layers: &[usize], batch: usize) -> u64 {
    let widths = layers.iter().map(|&n| n as u64);
    let activations = widths.fold(0, u64::saturating_add);
    activations.saturating_mul(batch as u64)
}

/// The number of parameters; the largest number if there are more. A file can name any widths.
fn parameters(layers: &[usize]) -> u64 {
    let pairs = layers.windows(2);
    let each = pairs.map(|io| {
        (io[0] as u64)
            .saturating_add(1)
            .saturating_mul(io[1] as u64)
    });
    each.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use mlp::train::optim::{Moments, Optimizer};

    use super::*;

    fn fault(layers: &[usize], models: u64) -> String {
        let needs = Use {
            batch: 256,
            bytes: RUNNING,
            models,
        };
        match check_model(Path::new("m.bin"), layers, needs) {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_model_too_wide_is_refused_in_words_whatever_its_widths() {
        assert_eq!(fault(&[784, 512, 512, 10], 1), "");
        let text = fault(&[1, 5_000_000, 10], 1);
        assert!(
            text.starts_with("m.bin: 1-5000000-10 with batches of 256 needs 21 GB"),
            "{text}"
        );
        assert!(
            text.ends_with("at most 8 GB: the model is too wide for this command"),
            "{text}"
        );
        assert!(!fault(&[usize::MAX, usize::MAX, 10], 1).is_empty());
        // Alone it fits, and with many others it does not.
        assert_eq!(fault(&[784, 100_000, 10], 1), "");
        let text = fault(&[784, 100_000, 10], 20);
        assert!(
            text.ends_with("the models are too wide to be used together"),
            "{text}"
        );
    }

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
        let adam = Settings {
            optimizer: Optimizer::Adam(Moments::default()),
            ..Settings::default()
        };
        assert_eq!(training(&Settings::default()).parameter, 16);
        assert_eq!(training(&adam).parameter, 20);
        check_data(1).unwrap();
        if available().bytes < u64::MAX {
            let error = check_data(u64::MAX).unwrap_err().to_string();
            assert!(error.contains("leaves "), "{error}");
        }
    }
}
