//! The observer that keeps a record of the run, for `--run`.

use anyhow::Context;
use indicatif::ProgressBar;
use mlp::{
    files::{
        model::Metadata,
        run::{EpochLine, RunError, Writer},
    },
    loss::Loss,
    nn::Mlp,
    train::{
        Epoch, Observer, Progress, Settings, learned::Guessing, metrics::Evaluation,
        statistics::Watch,
    },
};
use serde_json::{Value, json};

use crate::cli::terminal::{
    json::{event, shortest},
    progress::note_above,
};

/// The record of a run as it goes. A line that cannot be written is left out and training goes on: the
/// network is worth more; the run fails in the end.
pub(super) struct Recorder<'a> {
    writer: Writer,
    watch: Watch,
    loss: &'a dyn Loss<f32>,
    bar: ProgressBar,
    images: usize,
    metadata: &'a Metadata,
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
        (images, metadata): (usize, &'a Metadata),
    ) -> Self {
        Self {
            writer,
            watch,
            loss,
            bar,
            images,
            metadata,
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
        self.epoch = Some(epoch_line(epoch, self.images, self.metadata));
    }

    fn progress(&mut self, network: &Mlp<f32>, progress: &Progress) {
        if let Some(mut epoch) = self.epoch.take() {
            epoch.statistics = self.watch.measure(network, self.loss);
            self.append(&event("epoch", json!(epoch)));
        }
        self.watch.step(network, progress.step);
    }
}

/// What is told of an epoch, of so many images.
pub(super) fn epoch_line(epoch: &Epoch, images: usize, metadata: &Metadata) -> EpochLine {
    let valid = epoch.valid.as_ref();
    let seconds = epoch.time.as_secs_f64();
    let rate = last_rate(epoch.epoch, images, &metadata.training.settings);
    EpochLine {
        epoch: epoch.epoch,
        learning_rate: shortest(&rate).as_f64(),
        train_loss: epoch.train_loss,
        train_accuracy: epoch.train_accuracy,
        valid_loss: valid.map(|valid| valid.loss),
        valid_accuracy: valid.map(Evaluation::accuracy),
        best_epoch: epoch.best.map(|(epoch, _)| epoch),
        best_valid_accuracy: epoch.best.map(|(_, accuracy)| accuracy),
        seconds,
        guessing: valid
            .and_then(|valid| Guessing::of(valid, metadata.loss))
            .map(|guessing| guessing.share),
        images_per_second: Some(images as f64 / seconds).filter(|rate| rate.is_finite()),
        statistics: Vec::new(),
    }
}

/// The learning rate of the last step of an epoch, of so many images.
fn last_rate(epoch: usize, images: usize, settings: &Settings) -> f32 {
    let steps = images.div_ceil(settings.batch_size);
    let last = (epoch * steps).saturating_sub(1);
    let schedule = settings.schedule;
    schedule.rate(settings.learning_rate, last, steps, settings.epochs * steps)
}
