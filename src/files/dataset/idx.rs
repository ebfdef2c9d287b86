//! IDX of any type and size: a magic number (two zeros, the type, the number of axes), the sizes of the axes,
//! then the numbers, all big-endian.
//!
//! Files that were written little-endian by mistake are read as well: a file is taken as such only if its length
//! fits no other way.

use std::io::Read;

use super::numbers::{MAX_BYTES, Numbers, sizes, type_name};
use crate::files::arrays::Number;

/// The most axes.
const MAX_AXES: usize = 4;

/// What the beginning of a file says, read in one order of the bytes.
#[derive(Clone, Debug)]
struct Header {
    kind: Number,
    shape: Vec<usize>,
    reversed: bool,
}

impl Header {
    fn start(&self) -> u64 {
        4 + 4 * self.shape.len() as u64
    }

    /// Bytes of the whole file; none if they are more than a data set may have.
    fn bytes(&self) -> Option<u64> {
        let mut sizes = self.shape.iter();
        let numbers = sizes.try_fold(self.kind.bytes() as u64, |all, &size| {
            all.checked_mul(size as u64)
        })?;
        (numbers <= MAX_BYTES).then_some(numbers + self.start())
    }

    /// Bytes of one image or label.
    fn item(&self) -> u64 {
        let item = self.shape[1..].iter().product::<usize>() * self.kind.bytes();
        (item as u64).max(1)
    }
}

/// Whether a file can be IDX by its first bytes, whatever their order.
pub(super) fn is_idx(start: &[u8]) -> bool {
    magic(start).is_some()
}

/// Type, number of axes, and whether the magic number is reversed.
fn magic(start: &[u8]) -> Option<(Number, usize, bool)> {
    let (kind, axes, reversed) = match *start {
        [0, 0, kind, axes, ..] => (kind, axes, false),
        [axes, kind, 0, 0, ..] => (kind, axes, true),
        _ => return None,
    };
    let kind = match kind {
        0x08 => Number::U8,
        0x09 => Number::I8,
        0x0B => Number::I16,
        0x0C => Number::I32,
        0x0D => Number::F32,
        0x0E => Number::F64,
        _ => return None,
    };
    let axes = usize::from(axes);
    (1..=MAX_AXES)
        .contains(&axes)
        .then_some((kind, axes, reversed))
}

/// The header, as it should be read and as it would be with the sizes reversed.
fn headers(start: &[u8]) -> Result<Vec<Header>, String> {
    if start.is_empty() {
        return Err("empty, expected an IDX file".to_owned());
    }
    let Some((kind, axes, reversed)) = magic(start) else {
        let found = match crate::data::idx::looks_like(start) {
            Some(what) => what.to_owned(),
            None => format!("0x{}", crate::data::idx::hex(&start[..start.len().min(4)])),
        };
        return Err(format!(
            "starts with {found}, expected the magic number of an IDX file: 0x0000, the type, the number of axes"
        ));
    };
    let fields = start[4..].as_chunks::<4>().0;
    let Some(fields) = fields.get(..axes) else {
        return Err(format!(
            "truncated at byte {}, inside the header",
            start.len()
        ));
    };
    let shape = |read: fn([u8; 4]) -> u32| fields.iter().map(|&f| read(f) as usize).collect();
    let swapped = Header {
        kind,
        shape: shape(u32::from_le_bytes),
        reversed: true,
    };
    if reversed {
        return Ok(vec![swapped]);
    }
    let straight = Header {
        kind,
        shape: shape(u32::from_be_bytes),
        reversed: false,
    };
    Ok(vec![straight, swapped])
}

/// Bytes that the longest header has.
const HEADER: u64 = 4 + 4 * MAX_AXES as u64;

/// The numbers of an IDX file, and whether its bytes are reversed. An error says what is wrong.
///
/// Reads at most one byte more than the sizes in the header allow.
pub fn read(mut reader: impl Read) -> Result<(Numbers, bool), String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "gzip stream truncated".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let mut bytes = Vec::new();
    (&mut reader)
        .take(HEADER)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let mut headers = headers(&bytes)?;
    let first = headers[0].clone();
    headers.retain(|header| header.bytes().is_some());
    let Some(most) = headers.iter().filter_map(Header::bytes).max() else {
        return Err(format!(
            "header says {} numbers, expected at most {} GiB",
            sizes(&first.shape),
            MAX_BYTES >> 30
        ));
    };
    reader
        .take((most + 1).saturating_sub(bytes.len() as u64))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let length = bytes.len() as u64;
    let Some(header) = headers.iter().find(|h| h.bytes() == Some(length)) else {
        // The first is the one that the format has.
        let header = &headers[0];
        let expected = header.bytes().unwrap_or(most);
        let count = header.shape[0];
        if length < expected {
            let whole = length.saturating_sub(header.start()) / header.item();
            return Err(format!(
                "truncated at byte {length} of {expected} ({whole} of {count} whole {})",
                if header.shape.len() == 1 {
                    "labels"
                } else {
                    "images"
                }
            ));
        }
        return Err(format!(
            "trailing bytes after byte {expected}, where {} numbers end",
            sizes(&header.shape)
        ));
    };
    bytes.drain(..header.start() as usize);
    let numbers = Numbers {
        shape: header.shape.clone(),
        kind: header.kind,
        big_endian: !header.reversed,
        bytes,
    };
    Ok((numbers, header.reversed))
}

/// Bytes of the numbers in the file, at least, by its first bytes; 0 if they do not say.
pub(super) fn bytes(start: &[u8]) -> u64 {
    let headers = headers(start).unwrap_or_default();
    let bytes = headers.iter().filter_map(Header::bytes);
    bytes.min().unwrap_or(0)
}

/// The header in words, and the shape, from the first bytes of a file and, where known, its length unpacked.
pub(super) fn describe(start: &[u8], length: Option<u64>) -> Result<(String, Vec<usize>), String> {
    let headers = headers(start)?;
    let fits = |h: &&Header| length.is_none_or(|length| h.bytes() == Some(length));
    let sensible = |h: &&Header| h.bytes().is_some();
    let header = headers.iter().find(|h| sensible(h) && fits(h));
    let header = header
        .or(headers.iter().find(sensible))
        .unwrap_or(&headers[0]);
    let kind = match header.kind {
        Number::U8 => "unsigned bytes",
        kind => type_name(kind),
    };
    let reversed = match header.reversed {
        true => ", bytes reversed (little-endian)",
        false => "",
    };
    let axes = match header.shape.len() {
        1 => "1 dimension".to_owned(),
        axes => format!("{axes} dimensions"),
    };
    let words = format!("IDX, {kind}{reversed}, {axes}: {}", sizes(&header.shape));
    Ok((words, header.shape.clone()))
}

/// The shape of a file whose header is sound but not that of bytes with `magic`; none if the header is not sound,
/// or is that of labels where images belong or the reverse.
pub(super) fn other_shape(start: &[u8], expected_magic: u32) -> Option<Vec<usize>> {
    let found = u32::from_be_bytes(*start.first_chunk()?);
    if found != expected_magic && matches!(found, 0x0801 | 0x0803) {
        return None;
    }
    let headers = headers(start).ok()?;
    let header = headers.first()?;
    if found == expected_magic {
        return Some(header.shape.clone());
    }
    // Another type or number of axes is never MNIST's shape.
    Some(Vec::new())
}
