//! The record of sweeps: `sweep.jsonl`, a line of JSON for every run that is finished.
//!
//! A run is known by the SHA-256 of all that its weights follow from, so that a file may hold the runs of several sweeps,
//! and a run that is there need not be repeated. Lines are only ever added.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{data::idx::hex, files::model::Metadata, regular_file};

/// The largest record that is read, and the longest line of it.
pub const MAX_BYTES: u64 = 64 << 20;
const MAX_LINE: u64 = 1 << 16;
/// The name of the event of a line, and the version of its keys.
const EVENT: &str = "run";
const SCHEMA: u32 = 1;
/// How every line of ours begins, so that a part of one can be told from what another has written.
const BEGINS: &[u8] = br#"{"event":"run","schema":1,"run_sha256":"#;
/// More than a line takes apart from its flags.
const MOST_BUT_FLAGS: u64 = 1 << 12;

/// A run that is finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// What the run is: see [`run_sha256`].
    pub run_sha256: String,
    /// The flags of `mlp train` that make this run, but for the seed.
    pub flags: Vec<String>,
    /// Its random seed.
    pub seed: u64,
    /// Epochs that were finished.
    pub epochs: usize,
    /// The share of validation images that are right after the last epoch; none if training failed.
    pub valid_accuracy: Option<f64>,
    /// Time of all of it, on one thread.
    pub seconds: f64,
    /// Why training failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl RunLine {
    /// What is wrong with its numbers, if anything.
    fn check(&self) -> Result<(), &'static str> {
        let share = |v: f64| (0.0..=1.0).contains(&v);
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let is_sha256 = self.run_sha256.len() == 64 && self.run_sha256.bytes().all(is_digit);
        match self {
            _ if !is_sha256 => Err("run_sha256 is no SHA-256 in lower case"),
            _ if !self.valid_accuracy.is_none_or(share) => Err("valid_accuracy is out of range"),
            _ if !(0.0..=1e10).contains(&self.seconds) => Err("seconds is out of range"),
            _ if self.valid_accuracy.is_none() == self.fault.is_none() => {
                Err("expected either a valid_accuracy or a fault")
            }
            _ if self.fault.is_none() && self.epochs == 0 => {
                Err("no epoch is finished, but there is a valid_accuracy")
            }
            _ => Ok(()),
        }
    }

    /// Whether another line may be of the same run: it may have taken another time, and its flags other words.
    fn is_like(&self, other: &Self) -> bool {
        let result = |run: &Self| (run.seed, run.epochs, run.valid_accuracy, run.fault.clone());
        result(self) == result(other)
    }

    /// Its line in a record.
    fn text(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            event: &'a str,
            schema: u32,
            #[serde(flatten)]
            run: &'a RunLine,
        }
        let line = Line {
            event: EVENT,
            schema: SCHEMA,
            run: self,
        };
        serde_json::to_string(&line).expect("plain data serialises") + "\n"
    }
}

/// Whether the line of a run with these flags is short enough to be read again.
pub fn fits_in_a_line(flags: &[String]) -> bool {
    let text = serde_json::to_string(flags).expect("plain data serialises");
    text.len() as u64 + MOST_BUT_FLAGS <= MAX_LINE
}

/// SHA-256 of all that the weights of a run follow from: network, loss, settings, seed, data and version.
pub fn run_sha256(metadata: &Metadata) -> String {
    let json = serde_json::to_vec(metadata).expect("plain data serialises");
    hex(&Sha256::digest(json))
}

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// An I/O error.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's error. Not a `source`: the message above already contains it.
        error: io::Error,
    },
    /// Another sweep writes to it.
    #[error("{}: another sweep keeps its runs there: wait for it, or choose another file", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The file is too large.
    #[error("{}: {length} bytes, expected the record of a sweep, of at most {} MiB", path.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        length: u64,
    },
    /// A line does not belong in a record.
    #[error("{}: line {line}: {fault}, expected the record of a sweep: choose another file", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
    /// A line is of a run, but not of the one that it says.
    #[error("{}: line {line}: {fault}: it was damaged or changed by hand: remove the line, or choose another file", path.display())]
    Contradiction {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What it contradicts.
        fault: String,
    },
    /// The name of the file leads elsewhere by now, or nowhere.
    #[error("{}: the file was removed or replaced while runs were added to it", path.display())]
    Gone {
        /// Which file.
        path: PathBuf,
    },
}

/// A record that is open to be added to.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
    runs: Runs,
    /// Lines, and their bytes.
    lines: usize,
    bytes: u64,
}

/// Runs by their [`run_sha256`], each with the number of its line.
type Runs = HashMap<String, (usize, RunLine)>;

impl Record {
    /// Opens a record, or makes an empty one. What a process that died has left of its last line is cut off; a whole
    /// line that only has no end gets one.
    ///
    /// Errors if the file is anything else, or if another process has it open.
    pub fn open(path: &Path) -> Result<Self, SweepError> {
        let io = io_error(path);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = regular_file::open_own(path, &mut options).map_err(&io)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(SweepError::InUse { path: path.into() }),
            // Not every file system has locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let length = file.metadata().map_err(&io)?.len();
        if length > MAX_BYTES {
            let path = path.into();
            return Err(SweepError::TooLarge { path, length });
        }
        let read = read(BufReader::new((&mut file).take(length)), path)?;
        if read.bytes < length {
            file.set_len(read.bytes).map_err(&io)?;
        }
        file.seek(SeekFrom::End(0)).map_err(&io)?;
        if read.unended {
            file.write_all(b"\n").map_err(&io)?;
        }
        Ok(Self {
            path: path.into(),
            file,
            bytes: read.bytes + u64::from(read.unended),
            runs: read.runs,
            lines: read.lines,
        })
    }

    /// The run with this [`run_sha256`], if it is finished.
    pub fn get(&self, run_sha256: &str) -> Option<&RunLine> {
        self.runs.get(run_sha256).map(|(_, run)| run)
    }

    /// The error of a run that is there, but is not what it should be.
    pub fn contradiction(&self, run_sha256: &str, fault: String) -> SweepError {
        SweepError::Contradiction {
            path: self.path.clone(),
            line: self.runs.get(run_sha256).map_or(0, |(line, _)| *line),
            fault,
        }
    }

    /// Adds a run: a line, whole or not at all.
    ///
    /// Errors, too, if the line could not be read again, or if the file is no longer where it was.
    pub fn append(&mut self, run: &RunLine) -> Result<(), SweepError> {
        let text = run.text();
        let length = text.len() as u64;
        let fault = match run.check() {
            Err(fault) => Some(fault),
            Ok(()) if length > MAX_LINE => Some("a line too long to be read again"),
            Ok(()) if self.bytes + length > MAX_BYTES => Some("full: choose another file"),
            Ok(()) => None,
        };
        if let Some(fault) = fault {
            return Err(io_error(&self.path)(io::Error::other(fault)));
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            let _ = self.file.set_len(self.bytes); // what remains is no whole line, and is not read
            return Err(io_error(&self.path)(error));
        }
        self.bytes += length;
        self.lines += 1;
        let known = (self.lines, run.clone());
        self.runs.insert(run.run_sha256.clone(), known);
        match regular_file::is_at(&self.file, &self.path) {
            true => Ok(()),
            false => Err(SweepError::Gone {
                path: self.path.clone(),
            }),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that another thread has just started still has it.
        let _ = self.file.unlock();
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> SweepError + '_ {
    move |error| SweepError::Io {
        path: path.into(),
        error,
    }
}

/// The runs in the bytes of a record, by their [`run_sha256`]. Errors name `path`.
pub fn parse(bytes: &[u8], path: &Path) -> Result<HashMap<String, RunLine>, SweepError> {
    let runs = read(bytes, path)?.runs.into_iter();
    Ok(runs.map(|(sha256, (_, run))| (sha256, run)).collect())
}

/// What was read of a record.
#[derive(Default)]
struct Lines {
    runs: Runs,
    /// Lines, and their bytes.
    lines: usize,
    bytes: u64,
    /// Whether the last line is whole, but has no end.
    unended: bool,
}

fn read(mut reader: impl BufRead, path: &Path) -> Result<Lines, SweepError> {
    let (mut read, mut line) = (Lines::default(), Vec::new());
    loop {
        line.clear();
        let mut limited = (&mut reader).take(MAX_LINE + 1);
        limited
            .read_until(b'\n', &mut line)
            .map_err(io_error(path))?;
        if line.is_empty() || is_torn(&line) {
            return Ok(read);
        }
        read.lines += 1;
        let run = run(&line).map_err(|fault| SweepError::Line {
            path: path.into(),
            line: read.lines,
            fault,
        })?;
        read.bytes += line.len() as u64;
        read.unended = !line.ends_with(b"\n");
        if let Some((first, there)) = read.runs.get(&run.run_sha256)
            && !there.is_like(&run)
        {
            return Err(SweepError::Contradiction {
                path: path.into(),
                line: read.lines,
                fault: format!("another result than in line {first} for the same run_sha256"),
            });
        }
        let known = (read.lines, run);
        read.runs.insert(known.1.run_sha256.clone(), known);
    }
}

/// Whether a line is what a process that died has left of one: it has no end, and begins as ours do. All else without
/// an end is somebody's, and stays.
fn is_torn(line: &[u8]) -> bool {
    let begun = line.len().min(BEGINS.len());
    !line.ends_with(b"\n")
        && line.len() as u64 <= MAX_LINE
        && line[..begun] == BEGINS[..begun]
        && serde_json::from_slice::<Value>(line).is_err()
}

fn run(line: &[u8]) -> Result<RunLine, String> {
    if line.len() as u64 > MAX_LINE {
        return Err(format!("longer than {} KiB", MAX_LINE >> 10));
    }
    let value: Value =
        serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?;
    if value["event"] != EVENT {
        return Err("not a run".into());
    }
    if value["schema"] != SCHEMA {
        return Err(format!("schema {}, expected {SCHEMA}", value["schema"]));
    }
    let run = RunLine::deserialize(value).map_err(|error| error.to_string())?;
    run.check().map(|()| run).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{data::batch::Preprocessing, loss::LossKind, nn::Architecture, train::Settings};

    fn some(n: u8) -> RunLine {
        RunLine {
            run_sha256: format!("{n:064x}"),
            flags: vec!["--lr".into(), "0.1".into()],
            seed: 1,
            epochs: 5,
            valid_accuracy: Some(0.97),
            seconds: 1.5,
            fault: None,
        }
    }

    #[test]
    fn runs_are_there_when_it_is_opened_again_and_part_of_one_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut record = Record::open(&path).unwrap();
        let in_use = Record::open(&path).unwrap_err();
        assert!(matches!(in_use, SweepError::InUse { .. }), "{in_use}");
        for n in [1, 2] {
            record.append(&some(n)).unwrap();
        }
        drop(record);
        let whole = fs::read(&path).unwrap();
        assert!(whole.starts_with(BEGINS));
        let torn = &whole[..whole.len() / 2 - 9];
        for part in [
            "",
            "{",
            "{\"event\":\"run\",\"sche",
            str::from_utf8(torn).unwrap(),
        ] {
            fs::write(&path, [&whole[..], part.as_bytes()].concat()).unwrap();
            let mut record = Record::open(&path).unwrap();
            assert_eq!(record.get(&some(2).run_sha256), Some(&some(2)));
            assert_eq!(record.get(&some(3).run_sha256), None);
            record.append(&some(3)).unwrap();
            drop(record);
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), 3, "{text}");
        }
    }

    #[test]
    fn a_file_of_anything_else_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let line = some(1).text().trim_end().to_owned();
        let change = |from: &str, to: &str| line.replace(from, to) + "\n";
        for (text, fault) in [
            ("years of work".to_owned(), "line 1: not JSON"),
            ("{}\n".into(), "line 1: not a run"),
            (format!("{line}\n[1]\n"), "line 2: not a run"),
            ("{\"event\":\"start\",\"model\":".into(), "line 1: not JSON"),
            ("{\"event\":\"start\"}".into(), "line 1: not a run"),
            ("{\"event\":\"run\",\"schema\":2,\"run_s".into(), "not JSON"),
            (
                change("\"schema\":1", "\"schema\":2"),
                "schema 2, expected 1",
            ),
            (change("\"schema\":1,", ""), "schema null, expected 1"),
            (change("00001\"", "0000A\""), "in lower case"),
            (
                change("\"epochs\":5", "\"epochs\":0"),
                "no epoch is finished",
            ),
            (
                format!("{line}\n{}", change("0.97", "0.5")),
                "line 2: another result than in line 1",
            ),
            (change("0.97", "97"), "valid_accuracy is out of range"),
            (change("0.97", "null"), "expected either"),
            (change("1.5", "-1"), "seconds is out of range"),
            (change("0000", "xyz "), "no SHA-256"),
            (change("\"epochs\":5", "\"epochs\":-5"), "invalid value"),
            ("x".repeat(70_000), "longer than 64 KiB"),
        ] {
            fs::write(&path, &text).unwrap();
            let error = Record::open(&path).unwrap_err().to_string();
            assert!(error.contains(fault), "{fault}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(Record::open(folder.path()).is_err());
        assert!(Record::open(&folder.path().join("no/such")).is_err());
    }

    #[test]
    fn a_whole_line_without_its_end_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        fs::write(&path, some(1).text().trim_end()).unwrap();
        let mut record = Record::open(&path).unwrap();
        assert_eq!(record.get(&some(1).run_sha256), Some(&some(1)));
        record.append(&some(2)).unwrap();
        let expected = some(1).text() + &some(2).text();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut record = Record::open(&path).unwrap();
        let long = vec!["--lr".into(), "0".repeat(70_000)];
        assert!(fits_in_a_line(&some(1).flags) && !fits_in_a_line(&long));
        let refused = [
            RunLine {
                valid_accuracy: None,
                ..some(1)
            },
            RunLine {
                flags: long,
                ..some(1)
            },
        ];
        for run in refused {
            assert!(record.append(&run).is_err());
        }
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_gone_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut record = Record::open(&path).unwrap();
        record.append(&some(1)).unwrap();
        fs::remove_file(&path).unwrap();
        let error = record.append(&some(2)).unwrap_err();
        assert!(matches!(error, SweepError::Gone { .. }), "{error}");
    }

    #[test]
    fn a_run_is_known_by_all_that_its_weights_follow_from() {
        let of = |change: &dyn Fn(&mut Metadata)| {
            let layers = Architecture::relu(&[784, 50, 10]);
            let settings = Settings::default();
            let mut metadata = Metadata::new(layers, LossKind::Ce, Preprocessing::UNIT, settings);
            change(&mut metadata);
            run_sha256(&metadata)
        };
        let first = of(&|_| {});
        assert_eq!(first, of(&|_| {}));
        assert_ne!(first, of(&|m| m.training.settings.seed = 2));
        assert_ne!(first, of(&|m| m.training.settings.epochs = 2));
        assert_ne!(first, of(&|m| m.training.data_sha256 = "0".into()));
        assert_ne!(first, of(&|m| m.architecture.layers[1] = 51));
    }
}
