//! `mlp train`: train a network and save it.

mod board;
mod checkpoint;
mod differences;
mod doubts;
mod observers;
mod origin;
mod places;
mod plan;
mod prepare;
mod print;
mod record;
mod save;
mod sparkline;
mod start;
mod unusual;

use std::path::PathBuf;

use anyhow::Context;
use mlp::{
    check::mistakes::Mistake,
    files::checkpoint::{CheckpointError, Every, Writer},
    linalg::team::Team,
    train::{self, Images, TrainError, recipes::Recipe, statistics::Watch},
};
use serde_json::json;

use crate::cli::{
    args::{
        Usage,
        common::ThreadArgs,
        data::DataArgs,
        given::Given,
        mistake::mistake_parser,
        model::Normalize,
        recipe::{blame_recipe, recipe_parser},
        run::RunArgs,
    },
    terminal::{
        Outcome,
        interrupt::{self, Interrupted},
        json::event,
        output::{Output, next_step, note},
        shell::shell_quote,
    },
};

use checkpoint::Checkpoints;
use doubts::{Case, Doubts};
use observers::Observers;
use origin::Origin;
use plan::Plan;
use prepare::Prepared;
use print::{Printer, Style};
use record::Recorder;
use save::Saved;
use start::Start;
use unusual::unusual;

/// Train a network on MNIST and save it
///
/// The last images of the training file are held out for validation; the test images are not used (that is
/// `mlp eval`). Same flags, same seed, same data: the same bytes in the model file,
/// whatever the number of threads. Ctrl-C, SIGTERM and SIGHUP end the run after the current batch and save
/// the network as it is then, beside a model that another run has finished; a second one ends it at once. A run
/// with --checkpoint goes on with --resume, to the same bytes as without the break, however it ended.
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
  mlp train --optimizer adam --batch-size 64     rates of its own, 0.001 first
  mlp train --recipe hinton2005                  a result, see `mlp recipes`
  mlp train --augment ciresan2010                images are distorted anew
  mlp train --epochs 99 --patience 5 --best b.bin   until it gets no better
  mlp train --epochs 500 --checkpoint run        may be killed at any time
  mlp train --resume run                         go on with it
  mlp train --epochs 500 --checkpoint run --resume   start it, or go on
  mlp train --run first                          a record, for mlp plot first
  mlp train --from model.bin --lr 0.01 --out more.bin   begin with its weights
  mlp train --tensorboard tb/first               for tensorboard --logdir tb
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

    /// Begin with the weights of this model: its hidden layers and their activation, and how it takes images. Its last
    /// layer is taken over, too, if it has the same classes; else that layer is fresh
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    from: Option<PathBuf>,

    /// With --from and a .safetensors file of another program: mean and standard deviation that its pixels of 0 to 1
    /// were normalised by, such as 0.1307,0.3081
    #[arg(long, value_name = "MEAN,STD", help_heading = "Network")]
    normalize: Option<Normalize>,

    #[arg(skip)]
    origin: Option<Origin>,

    #[command(flatten)]
    asked: RunArgs,

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

    /// Folder of event files for TensorBoard: after every epoch losses, accuracies, learning rate, statistics and
    /// histograms of every layer, and the weights of the first layer as images
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    tensorboard: Option<PathBuf>,

    /// Folder for checkpoints, from which --resume continues the run. With --resume, one command for a scheduler: it
    /// starts the run, or goes on with it if there is one; its settings must be the same
    #[arg(long, value_name = "DIR", help_heading = "Checkpoints")]
    checkpoint: Option<PathBuf>,

    /// How often to write one: every so many epochs, such as 5, or a time, such as 30s, 10m or 2h
    #[arg(
        long,
        value_name = "EVERY",
        default_value = "1m",
        help_heading = "Checkpoints"
    )]
    checkpoint_every: Every,

    /// Continue the run in this folder, to the same bytes as without the break. Its settings are kept, but
    /// --epochs, --patience, --target-accuracy and the places of the results may change
    #[arg(long, value_name = "DIR", help_heading = "Checkpoints")]
    resume: Option<Option<PathBuf>>,

    /// Replace the files at --out and --best even if they are not models, and other runs in the folders of
    /// --checkpoint, --run and --tensorboard
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Print JSON lines, one for the start, each epoch and the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print nothing but errors and warnings; with --json, the lines and no progress bar
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// How a run ended.
struct Ended {
    saved: Saved,
    stopped: Option<(usize, usize)>,
    /// The last checkpoint.
    kept: Result<(), CheckpointError>,
    /// The command that goes on.
    resume: Option<String>,
}

impl Train {
    /// Runs the command.
    pub fn run(mut self, out: &mut Output) -> anyhow::Result<Outcome> {
        let taken = self.take_origin();
        let result = taken.and_then(|()| self.train(out));
        result.map_err(|error| match (error.downcast::<Usage>(), &self.recipe) {
            (Ok(usage), Some(recipe)) => blame_recipe(usage, recipe, &self.given).into(),
            (Ok(usage), None) => usage.into(),
            (Err(error), _) => error,
        })
    }

    fn train(&self, out: &mut Output) -> anyhow::Result<Outcome> {
        let Prepared {
            plan,
            dir,
            official,
            images: (train, valid),
            test,
            network,
            progress,
            loss,
            team,
            out: model,
            best,
            folder,
            records,
        } = self.prepare()?;
        let settings = &plan.metadata.training.settings;
        let goes_on = progress.epoch + progress.step > 0;
        let start = Start {
            data: &dir,
            official,
            images: (train.len(), valid.len()),
            test,
            network: &network,
            metadata: &plan.metadata,
            threads: team.threads(),
            checkpoints: folder.as_ref().map(|folder| folder.path()),
            models: (&model, best.as_ref()),
            records: (plan.run.as_deref(), plan.tensorboard.as_deref()),
            progress: &progress,
            // A run that goes on has weights of its own.
            origin: self.origin.as_ref().filter(|_| !goes_on),
        };
        let mut print = Printer::new(out, self.style(), &start, &plan.metadata, &progress)?;
        let mut record = records.is_any().then(|| {
            let steps = train.len().div_ceil(settings.batch_size);
            let done = (progress.step, steps);
            let watch = Watch::new(&network, &train, plan.metadata.preprocessing, done);
            let mut record = Recorder::new(
                records,
                watch,
                &*loss,
                print.bar(),
                (train.len(), &plan.metadata),
            );
            record.begin(&start.json(), progress.epoch);
            record
        });
        let mut checkpoints = folder.map(|folder| {
            let run = plan.run(folder.path());
            let writer = Writer::new(folder, run, self.checkpoint_every, &progress);
            Checkpoints::new(writer, print.bar())
        });
        interrupt::last_words(&match &checkpoints {
            None => "nothing was saved".to_owned(),
            Some(checkpoints) => format!(
                "nothing was saved since the last checkpoint: `{}{}` goes on from there",
                checkpoints.resume_command(),
                self.data.dir.flag()
            ),
        });
        let mut doubts = Doubts::new(
            Case {
                metadata: &plan.metadata,
                loss: &*loss,
                train: &train,
                validated: !valid.is_empty(),
            },
            print.bar(),
        );
        // The record before the checkpoints: none may know of an epoch that is not recorded.
        let mut observers = Observers::default()
            .and(Some(&mut print))
            .and(record.as_mut())
            .and(checkpoints.as_mut())
            .and(Some(&mut doubts));
        let start = (network, progress);
        let images = Images {
            train: &train,
            valid: &valid,
            preprocessing: plan.metadata.preprocessing,
        };
        let threads = team.threads();
        let trained = train::resume(start, &*loss, images, settings, team, &mut observers);
        print.clear();
        if let (Err(error), Some(record)) = (&trained, &mut record) {
            record.append(&event("failed", json!({"fault": error.to_string()})));
        }
        // What is known of the settings says more than the error does.
        let advice = match self.inject {
            Some(mistake) => Some(format!("the planted mistake, {mistake}, may be why")),
            None => unusual(&plan.metadata),
        };
        let trained = match (trained, advice) {
            (Err(error @ TrainError::NotFinite { .. }), Some(advice)) => {
                anyhow::bail!("training did not converge, no model was written: {error}: {advice}")
            }
            (trained, _) => trained.context("training did not converge, no model was written")?,
        };
        let kept = checkpoints.as_mut().map(|c| c.finish(&trained));
        let stopped = trained.stopped;
        let saved = plan.save(trained, images, (model, best), Team::new(threads));
        let saved = saved.map_err(|error| match (&kept, &checkpoints) {
            (Some(Ok(())), Some(checkpoints)) => error.context(format!(
                "the last checkpoint is kept; make room, and `{}{}` saves the model",
                checkpoints.resume_command(),
                self.data.dir.flag()
            )),
            _ => error,
        })?;
        let end = Ended {
            saved,
            stopped,
            kept: kept.unwrap_or(Ok(())),
            resume: checkpoints.map(|checkpoints| checkpoints.resume_command()),
        };
        self.conclude(&plan, end, (valid.is_empty(), test > 0), print, record)
    }

    /// Says how the run ended.
    fn conclude(
        &self,
        plan: &Plan,
        end: Ended,
        (unvalidated, has_test): (bool, bool),
        print: Printer<'_>,
        mut record: Option<Recorder<'_>>,
    ) -> anyhow::Result<Outcome> {
        let Ended {
            mut saved,
            stopped,
            kept,
            resume,
        } = end;
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
        if let Some(doubt) = saved.doubt().filter(|_| stopped.is_none()) {
            note(doubt);
        }
        let recorded = record.map_or(Ok(()), Recorder::finish);
        if let Some(failure) = saved.failure() {
            return Err(failure);
        }
        kept.context(
            "the model is saved, but the last checkpoint could not be; the one before is kept",
        )?;
        recorded?;
        let data = self.data.dir.flag();
        if let Some((epoch, step)) = stopped {
            let go_on = resume.map(|command| format!("; `{command}{data}` goes on"));
            return Err(Interrupted(format!(
                "stopped in epoch {epoch} after step {step}; the network as it was then is {}{}",
                saved.in_words(),
                go_on.unwrap_or_default()
            ))
            .into());
        }
        if !self.quiet {
            let model = shell_quote(saved.to_look_at());
            let split = match (has_test, unvalidated) {
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
            (true, true) => Style::QuietJson,
            (true, false) => Style::Json,
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
