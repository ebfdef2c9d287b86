//! The observer that prints a run as it goes.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use indicatif::ProgressBar;
use mlp::{
    files::{model::Metadata, run::EpochLine},
    train::{Epoch, Observer, Progress, Step},
};
use serde_json::json;

use crate::cli::{
    commands::train::{record::epoch_line, save::Saved, sparkline::sparklines, start::Start},
    terminal::{
        json::event,
        output::{DIM, Output, percent, scientific, thousands},
        progress::progress_bar_from,
    },
};

/// How a run is printed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    Table,
    Json,
    /// Lines of JSON, and no bar.
    QuietJson,
    Quiet,
}

/// Prints a line an epoch, and between them a bar.
pub(super) struct Printer<'a> {
    out: &'a mut Output,
    style: Style,
    bar: ProgressBar,
    steps: u64,
    /// Images an epoch.
    images: usize,
    metadata: &'a Metadata,
    /// The highest validation accuracy so far.
    best: Option<f64>,
    /// Of every epoch, for training and validation.
    losses: [Vec<f64>; 2],
}

impl<'a> Printer<'a> {
    /// Prints what there is to say before the first step.
    pub(super) fn new(
        out: &'a mut Output,
        style: Style,
        start: &Start<'_>,
        metadata: &'a Metadata,
        progress: &Progress,
    ) -> io::Result<Self> {
        match style {
            Style::Table => start.print(out)?,
            Style::Json | Style::QuietJson => out.json(start.json())?,
            Style::Quiet => {}
        }
        out.flush()?;
        let images = progress.order.len();
        let steps_an_epoch = images.div_ceil(metadata.training.settings.batch_size);
        let steps = (progress.epoch * steps_an_epoch + progress.step) as u64;
        let bar = match style {
            Style::Quiet | Style::QuietJson => ProgressBar::hidden(),
            _ => progress_bar_from(
                steps,
                (steps_an_epoch * metadata.training.settings.epochs) as u64,
                "{bar:20} {percent:>3} %  {prefix}  {eta} to go",
            ),
        };
        Ok(Self {
            out,
            style,
            bar,
            steps,
            images,
            metadata,
            best: progress.best.as_ref().map(|best| best.accuracy),
            losses: Default::default(),
        })
    }

    /// The bar, for those who have something to say above it.
    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    fn print_epoch(&mut self, epoch: &EpochLine) -> io::Result<()> {
        match self.style {
            Style::Quiet => {}
            Style::Json | Style::QuietJson => self.out.json(event("epoch", json!(epoch)))?,
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

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The losses of all epochs at a glance, and what is left of the run.
    pub(super) fn finish(mut self, saved: &Saved) -> io::Result<()> {
        match self.style {
            Style::Quiet => {}
            Style::Json | Style::QuietJson => self.out.json(saved.json())?,
            Style::Table => {
                self.print_sparklines()?;
                saved.print(self.out)?;
            }
        }
        self.out.flush()
    }

    fn print_sparklines(&mut self) -> io::Result<()> {
        if self.losses[0].len() < 3 {
            return Ok(());
        }
        let names = ["train", "valid"];
        let lines = sparklines(self.losses.each_ref().map(|losses| &losses[..]));
        for (name, line) in names.iter().zip(lines).filter(|(_, line)| !line.is_empty()) {
            writeln!(self.out, "{DIM}{name} loss{DIM:#}  {line}")?;
        }
        Ok(())
    }
}

impl Observer for Printer<'_> {
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
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let line = epoch_line(epoch, self.images, self.metadata);
        self.best = line.best_valid_accuracy;
        self.losses[0].push(line.train_loss);
        self.losses[1].extend(line.valid_loss);
        let bar = self.bar.clone();
        // Output keeps its own failure, and the run goes on: it is worth more than its table.
        let _ = bar.suspend(|| self.print_epoch(&line));
    }
}
