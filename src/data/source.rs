//! Finds the files under any of their names, and reads them, packed or not.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use super::{
    DataError, Fault, FileKind,
    idx::{self, Content},
};
use crate::regular_file;

/// A file that was found.
#[derive(Clone, Debug)]
pub struct Source {
    /// Which of the four it should be.
    pub kind: FileKind,
    /// Where it is.
    pub path: PathBuf,
    /// Other files of the same kind, which are not used.
    pub others: Vec<PathBuf>,
}

/// How the bytes are stored, judged by the first two of them: browsers unpack silently and keep the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain IDX.
    Raw,
    /// IDX compressed with gzip.
    Gzip,
}

/// A valid file, read to its end.
#[derive(Clone, Debug)]
pub struct Checked {
    /// SHA-256 of the file as it is on disk, in hex.
    pub sha256: String,
    /// What is in it.
    pub content: Content,
}

impl Source {
    /// Looks for a file in `dir` under each of its names. `None` if it is not there.
    ///
    /// Errors if something that is not a file has the name of one, or the folder cannot be read.
    pub fn find(dir: &Path, kind: FileKind) -> Result<Option<Self>, DataError> {
        let (mut files, mut obstacle) = (Vec::new(), None);
        for path in kind.names().map(|name| dir.join(name)) {
            let fault = match fs::metadata(&path) {
                Ok(meta) if meta.is_file() => {
                    files.push(path);
                    continue;
                }
                Ok(meta) if meta.is_dir() => Fault::NotAFile("a folder"),
                Ok(_) => Fault::NotAFile("a pipe or a device"),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    if fs::symlink_metadata(&path).is_err() {
                        continue;
                    }
                    Fault::NotAFile("a symbolic link to nowhere")
                }
                Err(e) => Fault::Read(e),
            };
            obstacle.get_or_insert(DataError::File { path, fault });
        }
        let mut files = files.into_iter();
        match (files.next(), obstacle) {
            (Some(path), _) => {
                let others = files.collect();
                Ok(Some(Self { kind, path, others }))
            }
            (None, Some(obstacle)) => Err(obstacle),
            (None, None) => Ok(None),
        }
    }

    /// Opens the file and looks at its first bytes.
    pub fn open(&self) -> Result<(File, Form), Fault> {
        let file = regular_file::open(&self.path)?;
        let mut start = Vec::new();
        (&file).take(2).read_to_end(&mut start)?;
        io::Seek::rewind(&mut &file)?;
        let form = match start[..] {
            [0x1f, 0x8b] => Form::Gzip,
            _ => Form::Raw,
        };
        Ok((file, form))
    }

    /// Reads the file to its end, checks all of it, and passes the unpacked bytes on to `sink`.
    ///
    /// Uses constant memory, and reads at most one byte beyond what a valid file unpacks to. Errors: the
    /// first [`Fault`] found, and whatever `sink` returns.
    pub fn check<E: From<Fault>>(
        &self,
        sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Checked, E> {
        match self.open()? {
            (mut file, Form::Raw) => {
                // This finds a wrong length at once, not only after hashing the file.
                idx::check_in_place(self.kind, &mut file)?;
                io::Seek::rewind(&mut file).map_err(Fault::Read)?;
                let content = idx::check(self.kind, file, sink)?;
                let sha256 = content.sha256.clone();
                Ok(Checked { sha256, content })
            }
            (file, Form::Gzip) => check_gzip(self.kind, file, sink),
        }
    }
}

/// Reads one gzip stream to its end and checks what it unpacks to, as [`idx::check`] does.
pub fn check_gzip<E: From<Fault>>(
    kind: FileKind,
    archive: impl Read,
    sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Checked, E> {
    let archive = Counted {
        inner: archive,
        hash: Sha256::new(),
        bytes: 0,
    };
    let mut decoder = GzDecoder::new(BufReader::with_capacity(1 << 16, archive));
    let mut failed = None;
    let result = idx::check(
        kind,
        Remember {
            inner: &mut decoder,
            failed: &mut failed,
        },
        sink,
    );
    let mut rest = decoder.into_inner();
    let at = rest.get_ref().bytes - rest.buffer().len() as u64;
    if let Some((error_kind, reason)) = failed {
        match error_kind {
            io::ErrorKind::UnexpectedEof => return Err(Fault::GzipTruncated { at }.into()),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                return Err(Fault::GzipDamaged { at, reason }.into());
            }
            _ => {} // the disk's fault, not the stream's
        }
    }
    let content = result?;
    let extra = drain(&mut rest).map_err(Fault::Read)?;
    if extra > 0 {
        return Err(Fault::GzipTrailing { at, extra }.into());
    }
    let sha256 = idx::hex(&rest.into_inner().hash.finalize());
    Ok(Checked { sha256, content })
}

/// Reads to the end and returns the number of bytes.
fn drain(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        let n = match reader.fill_buf() {
            Ok(buffer) => buffer.len(),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if n == 0 {
            return Ok(bytes);
        }
        reader.consume(n);
        bytes += n as u64;
    }
}

/// Counts and hashes the bytes that pass through.
struct Counted<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}

/// Keeps the kind and text of a read error, which show whether the gzip stream is at fault.
struct Remember<'a, R> {
    inner: R,
    failed: &'a mut Option<(io::ErrorKind, String)>,
}

impl<R: Read> Read for Remember<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner
            .read(buffer)
            .inspect_err(|e| *self.failed = Some((e.kind(), e.to_string())))
    }
}
