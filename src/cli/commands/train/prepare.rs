//! All that a run needs before its first step.

use std::path::PathBuf;

use mlp::{
    check::mistakes,
    data::{
        Dataset,
        oddities::{Oddity, oddities},
    },
    files::{checkpoint::Folder, model, run, tensorboard},
    linalg::team::Team,
    loss::Loss,
    nn::Mlp,
    train::{ClassWeights, Progress, Settings},
};

use crate::cli::{
    args::{mistake::check_fits, remembered::remember},
    commands::train::{Train, places::Place, plan::Plan, record::Records},
    terminal::{
        interrupt::{self, Interrupted},
        output::note,
    },
};

/// All that a run needs before its first step.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// Where the data are.
    pub(super) dir: PathBuf,
    pub(super) official: bool,
    /// To train on, and to validate.
    pub(super) images: (Dataset, Dataset),
    /// Images of the test set.
    pub(super) test: usize,
    pub(super) network: Mlp<f32>,
    pub(super) progress: Progress,
    pub(super) loss: Box<dyn Loss<f32>>,
    pub(super) team: Team,
    /// For the model,
    pub(super) out: Place,
    /// and the best one.
    pub(super) best: Option<Place>,
    /// Where checkpoints are kept.
    pub(super) folder: Option<Folder>,
    /// What keeps the record and the event files.
    pub(super) records: Records,
}

/// The flag that helps, after what was found.
fn flag_for(oddity: &Oddity, settings: &Settings) -> &'static str {
    match oddity {
        Oddity::OtherClasses { .. } if !settings.valid_random => {
            "; --valid-random draws the validation images at random"
        }
        Oddity::Missing(_) if !settings.valid_random && settings.valid > 0 => {
            "; if they are among the validation images, --valid-random draws these at random"
        }
        Oddity::Unbalanced { .. } if settings.class_weights == ClassWeights::Equal => {
            "; --class-weights balanced lets every class count the same"
        }
        _ => "",
    }
}

impl Train {
    /// Checks what was asked for, loads the data and takes the folders.
    pub(super) fn prepare(&self) -> anyhow::Result<Prepared> {
        let mut plan = self.plan()?;
        if !self.quiet || plan.over {
            plan.notes.iter().for_each(note);
        }
        let checkpoints = plan.folder.as_ref().map(Folder::path);
        plan.check(self.force, checkpoints.or(self.checkpoint.as_deref()))?;
        let (data, dir) = match plan.resumed {
            Some(_) => self.data.load_those(&plan.metadata.training.data_sha256)?,
            None => (self.data.load()?, self.data.dir.path()),
        };
        self.meet(&mut plan, &data, &dir)?;
        let official = data.official;
        if !official {
            remember(&data.checksum, &dir);
        }
        let settings = &plan.metadata.training.settings;
        let images = settings.split(data)?;
        let [train, valid, test] = images.map(|images| plan.metadata.relabelled(images));
        if !official || plan.metadata.positive.is_some() {
            for oddity in oddities(&train, &valid, &test) {
                note(format_args!("{oddity}{}", flag_for(&oddity, settings)));
            }
        }
        let (mut network, progress) = match plan.resumed.take() {
            Some(start) => start,
            None => {
                let progress = Progress::new(train.len(), settings.seed);
                let network = match &self.origin {
                    None => plan.metadata.first_network(),
                    Some(origin) => origin.network(&plan.metadata),
                };
                (network, progress)
            }
        };
        if interrupt::asked() {
            let text = "before the first step: nothing was written, run the command again";
            return Err(Interrupted(text.into()).into());
        }
        let kind = plan.metadata.loss;
        let (loss, team) = match plan.metadata.training.inject {
            None => (plan.metadata.training_loss(&train), self.threads.team()),
            Some(mistake) => {
                check_fits(mistake, &network, kind)?;
                let places = mistake.places(&network);
                let loss = mistakes::plant(mistake, &places, &mut network, kind);
                (loss, Team::new(1))
            }
        };
        // A new folder appears with its first checkpoint in it, and so before what lies inside.
        let begin = |plan: &Plan, dir| {
            let start = (&plan.run(dir), &network, &progress);
            Folder::create(dir, self.force, start)
        };
        let folder = match (plan.folder.take(), &self.checkpoint) {
            (None, Some(dir)) if plan.lies_in(dir) => Some(begin(&plan, dir)?),
            (folder, _) => folder,
        };
        let bytes = model::most_bytes(&network, &plan.metadata);
        let out = Place::take(&plan.out, "--out", bytes)?;
        if plan.kept.is_some() && self.out.is_none() && !self.force {
            out.check_named_by_checkpoint(&plan.metadata, "--out")?;
        }
        let best = match &plan.best {
            Some(path) => Some(Place::take(path, "--best", bytes)?),
            None => None,
        };
        if let Some(best) = best
            .as_ref()
            .filter(|_| plan.kept.is_some() && self.best.is_none() && !self.force)
        {
            best.check_named_by_checkpoint(&plan.metadata, "--best")?;
        }
        let folder = match (folder, &self.checkpoint) {
            (None, Some(dir)) => Some(begin(&plan, dir)?),
            (folder, _) => folder,
        };
        let records = self.records(&plan, progress.epoch)?;
        Ok(Prepared {
            plan,
            dir,
            official,
            images: (train, valid),
            test: test.len(),
            network,
            progress,
            loss,
            team,
            out,
            best,
            folder,
            records,
        })
    }

    /// Takes the folders of the record and of the event files, after so many epochs.
    fn records(&self, plan: &Plan, done: usize) -> anyhow::Result<Records> {
        let (training, force) = (&plan.metadata.training, self.force);
        let this = (&plan.metadata.architecture.layers[..], training);
        let go_on = self.resume.is_some();
        // First the one that can be taken again if the other is refused.
        let events = match &plan.tensorboard {
            Some(dir) if go_on => Some(tensorboard::Writer::resume(dir, done, this, force)?),
            Some(dir) => Some(tensorboard::Writer::create(dir, this, force)?),
            None => None,
        };
        let record = match &plan.run {
            Some(dir) if go_on => Some(run::Writer::resume(dir, done, this, force)?),
            Some(dir) => Some(run::Writer::create(dir, force)?),
            None => None,
        };
        Ok(Records { record, events })
    }
}
