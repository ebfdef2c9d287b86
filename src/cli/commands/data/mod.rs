//! `mlp data`: what is in the data folder, and how to mend it.

mod report;

use mlp::data::inspect;

use crate::cli::{
    args::{Usage, data::DataArgs},
    terminal::{
        Outcome, interrupt,
        output::{Output, note},
        progress::busy,
    },
};

/// Show what is in the data folder, file by file; fetch what is missing
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp data                       what is in ./data
  mlp data --download            fetch what is missing first
  mlp data --data-dir ~/mnist    what is in another folder

Exit code: 0 if all four files are sound, 1 if not.")]
pub struct Data {
    #[command(flatten)]
    data: DataArgs,

    /// Fetch the files that are missing, then show what is there
    #[arg(long, help_heading = "Data")]
    download: bool,

    /// Print the report as JSON, for programs
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl Data {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        if self.download && self.data.offline {
            // Not clap's own check: to it, MLP_OFFLINE=0 would be a conflict too.
            let text = "--download cannot be used with --offline (or MLP_OFFLINE)";
            return Err(Usage::from(text).into());
        }
        if self.download {
            interrupt::hold();
            if self.data.fetch_missing()? == 0 {
                note(format_args!(
                    "{}: nothing is missing, nothing was downloaded",
                    self.data.dir.path().display()
                ));
            }
        }
        interrupt::release()?;
        let files = busy("checking", || inspect::inspect(&self.data.dir.path()));
        if self.json {
            report::json(&self.data.dir, &files, out)
        } else {
            report::table(&self.data.dir, &files, out)
        }
    }
}
