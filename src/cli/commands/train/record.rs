//! The observer that keeps a record of the run, for `--run`.

use anyhow::Context;
use indicatif::ProgressBar;
use mlp::{
    files::run::{EpochLine, RunError, Writer},
    loss::{Loss, LossKind},
    nn::Mlp,
    train::{Epoch, Observer, Progress, learned::Guessing, metrics::Evaluation, statistics::Watch},
};
use serde_json::{Value, json};

use crate::cli::terminal::progress::note_above;

/// The record of a run as it goes. A line that cannot be written is left out and training goes on: the
/// network is worth more; the run fails in the end.
pub(super) struct Recorder<'a> {
    writer: Writer,
    watch: Watch,
    loss: &'a dyn Loss<f32>,
    bar: ProgressBar,
    images: usize,
    kind: LossKind,
    /// The epoch that is over, until its network comes.
    epoch: Option<EpochLine>,
    failed: Option<RunError>,
}

impl<'a> Recorder<'a> {
    /// Of a run with so many images an epoch. Notes appear above the bar.
    pub(super) fn new(
        writer: Writer,
        watch: Watch,
        loss: &'a dyn Loss<f32>,
        bar: ProgressBar,
        (images, kind): (usize, LossKind),
    ) -> Self {
        Self {
            writer,
            watch,
            loss,
            bar,
            images,
            kind,
            epoch: None,
            failed: None,
        }
    }

    /// Adds a line; notes what went wrong the first time.
    pub(super) fn append(&mut self, event: &Value) {
        let Err(error) = self.writer.append(event) else {
            return;
        };
        if self.failed.is_none() {
            let text = "the record of the run has a gap; training goes on";
            note_above(&self.bar, format_args!("{error}: {text}"));
            self.failed = Some(error);
        }
    }

    /// Whether everything is in it.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self.failed {
            None => Ok(()),
            Some(error) => {
                Err(error).context("the model is saved, but the record of the run has a gap")
            }
        }
    }
}

impl Observer for Recorder<'_> {
    fn epoch(&mut self, epoch: &Epoch) {
        self.epoch = Some(epoch_line(epoch, self.images, self.kind));
    }

    fn progress(&mut self, network: &Mlp<f32>, progress: &Progress) {
        if let Some(mut epoch) = self.epoch.take() {
            epoch.statistics = self.watch.measure(network, self.loss);
            self.append(&event("epoch", json!(epoch)));
        }
        self.watch.step(network, progress.step);
    }
}

/// A JSON object with the name of what happened in it.
pub(super) fn event(name: &str, mut object: Value) -> Value {
    object["event"] = name.into();
    object
}

/// What is told of an epoch, of so many images.
pub(super) fn epoch_line(epoch: &Epoch, images: usize, kind: LossKind) -> EpochLine {
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
        guessing: valid
            .and_then(|valid| Guessing::of(valid, kind))
            .map(|guessing| guessing.share),
        images_per_second: Some(images as f64 / seconds).filter(|rate| rate.is_finite()),
        statistics: Vec::new(),
    }
}
