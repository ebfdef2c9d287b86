//! `mlp data`: what is in the data folder, and how to mend it.

use super::{Outcome, output::Output};

/// Show what is in the data folder, file by file; fetch what is missing
#[derive(clap::Args)]
pub struct Data {}

impl Data {
    /// Runs the command.
    pub fn run(self, _out: &mut Output) -> anyhow::Result<Outcome> {
        Ok(Outcome::Done)
    }
}
