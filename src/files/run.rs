//! The record of a training run: `run.jsonl` in the folder of `mlp train --run`, one JSON object per line.
//!
//! The lines are those of `mlp train --json`: `start` (the settings), an `epoch` for each epoch, with the
//! [statistics](crate::train::statistics) of every layer, and `saved` or `failed`. A resumed run continues
//! the same file with another `start`, after which its epochs follow. Epochs recorded after the checkpoint
//! are cut off first, so no epoch appears twice. Whatever happens, the file ends with a complete line, or
//! with part of one that has no line end and is not read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    atomic_file,
    files::model::{MAX_LAYERS, Training},
    regular_file::{self, Lock},
    train::statistics::LayerStatistics,
};

/// The name of the record in its folder.
pub const NAME: &str = "run.jsonl";

/// The largest record that is read. Its lines are read one by one, and what is kept of them takes at most a few
/// times their bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// The longest line that is read: the statistics of an epoch with the most layers take about 300 kB.
const MAX_LINE: u64 = 1 << 20;

/// No `f32` loss or statistic is larger than this.
const LARGEST: f64 = 1e39;

/// One `epoch` line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The learning rate of its last step; none in records of earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// The mean loss of the training images, as in [`Epoch`](crate::train::Epoch).
    pub train_loss: f64,
    /// The share of training images classified correctly.
    pub train_accuracy: f64,
    /// The mean loss of the validation images; none if there are no such images.
    pub valid_loss: Option<f64>,
    /// The share of validation images classified correctly; none if there are no such images.
    pub valid_accuracy: Option<f64>,
    /// The epoch with the highest validation accuracy so far.
    pub best_epoch: Option<usize>,
    /// The highest validation accuracy so far.
    pub best_valid_accuracy: Option<f64>,
    /// The accuracy of always naming the most frequent class, if the network does no better on the validation images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guessing: Option<f64>,
    /// Time of the training steps, in seconds.
    pub seconds: f64,
    /// Training images per second of that time.
    pub images_per_second: Option<f64>,
    /// The statistics of every layer in turn; empty without `--run`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<LayerStatistics>,
}

impl EpochLine {
    /// What is wrong with its numbers, if anything.
    fn fault(&self) -> Option<String> {
        let share = |v: f64| (0.0..=1.0).contains(&v);
        let size = |v: f64| (0.0..=LARGEST).contains(&v);
        let any = |v: f64| v.abs() <= LARGEST;
        let known = |v: Option<f64>, fits: &dyn Fn(f64) -> bool| v.is_none_or(fits);
        let layer = |s: &LayerStatistics| {
            known(s.activation_mean, &any)
                && known(s.activation_deviation, &size)
                && known(s.dead, &share)
                && known(s.gradient_norm, &size)
                && known(s.update_ratio, &size)
        };
        let checks = [
            ("epoch", (1..=1_000_000).contains(&self.epoch)),
            ("learning_rate", known(self.learning_rate, &size)),
            ("train_loss", size(self.train_loss)),
            ("train_accuracy", share(self.train_accuracy)),
            ("valid_loss", known(self.valid_loss, &size)),
            ("valid_accuracy", known(self.valid_accuracy, &share)),
            (
                "best_valid_accuracy",
                known(self.best_valid_accuracy, &share),
            ),
            ("guessing", known(self.guessing, &share)),
            (
                "statistics",
                self.statistics.len() <= MAX_LAYERS && self.statistics.iter().all(layer),
            ),
        ];
        let (field, _) = checks.into_iter().find(|(_, fine)| !fine)?;
        Some(format!("{field} is out of range"))
    }
}

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An I/O error.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's error. Not a `source`: the message above already contains it.
        error: io::Error,
    },
    /// There is a file where a folder is expected.
    #[error("{}: a file, expected the folder of a run", path.display())]
    NotAFolder {
        /// Which file.
        path: PathBuf,
    },
    /// The folder holds the record of another run.
    #[error("{}: already holds another run", path.display())]
    Exists {
        /// Which folder.
        path: PathBuf,
    },
    /// Another process writes to the record.
    #[error("{}: another run is recorded there: wait for it, or choose another folder", path.display())]
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
    /// The folder holds no record.
    #[error("{}: no {NAME} in it", path.display())]
    Missing {
        /// Which folder.
        path: PathBuf,
    },
    /// The file is not a record of a run.
    #[error("{}: {fault}, expected the record of a run", path.display())]
    NotARecord {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// A line does not belong in a record.
    #[error("{}: line {line}: {fault}: it was damaged or changed by hand", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> RunError + '_ {
    move |error| RunError::Io {
        path: path.into(),
        error,
    }
}

/// A record as read from a file.
#[derive(Debug)]
pub struct Record {
    /// The last `start` event, with the settings.
    pub start: Value,
    /// The epochs, each once and in order.
    pub epochs: Vec<EpochLine>,
    /// Where the model was saved, if it was: a path relative to where the run was started.
    pub model: Option<PathBuf>,
    /// Where the first `start` and every epoch end in the file, in bytes.
    ends: Vec<u64>,
}

impl Record {
    /// Reads the record in a folder, or a file with the output of `mlp train --json`.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let file = match path.is_dir() {
            true => path.join(NAME),
            false => path.to_owned(),
        };
        let open = match regular_file::open(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_dir() => {
                return Err(RunError::Missing { path: path.into() });
            }
            open => open.map_err(io_error(&file))?,
        };
        let length = open.metadata().map_err(io_error(&file))?.len();
        if length > MAX_BYTES {
            return Err(RunError::NotARecord {
                path: file,
                fault: format!("{length} bytes, more than {} MiB", MAX_BYTES >> 20),
            });
        }
        // A file that grows meanwhile is not read further.
        Self::from_lines(BufReader::new(open.take(MAX_BYTES)), &file)
    }

    /// Parses a record from the bytes of a file. Errors name `path`.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, RunError> {
        Self::from_lines(bytes, path)
    }

    fn from_lines(mut reader: impl BufRead, path: &Path) -> Result<Self, RunError> {
        let mut record = Self {
            start: Value::Null,
            epochs: Vec::new(),
            model: None,
            ends: Vec::new(),
        };
        let (mut end, mut line) = (0, Vec::new());
        for number in 1.. {
            line.clear();
            let mut limited = (&mut reader).take(MAX_LINE + 1);
            limited
                .read_until(b'\n', &mut line)
                .map_err(io_error(path))?;
            end += line.len() as u64;
            let read = match line.len() as u64 {
                0 => break,
                length if length > MAX_LINE => Err(format!("longer than {} MiB", MAX_LINE >> 20)),
                // The process died while it wrote this.
                _ if !line.ends_with(b"\n") && number > 1 => break,
                _ => record.line(&line, end),
            };
            read.map_err(|fault| RunError::Line {
                path: path.into(),
                line: number,
                fault,
            })?;
        }
        match record.start.is_null() {
            true => Err(RunError::NotARecord {
                path: path.into(),
                fault: "empty".into(),
            }),
            false => Ok(record),
        }
    }

    fn line(&mut self, line: &[u8], end: u64) -> Result<(), String> {
        let text = str::from_utf8(line).map_err(|_| "not text".to_owned())?;
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let event = value["event"].as_str().unwrap_or_default();
        match event {
            "start" => {
                if self.start.is_null() {
                    self.ends.push(end);
                }
                self.start = value;
                self.model = None;
            }
            _ if self.start.is_null() => return Err("expected a start event first".into()),
            "epoch" => {
                let line = EpochLine::deserialize(&value).map_err(|error| error.to_string())?;
                if let Some(fault) = line.fault() {
                    return Err(fault);
                }
                let last = self.epochs.last().map_or(0, |last| last.epoch);
                if line.epoch <= last {
                    return Err(format!("epoch {} after epoch {last}", line.epoch));
                }
                self.epochs.push(line);
                self.ends.push(end);
            }
            "saved" => self.model = value["model"].as_str().map(PathBuf::from),
            "failed" => {}
            _ => return Err("not an event of a run".into()),
        }
        Ok(())
    }
}

/// Whether a `start` is of a run with these settings, apart from those that may change when a run is resumed.
pub(super) fn is_start_of(start: &Value, layers: &[usize], training: &Training) -> bool {
    let Ok(mut recorded) = Training::deserialize(&start["training"]) else {
        return false;
    };
    recorded.settings = recorded.settings.ending_as(&training.settings);
    let same_layers = serde_json::to_value(layers).is_ok_and(|l| l == start["layers"]);
    same_layers && recorded == *training
}

/// Whether a file has no whole line and is no longer than a part of one.
fn is_blank(path: &Path) -> bool {
    const LINE: u64 = 1 << 16;
    let mut start = Vec::new();
    let small = path
        .symlink_metadata()
        .is_ok_and(|there| there.is_file() && there.len() < LINE);
    small
        && regular_file::open_own(path, OpenOptions::new().read(true))
            .and_then(|file| file.take(LINE).read_to_end(&mut start))
            .is_ok()
        && !start.contains(&b'\n')
        && (start.is_empty() || start.starts_with(b"{"))
}

/// A record that is being written.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    file: File,
    /// Bytes of whole lines in the file.
    bytes: u64,
    _lock: Option<Lock>,
}

impl Writer {
    /// Starts a new record in a folder, and creates the folder if needed. With `force`, it replaces another record.
    pub fn create(folder: &Path, force: bool) -> Result<Self, RunError> {
        if regular_file::leads_nowhere(folder) {
            return Err(io_error(folder)(io::Error::other(regular_file::NOWHERE)));
        }
        if folder.exists() && !folder.is_dir() {
            return Err(RunError::NotAFolder {
                path: folder.into(),
            });
        }
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let path = folder.join(NAME);
        check_unused(folder)?;
        if force {
            // A new file rather than an empty one: the name can be a link to another file.
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error(&path)(error));
                }
                _ => {}
            }
        }
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(RunError::Exists {
                path: folder.into(),
            }),
            file => Self::new(folder, file.map_err(io_error(&path))?, 0),
        }
    }

    /// Continues the record of a run with these settings after `done` epochs, or starts a new one if there is none.
    pub fn resume(
        folder: &Path,
        done: usize,
        (layers, training): (&[usize], &Training),
        force: bool,
    ) -> Result<Self, RunError> {
        let path = folder.join(NAME);
        if force || !path.exists() {
            return Self::create(folder, force);
        }
        if is_blank(&path) {
            return Self::create(folder, true); // the process died before it had written the start
        }
        check_unused(folder)?;
        let record = Record::read(folder)?;
        if !is_start_of(&record.start, layers, training) {
            return Err(RunError::Exists {
                path: folder.into(),
            });
        }
        let kept = record.epochs.iter().take_while(|e| e.epoch <= done).count();
        let bytes = record.ends[kept];
        cut(&path, bytes).map_err(io_error(&path))?;
        let file = regular_file::open_own(&path, OpenOptions::new().append(true));
        Self::new(folder, file.map_err(io_error(&path))?, bytes)
    }

    fn new(folder: &Path, file: File, bytes: u64) -> Result<Self, RunError> {
        let lock = Lock::writer(&file).map_err(|_| RunError::InUse {
            path: folder.into(),
        })?;
        Ok(Self {
            folder: folder.into(),
            file,
            bytes,
            _lock: lock,
        })
    }

    /// The folder of the record.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends a line, whole or not at all.
    pub fn append(&mut self, event: &Value) -> Result<(), RunError> {
        let line = format!("{event}\n");
        let written = self.file.write_all(line.as_bytes());
        if let Err(error) = written {
            // A full disk may have taken part of the line; if that part cannot be cut off, it is not read either.
            let _ = self.file.set_len(self.bytes);
            return Err(io_error(&self.folder.join(NAME))(error));
        }
        self.bytes += line.len() as u64;
        let path = self.folder.join(NAME);
        match regular_file::is_at(&self.file, &path) {
            true => Ok(()),
            false => Err(RunError::Gone { path }),
        }
    }
}

/// Whether no other process writes to the record in a folder.
fn check_unused(folder: &Path) -> Result<(), RunError> {
    match regular_file::is_locked(&folder.join(NAME)) {
        false => Ok(()),
        true => Err(RunError::InUse {
            path: folder.into(),
        }),
    }
}

/// Cuts off a file of mlp's own after its first `bytes`. It is replaced, whole or not at all.
fn cut(path: &Path, bytes: u64) -> io::Result<()> {
    let file = regular_file::open_own(path, OpenOptions::new().read(true))?;
    if file.metadata()?.len() == bytes {
        return Ok(());
    }
    atomic_file::write_own(path, |new| io::copy(&mut file.take(bytes), new).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::batch::Preprocessing, files::model::Metadata, loss::LossKind, nn::Architecture,
        train::Settings,
    };

    const START: &str = r#"{"event":"start","layers":[784,10]}"#;
    const EPOCH: &str = r#"{"event":"epoch","epoch":1,"train_loss":0.5,"train_accuracy":0.8,"valid_loss":null,"seconds":1}"#;

    fn parse(text: &str) -> Result<Record, RunError> {
        Record::parse(text.as_bytes(), Path::new("run.jsonl"))
    }

    #[test]
    fn whole_lines_are_read_and_a_part_at_the_end_is_not() {
        let record = parse(&format!("{START}\n{EPOCH}\n{{\"event\":\"ep")).unwrap();
        assert_eq!(record.epochs.len(), 1);
        assert_eq!(record.epochs[0].valid_loss, None);
        assert_eq!(
            record.ends,
            [
                START.len() as u64 + 1,
                (START.len() + EPOCH.len()) as u64 + 2
            ]
        );
    }

    #[test]
    fn nothing_else_is_taken_for_a_record() {
        let change = |from: &str, to: &str| format!("{START}\n{}\n", EPOCH.replace(from, to));
        for (text, fault) in [
            (String::new(), "empty"),
            ("\n".into(), "line 1: not JSON"),
            ("[1, 2]\n".into(), "expected a start event first"),
            (format!("{EPOCH}\n"), "expected a start event first"),
            (format!("{START}\ngarbage\n"), "line 2: not JSON"),
            (format!("{START}\n{{}}\n"), "not an event of a run"),
            (
                format!("{START}\n{EPOCH}\n{EPOCH}\n"),
                "epoch 1 after epoch 1",
            ),
            (
                change("0.5", "1e999"),
                "line 2: not JSON: number out of range",
            ),
            (change("0.5", "1e300"), "train_loss is out of range"),
            (change("0.5", "-1"), "train_loss is out of range"),
            (change("0.5", "NaN"), "line 2: not JSON"),
            (change("0.5", "null"), "line 2: invalid type: null"),
            (change("0.8", "80"), "train_accuracy is out of range"),
            (
                change("\"epoch\":1", "\"epoch\":0"),
                "epoch is out of range",
            ),
            (
                change(
                    "\"seconds\"",
                    "\"statistics\":[{\"module\":0,\"units\":1,\"activation_mean\":1e200}],\"seconds\"",
                ),
                "statistics is out of range",
            ),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(fault), "{text}: {error}");
        }
        let error = Record::parse(b"\xff\xfe\n", Path::new("r")).unwrap_err();
        assert!(error.to_string().contains("line 1: not text"), "{error}");
    }
    #[test]
    fn a_line_longer_than_any_that_is_written_is_not_read() {
        let line = |length: usize| format!("{START}{}\n", " ".repeat(length - START.len() - 1));
        assert!(parse(&line(MAX_LINE as usize)).is_ok());
        let error = parse(&line(MAX_LINE as usize + 1)).unwrap_err().to_string();
        assert!(error.contains("line 1: longer than 1 MiB"), "{error}");
        let layer = r#"{"module":0,"units":1},"#.repeat(MAX_LAYERS + 1);
        let statistics = format!(
            "\"statistics\":[{}],\"seconds\"",
            layer.trim_end_matches(',')
        );
        let error = parse(&format!(
            "{START}\n{}\n",
            EPOCH.replace("\"seconds\"", &statistics)
        ));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("statistics is out of range"), "{error}");
    }

    #[test]
    fn a_record_too_large_is_not_read_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join(NAME)).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        let error = Record::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("268435457 bytes, more than 256 MiB"),
            "{error}"
        );
    }

    /// The record of a run that stopped after its second epoch, and its settings.
    fn recorded(folder: &Path) -> (Training, String) {
        let metadata = Metadata::new(
            Architecture::relu(&[4, 2]),
            LossKind::Ce,
            Preprocessing {
                scale: 1.0,
                shift: 0.0,
                deslant: false,
            },
            Settings::default(),
        );
        let training = metadata.training;
        let start = serde_json::json!({"event": "start", "layers": [4, 2], "training": training});
        let epoch = |n: usize| EPOCH.replace("\"epoch\":1", &format!("\"epoch\":{n}"));
        let text = format!("{start}\n{}\n{}\n", epoch(1), epoch(2));
        fs::write(folder.join(NAME), &text).unwrap();
        (training, text)
    }

    #[test]
    fn a_resumed_record_loses_the_epochs_after_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let (training, text) = recorded(folder.path());
        let resume = |done| Writer::resume(folder.path(), done, (&[4, 2], &training), false);
        let mut writer = resume(1).unwrap();
        writer
            .append(&serde_json::json!({"event": "failed"}))
            .unwrap();
        let kept: String = text.split_inclusive('\n').take(2).collect();
        let found = fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(found, format!("{kept}{{\"event\":\"failed\"}}\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_record_has_one_writer_which_notices_that_its_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (training, _) = recorded(folder.path());
        let resume = || Writer::resume(folder.path(), 1, (&[4, 2], &training), false);
        let mut writer = resume().unwrap();
        let refused = [Writer::create(folder.path(), true), resume()];
        for refused in refused {
            let error = refused.unwrap_err();
            assert!(matches!(error, RunError::InUse { .. }), "{error}");
        }
        let event = serde_json::json!({"event": "failed"});
        writer.append(&event).unwrap();
        fs::remove_file(folder.path().join(NAME)).unwrap();
        let error = writer.append(&event).unwrap_err();
        assert!(matches!(error, RunError::Gone { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_record_that_is_a_link_or_a_pipe_is_not_written_through() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (training, text) = recorded(other.path());
        let path = folder.path().join(NAME);
        let link = || std::os::unix::fs::symlink(other.path().join(NAME), &path).unwrap();
        link();
        let resume = |done| Writer::resume(folder.path(), done, (&[4, 2], &training), false);
        for done in [1, 2] {
            let error = resume(done).unwrap_err().to_string();
            assert!(error.contains(regular_file::LINK), "{error}");
        }
        let mut writer = Writer::create(folder.path(), true).unwrap();
        writer
            .append(&serde_json::json!({"event": "start"}))
            .unwrap();
        assert_eq!(fs::read_to_string(other.path().join(NAME)).unwrap(), text);

        // A second name for the same file is another file from then on.
        fs::remove_file(&path).unwrap();
        fs::hard_link(other.path().join(NAME), &path).unwrap();
        drop(resume(1).unwrap());
        drop(Writer::create(folder.path(), true).unwrap());
        assert_eq!(fs::read_to_string(other.path().join(NAME)).unwrap(), text);

        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let error = Record::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }
}
