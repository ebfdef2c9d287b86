//! `--svg`: a file of its own.

use std::path::Path;

use mlp::picture::drawing;

use crate::cli::terminal::{
    output::{line, named, thousands},
    own_file::{self, Kind},
};

/// How our drawings are known.
pub(super) const KIND: Kind = Kind {
    flag: "--svg",
    example: "net.svg",
    what: "drawing of mlp",
    is_one: |path| own_file::begins(path, drawing::BEGIN.as_bytes()),
};

/// Writes the drawing, whole or not at all.
pub(super) fn save(path: &Path, drawing: &str) -> anyhow::Result<()> {
    KIND.save(path, drawing.as_bytes())?;
    line(format_args!(
        "saved {} ({} bytes): open it in a browser",
        named(path),
        thousands(drawing.len() as u64)
    ));
    Ok(())
}
