//! Files that are either complete or not there.

mod reserved;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

pub use reserved::{ReserveError, Reserved};

/// Writes a file atomically: `path` only ever names a complete one.
///
/// `fill` writes to a temporary file in the same folder, which is flushed to disk (fsync) and then renamed to
/// `path`. On any error, and if the process dies half-way, what was at `path` before is still there, byte for
/// byte.
///
/// Errors: those of `fill`, and I/O errors (no such folder, no permission, disk full).
pub fn write<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    // A symbolic link stays as it is: the file it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    replace(&target, fill, |_| Ok(()))
}

/// Like [`write()`], for a file of mlp's own: a symbolic link at `path` is itself replaced, and what it points to
/// stays as it is. The folder may come from elsewhere, and its links lead anywhere.
pub fn write_own<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    replace(path, fill, |_| Ok(()))
}

/// Like [`write_own`], but keeps what was at `path` before: it moves to `previous`, in the same folder.
///
/// If the process dies half-way, there is a complete file at `path`, at `previous`, or at both.
pub fn write_keeping_previous<E: From<io::Error>>(
    path: &Path,
    previous: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    let keep = |target: &Path| match fs::rename(target, previous) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    replace(path, fill, keep)
}

/// Calls `before` with the path to be replaced once the new file is complete.
fn replace<E: From<io::Error>>(
    target: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
    before: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), E> {
    let folder = folder_of(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        // The umask applies, as to any new file; tempfile's own default is private to the user.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    let mut writer = BufWriter::new(temporary.as_file_mut());
    fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    temporary.as_file().sync_all()?;
    before(target)?;
    temporary.persist(target).map_err(|e| e.error)?;
    sync_folder(folder)?;
    Ok(())
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The name of what is not complete yet, and nobody else may take: `.NAME.mlp-new` beside it.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".mlp-new");
    path.with_file_name(name)
}

const PREFIX: &str = ".mlp-";
const SUFFIX: &str = ".part";

/// Removes the temporary files that killed processes left in `folder`. No process may be writing there.
pub fn remove_parts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes a rename in `folder` durable. Only Unix can open a folder; elsewhere there is nothing to do.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write::<io::Error>(&path, |w| w.write_all(b"old")).unwrap();
        let error = write::<io::Error>(&path, |w| {
            w.write_all(b"half of the ne")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(error.unwrap_err().to_string(), "disk full");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_still_points_to_the_replaced_file() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write::<io::Error>(&link, |w| w.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_in_a_folder_of_our_own_is_replaced_and_not_followed() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [real, link, nowhere, previous] =
            ["real", "link", "nowhere", "previous"].map(|name| folder.path().join(name));
        fs::write(&real, b"mine").unwrap();
        symlink(&real, &link).unwrap();
        symlink(folder.path().join("gone"), &nowhere).unwrap();
        symlink(&real, &previous).unwrap();
        for link in [&link, &nowhere] {
            write_own::<io::Error>(link, |w| w.write_all(b"new")).unwrap();
            assert!(fs::symlink_metadata(link).unwrap().is_file());
            assert_eq!(fs::read(link).unwrap(), b"new");
        }
        write_keeping_previous::<io::Error>(&link, &previous, |w| w.write_all(b"newer")).unwrap();
        assert_eq!(fs::read(&previous).unwrap(), b"new");
        assert_eq!(fs::read(&link).unwrap(), b"newer");
        assert_eq!(fs::read(&real).unwrap(), b"mine");
        assert!(!folder.path().join("gone").exists());
    }
}
