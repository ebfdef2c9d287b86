//! What to train: a new network, as the flags say, or one that goes on from a checkpoint.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use mlp::{
    data::Splits,
    files::{
        checkpoint::{DAMAGED, Folder, LATEST, LOCK, PREVIOUS, Resumed, Run},
        model::Metadata,
        run,
    },
    nn::Mlp,
    train::{ClassWeights, End, Progress, Settings},
};

use crate::cli::{
    args::{
        Usage,
        memory::{self, check_size},
        run::doubt_about_rate,
        settings::Facts,
    },
    commands::train::{Train, differences::difference},
    terminal::{
        output::note,
        own_file::{Kind, is_model},
        paths::{from_there, real, seen_from, shown},
        shell::MODEL,
    },
};

const MODEL_FILE: Kind = Kind {
    flag: "--out",
    example: MODEL,
    what: "model of mlp",
    is_one: is_model,
};

/// All that is known before the data are read.
pub(super) struct Plan {
    /// Of a new network, the checksum of the data is not there yet.
    pub(super) metadata: Metadata,
    pub(super) out: PathBuf,
    pub(super) best: Option<PathBuf>,
    /// Where the run is recorded.
    pub(super) run: Option<PathBuf>,
    /// Where its event files are.
    pub(super) tensorboard: Option<PathBuf>,
    /// Where a run goes on from,
    pub(super) resumed: Option<(Mlp<f32>, Progress)>,
    /// and in which folder.
    pub(super) folder: Option<Folder>,
    /// What the checkpoint has kept of such places.
    pub(super) kept: Option<Run>,
    /// Whether the run was over before this command.
    pub(super) over: bool,
    /// What is other than one might think.
    pub(super) notes: Vec<String>,
}

impl Train {
    /// What the flags ask for, or wrong usage.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let plan = match (&self.resume, &self.checkpoint) {
            (None, None) if self.given.has("checkpoint_every") => {
                let text =
                    "--checkpoint-every needs a folder: add --checkpoint <DIR>, or leave it out";
                return Err(Usage::from(text).into());
            }
            (None, _) => self.new_plan()?,
            (Some(None), None) => {
                let text = "--resume needs the folder of the run: --resume <DIR>; with --checkpoint <DIR> it starts the \
                            run, or goes on with it";
                return Err(Usage::from(text).into());
            }
            (Some(None), Some(dir)) if !Folder::is_begun(dir) => self.new_plan()?,
            (Some(None), Some(dir)) => self.resumed_plan(Folder::resume(dir)?)?,
            (Some(Some(_)), Some(_)) => {
                let text = "--checkpoint cannot be used with --resume <DIR>: one folder is enough";
                return Err(Usage::from(text).into());
            }
            (Some(Some(dir)), None) => {
                self.check_resume()?;
                self.resumed_plan(Folder::resume(dir)?)?
            }
        };
        let Settings {
            valid,
            patience,
            target_accuracy,
            ..
        } = plan.metadata.training.settings;
        let for_validation = [
            ("--patience", patience.is_some()),
            ("--target-accuracy", target_accuracy.is_some()),
            ("--best", plan.best.is_some()),
        ];
        match for_validation.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) if valid == 0 => Err(Usage(format!(
                "{flag} needs images to validate on: leave out --valid 0"
            ))
            .into()),
            _ => Ok(plan),
        }
    }

    /// Settings are those of the checkpoint.
    fn check_resume(&self) -> Result<(), Usage> {
        match self.given.other_than(&MAY_CHANGE) {
            None => Ok(()),
            Some(id) => Err(Usage(format!(
                "--{} cannot be used with --resume: the settings are those of the checkpoint, leave it out \
                 (--epochs, --patience and --target-accuracy may change)",
                id.replace('_', "-")
            ))),
        }
    }

    fn new_plan(&self) -> anyhow::Result<Plan> {
        Ok(Plan {
            // As for MNIST, until the data are known.
            metadata: self.new_metadata(&Facts::assumed())?,
            out: shown(self.out.as_deref().unwrap_or(MODEL.as_ref())),
            best: self.best.as_deref().map(shown),
            run: self.run.as_deref().map(shown),
            tensorboard: self.tensorboard.as_deref().map(shown),
            resumed: None,
            folder: None,
            kept: None,
            over: false,
            notes: self.committee_note().into_iter().collect(),
        })
    }

    /// What the flags ask for with these data, or wrong usage.
    fn new_metadata(&self, data: &Facts) -> anyhow::Result<Metadata> {
        let mut metadata = self.asked.metadata(data)?;
        if let Some(origin) = &self.origin {
            origin.give(&mut metadata);
        }
        let training = &mut metadata.training;
        training.inject = self.inject;
        if training.inject.is_some() && training.settings.class_weights != ClassWeights::Equal {
            let text = "--inject plants a mistake in a loss in which every image counts the same: leave out \
                        --class-weights";
            return Err(Usage::from(text).into());
        }
        Ok(metadata)
    }

    /// Takes what the data are into the plan of a new run, or compares it with that of a checkpoint.
    pub(super) fn meet(&self, plan: &mut Plan, data: &Splits, dir: &Path) -> anyhow::Result<()> {
        if plan.resumed.is_some() {
            plan.same_data(data, dir)?;
            return match &self.checkpoint {
                Some(folder) => self.same_settings(plan, data, folder),
                None => Ok(()),
            };
        }
        let facts = Facts::from(data);
        if let Some(origin) = &self.origin {
            origin.check_data(&facts.spec, dir)?;
        }
        plan.metadata = self.new_metadata(&facts)?;
        if let Some(origin) = &self.origin {
            origin.check_init(&plan.metadata, self.given.has("init"))?;
            origin.doubt(&plan.metadata, data).iter().for_each(note);
        }
        plan.metadata
            .training
            .data_sha256
            .clone_from(&data.checksum);
        plan.check_memory()?;
        if !self.quiet {
            self.asked.settings.notes(&facts).iter().for_each(note);
            doubt_about_rate(&plan.metadata.training.settings)
                .iter()
                .for_each(note);
        }
        Ok(())
    }

    /// The flags must ask for the run that is in the folder.
    fn same_settings(&self, plan: &Plan, data: &Splits, folder: &Path) -> anyhow::Result<()> {
        if let Some(origin) = &self.origin {
            origin.check_begun(&plan.metadata, folder)?;
        }
        let asked = self.new_metadata(&Facts::from(data))?;
        match difference(&plan.metadata, &asked) {
            None => Ok(()),
            Some(difference) => Err(Usage(format!(
                "{}: the run in this folder was {difference}: give it the same, choose another folder, or leave out \
                 --resume and pass --force to begin anew and lose that run",
                folder.display()
            ))
            .into()),
        }
    }

    /// The settings are those of the checkpoint, but for the flags that may change them.
    fn resumed_plan(&self, resumed: Resumed) -> anyhow::Result<Plan> {
        let Resumed {
            folder,
            checkpoint,
            damaged,
        } = resumed;
        let kept = Some(checkpoint.run.clone()).filter(|run| run.from_folder);
        let Run {
            mut metadata,
            out,
            best,
            run,
            tensorboard,
            from_folder,
        } = checkpoint.run;
        let place = |path: String| match from_folder {
            true => from_there(folder.path(), &path),
            false => shown(path.as_ref()),
        };
        let progress = checkpoint.progress;
        let mut notes = Vec::new();
        if let Some(damaged) = damaged {
            notes.push(format!(
                "{damaged}: put aside, going on from the checkpoint before it"
            ));
        }
        let training = &mut metadata.training;
        if let Some(epochs) = self.asked.epochs {
            let begun = progress.epoch + usize::from(progress.step > 0);
            let stated = training.settings.epochs;
            training.settings.epochs = epochs as usize;
            ensure!(
                training.settings.epochs >= begun,
                "--epochs {epochs}: {begun} have begun already in {}: choose at least --epochs {begun}",
                folder.path().display()
            );
            if training.settings.epochs != stated && training.settings.schedule.looks_ahead() {
                notes.push(format!(
                    "the schedule depends on the number of epochs: from here on the rates are those of {epochs}, \
                     not of {stated}, so a run of {epochs} from the start would end in other weights"
                ));
            }
        }
        training.settings.patience = self
            .asked
            .patience
            .map(|n| n as usize)
            .or(training.settings.patience);
        training.settings.target_accuracy = self
            .asked
            .target_accuracy
            .or(training.settings.target_accuracy);
        let end = progress.end(&metadata.training.settings);
        let over = end.is_some();
        if let Some(end) = end {
            let flag = match end {
                End::Epochs => "--epochs",
                End::Patience => "--patience",
                End::TargetAccuracy => "--target-accuracy",
            };
            notes.push(format!(
                "{}: the run was over already, after epoch {}; a higher {flag} goes on with it",
                folder.path().display(),
                progress.epoch
            ));
        }
        let given = |path: &Option<PathBuf>| path.as_deref().map(shown);
        let out = given(&self.out).or(out.map(place));
        Ok(Plan {
            metadata,
            out: out.unwrap_or_else(|| shown(MODEL.as_ref())),
            best: given(&self.best).or(best.map(place)),
            run: given(&self.run).or(run.map(place)),
            tensorboard: given(&self.tensorboard).or(tensorboard.map(place)),
            resumed: Some((checkpoint.network, progress)),
            folder: Some(folder),
            kept,
            over,
            notes,
        })
    }
}

impl Plan {
    /// Whether the network fits the memory.
    fn check_memory(&self) -> anyhow::Result<()> {
        let Metadata {
            architecture,
            training,
            ..
        } = &self.metadata;
        check_size(
            &architecture.layers,
            training.settings.batch_size,
            memory::training(&training.settings),
        )
    }

    /// Whether the network fits the memory, and the models their places.
    pub(super) fn check(&self, force: bool, checkpoints: Option<&Path>) -> anyhow::Result<()> {
        if self.resumed.is_some() {
            self.check_memory()?; // of a new run, when its data are known
        }
        self.check_places(checkpoints)?;
        MODEL_FILE.check_writable(&self.out, force)?;
        let best = Kind {
            flag: "--best",
            example: "best.bin",
            ..MODEL_FILE
        };
        match &self.best {
            Some(path) => best.check_writable(path, force),
            None => Ok(()),
        }
    }

    /// No two results may have the same place: neither the models, nor a model and what a run keeps in its folders.
    fn check_places(&self, checkpoints: Option<&Path>) -> Result<(), Usage> {
        let mut kept = Vec::new();
        if let Some(folder) = checkpoints {
            let files = [LATEST, PREVIOUS, DAMAGED, LOCK].map(|name| folder.join(name));
            kept.extend(
                files
                    .into_iter()
                    .chain([folder.to_owned()])
                    .map(|path| ("--checkpoint", path)),
            );
        }
        if let Some(folder) = &self.run {
            kept.extend([folder.join(run::NAME), folder.clone()].map(|path| ("--run", path)));
        }
        kept.extend(self.tensorboard.clone().map(|path| ("--tensorboard", path)));
        let same = |a: &Path, b: &Path| a == b || real(a).is_some_and(|a| Some(a) == real(b));
        let best = self.best.as_ref();
        if let Some(best) = best.filter(|best| same(best, &self.out)) {
            return Err(Usage(format!(
                "--best and --out name the same file, {}: give them two",
                best.display()
            )));
        }
        for (flag, model) in [("--out", Some(&self.out)), ("--best", best)] {
            let Some(model) = model else { continue };
            if let Some((other, _)) = kept.iter().find(|(_, path)| same(path, model)) {
                return Err(Usage(format!(
                    "{flag} {}: that is where {other} keeps the run: choose another name",
                    model.display()
                )));
            }
        }
        Ok(())
    }

    /// What a checkpoint in this folder keeps of it. A path that is no text is left out: the default holds again.
    pub(super) fn run(&self, folder: &Path) -> Run {
        // What was kept and leads to the same place stays as it was.
        let seen = |kept: Option<&String>, path: &PathBuf| match kept {
            Some(kept) if from_there(folder, kept) == *path => Some(kept.clone()),
            _ => seen_from(folder, path),
        };
        let kept = self.kept.as_ref();
        let of = |kept: Option<&Option<String>>, path: Option<&PathBuf>| {
            path.and_then(|path| seen(kept.and_then(Option::as_ref), path))
        };
        Run {
            metadata: self.metadata.clone(),
            out: of(kept.map(|kept| &kept.out), Some(&self.out)),
            best: of(kept.map(|kept| &kept.best), self.best.as_ref()),
            run: of(kept.map(|kept| &kept.run), self.run.as_ref()),
            tensorboard: of(
                kept.map(|kept| &kept.tensorboard),
                self.tensorboard.as_ref(),
            ),
            from_folder: true,
        }
    }

    /// Whether a model is to be saved in this folder, which is not there yet.
    pub(super) fn lies_in(&self, folder: &Path) -> bool {
        let folder = shown(folder);
        let mut models = std::iter::once(&self.out).chain(&self.best);
        !folder.exists() && models.any(|model| model.parent() == Some(&folder))
    }

    /// The data must be those of the checkpoint.
    fn same_data(&self, data: &Splits, data_dir: &Path) -> anyhow::Result<()> {
        let Some((_, progress)) = &self.resumed else {
            return Ok(());
        };
        let training = &self.metadata.training;
        let (expected, found) = (&training.data_sha256, &data.checksum);
        ensure!(
            expected == found && self.metadata.architecture.layers[0] == data.train.spec.pixels(),
            "{}: other data files than those of the run to go on with (SHA-256 {found}, expected {expected}): \
             name their folder with --data-dir",
            data_dir.display()
        );
        let (images, all) = (progress.order.len(), data.train.len());
        let held = training.settings.valid + training.settings.test;
        ensure!(
            images + held == all,
            "the checkpoint has the order of {images} images, and {held} held back, expected {all} together: \
             it was changed by hand, train again from the start"
        );
        Ok(())
    }
}

/// The flags that may be given with `--resume`; all others are settings, which a checkpoint has.
const MAY_CHANGE: [&str; 18] = [
    "resume",
    "folder",
    "checkpoint_every",
    "epochs",
    "patience",
    "target_accuracy",
    "out",
    "best",
    "run",
    "tensorboard",
    "force",
    "json",
    "quiet",
    "color",
    "data_dir",
    "mirror",
    "offline",
    "threads",
];
