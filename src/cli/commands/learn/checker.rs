//! Runs a student's file, and finds out what is right and wrong in it.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use mlp::{
    data::Dataset,
    learn::{self, Case, Exercise, Found, GOAL, Language, Wrong, accuracy, judge, protocol},
    regular_file,
};
use tempfile::TempDir;

use super::{
    folder, rust,
    sandbox::{self, Ended, Limits, Ran, succeeds},
    words::{changed_words, fault_words, memory_words, time_words},
};
use crate::cli::terminal::{interrupt::Interrupted, output::named};

/// What checks need beside the files.
pub struct Checker<'a> {
    /// The folder of the exercises, where there is one.
    pub folder: &'a Path,
    /// Python's command; found when it is first needed.
    pub python: Option<String>,
    /// Of the numbers that the functions are fed.
    pub seed: u64,
    /// What a program may use; the training loop has more time.
    pub limits: Limits,
    /// Whether the time limit was asked for, and holds for the training loop as well.
    pub time_given: bool,
    /// Where the request and the reply are kept, if anywhere.
    pub keep: Option<PathBuf>,
    /// MNIST, loaded when it is first needed.
    pub mnist: &'a dyn Fn() -> anyhow::Result<Mnist>,
}

/// The training and the validation images.
pub struct Mnist {
    pub train: Dataset,
    pub valid: Dataset,
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    pub exercise: &'static Exercise,
    pub verdict: Verdict,
    /// What the program printed, standard output first.
    pub printed: String,
    /// What the file said when it was checked.
    pub source: String,
}

/// What is said of an exercise.
#[derive(Debug)]
pub enum Verdict {
    /// Right, with what is worth a word.
    Passed(Vec<String>),
    /// Still the stub.
    Unwritten,
    /// Wrong numbers.
    Wrong(Box<Wrong>),
    /// No numbers: why, in words, and the message of an error.
    Failed(Failure),
}

/// Why there are no numbers.
#[derive(Debug, Default)]
pub struct Failure {
    /// For programs: `error`, `time`, `memory`, `missing`, `type`, `accuracy`, …
    pub kind: String,
    /// In words.
    pub words: String,
    /// The message of an error, by which a known one is found.
    pub message: String,
}

impl Verdict {
    fn failed(kind: &str, words: String, message: &str) -> Self {
        Self::Failed(Failure {
            kind: kind.into(),
            words,
            message: message.into(),
        })
    }
}

impl Checked {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        matches!(self.verdict, Verdict::Passed(_))
    }

    /// The points that it is given.
    pub fn points(&self) -> u32 {
        match self.passed() {
            true => self.exercise.points,
            false => 0,
        }
    }
}

/// What the training loop may take by default.
const TRAINING: Duration = Duration::from_secs(120);

impl Checker<'_> {
    /// Checks the file of an exercise.
    pub fn check(
        &mut self,
        exercise: &'static Exercise,
        language: Language,
        file: &Path,
    ) -> anyhow::Result<Checked> {
        let (source, unread) = match folder::source(file) {
            Ok(source) => (source, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let words = format!(
                    "there is no {}: mlp learn init writes it again",
                    named(file)
                );
                (String::new(), Some(words))
            }
            Err(error) => (
                String::new(),
                Some(format!("{} cannot be read: {error}", named(file))),
            ),
        };
        let checked = |verdict, printed| Checked {
            exercise,
            verdict,
            printed,
            source: source.clone(),
        };
        let failed = |kind: &str, words: String| {
            Ok(checked(Verdict::failed(kind, words, ""), String::new()))
        };
        if let Some(words) = unread {
            return failed("file", words);
        }
        // An exercise that nobody has touched needs no program to be run.
        if source.trim() == exercise.stub(language).trim() {
            return Ok(checked(Verdict::Unwritten, String::new()));
        }
        let room = tempfile::tempdir().context("a folder for a check")?;
        let (cases, valid) = match self.cases(exercise, &room) {
            Ok(cases) => cases,
            // The others can be checked without.
            Err(error) => return failed("data", format!("cannot be checked: {error:#}")),
        };
        let request = learn::request(exercise, &cases).map_err(anyhow::Error::msg)?;
        let (asked, answered) = (room.path().join("request"), room.path().join("reply"));
        fs::write(&asked, request)?;
        let mut limits = self.limits;
        if exercise.trains() && !self.time_given {
            limits.time = TRAINING;
        }
        let ran = match language {
            Language::Python => self.python(file, [&asked, &answered], &room, &limits)?,
            Language::Rust => {
                match rust::run(self.folder, exercise, file, [&asked, &answered], &limits)? {
                    Ok(ran) => ran,
                    Err(message) => {
                        let words = "does not compile".into();
                        let verdict = Verdict::failed("compile", words, &message);
                        return Ok(checked(verdict, String::new()));
                    }
                }
            }
        };
        if ran.ended == Ended::Interrupted {
            bail!(Interrupted("your files are as they were".into()));
        }
        if let Some(keep) = &self.keep {
            fs::create_dir_all(keep).with_context(|| named(keep))?;
            for (from, end) in [(&asked, "request"), (&answered, "reply")] {
                let bytes = read_bounded(from)?.unwrap_or_default();
                folder::write(&keep.join(format!("{}.{end}", exercise.stem())), &bytes)?;
            }
        }
        let reply = read_reply(&answered)?;
        let verdict = Self::verdict(exercise, file, (&cases, valid), (&ran, &limits), reply)?;
        Ok(checked(verdict, ran.stdout + &ran.stderr))
    }

    /// The calls of an exercise, and the images that a training loop is measured on.
    fn cases(
        &self,
        exercise: &'static Exercise,
        room: &TempDir,
    ) -> anyhow::Result<(Vec<Case>, Option<Dataset>)> {
        if !exercise.trains() {
            return Ok((exercise.cases(self.seed), None));
        }
        let Mnist { train, valid } = (self.mnist)()?;
        let [pixels, labels] = ["pixels", "labels"].map(|name| room.path().join(name));
        let bytes = train.images.as_slice().context("rows of pixels")?;
        fs::write(&pixels, bytes)?;
        fs::write(&labels, &train.labels)?;
        let shape = [train.len(), train.spec.pixels()];
        Ok((exercise.training(&pixels, &labels, shape), Some(valid)))
    }

    fn python(
        &mut self,
        file: &Path,
        [asked, answered]: [&Path; 2],
        room: &TempDir,
        limits: &Limits,
    ) -> anyhow::Result<Ran> {
        const RUN: &str = include_str!("../../../learn/harness/run.py");
        let run = room.path().join("run.py");
        fs::write(&run, RUN)?;
        let python = match &self.python {
            Some(python) => python.clone(),
            None => self.python.insert(find_python()?).clone(),
        };
        let file = std::path::absolute(file)?;
        // A little before the end, so that the line where it is can be said.
        let seconds = format!("{}", limits.time.as_secs_f64() * 0.9);
        let args = [
            OsStr::new("-B"),
            run.as_os_str(),
            file.as_os_str(),
            asked.as_os_str(),
            answered.as_os_str(),
            OsStr::new(&seconds),
        ];
        let folder = file.parent().unwrap_or(Path::new("."));
        let ran = sandbox::run(OsStr::new(&python), &args, folder, limits, Some(answered))?;
        match ran.ended {
            Ended::Exit(126 | 127) if !answered.exists() => bail!("{python}: {}", no_python()),
            // The exercise was not even read.
            Ended::Exit(_) if !answered.exists() && !out_of_memory(&ran) => {
                let last = ran.stderr.lines().last().unwrap_or("it said nothing");
                bail!(
                    "{python} ended before it read the exercise: {last}: is it Python 3.8 or newer? (--python)"
                )
            }
            _ => {}
        }
        Ok(ran)
    }

    /// What a run comes to.
    fn verdict(
        exercise: &Exercise,
        file: &Path,
        (cases, valid): (&[Case], Option<Dataset>),
        (ran, limits): (&Ran, &Limits),
        reply: Result<protocol::Reply, String>,
    ) -> anyhow::Result<Verdict> {
        if ran.ended == Ended::TimeLimit {
            let words = time_words(limits, ran, file);
            return Ok(Verdict::failed("time", words, ""));
        }
        let reply = match reply {
            Ok(reply) => reply,
            Err(why) => return Ok(died(ran, limits, &why)),
        };
        if let Some(fault) = &reply.fault
            && fault.kind == "numpy"
        {
            bail!(
                "Python has no NumPy ({}): install it with `python3 -m pip install numpy`",
                fault.word(0)
            );
        }
        Ok(match judge(cases, &reply) {
            Found::Unwritten => Verdict::Unwritten,
            Found::Silent => died(ran, limits, "it ended without a word"),
            Found::Fault(fault) => Verdict::Failed(fault_words(&fault, file, limits)),
            Found::Wrong(wrong) => Verdict::Wrong(wrong),
            Found::Passed { changed } if exercise.keeps_arguments() && !changed.is_empty() => {
                Verdict::failed("changed", changed_words(&changed[0]), "")
            }
            Found::Passed { changed } => match valid {
                None => Verdict::Passed(changed.iter().map(|name| changed_words(name)).collect()),
                Some(valid) => trained(&reply.answers[0], &valid),
            },
        })
    }
}

fn read_reply(path: &Path) -> anyhow::Result<Result<protocol::Reply, String>> {
    Ok(match read_bounded(path)? {
        Some(bytes) => protocol::reply(&String::from_utf8_lossy(&bytes)),
        None => Err("it wrote no answer".into()),
    })
}

/// What a program has left in a file; nothing where it has put something else there: a pipe or a device would never end.
fn read_bounded(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    const MOST: u64 = 256 << 20;
    let Ok(file) = regular_file::open(path) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= MOST,
        "the program answered with more than {MOST} bytes"
    );
    Ok(Some(bytes))
}

/// The network of a training loop, measured.
fn trained(answer: &protocol::Answer, valid: &Dataset) -> Verdict {
    let x = valid.images.mapv(|pixel| f32::from(pixel) / 255.0);
    let failed = |kind: &str, words: String| Verdict::failed(kind, words, "");
    match accuracy(answer, x.view(), &valid.labels) {
        Err(why) => failed("shape", why),
        Ok(share) if share >= GOAL => Verdict::Passed(vec![format!(
            "{:.2} % of {} images that it has not seen",
            100.0 * share,
            valid.len()
        )]),
        Ok(share) => {
            let guess = match share {
                ..0.25 => {
                    ": no better than guessing, or hardly. Does every step use its gradients, downhill, with the \
                     labels of its own images?"
                }
                ..0.88 => ": it learns, but something is in its way",
                _ => ": it learns; more epochs, a larger learning rate, or smaller first weights?",
            };
            failed(
                "accuracy",
                format!(
                    "{:.2} % of {} images that it has not seen, expected {:.0} %{guess}",
                    100.0 * share,
                    valid.len(),
                    100.0 * GOAL
                ),
            )
        }
    }
}

/// Whether the memory was too small, by what Rust, Python and OpenBLAS say then.
fn out_of_memory(ran: &Ran) -> bool {
    let words = ["emory allocation", "MemoryError", "Cannot allocate memory"];
    words.iter().any(|words| ran.stderr.contains(words))
}

/// How a program that did not come to its end died.
fn died(ran: &Ran, limits: &Limits, why: &str) -> Verdict {
    let memory = out_of_memory(ran);
    let (kind, words) = match ran.ended {
        _ if memory => ("memory", memory_words(limits)),
        Ended::Signal(11) => (
            "crash",
            "crashed with a segmentation fault: a recursion without end, or a library".into(),
        ),
        Ended::Signal(9) => (
            "memory",
            format!(
                "was killed by the system: more memory than there is? {}",
                memory_words(limits)
            ),
        ),
        Ended::Signal(number) => ("crash", format!("was ended by signal {number}")),
        Ended::Exit(code) => (
            "crash",
            format!("ended with code {code} before it had answered: {why}"),
        ),
        Ended::TimeLimit | Ended::Interrupted => ("crash", why.to_owned()),
    };
    Verdict::failed(kind, words, &ran.stderr)
}

/// Python 3, as a shell would find it.
fn find_python() -> anyhow::Result<String> {
    let works = |name: &&str| {
        let old = "import sys; sys.exit(sys.version_info < (3, 8))";
        succeeds(Command::new(name).args(["-c", old]))
    };
    let found = ["python3", "python"].into_iter().find(works);
    found.map(str::to_owned).context(no_python())
}

fn no_python() -> &'static str {
    "no Python 3.8 or newer was found: install it, or name it with --python"
}
