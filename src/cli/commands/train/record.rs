//! The observer that keeps a record of the run, for `--run`, and its event files, for `--tensorboard`.

use anyhow::Context;
use indicatif::ProgressBar;
use mlp::{
    files::{
        model::Metadata,
        run::{self, EpochLine},
        tensorboard,
    },
    loss::Loss,
    nn::Mlp,
    train::{
        Epoch, Observer, Progress, Settings, learned::Guessing, metrics::Evaluation,
        statistics::Watch,
    },
};
use serde_json::{Value, json};

use crate::cli::{
    commands::train::board,
    terminal::{
        json::{event, shortest},
        progress::note_above,
    },
};

/// What is kept of a run as it goes.
pub(super) struct Records {
    pub(super) record: Option<run::Writer>,
    pub(super) events: Option<tensorboard::Writer>,
}

impl Records {
    /// Whether anything is kept.
    pub(super) fn is_any(&self) -> bool {
        self.record.is_some() || self.events.is_some()
    }
}

/// The record of a run and its event files as it goes. What cannot be written is left out and training goes on: the
/// network is worth more; the run fails in the end.
pub(super) struct Recorder<'a> {
    records: Records,
    watch: Watch,
    loss: &'a dyn Loss<f32>,
    bar: ProgressBar,
    images: usize,
    metadata: &'a Metadata,
    /// The epoch that is over, until its network comes.
    epoch: Option<EpochLine>,
    /// The first gap in the record, and in the event files.
    gaps: [Option<anyhow::Error>; 2],
}

/// What can have a gap.
const KEPT: [&str; 2] = [
    "the record of the run has",
    "the events for TensorBoard have",
];

impl<'a> Recorder<'a> {
    /// Of a run with so many images an epoch. Notes appear above the bar.
    pub(super) fn new(
        records: Records,
        watch: Watch,
        loss: &'a dyn Loss<f32>,
        bar: ProgressBar,
        (images, metadata): (usize, &'a Metadata),
    ) -> Self {
        Self {
            records,
            watch,
            loss,
            bar,
            images,
            metadata,
            epoch: None,
            gaps: [None, None],
        }
    }

    /// Adds the start of a run, after so many epochs.
    pub(super) fn begin(&mut self, start: &Value, done: usize) {
        self.append(start);
        let settings = board::settings(start);
        self.show(done, || settings);
    }

    /// Adds a line to the record.
    pub(super) fn append(&mut self, event: &Value) {
        if let Some(record) = &mut self.records.record {
            let result = record.append(event);
            self.check(0, result.map_err(Into::into));
        }
    }

    /// Adds what is shown of an epoch to the event files, if there are any.
    fn show(&mut self, epoch: usize, summary: impl FnOnce() -> tensorboard::Summary) {
        if let Some(events) = &mut self.records.events {
            let result = events.append(epoch, summary());
            self.check(1, result.map_err(Into::into));
        }
    }

    /// Notes what went wrong the first time.
    fn check(&mut self, which: usize, result: anyhow::Result<()>) {
        let (Err(error), None) = (result, &self.gaps[which]) else {
            return;
        };
        let text = format!("{error}: {} a gap; training goes on", KEPT[which]);
        note_above(&self.bar, text);
        self.gaps[which] = Some(error);
    }

    /// Whether everything is in it.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let gaps = self.gaps.into_iter().zip(KEPT);
        match gaps.filter_map(|(gap, kept)| Some((gap?, kept))).next() {
            None => Ok(()),
            Some((error, kept)) => {
                Err(error).with_context(|| format!("the model is saved, but {kept} a gap"))
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
            let spec = &self.metadata.images;
            self.show(epoch.epoch, || {
                board::epoch(&epoch, network, (spec.rows, spec.cols))
            });
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
