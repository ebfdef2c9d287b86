//! Files, packed with gzip or not, and what they are by their first bytes.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::{csv, foreign, idx};
use crate::{data::photo, files::arrays::npy, regular_file};

/// Bytes that tell what a file is.
pub(super) const START: u64 = 1 << 16;

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Idx,
    Npz,
    Npy,
    Csv,
    Picture,
    /// What only other programs read.
    Foreign(foreign::Foreign),
    Other,
}

/// The first bytes of a file.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Unpacked.
    pub(super) bytes: Vec<u8>,
    /// Whether the file is packed with gzip.
    pub(super) packed: bool,
    /// How long the file is, packed or not.
    pub(super) length: u64,
}

/// A file, unpacked while it is read.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let (file, packed) = opened(path)?;
    Ok(unpacked(file, packed))
}

/// A file, and whether it is packed with gzip.
fn opened(path: &Path) -> io::Result<(File, bool)> {
    let mut file = regular_file::open(path)?;
    let mut magic = Vec::new();
    (&file).take(2).read_to_end(&mut magic)?;
    file.rewind()?;
    Ok((file, magic == [0x1f, 0x8b]))
}

fn unpacked(file: File, packed: bool) -> Box<dyn Read> {
    match packed {
        true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file))),
        false => Box::new(file),
    }
}

/// The first bytes; as many as can be unpacked.
pub(super) fn start(path: &Path) -> io::Result<Start> {
    let (file, packed) = opened(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    let read = unpacked(file, packed).take(START).read_to_end(&mut bytes);
    if !packed {
        read?;
    }
    Ok(Start {
        bytes,
        packed,
        length,
    })
}

/// What a file is.
pub(super) fn kind(path: &Path, start: &Start) -> Kind {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let bytes = &start.bytes[..];
    if bytes.starts_with(npy::MAGIC) {
        return Kind::Npy;
    }
    if bytes.starts_with(b"PK\x03\x04") && !start.packed {
        let names = zip_names(path);
        if names.iter().any(|name| name.ends_with(".npy")) || name.ends_with(".npz") {
            return Kind::Npz;
        }
    }
    if plain.ends_with(".npz") {
        return Kind::Npz;
    }
    if photo::is_picture_name(plain) {
        return Kind::Picture;
    }
    if let Some(foreign) = foreign::recognise(path, start) {
        return Kind::Foreign(foreign);
    }
    if idx::is_idx(bytes)
        || plain.contains("-idx")
        || plain.contains(".idx")
        || plain.ends_with("ubyte")
    {
        return Kind::Idx;
    }
    let named = plain.ends_with(".csv") || plain.ends_with(".tsv");
    if csv::is_table(bytes, named) {
        return Kind::Csv;
    }
    Kind::Other
}

/// The names in a zip; none if it is broken.
pub(super) fn zip_names(path: &Path) -> Vec<String> {
    let Ok(file) = regular_file::open(path) else {
        return Vec::new();
    };
    let Ok(archive) = ZipArchive::new(BufReader::new(file)) else {
        return Vec::new();
    };
    let names = archive.file_names().filter_map(Result::ok);
    names.map(|name| name.to_string()).collect()
}
