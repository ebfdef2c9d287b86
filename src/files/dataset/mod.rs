//! Anybody's data set of small grey images: reads it, or says what it is and gives the line that converts it.
//!
//! | what | how it is found |
//! |---|---|
//! | MNIST's four files | by their names, as [`data::load`] reads them |
//! | IDX of any type and size | by `train` or `test`, `images` or `labels` in the names, packed with gzip or not |
//! | `.npz` and `.npy` | by the names of the arrays or files: `x_train`, `y_train`, …, `X` and `y`, `data` and `target` |
//! | tables, `.csv` | `train.csv` and `test.csv`, a line for each image: label and pixels |
//! | pictures | a folder for each class, or folders `train` and `test` with such folders |
//!
//! Nothing in a file is trusted: sizes are capped, and memory is taken as the contents come, not as a header says.

mod assemble;
pub mod csv;
mod error;
mod foreign;
pub mod idx;
mod loose;
mod names;
mod npz;
mod numbers;
mod pictures;
mod roles;
mod scan;
mod source;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::data::{self, DataError, FileKind, Splits, source::Source};

use assemble::{Half, Images};
use error::unreadable;
use names::Known;
use roles::{Part, Split};
use scan::{Entry, Files, Format, Scan, Set};

pub use error::DatasetError;
pub use loose::{Loose, loose};
pub use numbers::{MAX_BYTES, Numbers};

/// The labels of images, as a file has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// The numbers of classes.
    Numbers(Vec<i64>),
    /// The names of classes.
    Named {
        /// Each name once.
        names: Vec<String>,
        /// For each image, which name it has.
        indices: Vec<u16>,
    },
}

impl Labels {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(labels) => labels.len(),
            Self::Named { indices, .. } => indices.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file or folder of a data set, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it is.
    pub path: PathBuf,
    /// What it is, in words.
    pub what: String,
    /// Whether it is part of a data set that can be loaded.
    pub usable: bool,
}

/// The data set at `path`, a folder or a file of it.
///
/// Files with MNIST's names and shape are read as ever, by [`data::load`]. An error says what was found, what was
/// expected and what to do; for files of other programs it has the line that converts them.
pub fn load(path: &Path) -> Result<Splits, DatasetError> {
    let Ok(meta) = fs::metadata(path) else {
        let dir = path.to_owned();
        let files = FileKind::ALL.to_vec();
        return Err(DataError::Missing { dir, files }.into());
    };
    let dir = match (meta.is_dir(), path.parent()) {
        (true, _) => path,
        (false, Some(parent)) if parent.as_os_str().is_empty() => Path::new("."),
        (false, Some(parent)) => parent,
        (false, None) => path,
    };
    let only = (!meta.is_dir()).then_some(path);
    if is_mnist(path) {
        return Ok(named(data::load(dir)?, dir));
    }
    let scan = scan::scan(dir, only)?;
    let mut complete: Vec<_> = scan.sets.iter().filter(|set| set.is_complete()).collect();
    match (complete.pop(), &complete[..]) {
        (Some(set), []) => {
            if let Some(file) = only
                && set.format == Format::Csv
                && roles::role(&pictures::name(file)).split == Some(Split::Test)
                && set.file() != file
            {
                return Err(DatasetError::Incomplete {
                    path: file.to_owned(),
                    found: "a test set is there".to_owned(),
                    missing: format!(
                        "nothing to train on: name the folder, or {}",
                        set.file().display()
                    ),
                });
            }
            let splits = read(dir, set, scan.notes.clone())?;
            let sound = splits.train.spec.check();
            sound.map_err(|fault| DatasetError::fault(path, fault))?;
            Ok(splits)
        }
        (Some(last), others) => Err(DatasetError::Several {
            dir: dir.to_owned(),
            sets: others.iter().chain([&last]).map(|set| set.file()).collect(),
        }),
        (None, _) => Err(nothing(path, &scan)),
    }
}

/// What is at `path`, a folder or a file, file by file. Loads no images.
pub fn inspect(path: &Path) -> Vec<Seen> {
    let only = (!path.is_dir()).then_some(path);
    let parent = path.parent().unwrap_or(path);
    let dir = match (only, parent.as_os_str().is_empty()) {
        (None, _) => path,
        (Some(_), true) => Path::new("."),
        (Some(_), false) => parent,
    };
    scan::scan(dir, only).map_or_else(|_| Vec::new(), |scan| scan.seen())
}

/// Whether what is at `path` has MNIST's names and shape, whole or not: [`data::load`] reads it then, or says what
/// is wrong with it. A missing or empty folder has not.
pub fn is_mnist(path: &Path) -> bool {
    if path.is_dir() {
        return has_mnist(path);
    }
    let dir = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    };
    path.is_file() && is_mnist_name(path) && has_mnist(dir)
}

fn is_mnist_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    FileKind::ALL
        .iter()
        .any(|kind| kind.names().iter().any(|known| name == &known[..]))
}

/// Whether the files are MNIST's by name and shape, whole or not.
fn has_mnist(dir: &Path) -> bool {
    let mut present = Vec::new();
    let mut obstacle = false;
    for kind in FileKind::ALL {
        match Source::find(dir, kind) {
            Ok(source) => present.extend(source),
            Err(_) => obstacle = true,
        }
    }
    if obstacle || present.is_empty() {
        return obstacle;
    }
    let others = present
        .iter()
        .filter(|source| has_other_shape(source))
        .count();
    // One odd file of four is a damaged one: where images differ, their labels do, too.
    let is_other = if present.len() == 4 {
        others > 1
    } else {
        others > 0
    };
    let kinds: Vec<_> = present.iter().map(|source| source.kind).collect();
    let has_no_test = kinds == [FileKind::TrainImages, FileKind::TrainLabels];
    !is_other && !has_no_test
}

/// Whether a file has a sound IDX header, but not MNIST's.
fn has_other_shape(source: &Source) -> bool {
    let Ok(start) = source::start(&source.path) else {
        return false;
    };
    let Some(shape) = idx::other_shape(&start.bytes, source.kind.magic()) else {
        return false;
    };
    let mut expected = vec![source.kind.count() as usize];
    expected.extend(
        source
            .kind
            .dims()
            .into_iter()
            .flatten()
            .map(|size| size as usize),
    );
    shape != expected
}

/// What a data set of MNIST's shape is called, by its checksum or the name of its folder, if it is known.
pub fn known_as(dir: &Path, checksum: &str) -> Option<&'static str> {
    let known = Known::by_checksum(checksum).or(Known::by_name(dir));
    known.map(Known::title)
}

/// The same data set with the names of its classes, if it is one that has MNIST's shape.
fn named(mut splits: Splits, dir: &Path) -> Splits {
    if splits.official {
        return splits;
    }
    let known = Known::by_checksum(&splits.checksum).or(Known::by_name(dir));
    let Some(known) = known else {
        return splits;
    };
    let classes = known.classes();
    if classes.len() != splits.train.classes() {
        return splits;
    }
    splits.train.spec.classes.clone_from(&classes);
    splits.test.spec.classes = classes;
    splits
        .notes
        .retain(|note| !note.contains("not the official MNIST files"));
    splits.notes.push(format!(
        "{}: {}, not MNIST: its classes are called by its names",
        dir.display(),
        known.title()
    ));
    splits
}

/// Reads the files of a data set.
fn read(dir: &Path, set: &Set, mut notes: Vec<String>) -> Result<Splits, DatasetError> {
    let (train, test) = match &set.files {
        Files::Folders(parts) => {
            let (train, test) = set.halves(parts.iter(), |part| part.split);
            let mut half = |part: &pictures::Folders| {
                let (images, labels) = pictures::read(part, &mut notes)?;
                Ok::<_, DatasetError>(Half {
                    images,
                    labels,
                    labels_path: part.dir.clone(),
                })
            };
            match train {
                Some(train) => (half(train)?, test.map(half).transpose()?),
                None => return Err(incomplete(dir, set)),
            }
        }
        Files::Entries(entries) if set.format == Format::Csv => {
            let (train, test) = set.halves(entries.iter(), |entry| entry.split);
            let train = train.ok_or_else(|| incomplete(dir, set))?;
            let first = table(train, &mut notes)?;
            let Some(first) = first else {
                return Err(DatasetError::Incomplete {
                    path: train.path.clone(),
                    found: "pixels are there".to_owned(),
                    missing:
                        "no labels: no column is called label, and there is none before the pixels"
                            .to_owned(),
                });
            };
            let second = match test {
                Some(test) => {
                    let table = table(test, &mut notes)?;
                    if table.is_none() {
                        notes.push(format!(
                            "{}: no labels, so not used as a test set",
                            test.path.display()
                        ));
                    }
                    table
                }
                None => None,
            };
            (first, second)
        }
        Files::Entries(_) => {
            let pick = |split, part| set.pick(split, part);
            let split = set.train_split();
            let half = |split| {
                let images = pick(split, Part::Images)?;
                let labels = pick(split, Part::Labels)?;
                match (images, labels) {
                    (Some(images), Some(labels)) => Ok(Some([images, labels])),
                    (None, None) => Ok(None),
                    (Some(found), None) => Err(half_missing(found, Part::Labels)),
                    (None, Some(found)) => Err(half_missing(found, Part::Images)),
                }
            };
            let train = half(split)?.ok_or_else(|| incomplete(dir, set))?;
            let mut test = half(Some(Split::Test))?;
            if test.is_none() {
                test = half(Some(Split::Valid))?;
            }
            check_together([train].iter().chain(&test).flatten())?;
            let mut read = |[images, labels]: [&Entry; 2]| {
                Ok::<_, DatasetError>(Half {
                    images: read_images(images, &mut notes)?,
                    labels: read_labels(labels, &mut notes)?,
                    labels_path: labels.shown(),
                })
            };
            (read(train)?, test.map(read).transpose()?)
        }
    };
    if set.has(Split::Valid) {
        notes.push(match set.has(Split::Test) {
            true => format!("{}: the validation set in it is not used", dir.display()),
            false => format!(
                "{}: the validation set in it is the test set",
                dir.display()
            ),
        });
    }
    let test = test.filter(|test| test.images.shape.count > 0);
    if test.is_none() {
        notes.push(format!("no test set in {}", set.file().display()));
    }
    let file = set.file();
    let known = Known::by_name(&file);
    let is_transposed =
        matches!(set.format, Format::Idx | Format::Csv) && names::is_transposed(&file);
    assemble::assemble(train, test, known, is_transposed, notes)
}

fn half_missing(found: &Entry, missing: Part) -> DatasetError {
    let there = match missing {
        Part::Images => Part::Labels,
        Part::Labels => Part::Images,
    };
    let split = found.split.map_or("", Split::name);
    DatasetError::Incomplete {
        path: found.shown(),
        found: format!("{split} {} are there", there.name())
            .trim_start()
            .to_owned(),
        missing: format!("no {split} {} with the same name", missing.name()).replace("  ", " "),
    }
}

/// Why a data set cannot be loaded of which parts are missing.
fn incomplete(dir: &Path, set: &Set) -> DatasetError {
    let Files::Entries(entries) = &set.files else {
        return DatasetError::Incomplete {
            path: dir.to_owned(),
            found: "a test set is there".to_owned(),
            missing: "no training set: expected a folder called train".to_owned(),
        };
    };
    if let Some((entry, fault)) = entries.iter().find_map(|e| Some((e, e.why_unusable()?))) {
        return DatasetError::fault(entry.shown(), fault);
    }
    let split = set.train_split();
    for (there, missing) in [(Part::Images, Part::Labels), (Part::Labels, Part::Images)] {
        if let Ok(Some(found)) = set.pick(split, there)
            && let Ok(None) = set.pick(split, missing)
        {
            return half_missing(found, missing);
        }
    }
    if set.has(Split::Test) || set.has(Split::Valid) {
        return DatasetError::Incomplete {
            path: set.file(),
            found: "a test set is there".to_owned(),
            missing: "no training set: expected files with train in their names".to_owned(),
        };
    }
    let names: Vec<_> = entries.iter().take(8).map(Entry::describe).collect();
    DatasetError::Incomplete {
        path: set.file(),
        found: format!("has {}", names.join(", ")),
        missing:
            "no images with labels: expected such as x_train and y_train, or images and labels"
                .to_owned(),
    }
}

/// Why nothing can be loaded, if there is no complete data set.
fn nothing(path: &Path, scan: &Scan) -> DatasetError {
    if let Some(set) = scan.sets.first() {
        return incomplete(&scan.dir, set);
    }
    if let Some((path, foreign)) = scan.foreign.first() {
        let what = foreign.what().to_owned();
        return match foreign.convert(path) {
            Some(convert) => DatasetError::Foreign {
                path: path.clone(),
                what,
                convert,
            },
            None if *foreign == foreign::Foreign::Cifar => DatasetError::Colour {
                path: path.clone(),
                what: format!("{what}, 3 channels"),
            },
            None => DatasetError::fault(path, what),
        };
    }
    let mut found: Vec<_> = scan.others.iter().take(5).cloned().collect();
    if scan.others.len() > found.len() {
        found.push(format!("{} more", scan.others.len() - found.len()));
    }
    let inside = match path.is_dir() {
        true => scan::inside(path),
        false => Vec::new(),
    };
    DatasetError::NothingHere {
        path: path.to_owned(),
        found,
        inside,
    }
}

/// Checks before any array is read that all together are no larger than a data set may be.
fn check_together<'a>(entries: impl Iterator<Item = &'a &'a Entry>) -> Result<(), DatasetError> {
    let mut all = 0;
    for entry in entries {
        all += entry.bytes;
        if all > MAX_BYTES {
            let most = MAX_BYTES >> 30;
            let fault = format!(
                "{all} bytes of numbers so far, expected at most {most} GiB for all images and labels together"
            );
            return Err(DatasetError::fault(entry.shown(), fault));
        }
    }
    Ok(())
}

/// The numbers of a file or of an array in it.
fn numbers(entry: &Entry, notes: &mut Vec<String>) -> Result<Numbers, DatasetError> {
    let fault = |fault| DatasetError::fault(entry.shown(), fault);
    if entry.format == Format::Numpy {
        return npz::read(&entry.path, entry.array.as_deref()).map_err(fault);
    }
    let reader = source::open(&entry.path).map_err(unreadable(&entry.path))?;
    let (numbers, reversed) = idx::read(reader).map_err(fault)?;
    if reversed {
        notes.push(format!(
            "{}: little-endian, although IDX is big-endian: read as such",
            entry.path.display()
        ));
    }
    Ok(numbers)
}

fn read_images(entry: &Entry, notes: &mut Vec<String>) -> Result<Images, DatasetError> {
    let numbers = numbers(entry, notes)?;
    let shape = numbers::ImageShape::of(&numbers.shape).map_err(|why| match why {
        numbers::NotImages::Colour => DatasetError::Colour {
            path: entry.shown(),
            what: format!("{} numbers", numbers::sizes(&numbers.shape)),
        },
        numbers::NotImages::Fault(mut fault) => {
            if numbers.shape.len() == 1 {
                fault.push_str(": labels? were two files swapped?");
            }
            DatasetError::fault(entry.shown(), fault)
        }
    })?;
    Ok(Images {
        path: entry.shown(),
        shape,
        numbers,
        are_levels: false,
    })
}

fn read_labels(entry: &Entry, notes: &mut Vec<String>) -> Result<Labels, DatasetError> {
    let numbers = numbers(entry, notes)?;
    let name = entry.shown().display().to_string();
    let labels = numbers::labels(&numbers, notes, &name).map_err(|mut fault| {
        if numbers.shape.len() > 2 {
            fault.push_str(": images? were two files swapped?");
        }
        DatasetError::fault(entry.shown(), fault)
    })?;
    Ok(Labels::Numbers(labels))
}

/// The images and labels of a table; none if it has no labels.
fn table(entry: &Entry, notes: &mut Vec<String>) -> Result<Option<Half>, DatasetError> {
    let path = &entry.path;
    let length = fs::metadata(path).map_or(0, |meta| meta.len());
    let room = length.min(MAX_BYTES) as usize;
    let reader = source::open(path).map_err(unreadable(path))?;
    let bytes = csv::bytes(reader, room, MAX_BYTES + 1).map_err(unreadable(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        let fault = format!(
            "more than {} GiB, expected a smaller table",
            MAX_BYTES >> 30
        );
        return Err(DatasetError::fault(path, fault));
    }
    let table = csv::read(&bytes).map_err(|fault| DatasetError::fault(path, fault))?;
    notes.extend(
        table
            .notes
            .iter()
            .map(|note| format!("{}: {note}", path.display())),
    );
    let Some(labels) = table.labels else {
        return Ok(None);
    };
    let shape = numbers::ImageShape::of(&table.pixels.shape).map_err(|_| {
        DatasetError::fault(
            path,
            format!("{} pixels", numbers::sizes(&table.pixels.shape)),
        )
    })?;
    Ok(Some(Half {
        images: Images {
            path: path.clone(),
            shape,
            numbers: table.pixels,
            are_levels: false,
        },
        labels,
        labels_path: path.clone(),
    }))
}
