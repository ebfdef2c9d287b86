//! `mlp learn hint`: help with an exercise, a little more every time.

use std::io::Write;

use mlp::learn::{Exercise, Language};
use serde_json::json;

use super::{DirArg, dir_flag, folder::Folder, parse_exercise, print};
use crate::cli::{
    args::{common::JsonArg, number},
    terminal::{
        Outcome,
        output::{BOLD, Output, next_step},
    },
};

/// Help with an exercise: where to look, the idea, the formula; a little more every time
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn hint 7                 the next hint
  mlp learn hint 7 --degree 3      the formula
  mlp learn hint 7 --solution      a file that passes")]
pub(super) struct Hint {
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

impl Hint {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
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
                out.json(json!({"exercise": exercise.number, "name": exercise.name, "solution": solution}))?;
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
            out.json(json!({
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
