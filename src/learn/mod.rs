//! Exercises: the lesson's functions, written by a student, and judged by what they compute.
//!
//! An exercise is one small file in Python or Rust. `mlp learn` runs the student's own file on batches that are
//! drawn anew for every check, and reads what it computed, the numbers on the way included: see [`protocol`]. What
//! is wrong is then named as in a file of gradients, by [`against()`](crate::check::mistakes::against()), or by what
//! known mistakes make of the one function; the right formula is told only by [`Exercise::hints`].

mod cases;
mod judge;
mod list;
pub mod protocol;
mod slips;

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView2};

use protocol::{Answer, Fault, Reply};

pub use cases::{Case, Expected};
pub use judge::{Looks, Off, Why, Wrong};
pub use slips::Named;

/// The language of the exercises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Python with NumPy; tensors of PyTorch are read as well.
    Python,
    /// Rust with ndarray.
    Rust,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Python, Self::Rust];

    /// Its name in flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Rust => "rust",
        }
    }

    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Python => "py",
            Self::Rust => "rs",
        }
    }

    fn comment(self) -> &'static str {
        match self {
            Self::Python => "# ",
            Self::Rust => "// ",
        }
    }
}

/// One exercise.
#[derive(Debug)]
pub struct Exercise {
    /// Its number, from 1.
    pub number: usize,
    /// Its name, that of its function.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What a grader gives for it.
    pub points: u32,
    /// What helps, more and more: where to look, the idea, the formula.
    pub hints: [&'static str; 3],
    python: &'static str,
    rust: &'static str,
}

/// All of them, in the order of the lesson.
pub fn exercises() -> &'static [Exercise] {
    &list::ALL
}

/// The exercise of a number, or of a name.
pub fn exercise(name: &str) -> Option<&'static Exercise> {
    let stem = name.trim().trim_end_matches(".py").trim_end_matches(".rs");
    let mut all = exercises().iter();
    all.find(|exercise| {
        stem.parse() == Ok(exercise.number) || stem == exercise.name || stem == exercise.stem()
    })
}

/// What is solved between these two lines in the file of an exercise.
const SOLUTION: (&str, &str) = ("solution", "end");

impl Exercise {
    /// `07_lin_grad`
    pub fn stem(&self) -> String {
        format!("{:02}_{}", self.number, self.name)
    }

    /// The name of its file.
    pub fn file_name(&self, language: Language) -> String {
        format!("{}.{}", self.stem(), language.extension())
    }

    /// Whether its docstring says that the arguments stay as they are.
    pub fn keeps_arguments(&self) -> bool {
        self.name == "relu"
    }

    /// Whether it needs MNIST.
    pub fn trains(&self) -> bool {
        self.name == "train"
    }

    fn whole(&self, language: Language) -> &'static str {
        match language {
            Language::Python => self.python,
            Language::Rust => self.rust,
        }
    }

    /// The file of the exercise, before anything is solved.
    pub fn stub(&self, language: Language) -> String {
        let mut stub = String::new();
        let mut inside = false;
        for line in self.whole(language).lines() {
            match mark(line, language) {
                Some(begins) => {
                    inside = begins;
                    if begins {
                        let indent = &line[..line.len() - line.trim_start().len()];
                        stub += &format!("{indent}{}\n", self.unsolved(language));
                    }
                }
                None if inside => {}
                None => {
                    stub += line;
                    stub += "\n";
                }
            }
        }
        stub
    }

    fn unsolved(&self, language: Language) -> String {
        match language {
            Language::Python => {
                format!(
                    "raise NotImplementedError  # write it here, then: mlp learn check {}",
                    self.number
                )
            }
            Language::Rust => {
                format!(
                    "todo!() // write it here, then: mlp learn check {}",
                    self.number
                )
            }
        }
    }

    /// The file with a solution.
    pub fn solution(&self, language: Language) -> String {
        let lines = self.whole(language).lines();
        let kept = lines.filter(|line| mark(line, language).is_none());
        kept.flat_map(|line| [line, "\n"]).collect()
    }

    /// The calls of a check. The same seed gives the same numbers. None for an exercise that [`trains`](Self::trains).
    pub fn cases(&self, seed: u64) -> Vec<Case> {
        cases::cases(self.name, seed)
    }

    /// The call of the training loop on files of bytes: `pixels` (N, I), and N `labels`.
    pub fn training(&self, pixels: &Path, labels: &Path, shape: [usize; 2]) -> Vec<Case> {
        vec![cases::training(pixels, labels, shape)]
    }
}

/// Whether a line begins a solution, or ends one.
fn mark(line: &str, language: Language) -> Option<bool> {
    match line.trim_start().strip_prefix(language.comment())? {
        word if word == SOLUTION.0 => Some(true),
        word if word == SOLUTION.1 => Some(false),
        _ => None,
    }
}

/// The request of a check, as text.
pub fn request(exercise: &Exercise, cases: &[Case]) -> Result<String, String> {
    let arguments = cases.iter().map(|case| &case.arguments[..]);
    protocol::request(exercise.name, arguments)
}

/// What a program answered to all calls of an exercise.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// All is right; the arguments that were changed on the way are worth a word.
    Passed {
        /// The arguments that the student's function changed.
        changed: Vec<String>,
    },
    /// It is still the stub.
    Unwritten,
    /// A result could not be read, or the program ended on an error.
    Fault(Fault),
    /// It ended without an answer to all calls, and without a word.
    Silent,
    /// Wrong results.
    Wrong(Box<Wrong>),
}

/// Judges all calls.
pub fn judge(cases: &[Case], reply: &Reply) -> Found {
    let mut changed = Vec::new();
    let mut example_right = false;
    let mut wrong: Option<Box<Wrong>> = None;
    for (case, answer) in cases.iter().zip(&reply.answers) {
        match judge::judge(case, answer) {
            judge::Call::Right => example_right |= case.example,
            judge::Call::Wrong(mut found) => {
                found.only_example = example_right;
                match &mut wrong {
                    Some(wrong) => wrong.compare(*found),
                    None => wrong = Some(found),
                }
            }
            // What stops a later call does not make the first right; but shapes that the example forgives are told
            // best by the error.
            judge::Call::Fault(_) if wrong.as_ref().is_some_and(|wrong| !wrong.example) => break,
            judge::Call::Fault(fault) => return fault_of(reply, Some(fault)),
        }
        for name in &answer.changed {
            if !changed.contains(name) {
                changed.push(name.clone());
            }
        }
    }
    match wrong {
        Some(mut wrong) => {
            if wrong.example && !wrong.compared {
                // Alone it is too small to name anything.
                wrong
                    .results
                    .iter_mut()
                    .for_each(|off| off.looks_like.clear());
            }
            Found::Wrong(wrong)
        }
        None if reply.fault.is_some() => fault_of(reply, None),
        None if !reply.done || reply.answers.len() < cases.len() => Found::Silent,
        None => Found::Passed { changed },
    }
}

/// Why a call has no result: what ended the program is said before what it left out.
fn fault_of(reply: &Reply, call: Option<Fault>) -> Found {
    match (&reply.fault, call) {
        (Some(fault), _) if fault.kind == "unwritten" => Found::Unwritten,
        (Some(fault), _) => Found::Fault(fault.clone()),
        (None, Some(fault)) if reply.done => Found::Fault(fault),
        (None, _) => Found::Silent,
    }
}

/// A share of right answers that the training loop must reach.
pub const GOAL: f64 = 0.95;

/// How many of these images a student's network reads rightly: w1 (I, H), b1 (H), w2 (H, C), b2 (C).
///
/// An error says which array does not fit.
pub fn accuracy(answer: &Answer, x: ArrayView2<'_, f32>, labels: &[u8]) -> Result<f64, String> {
    let array = |name: &str| {
        let found = answer.values.iter().find(|value| value.name == name);
        found.ok_or_else(|| format!("{name} is missing"))
    };
    let [w1, w2] = [matrix(array("w1")?)?, matrix(array("w2")?)?];
    let [b1, b2] = [vector(array("b1")?)?, vector(array("b2")?)?];
    let fits = [
        ("w1", w1.nrows(), x.ncols(), "rows, one for each pixel"),
        (
            "b1",
            b1.len(),
            w1.ncols(),
            "numbers, one for each column of w1",
        ),
        (
            "w2",
            w2.nrows(),
            w1.ncols(),
            "rows, one for each column of w1",
        ),
        ("w2", w2.ncols(), 10, "columns, one for each digit"),
        (
            "b2",
            b2.len(),
            w2.ncols(),
            "numbers, one for each column of w2",
        ),
    ];
    for (name, found, expected, what) in fits {
        if found != expected {
            return Err(format!("{name} has {found} {what}: expected {expected}"));
        }
    }
    let z = (x.dot(&w1) + &b1).mapv(|l| l.max(0.0)).dot(&w2) + &b2;
    if !z.iter().all(|z| z.is_finite()) {
        return Err(
            "the outputs are not finite: NaN or infinite parameters, or numbers that overflow"
                .into(),
        );
    }
    let right = z.rows().into_iter().zip(labels).filter(|(row, label)| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.is_some_and(|(digit, _)| digit == usize::from(**label))
    });
    Ok(right.count() as f64 / labels.len() as f64)
}

fn matrix(array: &crate::check::mistakes::NamedArray) -> Result<Array2<f32>, String> {
    let values = array.values.iter().map(|&v| v as f32).collect();
    match array.shape[..] {
        [rows, columns] => {
            Array2::from_shape_vec((rows, columns), values).map_err(|e| e.to_string())
        }
        _ => Err(format!(
            "{} has {} axes, expected 2",
            array.name,
            array.shape.len()
        )),
    }
}

fn vector(array: &crate::check::mistakes::NamedArray) -> Result<Array1<f32>, String> {
    let long = array.shape.iter().filter(|&&size| size != 1).count();
    match long <= 1 && !array.shape.is_empty() {
        true => Ok(array.values.iter().map(|&v| v as f32).collect()),
        false => Err(format!(
            "{} has {} axes, expected 1",
            array.name,
            array.shape.len()
        )),
    }
}
