//! Arrays of images and labels in NumPy's `.npz` and `.npy`.

use std::{
    io::{BufReader, Read, Seek},
    path::Path,
};

use zip::ZipArchive;

use super::{
    numbers::{MAX_BYTES, Numbers},
    source,
};
use crate::{
    files::arrays::npy::{self, Head},
    regular_file,
};

/// Bytes in which the header of an array is looked for.
const START: u64 = 1 << 16;
/// The most arrays of an archive that are looked at.
const MAX_ARRAYS: usize = 1000;

/// An array that was found: its name, and its header or why it cannot be used.
pub(super) type Found = (String, Result<Head, String>);

/// The arrays of an archive. An error if it is broken.
pub(super) fn list(archive: impl Read + Seek) -> Result<Vec<Found>, String> {
    let mut archive = ZipArchive::new(archive).map_err(broken)?;
    let mut found = Vec::new();
    for index in 0..archive.len().min(MAX_ARRAYS) {
        let file = archive.by_index(index).map_err(broken)?;
        let entry = file.name().map_err(broken)?.into_owned();
        let Some(name) = array_name(&entry) else {
            continue;
        };
        let mut start = Vec::new();
        let read = file.take(START).read_to_end(&mut start);
        let head = match read {
            Ok(_) => npy::head(&start).and_then(|head| head),
            Err(error) => Err(broken(error)),
        };
        found.push((name.to_owned(), head));
    }
    Ok(found)
}

/// The arrays of a file.
pub(super) fn list_file(path: &Path) -> Result<Vec<Found>, String> {
    list(BufReader::new(regular_file::open(path).map_err(broken)?))
}

/// The header of an `.npy` file by its first bytes.
pub(super) fn head(start: &[u8]) -> Result<Head, String> {
    npy::head(start)?
}

fn array_name(entry: &str) -> Option<&str> {
    // macOS adds files of its own to a zip.
    let name = entry.strip_suffix(".npy")?;
    (!entry.starts_with("__MACOSX/")).then_some(name)
}

fn broken(error: impl std::fmt::Display) -> String {
    format!("broken .npz file: {error}")
}

/// The numbers of a file, or of the array of this name in it.
pub(super) fn read(path: &Path, array: Option<&str>) -> Result<Numbers, String> {
    let Some(array) = array else {
        let unreadable = |error| format!("cannot be read: {error}");
        return from_npy(source::open(path).map_err(unreadable)?);
    };
    let file = BufReader::with_capacity(1 << 16, regular_file::open(path).map_err(broken)?);
    from_npz(file, array)
}

/// The numbers of an array in an archive.
pub(super) fn from_npz(archive: impl Read + Seek, array: &str) -> Result<Numbers, String> {
    let mut archive = ZipArchive::new(archive).map_err(broken)?;
    let file = archive.by_name(&format!("{array}.npy")).map_err(broken)?;
    from_npy(file)
}

/// The numbers of an array. Takes memory as the contents come, at most what the header says and one byte more;
/// once more as much to turn an array that is stored by columns.
fn from_npy(mut reader: impl Read) -> Result<Numbers, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    (&mut reader)
        .take(START)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let head = npy::head(&bytes)??;
    let expected = head.bytes().filter(|&bytes| bytes as u64 <= MAX_BYTES);
    let Some(expected) = expected else {
        return Err(format!(
            "{} numbers, expected at most {} GiB",
            super::numbers::sizes(&head.shape),
            MAX_BYTES >> 30
        ));
    };
    bytes.drain(..head.start);
    // Room for all at once: the header may say too much, but what is not filled takes no memory.
    let room = bytes.try_reserve_exact((expected + 1).saturating_sub(bytes.len()));
    room.map_err(|_| format!("{expected} bytes, for which there is not enough memory"))?;
    let left = (expected as u64 + 1).saturating_sub(bytes.len() as u64);
    // One byte more: a zip's checksum is verified only at its end.
    reader
        .take(left)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() != expected {
        let whole = bytes.len().min(expected)
            / (expected / head.shape.first().copied().unwrap_or(1).max(1)).max(1);
        return Err(match bytes.len() < expected {
            true => format!(
                "truncated: {} bytes of numbers, expected {expected} for shape {:?} ({whole} whole images or labels)",
                bytes.len(),
                head.shape
            ),
            false => format!(
                "more than {expected} bytes of numbers, which do not fit shape {:?}",
                head.shape
            ),
        });
    }
    let numbers = Numbers {
        shape: head.shape,
        kind: head.number,
        big_endian: head.big_endian,
        bytes,
    };
    Ok(match head.fortran {
        true => numbers.with_last_axis_fastest(),
        false => numbers,
    })
}
