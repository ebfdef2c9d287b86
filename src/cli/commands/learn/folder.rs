//! A student's folder: the exercises, and how far they have come.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use mlp::{
    atomic_file,
    data::idx::hex,
    learn::{Exercise, Language, exercises},
    regular_file,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cli::terminal::output::{named, note};

/// Where the progress is kept, in the folder.
const STATE: &str = ".mlp-learn.json";

/// The largest file of a student.
const MAX_BYTES: u64 = 1 << 20;

/// How far a student has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    language: String,
    /// The exercises that have passed, with the checksum of the file that did.
    #[serde(default)]
    passed: BTreeMap<String, String>,
    /// The hints that were read of each.
    #[serde(default)]
    hints: BTreeMap<String, usize>,
    /// The exercises whose solution was read.
    #[serde(default)]
    solutions: Vec<String>,
}

/// The folder of a student.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Its language.
    pub language: Language,
    state: State,
    /// What this command has found out, for a state that another may have written meanwhile.
    news: News,
}

/// What is new since the state was read.
#[derive(Debug, Default)]
struct News {
    /// The checksum of what passed, or nothing for what did not.
    passed: BTreeMap<String, Option<String>>,
    hints: BTreeMap<String, usize>,
    solutions: Vec<String>,
}

impl State {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let text = regular_file::open(file).and_then(|file| read_text(file, MAX_BYTES));
        let text = text.with_context(|| named(file))?;
        serde_json::from_str(&text).with_context(|| damaged(file))
    }

    fn take(&mut self, news: &News) {
        for (name, sum) in &news.passed {
            match sum {
                Some(sum) => self.passed.insert(name.clone(), sum.clone()),
                None => self.passed.remove(name),
            };
        }
        for (name, &degree) in &news.hints {
            let read = self.hints.entry(name.clone()).or_default();
            *read = degree.max(*read);
        }
        for name in &news.solutions {
            if !self.solutions.contains(name) {
                self.solutions.push(name.clone());
            }
        }
    }
}

fn damaged(file: &Path) -> String {
    format!(
        "{}: damaged: delete it and run mlp learn init again; your exercises stay",
        named(file)
    )
}

/// How far an exercise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The file of today has passed.
    Passed,
    /// It has passed, and was changed since.
    Changed,
    /// Something is written in it.
    Begun,
    /// It is still the stub.
    Open,
    /// There is no file.
    Missing,
}

impl Folder {
    /// The folder that was asked for, or the current one, or `learn` in it.
    pub fn find(asked: Option<&Path>) -> anyhow::Result<Self> {
        let places = match asked {
            Some(path) => vec![path.to_path_buf()],
            None => vec![".".into(), "learn".into(), "..".into()],
        };
        for path in &places {
            if path.join(STATE).is_file() {
                return Self::open(path);
            }
        }
        let names: Vec<_> = places.iter().map(|path| named(path)).collect();
        bail!(
            "no exercises in {}: begin with mlp learn init, or name their folder with --dir",
            names.join(" or ")
        )
    }

    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = path.join(STATE);
        let state = State::read(&file)?;
        let mut languages = Language::ALL.into_iter();
        let language = languages.find(|language| language.name() == state.language);
        Ok(Self {
            path: path.to_path_buf(),
            language: language.with_context(|| damaged(&file))?,
            state,
            news: News::default(),
        })
    }

    /// Makes a folder, or adds what is missing to one; returns it with the number of exercises that were there.
    pub fn init(path: &Path, language: Language) -> anyhow::Result<(Self, usize)> {
        let folder = match path.join(STATE).is_file() {
            true => {
                let folder = Self::open(path)?;
                ensure!(
                    folder.language == language,
                    "{}: has exercises in {} already: choose another folder for those in {}",
                    named(path),
                    folder.language.name(),
                    language.name()
                );
                folder
            }
            false => {
                fs::create_dir_all(path).with_context(|| named(path))?;
                Self {
                    path: path.to_path_buf(),
                    language,
                    state: State {
                        language: language.name().into(),
                        ..State::default()
                    },
                    news: News::default(),
                }
            }
        };
        let mut kept = 0;
        for exercise in exercises() {
            let file = folder.file(exercise);
            match file.symlink_metadata().is_ok() {
                true => kept += 1,
                false => write(&file, exercise.stub(language).as_bytes())?,
            }
        }
        folder.save()?;
        Ok((folder, kept))
    }

    /// The file of an exercise.
    pub fn file(&self, exercise: &Exercise) -> PathBuf {
        self.path.join(exercise.file_name(self.language))
    }

    /// How far an exercise is.
    pub fn progress(&self, exercise: &Exercise) -> Progress {
        let Ok(text) = source(&self.file(exercise)) else {
            return Progress::Missing;
        };
        match self.state.passed.get(exercise.name) {
            Some(sum) if *sum == checksum(&text) => Progress::Passed,
            Some(_) => Progress::Changed,
            None if text.trim() == exercise.stub(self.language).trim() => Progress::Open,
            None => Progress::Begun,
        }
    }

    /// The hints that were read of an exercise.
    pub fn hints(&self, exercise: &Exercise) -> usize {
        let read = self.state.hints.get(exercise.name).copied();
        read.unwrap_or(0).min(exercise.hints.len())
    }

    /// Whether its solution was read.
    pub fn solution_read(&self, exercise: &Exercise) -> bool {
        self.state
            .solutions
            .iter()
            .any(|name| name == exercise.name)
    }

    /// Takes down that a file of these words has passed, or that it has not.
    pub fn checked(&mut self, exercise: &Exercise, text: &str, passed: bool) {
        let sum = passed.then(|| checksum(text));
        self.news.passed.insert(exercise.name.into(), sum);
        self.state.take(&self.news);
    }

    /// Takes down that so many hints were read.
    pub fn hinted(&mut self, exercise: &Exercise, degree: usize) {
        self.news.hints.insert(exercise.name.into(), degree);
        self.state.take(&self.news);
    }

    /// Takes down that the solution was read.
    pub fn solved(&mut self, exercise: &Exercise) {
        self.news.solutions.push(exercise.name.into());
        self.state.take(&self.news);
    }

    /// Keeps the progress, or says that it could not.
    pub fn keep(&self) {
        if let Err(error) = self.save() {
            note(format_args!("the progress could not be kept: {error:#}"));
        }
    }

    fn save(&self) -> anyhow::Result<()> {
        let file = self.path.join(STATE);
        // Another command may have found out something, too.
        let mut state = State::read(&file).unwrap_or_else(|_| self.state.clone());
        state.take(&self.news);
        let text = serde_json::to_string_pretty(&state)?;
        write(&file, text.as_bytes())
    }
}

/// Writes a file of ours, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = atomic_file::write_own(path, |file| {
        use io::Write;
        file.write_all(bytes)
    });
    written.with_context(|| named(path))
}

/// What a student has written.
pub fn source(path: &Path) -> io::Result<String> {
    read_text(regular_file::open(path)?, MAX_BYTES)
}

fn read_text(file: fs::File, most: u64) -> io::Result<String> {
    use io::Read;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!(
            "more than {most} bytes, expected the file of an exercise"
        )));
    }
    // Whether it is a program at all, its language says.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
