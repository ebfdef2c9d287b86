//! MNIST on disk, checked, parsed and split.
//!
//! How a file is loaded: [`source`] finds it, packed or not; [`idx`] checks it; `unpack` keeps a copy that
//! the parser can read; the `mnist` crate parses all four. [`download`] fetches missing files, and
//! [`inspect`] reports what is there.

pub mod augment;
pub mod batch;
pub mod catalogue;
mod dataset;
pub mod deslant;
#[cfg(feature = "download")]
pub mod download;
mod error;
pub mod idx;
pub mod inspect;
pub mod oddities;
mod official;
pub mod photo;
#[cfg(feature = "download")]
mod request;
pub mod source;
mod unpack;

use std::{panic, path::Path};

use ndarray::Array2;
use sha2::{Digest, Sha256};

pub use dataset::{Dataset, MAX_CLASSES, MAX_SIDE, Spec, is_hidden};
pub use error::{DataError, Fault};
pub use official::{FileKind, MIRRORS, Official};
use source::Source;
use unpack::Ready;

/// Rows of an image.
pub const ROWS: usize = 28;
/// Columns of an image.
pub const COLS: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = ROWS * COLS;
/// Classes: the ten digits.
pub const CLASSES: usize = 10;

/// Makes labels those of two classes, for a loss such as [`BinaryCrossEntropy`](crate::loss::BinaryCrossEntropy):
/// 1 for the class `positive`, 0 for all others.
pub fn one_against_rest(labels: &mut [u8], positive: u8) {
    for label in labels {
        *label = u8::from(*label == positive);
    }
}

/// A whole data set.
#[derive(Clone, Debug)]
pub struct Splits {
    /// Images to train on, some of which may be held out for validation.
    pub train: Dataset,
    /// Images for the final test only; empty if the data set has none.
    pub test: Dataset,
    /// One SHA-256 in hex that identifies the contents, packed or not.
    pub checksum: String,
    /// Whether all contents are MNIST's official ones.
    pub official: bool,
    /// What the user should know, such as which files are not the official ones.
    pub notes: Vec<String>,
}

/// Loads the four files in `dir`: finds, checks, unpacks if needed, and parses them. Uses no network and
/// prints nothing.
///
/// Errors say which file, what is wrong with it and what to do. No file content can make it panic.
pub fn load(dir: &Path) -> Result<Splits, DataError> {
    let mut sources = Vec::new();
    let mut missing = Vec::new();
    for kind in FileKind::ALL {
        match Source::find(dir, kind)? {
            Some(source) => sources.push(source),
            None => missing.push(kind),
        }
    }
    if !missing.is_empty() {
        return Err(DataError::Missing {
            dir: dir.to_owned(),
            files: missing,
        });
    }
    let mut unpacked = unpack::unpack(dir, &sources)?;

    let foreign: Vec<_> = sources
        .iter()
        .zip(&unpacked.files)
        .filter(|(source, file)| source.kind.official().content_sha256 != file.content_sha256)
        .map(|(source, _)| source.path.display().to_string())
        .collect();
    let mut notes = unpacked.notes.clone();
    notes.extend(match foreign.len() {
        0 => None,
        4 => Some(format!(
            "{}: valid, but not the official MNIST files: used as they are",
            dir.display()
        )),
        _ => Some(format!(
            "{}: valid, but not the official MNIST content, unlike the other files: \
             used as it is, but is this one data set?",
            foreign.join(", ")
        )),
    });

    let (train, test) = parse(&mut unpacked.files).ok_or_else(|| DataError::Changed {
        dir: dir.to_owned(),
    })?;
    let contents = unpacked.files.iter().map(|file| &*file.content_sha256);
    Ok(Splits {
        train,
        test,
        checksum: checksum(contents),
        official: foreign.is_empty(),
        notes,
    })
}

/// The SHA-256 in hex of the SHA-256 of several contents, each in hex.
pub fn checksum<'a>(contents: impl Iterator<Item = &'a str>) -> String {
    let mut checksum = Sha256::new();
    contents.for_each(|sha256| checksum.update(sha256));
    idx::hex(&checksum.finalize())
}

/// Parses the four checked files with the `mnist` crate. `None` if they have changed since the check.
fn parse(files: &mut [Ready]) -> Option<(Dataset, Dataset)> {
    let paths: Option<Vec<_>> = files.iter_mut().map(Ready::path_for_parser).collect();
    let paths = paths?;
    let [train_images, train_labels, test_images, test_labels] = &paths[..] else {
        return None;
    };
    // The crate panics on input that the check refuses: only a file rewritten in this very moment gets this far.
    let parsed = panic::catch_unwind(|| {
        mnist::MnistBuilder::new()
            .base_path("")
            .training_images_filename(train_images)
            .training_labels_filename(train_labels)
            .test_images_filename(test_images)
            .test_labels_filename(test_labels)
            .label_format_digit()
            .training_set_length(FileKind::TrainImages.count())
            .validation_set_length(0)
            .test_set_length(FileKind::TestImages.count())
            .finalize()
            .into()
    })
    .ok()
    .flatten()?;
    let mnist::Mnist {
        trn_img,
        trn_lbl,
        tst_img,
        tst_lbl,
        ..
    } = parsed;
    Some((
        dataset(FileKind::TrainImages, trn_img, trn_lbl)?,
        dataset(FileKind::TestImages, tst_img, tst_lbl)?,
    ))
}

fn dataset(kind: FileKind, mut pixels: Vec<u8>, mut labels: Vec<u8>) -> Option<Dataset> {
    let count = kind.count() as usize;
    if labels.len() != count || labels.iter().any(|&label| usize::from(label) >= CLASSES) {
        return None;
    }
    // The crate joins the two parts and splits them again, which leaves each with capacity for both.
    pixels.shrink_to_fit();
    labels.shrink_to_fit();
    let images = Array2::from_shape_vec((count, PIXELS), pixels).ok()?;
    Some(Dataset::new(images, labels, Spec::default()))
}
