//! `mlp train`: train a network and save it.

mod checkpoint;
mod observers;
mod plan;
mod prepare;
mod print;
mod record;
mod save;
mod sparkline;
mod start;

use std::path::PathBuf;

use anyhow::Context;
use mlp::{
    check::mistakes::Mistake,
    data::Dataset,
    files::checkpoint::{Every, MAX_EPOCHS, Writer},
    train::{self, Images, Trained, recipes::Recipe, statistics::Watch},
};
use serde_json::json;

use crate::cli::{
    args::{
        Usage,
        common::ThreadArgs,
        data::DataArgs,
        given::Given,
        mistake::mistake_parser,
        number,
        optim::ScheduleArgs,
        recipe::{blame_recipe, recipe_parser},
        settings::SettingsArgs,
    },
    terminal::{
        Outcome,
        interrupt::Interrupted,
        output::{Output, next_step, note},
        shell::shell_quote,
    },
};

use checkpoint::Checkpoints;
use observers::Observers;
use plan::Plan;
use prepare::Prepared;
use print::{Printer, Style};
use record::{Recorder, event};
use start::Start;

/// Train a network on MNIST and save it
///
/// The last images of the training file are held out for validation; the test images are not used (that is
/// `mlp eval`). Same flags, same seed, same machine: the same bytes in the model file,
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
  mlp train --recipe hinton2005                  a result, see `mlp recipes`
  mlp train --augment ciresan2010                images are distorted anew
  mlp train --epochs 99 --patience 5 --best b.bin   until it gets no better
  mlp train --epochs 500 --checkpoint run        may be killed at any time
  mlp train --resume run                         go on with it
  mlp train --run first                          a record, for mlp plot first
  mlp train --inject relu-mask-missing --epochs 3   what does a mistake do?
  mlp train --json | jq .valid_accuracy          for a program to read"
)]
pub struct Train {
    #[command(flatten)]
    given: Given,

    /// A published result: stands for the flags that mlp recipes shows; flags given beside it override them
    // The parser makes its flags the defaults, see `args::recipe`.
    #[arg(long, value_name = "NAME", value_parser = recipe_parser(), hide_possible_values = true, help_heading = "Network")]
    recipe: Option<String>,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Times that every training image is seen [default: 20]
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = number::whole(1..=MAX_EPOCHS as u32))]
    epochs: Option<u32>,

    /// Stop after this many epochs in a row without a higher validation accuracy
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = number::whole(1..=u32::MAX))]
    patience: Option<u32>,

    /// Stop after an epoch that reaches this validation accuracy: 0.98 for 98 %
    #[arg(long, value_name = "PART", help_heading = "Training", value_parser = number::accuracy)]
    target_accuracy: Option<f64>,

    /// Learning rate: the length of a step [default: 0.1, or 0.01 with --target digit]
    #[arg(long, value_name = "RATE", help_heading = "Training", value_parser = number::learning_rate::<f32>)]
    lr: Option<f32>,

    #[command(flatten)]
    schedule: ScheduleArgs,

    /// Plant a known mistake in the backward pass and see what happens to the loss: one of `mlp gradcheck
    /// --list-mistakes`. Runs on one thread
    #[arg(long, value_name = "MISTAKE", value_parser = mistake_parser(), hide_possible_values = true, help_heading = "Training")]
    inject: Option<Mistake>,

    /// Where to save the model [default: model.bin]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Also save the network of the epoch with the highest validation accuracy here
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    best: Option<PathBuf>,

    /// Folder to record the run in: its settings and, after every epoch, losses, accuracies and statistics of
    /// every layer, as JSON lines in run.jsonl; see mlp plot
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    run: Option<PathBuf>,

    /// Folder for checkpoints, from which --resume continues the run
    #[arg(
        long,
        value_name = "DIR",
        group = "folder",
        help_heading = "Checkpoints"
    )]
    checkpoint: Option<PathBuf>,

    /// How often to write one: every so many epochs, such as 5, or a time, such as 30s, 10m or 2h
    #[arg(
        long,
        value_name = "EVERY",
        default_value = "1m",
        requires = "folder",
        help_heading = "Checkpoints"
    )]
    checkpoint_every: Every,

    /// Continue the run in this folder, to the same bytes as without the break. Its settings are kept, but
    /// --epochs, --patience, --target-accuracy and the places of the results may change
    #[arg(
        long,
        value_name = "DIR",
        group = "folder",
        help_heading = "Checkpoints"
    )]
    resume: Option<PathBuf>,

    /// Replace the files at --out and --best even if they are not models, and other runs in the folders of
    /// --checkpoint and --run
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Print JSON lines, one for the start, each epoch and the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print nothing but errors and warnings
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

impl Train {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let result = self.train(out);
        result.map_err(|error| match (error.downcast::<Usage>(), &self.recipe) {
            (Ok(usage), Some(recipe)) => blame_recipe(usage, recipe, &self.given).into(),
            (Ok(usage), None) => usage.into(),
            (Err(error), _) => error,
        })
    }

    fn train(&self, out: &mut Output) -> anyhow::Result<Outcome> {
        let Prepared {
            plan,
            official,
            images: (train, valid),
            test,
            network,
            progress,
            loss,
            team,
            folder,
            writer,
        } = self.prepare()?;
        let settings = &plan.metadata.training.settings;
        let dir = self.data.dir.path();
        let start = Start {
            data: &dir,
            official,
            images: (train.len(), valid.len()),
            test,
            network: &network,
            metadata: &plan.metadata,
            threads: team.threads(),
            checkpoints: folder.as_ref().map(|folder| folder.path()),
            progress: &progress,
        };
        let mut print = Printer::new(out, self.style(), &start, settings, &progress)?;
        let mut record = writer.map(|writer| {
            let steps = train.len().div_ceil(settings.batch_size);
            let done = (progress.step, steps);
            let watch = Watch::new(&network, &train, plan.metadata.preprocessing, done);
            let mut record = Recorder::new(writer, watch, &*loss, print.bar(), train.len());
            record.append(&start.json());
            record
        });
        let mut checkpoints = folder.map(|folder| {
            let writer = Writer::new(folder, plan.run(), self.checkpoint_every);
            Checkpoints::new(writer, print.bar())
        });
        // The record before the checkpoints: none may know of an epoch that is not recorded.
        let mut observers = Observers::default()
            .and(Some(&mut print))
            .and(record.as_mut())
            .and(checkpoints.as_mut());
        let start = (network, progress);
        let images = Images {
            train: &train,
            valid: &valid,
            preprocessing: plan.metadata.preprocessing,
        };
        let trained = train::resume(start, &*loss, images, settings, team, &mut observers);
        print.clear();
        if let (Err(error), Some(record)) = (&trained, &mut record) {
            record.append(&event("failed", json!({"error": error.to_string()})));
        }
        let trained = trained.context("training did not converge, no model was written")?;

        self.conclude(
            &plan,
            (trained, &valid, test > 0),
            print,
            record,
            checkpoints,
        )
    }

    /// Saves what has come of the run, and says how it ended.
    fn conclude(
        &self,
        plan: &Plan,
        (trained, valid, has_test): (Trained, &Dataset, bool),
        print: Printer<'_>,
        mut record: Option<Recorder<'_>>,
        mut checkpoints: Option<Checkpoints>,
    ) -> anyhow::Result<Outcome> {
        let stopped = trained.stopped;
        let kept = checkpoints.as_mut().map(|c| c.finish(&trained));
        let saved = plan.save(trained, valid)?;
        if let Some(record) = &mut record {
            record.append(&saved.json());
        }
        print.finish(&saved)?;
        if let Some(path) = plan.best.as_ref().filter(|_| !saved.has_best()) {
            note(format_args!(
                "no epoch was finished, so none was the best: {} was not written",
                path.display()
            ));
        }
        let recorded = record.map_or(Ok(()), Recorder::finish);
        kept.unwrap_or(Ok(())).context(
            "the model is saved, but the last checkpoint could not be; the one before is kept",
        )?;
        recorded?;
        let data = self.data.dir.flag();
        if let Some((epoch, step)) = stopped {
            let go_on = checkpoints.map(|c| format!("; `{}{data}` goes on", c.resume_command()));
            return Err(Interrupted(format!(
                "stopped in epoch {epoch} after step {step}; the network as it was then is saved as {}{}",
                plan.out.display(),
                go_on.unwrap_or_default()
            ))
            .into());
        }
        if !self.quiet {
            let model = shell_quote(saved.to_look_at());
            let split = match (has_test, valid.is_empty()) {
                (true, _) => "",
                (false, false) => " --split valid",
                (false, true) => " --split train",
            };
            next_step(format_args!("mlp eval {model}{split}{data}"));
        }
        Ok(Outcome::Done)
    }

    fn style(&self) -> Style {
        match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (_, true) => Style::Quiet,
            _ => Style::Table,
        }
    }

    /// Where the recipe means several networks.
    fn committee_note(&self) -> Option<String> {
        let Recipe { name, members, .. } = Recipe::find(self.recipe.as_deref()?)?;
        (members > 1).then(|| {
            format!(
                "{name} is a committee of {members}: this trains one of them; train the others with another \
                 --seed and --out each, and `mlp eval` all models together"
            )
        })
    }
}
