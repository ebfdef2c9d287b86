//! Downloads missing files from the mirrors, so that only complete, official files ever appear.
//!
//! The mirrors are tried in turn. A file is held in memory, its size and checksum are compared with the official
//! ones, and only then is it written to disk, atomically.

use std::{
    fmt,
    io::{Read, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use md5::Md5;
use sha2::{Digest, Sha256};
use ureq::Agent;

use super::{
    DataError, FileKind, MIRRORS,
    catalogue::{Archive, Checksum, Named},
    idx,
    source::Source,
};
use crate::atomic_file;

/// How often the observer is asked whether to go on while no data arrives.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// The most bytes of a file whose size is not known.
const MOST: u64 = 256 << 20;

/// Where to download from, and how long to wait.
#[derive(Clone, Debug)]
pub struct Options {
    /// Addresses of web folders that hold the four .gz files, in the order to try.
    pub mirrors: Vec<String>,
    /// The longest wait for a connection to a mirror, over all its addresses together.
    pub connect_timeout: Duration,
    /// The longest wait without receiving a single byte.
    pub stall_timeout: Duration,
    /// The longest time for a whole file from one mirror.
    pub total_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mirrors: MIRRORS.map(str::to_owned).into(),
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(30 * 60),
        }
    }
}

/// What happens during a download.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A mirror is asked for a file.
    Started {
        /// The file's name on the mirror.
        name: &'a str,
        /// Its address.
        url: &'a str,
        /// Its size in bytes, where it is known.
        bytes: Option<u64>,
    },
    /// Part of the file has arrived. Sent several times a second, even when nothing arrives.
    Received {
        /// Bytes received so far.
        bytes: u64,
    },
    /// This mirror did not deliver the file; the next one is tried.
    MirrorFailed(&'a Attempt),
    /// The file is complete, verified and on disk.
    Saved {
        /// Where.
        path: &'a Path,
    },
}

/// A mirror that did not deliver a file.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The file's address there.
    pub url: String,
    /// Why not.
    pub reason: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.reason)
    }
}

/// The missing files could not be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No mirror delivered the file.
    #[error("{name}: no mirror delivered it{}",
        attempts.iter().map(|a| format!("\n  {a}")).collect::<String>())]
    NoMirror {
        /// Which file.
        name: String,
        /// Which data set it belongs to.
        of: Named,
        /// Where it was to be saved.
        dir: PathBuf,
        /// The mirrors that were tried.
        attempts: Vec<Attempt>,
    },
    /// The file arrived but cannot be stored.
    #[error("{}: cannot be written: {error}", path.display())]
    Write {
        /// Where it was to be saved.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Something in the data folder is in the way.
    #[error(transparent)]
    Folder(#[from] DataError),
    /// The observer asked to stop.
    #[error("stopped before {name} was complete")]
    Stopped {
        /// Which file was being downloaded.
        name: String,
    },
    /// There is no mirror that has the files one by one.
    #[error("{}: cannot be downloaded file by file", of.name())]
    ByHand {
        /// Which data set.
        of: Named,
        /// Where it belongs.
        dir: PathBuf,
    },
}

/// The files that are not in `dir` under any of their names.
///
/// Errors if something that is not a file has the name of one.
pub fn missing(dir: &Path) -> Result<Vec<FileKind>, DataError> {
    let mut kinds = Vec::new();
    for kind in FileKind::ALL {
        if Source::find(dir, kind)?.is_none() {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// Downloads the files of MNIST that `dir` lacks and returns their paths. Creates the folder if needed; replaces
/// nothing.
///
/// `observe` is told what happens and may ask to stop. Files that are complete by then are kept; partial ones
/// never reach the disk.
pub fn fetch_missing(
    dir: &Path,
    options: &Options,
    observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Vec<PathBuf>, DownloadError> {
    fetch_missing_of(Named::Mnist, dir, options, observe)
}

/// Downloads the files of a data set that `dir` lacks, like [`fetch_missing`].
pub fn fetch_missing_of(
    of: Named,
    dir: &Path,
    options: &Options,
    mut observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Vec<PathBuf>, DownloadError> {
    if of == Named::Mnist {
        missing(dir)?; // nothing may be in the way
    }
    let is_here = |archive: &Archive| {
        let mut names = std::iter::once(&archive.name).chain(&archive.aliases);
        names.any(|name| dir.join(name).exists())
    };
    if of.by_hand().is_some() && !holds(dir, of.name()) {
        let dir = dir.to_owned();
        return Err(DownloadError::ByHand { of, dir });
    }
    let wanted: Vec<_> = of.archives().into_iter().filter(|a| !is_here(a)).collect();
    let mut saved = Vec::new();
    for archive in &wanted {
        let bytes = fetch((of, dir), archive, options, &mut observe)?;
        let path = dir.join(&archive.name);
        std::fs::create_dir_all(dir)
            .and_then(|()| atomic_file::write_own(&path, |writer| writer.write_all(&bytes)))
            .map_err(|error| DownloadError::Write {
                path: path.clone(),
                error,
            })?;
        let flow = observe(Event::Saved { path: &path });
        saved.push(path);
        if flow.is_break() && saved.len() < wanted.len() {
            let name = archive.name.clone();
            return Err(DownloadError::Stopped { name });
        }
    }
    Ok(saved)
}

/// Whether a file in `dir` bears the name of a data set.
fn holds(dir: &Path, name: &str) -> bool {
    let mut entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().contains(name))
}

/// Downloads one file from the first mirror that delivers it.
fn fetch(
    (of, dir): (Named, &Path),
    archive: &Archive,
    options: &Options,
    observe: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Vec<u8>, DownloadError> {
    let name = &archive.name;
    let stopped = || DownloadError::Stopped { name: name.clone() };
    let mut attempts = Vec::new();
    for mirror in &options.mirrors {
        let url = format!("{}/{name}", mirror.trim_end_matches('/'));
        let mut flow = observe(Event::Started {
            name,
            url: &url,
            bytes: archive.bytes,
        });

        // On a thread of its own, so that a blocked read cannot keep the observer from stopping. The thread
        // ends at its time-outs, or as soon as it finds that nobody is listening.
        let (sender, receiver) = mpsc::channel();
        let thread_parts = (url.clone(), archive.clone(), options.clone());
        thread::spawn(move || {
            let (url, archive, options) = thread_parts;
            let result = request(&url, &archive, &options, |bytes| {
                sender.send(Message::Received(bytes)).is_ok()
            });
            let _ = sender.send(Message::Ended(result));
        });
        let mut received = 0;
        let result = loop {
            if flow.is_break() {
                return Err(stopped());
            }
            match receiver.recv_timeout(HEARTBEAT) {
                Ok(Message::Ended(result)) => break result,
                Ok(Message::Received(bytes)) => received = bytes,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Err("the download broke off".into()),
            }
            flow = observe(Event::Received { bytes: received });
        };
        match result {
            Ok(bytes) => return Ok(bytes),
            Err(reason) => attempts.push(Attempt { url, reason }),
        }
        if let Some(attempt) = attempts.last()
            && observe(Event::MirrorFailed(attempt)).is_break()
        {
            return Err(stopped());
        }
    }
    Err(DownloadError::NoMirror {
        name: name.clone(),
        of,
        dir: dir.to_owned(),
        attempts,
    })
}

enum Message {
    Received(u64),
    Ended(Result<Vec<u8>, String>),
}

/// Downloads one file from one mirror, complete and official; an error is the reason why not. `progress`
/// returns whether to go on.
fn request(
    url: &str,
    archive: &Archive,
    options: &Options,
    progress: impl Fn(u64) -> bool,
) -> Result<Vec<u8>, String> {
    let agent: Agent = Agent::config_builder()
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout))
        .timeout_global(Some(options.total_timeout))
        .user_agent(concat!("mlp/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let response = agent.get(url).call().map_err(|e| match e {
        ureq::Error::StatusCode(status) => format!("HTTP status {status}"),
        ureq::Error::Timeout(phase) => format!("no answer in time ({phase})"),
        ureq::Error::Io(e) => e.to_string(),
        e => e.to_string(),
    })?;

    let expected = archive.bytes.unwrap_or(MOST) as usize;
    let mut reader = response.into_body().into_reader();
    let mut bytes = Vec::with_capacity(archive.bytes.unwrap_or(0) as usize);
    let mut buffer = vec![0; 1 << 16];
    let mut failed = None;
    while bytes.len() <= expected {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(e) => {
                failed = Some(e);
                break;
            }
        }
        if !progress(bytes.len() as u64) {
            return Err("stopped".into());
        }
    }
    if let Some(found) = idx::looks_like(&bytes).filter(|_| !bytes.starts_with(&[0x1f, 0x8b])) {
        return Err(format!("serves {found}, not the file"));
    }
    if let Some(e) = failed {
        let of = archive
            .bytes
            .map_or(String::new(), |all| format!(" of {all}"));
        return Err(format!("broke off after {}{of} bytes: {e}", bytes.len()));
    }
    if bytes.len() > expected {
        return Err(format!(
            "serves more than the {expected} bytes of the official file"
        ));
    }
    if archive.bytes.is_some() && bytes.len() < expected {
        return Err(format!("ends at byte {} of {expected}", bytes.len()));
    }
    let (kind, found, expected) = match archive.checksum {
        Checksum::Sha256(sum) => ("SHA-256", idx::hex(&Sha256::digest(&bytes)), sum),
        Checksum::Md5(sum) => ("MD5", idx::hex(&Md5::digest(&bytes)), sum),
    };
    if found != expected {
        return Err(format!(
            "serves a different file: {kind} {found}, expected {expected}"
        ));
    }
    Ok(bytes)
}
