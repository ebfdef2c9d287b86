//! Files in folders that may come from elsewhere: a name there can be a link to a file of the user, or a pipe.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// Opens a file to read it. A link is followed.
///
/// Errors: those of opening it, and if it is not a regular file. Never waits, not even for the other end of a pipe.
pub fn open(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    let flags = libc::O_NONBLOCK;
    #[cfg(not(unix))]
    let flags = 0;
    regular(path, OpenOptions::new().read(true), flags)
}

/// Opens a file of mlp's own, as the options say. Never follows a link, and never waits.
///
/// Errors: those of opening it, and if it is a symbolic link or not a regular file.
pub fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Only for a message in words: the file may change until it is opened, which the flags see.
    if is_link(path) {
        return Err(io::Error::other(LINK));
    }
    #[cfg(unix)]
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    #[cfg(not(unix))]
    let flags = 0;
    regular(path, options, flags)
}

/// Why a link in a folder of mlp's own is not written through.
pub const LINK: &str = "a symbolic link, expected a file of mlp's own: remove the link";

/// Whether there is a symbolic link at this path, wherever it leads.
pub fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_symlink())
}

/// Whether the name of an open file still leads to it: it may have been removed or replaced.
#[cfg(unix)]
pub fn is_at(file: &File, path: &Path) -> bool {
    use std::{fs::Metadata, os::unix::fs::MetadataExt};
    let id = |there: Metadata| (there.dev(), there.ino());
    let (open, there) = (file.metadata(), path.symlink_metadata());
    open.is_ok_and(|open| there.is_ok_and(|there| id(open) == id(there)))
}

/// Whether the name of an open file still leads to one: it may have been removed.
#[cfg(not(unix))]
pub fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// A lock on an open file or folder, which is given back when this is dropped.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Locks an open file or folder. None if the file system has no locks: the user must take care.
    ///
    /// The error is of kind [`WouldBlock`](io::ErrorKind::WouldBlock) if it is locked already.
    fn new(file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    /// Locks a folder, without a file of its own in it. None, too, where folders have no locks.
    pub fn folder(path: &Path) -> io::Result<Option<Self>> {
        match cfg!(unix) {
            true => Self::new(File::open(path)?),
            false => Ok(None),
        }
    }

    /// Locks a file that is being written, where that keeps nobody from reading it.
    pub fn writer(file: &File) -> io::Result<Option<Self>> {
        match cfg!(unix) {
            true => Self::new(file.try_clone()?),
            false => Ok(None),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread has just started still has it.
        let _ = self.0.unlock();
    }
}

/// Whether a file of mlp's own is there that somebody has locked as its [writer](Lock::writer).
pub fn is_locked(path: &Path) -> bool {
    let open = open_own(path, OpenOptions::new().read(true));
    open.is_ok_and(|file| {
        let lock = Lock::writer(&file);
        lock.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    })
}

/// Whether a link is there that leads to nothing, where a folder is expected.
pub fn leads_nowhere(path: &Path) -> bool {
    is_link(path) && !path.exists()
}

/// Why no folder can be made in place of a link that leads to nothing.
pub const NOWHERE: &str = "a symbolic link that leads nowhere, expected a folder: remove the link";

fn regular(path: &Path, options: &mut OpenOptions, flags: i32) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(flags);
    }
    #[cfg(not(unix))]
    {
        let _ = flags;
        // Opening a folder fails elsewhere with an error that does not say so.
        if path.exists() && !path.is_file() {
            return Err(io::Error::other(NOT_REGULAR));
        }
    }
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(NOT_REGULAR)),
    }
}

const NOT_REGULAR: &str = "not a regular file";

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn a_link_is_followed_only_where_others_files_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let [real, link, nowhere] =
            ["real", "link", "nowhere"].map(|name| folder.path().join(name));
        fs::write(&real, "mine").unwrap();
        symlink(&real, &link).unwrap();
        symlink(folder.path().join("gone"), &nowhere).unwrap();
        assert!(open(&link).is_ok());
        assert!(open_own(&real, OpenOptions::new().write(true)).is_ok());
        for link in [link, nowhere] {
            let mut options = OpenOptions::new();
            let error = open_own(&link, options.write(true).create(true)).unwrap_err();
            assert_eq!(error.to_string(), LINK);
        }
        assert!(!folder.path().join("gone").exists());
    }

    #[test]
    fn neither_a_pipe_nor_a_folder_is_opened_or_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for path in [&*pipe, folder.path()] {
            assert_eq!(open(path).unwrap_err().to_string(), NOT_REGULAR);
            let own = open_own(path, OpenOptions::new().read(true));
            assert_eq!(own.unwrap_err().to_string(), NOT_REGULAR);
        }
        // A pipe that nobody reads cannot be opened to write at all.
        assert!(open_own(&pipe, OpenOptions::new().write(true)).is_err());
    }
}
