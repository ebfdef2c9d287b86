//! Downloads missing files from the mirrors, so that only complete, official files ever appear.
//!
//! The mirrors are tried in turn. A file is held in memory, its size and checksum are compared with the official
//! ones, and only then is it written to disk, atomically.

use std::{
    fmt,
    io::Write,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use super::{
    DataError, FileKind,
    catalogue::{Archive, Named},
    request::{self, check_speed, request},
    source::Source,
};
use crate::atomic_file;

pub use request::Options;

/// How often the observer is asked whether to go on while no data arrives.
const HEARTBEAT: Duration = Duration::from_millis(100);

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
    /// The variable of the environment that names the proxy, if one stands between.
    pub proxy: Option<&'static str>,
}

impl Attempt {
    fn new(url: String, reason: String) -> Self {
        match request::proxy(&url) {
            None => Self {
                url,
                reason,
                proxy: None,
            },
            Some((variable, address)) => Self {
                url,
                reason: format!("through the proxy {address} ({variable}): {reason}"),
                proxy: Some(variable),
            },
        }
    }
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
        let flow = observe(Event::Started {
            name,
            url: &url,
            bytes: archive.bytes,
        });
        if flow.is_break() {
            return Err(stopped());
        }
        match deliver(&url, archive, options, observe) {
            Ok(bytes) => return Ok(bytes),
            Err(Failure::Stopped) => return Err(stopped()),
            Err(Failure::Reason(reason)) => attempts.push(Attempt::new(url, reason)),
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

/// Why a mirror delivers nothing.
#[derive(Debug)]
enum Failure {
    /// The observer asked to stop.
    Stopped,
    Reason(String),
}

enum Message {
    Received(u64),
    Ended(Result<Vec<u8>, String>),
}

/// Downloads one file from one mirror on a thread of its own, so that a blocked read cannot keep the observer from
/// stopping. The thread ends at its time-outs, or as soon as it finds that nobody is listening.
fn deliver(
    url: &str,
    archive: &Archive,
    options: &Options,
    observe: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Vec<u8>, Failure> {
    let (sender, receiver) = mpsc::channel();
    let times = (Some(options.connect_timeout), options.stall_timeout);
    let thread_parts = (url.to_owned(), archive.clone());
    let begun = Instant::now();
    let thread = thread::Builder::new().spawn(move || {
        let (url, archive) = thread_parts;
        let result = request(&url, &archive, times, |bytes| {
            let sent = sender.send(Message::Received(bytes));
            sent.map_err(|_| "stopped".to_owned())
        });
        let _ = sender.send(Message::Ended(result));
    });
    if thread.is_err() {
        // The system allows no more threads.
        return deliver_here(url, archive, options, observe);
    }
    let mut received = 0;
    loop {
        match receiver.recv_timeout(HEARTBEAT) {
            Ok(Message::Ended(result)) => return result.map_err(Failure::Reason),
            Ok(Message::Received(bytes)) => received = bytes,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Reason("the download broke off".into()));
            }
        }
        check_speed(options, begun, received).map_err(Failure::Reason)?;
        if observe(Event::Received { bytes: received }).is_break() {
            return Err(Failure::Stopped);
        }
    }
}

/// The same without a thread: the observer is asked only when something arrives.
fn deliver_here(
    url: &str,
    archive: &Archive,
    options: &Options,
    observe: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Vec<u8>, Failure> {
    let (begun, mut stopped) = (Instant::now(), false);
    let result = request(url, archive, (None, options.stall_timeout), |bytes| {
        check_speed(options, begun, bytes)?;
        stopped = observe(Event::Received { bytes }).is_break();
        match stopped {
            true => Err("stopped".into()),
            false => Ok(()),
        }
    });
    result.map_err(|reason| match stopped {
        true => Failure::Stopped,
        false => Failure::Reason(reason),
    })
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener};

    use super::*;
    use crate::data::{catalogue::Checksum, idx};

    const BODY: &[u8] = b"\x1f\x8b not really an archive";

    /// Answers one request, and returns the address.
    fn serve_once() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 x\r\nContent-Length: {}\r\n\r\n", BODY.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(BODY).unwrap();
        });
        url
    }

    #[test]
    fn without_a_thread_a_file_arrives_too_and_the_observer_can_stop_it() {
        use sha2::{Digest, Sha256};
        let sum = idx::hex(&Sha256::digest(BODY)).leak();
        let archive = Archive {
            name: "file".into(),
            aliases: Vec::new(),
            bytes: Some(BODY.len() as u64),
            checksum: Checksum::Sha256(sum),
        };
        let options = Options::default();
        let mut go_on = |_: Event<'_>| ControlFlow::Continue(());
        let bytes = deliver_here(&serve_once(), &archive, &options, &mut go_on);
        assert_eq!(bytes.unwrap(), BODY);
        let mut stop = |_: Event<'_>| ControlFlow::Break(());
        let stopped = deliver_here(&serve_once(), &archive, &options, &mut stop);
        assert!(matches!(stopped, Err(Failure::Stopped)));
    }
}
