use std::{
    fs::{self, File, TryLockError},
    io::{self, BufWriter, Seek, Write},
    path::{Path, PathBuf},
};

use super::{folder_of, sync_folder, unfinished};
use crate::regular_file::{self, is_at};

/// The place of a file that will be written later: nobody else can reserve it meanwhile, and there is room.
///
/// Until then the file is `.NAME.mlp-new` in the same folder, full of zeros and locked. Dropped before, it goes away,
/// with the folder if that was made for it; a process that is killed leaves it behind, and the next one takes it over.
#[derive(Debug)]
pub struct Reserved {
    /// Where the file will be.
    target: PathBuf,
    /// Where it is until then; none once it has been written.
    part: Option<PathBuf>,
    file: File,
    /// The folder, if it was made for the file.
    made: Option<PathBuf>,
}

/// Why a place cannot be reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// Another process has reserved it.
    #[error("another run is about to save there")]
    Taken,
    /// There is no room for so many bytes, or no file can be made there.
    #[error("no room for {bytes} bytes: {error}")]
    NoRoom {
        /// Bytes that were asked for.
        bytes: u64,
        /// The system's error. Not a `source`: the message above already contains it.
        error: io::Error,
    },
    /// No file can be made there.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Reserved {
    /// Reserves `path` for a file of about so many bytes. Its folder is made if that alone is missing. A symbolic link
    /// at `path` is the user's own: the file it points to is reserved.
    pub fn new(path: &Path, bytes: u64) -> Result<Self, ReserveError> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let folder = folder_of(&target);
        let made = match fs::create_dir(folder) {
            Ok(()) => Some(folder.to_path_buf()),
            Err(_) if folder.is_dir() => None,
            Err(error) => return Err(error.into()),
        };
        let part = unfinished(&target);
        let file = open_and_lock(&part)?;
        let mut reserved = Self {
            target,
            part: Some(part),
            file,
            made,
        };
        let zeros = reserved.fill(bytes);
        zeros.map_err(|error| ReserveError::NoRoom { bytes, error })?;
        Ok(reserved)
    }

    fn fill(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        io::copy(&mut io::Read::take(io::repeat(0), bytes), &mut self.file)?;
        self.file.sync_data()
    }

    /// Writes the file, whole or not at all, as [`write`](super::write()) does. An error if somebody has removed or
    /// replaced the file that kept its place.
    pub fn write(
        mut self,
        fill: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.file.rewind()?;
        let mut writer = BufWriter::new(&mut self.file);
        fill(&mut writer)?;
        let bytes = writer.stream_position()?;
        writer.flush()?;
        drop(writer);
        self.file.set_len(bytes)?;
        self.file.sync_all()?;
        if let Some(part) = &self.part {
            if !is_at(&self.file, part) {
                return Err(io::Error::other(
                    "what kept its place was removed or replaced",
                ));
            }
            fs::rename(part, &self.target)?;
        }
        (self.part, self.made) = (None, None);
        sync_folder(folder_of(&self.target))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // Nobody is there to hear of it, and what stays is taken over by the next.
        if let Some(part) = self.part.as_ref().filter(|part| is_at(&self.file, part)) {
            let _ = fs::remove_file(part);
        }
        if let Some(folder) = &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Opens the file, or makes it, and locks it for this process.
fn open_and_lock(part: &Path) -> Result<File, ReserveError> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    loop {
        let file = regular_file::open_own(part, &mut options)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(ReserveError::Taken),
            // The file system has no locks: the user must take care.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        // Before it was locked, another process may have given it its final name, or removed it.
        if is_at(&file, part) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_reserved_once_and_left_clean() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models/model.bin");
        let names = || fs::read_dir(path.parent().unwrap()).map_or(0, Iterator::count);
        let first = Reserved::new(&path, 1_000).unwrap();
        assert!(matches!(Reserved::new(&path, 1), Err(ReserveError::Taken)));
        assert_eq!(names(), 1);
        drop(first);
        assert!(
            !path.parent().unwrap().exists(),
            "the folder was made for it"
        );

        let reserved = Reserved::new(&path, 1_000).unwrap();
        reserved.write(|file| file.write_all(b"short")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(names(), 1);
        let reserved = Reserved::new(&path, 3).unwrap();
        reserved
            .write(|file| file.write_all(b"longer than that"))
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"longer than that");

        let reserved = Reserved::new(&path, 3).unwrap();
        let failed = reserved.write(|_| Err(io::Error::other("no")));
        assert_eq!(failed.unwrap_err().to_string(), "no");
        assert_eq!(fs::read(&path).unwrap(), b"longer than that");
        assert_eq!(names(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(".model.bin.mlp-new");
        fs::write(&part, "half of a mod").unwrap();
        let reserved = Reserved::new(&folder.path().join("model.bin"), 4).unwrap();
        assert_eq!(fs::read(&part).unwrap(), [0; 4]);
        drop(reserved);
        assert!(!part.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_another_has_put_in_its_place_is_not_taken_for_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, part) = (folder.path().join("m"), folder.path().join(".m.mlp-new"));
        let first = Reserved::new(&path, 4).unwrap();
        fs::remove_file(&part).unwrap();
        let second = Reserved::new(&path, 8).unwrap();
        let failed = first.write(|file| file.write_all(b"mine")).unwrap_err();
        assert!(
            failed.to_string().contains("removed or replaced"),
            "{failed}"
        );
        assert!(!path.exists() && part.exists());
        second.write(|file| file.write_all(b"its")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"its");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_in_the_way_are_no_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, part) = (folder.path().join("m"), folder.path().join(".m.mlp-new"));
        let victim = folder.path().join("thesis");
        fs::write(&victim, "years of work").unwrap();
        std::os::unix::fs::symlink(&victim, &part).unwrap();
        assert!(Reserved::new(&path, 4).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"years of work");
    }
}
