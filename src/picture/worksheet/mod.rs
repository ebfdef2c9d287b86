//! A worksheet to print: as a page (HTML) and as Markdown.
//!
//! Black on white, for A4 and Letter alike; nothing is loaded and nothing runs.

mod html;
mod markdown;
mod network;

use ndarray::Array2;

use crate::explain::worksheet::{Line, Part, Sheet};

/// What every page begins with, and no other file.
pub const BEGINNING_HTML: &str = "<!doctype html>\n<!-- a worksheet of mlp -->\n";

/// What every worksheet in Markdown begins with.
pub const BEGINNING_MARKDOWN: &str = "<!-- a worksheet of mlp -->\n";

/// A worksheet, and what is said on it.
pub struct Page<'a> {
    /// The numbers.
    pub sheet: &'a Sheet,
    /// The network in words.
    pub network: &'a str,
    /// The lines that say which sheet it is.
    pub head: &'a [String],
    /// The command that marks answers.
    pub check: &'a str,
    /// Whether the answers come last.
    pub answers: bool,
}

/// Lines under one heading.
struct Section<'a> {
    title: &'static str,
    lines: Vec<(&'a Line, &'a Array2<f64>)>,
}

const TITLE: &str = "Backpropagation by hand";

impl Page<'_> {
    /// The lines of the passes, in the order in which one computes them.
    fn sections(&self) -> [Section<'_>; 3] {
        let section = |title, belongs: fn(Part) -> bool| Section {
            title,
            lines: {
                let lines = self.sheet.lines();
                let belongs = |line: &Line| line.part.is_some_and(belongs);
                lines.filter(|(line, _)| belongs(line)).collect()
            },
        };
        [
            section("Forward pass", |part| {
                !part.backward() && part != Part::Step
            }),
            section("Backward pass", Part::backward),
            section("One step of SGD", |part| part == Part::Step),
        ]
    }

    /// What is given, line by line.
    fn given(&self) -> impl Iterator<Item = (&Line, &Array2<f64>)> {
        self.sheet.lines().filter(|(line, _)| line.part.is_none())
    }

    /// What to do, a sentence each.
    fn directions(&self) -> Vec<String> {
        let places = self.sheet.precision();
        let blanks = self.sheet.blanks();
        let mut all = vec![];
        if let Some((name, _)) = blanks.first() {
            let count = match blanks.len() {
                1 => "The one blank is".to_owned(),
                count => format!("The {count} blanks are"),
            };
            all.push(format!(
                "{count} yours, the first is {name}: write every answer to {places} decimal places."
            ));
            all.push(format!(
                "Keep {} places on your calculator, or go on with the {places} that you have written: both are \
                 marked right.",
                places + 2
            ));
        }
        all.push(
            "Counting begins at 0: z1[0][1] is row 0 of the batch, unit 1 of layer 1; w1[0][1] leads from input 0 to \
             unit 1. dz1 stands for ∂L/∂z1."
                .to_owned(),
        );
        all
    }
}

/// A number that is given, as short as it is.
fn given_text(value: f64) -> String {
    minus(&value.to_string())
}

/// With the sign that print has.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// A line of a head as one command of a shell: the first.
fn command(head: &[String]) -> &str {
    head.first().map_or("", String::as_str)
}
