//! `mlp learn`: exercises that check themselves, and name the mistake.

mod check;
mod folder;
mod print;
mod rust;
mod sandbox;
mod watch;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use clap::{Subcommand, ValueEnum, builder::PossibleValue};
use mlp::{
    check::mistakes::{STUMBLES, Stumble},
    data::Dataset,
    learn::{Exercise, Language, exercise, exercises},
};
use serde_json::json;

use self::{
    check::{Checked, Checker, Mnist},
    folder::{Folder, Progress},
    sandbox::Limits,
};
use crate::cli::{
    args::{Usage, common::JsonArg, data::DataArgs, number},
    terminal::{
        Outcome, interrupt,
        output::{BOLD, DIM, GOOD, Output, line, named, next_step},
        progress::progress_bar,
        shell::shell_quote,
    },
};

/// Write the lesson's functions yourself: exercises that name the mistake
///
/// `mlp learn init` writes 24 small files, from a linear layer to a network that trains on MNIST, and five on the
/// matrix calculus behind it. Each has a docstring and a function that is still to be written. `mlp learn check` runs
/// yours on batches that are new every time, and names the line that is wrong and the mistake that gives these very
/// numbers. The formula is told only by `mlp learn hint`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn init                   the exercises in Python, in the folder learn
  mlp learn check                  yours, one after the other, up to the first that is not right
  mlp learn hint 3                 what helps with it, a little more every time
  mlp learn watch                  check on every save
  mlp learn check --all --json     for a grader")]
pub struct Learn {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Init(Init),
    Check(Box<Check>),
    Hint(Hint),
    Status(Status),
    Watch(Box<Watch>),
    Errors(Errors),
}

/// Write the exercises into a folder; files that are there are kept
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn init                       in Python, with NumPy
  mlp learn init rusty --language rust
  mlp learn init                       again: adds what was deleted, keeps the rest")]
struct Init {
    /// The folder
    #[arg(default_value = "learn")]
    dir: PathBuf,

    /// The language of the exercises
    #[arg(long, value_enum, default_value = "python")]
    language: LanguageName,
}

#[derive(Clone, Copy)]
struct LanguageName(Language);

impl ValueEnum for LanguageName {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Language::Python), Self(Language::Rust)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// Where the exercises are.
#[derive(clap::Args)]
struct DirArg {
    /// The folder of the exercises [default: the current one, or learn in it]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How a student's program is run.
#[derive(clap::Args)]
struct RunArgs {
    /// Seconds that a program may take [default: 10, and 120 for the training loop]
    #[arg(long, value_name = "SECONDS", value_parser = number::above_0::<f64>, help_heading = "Limits")]
    timeout: Option<f64>,

    /// Memory that it may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = number::whole(16..=1_048_576_u32), help_heading = "Limits")]
    memory: u32,

    /// Python's command [default: python3, or python]
    #[arg(long, value_name = "COMMAND", help_heading = "Limits")]
    python: Option<String>,

    /// Of the numbers that the functions are fed [default: another one every time]
    #[arg(long, value_name = "N", value_parser = number::whole(0..=u64::MAX))]
    seed: Option<u64>,

    /// Keep what a program was asked and what it answered, in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    #[command(flatten)]
    data: DataArgs,
}

/// Run your functions, and name what is wrong
///
/// Without an exercise: one after the other, up to the first that is not right. A program runs with a limit on its
/// time and memory, and without a network where the system allows that: for accidents, not against those who mean
/// harm. Exit code 0 if all that was checked is right, else 1.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn check                  up to the first that is not right
  mlp learn check 8                one, by its number
  mlp learn check lin relu_grad    some, by their names
  mlp learn check 8 --file her_relu.py
  mlp learn check --all --json     all of them, for a grader")]
struct Check {
    /// The exercises, by number or name
    #[arg(value_name = "EXERCISE", value_parser = parse_exercise)]
    exercises: Vec<&'static Exercise>,

    /// All of them, whatever is wrong
    #[arg(long, conflicts_with = "exercises")]
    all: bool,

    /// A file elsewhere, in place of that of the folder
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    file: Option<PathBuf>,

    #[command(flatten)]
    dir: DirArg,

    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    json: JsonArg,
}

/// Help with an exercise: where to look, the idea, the formula; a little more every time
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn hint 7                 the next hint
  mlp learn hint 7 --degree 3      the formula
  mlp learn hint 7 --solution      a file that passes")]
struct Hint {
    /// The exercise, by number or name
    #[arg(value_name = "EXERCISE", value_parser = parse_exercise)]
    exercise: &'static Exercise,

    /// How much: 1 where to look, 2 the idea, 3 the formula [default: one more than was read]
    #[arg(long, value_name = "N", value_parser = number::whole(1..=3_u8))]
    degree: Option<u8>,

    /// A whole solution
    #[arg(long, conflicts_with = "degree")]
    solution: bool,

    #[command(flatten)]
    dir: DirArg,

    #[command(flatten)]
    json: JsonArg,
}

/// Show how far you are
#[derive(clap::Args)]
struct Status {
    #[command(flatten)]
    dir: DirArg,

    #[command(flatten)]
    json: JsonArg,
}

/// Check an exercise whenever its file is saved, until Ctrl-C
#[derive(clap::Args)]
struct Watch {
    #[command(flatten)]
    dir: DirArg,

    #[command(flatten)]
    run: RunArgs,
}

/// What an error of Python, PyTorch, Rust or ndarray means, and where to look
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn errors                 all that are known
  mlp learn errors \"operands could not be broadcast together with shapes (6,3) (6,)\"")]
struct Errors {
    /// The message, or a part of it
    message: Vec<String>,

    #[command(flatten)]
    json: JsonArg,
}

fn parse_exercise(text: &str) -> Result<&'static Exercise, String> {
    exercise(text).ok_or_else(|| {
        format!(
            "expected a number from 1 to {}, or a name such as lin; mlp learn status lists them",
            exercises().len()
        )
    })
}

impl Learn {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        match self.what {
            What::Init(command) => command.run(out),
            What::Check(command) => command.run(out),
            What::Hint(command) => command.run(out),
            What::Status(command) => command.run(out),
            What::Watch(command) => command.run(out),
            What::Errors(command) => command.run(out),
        }
    }
}

impl Init {
    fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let Self {
            dir,
            language: LanguageName(language),
        } = self;
        let (folder, kept) = Folder::init(&dir, language)?;
        if language == Language::Rust {
            rust::package(&dir)?;
        }
        let all = exercises();
        let written = all.len() - kept;
        let kept = match kept {
            0 => String::new(),
            kept => format!(", {kept} that were there are as they were"),
        };
        let [first, last] = [&all[0], &all[all.len() - 1]].map(|e| e.file_name(language));
        writeln!(
            out,
            "{written} exercises in {BOLD}{}{BOLD:#}: {first} to {last}{kept}",
            named(&folder.path)
        )?;
        let first = all
            .iter()
            .find(|e| folder.progress(e) != Progress::Passed)
            .unwrap_or(&all[0]);
        writeln!(
            out,
            "begin with {}: its docstring says what to write",
            named(&folder.file(first))
        )?;
        out.flush()?;
        next_step(format_args!(
            "mlp learn check {}{}",
            first.number,
            dir_flag(&folder)
        ));
        Ok(Outcome::Done)
    }
}

/// The flag that finds this folder again; nothing where it is found without.
fn dir_flag(folder: &Folder) -> String {
    match Folder::find(None) {
        Ok(found) if same(&found.path, &folder.path) => String::new(),
        _ => format!(" --dir {}", shell_quote(&folder.path)),
    }
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok() == other.canonicalize().ok()
}

impl RunArgs {
    /// A seed: that asked for, or one that is new every time.
    fn seed(&self) -> u64 {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH);
        // Short enough to be typed again.
        let new = || now().map_or(0, |now| u64::from(now.subsec_micros()));
        self.seed.unwrap_or_else(new)
    }

    fn limits(&self) -> Limits {
        const USUAL: f64 = 10.0;
        // A day is as good as for ever.
        let seconds = self.timeout.unwrap_or(USUAL).min(86_400.0);
        Limits {
            time: Duration::from_secs_f64(seconds),
            memory: self.memory.into(),
            offline: true,
        }
    }

    fn mnist(&self) -> anyhow::Result<Mnist> {
        const VALID: usize = 10_000;
        let data = self.data.load().context("the training loop needs MNIST")?;
        let (train, valid): (Dataset, Dataset) = data.train.split_last(VALID)?;
        Ok(Mnist { train, valid })
    }

    fn checker<'a>(
        &self,
        folder: &'a Path,
        mnist: &'a dyn Fn() -> anyhow::Result<Mnist>,
    ) -> Checker<'a> {
        Checker {
            folder,
            python: self.python.clone(),
            seed: self.seed(),
            limits: self.limits(),
            time_given: self.timeout.is_some(),
            keep: self.keep.clone(),
            mnist,
        }
    }
}

impl Check {
    fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        interrupt::hold();
        let mnist = || self.run.mnist();
        if let Some(file) = &self.file {
            return self.file(file, &mnist, out);
        }
        let mut folder = Folder::find(self.dir.dir.as_deref())?;
        let chosen: Vec<_> = match self.exercises.is_empty() {
            true => exercises().iter().collect(),
            false => self.exercises.clone(),
        };
        let to_the_end = self.all || !self.exercises.is_empty();
        let path = folder.path.clone();
        let mut checker = self.run.checker(&path, &mnist);
        let mut all = Vec::new();
        let bar = progress_bar(chosen.len() as u64, "{bar:24} {pos}/{len} {msg}");
        for &exercise in &chosen {
            bar.set_message(exercise.stem());
            let file = folder.file(exercise);
            let language = folder.language;
            let checked = checker.check(exercise, language, &file);
            let checked = match checked {
                Ok(checked) => checked,
                Err(error) => {
                    bar.finish_and_clear();
                    return Err(error);
                }
            };
            folder.checked(exercise, &checked.source, checked.passed());
            if !self.json.json {
                let told = bar.suspend(|| print::checked(&checked, out).and_then(|()| out.flush()));
                told?;
            }
            bar.inc(1);
            let passed = checked.passed();
            all.push(checked);
            if !passed && !to_the_end {
                break;
            }
        }
        bar.finish_and_clear();
        folder.keep();
        interrupt::release()?;
        self.sum(&all, &chosen, checker.seed, Some(&folder), out)
    }

    /// `--file`
    fn file(
        &self,
        file: &Path,
        mnist: &dyn Fn() -> anyhow::Result<Mnist>,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let exercise = match self.exercises[..] {
            [one] => one,
            [] => {
                let stem = file.file_name().unwrap_or_default().to_string_lossy();
                exercise(&stem).ok_or_else(|| {
                    Usage(format!(
                        "{}: which exercise is it? Name it: mlp learn check 8 --file …",
                        named(file)
                    ))
                })?
            }
            _ => return Err(Usage::from("--file goes with one exercise").into()),
        };
        let language = match file.extension() {
            Some(end) if end == "rs" => Language::Rust,
            _ => Language::Python,
        };
        // Python needs no folder; a file of Rust is compiled in one.
        let folder = match language {
            Language::Python => PathBuf::from("."),
            Language::Rust => Folder::find(self.dir.dir.as_deref())?.path,
        };
        let mut checker = self.run.checker(&folder, mnist);
        let checked = checker.check(exercise, language, file)?;
        interrupt::release()?;
        if !self.json.json {
            print::checked(&checked, out)?;
        }
        self.sum(&[checked], &[exercise], checker.seed, None, out)
    }

    /// What all of it comes to.
    fn sum(
        &self,
        all: &[Checked],
        chosen: &[&'static Exercise],
        seed: u64,
        folder: Option<&Folder>,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let wrong = all.iter().find(|checked| !checked.passed());
        if self.json.json {
            out.json(&print::json(all, chosen, seed))?;
        } else if chosen.len() > 1 {
            print::sum(all, chosen, out)?;
        }
        out.flush()?;
        let flag = folder.map_or(String::new(), dir_flag);
        match wrong {
            Some(checked) => {
                let number = checked.exercise.number;
                match checked.verdict {
                    check::Verdict::Unwritten => {
                        if let Some(folder) = folder {
                            line(format_args!(
                                "write it in {}",
                                named(&folder.file(checked.exercise))
                            ));
                        }
                        next_step(format_args!("mlp learn check {number}{flag}"));
                    }
                    _ => next_step(format_args!("mlp learn hint {number}{flag}")),
                }
                if all.len() == 1 && !matches!(checked.verdict, check::Verdict::Unwritten) {
                    line(format_args!(
                        "{DIM}the same numbers again: --seed {seed}{DIM:#}"
                    ));
                }
                Ok(Outcome::Failed)
            }
            None => {
                let open = folder.and_then(|folder| {
                    let mut all = exercises().iter();
                    all.find(|exercise| folder.progress(exercise) != Progress::Passed)
                });
                match open {
                    Some(exercise) => {
                        next_step(format_args!("mlp learn check {}{flag}", exercise.number))
                    }
                    None if folder.is_some() => next_step("mlp train"),
                    None => {}
                }
                Ok(Outcome::Done)
            }
        }
    }
}

impl Hint {
    fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let exercise = self.exercise;
        // Hints need no folder; where there is one, it remembers them.
        let mut folder = match (&self.dir.dir, Folder::find(self.dir.dir.as_deref())) {
            (_, Ok(folder)) => Some(folder),
            (Some(_), Err(error)) => return Err(error),
            (None, Err(_)) => None,
        };
        let flag = folder.as_ref().map_or(String::new(), dir_flag);
        if self.solution {
            let language = folder
                .as_ref()
                .map_or(Language::Python, |folder| folder.language);
            let solution = exercise.solution(language);
            if self.json.json {
                out.json(&json!({"exercise": exercise.number, "name": exercise.name, "solution": solution}))?;
            } else {
                write!(out, "{solution}")?;
            }
            if let Some(folder) = &mut folder {
                folder.solved(exercise);
                folder.keep();
            }
            out.flush()?;
            next_step(format_args!("mlp learn check {}{flag}", exercise.number));
            return Ok(Outcome::Done);
        }
        let read = folder.as_ref().map_or(0, |folder| folder.hints(exercise));
        let last = exercise.hints.len();
        let degree = self.degree.map_or((read + 1).min(last), usize::from);
        if self.json.json {
            out.json(&json!({
                "exercise": exercise.number, "name": exercise.name, "degree": degree, "of": last,
                "hint": exercise.hints[degree - 1],
            }))?;
        } else {
            writeln!(
                out,
                "{BOLD}{:02} {}{BOLD:#}, hint {degree} of {last}",
                exercise.number, exercise.name
            )?;
            print::below(exercise.hints[degree - 1], out)?;
        }
        if let Some(folder) = &mut folder {
            folder.hinted(exercise, degree);
            folder.keep();
        }
        out.flush()?;
        match degree < last {
            true => next_step(format_args!(
                "mlp learn check {n}{flag}, or mlp learn hint {n}{flag} --degree {} for more",
                degree + 1,
                n = exercise.number
            )),
            false => next_step(format_args!("mlp learn check {}{flag}", exercise.number)),
        }
        Ok(Outcome::Done)
    }
}

impl Status {
    fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let folder = Folder::find(self.dir.dir.as_deref())?;
        let all = exercises();
        let passed: Vec<_> = all
            .iter()
            .filter(|e| folder.progress(e) == Progress::Passed)
            .collect();
        let points: u32 = passed.iter().map(|e| e.points).sum();
        let of: u32 = all.iter().map(|e| e.points).sum();
        if self.json.json {
            let each = all.iter().map(|exercise| {
                json!({
                    "exercise": exercise.number, "name": exercise.name, "title": exercise.title,
                    "points": exercise.points, "state": state(folder.progress(exercise)).0,
                    "hints": folder.hints(exercise), "solution_read": folder.solution_read(exercise),
                })
            });
            out.json(&json!({
                "language": folder.language.name(), "passed": passed.len(), "of": all.len(), "points": points,
                "of_points": of, "exercises": each.collect::<Vec<_>>(),
            }))?;
        } else {
            for exercise in all {
                let progress = folder.progress(exercise);
                let (word, style) = state(progress);
                let mut notes = Vec::new();
                match folder.hints(exercise) {
                    0 => {}
                    1 => notes.push("1 hint".to_owned()),
                    n => notes.push(format!("{n} hints")),
                }
                if folder.solution_read(exercise) {
                    notes.push("solution read".into());
                }
                let title = match notes.is_empty() {
                    true => exercise.title.to_owned(),
                    false => format!("{} ({})", exercise.title, notes.join(", ")),
                };
                writeln!(
                    out,
                    "{:02} {:<22} {style}{word:<8}{style:#} {DIM}{title}{DIM:#}",
                    exercise.number, exercise.name
                )?;
            }
            writeln!(
                out,
                "\n{} of {} passed, {points} of {of} points",
                passed.len(),
                all.len()
            )?;
        }
        out.flush()?;
        let open = all.iter().find(|e| folder.progress(e) != Progress::Passed);
        match open {
            Some(exercise) => next_step(format_args!(
                "mlp learn check {}{}",
                exercise.number,
                dir_flag(&folder)
            )),
            None => next_step("mlp train"),
        }
        Ok(Outcome::Done)
    }
}

/// A state in a word.
fn state(progress: Progress) -> (&'static str, anstyle::Style) {
    match progress {
        Progress::Passed => ("passed", GOOD),
        Progress::Changed => ("changed", BOLD),
        Progress::Begun => ("begun", BOLD),
        Progress::Open => ("open", DIM),
        Progress::Missing => ("missing", DIM),
    }
}

impl Errors {
    fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let message = self.message.join(" ");
        let known: Vec<&Stumble> = match message.is_empty() {
            true => STUMBLES.iter().collect(),
            false => Stumble::of(&message).into_iter().collect(),
        };
        if self.json.json {
            let rows = known.iter().map(|stumble| {
                json!({"message": stumble.message, "meaning": stumble.meaning, "look": stumble.look})
            });
            out.json(&json!(rows.collect::<Vec<_>>()))?;
        } else {
            for stumble in &known {
                print::stumble(stumble, out)?;
            }
            if known.is_empty() {
                writeln!(
                    out,
                    "no known error is like this one; its last line says most"
                )?;
            }
        }
        out.flush()?;
        Ok(match known.is_empty() {
            true => Outcome::Failed,
            false => Outcome::Done,
        })
    }
}
