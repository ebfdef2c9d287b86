//! Models that a command is given.

use std::{io, path::Path};

use anyhow::bail;
use mlp::{
    files::model::{self, Model, ModelError},
    linalg::Float,
};

/// Reads a model, or says how to get one.
pub fn load_model<F: Float>(path: &Path) -> anyhow::Result<Model<F>> {
    Ok(match model::load::<F>(path) {
        Err(ModelError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => bail!(
            "{}: no such file: train a model first with `mlp train`, or name one that is there",
            path.display()
        ),
        result => result?,
    })
}
