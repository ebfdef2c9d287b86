//! `--svg`: a file of its own.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use mlp::{atomic_file, draw};

use super::super::output::{line, thousands};

/// Whether a drawing may be written to `path` without losing anything but an older drawing.
pub(super) fn check_writable(path: &Path, force: bool) -> anyhow::Result<()> {
    let name = path.display();
    let text = path.as_os_str().to_string_lossy();
    ensure!(
        !path.is_dir() && !text.ends_with(std::path::is_separator),
        "{name}: a folder, expected a file name: add one, as in --svg net.svg"
    );
    match fs::metadata(path) {
        Ok(there) => {
            // Renaming a file over a device or a pipe would put an end to it.
            ensure!(
                there.is_file(),
                "{name}: a device or a pipe, expected a file name"
            );
            ensure!(
                force || is_drawing(path).with_context(|| name.to_string())?,
                "{name}: there is a file already, and it is not a drawing of mlp: choose another --svg, or pass \
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
        "{name}: no such folder: create it first, or choose another --svg"
    );
    Ok(())
}

/// Whether the file begins as our drawings do.
fn is_drawing(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    let begin = draw::BEGIN.as_bytes();
    File::open(path)?
        .take(begin.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start == begin)
}

/// Writes the drawing, whole or not at all.
pub(super) fn save(path: &Path, drawing: &str) -> anyhow::Result<()> {
    atomic_file::write(path, |file| file.write_all(drawing.as_bytes()))
        .with_context(|| format!("{}: the drawing could not be saved", path.display()))?;
    line(format_args!(
        "saved {} ({} bytes): open it in a browser",
        path.display(),
        thousands(drawing.len() as u64)
    ));
    Ok(())
}
