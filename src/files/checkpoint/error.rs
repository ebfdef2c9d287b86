//! What can go wrong with checkpoints.

use std::{io, path::PathBuf};

use super::{FORMAT_VERSION, LATEST};
use crate::files::model::{self, ModelError};

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// An I/O error.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's error. Not a `source`: the message above already contains it.
        error: io::Error,
    },
    /// There is a file where a folder is expected.
    #[error("{}: a file, expected the folder of checkpoints", path.display())]
    NotAFolder {
        /// Which file.
        path: PathBuf,
    },
    /// There is no checkpoint to resume from.
    #[error("{}: no checkpoint, expected a file {LATEST}", path.display())]
    None {
        /// Which folder.
        path: PathBuf,
    },
    /// The folder holds the checkpoints of another run, which would be lost.
    #[error("{}: already holds checkpoints", path.display())]
    Exists {
        /// Which folder.
        path: PathBuf,
    },
    /// Another process is writing checkpoints there.
    #[error("{}: another run is writing its checkpoints there: wait for it, or choose another folder", path.display())]
    Locked {
        /// Which folder.
        path: PathBuf,
    },
    /// The folder is no longer the one that this process has locked.
    #[error(
        "{}: the folder was moved or replaced while the run was writing its checkpoints there: move it back",
        path.display()
    )]
    Moved {
        /// Where the folder was.
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
    /// Neither the latest checkpoint nor the one before it is intact.
    #[error("{latest}; {previous}: train again from the start, or copy one of them again")]
    Both {
        /// What is wrong with the latest.
        latest: Box<CheckpointError>,
        /// What is wrong with the one before it.
        previous: Box<CheckpointError>,
    },
}

/// What can be wrong with the content of a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A fault that model files share: of the container or the network.
    #[error(transparent)]
    Model(#[from] model::Fault),
    /// The metadata cannot be parsed.
    #[error("the metadata of the checkpoint cannot be parsed: {0}")]
    Metadata(serde_json::Error),
    /// Another version of the format.
    #[error("checkpoint format {0}, expected {FORMAT_VERSION}: it needs another version of mlp")]
    Version(u64),
    /// The content has changed since it was written.
    #[error("the content does not match its checksum: damaged, or changed by hand")]
    Checksum,
    /// Too many or too few tensors.
    #[error("{found} tensors, expected {expected}")]
    Count {
        /// Tensors in the file.
        found: usize,
        /// Tensors that the network and the best one so far need.
        expected: usize,
    },
    /// The order of the images does not name each of them once.
    #[error("`order` is not an order of {0} images: expected each of 0, 1, … once, as u32")]
    Order(usize),
}

impl CheckpointError {
    /// Whether the content of a file is damaged, so that another checkpoint may still be intact.
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
