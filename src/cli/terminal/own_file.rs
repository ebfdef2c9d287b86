//! Files that a command writes: they replace nothing but an older one of their kind.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use mlp::{
    atomic_file,
    files::model::{self, ModelError},
};

/// A kind of file, and the flag that names one.
pub struct Kind {
    /// The flag, such as `--svg`.
    pub flag: &'static str,
    /// A name that it may be given.
    pub example: &'static str,
    /// What it is, such as `drawing of mlp`.
    pub what: &'static str,
    /// Whether the file at a path is one.
    pub is_one: fn(&Path) -> io::Result<bool>,
}

/// Whether a file begins like this.
pub fn begins(path: &Path, with: &[u8]) -> io::Result<bool> {
    let mut start = Vec::new();
    let length = with.len() as u64;
    File::open(path)?.take(length).read_to_end(&mut start)?;
    Ok(start == with)
}

/// Whether a file is a model of ours.
pub fn is_model(path: &Path) -> io::Result<bool> {
    match model::header(path) {
        Ok(_) => Ok(true),
        Err(ModelError::Fault { .. }) => Ok(false),
        Err(ModelError::Io { error, .. }) => Err(error),
    }
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the folder that a file is to lie in, if that alone is missing.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    match fs::create_dir(folder) {
        Err(error) if !folder.is_dir() => {
            Err(error).with_context(|| format!("{}: the folder cannot be made", folder.display()))
        }
        _ => Ok(()),
    }
}

impl Kind {
    /// Whether one can be written to `path` without losing anything but an older one. Its folder alone may be
    /// missing: [`make_folder`] makes it when there is something to save.
    pub fn check_writable(&self, path: &Path, force: bool) -> anyhow::Result<()> {
        let Self {
            flag,
            example,
            what,
            is_one,
        } = self;
        let name = path.display();
        let text = path.as_os_str().to_string_lossy();
        ensure!(
            !path.is_dir() && !text.ends_with(std::path::is_separator),
            "{name}: a folder, expected a file name for {flag}: add one, as in {flag} {example}"
        );
        match fs::metadata(path) {
            Ok(there) => {
                // Renaming a file over a device or a pipe would put an end to it.
                ensure!(
                    there.is_file(),
                    "{name}: a device or a pipe, expected a file name for {flag}"
                );
                ensure!(
                    force || is_one(path).with_context(|| name.to_string())?,
                    "{name}: there is a file already, and it is not a {what}: choose another {flag}, or pass \
                     --force to replace it"
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(name.to_string()),
        }
        // A folder that alone is missing was meant; where its parent is missing, too, a name was mistyped.
        let folder = match folder_of(path) {
            missing if !missing.exists() => folder_of(missing),
            folder => folder,
        };
        ensure!(
            folder.is_dir(),
            "{name}: no such folder: create it first, or choose another {flag}"
        );
        // The only sure way to know: a file there, gone at once.
        tempfile::tempfile_in(folder)
            .map(drop)
            .with_context(|| format!("{name}: cannot be written, choose another {flag}"))
    }

    /// Writes one, whole or not at all.
    pub fn save(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let Self { flag, what, .. } = self;
        make_folder(path)?;
        atomic_file::write::<io::Error>(path, |file| file.write_all(bytes)).with_context(|| {
            let name = path.display();
            format!("{name}: the {what} could not be saved, choose another {flag}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: Kind = Kind {
        flag: "--letter",
        example: "mum.txt",
        what: "letter",
        is_one: |path| begins(path, b"Dear"),
    };

    #[test]
    fn only_one_of_its_kind_may_be_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let check = |path: &Path, force| LETTER.check_writable(path, force);
        check(&at("new.txt"), false).unwrap();
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "the check leaves nothing behind");

        fs::write(at("mum.txt"), "Dear mum").unwrap();
        check(&at("mum.txt"), false).unwrap();
        fs::write(at("thesis.tex"), "years of work").unwrap();
        let error = check(&at("thesis.tex"), false).unwrap_err().to_string();
        for text in ["not a letter", "another --letter", "--force"] {
            assert!(error.contains(text), "{error}");
        }
        check(&at("thesis.tex"), true).unwrap();

        let refused = |path: &Path| check(path, true).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("a folder, expected a file name"));
        assert!(refused(&at("no/such/mum.txt")).contains("no such folder"));
        check(&at("letters/mum.txt"), false).unwrap();
        assert!(!at("letters").exists(), "a check leaves nothing behind");
        LETTER.save(&at("letters/mum.txt"), b"Dear mum").unwrap();
        assert!(at("letters/mum.txt").is_file(), "its folder is made");
        refused(&at("mum.txt/mum.txt"));
        if cfg!(unix) {
            assert!(refused(Path::new("/dev/null")).contains("device"));
        }
    }

    #[test]
    fn what_is_no_model_is_known_and_what_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        assert!(is_model(&path).is_err());
        fs::write(&path, "years of work").unwrap();
        assert!(!is_model(&path).unwrap());
    }
}
