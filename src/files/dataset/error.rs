//! Why a data set cannot be used: what was found, what was expected, what to do.

use std::{io, path::PathBuf};

use crate::data::DataError;

/// The data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// MNIST's own files cannot be used.
    #[error(transparent)]
    Mnist(#[from] DataError),
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// The system's message.
        error: io::Error,
    },
    /// A file is broken, or holds something else than small grey images and their labels.
    #[error("{}: {fault}", path.display())]
    Fault {
        /// Which one.
        path: PathBuf,
        /// What was found and what was expected.
        fault: String,
    },
    /// The numbers of images and labels differ.
    #[error(
        "{}: {image_count} images, but {} has {label_count} labels: every image needs a label",
        images.display(), labels.display()
    )]
    Mismatch {
        /// The file of the images.
        images: PathBuf,
        /// How many there are.
        image_count: usize,
        /// The file of the labels.
        labels: PathBuf,
        /// How many there are.
        label_count: usize,
    },
    /// A part of a data set is not there.
    #[error("{}: {found}, but {missing}", path.display())]
    Incomplete {
        /// The folder or file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What is not.
        missing: String,
    },
    /// More than one data set.
    #[error("{}: {} data sets: {}: pass one of them, by the path of its file", dir.display(), sets.len(), list(sets))]
    Several {
        /// The folder.
        dir: PathBuf,
        /// A file of each.
        sets: Vec<PathBuf>,
    },
    /// Pictures of several sizes.
    #[error(
        "{} is {}x{}, but {} is {}x{}: all images of a data set have one size: copy the folder and resize the copy: \
         {convert}",
        first.display(), first_size.0, first_size.1, other.display(), other_size.0, other_size.1
    )]
    Sizes {
        /// One picture.
        first: PathBuf,
        /// Its rows and columns.
        first_size: (usize, usize),
        /// Another one.
        other: PathBuf,
        /// Its rows and columns.
        other_size: (usize, usize),
        /// The line that does it.
        convert: String,
    },
    /// A file of another program, which one line converts.
    #[error("{}: {what}, which is not read here; this line converts it: {convert}", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// The line, for a shell.
        convert: String,
    },
    /// Images in colour.
    #[error("{}: {what}: images in colour, expected grey ones", path.display())]
    Colour {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// No data set.
    #[error(
        "{}: no data set here, looked for IDX files, a folder of pictures for each class, .npz, .npy and .csv; {}",
        path.display(), here(found, inside)
    )]
    NothingHere {
        /// The folder or file.
        path: PathBuf,
        /// The first few names in the folder, or what the file is.
        found: Vec<String>,
        /// Folders inside it that have a data set.
        inside: Vec<PathBuf>,
    },
}

impl DatasetError {
    /// A fault of a file.
    pub(super) fn fault(path: impl Into<PathBuf>, fault: impl Into<String>) -> Self {
        Self::Fault {
            path: path.into(),
            fault: fault.into(),
        }
    }
}

/// An error of the system, with the path that it is about.
pub(super) fn unreadable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> DatasetError {
    let path = path.into();
    move |error| DatasetError::Read { path, error }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
    names.join(", ")
}

fn here(found: &[String], inside: &[PathBuf]) -> String {
    let here = match found {
        [] => "the folder is empty".to_owned(),
        _ => format!("found {}", found.join(", ")),
    };
    match inside {
        [] => here,
        _ => format!("{here}; there is one in {}: pass that", list(inside)),
    }
}
