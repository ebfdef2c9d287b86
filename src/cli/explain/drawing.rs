//! `--svg`: a file of its own.

use std::{io::Write, path::Path};

use anyhow::Context;
use mlp::{atomic_file, draw};

use super::super::{
    output::{line, thousands},
    own_file::Kind,
};

/// How our drawings are known.
pub(super) const KIND: Kind = Kind {
    flag: "--svg",
    what: "a drawing of mlp",
    begin: draw::BEGIN.as_bytes(),
};

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
