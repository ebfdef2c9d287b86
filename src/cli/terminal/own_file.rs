//! Files that a command writes: they replace nothing but an older one of their kind.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, anyhow, ensure};
use mlp::{
    atomic_file::{self, folder_of},
    files::model::{self, ModelError},
    regular_file,
};

use crate::cli::terminal::output::named;

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
    regular_file::open(path)?
        .take(length)
        .read_to_end(&mut start)?;
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

/// Whether a name is one that somebody would give, if nothing has it yet: a shell replaces `~` only at the beginning
/// of a word, and a file of variables keeps quotes and the line ends of Windows.
pub fn check_name(path: &Path) -> Result<(), String> {
    let text = path.to_string_lossy();
    let why = match &*text {
        _ if path.exists() => return Ok(()),
        text if text.starts_with('~') => {
            let rest = text.split_once('/').map_or("", |(_, rest)| rest);
            format!("the shell has not replaced ~: write $HOME/{rest}")
        }
        text if text.contains(char::is_control) => {
            "there is a control character in it, such as the end of a line: leave it out".into()
        }
        text if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) => {
            "there are quotes around it, which belong to no name: leave them out".into()
        }
        _ => return Ok(()),
    };
    Err(why)
}

/// Whether a folder is there, or can be made: it alone may be missing. One right under the root is not meant to be.
fn can_be_made(folder: &Path) -> bool {
    let parent = folder_of(folder);
    folder.is_dir() || (!folder.exists() && parent.is_dir() && parent.parent().is_some())
}

/// Whether files can be written to a folder, which may be missing; `flag` names it.
pub fn check_folder(folder: &Path, flag: &str) -> anyhow::Result<()> {
    let name = named(folder);
    check_name(folder).map_err(|why| anyhow!("{name}: {why}"))?;
    ensure!(
        folder.is_dir() || fs::symlink_metadata(folder).is_err(),
        "{name}: a file, expected a folder for {flag}"
    );
    ensure!(
        can_be_made(folder),
        "{name}: the folder that it is to lie in is not there: create it first, or choose another {flag}"
    );
    check_room(folder).with_context(|| format!("{name}: cannot be written, choose another {flag}"))
}

/// The only sure way to know whether a folder can be written: a file there, gone at once.
fn check_room(folder: &Path) -> io::Result<()> {
    let there = match folder.is_dir() {
        true => folder,
        false => folder_of(folder),
    };
    tempfile::tempfile_in(there).map(drop)
}

/// Makes the folder that a file is to lie in, if that alone is missing.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    match fs::create_dir(folder) {
        Err(error) if !folder.is_dir() => {
            Err(error).with_context(|| format!("{}: the folder cannot be made", named(folder)))
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
        let name = named(path);
        let text = path.as_os_str().to_string_lossy();
        check_name(path).map_err(|why| anyhow!("{name}: {why}"))?;
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
                    force || !there.permissions().readonly(),
                    "{name}: is read-only: choose another {flag}, or pass --force to replace it"
                );
                ensure!(
                    force || is_one(path).with_context(|| name.clone())?,
                    "{name}: there is a file already, and it is not a {what}: choose another {flag}, or pass \
                     --force to replace it"
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => ensure!(
                fs::symlink_metadata(path).is_err(),
                "{name}: a symbolic link to a file that is not there: remove the link, or choose another {flag}"
            ),
            Err(error) => return Err(error).context(name),
        }
        // A folder that alone is missing was meant; where its parent is missing, too, a name was mistyped.
        let folder = folder_of(path);
        ensure!(
            can_be_made(folder),
            "{name}: no such folder: create it first, or choose another {flag}"
        );
        check_room(folder)
            .with_context(|| format!("{name}: cannot be written, choose another {flag}"))
    }

    /// Writes one, whole or not at all.
    pub fn save(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let Self { flag, what, .. } = self;
        make_folder(path)?;
        atomic_file::write::<io::Error>(path, |file| file.write_all(bytes)).with_context(|| {
            let name = named(path);
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
    fn a_name_is_spelled_out_where_it_is_refused() {
        let error = LETTER.check_writable(Path::new("a\nb.c"), false);
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("a\\nb.c: there is a control character"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }

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
        assert!(refused(Path::new("/no-such/mum.txt")).contains("no such folder"));
        for name in [
            "~/mum.txt",
            "~",
            "'mum.txt'",
            "\"letters/mum.txt\"",
            "mum.txt\r",
        ] {
            let error = refused(Path::new(name));
            assert!(
                error.contains("replaced ~") || error.contains("leave "),
                "{error}"
            );
        }
        if cfg!(unix) {
            assert!(refused(Path::new("/dev/null")).contains("device"));
        }
    }

    #[test]
    fn a_read_only_file_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mum.txt");
        fs::write(&path, "Dear mum").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let error = LETTER.check_writable(&path, false).unwrap_err();
        assert!(error.to_string().contains("is read-only"), "{error}");
        LETTER.check_writable(&path, true).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("mum.txt");
        std::os::unix::fs::symlink(folder.path().join("gone"), &link).unwrap();
        for force in [false, true] {
            let error = LETTER.check_writable(&link, force).unwrap_err();
            assert!(error.to_string().contains("a symbolic link"), "{error}");
        }
        fs::write(folder.path().join("gone"), "Dear mum").unwrap();
        LETTER.check_writable(&link, false).unwrap();
    }

    #[test]
    fn a_folder_is_made_if_it_alone_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        check_folder(folder.path(), "--out").unwrap();
        check_folder(&folder.path().join("plots"), "--out").unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for (name, why) in [
            ("no/such", "create it first"),
            ("file", "a file, expected a folder"),
            ("file/plots", "create it first"),
        ] {
            let error = check_folder(&folder.path().join(name), "--out").unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
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
