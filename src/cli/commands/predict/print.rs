//! What is said of pictures.

use std::io::{self, Write};

use mlp::{data::Spec, loss::Decoding, train::familiar::Unfamiliar};
use serde_json::json;

use crate::cli::{
    commands::predict::{Committee, Predict, Verdict, input::Input},
    terminal::{
        output::{BOLD, DIM, GOOD, Output, WARN, percent, spelled, thousands},
        shades,
        wrap::prose,
    },
};

/// The best classes that are named.
const BEST: usize = 3;
/// The most pictures that are described in full.
const IN_FULL: usize = 3;

/// Prints a line or more for each picture.
pub(super) struct Printer<'a> {
    out: &'a mut Output,
    style: Style,
    spec: Spec,
    /// Whether scores are probabilities.
    probabilities: bool,
    /// One output, which is a number.
    nearest: bool,
    many: bool,
    count: usize,
    /// Of those that came with a label: how many, how many are right.
    labelled: (usize, usize),
    refused: usize,
    /// Whether the models say what their images were like.
    can_tell: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Text,
    Json,
    Csv,
}

impl<'a> Printer<'a> {
    pub(super) fn new(
        predict: &Predict,
        committee: &Committee,
        out: &'a mut Output,
    ) -> io::Result<Self> {
        let style = match (predict.json, predict.csv) {
            (true, _) => Style::Json,
            (_, true) => Style::Csv,
            _ => Style::Text,
        };
        if style == Style::Csv {
            out.verbatim(format_args!("ImageId,Label\n"))?;
        }
        Ok(Self {
            out,
            style,
            spec: committee.spec.clone(),
            probabilities: committee.kind.probabilities()
                || committee.kind.decoding() == Decoding::Threshold,
            nearest: committee.kind.decoding() == Decoding::Nearest,
            many: false,
            count: 0,
            labelled: (0, 0),
            refused: 0,
            can_tell: committee
                .models
                .iter()
                .all(|m| m.metadata.familiar.is_some()),
        })
    }

    pub(super) fn print(&mut self, input: &Input, verdict: &Verdict) -> io::Result<()> {
        self.count += 1;
        if let Some(label) = input.label {
            self.labelled.0 += 1;
            self.labelled.1 += usize::from(label == verdict.label);
        }
        let doubts = self.doubts(input, verdict);
        self.refused += usize::from(!doubts.is_empty());
        match self.style {
            Style::Json => self.json(input, verdict, &doubts),
            Style::Csv => {
                let (id, class) = (self.count, self.spec.class(verdict.label));
                let class = match class.contains(['"', ',', '\n']) {
                    true => format!("\"{}\"", class.replace('"', "\"\"")),
                    false => class.to_owned(),
                };
                self.out.verbatim(format_args!("{id},{class}\n"))
            }
            Style::Text => {
                self.many |= self.count > IN_FULL || input.name.ends_with(']');
                match self.many {
                    true => self.line(input, verdict, &doubts),
                    false => self.in_full(input, verdict, &doubts),
                }
            }
        }
    }

    /// Why a picture may not be what the model was trained for, in words.
    fn doubts(&self, input: &Input, verdict: &Verdict) -> Vec<String> {
        let prepared = input.prepared.iter().flat_map(|prepared| &prepared.doubts);
        let mut doubts: Vec<_> = prepared.map(ToString::to_string).collect();
        if verdict.scores.iter().any(|score| !score.is_finite()) {
            doubts.push("the outputs of the network are no finite numbers".to_owned());
        }
        for against in verdict.against.iter().flatten() {
            doubts.push(match against {
                Unfamiliar::Unsure => {
                    "the model is less sure than of 99 % of its validation images".to_owned()
                }
                Unfamiliar::Frame => {
                    "more ink near the edges than in 99 % of its validation images".to_owned()
                }
            });
        }
        doubts
    }

    fn json(&mut self, input: &Input, verdict: &Verdict, doubts: &[String]) -> io::Result<()> {
        let steps = input.prepared.iter().flat_map(|prepared| &prepared.steps);
        let steps: Vec<_> = steps.map(|step| &step.words).collect();
        let unlike = match (&verdict.against, doubts.is_empty()) {
            (_, false) => Some(true),
            (Some(_), true) => Some(false),
            (None, true) => None, // cannot be told
        };
        let scores = match self.probabilities {
            true => "probabilities",
            false => "outputs",
        };
        let mut object = json!({
            "event": "prediction", "picture": input.name,
            "class": self.spec.class(verdict.label), "label": verdict.label,
            "unlike_training": unlike, "doubts": doubts, "steps": steps, "pixels": input.pixels,
        });
        object[scores] = json!(verdict.scores);
        if let Some(label) = input.label {
            object["expected"] = json!(self.spec.class(label));
        }
        self.out.json(object)
    }

    /// The best classes: `5 98.31 %, 3 1.20 %, 8 0.30 %`.
    fn best(&self, verdict: &Verdict) -> String {
        let mut classes: Vec<_> = (0_u8..=255).zip(&verdict.scores).collect();
        if self.nearest {
            return format!(
                "{} (output {:.3})",
                self.spec.class(verdict.label),
                classes[0].1
            );
        }
        classes.sort_by(|a, b| b.1.total_cmp(a.1));
        let text = |&(class, &score): &(u8, &f64)| {
            let name = self.spec.class(class);
            match self.probabilities {
                true => format!("{name} {}", percent(score)),
                false => format!("{name} {score:.3}"),
            }
        };
        let best: Vec<_> = classes.iter().take(BEST).map(text).collect();
        match best.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                format!("{BOLD}{first}{BOLD:#}{DIM}, {}{DIM:#}", rest.join(", "))
            }
            _ => best.concat(),
        }
    }

    fn line(&mut self, input: &Input, verdict: &Verdict, doubts: &[String]) -> io::Result<()> {
        let best = self.best(verdict);
        let right = match input.label {
            None => String::new(),
            Some(label) if label == verdict.label => format!("  {GOOD}right{GOOD:#}"),
            Some(label) => format!("  {WARN}labelled {}{WARN:#}", self.spec.class(label)),
        };
        let doubts = match doubts.is_empty() {
            true => String::new(),
            false => format!(
                "  {WARN}unlike the training images{WARN:#}: {}",
                doubts.join("; ")
            ),
        };
        writeln!(self.out, "{}: {best}{right}{doubts}", spelled(&input.name))
    }

    fn in_full(&mut self, input: &Input, verdict: &Verdict, doubts: &[String]) -> io::Result<()> {
        if self.count > 1 {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{BOLD}{}{BOLD:#}", spelled(&input.name))?;
        if let Some(prepared) = &input.prepared {
            let steps: Vec<_> = prepared.steps.iter().map(|step| &*step.words).collect();
            let text = format!("{DIM}{}{DIM:#}", steps.join("; "));
            writeln!(self.out, "{}", prose(&text, 2))?;
        }
        let (cols, pixels) = (self.spec.cols, &input.pixels);
        let value = |row: usize, col: usize| f64::from(pixels[row * cols + col]) / 255.0;
        writeln!(self.out)?;
        if !shades::image((self.spec.rows, cols), value, self.out)? {
            writeln!(self.out, "  {DIM}an image of one shade{DIM:#}")?;
        }
        writeln!(self.out)?;
        if let Some((first, rest)) = doubts.split_first() {
            let more: String = rest.iter().map(|doubt| format!("; {doubt}")).collect();
            let text = format!("{WARN}unlike the training images{WARN:#}: {first}{more}");
            writeln!(self.out, "{}", prose(&text, 2))?;
            return writeln!(self.out, "if it has to be one: {}", self.best(verdict));
        }
        writeln!(self.out, "{}", self.best(verdict))
    }

    /// How many there were, and, where labels came with them, how many were right.
    pub(super) fn finish(self) -> io::Result<usize> {
        let (labelled, right) = self.labelled;
        if self.style == Style::Text && self.count > IN_FULL {
            let (count, refused) = (thousands(self.count as u64), self.refused as u64);
            writeln!(
                self.out,
                "\n{count} pictures{}",
                match self.can_tell || refused > 0 {
                    true => format!(
                        ", {} of them unlike the training images",
                        thousands(refused)
                    ),
                    false => String::new(),
                }
            )?;
            if labelled > 0 {
                writeln!(
                    self.out,
                    "right: {} of {} with a label, {}",
                    thousands(right as u64),
                    thousands(labelled as u64),
                    percent(right as f64 / labelled as f64)
                )?;
            }
        }
        self.out.flush()?;
        Ok(self.count)
    }
}
