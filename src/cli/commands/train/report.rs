//! A training run as it is printed.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::Path,
};

use anyhow::Context;
use indicatif::ProgressBar;
use mlp::{
    files::{checkpoint::Writer, model::Metadata, run::EpochLine},
    nn::Mlp,
    train::{Epoch, Observer, Progress, Settings, Step, TrainError, Trained, metrics::Evaluation},
};
use serde_json::{Value, json};

use crate::cli::{
    args::{architecture::architecture_text, augment::augmentation_text, optim::optimiser_text},
    terminal::{
        interrupt,
        output::{BAD, BOLD, DIM, Output, note, progress_bar_from, scientific, thousands},
    },
};

use crate::cli::commands::train::{
    record::{Recorder, event},
    sparkline::sparklines,
};

/// How a run is printed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    Table,
    Json,
    Quiet,
}

/// What there is to say before the first step.
pub(super) struct Start<'a> {
    pub(super) data: &'a Path,
    pub(super) official: bool,
    /// To train on, and to validate.
    pub(super) images: (usize, usize),
    pub(super) network: &'a Mlp<f32>,
    pub(super) metadata: &'a Metadata,
    pub(super) threads: usize,
    /// The folder of the checkpoints.
    pub(super) checkpoints: Option<&'a Path>,
    /// Where a run goes on from.
    pub(super) progress: &'a Progress,
}

/// The most modules that are listed one by one.
const LISTED: usize = 12;

impl Start<'_> {
    pub(super) fn json(&self) -> Value {
        let Metadata {
            layers,
            activation,
            dropout,
            deslant,
            loss,
            training,
            ..
        } = self.metadata;
        json!({
            "event": "start", "data": self.data.display().to_string(), "official": self.official,
            "train_images": self.images.0, "valid_images": self.images.1,
            "layers": layers, "activation": activation, "dropout": dropout, "deslant": deslant, "loss": loss, "parameters": self.network.parameter_count(),
            "threads": self.threads, "training": training,
            "checkpoints": self.checkpoints.map(|path| path.display().to_string()),
            "epochs_done": self.progress.epoch, "steps_done": self.progress.step,
        })
    }

    fn print(&self, out: &mut Output) -> io::Result<()> {
        let Metadata { loss, training, .. } = self.metadata;
        let count = |n: usize| thousands(n as u64);
        writeln!(
            out,
            "{DIM}data{DIM:#}      {} from {}: {} images to train on, {} to validate",
            match self.official {
                true => "official MNIST",
                false => "other files than MNIST's",
            },
            self.data.display(),
            count(self.images.0),
            count(self.images.1),
        )?;
        writeln!(
            out,
            "{DIM}network{DIM:#}   {BOLD}{}{BOLD:#}, {loss}: {} parameters",
            architecture_text(&self.metadata.architecture),
            count(self.network.parameter_count())
        )?;
        let mut inputs = self.network.inputs();
        let names = self.network.modules().iter().map(|m| m.name().len());
        let width = names.take(LISTED).max().unwrap_or(0).max("Linear".len());
        let modules = self.network.modules().iter().zip(self.network.outputs());
        for (m, (module, outputs)) in modules.enumerate() {
            let shapes = module.params().into_iter().flatten().map(|param| {
                let (rows, columns) = param.value.dim();
                format!("  {} ({rows}, {columns})", param.name)
            });
            match m {
                ..LISTED => writeln!(
                    out,
                    "          {m:>2} {:<width$} {:>13}{DIM}{}{DIM:#}",
                    module.name(),
                    format!("{inputs} → {outputs}"),
                    shapes.collect::<String>(),
                )?,
                LISTED => writeln!(
                    out,
                    "          … {} more",
                    self.network.modules().len() - LISTED
                )?,
                _ => break,
            }
            inputs = outputs;
        }
        writeln!(
            out,
            "{DIM}settings{DIM:#}  {} {}, batches of {}, lr {:?}{}, seed {}, {} {}",
            count(training.settings.epochs),
            if training.settings.epochs == 1 {
                "epoch"
            } else {
                "epochs"
            },
            count(training.settings.batch_size),
            training.settings.learning_rate,
            optimiser_text(&training.settings.extras, &training.settings.schedule),
            training.settings.seed,
            self.threads,
            if self.threads == 1 {
                "thread"
            } else {
                "threads"
            },
        )?;
        if let Some(mistake) = training.inject {
            writeln!(
                out,
                "{BAD}mistake   {mistake}{BAD:#}, planted on purpose: {}",
                mistake.what()
            )?;
        }
        if training.settings.init != self.metadata.architecture.activation.about().init {
            writeln!(out, "{DIM}weights{DIM:#}   {}", training.settings.init)?;
        }
        if self.metadata.preprocessing.deslant {
            writeln!(
                out,
                "{DIM}inputs{DIM:#}    deslanted: every image is set upright"
            )?;
        }
        if let Some(augmentation) = &training.settings.augmentation {
            let text = augmentation_text(augmentation);
            writeln!(out, "{DIM}augment{DIM:#}   {text}")?;
        }
        if let Some(checkpoints) = self.checkpoints {
            let Progress { epoch, step, .. } = self.progress;
            let (folder, next) = (checkpoints.display(), epoch + 1);
            let resumed = match (epoch, step) {
                (0, 0) => String::new(),
                (_, 0) => format!(", resumed after epoch {epoch}"),
                _ => format!(", resumed in epoch {next} after step {}", count(*step)),
            };
            writeln!(out, "{DIM}kept in{DIM:#}   {folder}{resumed}")?;
        }
        writeln!(
            out,
            "\n{DIM}epoch  train loss  train acc  valid loss  valid acc     best  seconds   images/s{DIM:#}"
        )
    }
}

/// Prints a training run as it goes.
pub(super) struct Report<'a, 'l> {
    out: &'a mut Output,
    style: Style,
    bar: ProgressBar,
    steps: u64,
    /// Images an epoch.
    images: usize,
    /// The highest validation accuracy so far.
    best: Option<f64>,
    /// Of every epoch, for training and validation.
    losses: [Vec<f64>; 2],
    /// Where checkpoints are kept, if they are.
    pub(super) checkpoints: Option<Writer>,
    /// What is kept of the run, if it is.
    pub(super) record: Option<Recorder<'l>>,
}

impl<'a, 'l> Report<'a, 'l> {
    pub(super) fn new(
        out: &'a mut Output,
        style: Style,
        settings: &Settings,
        progress: &Progress,
    ) -> Self {
        let images = progress.order.len();
        let steps_an_epoch = images.div_ceil(settings.batch_size);
        let steps = (progress.epoch * steps_an_epoch + progress.step) as u64;
        let bar = match style {
            Style::Quiet => ProgressBar::hidden(),
            _ => progress_bar_from(
                steps,
                (steps_an_epoch * settings.epochs) as u64,
                "{bar:20} {percent:>3} %  {prefix}  {eta} to go",
            ),
        };
        let best = progress.best.as_ref().map(|best| best.accuracy);
        Self {
            out,
            style,
            bar,
            steps,
            images,
            best,
            losses: Default::default(),
            checkpoints: None,
            record: None,
        }
    }

    pub(super) fn start(&mut self, start: &Start<'_>) -> io::Result<()> {
        let Self {
            bar, out, style, ..
        } = self;
        let said = self
            .record
            .as_mut()
            .and_then(|record| record.append(&start.json()));
        said.into_iter().for_each(note);
        bar.suspend(|| match style {
            Style::Table => start.print(out),
            Style::Json => writeln!(out, "{}", start.json()),
            Style::Quiet => Ok(()),
        })?;
        self.out.flush()
    }

    fn print_epoch(&mut self, epoch: &EpochLine) -> io::Result<()> {
        match self.style {
            Style::Quiet => {}
            Style::Json => {
                writeln!(self.out, "{}", event("epoch", json!(epoch)))?;
            }
            Style::Table => {
                let number = |v: Option<f64>| {
                    v.map_or("–".to_owned(), |v| match v {
                        ..1e4 => format!("{v:.4}"),
                        _ => scientific(v, 3),
                    })
                };
                let percent = |v: Option<f64>| v.map_or("–".to_owned(), percent);
                writeln!(
                    self.out,
                    "{:>5}  {:>10}  {:>9}  {:>10}  {:>9}  {:>7}  {:>7.3}  {:>9}",
                    epoch.epoch,
                    number(Some(epoch.train_loss)),
                    percent(Some(epoch.train_accuracy)),
                    number(epoch.valid_loss),
                    percent(epoch.valid_accuracy),
                    percent(epoch.best_valid_accuracy),
                    epoch.seconds,
                    thousands(epoch.images_per_second.unwrap_or(f64::INFINITY) as u64),
                )?;
            }
        }
        self.out.flush()
    }

    /// The losses of all epochs at a glance.
    pub(super) fn print_sparklines(&mut self) -> io::Result<()> {
        if self.style != Style::Table || self.losses[0].len() < 3 {
            return Ok(());
        }
        let names = ["train", "valid"];
        let lines = sparklines(self.losses.each_ref().map(|losses| &losses[..]));
        for (name, line) in names.iter().zip(lines).filter(|(_, line)| !line.is_empty()) {
            writeln!(self.out, "{DIM}{name} loss{DIM:#}  {line}")?;
        }
        self.out.flush()
    }

    /// Takes the bar away and says why there is no network, if there is none.
    pub(super) fn finish(
        &mut self,
        trained: Result<Trained, TrainError>,
    ) -> anyhow::Result<Trained> {
        self.bar.finish_and_clear();
        if let (Err(error), Some(record)) = (&trained, &mut self.record) {
            let said = record.append(&event("failed", json!({"error": error.to_string()})));
            said.into_iter().for_each(note);
        }
        trained.context("training did not converge, no model was written")
    }
}

impl Observer for Report<'_, '_> {
    fn step(&mut self, step: &Step) -> ControlFlow<()> {
        self.steps += 1;
        if self.steps.is_multiple_of(32) {
            self.bar.set_position(self.steps);
            let Step { epoch, loss, .. } = step;
            let best = self.best.map(|best| format!(", best {}", percent(best)));
            let best = best.unwrap_or_default();
            self.bar
                .set_prefix(format!("epoch {epoch}, loss {loss:.4}{best}"));
        }
        match interrupt::asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let line = line(epoch, self.images);
        self.best = line.best_valid_accuracy;
        self.losses[0].push(line.train_loss);
        self.losses[1].extend(line.valid_loss);
        let bar = self.bar.clone();
        // Output keeps its own failure, and the run goes on: it is worth more than its table.
        let _ = bar.suspend(|| self.print_epoch(&line));
        if let Some(record) = &mut self.record {
            record.epoch(line);
        }
    }

    fn progress(&mut self, network: &Mlp<f32>, progress: &Progress) {
        // First, so that no checkpoint knows of an epoch that is not recorded.
        let record = self.record.as_mut();
        if let Some(said) = record.and_then(|record| record.progress(network, progress)) {
            self.bar.suspend(|| note(said));
        }
        let Some(checkpoints) = &mut self.checkpoints else {
            return;
        };
        if let Err(error) = checkpoints.save_if_due(network, progress) {
            self.bar.suspend(|| {
                note(format_args!(
                    "{error}: no checkpoint was written, the one before is kept; training goes on"
                ));
            });
        }
    }
}

/// What is told of an epoch, of so many images.
fn line(epoch: &Epoch, images: usize) -> EpochLine {
    let valid = epoch.valid.as_ref();
    let seconds = epoch.time.as_secs_f64();
    EpochLine {
        epoch: epoch.epoch,
        train_loss: epoch.train_loss,
        train_accuracy: epoch.train_accuracy,
        valid_loss: valid.map(|valid| valid.loss),
        valid_accuracy: valid.map(Evaluation::accuracy),
        best_epoch: epoch.best.map(|(epoch, _)| epoch),
        best_valid_accuracy: epoch.best.map(|(_, accuracy)| accuracy),
        seconds,
        images_per_second: Some(images as f64 / seconds).filter(|rate| rate.is_finite()),
        statistics: Vec::new(),
    }
}

/// `97.60 %`
pub(super) fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}
