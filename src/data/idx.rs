//! IDX, the format of the files, and the check that every file passes before the parser sees it.
//!
//! Big-endian: magic number (4 bytes), count (4), for images also rows (4) and columns (4), then one byte per
//! pixel or label. Everything is compared with what [`FileKind`] says, so a file that passes has only one
//! possible meaning.

use std::{
    fs::File,
    io::{self, Read},
};

use sha2::{Digest, Sha256};

use super::{CLASSES, Fault, FileKind};

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Element type and number of dimensions.
    pub magic: u32,
    /// Number of images or labels.
    pub count: u32,
    /// Rows and columns of an image; none for labels.
    pub dims: Option<[u32; 2]>,
}

/// What was found in the content of a valid file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its header.
    pub header: Header,
    /// SHA-256 of header and body, in hex.
    pub sha256: String,
    /// Number of labels of each class; none for images.
    pub histogram: Option<[u32; CLASSES]>,
}

/// Reads the content of a file to its end, checks all of it, and passes every byte on to `sink`.
///
/// Uses constant memory, and reads at most one byte beyond the length of a valid file, so even an endless
/// stream ends. Errors: the first [`Fault`] found, and whatever `sink` returns.
pub fn check<E: From<Fault>>(
    kind: FileKind,
    mut reader: impl Read,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Content, E> {
    let mut hash = Sha256::new();
    let (header, bytes) = read_header(kind, &mut reader)?;
    hash.update(&bytes);
    sink(&bytes)?;

    let expected = kind.content_bytes();
    let mut at = bytes.len() as u64;
    let mut labels = Labels::default();
    let mut buffer = vec![0; 1 << 16];
    while at < expected {
        let wanted = buffer.len().min((expected - at) as usize);
        let n = read(&mut reader, &mut buffer[..wanted])?;
        if n == 0 {
            return Err(Fault::Truncated { at, expected, kind }.into());
        }
        if !kind.is_images() {
            labels.add(&buffer[..n])?;
        }
        hash.update(&buffer[..n]);
        sink(&buffer[..n])?;
        at += n as u64;
    }
    // One read past the end: nothing may follow, and a gzip reader verifies its checksum only here.
    if read(&mut reader, &mut buffer[..1])? > 0 {
        let extra = None;
        return Err(Fault::Trailing {
            extra,
            expected,
            kind,
        }
        .into());
    }
    Ok(Content {
        header,
        sha256: hex(&hash.finalize()),
        histogram: (!kind.is_images()).then_some(labels.histogram),
    })
}

/// Checks an unpacked file without reading its pixels: header, exact length, labels.
pub fn check_in_place(kind: FileKind, file: &mut File) -> Result<Header, Fault> {
    let (header, _) = read_header(kind, &mut *file)?;
    let (at, expected) = (file.metadata()?.len(), kind.content_bytes());
    if at < expected {
        return Err(Fault::Truncated { at, expected, kind });
    }
    if at > expected {
        let extra = Some(at - expected);
        return Err(Fault::Trailing {
            extra,
            expected,
            kind,
        });
    }
    if !kind.is_images() {
        let mut body = Vec::new();
        file.take(u64::from(kind.count())).read_to_end(&mut body)?;
        Labels::default().add(&body)?;
    }
    Ok(header)
}

/// Reads and checks the header; also returns its bytes.
fn read_header(kind: FileKind, mut reader: impl Read) -> Result<(Header, Vec<u8>), Fault> {
    let mut bytes = vec![0; kind.header_bytes() as usize];
    let mut len = 0;
    while len < bytes.len() {
        match read(&mut reader, &mut bytes[len..])? {
            0 => break,
            n => len += n,
        }
    }
    let complete = len == bytes.len();
    bytes.truncate(len);
    let expected = kind.content_bytes();
    if bytes.is_empty() {
        return Err(Fault::Empty { expected });
    }
    let field = |i: usize| u32::from_be_bytes(bytes[4 * i..][..4].try_into().expect("four bytes"));
    if len >= 4 && field(0) != kind.magic() {
        return Err(match field(0) {
            magic @ (0x0801 | 0x0803) => Fault::Swapped { magic, kind },
            _ => Fault::Foreign {
                found: describe(&bytes),
                kind,
            },
        });
    }
    if !complete {
        return Err(match looks_like(&bytes) {
            Some(found) => Fault::Foreign {
                found: found.into(),
                kind,
            },
            None => Fault::Truncated {
                at: len as u64,
                expected,
                kind,
            },
        });
    }
    let header = Header {
        magic: field(0),
        count: field(1),
        dims: kind.is_images().then(|| [field(2), field(3)]),
    };
    if header.dims != kind.dims() {
        return Err(Fault::Dims {
            found: header.dims.unwrap_or_default(),
        });
    }
    if header.count != kind.count() {
        return Err(Fault::Count {
            found: header.count,
            kind,
        });
    }
    Ok((header, bytes))
}

/// The labels read so far.
#[derive(Default)]
struct Labels {
    histogram: [u32; CLASSES],
    seen: u64,
}

impl Labels {
    fn add(&mut self, labels: &[u8]) -> Result<(), Fault> {
        for &value in labels {
            let index = self.seen;
            let class = self.histogram.get_mut(usize::from(value));
            *class.ok_or(Fault::Label { index, value })? += 1;
            self.seen += 1;
        }
        Ok(())
    }
}

/// Like `read`, but tries again when a signal interrupts it.
fn read(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Fault> {
    loop {
        match reader.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return Ok(result?),
        }
    }
}

/// Describes the first bytes of a file that is not IDX.
fn describe(bytes: &[u8]) -> String {
    match looks_like(bytes) {
        Some(words) => words.into(),
        None => format!("0x{}", hex(&bytes[..bytes.len().min(4)])),
    }
}

/// Recognises what commonly ends up under the name of a data file.
pub(crate) fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    Some(match bytes {
        _ if text.starts_with(b"<") => "an HTML or XML page (`<`)",
        _ if text.starts_with(b"{") => "JSON text (`{`)",
        [0x1f, 0x8b, ..] => "gzip inside gzip (0x1f8b)",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive (`PK`)",
        _ if bytes.starts_with(b"version ") => "a git-lfs pointer (`version`)",
        _ => return None,
    })
}

/// Bytes, such as a checksum, in lower-case hex: two digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
