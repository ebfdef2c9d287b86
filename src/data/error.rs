//! What can be wrong with the data: where, what was found and what was expected.

use std::{io, path::PathBuf};

use super::FileKind;

/// The data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Files are missing.
    #[error("{}: {}", dir.display(), not_here(files))]
    Missing {
        /// The folder that was searched.
        dir: PathBuf,
        /// Which ones.
        files: Vec<FileKind>,
    },
    /// A file is there but cannot be used.
    #[error("{}: {fault}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The numbers of images and labels differ.
    #[error(
        "{}: {image_count} images, but {} has {label_count} labels: every image needs a label",
        images.display(), labels.display()
    )]
    Mismatch {
        /// The image file.
        images: PathBuf,
        /// The number of images in its header.
        image_count: u32,
        /// The label file.
        labels: PathBuf,
        /// The number of labels in its header.
        label_count: u32,
    },
    /// There is nowhere to unpack the files to.
    #[error("{}: cannot unpack the data here: {error}", path.display())]
    Unpack {
        /// The place that was tried last.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The files changed between the check and the parser.
    #[error("{}: the data changed while it was being read", dir.display())]
    Changed {
        /// The data folder.
        dir: PathBuf,
    },
    /// More validation images requested than the split allows.
    #[error(
        "{valid} validation images asked for, out of {len}: at least one must remain to train on"
    )]
    Split {
        /// Validation images requested.
        valid: usize,
        /// All images.
        len: usize,
    },
}

/// What is wrong with one file; displays what was found and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Not a file but a folder, a pipe or a dangling link.
    #[error("is {0}, expected a file")]
    NotAFile(&'static str),
    /// An empty file.
    #[error("empty, expected {expected} bytes")]
    Empty {
        /// Bytes expected.
        expected: u64,
    },
    /// Not an IDX file.
    #[error("starts with {}, expected magic 0x{:08x}", found, kind.magic())]
    Foreign {
        /// What it looks like.
        found: String,
        /// Which file was expected.
        kind: FileKind,
    },
    /// Images where labels belong, or the reverse.
    #[error(
        "magic 0x{magic:08x} is {}, expected {} (0x{:08x})",
        if kind.is_images() { "a label file" } else { "an image file" }, kind.items(), kind.magic()
    )]
    Swapped {
        /// The magic found.
        magic: u32,
        /// Which file was expected.
        kind: FileKind,
    },
    /// A number of images or labels other than MNIST's.
    #[error("header counts {found} {}, expected {}", kind.items(), kind.count())]
    Count {
        /// The count found.
        found: u32,
        /// Which file was expected.
        kind: FileKind,
    },
    /// Images of the wrong size.
    #[error("images of {}x{}, expected 28x28", found[0], found[1])]
    Dims {
        /// Rows and columns found.
        found: [u32; 2],
    },
    /// The file ends early.
    #[error("truncated at byte {at} of {expected}{}", whole_items(*at, *kind))]
    Truncated {
        /// Bytes found.
        at: u64,
        /// Bytes expected.
        expected: u64,
        /// Which file was expected.
        kind: FileKind,
    },
    /// The file goes on after the last image or label.
    #[error("{}trailing bytes after byte {expected}, where the {} end",
        extra.map(|n| format!("{n} ")).unwrap_or_default(), kind.items())]
    Trailing {
        /// How many, if that is known without unpacking them all.
        extra: Option<u64>,
        /// Bytes expected.
        expected: u64,
        /// Which file was expected.
        kind: FileKind,
    },
    /// A label that is not a digit.
    #[error("label {index} is {value}, expected 0 to 9 (byte {} of the content)", index + 8)]
    Label {
        /// Which label, from 0.
        index: u64,
        /// Its value.
        value: u8,
    },
    /// The gzip stream ends early.
    #[error("gzip stream truncated at byte {at}")]
    GzipTruncated {
        /// Bytes in the archive.
        at: u64,
    },
    /// The gzip stream is damaged.
    #[error("gzip stream damaged before byte {at}: {reason}")]
    GzipDamaged {
        /// Bytes of the archive read so far.
        at: u64,
        /// The decoder's message.
        reason: String,
    },
    /// Bytes follow the gzip stream.
    #[error("{extra} bytes after the gzip stream, which ends at byte {at}")]
    GzipTrailing {
        /// Bytes of the gzip stream.
        at: u64,
        /// Bytes after it.
        extra: u64,
    },
}

fn not_here(files: &[FileKind]) -> String {
    if files.len() == FileKind::ALL.len() {
        return "none of the four MNIST files is here".into();
    }
    let names: Vec<_> = files.iter().map(|f| format!("{}(.gz)", f.name())).collect();
    format!("{} not found", names.join(", "))
}

fn whole_items(at: u64, kind: FileKind) -> String {
    match at.checked_sub(kind.header_bytes()) {
        None => ", inside the header".into(),
        Some(body) => format!(
            " ({} of {} {})",
            body / kind.item_bytes(),
            kind.count(),
            kind.items()
        ),
    }
}
