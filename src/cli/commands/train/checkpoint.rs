//! The observer that keeps checkpoints.

use indicatif::ProgressBar;
use mlp::{
    files::checkpoint::{CheckpointError, Writer},
    nn::Mlp,
    train::{Observer, Progress, Trained},
};

use crate::cli::terminal::{progress::note_above, shell::shell_quote};

/// Keeps a checkpoint whenever it is time. One that cannot be written is noted and training goes on: the one
/// before is still there.
pub(super) struct Checkpoints {
    writer: Writer,
    bar: ProgressBar,
}

impl Checkpoints {
    /// Notes appear above the bar.
    pub(super) fn new(writer: Writer, bar: ProgressBar) -> Self {
        Self { writer, bar }
    }

    /// Keeps the end of training, or where it was stopped.
    pub(super) fn finish(&mut self, trained: &Trained) -> Result<(), CheckpointError> {
        self.writer.save(&trained.network, &trained.progress)
    }

    /// The command that goes on from here, but for where the data are.
    pub(super) fn resume_command(&self) -> String {
        let folder = self.writer.folder().path();
        format!("mlp train --resume {}", shell_quote(folder))
    }
}

impl Observer for Checkpoints {
    fn progress(&mut self, network: &Mlp<f32>, progress: &Progress) {
        if let Err(error) = self.writer.save_if_due(network, progress) {
            let text = "no checkpoint was written, the one before is kept; training goes on";
            note_above(&self.bar, format_args!("{error}: {text}"));
        }
    }
}
