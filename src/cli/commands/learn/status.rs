//! `mlp learn status`: how far a student is.

use std::io::Write;

use mlp::learn::exercises;
use serde_json::json;

use super::{
    DirArg, dir_flag,
    folder::{Folder, Progress},
};
use crate::cli::{
    args::common::JsonArg,
    terminal::{
        Outcome,
        output::{BOLD, DIM, GOOD, Output, next_step},
        wrap::prose,
    },
};

/// Show how far you are
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn status
  mlp learn status --dir anna --json")]
pub(super) struct Status {
    #[command(flatten)]
    dir: DirArg,

    #[command(flatten)]
    json: JsonArg,
}

impl Status {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
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
            out.json(json!({
                "language": folder.language.name(), "right": passed.len(), "of": all.len(), "points": points,
                "of_points": of, "exercises": each.collect::<Vec<_>>(),
            }))?;
        } else {
            for exercise in all {
                let progress = folder.progress(exercise);
                let (word, style) = state(progress);
                let mut notes = vec![match exercise.points {
                    1 => "1 point".to_owned(),
                    n => format!("{n} points"),
                }];
                match folder.hints(exercise) {
                    0 => {}
                    1 => notes.push("1 hint".to_owned()),
                    n => notes.push(format!("{n} hints")),
                }
                if folder.solution_read(exercise) {
                    notes.push("solution read".into());
                }
                let text = format!(
                    "{:02} {:<20} {style}{word:<7}{style:#} {DIM}{} ({}){DIM:#}",
                    exercise.number,
                    exercise.name,
                    exercise.title,
                    notes.join(", ")
                );
                writeln!(out, "{}", prose(&text, TITLE))?;
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

/// Where the titles begin.
const TITLE: usize = 32;

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
