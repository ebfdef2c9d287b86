//! Where the data is, and where it comes from.

use std::{
    ffi::{OsStr, OsString},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::{
    Arg, Command,
    builder::{FalseyValueParser, OsStringValueParser, PossibleValuesParser, TypedValueParser},
    parser::ValueSource,
};
use indicatif::{DecimalBytes, ProgressBar};
use mlp::{
    check,
    data::{
        self, DataError, FileKind, Spec, Splits,
        batch::{Batch, Preprocessing},
        catalogue::Named,
        download::{self, DownloadError, Event},
    },
    files::{
        dataset::{self, DatasetError},
        model::Metadata,
    },
};
use ndarray::Array2;

use crate::cli::{
    args::{memory::check_data, remembered},
    terminal::{
        describe::images_text,
        hints,
        interrupt::{self, Interrupted},
        output::{DIM, line, note},
        own_file::check_name,
        progress::{busy, progress_bar},
        shell::{download_command, shell_quote},
    },
};

/// Where the data is.
#[derive(clap::Args)]
pub struct DataDir {
    /// Folder or file of the data, MNIST's or any other images: see mlp data --help [default: the first with MNIST's
    /// files of data, the cache and the clone that mlp was built in]
    #[arg(long, value_name = "DIR", env = VARIABLE, value_parser = PlaceParser, help_heading = "Data")]
    data_dir: Option<Place>,

    /// A data set by name: mnist, fashion, kmnist, emnist-letters, emnist-balanced or qmnist, kept in the cache
    #[arg(long = "data", value_name = "NAME", value_parser = named_parser(), hide_possible_values = true, help_heading = "Data")]
    named: Option<Named>,
}

/// A folder or file, and who named it: what was typed counts more than the variable, even where both say the same.
#[derive(Clone)]
struct Place {
    path: PathBuf,
    typed: bool,
}

#[derive(Clone)]
struct PlaceParser;

impl TypedValueParser for PlaceParser {
    type Value = Place;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Place, clap::Error> {
        self.parse_ref_(command, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<Place, clap::Error> {
        let typed = source == ValueSource::CommandLine;
        let place = move |text| parse_place(text, typed);
        let parser = OsStringValueParser::new().try_map(place);
        parser.parse_ref(command, arg, value)
    }
}

/// A folder or file. The variable may be empty, which says nothing.
fn parse_place(text: OsString, typed: bool) -> Result<Place, String> {
    let path = PathBuf::from(text);
    match (path.as_os_str().is_empty(), typed) {
        (true, true) => Err("expected a folder or a file".into()),
        (true, false) => Ok(()),
        (false, true) => check_name(&path),
        (false, false) => check_name(&path).map_err(|why| format!("{VARIABLE} is {path:?}: {why}")),
    }?;
    Ok(Place { path, typed })
}

fn named_parser() -> impl TypedValueParser<Value = Named> {
    let names = PossibleValuesParser::new(Named::ALL.map(Named::name));
    names.map(|name| Named::find(&name).expect("one of the names"))
}

/// The folder of a clone, which holds MNIST.
const FOLDER: &str = "data";
const CLONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
const VARIABLE: &str = "MLP_DATA_DIR";

/// Where the data is, and where it comes from.
#[derive(clap::Args)]
pub struct DataArgs {
    #[command(flatten)]
    pub dir: DataDir,

    /// Where to fetch missing files, instead of the official mirrors (repeat for several, tried in turn)
    #[arg(hide_short_help = true, long, value_name = "URL", value_parser = parse_mirror, help_heading = "Data")]
    pub mirror: Vec<String>,

    /// Never use the network: missing files are an error
    #[arg(hide_short_help = true, long, env = "MLP_OFFLINE", value_parser = FalseyValueParser::new(), help_heading = "Data")]
    pub offline: bool,
}

impl DataDir {
    /// The folder or file.
    pub fn path(&self) -> PathBuf {
        match (self.named(), self.given_dir()) {
            (_, Some(dir)) => dir.clone(),
            (Named::Mnist, None) => mnist_folder(),
            (named, None) => named.cache().unwrap_or_else(|| FOLDER.into()),
        }
    }

    /// The folder asked for. A data set asked for by name does not lie where the variable says.
    fn given_dir(&self) -> Option<&PathBuf> {
        let place = self.data_dir.as_ref();
        let place = place.filter(|place| !place.path.as_os_str().is_empty())?;
        (self.named.is_none() || place.typed).then_some(&place.path)
    }

    /// The folder that was typed.
    fn typed_dir(&self) -> Option<&PathBuf> {
        let place = self.data_dir.as_ref();
        place.filter(|place| place.typed).map(|place| &place.path)
    }

    /// Whether the command says where the data are.
    fn is_asked_for(&self) -> bool {
        self.typed_dir().is_some() || self.named.is_some()
    }

    /// The data that a network was trained on, and where they are, where the command does not say where and it is
    /// remembered where they lay: the usual ones if they are those, else the remembered ones.
    pub fn recalled(&self, checksum: &str) -> Option<(Splits, PathBuf)> {
        let dir = remembered::recall(checksum).filter(|_| !self.is_asked_for())?;
        interrupt::hold();
        let those = |dir: &Path| {
            let data = busy("reading the data", || dataset::load(dir)).ok();
            data.filter(|data| data.checksum == checksum)
        };
        let usual = self.path();
        let (data, dir) = match those(&usual) {
            Some(data) => (data, usual),
            None => {
                let data = those(&dir)?;
                note(format_args!(
                    "the data are those in {}, where it was trained",
                    dir.display()
                ));
                (data, dir)
            }
        };
        data.notes.iter().for_each(note);
        Some((data, dir))
    }

    /// Which data set is asked for.
    pub fn named(&self) -> Named {
        self.named.unwrap_or_default()
    }

    /// Whether missing files are to be had: nobody asked for a place that holds other files than MNIST's.
    fn may_fetch(&self) -> bool {
        self.named.is_some() || may_become_mnist(&self.path())
    }

    /// The flag that makes another command use the same data, after a blank; nothing where it would anyway.
    pub fn flag(&self) -> String {
        let named = self.named.map(|named| format!(" --data {}", named.name()));
        let dir = self.typed_dir();
        let dir = dir.map(|dir| format!(" --data-dir {}", shell_quote(dir)));
        named.unwrap_or_default() + &dir.unwrap_or_default()
    }

    /// Unpacks, checks and loads; progress and notes go to stderr. Ctrl-C is held from here on, so that
    /// nothing is left half unpacked.
    pub fn load(&self) -> anyhow::Result<Splits> {
        interrupt::hold();
        let path = self.path();
        check_data(bytes_to_read(&path))?;
        match busy("reading the data", || dataset::load(&path)) {
            Err(DatasetError::Mnist(DataError::Missing { dir, files }))
                if self.named() != Named::Mnist && files.len() == FileKind::ALL.len() =>
            {
                bail!(not_here(self.named(), &dir))
            }
            result => Ok(result?),
        }
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
        let why = match data {
            Ok(data) if !data.train.spec.is_like(&images) => format!(
                "{} has {}",
                self.path().display(),
                images_text(&data.train.spec)
            ),
            Ok(data) if data.train.len() < n => format!(
                "{} has {} training images, and {n} are needed",
                self.path().display(),
                data.train.len()
            ),
            Ok(data) => {
                let first = data.train.select(&Vec::from_iter(0..n));
                let first = match network {
                    None => first,
                    Some(known) => known.relabelled(first),
                };
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

/// What is said of a data set by name that is not there.
fn not_here(named: Named, dir: &Path) -> String {
    let title = named.title();
    let fetch = match named.by_hand() {
        Some(how) => format!("{how} into it"),
        None => format!("run `{}`", download_command(dir)),
    };
    format!(
        "{}: none of the files of {title} is here: {fetch}, or name the folder that holds them with --data-dir",
        dir.display()
    )
}

/// The memory that reading the data takes at the least: MNIST's files are unpacked, joined and parted; of others only
/// the size is known.
fn bytes_to_read(path: &Path) -> u64 {
    match has_mnist(path) {
        true => READING_MNIST,
        false => fs::metadata(path).map_or(0, |file| file.len()),
    }
}

/// As measured.
const READING_MNIST: u64 = 115_000_000;

/// `data` where it has a file of MNIST, as in a clone; else the cache; but where that has none, the clone that the
/// program was built from, if it is still there: `cargo install --path .` makes a program for any folder.
fn mnist_folder() -> PathBuf {
    let here = PathBuf::from(FOLDER);
    let cache = Named::Mnist.cache();
    let last = cache.clone().unwrap_or_else(|| here.clone());
    let places = [Some(here), cache, Some(CLONE.into())];
    let mut places = places.into_iter().flatten();
    places.find(|place| has_mnist(place)).unwrap_or(last)
}

fn has_mnist(dir: &Path) -> bool {
    let mut names = FileKind::ALL.into_iter().flat_map(FileKind::names);
    names.any(|name| dir.join(name).exists())
}

/// Whether this is a folder that holds files of MNIST already, or no data at all.
fn may_become_mnist(dir: &Path) -> bool {
    let empty = || match dir.read_dir() {
        Ok(mut entries) => entries.all(|entry| entry.is_ok_and(|e| !is_data(&e.path()))),
        Err(_) => !dir.exists(),
    };
    has_mnist(dir) || empty()
}

fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ours = ["unpacked", "README.md"].contains(&&*name) || name.starts_with('.');
    !ours
}

impl DataArgs {
    /// Fetches what is missing, and loads as [`DataDir::load`] does.
    pub fn load(&self) -> anyhow::Result<Splits> {
        interrupt::hold();
        if !self.offline && self.dir.may_fetch() {
            self.fetch_missing()?;
        }
        let mnist = self.dir.load()?;
        mnist.notes.iter().for_each(note);
        Ok(mnist)
    }

    /// The data that a network was trained on if they are [recalled](DataDir::recalled), else as
    /// [`load`](Self::load) loads them; and where they are.
    pub fn load_those(&self, checksum: &str) -> anyhow::Result<(Splits, PathBuf)> {
        match self.dir.recalled(checksum) {
            Some(recalled) => Ok(recalled),
            None => Ok((self.load()?, self.dir.path())),
        }
    }

    /// Downloads the files that are missing, with a progress bar; returns how many.
    pub fn fetch_missing(&self) -> anyhow::Result<usize> {
        let (named, dir) = (self.dir.named(), self.dir.path());
        let mirrors = match self.mirror.is_empty() {
            true => named.mirrors().iter().map(|&url| url.to_owned()).collect(),
            false => self.mirror.clone(),
        };
        let options = download::Options {
            mirrors,
            ..download::Options::default()
        };
        let mut progress = Progress(None);
        match download::fetch_missing_of(named, &dir, &options, |event| progress.show(event)) {
            Ok(saved) => Ok(saved.len()),
            Err(DownloadError::Stopped { .. }) => Err(Interrupted(format!(
                "the data is not complete: run `{}` to go on",
                download_command(&dir)
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
                let size = bytes.map(|bytes| format!(" ({})", DecimalBytes(bytes)));
                line(format_args!(
                    "downloading {name}{} {DIM}from {url}{DIM:#}",
                    size.unwrap_or_default()
                ));
                self.0 = Some(progress_bar(
                    bytes.unwrap_or(0),
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
