//! `--split`: which images a model is measured on.

use std::path::PathBuf;

use anyhow::ensure;
use clap::ValueEnum;
use mlp::{
    data::{Dataset, Splits},
    files::model::Model,
};

use crate::cli::{
    args::data::DataArgs,
    terminal::{interrupt, output::note},
};

/// Which images.
#[derive(clap::Args, Clone, Copy)]
pub struct SplitArg {
    /// Which images: the test file, or the training or validation part of the training file, split as the
    /// model was trained
    #[arg(long, value_enum, default_value_t = Split::Test, help_heading = "Data")]
    pub split: Split,
}

/// Which images.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Split {
    Test,
    Valid,
    Train,
}

impl Split {
    /// These images of the whole data, of which the last `valid` training images were held back.
    pub fn of(self, data: Splits, valid: usize) -> anyhow::Result<Dataset> {
        let (train, valid) = match self {
            Self::Test => return Ok(data.test),
            _ => data.train.split_last(valid)?,
        };
        let images = if let Self::Train = self { train } else { valid };
        ensure!(
            !images.is_empty(),
            "the model was trained on all images (--valid 0), so none are left to validate on: choose --split test"
        );
        Ok(images)
    }

    /// As the flag has it.
    pub fn flag(self) -> String {
        let value = self.to_possible_value().expect("no value is skipped");
        value.get_name().to_owned()
    }

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Valid => "validation",
            Self::Train => "training",
        }
    }
}

/// The images to measure all of these models on. Notes if one was trained on other data; refuses to take
/// images as held back that another of the models was trained on.
pub fn measured_images(
    paths: &[PathBuf],
    models: &[Model<f32>],
    args: &DataArgs,
    split: Split,
) -> anyhow::Result<Dataset> {
    let data = args.load()?;
    interrupt::release()?;
    let valid = models[0].metadata.training.settings.valid;
    for (path, model) in paths.iter().zip(models) {
        let training = &model.metadata.training;
        if data.checksum != training.data_sha256 {
            note(format_args!(
                "{} was trained on other data files than those in {}: the numbers may not be comparable",
                path.display(),
                args.dir.path().display()
            ));
        }
        ensure!(
            training.settings.valid == valid || matches!(split, Split::Test),
            "{}: trained with --valid {}, and {} with --valid {valid}: no part of the training file is the same \
             for both, choose --split test",
            path.display(),
            training.settings.valid,
            paths[0].display()
        );
    }
    split.of(data, valid)
}
