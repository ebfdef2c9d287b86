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

use crate::{files::model::Metadata, regular_file};

/// The largest record that is read, and the longest line of it.
pub const MAX_BYTES: u64 = 64 << 20;
const MAX_LINE: u64 = 1 << 16;
/// The name of the event of a line.
const EVENT: &str = "run";

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
        let is_sha256 =
            self.run_sha256.len() == 64 && self.run_sha256.bytes().all(|b| b.is_ascii_hexdigit());
        match self {
            _ if !is_sha256 => Err("run_sha256 is no SHA-256"),
            _ if !self.valid_accuracy.is_none_or(share) => Err("valid_accuracy is out of range"),
            _ if !(0.0..=1e10).contains(&self.seconds) => Err("seconds is out of range"),
            _ if self.valid_accuracy.is_none() == self.fault.is_none() => {
                Err("expected either a valid_accuracy or a fault")
            }
            _ => Ok(()),
        }
    }
}

/// SHA-256 of all that the weights of a run follow from: network, loss, settings, seed, data and version.
pub fn run_sha256(metadata: &Metadata) -> String {
    let json = serde_json::to_vec(metadata).expect("plain data serialises");
    let bytes = Sha256::digest(json);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
}

/// A record that is open to be added to.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
    runs: HashMap<String, RunLine>,
    /// Bytes of whole lines.
    bytes: u64,
}

impl Record {
    /// Opens a record, or makes an empty one. What a process that died has left of its last line is cut off.
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
        let (runs, bytes) = read(BufReader::new((&mut file).take(length)), path)?;
        if bytes < length {
            file.set_len(bytes).map_err(&io)?;
        }
        file.seek(SeekFrom::End(0)).map_err(&io)?;
        Ok(Self {
            path: path.into(),
            file,
            runs,
            bytes,
        })
    }

    /// The run with this [`run_sha256`], if it is finished.
    pub fn get(&self, run_sha256: &str) -> Option<&RunLine> {
        self.runs.get(run_sha256)
    }

    /// Adds a run: a line, whole or not at all.
    pub fn append(&mut self, run: &RunLine, line: &Value) -> Result<(), SweepError> {
        let text = format!("{line}\n");
        if text.len() as u64 > MAX_LINE {
            return Err(io_error(&self.path)(io::Error::other(
                "a line too long to be read again",
            )));
        }
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            let _ = self.file.set_len(self.bytes); // what remains is no whole line, and is not read
            return Err(io_error(&self.path)(error));
        }
        self.bytes += text.len() as u64;
        self.runs.insert(run.run_sha256.clone(), run.clone());
        Ok(())
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
    read(bytes, path).map(|(runs, _)| runs)
}

/// The runs, and how many bytes their lines take.
fn read(
    mut reader: impl BufRead,
    path: &Path,
) -> Result<(HashMap<String, RunLine>, u64), SweepError> {
    let (mut runs, mut end, mut line) = (HashMap::new(), 0, Vec::new());
    for number in 1.. {
        line.clear();
        let mut limited = (&mut reader).take(MAX_LINE + 1);
        limited
            .read_until(b'\n', &mut line)
            .map_err(io_error(path))?;
        // A part of a line is that of a process that died, if it begins like one.
        let part = !line.ends_with(b"\n") && line.len() as u64 <= MAX_LINE;
        if line.is_empty() || (part && b"{\"event\":".starts_with(&line[..line.len().min(9)])) {
            break;
        }
        let run = run(&line).map_err(|fault| SweepError::Line {
            path: path.into(),
            line: number,
            fault,
        })?;
        end += line.len() as u64;
        runs.insert(run.run_sha256.clone(), run);
    }
    Ok((runs, end))
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
    let run = RunLine::deserialize(value).map_err(|error| error.to_string())?;
    run.check().map(|()| run).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::{data::batch::Preprocessing, loss::LossKind, nn::Architecture, train::Settings};

    fn some(n: u8) -> (RunLine, Value) {
        let run = RunLine {
            run_sha256: format!("{n:064x}"),
            flags: vec!["--lr".into(), "0.1".into()],
            seed: 1,
            epochs: 5,
            valid_accuracy: Some(0.97),
            seconds: 1.5,
            fault: None,
        };
        let mut line = json!({"event": "run", "schema": 1});
        let fields = serde_json::to_value(&run).unwrap();
        line.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        (run, line)
    }

    #[test]
    fn runs_are_there_when_it_is_opened_again_and_part_of_one_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let mut record = Record::open(&path).unwrap();
        let in_use = Record::open(&path).unwrap_err();
        assert!(matches!(in_use, SweepError::InUse { .. }), "{in_use}");
        for n in [1, 2] {
            let (run, line) = some(n);
            record.append(&run, &line).unwrap();
        }
        drop(record);
        let whole = fs::read(&path).unwrap();
        for part in ["", "{", "{\"event\":\"run\",\"sche"] {
            fs::write(&path, [&whole[..], part.as_bytes()].concat()).unwrap();
            let mut record = Record::open(&path).unwrap();
            assert_eq!(record.get(&some(2).0.run_sha256), Some(&some(2).0));
            assert_eq!(record.get(&some(3).0.run_sha256), None);
            let (run, line) = some(3);
            record.append(&run, &line).unwrap();
            drop(record);
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), 3, "{text}");
        }
    }

    #[test]
    fn a_file_of_anything_else_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let line = some(1).1.to_string();
        let change = |from: &str, to: &str| line.replace(from, to) + "\n";
        for (text, fault) in [
            ("years of work".to_owned(), "line 1: not JSON"),
            ("{}\n".into(), "line 1: not a run"),
            (format!("{line}\n[1]\n"), "line 2: not a run"),
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
