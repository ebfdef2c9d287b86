//! Data folders for tests: the four official archives, and small files of the same shape with a chosen fault.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use mlp::data::FileKind;

/// The committed data folder.
pub fn official_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// The committed archive of `kind`.
pub fn official_archive(kind: FileKind) -> Vec<u8> {
    fs::read(official_dir().join(kind.archive_name())).unwrap()
}

/// A new folder with the four official archives.
pub fn official_copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for kind in FileKind::ALL {
        let name = kind.archive_name();
        fs::copy(official_dir().join(&name), folder.path().join(&name)).unwrap();
    }
    folder
}

/// The header that `kind` should have, with another count.
pub fn header(kind: FileKind, count: u32) -> Vec<u8> {
    let mut bytes = kind.magic().to_be_bytes().to_vec();
    bytes.extend(count.to_be_bytes());
    for dim in kind.dims().into_iter().flatten() {
        bytes.extend(dim.to_be_bytes());
    }
    bytes
}

/// A sound label file that is not the official one: 0, 1, … 9, 0, 1, …
pub fn labels(kind: FileKind) -> Vec<u8> {
    let mut bytes = header(kind, kind.count());
    bytes.extend((0..kind.count()).map(|n| (n % 10) as u8));
    bytes
}

/// Writes `start`, then zeros up to `len` bytes, which take no room on the disk.
pub fn write_sparse(path: &Path, start: &[u8], len: u64) {
    let mut file = File::create(path).unwrap();
    file.write_all(start).unwrap();
    file.set_len(len).unwrap();
}

/// A new folder with four sound raw files that are not the official ones: black images.
pub fn black_images() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for kind in FileKind::ALL {
        let path = folder.path().join(kind.name());
        if kind.is_images() {
            write_sparse(&path, &header(kind, kind.count()), kind.content_bytes());
        } else {
            fs::write(&path, labels(kind)).unwrap();
        }
    }
    folder
}

/// Gzip of `bytes`. With level 0 the size depends on the length alone.
pub fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A message, such as that of an error, has these words in it.
#[track_caller]
pub fn assert_says(message: &str, expected: &str) {
    assert!(
        message.contains(expected),
        "{message:?}\nlacks {expected:?}"
    );
}
