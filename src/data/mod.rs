//! MNIST on disk, checked, parsed and split.
//!
//! How a file is loaded: [`source`] finds it, packed or not; [`idx`] checks it; `unpack` keeps a copy that
//! the parser can read; the `mnist` crate parses all four. [`download`] fetches missing files, and
//! [`inspect`] reports what is there.

pub mod augment;
pub mod batch;
pub mod deslant;
pub mod download;
mod error;
pub mod idx;
pub mod inspect;
mod official;
pub mod source;
mod unpack;

use std::{panic, path::Path};

use ndarray::Array2;
use sha2::{Digest, Sha256};

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

/// Images and their labels, such as the training set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Grey values (N, 784), 0 to 255, each image row by row.
    pub images: Array2<u8>,
    /// Labels (N), each < 10.
    pub labels: Vec<u8>,
}

impl Dataset {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows of an image.
    pub fn rows(&self) -> usize {
        ROWS
    }

    /// Columns of an image.
    pub fn cols(&self) -> usize {
        COLS
    }

    /// Splits off the last `valid` images: returns the first N − `valid` and the last `valid`. Copies only
    /// the latter.
    ///
    /// Errors if `valid` > N − 1: at least one image must remain to train on.
    pub fn split_last(mut self, valid: usize) -> Result<(Self, Self), DataError> {
        let len = self.len();
        if valid >= len {
            return Err(DataError::Split { valid, len });
        }
        let labels = self.labels.split_off(len - valid);
        let cols = self.images.ncols();
        let (mut pixels, offset) = self.images.into_raw_vec_and_offset();
        pixels.drain(..offset.unwrap_or(0));
        let last = pixels.split_off((len - valid) * cols);
        let part = |pixels, labels: Vec<u8>| Self {
            images: Array2::from_shape_vec((labels.len(), cols), pixels)
                .expect("as many images as labels"),
            labels,
        };
        Ok((part(pixels, self.labels), part(last, labels)))
    }
}

/// Makes labels those of two classes, for a loss such as [`BinaryCrossEntropy`](crate::loss::BinaryCrossEntropy):
/// 1 for the class `positive`, 0 for all others.
pub fn one_against_rest(labels: &mut [u8], positive: u8) {
    for label in labels {
        *label = u8::from(*label == positive);
    }
}

/// The whole data set.
pub struct Mnist {
    /// 60,000 images to train on, some of which may be held out for validation.
    pub train: Dataset,
    /// 10,000 images, for the final test only.
    pub test: Dataset,
    /// One SHA-256 in hex that identifies the four contents, packed or not.
    pub checksum: String,
    /// Whether all four contents are the official ones.
    pub official: bool,
    /// What the user should know, such as which files are not the official ones.
    pub notes: Vec<String>,
}

/// Loads the four files in `dir`: finds, checks, unpacks if needed, and parses them. Uses no network and
/// prints nothing.
///
/// Errors say which file, what is wrong with it and what to do. No file content can make it panic.
pub fn load(dir: &Path) -> Result<Mnist, DataError> {
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
    let unpacked = unpack::unpack(dir, &sources)?;

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

    let (train, test) = parse(&unpacked.files).ok_or_else(|| DataError::Changed {
        dir: dir.to_owned(),
    })?;
    let mut checksum = Sha256::new();
    for file in &unpacked.files {
        checksum.update(&file.content_sha256);
    }
    Ok(Mnist {
        train,
        test,
        checksum: idx::hex(&checksum.finalize()),
        official: foreign.is_empty(),
        notes,
    })
}

/// Parses the four checked files with the `mnist` crate. `None` if they have changed since the check.
fn parse(files: &[Ready]) -> Option<(Dataset, Dataset)> {
    let [train_images, train_labels, test_images, test_labels] = files else {
        return None;
    };
    // The crate panics on input that the check refuses: only a file rewritten since the check gets this far.
    let parsed = panic::catch_unwind(|| {
        mnist::MnistBuilder::new()
            .base_path("")
            .training_images_filename(train_images.path.to_str()?)
            .training_labels_filename(train_labels.path.to_str()?)
            .test_images_filename(test_images.path.to_str()?)
            .test_labels_filename(test_labels.path.to_str()?)
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
    Some(Dataset { images, labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five() -> Dataset {
        Dataset {
            images: Array2::from_shape_fn((5, PIXELS), |(n, _)| n as u8),
            labels: vec![0, 1, 2, 3, 4],
        }
    }

    #[test]
    fn the_split_takes_the_last_images_and_keeps_images_and_labels_together() {
        let (train, valid) = five().split_last(2).unwrap();
        assert_eq!((train.labels, valid.labels), (vec![0, 1, 2], vec![3, 4]));
        assert_eq!(train.images, five().images.slice(ndarray::s![..3, ..]));
        assert_eq!(valid.images, five().images.slice(ndarray::s![3.., ..]));
        let (all, none) = five().split_last(0).unwrap();
        assert_eq!((all.len(), none.is_empty()), (5, true));
    }

    #[test]
    fn a_split_that_leaves_nothing_to_train_on_is_an_error() {
        for valid in [5, 6, usize::MAX] {
            let error = five().split_last(valid).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{valid} validation images asked for, out of 5")),
                "{error}"
            );
        }
    }
}
