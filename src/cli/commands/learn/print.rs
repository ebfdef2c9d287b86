//! What is said of checked exercises.

use std::io::{self, Write};

use mlp::{
    check::mistakes::Stumble,
    learn::{Exercise, Off, Wrong},
};
use serde_json::{Value, json};

use super::{
    checker::{Checked, Verdict},
    words::{off_words, wrong_words},
};
use crate::cli::terminal::{
    output::{BAD, BOLD, DIM, GOOD, Output, spelled},
    wrap::prose,
};

/// What stands below the line of an exercise.
const INDENT: usize = 3;

/// The most lines that are shown of what a program printed, or of an error.
const LINES: usize = 12;

/// The same of what a compiler says, whose help stands last.
const COMPILER_LINES: usize = 40;

/// An exercise in a line, and what there is to say about it below.
pub fn checked(checked: &Checked, out: &mut Output) -> io::Result<()> {
    let Checked {
        exercise, verdict, ..
    } = checked;
    let name = format!("{:02} {}", exercise.number, exercise.name);
    match verdict {
        Verdict::Passed(notes) => {
            writeln!(out, "{name:<25} {GOOD}passed{GOOD:#}")?;
            for note in notes {
                below(note, out)?;
            }
        }
        Verdict::Unwritten => writeln!(out, "{name:<25} {DIM}not written yet{DIM:#}")?,
        Verdict::Wrong(wrong) => {
            let (head, lines) = wrong_words(wrong);
            writeln!(
                out,
                "{}",
                prose(&format!("{BOLD}{name}{BOLD:#}: {BAD}{head}{BAD:#}"), INDENT)
            )?;
            for line in &lines {
                below(line, out)?;
            }
        }
        Verdict::Failed(failure) => {
            writeln!(
                out,
                "{}",
                prose(
                    &format!(
                        "{BOLD}{name}{BOLD:#}: {BAD}{}{BAD:#}",
                        spelled(&failure.words)
                    ),
                    INDENT
                )
            )?;
            let lines = match failure.kind == "compile" {
                true => COMPILER_LINES,
                false => LINES,
            };
            shown(&failure.message, lines, out)?;
            if let Some(stumble) = Stumble::of(&failure.message) {
                below(
                    &format!("{DIM}which means:{DIM:#} {}", stumble.meaning),
                    out,
                )?;
                below(&format!("{DIM}look at:{DIM:#} {}", stumble.look), out)?;
            }
        }
    }
    match verdict {
        Verdict::Passed(_) | Verdict::Unwritten => Ok(()),
        _ if checked.printed.trim().is_empty() => Ok(()),
        Verdict::Failed(failure) if failure.message == checked.printed => Ok(()),
        _ => {
            below(&format!("{DIM}your program printed:{DIM:#}"), out)?;
            shown(&checked.printed, LINES, out)
        }
    }
}

/// A line below that of the exercise.
pub fn below(text: &str, out: &mut Output) -> io::Result<()> {
    writeln!(out, "{}", prose(&format!("{:INDENT$}{text}", ""), INDENT))
}

/// The beginning of a text of somebody else's.
fn shown(text: &str, most: usize, out: &mut Output) -> io::Result<()> {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    for line in lines.iter().take(most) {
        writeln!(out, "{:INDENT$}{DIM}|{DIM:#} {}", "", cut(&spelled(line)))?;
    }
    if lines.len() > most {
        writeln!(
            out,
            "{:INDENT$}{DIM}| … and {} lines more{DIM:#}",
            "",
            lines.len() - most
        )?;
    }
    Ok(())
}

fn cut(line: &str) -> String {
    const MOST: usize = 160;
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// A known error.
pub fn stumble(stumble: &Stumble, out: &mut Output) -> io::Result<()> {
    writeln!(
        out,
        "{}",
        prose(&format!("{BOLD}{}{BOLD:#}", stumble.message), INDENT)
    )?;
    below(stumble.meaning, out)?;
    below(&format!("{DIM}look at:{DIM:#} {}", stumble.look), out)
}

/// How many are right.
pub fn sum(all: &[Checked], chosen: &[&'static Exercise], out: &mut Output) -> io::Result<()> {
    let passed = all.iter().filter(|checked| checked.passed()).count();
    let points: u32 = all.iter().map(Checked::points).sum();
    let of: u32 = chosen.iter().map(|exercise| exercise.points).sum();
    writeln!(
        out,
        "\n{passed} of {} passed, {points} of {of} points",
        chosen.len()
    )
}

/// [`checked()`] and [`sum`] for programs.
pub fn json(all: &[Checked], chosen: &[&'static Exercise], seed: u64) -> Value {
    let each: Vec<_> = all.iter().map(one).collect();
    let passed = all.iter().filter(|checked| checked.passed()).count();
    let points: u32 = all.iter().map(Checked::points).sum();
    let of: u32 = chosen.iter().map(|exercise| exercise.points).sum();
    json!({
        "right": passed, "of": chosen.len(), "points": points, "of_points": of, "seed": seed,
        "offline": super::sandbox::has_namespaces(), "exercises": each,
    })
}

fn one(checked: &Checked) -> Value {
    let exercise = checked.exercise;
    let mut value = json!({
        "exercise": exercise.number, "name": exercise.name, "passed": checked.passed(),
        "points": checked.points(), "of_points": exercise.points,
    });
    let more = match &checked.verdict {
        Verdict::Passed(notes) => json!({"verdict": "passed", "notes": notes}),
        Verdict::Unwritten => json!({"verdict": "unwritten"}),
        Verdict::Wrong(wrong) => wrong_json(wrong),
        Verdict::Failed(failure) => json!({
            "verdict": failure.kind, "words": failure.words, "message": failure.message,
            "known_error": Stumble::of(&failure.message).map(|stumble| {
                json!({"meaning": stumble.meaning, "look": stumble.look})
            }),
        }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
        value.insert("printed".into(), json!(checked.printed));
    }
    value
}

fn wrong_json(wrong: &Wrong) -> Value {
    let (head, lines) = wrong_words(wrong);
    let names = |off: &Off| {
        let sets = off.looks_like.iter().map(|looks| {
            let names = looks.iter().map(|looks| looks.name.clone());
            names.collect::<Vec<_>>()
        });
        sets.collect::<Vec<_>>()
    };
    let results = wrong
        .results
        .iter()
        .map(|off| json!({"name": off.name, "words": off_words(off), "looks_like": names(off)}));
    json!({
        "verdict": "wrong", "wrong": results.collect::<Vec<_>>(), "right_as_far_as": wrong.right_as_far_as,
        "looks_like": wrong.explained().map_or(Vec::new(), names), "words": head, "details": lines,
    })
}
