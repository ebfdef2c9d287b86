//! Where the data is, and where it comes from.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use clap::builder::FalseyValueParser;
use indicatif::{DecimalBytes, ProgressBar};
use mlp::{
    check,
    data::{
        self, Spec, Splits,
        batch::{Batch, Preprocessing},
        download::{self, DownloadError, Event},
        load,
    },
    files::model::Metadata,
};
use ndarray::Array2;

use crate::cli::terminal::{
    hints,
    interrupt::{self, Interrupted},
    output::{DIM, line, note},
    progress::{busy, progress_bar},
    shell::{download_command, shell_quote},
};

/// Where the data is.
#[derive(clap::Args)]
pub struct DataDir {
    /// Folder with the four MNIST files, compressed (.gz) or not
    #[arg(
        long,
        value_name = "DIR",
        env = VARIABLE,
        default_value = DEFAULT,
        help_heading = "Data"
    )]
    data_dir: PathBuf,
}

const DEFAULT: &str = "data";
const VARIABLE: &str = "MLP_DATA_DIR";

/// Where the data is, and where it comes from.
#[derive(clap::Args)]
pub struct DataArgs {
    #[command(flatten)]
    pub dir: DataDir,

    /// Where to fetch missing files, instead of the official mirrors (repeat for several, tried in turn)
    #[arg(long, value_name = "URL", value_parser = parse_mirror, help_heading = "Data")]
    pub mirror: Vec<String>,

    /// Never use the network: missing files are an error
    #[arg(long, env = "MLP_OFFLINE", value_parser = FalseyValueParser::new(), help_heading = "Data")]
    pub offline: bool,
}

impl DataDir {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.data_dir
    }

    /// The flag that makes another command use the same folder, after a blank; nothing where it would anyway.
    pub fn flag(&self) -> String {
        let same = std::env::var_os(VARIABLE).unwrap_or(DEFAULT.into());
        match same == self.data_dir.as_os_str() {
            true => String::new(),
            false => format!(" --data-dir {}", shell_quote(&self.data_dir)),
        }
    }

    /// Unpacks, checks and loads; progress and notes go to stderr. Ctrl-C is held from here on, so that
    /// nothing is left half unpacked.
    pub fn load(&self) -> anyhow::Result<Splits> {
        interrupt::hold();
        Ok(busy("reading the data", || load(&self.data_dir))?)
    }

    /// The first training images of a network's kind of data, or random ones where they are not at hand: a check
    /// needs no download. Without a network, MNIST's.
    pub fn first_images(
        &self,
        n: usize,
        seed: u64,
        network: Option<&Metadata>,
    ) -> anyhow::Result<Batch> {
        let (images, network_spec, preprocessing) = match network {
            None => (Spec::default(), Spec::default(), Preprocessing::UNIT),
            Some(known) => (known.images.clone(), known.spec(), known.preprocessing),
        };
        let data = self.load();
        interrupt::release()?;
        let size = |spec: &Spec| (spec.rows, spec.cols, spec.classes.len());
        let why = match data {
            Ok(data) if size(&data.train.spec) != size(&images) => format!(
                "{} has images of {}x{} in {} classes",
                self.data_dir.display(),
                data.train.rows(),
                data.train.cols(),
                data.train.classes()
            ),
            Ok(data) if data.train.len() < n => format!(
                "{} has {} training images, and {n} are needed",
                self.data_dir.display(),
                data.train.len()
            ),
            Ok(data) => {
                let first = data.train.select(&Vec::from_iter(0..n));
                let first = network.map_or(first.clone(), |known| known.relabelled(first));
                let mut x = Array2::zeros((n, first.spec.pixels()));
                preprocessing.gather(&first, &data::batch::in_order(n), &mut x);
                return Ok(Batch {
                    x,
                    targets: first.labels,
                });
            }
            Err(error) => hints::with_advice(&error),
        };
        let wanted = match images.is_mnist() {
            true => "MNIST".to_owned(),
            false => format!("the {}x{} images of this model", images.rows, images.cols),
        };
        note(format_args!("random images, not {wanted}: {why}"));
        let mut random = check::random_images(n, images.pixels(), seed);
        let classes = network_spec.classes.len().min(10) as u8;
        random
            .targets
            .iter_mut()
            .for_each(|class| *class %= classes);
        Ok(random)
    }
}

impl DataArgs {
    /// Fetches what is missing, and loads as [`DataDir::load`] does.
    pub fn load(&self) -> anyhow::Result<Splits> {
        interrupt::hold();
        if !self.offline {
            self.fetch_missing()?;
        }
        let mnist = self.dir.load()?;
        mnist.notes.iter().for_each(note);
        Ok(mnist)
    }

    /// Downloads the files that are missing, with a progress bar; returns how many.
    pub fn fetch_missing(&self) -> anyhow::Result<usize> {
        let mut options = download::Options::default();
        if !self.mirror.is_empty() {
            options.mirrors.clone_from(&self.mirror);
        }
        let mut progress = Progress(None);
        match download::fetch_missing(self.dir.path(), &options, |event| progress.show(event)) {
            Ok(saved) => Ok(saved.len()),
            Err(DownloadError::Stopped { .. }) => Err(Interrupted(format!(
                "the data is not complete: run `{}` to go on",
                download_command(self.dir.path())
            ))
            .into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A mirror is a folder on the web.
fn parse_mirror(url: &str) -> Result<String, String> {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !url.contains(char::is_whitespace) => Ok(url.to_owned()),
        _ => Err("expected the address of a folder, such as https://example.org/mnist/".into()),
    }
}

/// The bar of the file under way.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn show(&mut self, event: Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Started { name, url, bytes } => {
                line(format_args!(
                    "downloading {name} ({}) {DIM}from {url}{DIM:#}",
                    DecimalBytes(bytes)
                ));
                self.0 = Some(progress_bar(
                    bytes,
                    "{bar:40} {decimal_bytes:>9} of {decimal_total_bytes} {decimal_bytes_per_sec:>11} {eta:>4} left",
                ));
            }
            Event::Received { bytes } => {
                if let Some(bar) = &self.0 {
                    bar.set_position(bytes);
                }
            }
            Event::MirrorFailed(attempt) => {
                self.clear();
                note(attempt);
            }
            Event::Saved { .. } => self.clear(),
        }
        if interrupt::asked() {
            self.clear();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn clear(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
