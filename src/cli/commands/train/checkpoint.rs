//! The observer that keeps checkpoints.

use indicatif::ProgressBar;
use mlp::{
    files::checkpoint::{CheckpointError, Folder, Writer},
    nn::Mlp,
    train::{Observer, Progress, Trained},
};

use crate::cli::terminal::{progress::note_above, shell::shell_quote};

/// Keeps a checkpoint whenever it is time. One that cannot be written is noted and training goes on: the one
/// before is still there.
pub(super) struct Checkpoints {
    writer: Writer,
    bar: ProgressBar,
    /// What was said last of one that could not be written: once is enough.
    said: Option<String>,
}

impl Checkpoints {
    /// Notes appear above the bar.
    pub(super) fn new(writer: Writer, bar: ProgressBar) -> Self {
        Self {
            writer,
            bar,
            said: None,
        }
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
        let Err(error) = self.writer.save_if_due(network, progress) else {
            return;
        };
        let before = match Folder::is_begun(self.writer.folder().path()) {
            true => ", the one before is kept",
            false => "",
        };
        let text = format!("{error}: no checkpoint was written{before}; training goes on");
        if self.said.as_ref() != Some(&text) {
            note_above(&self.bar, &text);
            self.said = Some(text);
        }
    }
}
