//! What to train: a new network, as the flags say, or one that goes on from a checkpoint.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{ArgMatches, Command, FromArgMatches, error::ErrorKind, parser::ValueSource};
use mlp::{
    data::{FileKind, PIXELS},
    files::{
        checkpoint::{Folder, LATEST, Resumed, Run},
        model::{Metadata, Training},
    },
    nn::Mlp,
    train::Progress,
};

use crate::cli::{
    args::network::layers_text,
    commands::train::{Train, default_learning_rate},
    terminal::output::note,
};

/// All that is known before the data are read.
pub(super) struct Plan {
    /// Of a new network, the checksum of the data is not there yet.
    pub(super) metadata: Metadata,
    pub(super) out: PathBuf,
    pub(super) best: Option<PathBuf>,
    /// Where the run is recorded.
    pub(super) run: Option<PathBuf>,
    /// Where a run goes on from,
    pub(super) resumed: Option<(Mlp<f32>, Progress)>,
    /// and in which folder.
    pub(super) folder: Option<Folder>,
}

impl Train {
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let plan = match &self.resume {
            None => self.new_plan()?,
            Some(dir) => {
                self.given.check()?;
                self.resumed_plan(Folder::resume(dir)?)?
            }
        };
        let usage = |kind, text: &str| Err(clap::Error::raw(kind, text).into());
        let Training {
            valid,
            patience,
            target_accuracy,
            ..
        } = plan.metadata.training;
        let for_validation = [
            ("--patience", patience.is_some()),
            ("--target-accuracy", target_accuracy.is_some()),
            ("--best", plan.best.is_some()),
        ];
        match for_validation.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) if valid == 0 => usage(
                ErrorKind::ArgumentConflict,
                &format!("{flag} needs images to validate on: leave out --valid 0"),
            ),
            _ if plan.best.as_ref() == Some(&plan.out) => usage(
                ErrorKind::ArgumentConflict,
                "--best and --out name the same file: give them two",
            ),
            _ => Ok(plan),
        }
    }

    fn new_plan(&self) -> anyhow::Result<Plan> {
        let epochs = self.epochs.map_or(20, |epochs| epochs as usize);
        let learning_rate = match self.lr {
            Some(rate) => rate,
            None => default_learning_rate(self.settings.loss()?),
        };
        let schedule = self.schedule.schedule(learning_rate, epochs)?;
        let mut metadata = self.settings.metadata(epochs, learning_rate, schedule)?;
        let training = &mut metadata.training;
        training.settings.patience = self.patience.map(|epochs| epochs as usize);
        training.settings.target_accuracy = self.target_accuracy;
        training.inject = self.inject;
        Ok(Plan {
            metadata,
            out: self.out.clone().unwrap_or("model.bin".into()),
            best: self.best.clone(),
            run: self.run.clone(),
            resumed: None,
            folder: None,
        })
    }

    /// The settings are those of the checkpoint, but for the flags that may change them.
    fn resumed_plan(&self, resumed: Resumed) -> anyhow::Result<Plan> {
        let Resumed {
            folder,
            checkpoint,
            damaged,
        } = resumed;
        let Run {
            mut metadata,
            out,
            best,
            run,
        } = checkpoint.run;
        let progress = checkpoint.progress;
        if let Some(damaged) = damaged {
            note(format_args!(
                "{damaged}: put aside, going on from the checkpoint before it"
            ));
        }
        let layers = &metadata.architecture.layers;
        ensure!(
            layers[0] == PIXELS,
            "{}: {} has {} inputs, expected {PIXELS} for images of 28x28",
            folder.path().join(LATEST).display(),
            layers_text(layers),
            layers[0]
        );
        let training = &mut metadata.training;
        if let Some(epochs) = self.epochs {
            let begun = progress.epoch + usize::from(progress.step > 0);
            let stated = training.settings.epochs;
            training.settings.epochs = epochs as usize;
            ensure!(
                training.settings.epochs >= begun,
                "--epochs {epochs}: {begun} have begun already in {}: choose at least --epochs {begun}",
                folder.path().display()
            );
            if training.settings.epochs != stated && training.settings.schedule.looks_ahead() {
                note(format_args!(
                    "the schedule depends on the number of epochs: from here on the rates are those of {epochs}, \
                     not of {stated}, so a run of {epochs} from the start would end in other weights"
                ));
            }
        }
        training.settings.patience = self
            .patience
            .map(|n| n as usize)
            .or(training.settings.patience);
        training.settings.target_accuracy =
            self.target_accuracy.or(training.settings.target_accuracy);
        if progress.end(&metadata.training.settings).is_some() {
            note(format_args!(
                "{}: the run was over already, after epoch {}; a higher --epochs goes on with it",
                folder.path().display(),
                progress.epoch
            ));
        }
        let out = self.out.clone().or(out.map(PathBuf::from));
        Ok(Plan {
            metadata,
            out: out.unwrap_or("model.bin".into()),
            best: self.best.clone().or(best.map(PathBuf::from)),
            run: self.run.clone().or(run.map(PathBuf::from)),
            resumed: Some((checkpoint.network, progress)),
            folder: Some(folder),
        })
    }
}

impl Plan {
    /// What a checkpoint keeps of it. A path that is no text is left out: the default holds again.
    pub(super) fn run(&self) -> Run {
        let text = |path: &PathBuf| path.to_str().map(str::to_owned);
        Run {
            metadata: self.metadata.clone(),
            out: text(&self.out),
            best: self.best.as_ref().and_then(text),
            run: self.run.as_ref().and_then(text),
        }
    }

    /// Takes the checksum of the data, which must be that of the checkpoint.
    pub(super) fn set_data(&mut self, sha256: String, data_dir: &Path) -> anyhow::Result<()> {
        let training = &mut self.metadata.training;
        if let Some((_, progress)) = &self.resumed {
            let expected = &training.data_sha256;
            ensure!(
                *expected == sha256,
                "{}: other data files than those of the run to go on with (SHA-256 {sha256}, expected {expected}): \
                 name their folder with --data-dir",
                data_dir.display()
            );
            let images = progress.order.len();
            ensure!(
                images + training.settings.valid == FileKind::TrainImages.count() as usize,
                "the checkpoint has the order of {images} images, and {} to validate on, expected {} together: \
                 it was changed by hand, train again from the start",
                training.settings.valid,
                FileKind::TrainImages.count()
            );
        }
        training.data_sha256 = sha256;
        Ok(())
    }
}

/// The flags that may be given with `--resume`; all others are settings, which a checkpoint has.
const MAY_CHANGE: [&str; 17] = [
    "resume",
    "folder",
    "checkpoint_every",
    "epochs",
    "patience",
    "target_accuracy",
    "out",
    "best",
    "run",
    "force",
    "json",
    "quiet",
    "color",
    "data_dir",
    "mirror",
    "offline",
    "threads",
];

/// The flags on the command line that are settings.
#[derive(Clone, Debug)]
pub(super) struct Given(Vec<String>);

impl Given {
    fn check(&self) -> Result<(), clap::Error> {
        match self.0.first() {
            None => Ok(()),
            Some(id) => Err(clap::Error::raw(
                ErrorKind::ArgumentConflict,
                format!(
                    "--{} cannot be used with --resume: the settings are those of the checkpoint, leave it out \
                     (--epochs, --patience and --target-accuracy may change)",
                    id.replace('_', "-")
                ),
            )),
        }
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let ids = matches.ids().map(|id| id.as_str());
        let given = ids.filter(|id| {
            // Groups are listed too: those of flattened structs bear their names.
            id.starts_with(|c: char| c.is_ascii_lowercase())
                && matches.value_source(id) == Some(ValueSource::CommandLine)
                && !MAY_CHANGE.contains(id)
        });
        Ok(Self(given.map(str::to_owned).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
