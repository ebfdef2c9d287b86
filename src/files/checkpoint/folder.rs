use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Checkpoint, CheckpointError, MAX_BYTES, Run, from_bytes, to_bytes};
use crate::{atomic_file, files::model, nn::Mlp, train::Progress};

/// The name of the latest checkpoint in its folder.
pub const LATEST: &str = "checkpoint.safetensors";
/// The name of the one before.
pub const PREVIOUS: &str = "previous.safetensors";
/// What a damaged checkpoint is renamed to.
const DAMAGED: &str = "damaged.safetensors";
/// Held by the process that writes in the folder, for as long as it lives.
const LOCK: &str = ".lock";

/// The folder of the checkpoints of one run, which no other process may use at the same time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// What there was to go on from.
pub struct Resumed {
    /// The folder.
    pub folder: Folder,
    /// The latest checkpoint that is whole.
    pub checkpoint: Checkpoint,
    /// Why it is not the latest one, which has been put aside.
    pub damaged: Option<CheckpointError>,
}

impl Folder {
    /// A folder for a new run, made if need be. Errors if there are checkpoints already; with `force`, they
    /// are removed.
    pub fn create(path: &Path, force: bool) -> Result<Self, CheckpointError> {
        check_folder(path)?;
        fs::create_dir_all(path).map_err(CheckpointError::io(path))?;
        let folder = Self::lock(path)?;
        for name in [PREVIOUS, LATEST] {
            let path = folder.path.join(name);
            match force {
                true => match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(CheckpointError::io(path)(error));
                    }
                    _ => {}
                },
                false if path.exists() => {
                    return Err(CheckpointError::Exists { path: folder.path });
                }
                false => {}
            }
        }
        Ok(folder)
    }

    /// The folder of a run that goes on, and its latest checkpoint that is whole.
    pub fn resume(path: &Path) -> Result<Resumed, CheckpointError> {
        check_folder(path)?;
        let [latest, previous] = [LATEST, PREVIOUS].map(|name| path.join(name));
        if !latest.exists() && !previous.exists() {
            return Err(CheckpointError::None { path: path.into() });
        }
        let folder = Self::lock(path)?;
        let (checkpoint, damaged) = match load(&latest) {
            Ok(checkpoint) => (checkpoint, None),
            // Killed between the two renames of a checkpoint.
            Err(CheckpointError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                (load(&previous)?, None)
            }
            Err(damage) if damage.is_damage() => match load(&previous) {
                Ok(checkpoint) => {
                    // Or the next checkpoint would put the damaged one in place of the whole one.
                    let aside = path.join(DAMAGED);
                    fs::rename(&latest, &aside).map_err(CheckpointError::io(&latest))?;
                    fs::rename(&previous, &latest).map_err(CheckpointError::io(&previous))?;
                    (checkpoint, Some(damage))
                }
                Err(error) => {
                    return Err(CheckpointError::Both {
                        latest: Box::new(damage),
                        previous: Box::new(error),
                    });
                }
            },
            Err(error) => return Err(error),
        };
        Ok(Resumed {
            folder,
            checkpoint,
            damaged,
        })
    }

    /// Takes the folder for this process, and clears away what one that was killed left half-written.
    fn lock(path: &Path) -> Result<Self, CheckpointError> {
        let lock = path.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(CheckpointError::io(&lock))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(CheckpointError::Locked { path: path.into() });
            }
            // A file system without locks: the user's care must do.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        atomic_file::remove_parts(path).map_err(CheckpointError::io(path))?;
        Ok(Self {
            path: path.into(),
            _lock: file,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a checkpoint, whole or not at all, and keeps the one before.
    pub fn save(
        &self,
        run: &Run,
        network: &Mlp<f32>,
        progress: &Progress,
    ) -> Result<(), CheckpointError> {
        let bytes = to_bytes(run, network, progress);
        let [latest, previous] = [LATEST, PREVIOUS].map(|name| self.path.join(name));
        atomic_file::write_keeping_previous(&latest, &previous, |file| file.write_all(&bytes))
            .map_err(CheckpointError::io(latest))
    }
}

fn check_folder(path: &Path) -> Result<(), CheckpointError> {
    match path.exists() && !path.is_dir() {
        true => Err(CheckpointError::NotAFolder { path: path.into() }),
        false => Ok(()),
    }
}

/// Reads a checkpoint.
pub fn load(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let bytes = model::read(path, MAX_BYTES)?;
    from_bytes(&bytes).map_err(|fault| CheckpointError::Fault {
        path: path.into(),
        fault,
    })
}
