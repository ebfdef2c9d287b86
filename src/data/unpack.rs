//! Unpacked copies of the archives, and what is known about files that are unchanged since the last check.
//!
//! Both live in `<data folder>/unpacked`, a cache: deleting it only costs unpacking again. Its manifest
//! records the size, times and checksums of each source; a copy or a checksum is trusted only while all of
//! them still match. One of the times is the inode change time, which the kernel sets: a manifest that was copied
//! here with its files does not match them. A whole file system from elsewhere, such as a memory stick, brings
//! such times with it; so the manifest also names the machine that wrote it.
//!
//! The data folder may come from elsewhere. No link in the cache is followed, neither to read nor to write.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    DataError, Fault, FileKind, idx,
    source::{Checked, Form, Source},
};
use crate::{atomic_file, regular_file};

/// The cache's name in the data folder.
pub const FOLDER: &str = "unpacked";
const MANIFEST: &str = "manifest.json";
const VERSION: u32 = 1;
/// A manifest takes about 2 kB; a larger file is something else.
const MANIFEST_LIMIT: u64 = 1 << 16;
/// File system clocks tick every few milliseconds: within one tick a file can change and keep its times.
const CLOCK_TICK: Duration = Duration::from_millis(100);

#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// The machine that wrote it, see [`machine`]; a folder that several share is checked again by each.
    #[serde(default)]
    machine: String,
    files: BTreeMap<String, Entry>,
}

/// What is known about one source.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    source: String,
    source_stamp: Stamp,
    source_sha256: String,
    content_sha256: String,
    /// The unpacked copy, if the source is packed.
    unpacked_stamp: Option<Stamp>,
}

/// Values that change whenever a file does.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified_ns: u64,
    /// Inode change time, which no program can set back; 0 where there is none.
    changed_ns: u64,
}

/// A file ready for the parser.
pub struct Ready {
    /// Which of the four it is.
    pub kind: FileKind,
    /// The unpacked, checked file.
    pub path: PathBuf,
    /// The same, open.
    pub file: File,
    /// SHA-256 of its bytes, in hex.
    pub content_sha256: String,
}

impl Ready {
    /// The path under which the parser is sure to find the file. None if the file has changed since the check.
    pub fn path_for_parser(&mut self) -> Option<String> {
        self.file.rewind().ok()?;
        idx::check_in_place(self.kind, &mut self.file).ok()?;
        // The path of an open file stays, even if the file is deleted meanwhile.
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            if Path::new(&open).exists() {
                return Some(open);
            }
        }
        // There is no such path elsewhere, and none in some containers.
        let mut there = regular_file::open(&self.path).ok()?;
        idx::check_in_place(self.kind, &mut there).ok()?;
        self.path.to_str().map(str::to_owned)
    }
}

/// Files ready for the parser, for as long as this value lives.
pub struct Unpacked {
    /// In the order of [`crate::data::FileKind::ALL`].
    pub files: Vec<Ready>,
    /// What the user should know about the unpacking.
    pub notes: Vec<String>,
    /// The folder for copies that could not be kept; deleted on drop.
    _temporary: Option<tempfile::TempDir>,
}

/// Checks every source and unpacks those that need it: into the data folder or, if that is not writable, into
/// a temporary one.
pub fn unpack(dir: &Path, sources: &[Source]) -> Result<Unpacked, DataError> {
    let folder = dir.join(FOLDER);
    let machine = machine();
    let known = match regular_file::is_link(&folder) {
        true => Manifest::default(),
        false => read_manifest(&folder.join(MANIFEST), &machine),
    };
    let mut place = Place {
        folder,
        temporary: None,
        notes: Vec::new(),
    };
    let mut manifest = Manifest {
        version: VERSION,
        machine: machine.clone(),
        files: BTreeMap::new(),
    };
    let mut files = Vec::new();
    for source in sources {
        let name = source.kind.name().to_owned();
        let (ready, entry) = match known
            .files
            .get(&name)
            .and_then(|e| reuse(source, e, &place))
        {
            Some(ready) => (ready, known.files.get(&name).cloned()),
            None => place.prepare(source)?,
        };
        files.push(ready);
        manifest.files.extend(entry.map(|entry| (name, entry)));
    }
    // Without a manifest the next start checks everything again: slower, but just as safe.
    if place.temporary.is_none() && manifest.files != known.files {
        let _ = write_manifest(&place.folder, &manifest);
    }
    Ok(Unpacked {
        files,
        notes: place.notes,
        _temporary: place.temporary,
    })
}

/// The result of an earlier check, if the files are still the same.
fn reuse(source: &Source, entry: &Entry, place: &Place) -> Option<Ready> {
    let (file, form) = source.open().ok()?;
    let stamp = Stamp::of(&file.metadata().ok()?)?;
    let name = source.path.file_name()?.to_str()?;
    if entry.source != name || entry.source_stamp != stamp {
        return None;
    }
    let (mut file, path) = match form {
        Form::Raw => (file, source.path.clone()),
        Form::Gzip => {
            let path = place.folder.join(source.kind.name());
            let file = open_own(&path).ok()?;
            if entry.unpacked_stamp != Some(Stamp::of(&file.metadata().ok()?)?) {
                return None;
            }
            (file, path)
        }
    };
    // The parser takes only UTF-8 paths, and only files that this run has looked at.
    path.to_str()?;
    idx::check_in_place(source.kind, &mut file).ok()?;
    let content_sha256 = entry.content_sha256.clone();
    Some(Ready {
        kind: source.kind,
        path,
        file,
        content_sha256,
    })
}

/// Where unpacked copies go.
struct Place {
    folder: PathBuf,
    temporary: Option<tempfile::TempDir>,
    notes: Vec<String>,
}

impl Place {
    /// Checks a source in full, and unpacks it on the way if it is packed.
    fn prepare(&mut self, source: &Source) -> Result<(Ready, Option<Entry>), DataError> {
        let faulty = |fault| DataError::File {
            path: source.path.clone(),
            fault,
        };
        let (file, form) = source.open().map_err(faulty)?;
        // Taken before reading: if the file changes meanwhile, the entry will not match next time.
        let stamp = file.metadata().ok().and_then(|meta| Stamp::of(&meta));
        let settled = stamp.is_some_and(Stamp::is_settled);
        drop(file);

        let in_place = form == Form::Raw && source.path.to_str().is_some();
        let (checked, path) = if in_place {
            (
                source.check(|_| Ok(())).map_err(faulty)?,
                source.path.clone(),
            )
        } else {
            self.unpack(source)?
        };
        let opened = match in_place {
            true => regular_file::open(&path),
            false => open_own(&path),
        };
        let file = opened.map_err(|_| DataError::Changed {
            dir: path.parent().unwrap_or(&path).to_owned(),
        })?;
        let unpacked_stamp = match in_place {
            true => None,
            false => file.metadata().ok().and_then(|meta| Stamp::of(&meta)),
        };
        let content_sha256 = checked.content.sha256;
        let entry = stamp.filter(|_| settled).and_then(|source_stamp| {
            Some(Entry {
                source: source.path.file_name()?.to_str()?.to_owned(),
                source_stamp,
                source_sha256: checked.sha256,
                content_sha256: content_sha256.clone(),
                unpacked_stamp,
            })
        });
        Ok((
            Ready {
                kind: source.kind,
                path,
                file,
                content_sha256,
            },
            entry,
        ))
    }

    fn unpack(&mut self, source: &Source) -> Result<(Checked, PathBuf), DataError> {
        loop {
            let path = self.folder.join(source.kind.name());
            let error = match self.write(source, &path) {
                Ok(checked) => return Ok((checked, path)),
                Err(Failure::Fault(fault)) => {
                    return Err(DataError::File {
                        path: source.path.clone(),
                        fault,
                    });
                }
                Err(Failure::Write(error)) => error,
            };
            if self.temporary.is_some() {
                return Err(DataError::Unpack {
                    path: self.folder.clone(),
                    error,
                });
            }
            self.notes.push(format!(
                "{}: cannot be written ({error}): unpacked into a temporary folder instead, at every start",
                self.folder.display()
            ));
            let temporary = tempfile::Builder::new()
                .prefix("mlp-")
                .tempdir()
                .map_err(|error| DataError::Unpack {
                    path: std::env::temp_dir(),
                    error,
                })?;
            self.folder = temporary.path().to_owned();
            self.temporary = Some(temporary);
        }
    }

    fn write(&self, source: &Source, path: &Path) -> Result<Checked, Failure> {
        if path.to_str().is_none() {
            return Err(io::Error::other("the path is not UTF-8").into());
        }
        create(&self.folder)?;
        let mut checked = None;
        atomic_file::write_own(path, |writer| {
            checked = Some(source.check(|bytes| Ok::<_, Failure>(writer.write_all(bytes)?))?);
            Ok::<_, Failure>(())
        })?;
        checked.ok_or_else(|| io::Error::other("nothing was written").into())
    }
}

/// Why there is no copy: the source is faulty, or the copy cannot be written.
enum Failure {
    Fault(Fault),
    Write(io::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl Stamp {
    fn of(meta: &Metadata) -> Option<Self> {
        let modified = meta
            .modified()
            .ok()?
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        #[cfg(unix)]
        let changed_ns = {
            use std::os::unix::fs::MetadataExt;
            u64::try_from(meta.ctime().checked_mul(1_000_000_000)? + meta.ctime_nsec()).ok()?
        };
        #[cfg(not(unix))]
        let changed_ns = 0;
        Some(Self {
            bytes: meta.len(),
            modified_ns: u64::try_from(modified.as_nanos()).ok()?,
            changed_ns,
        })
    }

    /// Whether any change from now on is sure to show in the times.
    fn is_settled(self) -> bool {
        let newest = Duration::from_nanos(self.modified_ns.max(self.changed_ns));
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .is_ok_and(|now| now > newest + CLOCK_TICK)
    }
}

/// Creates the folder of the copies if it is not there.
fn create(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        // It would be written into whatever folder it points to.
        Err(_) if regular_file::is_link(folder) => {
            Err(io::Error::other("a symbolic link, expected a folder"))
        }
        _ => Ok(()),
    }
}

fn open_own(path: &Path) -> io::Result<File> {
    regular_file::open_own(path, File::options().read(true))
}

/// The manifest, or an empty one if it is missing, damaged, of another version or not surely of this machine.
fn read_manifest(path: &Path, machine: &str) -> Manifest {
    let read = || {
        let mut text = Vec::new();
        open_own(path)?
            .take(MANIFEST_LIMIT)
            .read_to_end(&mut text)?;
        Ok::<Manifest, io::Error>(serde_json::from_slice(&text)?)
    };
    let is_hash = |s: &str| s.len() == 64 && s.bytes().all(|b| b.is_ascii_hexdigit());
    let mut manifest = read()
        .ok()
        .filter(|m| m.version == VERSION && !machine.is_empty() && m.machine == machine)
        .unwrap_or_default();
    manifest
        .files
        .retain(|_, e| is_hash(&e.source_sha256) && is_hash(&e.content_sha256));
    manifest
}

/// What nobody elsewhere knows of this machine, as a hash, in hex. Empty if there is nothing: then every start checks
/// the files again.
///
/// Containers often have no name of their own, or an empty one; they know when the machine was started. Other systems
/// know when the user's home was made, which does not travel with a data folder.
///
/// Source: `man machine-id`, which asks programs not to show the name itself; `man random`.
fn machine() -> String {
    let names = ["/etc/machine-id", "/proc/sys/kernel/random/boot_id"];
    let mut names = names.iter().map(Path::new);
    let name = names.find_map(machine_name).or_else(home_made);
    name.map_or_else(String::new, |name| {
        let hash = Sha256::new()
            .chain_update(b"mlp unpacked ")
            .chain_update(name);
        idx::hex(&hash.finalize())
    })
}

/// The name in a file: 32 hex digits, with or without hyphens. A new system has a word there that is no name.
fn machine_name(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = regular_file::open(path).ok()?;
    file.take(64).read_to_string(&mut text).ok()?;
    let name = text.trim().replace('-', "");
    (name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())).then_some(name)
}

/// The home of the user, and when it was made.
fn home_made() -> Option<String> {
    let home = std::env::home_dir()?;
    let made = fs::metadata(&home).ok()?.created().ok()?;
    let since = made.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{} {}", home.display(), since.as_nanos()))
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    create(folder)?;
    atomic_file::write_own(&folder.join(MANIFEST), |writer| {
        Ok(serde_json::to_writer_pretty(writer, manifest)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_is_no_manifest_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MANIFEST);
        assert!(read_manifest(&path, "a").files.is_empty(), "missing");
        for text in [
            "",
            "{",
            "[]",
            "{\"version\":2,\"machine\":\"a\",\"files\":{}}",
            "\u{0}\u{0}",
        ] {
            fs::write(&path, text).unwrap();
            assert!(read_manifest(&path, "a").files.is_empty(), "{text:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(read_manifest(&path, "a").files.is_empty(), "a folder");
    }

    #[test]
    fn a_manifest_is_trusted_only_on_the_machine_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MANIFEST);
        let hash = "0".repeat(64);
        let stamp = Stamp {
            bytes: 1,
            modified_ns: 1,
            changed_ns: 1,
        };
        let entry = Entry {
            source: "source".into(),
            source_stamp: stamp,
            source_sha256: hash.clone(),
            content_sha256: hash,
            unpacked_stamp: None,
        };
        let manifest = Manifest {
            version: VERSION,
            machine: String::new(),
            files: BTreeMap::from([("name".to_owned(), entry)]),
        };
        let trusted = |named: Option<&str>, machine: &str| {
            let mut json = serde_json::to_value(&manifest).unwrap();
            match named {
                Some(name) => json["machine"] = name.into(),
                None => drop(json.as_object_mut().unwrap().remove("machine")),
            }
            fs::write(&path, json.to_string()).unwrap();
            !read_manifest(&path, machine).files.is_empty()
        };
        assert!(trusted(Some("a"), "a"));
        for (named, machine) in [
            (Some("b"), "a"),
            (Some(""), "a"),
            (None, "a"),
            (Some("a"), ""),
            (Some(""), ""),
            (None, ""),
        ] {
            assert!(!trusted(named, machine), "{named:?} {machine:?}");
        }
    }

    #[test]
    fn only_what_looks_like_the_name_of_a_machine_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("machine-id");
        let name = "0123456789abcdef0123456789abcdef";
        for (text, expected) in [
            ("0123456789abcdef0123456789abcdef\n", Some(name)),
            ("01234567-89ab-cdef-0123-456789abcdef\n", Some(name)),
            ("", None),
            ("\n", None),
            ("uninitialized\n", None),
            ("0123456789abcdef0123456789abcde", None),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(machine_name(&path).as_deref(), expected, "{text:?}");
        }
        assert_eq!(machine_name(&folder.path().join("none")), None);
    }

    #[test]
    fn a_checked_file_that_goes_away_is_still_found_or_known_to_be_gone() {
        let folder = tempfile::tempdir().unwrap();
        let kind = FileKind::TestLabels;
        let path = folder.path().join(kind.name());
        let mut bytes = vec![0, 0, 8, 1, 0, 0, 0x27, 0x10];
        bytes.resize(10_008, 7);
        fs::write(&path, &bytes).unwrap();
        let mut ready = Ready {
            kind,
            path: path.clone(),
            file: File::open(&path).unwrap(),
            content_sha256: String::new(),
        };
        assert!(ready.path_for_parser().is_some());
        // Windows deletes no open file.
        if cfg!(unix) {
            fs::remove_file(&path).unwrap();
            let found = ready.path_for_parser();
            assert!(found.is_none_or(|path| fs::read(path).unwrap() == bytes));
        }

        fs::write(&path, &bytes[..9]).unwrap();
        ready.file = File::open(&path).unwrap();
        assert_eq!(ready.path_for_parser(), None, "shorter than before");
    }

    #[test]
    fn a_file_that_just_changed_is_not_trusted_by_its_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FileKind::TestLabels.name());
        fs::write(&path, b"x").unwrap();
        let stamp = Stamp::of(&fs::metadata(&path).unwrap()).unwrap();
        assert!(!stamp.is_settled());
        std::thread::sleep(2 * CLOCK_TICK);
        assert!(stamp.is_settled());
    }
}
