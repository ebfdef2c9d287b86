//! What `--run` keeps of a run.

use anyhow::Context;
use mlp::{
    files::run::{EpochLine, RunError, Writer},
    loss::Loss,
    nn::Mlp,
    train::{Progress, statistics::Watch},
};
use serde_json::{Value, json};

/// The record of a run as it goes. A line that cannot be written is left out and training goes on: the
/// network is worth more; the run fails in the end.
pub(super) struct Recorder<'a> {
    writer: Writer,
    watch: Watch,
    loss: &'a dyn Loss<f32>,
    epoch: Option<EpochLine>,
    failed: Option<RunError>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(writer: Writer, watch: Watch, loss: &'a dyn Loss<f32>) -> Self {
        Self {
            writer,
            watch,
            loss,
            epoch: None,
            failed: None,
        }
    }

    /// Adds a line; says what went wrong the first time.
    pub(super) fn append(&mut self, event: &Value) -> Option<String> {
        let error = self.writer.append(event).err()?;
        let first = self.failed.is_none();
        let text = format!("{error}: the record of the run has a gap; training goes on");
        self.failed.get_or_insert(error);
        first.then_some(text)
    }

    /// Takes an epoch, which gets its statistics when [`progress`](Self::progress) brings the network.
    pub(super) fn epoch(&mut self, line: EpochLine) {
        self.epoch = Some(line);
    }

    /// To be called after every step and epoch; says what went wrong as [`append`](Self::append) does.
    pub(super) fn progress(&mut self, network: &Mlp<f32>, progress: &Progress) -> Option<String> {
        let said = self.epoch.take().and_then(|mut epoch| {
            epoch.statistics = self.watch.measure(network, self.loss);
            self.append(&event("epoch", json!(epoch)))
        });
        self.watch.step(network, progress.step);
        said
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

/// A JSON object with the name of what happened in it.
pub(super) fn event(name: &str, mut object: Value) -> Value {
    object["event"] = name.into();
    object
}
