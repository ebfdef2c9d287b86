//! Event files, which TensorBoard shows.
//!
//! A file begins with two records: the version of the format, and the start of a session with the settings of the run.
//! A record for each epoch follows, whole or not at all. Where the process died while it wrote one, the file ends with a
//! part of it, which TensorBoard does not read.
//!
//! A resumed run goes on in another file of the same folder, whose name comes later. TensorBoard reads the files in the
//! order of their names, and drops the steps that the start of a session says are repeated.
//!
//! Source: TensorFlow, `event.proto`.

mod record;
mod summary;

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use serde_json::Value;

pub use summary::Summary;

use super::{
    model::Training,
    protobuf::{self, Fields, Message},
    run::is_start_of,
};
use crate::regular_file::{self, Lock};
use record::{framed, records};

/// How the name of every event file begins.
pub const BEGINS: &str = "events.out.tfevents.";

/// TensorBoard reads every file that has this in its name.
const MARK: &str = "tfevents";

const VERSION: &str = "brain.Event:2";

/// The first two records of a file of ours take less: the longest settings are a few kilobytes.
const MOST_HEAD: u64 = 1 << 20;

/// Why event files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TensorboardError {
    /// An I/O error.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's error. Not a `source`: the message above already contains it.
        error: io::Error,
    },
    /// There is a file where a folder is expected.
    #[error("{}: a file, expected the folder of event files", path.display())]
    NotAFolder {
        /// Which file.
        path: PathBuf,
    },
    /// The folder holds the events of another run.
    #[error("{}: already holds the events of another run", path.display())]
    Exists {
        /// Which folder.
        path: PathBuf,
    },
    /// Another process writes to the folder.
    #[error("{}: another run writes its events there: wait for it, or choose another folder", path.display())]
    InUse {
        /// Which folder.
        path: PathBuf,
    },
    /// The name of the file leads elsewhere by now, or nowhere.
    #[error("{}: the file was removed or replaced while the run wrote to it", path.display())]
    Gone {
        /// Which file.
        path: PathBuf,
    },
    /// An event file that another program has written.
    #[error(
        "{}: an event file of another program, whose events would be mixed with those of this run: choose another \
         folder",
        path.display()
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> TensorboardError + '_ {
    move |error| TensorboardError::Io {
        path: path.into(),
        error,
    }
}

/// An event file that is being written.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    /// Bytes of whole records in the file.
    bytes: u64,
    /// The folder, locked.
    _lock: Option<Lock>,
}

impl Writer {
    /// Starts the events of a run with these settings, and creates the folder if needed. With `force`, they replace
    /// those of another run of mlp.
    pub fn create(
        folder: &Path,
        run: (&[usize], &Training),
        force: bool,
    ) -> Result<Self, TensorboardError> {
        Self::create_in(Taken::new(folder)?, run, force)
    }

    fn create_in(
        taken: Taken<'_>,
        run: (&[usize], &Training),
        force: bool,
    ) -> Result<Self, TensorboardError> {
        let there = taken.there.iter();
        let events = there.filter(|(_, there)| *there != There::Nothing);
        for (path, _) in events {
            match force {
                true => fs::remove_file(path).map_err(io_error(path))?,
                false => {
                    return Err(TensorboardError::Exists {
                        path: taken.folder.into(),
                    });
                }
            }
        }
        Self::begin(taken, 0, run)
    }

    /// Goes on with the events of a run with these settings after `done` epochs, or starts them if there are none.
    pub fn resume(
        folder: &Path,
        done: usize,
        (layers, training): (&[usize], &Training),
        force: bool,
    ) -> Result<Self, TensorboardError> {
        let taken = Taken::new(folder)?;
        let another = taken.there.iter().any(|(_, there)| match there {
            There::Nothing => false,
            There::Events(start) => !is_start_of(start, layers, training),
        });
        match another || force {
            true => Self::create_in(taken, (layers, training), force),
            false => Self::begin(taken, done, (layers, training)),
        }
    }

    /// A new file, whose name comes after those that are there.
    fn begin(
        taken: Taken<'_>,
        done: usize,
        (layers, training): (&[usize], &Training),
    ) -> Result<Self, TensorboardError> {
        let Taken {
            folder,
            there,
            lock,
        } = taken;
        let newest = there.iter().filter_map(|(path, _)| seconds(path)).max();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_secs());
        // Two files of one second, or a clock that was put back, would be read in the wrong order.
        let seconds = now.max(newest.map_or(0, |newest| newest.saturating_add(1)));
        let name = format!("{BEGINS}{seconds:010}.{}.{}.0", host(), process::id());
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        let file = options.append(true).create_new(true).open(&path);
        let mut writer = Self {
            file: file.map_err(io_error(&path))?,
            path,
            bytes: 0,
            _lock: lock,
        };
        let version = event(0).bytes(3, VERSION);
        let start = Start { layers, training };
        let begun = writer.write(&[version, session(done + 1, &start)]);
        if begun.is_err() {
            let _ = fs::remove_file(&writer.path); // the first error is the one to tell
        }
        begun.map(|()| writer)
    }

    /// Appends what is shown of a step, whole or not at all.
    pub fn append(&mut self, step: usize, summary: Summary) -> Result<(), TensorboardError> {
        self.write(&[event(step).message(5, summary.into_message())])
    }

    fn write(&mut self, events: &[Message]) -> Result<(), TensorboardError> {
        let records = events.iter().map(|event| framed(event.as_bytes()));
        let bytes = records.collect::<Vec<_>>().concat();
        if let Err(error) = self.file.write_all(&bytes) {
            // A full disk may have taken part of the record; if that cannot be cut off, nothing behind it is read.
            let _ = self.file.set_len(self.bytes);
            return Err(io_error(&self.path)(error));
        }
        self.bytes += bytes.len() as u64;
        match regular_file::is_at(&self.file, &self.path) {
            true => Ok(()),
            false => Err(TensorboardError::Gone {
                path: self.path.clone(),
            }),
        }
    }
}

/// A folder that no other process writes to, and the event files in it.
struct Taken<'a> {
    folder: &'a Path,
    there: Vec<(PathBuf, There)>,
    lock: Option<Lock>,
}

impl<'a> Taken<'a> {
    /// Makes the folder if needed, and locks it.
    fn new(folder: &'a Path) -> Result<Self, TensorboardError> {
        if regular_file::leads_nowhere(folder) {
            return Err(io_error(folder)(io::Error::other(regular_file::NOWHERE)));
        }
        if folder.exists() && !folder.is_dir() {
            return Err(TensorboardError::NotAFolder {
                path: folder.into(),
            });
        }
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let lock = Lock::folder(folder).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => TensorboardError::InUse {
                path: folder.into(),
            },
            _ => io_error(folder)(error),
        })?;
        Ok(Self {
            folder,
            there: event_files(folder)?,
            lock,
        })
    }
}

/// An event of now.
fn event(step: usize) -> Message {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0.0, |since| since.as_secs_f64());
    Message::default().double(1, now).int(2, step as i64)
}

/// What tells a run from others.
#[derive(Serialize)]
struct Start<'a> {
    layers: &'a [usize],
    training: &'a Training,
}

/// The start of a session, which repeats what was written of this step and of later ones.
fn session(step: usize, start: &Start<'_>) -> Message {
    const START: i64 = 1;
    let settings = serde_json::to_string(start).expect("plain data serialises");
    let log = Message::default().int(1, START).bytes(3, settings);
    event(step).message(7, log)
}

/// What an event file of mlp holds.
#[derive(Debug, PartialEq)]
enum There {
    /// No event: the process died before it had written one.
    Nothing,
    /// The events of the run that started so.
    Events(Value),
}

/// The event files in a folder, by name, and what they hold.
fn event_files(folder: &Path) -> Result<Vec<(PathBuf, There)>, TensorboardError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains(MARK) {
            files.push(path);
        }
    }
    files.sort();
    let look = |path: PathBuf| match what_is_in(&path) {
        Some(there) => Ok((path, there)),
        None => Err(TensorboardError::Foreign { path }),
    };
    files.into_iter().map(look).collect()
}

/// What a file of mlp's own holds; none if it is another's.
fn what_is_in(path: &Path) -> Option<There> {
    let file = regular_file::open_own(path, OpenOptions::new().read(true)).ok()?;
    let mut head = Vec::new();
    file.take(MOST_HEAD).read_to_end(&mut head).ok()?;
    if head.is_empty() {
        return Some(There::Nothing);
    }
    let mut records = records(&head);
    let (version, start) = (records.next()?, records.next()?);
    let is_ours = bytes_of(version, 3)? == VERSION.as_bytes();
    let settings = serde_json::from_slice(bytes_of(bytes_of(start, 7)?, 3)?).ok()?;
    let begun = framed(version).len() + framed(start).len();
    is_ours.then_some(match head.len() > begun {
        true => There::Events(settings),
        false => There::Nothing,
    })
}

/// The bytes of a field, if the message has it.
fn bytes_of(message: &[u8], field: u64) -> Option<&[u8]> {
    Fields::new(message).find_map(|found| match found {
        Ok((number, protobuf::Value::Bytes(bytes))) if number == field => Some(bytes),
        _ => None,
    })
}

/// The time in the name of an event file.
fn seconds(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let (seconds, _) = name.strip_prefix(BEGINS)?.split_once('.')?;
    seconds.parse().ok()
}

/// The name of this machine, as far as it can be known and be part of a file's name.
fn host() -> String {
    let known = [
        fs::read_to_string("/proc/sys/kernel/hostname").ok(),
        env::var("COMPUTERNAME").ok(),
        env::var("HOSTNAME").ok(),
    ];
    let name = known.into_iter().flatten().next().unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let name: String = name.chars().filter(plain).take(64).collect();
    match name.is_empty() {
        true => "localhost".into(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::batch::Preprocessing, files::model::Metadata, loss::LossKind, nn::Architecture,
        train::Settings,
    };

    const LAYERS: [usize; 2] = [4, 2];

    fn training(seed: u64) -> Training {
        let settings = Settings {
            seed,
            ..Settings::default()
        };
        let architecture = Architecture::relu(&LAYERS);
        Metadata::new(architecture, LossKind::Ce, Preprocessing::UNIT, settings).training
    }

    fn summary() -> Summary {
        let mut summary = Summary::default();
        summary.scalar("loss/train", 0.5);
        summary
    }

    /// Step and kind (3 version, 5 summary, 7 session) of every event in every file.
    fn steps(folder: &Path) -> Vec<Vec<(i64, u64)>> {
        let files = event_files(folder).unwrap();
        let read = files.into_iter().map(|(path, _)| {
            let bytes = fs::read(path).unwrap();
            let events = records(&bytes).map(|event| {
                let fields = Fields::new(event).map(Result::unwrap);
                let (mut step, mut kind) = (-1, 0);
                for (field, value) in fields {
                    match (field, value) {
                        (2, protobuf::Value::Int(number)) => step = number,
                        (3 | 5 | 7, _) => kind = field,
                        _ => {}
                    }
                }
                (step, kind)
            });
            events.collect()
        });
        read.collect()
    }

    #[test]
    fn a_resumed_run_goes_on_in_a_later_file_and_says_which_steps_it_repeats() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let run = training(1);
        let mut writer = Writer::create(folder, (&LAYERS, &run), false).unwrap();
        for epoch in 1..=3 {
            writer.append(epoch, summary()).unwrap();
        }
        // The process died in the middle of a record.
        writer.file.write_all(&framed(b"torn")[..7]).unwrap();
        drop(writer);
        let mut longer = run.clone();
        longer.settings.epochs = 99;
        let mut writer = Writer::resume(folder, 2, (&LAYERS, &longer), false).unwrap();
        writer.append(3, summary()).unwrap();
        let first = vec![(0, 3), (1, 7), (1, 5), (2, 5), (3, 5)];
        assert_eq!(steps(folder), [first, vec![(0, 3), (3, 7), (3, 5)]]);
    }

    #[test]
    fn the_events_of_another_run_are_lost_only_with_force_and_anothers_never() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (one, other) = (training(1), training(2));
        let create = |force| Writer::create(folder, (&LAYERS, &other), force);
        let writer = Writer::create(folder, (&LAYERS, &one), false).unwrap();
        drop(writer);
        // So far it holds nothing that could be lost.
        drop(create(false).unwrap());
        let mut writer = Writer::create(folder, (&LAYERS, &one), false).unwrap();
        writer.append(1, summary()).unwrap();
        let first = writer.path.clone();
        drop(writer);
        let refused = [
            create(false),
            Writer::resume(folder, 1, (&LAYERS, &other), false),
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            assert!(matches!(error, TensorboardError::Exists { .. }), "{error}");
        }
        drop(create(true).unwrap());
        assert!(!first.exists());

        let foreign = folder.join("events.out.tfevents.1700000000.host.1.0");
        let version = event(0).bytes(3, VERSION);
        fs::write(&foreign, framed(version.as_bytes())).unwrap();
        for force in [false, true] {
            let error = create(force).unwrap_err().to_string();
            assert!(error.contains("of another program"), "{error}");
        }
        assert!(foreign.exists());
        let error = Writer::create(&foreign, (&LAYERS, &one), false).unwrap_err();
        assert!(
            matches!(error, TensorboardError::NotAFolder { .. }),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_has_one_writer_which_notices_that_its_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (one, other) = (training(1), training(2));
        let mut writer = Writer::create(folder, (&LAYERS, &one), false).unwrap();
        writer.append(1, summary()).unwrap();
        for force in [false, true] {
            let refused = [
                Writer::create(folder, (&LAYERS, &other), force),
                Writer::resume(folder, 1, (&LAYERS, &one), force),
            ];
            for refused in refused {
                let error = refused.unwrap_err();
                assert!(matches!(error, TensorboardError::InUse { .. }), "{error}");
            }
        }
        writer.append(2, summary()).unwrap();
        fs::remove_file(&writer.path).unwrap();
        let error = writer.append(3, summary()).unwrap_err();
        assert!(matches!(error, TensorboardError::Gone { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("gone"), &link).unwrap();
        let error = Writer::create(&link, (&LAYERS, &training(1)), false).unwrap_err();
        assert!(error.to_string().contains("leads nowhere"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let run = training(1);
        let writer = Writer::create(other.path(), (&LAYERS, &run), false).unwrap();
        let link = folder.path().join(writer.path.file_name().unwrap());
        std::os::unix::fs::symlink(&writer.path, link).unwrap();
        let error = Writer::resume(folder.path(), 1, (&LAYERS, &run), true).unwrap_err();
        assert!(matches!(error, TensorboardError::Foreign { .. }), "{error}");
        assert!(writer.path.exists());
    }

    #[test]
    fn a_histogram_counts_every_number_once() {
        let histogram = |values: &[f32]| {
            let mut summary = Summary::default();
            summary.histogram("0.bias", values.iter().copied());
            let bytes = summary.into_message().into_bytes();
            let value = bytes_of(&bytes, 1)?;
            let message = bytes_of(value, 5)?;
            let doubles = |field| {
                let (parts, _) = bytes_of(message, field).unwrap().as_chunks::<8>();
                Vec::from_iter(parts.iter().map(|part| f64::from_le_bytes(*part)))
            };
            Some((doubles(6), doubles(7)))
        };
        let (limits, counts) = histogram(&[-3.0, -3.0, 0.1, 3.0, f32::NAN]).unwrap();
        assert_eq!((limits.len(), counts.len()), (60, 60));
        assert_eq!((limits[0], limits[59]), (-2.9, 3.0));
        assert_eq!((counts[0], counts[31], counts[59]), (2.0, 1.0, 1.0));
        assert_eq!(counts.iter().sum::<f64>(), 4.0);
        assert_eq!(histogram(&[0.5; 3]).unwrap(), (vec![0.5], vec![3.0]));
        assert!(histogram(&[f32::INFINITY]).is_none());
    }
}
