//! The marks, for people and for programs.

use std::io::{self, Write};

use mlp::explain::{
    Numbers,
    worksheet::{Mark, Marks, Verdict},
};
use serde_json::{Value, json};

use crate::cli::terminal::output::{BAD, BOLD, DIM, GOOD, Output, WARN, spelled};

pub(super) struct Report<'a> {
    /// The command that makes the sheet.
    pub(super) head: &'a str,
    pub(super) marks: &'a Marks,
    pub(super) precision: usize,
    /// Whether the right answers are shown.
    pub(super) answers: bool,
}

/// The columns of an answer as it was written.
const YOURS: usize = 14;

impl Report<'_> {
    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        writeln!(out, "{DIM}sheet{DIM:#} {}\n", spelled(self.head))?;
        let answer = match self.answers {
            true => "answer       ",
            false => "",
        };
        writeln!(
            out,
            "{DIM}{:<14} {:<YOURS$} {answer}{DIM:#}",
            "number", "yours"
        )?;
        for mark in &self.marks.marks {
            self.line(mark, out)?;
        }
        let total = self.marks.marks.len();
        let (right, empty) = (self.marks.right(), self.marks.empty());
        let style = if self.marks.passed() { GOOD } else { BOLD };
        write!(out, "\n{style}{right} of {total} right{style:#}")?;
        match (total - right - empty, empty) {
            (0, 0) => writeln!(out),
            (wrong, 0) => writeln!(out, ": {wrong} to look at"),
            (0, empty) => writeln!(out, ": {empty} empty"),
            (wrong, empty) => writeln!(out, ": {wrong} to look at, {empty} empty"),
        }
    }

    fn line(&self, mark: &Mark, out: &mut Output) -> io::Result<()> {
        let yours = shortened(&spelled(&mark.text));
        write!(out, "{:<14} {yours:<YOURS$} ", mark.name)?;
        if self.answers {
            write!(out, "{:<12} ", self.text(mark.answer))?;
        }
        match &mark.verdict {
            Verdict::Right => write!(out, "{GOOD}right{GOOD:#}")?,
            Verdict::Follows(from) => write!(
                out,
                "{GOOD}right{GOOD:#}: it follows rightly from your {}",
                listed(from)
            )?,
            Verdict::TooShort => write!(
                out,
                "{WARN}rounded too far{WARN:#}: {} decimal places are wanted",
                self.precision
            )?,
            Verdict::Wrong => write!(out, "{BAD}WRONG{BAD:#}")?,
            Verdict::Unreadable(why) => {
                write!(out, "{WARN}not read{WARN:#}: {}", spelled(why))?;
            }
            Verdict::Empty => write!(out, "{DIM}empty{DIM:#}")?,
        }
        if let Some(written) = mark.read.as_ref().filter(|written| written.unusual) {
            write!(out, "; read as {}", self.text(written.value))?;
        }
        writeln!(out)?;
        if let Some(looks) = &mark.looks_like {
            let name = match looks.mistake {
                Some(mistake) => format!("{BOLD}{mistake}{BOLD:#}: "),
                None => String::new(),
            };
            writeln!(out, "  looks like {name}{}", looks.what)?;
            writeln!(out, "  {DIM}{}{DIM:#}", looks.mend)?;
        }
        Ok(())
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let marks = self.marks.marks.iter().map(|mark| {
            let (verdict, why, from) = match &mark.verdict {
                Verdict::Right => ("right", None, None),
                Verdict::Follows(from) => ("follows", None, Some(from)),
                Verdict::TooShort => ("too-short", None, None),
                Verdict::Wrong => ("wrong", None, None),
                Verdict::Unreadable(why) => ("unreadable", Some(why), None),
                Verdict::Empty => ("empty", None, None),
            };
            let looks = mark.looks_like.as_ref().map(|looks| {
                json!({"mistake": looks.mistake, "what": looks.what, "mend": looks.mend})
            });
            let mut object = json!({
                "name": mark.name, "text": mark.text, "value": mark.read.as_ref().map(|read| read.value),
                "verdict": verdict, "why": why, "follows_from": from, "slip": looks,
            });
            if self.answers {
                object["answer"] = json!(mark.answer);
            }
            object
        });
        let marks: Vec<_> = marks.collect();
        json!({
            "sheet": self.head, "passed": self.marks.passed(), "right": self.marks.right(),
            "empty": self.marks.empty(), "of": marks.len(), "blanks": marks, "notes": self.marks.notes,
        })
    }

    fn text(&self, value: f64) -> String {
        Numbers(self.precision).fixed(value)
    }
}

/// An answer that fits its column.
fn shortened(text: &str) -> String {
    match text.chars().count() > YOURS {
        true => text.chars().take(YOURS - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// `a`, `a and b`, or `a, b and 2 more`
fn listed(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [one, other, rest @ ..] => format!("{one}, {other} and {} more", rest.len()),
        [] => "numbers".to_owned(),
    }
}
