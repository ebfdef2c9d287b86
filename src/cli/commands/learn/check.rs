//! `mlp learn check`: a student's functions are run, and what is wrong is named.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use mlp::learn::{Exercise, Language, exercise, exercises};

use super::{
    DirArg, RunArgs,
    checker::{Checked, Mnist, Verdict},
    dir_flag,
    folder::{Folder, Progress},
    parse_exercise, print,
};
use crate::cli::{
    args::{Usage, common::JsonArg},
    terminal::{
        Outcome, interrupt,
        output::{DIM, Output, line, named, next_step},
        progress::progress_bar,
    },
};

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
pub(super) struct Check {
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

impl Check {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
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
            out.json(print::json(all, chosen, seed))?;
        } else if chosen.len() > 1 {
            print::sum(all, chosen, out)?;
        }
        out.flush()?;
        let flag = folder.map_or(String::new(), dir_flag);
        match wrong {
            Some(checked) => {
                let number = checked.exercise.number;
                match checked.verdict {
                    Verdict::Unwritten => {
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
                if all.len() == 1 && !matches!(checked.verdict, Verdict::Unwritten) {
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
