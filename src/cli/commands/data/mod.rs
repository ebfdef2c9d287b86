//! `mlp data`: what is in the data folder, and how to mend it.

mod other;
mod report;

use mlp::{
    data::{catalogue::Named, inspect},
    files::dataset,
};

use crate::cli::{
    args::{Usage, data::DataArgs},
    terminal::{
        Outcome, interrupt,
        output::{Output, note},
        progress::busy,
    },
};

/// Show what is in the data folder, and fetch what is missing
///
/// Every command that takes --data-dir reads, from a folder or from a file of it: IDX of any type, size and count;
/// a folder with one subfolder of pictures a class, or train/ and test/ with such; .npz as Keras has it, and .npy;
/// Kaggle's train.csv. What other programs keep in formats of their own is named, with the line that converts it.
/// Images are up to 512x512, classes up to 256; greys are 0 to 255, and floats of 0 to 1 are scaled to that.
///
/// By name there are mnist, fashion, kmnist, emnist-letters, emnist-balanced and qmnist. They are kept in the user's
/// cache ($XDG_CACHE_HOME/mlp, or ~/.cache/mlp), and so is MNIST, unless ./data holds it. Downloads go through the
/// proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, but for the hosts of NO_PROXY; SSL_CERT_FILE names authorities of
/// your own.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp data                       what is in ./data, or else in the cache
  mlp data --download            fetch what is missing first
  mlp data --data-dir ~/letters  what is in another folder, and what comes of it
  mlp data --data fashion --download   fetch Fashion-MNIST

Exit code: 0 if the data can be used, 1 if not.")]
pub struct Data {
    #[command(flatten)]
    data: DataArgs,

    /// Fetch the files that are missing, then show what is there
    #[arg(long, help_heading = "Data")]
    download: bool,

    /// Print one JSON object
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
        let path = self.data.dir.path();
        let is_empty = !path.exists() || path.read_dir().is_ok_and(|mut dir| dir.next().is_none());
        if self.data.dir.named() != Named::Mnist || !is_empty && !dataset::is_mnist(&path) {
            return other::report(&self.data.dir, self.json, out);
        }
        if !path.exists() {
            note(format_args!("{}: no such folder", path.display()));
        }
        let files = busy("checking", || inspect::inspect(&path));
        if self.json {
            report::json(&self.data.dir, &files, out)
        } else {
            report::table(&self.data.dir, &files, out)
        }
    }
}
