//! What can go wrong with checkpoints.

use std::{io, path::PathBuf};

use super::{FORMAT_VERSION, LATEST};
use crate::files::model::{self, ModelError};

/// Why checkpoints cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system says no.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the file system says. Not a `source`: the text above holds it already.
        error: io::Error,
    },
    /// A file where a folder is expected.
    #[error("{}: a file, expected the folder of checkpoints", path.display())]
    NotAFolder {
        /// Which file.
        path: PathBuf,
    },
    /// Nothing to go on from.
    #[error("{}: no checkpoint, expected a file {LATEST}", path.display())]
    None {
        /// Which folder.
        path: PathBuf,
    },
    /// Checkpoints of another run, which would be lost.
    #[error("{}: there are checkpoints already", path.display())]
    Exists {
        /// Which folder.
        path: PathBuf,
    },
    /// Another process writes there.
    #[error("{}: another run is writing its checkpoints there: wait for it, or choose another folder", path.display())]
    Locked {
        /// Which folder.
        path: PathBuf,
    },
    /// Not a checkpoint, or a damaged one.
    #[error("{}: {fault}", path.display())]
    Fault {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Neither of the two is whole.
    #[error("{latest}; {previous}: train again from the start, or copy one of them anew")]
    Both {
        /// What is wrong with the latest.
        latest: Box<CheckpointError>,
        /// What is wrong with the one before.
        previous: Box<CheckpointError>,
    },
}

/// What can be wrong with the content of a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// As of a model file: the container, or the network.
    #[error(transparent)]
    Model(#[from] model::Fault),
    /// Metadata that do not read.
    #[error("the metadata of the checkpoint do not read: {0}")]
    Metadata(serde_json::Error),
    /// A later or earlier format.
    #[error("checkpoint format {0}, expected {FORMAT_VERSION}: it needs another version of mlp")]
    Version(u64),
    /// Changed since it was written.
    #[error("the content does not match its checksum: damaged, or changed by hand")]
    Checksum,
    /// A number that cannot be.
    #[error("{field} {found}, expected {expected}")]
    Range {
        /// Which number.
        field: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Too many tensors, or too few.
    #[error("{found} tensors, expected {expected}")]
    Count {
        /// Tensors in the file.
        found: usize,
        /// Tensors that the network and its best need.
        expected: usize,
    },
    /// The order of the images.
    #[error("`order` is not an order of {0} images, expected each of 0, 1, … once, as u32")]
    Order(usize),
}

impl CheckpointError {
    /// Whether it is about the content of a file, so that another file may be whole.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Fault { fault, .. } if !matches!(fault, Fault::Version(_)))
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| Self::Io { path, error }
    }
}

impl From<ModelError> for CheckpointError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Io { path, error } => Self::Io { path, error },
            ModelError::Fault { path, fault } => Self::Fault {
                path,
                fault: fault.into(),
            },
        }
    }
}
