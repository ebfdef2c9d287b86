//! Where a run leaves its models: every place is taken before the first step, and nothing of another run is lost.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use mlp::{
    atomic_file::{self, ReserveError, Reserved},
    files::model::{self, Header, Metadata, Model},
};
use serde_json::{Value, json};

use crate::cli::terminal::{
    describe::architecture_text,
    output::percent,
    own_file::make_folder,
    shell::{free_name, shell_quote},
};

/// A place for a model, taken.
pub(super) struct Place {
    /// Where it is to be.
    pub(super) path: PathBuf,
    /// The model that is there now.
    there: Option<Metadata>,
    reserved: Reserved,
}

/// What became of a model.
pub(super) struct Kept {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Why it is not where it was to be, if that is a failure.
    pub(super) failed: Option<anyhow::Error>,
    /// The place that it was to have, if a model of another run is there.
    pub(super) instead_of: Option<PathBuf>,
}

impl Place {
    /// Takes `path`, named by `flag`, for a model of so many bytes.
    pub(super) fn take(path: &Path, flag: &str, bytes: u64) -> anyhow::Result<Self> {
        let name = path.display();
        let reserved = Reserved::new(path, bytes);
        let reserved = reserved.map_err(|error| match error {
            ReserveError::Taken => anyhow::anyhow!(
                "{name}: another run is going to save its model there: wait for it, or choose another {flag}"
            ),
            ReserveError::NoRoom { .. } => {
                anyhow::anyhow!("{name}: {error}: make room, or choose another {flag}")
            }
            ReserveError::Io(_) => {
                anyhow::anyhow!("{name}: cannot be written: {error}: choose another {flag}")
            }
        })?;
        Ok(Self {
            path: path.to_owned(),
            there: model::header(path).ok().map(|header| header.metadata),
            reserved,
        })
    }

    /// Refuses a place that a checkpoint names, and not the user, where another run's model is.
    pub(super) fn check_named_by_checkpoint(
        &self,
        metadata: &Metadata,
        flag: &str,
    ) -> anyhow::Result<()> {
        let another = self
            .there
            .as_ref()
            .is_some_and(|there| !is_one_run(there, metadata));
        ensure!(
            !another,
            "{}: the checkpoint says that the model goes there, and a model of another run is there: say {flag} for \
             this place or another",
            self.path.display()
        );
        Ok(())
    }

    /// What will be lost, unless this is the same run: `a model with 97.30 % of its validation images right`.
    pub(super) fn replaces(&self, metadata: &Metadata) -> Option<String> {
        let there = self
            .there
            .as_ref()
            .filter(|there| !is_same_run(there, metadata))?;
        let text = architecture_text(&there.architecture);
        Some(match there.training.valid_accuracy {
            Some(accuracy) => format!("replaces {text}, validation {}", percent(accuracy)),
            None => format!("replaces {text}, accuracy unknown"),
        })
    }

    /// The same for a program.
    pub(super) fn json(&self, metadata: &Metadata) -> Value {
        let there = self
            .there
            .as_ref()
            .filter(|there| !is_same_run(there, metadata));
        let replaces = there.map(|there| {
            json!({"layers": there.architecture.layers, "valid_accuracy": there.training.valid_accuracy})
        });
        json!({"path": self.path.display().to_string(), "replaces": replaces})
    }

    /// Writes the model: where it is to be, unless the run was stopped and another run's model is there; else beside
    /// it; and where that fails, in the next place that takes it. An error only if none does.
    pub(super) fn keep(self, model: &Model) -> anyhow::Result<Kept> {
        let stopped = model.metadata.training.stopped.is_some();
        let stays = stopped && self.is_another_runs(&model.metadata);
        self.keep_unless(stays, model)
    }

    /// The same of the best model of a run, which is of an epoch that was not stopped.
    pub(super) fn keep_best(self, model: &mut Model, run_stopped: bool) -> anyhow::Result<Kept> {
        model.metadata.training.stopped = None;
        let of_this_run = |there: &Metadata| is_one_run(there, &model.metadata);
        let another = match &self.there {
            Some(there) => {
                !of_this_run(there)
                    || there.training.valid_accuracy > model.metadata.training.valid_accuracy
            }
            None => self.path.exists(),
        };
        self.keep_unless(run_stopped && another, model)
    }

    fn keep_unless(self, stays: bool, model: &Model) -> anyhow::Result<Kept> {
        let bytes = model::to_bytes(model);
        let write = |path: &Path| {
            make_folder(path)?;
            let all = |file: &mut io::BufWriter<&mut fs::File>| file.write_all(&bytes);
            atomic_file::write::<io::Error>(path, all).with_context(|| path.display().to_string())
        };
        let Self { path, reserved, .. } = self;
        let (wanted, instead_of) = match stays {
            true => (interrupted_name(&path, &model.metadata), Some(path)),
            false => (path, None),
        };
        let first = match &instead_of {
            None => reserved
                .write(|file| file.write_all(&bytes))
                .context(wanted.display().to_string()),
            Some(_) => {
                drop(reserved); // which leaves its room
                write(&wanted)
            }
        };
        let kept = |path: PathBuf, failed| Kept {
            path,
            failed,
            instead_of: instead_of.clone(),
        };
        let Err(error) = first else {
            return Ok(kept(wanted, None));
        };
        // The folder may have vanished, or its disk be full.
        if write(&wanted).is_ok() {
            return Ok(kept(wanted, None));
        }
        let name = Path::new(wanted.file_name().unwrap_or_default());
        let others = [
            free_name(&wanted),
            free_name(name),
            free_name(&env::temp_dir().join(name)),
        ];
        // In a folder for everybody, a link may have come under a name that was free.
        let write_new = |path: &PathBuf| {
            let all = |file: &mut io::BufWriter<&mut fs::File>| file.write_all(&bytes);
            atomic_file::write_own::<io::Error>(path, all).is_ok()
        };
        match others.into_iter().find(write_new) {
            Some(path) => {
                let text = format!(
                    "the model could not be saved there, so it is in {}: `mv {} {}` once there is room",
                    path.display(),
                    shell_quote(&path),
                    shell_quote(&wanted)
                );
                Ok(kept(path, Some(error.context(text))))
            }
            None => {
                Err(error.context("the model could not be saved, here or in the temporary folder"))
            }
        }
    }

    /// Whether a model is there that this run did not save, or one that has come further.
    fn is_another_runs(&self, metadata: &Metadata) -> bool {
        let Some(there) = &self.there else {
            return self.path.exists(); // which --force was to replace
        };
        let (then, now) = (there.training.stopped, metadata.training.stopped);
        !is_one_run(there, metadata) || then.is_none() || then > now
    }
}

/// Whether these are networks of one run, however far each has come.
fn is_same_run(one: &Metadata, other: &Metadata) -> bool {
    let apart_from_its_end = |metadata: &Metadata| {
        let mut metadata = metadata.clone();
        metadata.familiar = None;
        let training = &mut metadata.training;
        (training.stopped, training.epoch, training.valid_accuracy) = (None, None, None);
        metadata
    };
    apart_from_its_end(one) == apart_from_its_end(other)
}

/// Whether these are networks of one run, which may have got more epochs when it was resumed.
fn is_one_run(one: &Metadata, other: &Metadata) -> bool {
    let mut one = one.clone();
    let settings = &mut one.training.settings;
    *settings = settings.ending_as(&other.training.settings);
    is_same_run(&one, other)
}

/// `model-interrupted.bin` for `model.bin`, or the first name like it that is free, or of the same run and no further.
fn interrupted_name(path: &Path, metadata: &Metadata) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let name = |number: &str| {
        let mut name = stem.to_owned();
        name.push("-interrupted");
        name.push(number);
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    let fits = |name: &PathBuf| match model::header(name) {
        Ok(Header {
            metadata: there, ..
        }) => is_one_run(&there, metadata) && there.training.stopped <= metadata.training.stopped,
        Err(_) => name.symlink_metadata().is_err(),
    };
    let numbered = (2..).map(|n| name(&format!("-{n}")));
    let mut names = std::iter::once(name("")).chain(numbered);
    names.find(fits).expect("one is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_interrupted_model_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let metadata = Metadata::new(
            mlp::nn::Architecture::relu(&[784, 10]),
            mlp::loss::LossKind::Ce,
            mlp::data::batch::Preprocessing::UNIT,
            mlp::train::Settings::default(),
        );
        let interrupted_name = |path: &Path| interrupted_name(path, &metadata);
        assert_eq!(
            interrupted_name(&at("model.bin")),
            at("model-interrupted.bin")
        );
        fs::write(at("best-interrupted"), "").unwrap();
        assert_eq!(interrupted_name(&at("best")), at("best-interrupted-2"));
    }
}
