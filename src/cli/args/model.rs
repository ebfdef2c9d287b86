//! Models that a command is given.

use std::{io, path::Path};

use anyhow::{bail, ensure};
use mlp::{
    data::PIXELS,
    files::model::{self, Model, ModelError},
    linalg::Float,
};

/// Reads a model for images of MNIST, or says how to get one.
pub fn load_model<F: Float>(path: &Path) -> anyhow::Result<Model<F>> {
    let model = match model::load::<F>(path) {
        Err(ModelError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => bail!(
            "{}: no such file: train a model first with `mlp train`, or name one that is there",
            path.display()
        ),
        result => result?,
    };
    let inputs = model.network.inputs();
    ensure!(
        inputs == PIXELS,
        "{}: {inputs} inputs, expected {PIXELS} for images of 28x28: train again with `mlp train`",
        path.display()
    );
    ensure!(
        !model.metadata.loss.binary(),
        "{}: trained with {}, but the file does not say which digit is class 1, expected a model of the ten digits",
        path.display(),
        model.metadata.loss
    );
    Ok(model)
}
