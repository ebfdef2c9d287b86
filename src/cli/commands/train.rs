//! `mlp train`: train a network and save it.

mod plan;
mod record;
mod report;
mod save;
mod sparkline;

use std::path::PathBuf;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use mlp::{
    check::mistakes::{self, Mistake},
    data::shell_quote,
    files::{
        checkpoint::{Every, Folder, MAX_EPOCHS, Writer},
        model, run,
    },
    linalg::team::Team,
    loss::LossKind,
    train::{
        self, Progress,
        recipes::{RECIPES, Recipe},
        statistics::Watch,
    },
};

use crate::cli::{
    Outcome,
    args::{
        network::{TRAIN_BYTES, ThreadArgs, check_size},
        optim::ScheduleArgs,
        settings::SettingsArgs,
    },
    commands::{
        data::DataArgs,
        mistakes::{check_fits, mistake_parser},
    },
    terminal::{
        interrupt::Interrupted,
        output::{Output, next_step, note},
    },
};

use plan::Given;
use record::Recorder;
use report::{Report, Start, Style};

/// Train a network on MNIST and save it
///
/// The training file's last images are held back to validate on; the test images are never looked
/// at (that is `mlp eval`). Same flags, same seed, same machine: the same bytes in the model file,
/// whatever the number of threads. Ctrl-C ends the run after the current batch and saves the network
/// as it is then; a second one ends it at once. A run with --checkpoint goes on with --resume, to the
/// same bytes as without the break, however it ended.
#[derive(clap::Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  mlp train --loss ce --hidden 50                one hidden layer, cross-entropy
  mlp train --hidden 500,150 --epochs 20         two hidden layers
  mlp train --hidden none                        softmax regression
  mlp train --loss mse --target digit            one output, the digit itself
  mlp train --hidden 512,512 --dropout 0.2,0.5   drops units, of the inputs too
  mlp train --activation tanh                    tanh for ReLU
  mlp train --valid 0 --out all.bin              on all 60,000 images
  mlp train --momentum 0.9 --nesterov --schedule cosine --lr 0.02
  mlp train --recipe hinton2005                  a published result, see `mlp recipes`
  mlp train --augment ciresan2010                every epoch sees the images anew
  mlp train --epochs 99 --patience 5 --best b.bin   until it gets no better; keep the best
  mlp train --epochs 500 --checkpoint run        a long run that may be killed at any time
  mlp train --resume run                         go on with it
  mlp train --run first                          keep a record, for mlp plot first
  mlp train --inject relu-mask-missing --epochs 3   what does a mistake do to the loss?
  mlp train --json | jq .valid_accuracy          for a program to read"
)]
pub struct Train {
    // First, because the fields after it take their values away.
    #[command(flatten)]
    given: Given,

    /// A published result: stands for the flags that mlp recipes shows; flags beside it take the place of its own
    // Its flags are put before the others, see `recipes::expand`.
    #[arg(long, value_name = "NAME", value_parser = recipe_parser(), hide_possible_values = true, help_heading = "Network")]
    #[allow(dead_code)]
    recipe: Option<String>,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Times that every training image is seen [default: 20]
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = clap::value_parser!(u32).range(1..=MAX_EPOCHS as i64))]
    epochs: Option<u32>,

    /// End after so many epochs in a row without a higher validation accuracy
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = clap::value_parser!(u32).range(1..))]
    patience: Option<u32>,

    /// End after an epoch with this validation accuracy: 0.98 for 98 %
    #[arg(long, value_name = "PART", help_heading = "Training", value_parser = part)]
    target_accuracy: Option<f64>,

    /// Learning rate: the length of a step [default: 0.1, or 0.01 with --target digit]
    #[arg(long, value_name = "RATE", help_heading = "Training", value_parser = learning_rate)]
    lr: Option<f32>,

    #[command(flatten)]
    schedule: ScheduleArgs,

    /// Make a known mistake in the backward pass and see what becomes of the loss: one of `mlp gradcheck
    /// --list-mistakes`. Runs on one thread
    #[arg(long, value_name = "MISTAKE", value_parser = mistake_parser(), hide_possible_values = true, help_heading = "Training")]
    inject: Option<Mistake>,

    /// Where to save the model [default: model.bin]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Where to save, too, the network as it was after the epoch with the highest validation accuracy
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    best: Option<PathBuf>,

    /// Folder to record the run in: its settings, and after every epoch its losses and accuracies and what
    /// goes on in every layer, as JSON lines in run.jsonl; see mlp plot
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    run: Option<PathBuf>,

    /// Folder to keep the state of the run in, so that --resume can go on with it
    #[arg(
        long,
        value_name = "DIR",
        group = "folder",
        help_heading = "Checkpoints"
    )]
    checkpoint: Option<PathBuf>,

    /// How often: a number of epochs such as 5, or a time such as 30s, 10m or 2h
    #[arg(
        long,
        value_name = "EVERY",
        default_value = "1m",
        requires = "folder",
        help_heading = "Checkpoints"
    )]
    checkpoint_every: Every,

    /// Go on with the run in this folder, to the same bytes as without the break. Its settings hold, but
    /// --epochs, --patience and --target-accuracy may change, and where the results go
    #[arg(
        long,
        value_name = "DIR",
        group = "folder",
        help_heading = "Checkpoints"
    )]
    resume: Option<PathBuf>,

    /// Replace the files at --out and --best even if they are not models, and what is kept of another run
    /// at --checkpoint and --run
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Print JSON lines, one for the start, each epoch and the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print nothing but notes and errors
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// The digits reach 9 and their squared errors 81: a longer step kills every unit in the first epoch.
fn default_learning_rate(kind: LossKind) -> f32 {
    match kind {
        LossKind::Ce | LossKind::SmoothedCe(_) | LossKind::MseOnehot => 0.1,
        LossKind::MseDigit => 0.01,
    }
}

fn recipe_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(RECIPES.map(|recipe| recipe.name))
}

fn learning_rate(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("expected a number above 0, such as 0.1".into()),
    }
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if part > 0.0 && part <= 1.0 => Ok(part),
        _ => Err("expected a number above 0, up to 1, such as 0.98 for 98 %".into()),
    }
}

impl Train {
    /// Says so where the recipe means several networks.
    fn note_committee(&self) {
        let recipe = self.recipe.as_deref().and_then(Recipe::find);
        if let Some(Recipe { name, members, .. }) = recipe
            && members > 1
        {
            note(format_args!(
                "{name} is a committee of {members}: this trains one of them; train the others with another \
                 --seed and --out each, and `mlp eval` all models together"
            ));
        }
    }

    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let mut plan = self.plan()?;
        self.note_committee();
        let training = &plan.metadata.training;
        check_size(
            &plan.metadata.architecture.layers,
            training.settings.batch_size,
            TRAIN_BYTES,
        )?;
        for path in [Some(&plan.out), plan.best.as_ref()].into_iter().flatten() {
            model::check_writable(path, self.force)?;
        }

        let data = self.data.load()?;
        plan.set_data(data.checksum, self.data.dir.path())?;
        let (train, valid) = data
            .train
            .split_last(plan.metadata.training.settings.valid)?;
        drop(data.test);
        let images = (train.len(), valid.len());
        let settings = plan.metadata.training.settings;
        let mut start = match plan.resumed.take() {
            Some(start) => start,
            None => {
                let progress = Progress::new(images.0, settings.seed);
                (plan.metadata.first_network(), progress)
            }
        };
        let inject = plan.metadata.training.inject;
        let loss = match inject {
            None => plan.metadata.loss.build::<f32>(),
            Some(mistake) => {
                let kind = plan.metadata.loss;
                check_fits(mistake, &start.0, kind)?;
                let places = mistake.places(&start.0);
                mistakes::plant(mistake, &places, &mut start.0, kind)
            }
        };
        let folder = match (plan.folder.take(), &self.checkpoint) {
            (None, Some(dir)) => Some(Folder::create(dir, self.force)?),
            (folder, _) => folder,
        };
        let record = match &plan.run {
            Some(dir) => {
                let training = &plan.metadata.training;
                let writer = match self.resume.is_some() {
                    true => {
                        let run = (&plan.metadata.architecture.layers[..], training);
                        run::Writer::resume(dir, start.1.epoch, run, self.force)?
                    }
                    false => run::Writer::create(dir, self.force)?,
                };
                let steps = images.0.div_ceil(training.settings.batch_size);
                let done = (start.1.step, steps);
                let watch = Watch::new(&start.0, &train, settings.preprocessing, done);
                Some(Recorder::new(writer, watch, &*loss))
            }
            None => None,
        };
        let team = Team::new(match inject {
            None => self.threads.count(),
            Some(_) => 1,
        });
        let style = match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (_, true) => Style::Quiet,
            _ => Style::Table,
        };
        let mut report = Report::new(out, style, &settings, &start.1);
        report.record = record;
        report.start(&Start {
            data: self.data.dir.path(),
            official: data.official,
            images,
            network: &start.0,
            metadata: &plan.metadata,
            threads: team.threads(),
            checkpoints: folder.as_ref().map(Folder::path),
            progress: &start.1,
        })?;
        report.checkpoints =
            folder.map(|folder| Writer::new(folder, plan.run(), self.checkpoint_every));
        let trained = train::resume(
            start,
            &*loss,
            (&train, &valid),
            &settings,
            team,
            &mut report,
        );
        let checkpoints = report.checkpoints.take();
        let trained = report.finish(trained)?;
        report.print_sparklines()?;
        let mut record = report.record.take();
        let stopped = trained.stopped;
        let mut checkpointed = Ok(());
        let mut go_on = String::new();
        if let Some(mut checkpoints) = checkpoints {
            checkpointed = checkpoints.save(&trained.network, &trained.progress);
            go_on = format!(
                "; `mlp train --resume {}{}` goes on",
                shell_quote(checkpoints.folder().path()),
                self.data.dir.flag()
            );
        }
        let to_look_at = plan.save(trained, style, out, record.as_mut())?;
        let recorded = record.map_or(Ok(()), Recorder::finish);
        checkpointed.context(
            "the model is saved, but the last checkpoint could not be; the one before is kept",
        )?;
        recorded?;
        if let Some((epoch, step)) = stopped {
            return Err(Interrupted(format!(
                "stopped in epoch {epoch} after step {step}; the network as it was then is saved as {}{go_on}",
                plan.out.display()
            ))
            .into());
        }
        if !self.quiet {
            let data = self.data.dir.flag();
            next_step(format_args!("mlp eval {}{data}", shell_quote(to_look_at)));
        }
        Ok(Outcome::Done)
    }
}
