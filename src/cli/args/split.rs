//! `--split`: which images a model is measured on.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use clap::ValueEnum;
use mlp::{
    data::{Dataset, Spec, Splits},
    files::model::{Metadata, Model},
    train::{Settings, familiar::frame},
};

use crate::cli::{
    args::data::DataArgs,
    terminal::{describe::images_text, interrupt, output::note},
};

/// Which images.
#[derive(clap::Args, Clone, Copy)]
pub struct SplitArg {
    /// Which images: the test file, or the training or validation part of the training file, split as the
    /// model was trained
    #[arg(long, value_enum, default_value_t = Split::Test, help_heading = "Data")]
    pub split: Split,
}

impl SplitArg {
    /// The flag that makes another command take the same, after a blank; nothing where it would anyway.
    pub fn text(self) -> String {
        match self.split {
            Split::Test => String::new(),
            split => format!(" --split {}", split.flag()),
        }
    }
}

/// Which images.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Split {
    Test,
    Valid,
    Train,
}

impl Split {
    /// These images of the whole data, split as a network was trained.
    pub fn of(self, data: Splits, settings: &Settings) -> anyhow::Result<Dataset> {
        if data.train.len() <= settings.valid + settings.test {
            // Other data than it was trained on: they may still have a test set.
            return match self {
                Self::Test if settings.test == 0 && !data.test.is_empty() => Ok(data.test),
                _ => bail!(
                    "the model was trained with {} images held back, and these data have {}: choose --split test, \
                     or name its own data with --data-dir",
                    settings.valid + settings.test,
                    data.train.len()
                ),
            };
        }
        let [train, valid, test] = settings.split(data)?;
        let images = match self {
            Self::Train => train,
            Self::Valid => valid,
            Self::Test => test,
        };
        ensure!(!images.is_empty(), "{}", self.nothing());
        Ok(images)
    }

    fn nothing(self) -> &'static str {
        match self {
            Self::Test => {
                "these data have no test set: choose --split valid, or train with --hold-test to hold one back"
            }
            _ => {
                "the model was trained on all images (--valid 0), so none are left to validate on: choose --split \
                 test"
            }
        }
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

/// How the training file was divided, as flags.
fn parts(settings: &Settings) -> String {
    let Settings {
        valid,
        valid_random,
        test,
        seed,
        ..
    } = settings;
    let mut flags = format!("--valid {valid}");
    if *valid_random {
        flags += &format!(" --valid-random --seed {seed}");
    }
    if *test > 0 {
        flags += &format!(" --hold-test {test}");
    }
    flags
}

/// Whether most of the first images have an outer frame unlike that of a model's validation images.
fn is_unlike(metadata: &Metadata, images: &Dataset) -> bool {
    const LOOKED_AT: usize = 500;
    let Some(bounds) = metadata.familiar else {
        return false;
    };
    let looked_at = images.images.rows().into_iter().take(LOOKED_AT);
    let unlike = looked_at.filter(|image| frame(*image, &images.spec) > bounds.frame);
    2 * unlike.count() > images.len().min(LOOKED_AT)
}

/// Whether a model is for such images.
pub fn check_fits(
    path: &Path,
    metadata: &Metadata,
    data: &Spec,
    data_dir: &Path,
) -> anyhow::Result<()> {
    let model = &metadata.images;
    ensure!(
        model.is_like(data),
        "{}: name the data that it is for with --data-dir",
        unlike(path, model, data, data_dir)
    );
    if model.classes != data.classes {
        note(format_args!(
            "{}: its classes are called otherwise than those of {}: {} and {}",
            path.display(),
            data_dir.display(),
            class_list(&model.classes),
            class_list(&data.classes)
        ));
    }
    Ok(())
}

/// Whether the first layer of a model is for images of this size, whatever their classes.
pub fn check_size_of_images(
    path: &Path,
    metadata: &Metadata,
    data: &Spec,
    data_dir: &Path,
) -> anyhow::Result<()> {
    let model = &metadata.images;
    ensure!(
        (model.rows, model.cols) == (data.rows, data.cols),
        "{}: name data of that size with --data-dir",
        unlike(path, model, data, data_dir)
    );
    Ok(())
}

/// What a model was trained on, and what the data are.
fn unlike(path: &Path, model: &Spec, data: &Spec, data_dir: &Path) -> String {
    format!(
        "{}: trained on {}, but {} has {}",
        path.display(),
        images_text(model),
        data_dir.display(),
        images_text(data)
    )
}

/// The names of some classes.
fn class_list(classes: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = match classes.len() > SHOWN {
        true => ", …",
        false => "",
    };
    let shown = &classes[..classes.len().min(SHOWN)];
    shown.join(", ") + more
}

/// The images to measure all of these models on. Notes if one was trained on other data; refuses to take
/// images as held back that another of the models was trained on.
pub fn measured_images(
    paths: &[PathBuf],
    models: &[Model<f32>],
    args: &DataArgs,
    split: Split,
) -> anyhow::Result<Dataset> {
    let spec = models[0].metadata.spec();
    for (path, model) in paths.iter().zip(models) {
        ensure!(
            model.metadata.spec().classes == spec.classes,
            "{}: tells other classes apart than {}: {} and {}",
            path.display(),
            paths[0].display(),
            class_list(&model.metadata.spec().classes),
            class_list(&spec.classes)
        );
    }
    let (data, dir) = args.load_those(&models[0].metadata.training.data_sha256)?;
    interrupt::release()?;
    let settings = models[0].metadata.training.settings.clone();
    for (path, model) in paths.iter().zip(models) {
        let training = &model.metadata.training;
        // A model of another program does not say what it was trained on.
        if data.checksum != training.data_sha256 && !training.data_sha256.is_empty() {
            note(format_args!(
                "{} was trained on other data files than those in {}: the numbers may not be comparable",
                path.display(),
                dir.display()
            ));
        }
        check_fits(path, &model.metadata, &data.train.spec, &dir)?;
        ensure!(
            parts(&training.settings) == parts(&settings) || matches!(split, Split::Test),
            "{}: trained with {}, and {} with {}: no part of the training file is the same for both, choose \
             --split test",
            path.display(),
            parts(&training.settings),
            paths[0].display(),
            parts(&settings),
        );
    }
    let images = models[0].metadata.relabelled(split.of(data, &settings)?);
    for (path, model) in paths.iter().zip(models) {
        if is_unlike(&model.metadata, &images) {
            note(format_args!(
                "{}: most of these images have more ink near their edges than those that it was trained on: are \
                 they inverted, dark ink on light ground?",
                path.display()
            ));
        }
    }
    Ok(images)
}
