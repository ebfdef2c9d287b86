use std::{
    fs::{self, File, Metadata, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Checkpoint, CheckpointError, MAX_BYTES, Run, check_header, from_bytes, to_bytes};
use crate::{
    atomic_file::{self, unfinished},
    files::model::Begun,
    nn::Mlp,
    regular_file,
    train::Progress,
};

/// The name of the latest checkpoint in its folder.
pub const LATEST: &str = "checkpoint.safetensors";
/// The name of the checkpoint before it.
pub const PREVIOUS: &str = "previous.safetensors";
/// What a damaged checkpoint is renamed to.
pub const DAMAGED: &str = "damaged.safetensors";
/// Locked by the process that writes in the folder, for as long as it lives.
pub const LOCK: &str = ".lock";

/// The folder with the checkpoints of one run. Only one process may use it at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
}

/// What a run resumes from.
pub struct Resumed {
    /// The folder.
    pub folder: Folder,
    /// The latest intact checkpoint.
    pub checkpoint: Checkpoint,
    /// If the latest checkpoint was damaged: what is wrong with it. It has been put aside.
    pub damaged: Option<CheckpointError>,
}

impl Folder {
    /// Takes a folder for a new run, and writes its first checkpoint. A folder that is not there appears with the
    /// checkpoint in it, so that a process killed at any moment leaves one to resume from, or none.
    ///
    /// Errors if it already holds checkpoints; with `force`, they are replaced instead.
    pub fn create(
        path: &Path,
        force: bool,
        (run, network, progress): (&Run, &Mlp<f32>, &Progress),
    ) -> Result<Self, CheckpointError> {
        check_folder(path)?;
        // Where an open folder cannot be renamed, it is made under its name.
        let unfinished = match path.exists() || cfg!(not(unix)) {
            true => None,
            false => make_unfinished(path)?,
        };
        let made = unfinished.is_some();
        let place = unfinished.unwrap_or_else(|| path.to_path_buf());
        fs::create_dir_all(&place).map_err(CheckpointError::io(path))?;
        let mut folder = Self::lock(&place)?;
        let [latest, previous] = [LATEST, PREVIOUS].map(|name| place.join(name));
        if !made && !force && Self::is_begun(path) {
            return Err(CheckpointError::Exists { path: path.into() });
        }
        let bytes = to_bytes(run, network, progress);
        // The new one first: there is one at any moment.
        atomic_file::write_own(&latest, |file| file.write_all(&bytes))
            .map_err(CheckpointError::io(&latest))?;
        match fs::remove_file(&previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(CheckpointError::io(previous)(error));
            }
            _ => {}
        }
        if made {
            fs::rename(&place, path).map_err(CheckpointError::io(path))?;
            path.clone_into(&mut folder.path);
        }
        Ok(folder)
    }

    /// Whether there is a checkpoint to resume from.
    pub fn is_begun(path: &Path) -> bool {
        let mut names = [LATEST, PREVIOUS].into_iter();
        names.any(|name| path.join(name).symlink_metadata().is_ok())
    }

    /// Opens the folder of a run to be resumed, and reads its latest intact checkpoint.
    pub fn resume(path: &Path) -> Result<Resumed, CheckpointError> {
        check_folder(path)?;
        let [latest, previous] = [LATEST, PREVIOUS].map(|name| path.join(name));
        if !Self::is_begun(path) {
            return Err(CheckpointError::None { path: path.into() });
        }
        let folder = Self::lock(path)?;
        let (checkpoint, damaged) = match load(&latest) {
            Ok(checkpoint) => (checkpoint, None),
            // The process was killed between the two renames of a save.
            Err(CheckpointError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                (load(&previous)?, None)
            }
            Err(damage) if damage.is_damage() => match load(&previous) {
                Ok(checkpoint) => {
                    // Otherwise the next save would put the damaged checkpoint in place of the intact one.
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

    /// Locks the folder for this process, and removes what a killed one left half-written.
    fn lock(path: &Path) -> Result<Self, CheckpointError> {
        let lock = path.join(LOCK);
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        let file =
            regular_file::open_own(&lock, &mut options).map_err(CheckpointError::io(&lock))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(CheckpointError::Locked { path: path.into() });
            }
            // The file system has no locks: the user must take care.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        atomic_file::remove_parts(path).map_err(CheckpointError::io(path))?;
        Ok(Self {
            path: path.into(),
            lock: file,
        })
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a checkpoint, whole or not at all, and keeps the one before it.
    ///
    /// Errors if the folder is no longer the one that this process has locked.
    pub fn save(
        &self,
        run: &Run,
        network: &Mlp<f32>,
        progress: &Progress,
    ) -> Result<(), CheckpointError> {
        self.check_in_place()?;
        let bytes = to_bytes(run, network, progress);
        let [latest, previous] = [LATEST, PREVIOUS].map(|name| self.path.join(name));
        atomic_file::write_keeping_previous(&latest, &previous, |file| file.write_all(&bytes))
            .map_err(CheckpointError::io(latest))
    }

    /// Checks that the path still leads to the locked folder: another one there may belong to another run.
    fn check_in_place(&self) -> Result<(), CheckpointError> {
        let lock = self.path.join(LOCK);
        let held = self.lock.metadata().map_err(CheckpointError::io(&lock))?;
        match lock.symlink_metadata() {
            Ok(there) if is_same(&held, &there) => Ok(()),
            Err(error) if !is_missing(&error) => Err(CheckpointError::io(lock)(error)),
            _ => Err(CheckpointError::Moved {
                path: self.path.clone(),
            }),
        }
    }
}

/// Whether both are of the same file.
#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// A folder with an open file in it cannot be moved elsewhere.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// Makes the folder in which a new folder stays until its first checkpoint is in it. One that a killed process left is
/// taken. None if its name is longer than the file system allows.
fn make_unfinished(path: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    let place = unfinished(path);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(CheckpointError::io(path))?;
    }
    match fs::create_dir(&place) {
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Ok(None),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(CheckpointError::io(path)(error));
        }
        _ => {}
    }
    // What a link leads to may be the checkpoints of another run.
    match place.symlink_metadata() {
        Ok(there) if there.is_dir() => Ok(Some(place)),
        Ok(there) if there.is_symlink() => {
            let error =
                io::Error::other("a symbolic link, expected a new folder or none: remove the link");
            Err(CheckpointError::io(place)(error))
        }
        Ok(_) => {
            let error = io::Error::other("a file, expected a new folder or none: remove the file");
            Err(CheckpointError::io(place)(error))
        }
        Err(error) => Err(CheckpointError::io(place)(error)),
    }
}

fn check_folder(path: &Path) -> Result<(), CheckpointError> {
    if regular_file::leads_nowhere(path) {
        let error = io::Error::other(regular_file::NOWHERE);
        return Err(CheckpointError::io(path)(error));
    }
    match path.exists() && !path.is_dir() {
        true => Err(CheckpointError::NotAFolder { path: path.into() }),
        false => Ok(()),
    }
}

/// Reads a checkpoint.
pub fn load(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let faulty = |fault| CheckpointError::Fault {
        path: path.into(),
        fault,
    };
    let file = regular_file::open(path).map_err(CheckpointError::io(path))?;
    let begun = Begun::read(file, path, MAX_BYTES)?;
    check_header(&begun).map_err(faulty)?;
    from_bytes(&begun.rest()?).map_err(faulty)
}
