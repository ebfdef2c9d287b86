//! Files that a command writes beside the model: they replace nothing but an older one of their kind.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use mlp::atomic_file;

/// A kind of file, known by how it begins.
pub struct Kind {
    /// The flag that names it, such as `--svg`.
    pub flag: &'static str,
    /// What it is, such as `drawing of mlp`.
    pub what: &'static str,
    /// Its first bytes.
    pub begin: &'static [u8],
}

impl Kind {
    /// Whether one may be written to `path` without losing anything but an older one.
    pub fn check_writable(&self, path: &Path, force: bool) -> anyhow::Result<()> {
        let (name, Self { flag, what, .. }) = (path.display(), self);
        let text = path.as_os_str().to_string_lossy();
        ensure!(
            !path.is_dir() && !text.ends_with(std::path::is_separator),
            "{name}: a folder, expected the name of a file for {flag}"
        );
        match fs::metadata(path) {
            Ok(there) => {
                // Renaming a file over a device or a pipe would put an end to it.
                ensure!(
                    there.is_file(),
                    "{name}: a device or a pipe, expected a file name"
                );
                ensure!(
                    force || self.begins(path).with_context(|| name.to_string())?,
                    "{name}: there is a file already, and it is not a {what}: choose another {flag}, or pass \
                     --force to replace it"
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(name.to_string()),
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        ensure!(
            folder.is_dir(),
            "{name}: no such folder: create it first, or choose another {flag}"
        );
        Ok(())
    }

    /// Writes one, whole or not at all.
    pub fn save(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let Self { flag, what, .. } = self;
        atomic_file::write::<io::Error>(path, |file| file.write_all(bytes)).with_context(|| {
            let name = path.display();
            format!("{name}: the {what} could not be saved, choose another {flag}")
        })
    }

    fn begins(&self, path: &Path) -> io::Result<bool> {
        let mut start = Vec::new();
        let length = self.begin.len() as u64;
        File::open(path)?.take(length).read_to_end(&mut start)?;
        Ok(start == self.begin)
    }
}
