//! A worksheet: the forward and backward pass of one tiny network with its numbers blanked, and how answers are marked.
//!
//! | file | what it is |
//! |---|---|
//! | `line.rs` | a line of the passes, and how it comes from earlier ones |
//! | `script.rs` | which lines there are, in which order |
//! | `made.rs` | networks whose numbers are pleasant by hand |
//! | `blanks.rs` | what is left blank |
//! | `number.rs`, `answers.rs` | how people write numbers, and the file that they write them in |
//! | `mark.rs`, `slips.rs` | right, wrong, or right in itself; and what a wrong answer looks like |
//!
//! A pupil rounds, and goes on with rounded numbers. So every number has a tolerance that is carried from line to
//! line, and an answer is also held against what the pupil's own earlier numbers make of its formula.

mod answers;
mod blanks;
mod line;
mod made;
mod mark;
mod number;
mod script;
mod slips;

use ndarray::Array2;

use super::Numbers;
use crate::check::mistakes::{Problem, Step};

pub use answers::{Answer, Answers, COLUMNS, MAX_BYTES, read_answers};
pub use blanks::Blanks;
pub use line::{Line, Part};
pub use made::Made;
pub use mark::{Mark, Marks, Verdict};
pub use number::{Written, read_number};
pub use slips::LooksLike;

use script::Script;

/// The most units of a layer, inputs and outputs among them.
pub const MAX_UNITS: usize = 4;
/// The most layers with weights.
pub const MAX_LAYERS: usize = 3;
/// The most rows of a batch.
pub const MAX_ROWS: usize = 3;

/// Decimal places that a given number has at most.
const GIVEN_PLACES: i32 = 6;

/// Why there is no worksheet.
#[derive(Debug, thiserror::Error)]
pub enum WorksheetError {
    /// More than a page holds.
    #[error(
        "layers of {widths:?} units and {rows} rows, expected what fits a page: 1 to {MAX_UNITS} units a layer, 1 to \
         {MAX_LAYERS} layers of weights and 1 to {MAX_ROWS} rows"
    )]
    TooLarge {
        /// The widths, from the inputs to the outputs.
        widths: Vec<usize>,
        /// N
        rows: usize,
    },
    /// The softmax of one output.
    #[error("cross-entropy of one output: its softmax is always 1, expected at least 2 outputs")]
    OneClass,
    /// Nothing pleasant was drawn.
    #[error(
        "no numbers were found that are pleasant by hand: try another seed, or a smaller network"
    )]
    NotPleasant,
    /// Dropout.
    #[error("a network with dropout, expected one without: its mask would have to be given")]
    Dropout,
    /// Numbers that rounding spoils.
    #[error(
        "{name} is {value}: with numbers rounded to {precision} decimal places it is uncertain by {by:.1e}; ask for \
         more places, or take a network with numbers nearer to 1"
    )]
    Uncertain {
        /// The element.
        name: String,
        /// Its value.
        value: f64,
        /// The places asked for.
        precision: usize,
        /// Its tolerance.
        by: f64,
    },
}

/// A worksheet.
pub struct Sheet {
    lines: Vec<Line>,
    values: Vec<Array2<f64>>,
    tolerances: Vec<Array2<f64>>,
    blanks: Blanks,
    precision: usize,
    rate: f64,
    /// Whether given numbers had more decimal places than a sheet shows, and were rounded.
    pub rounded: bool,
}

impl Sheet {
    /// The worksheet of a problem, with one step of SGD, of all parameters or of the weights alone. Answers are asked
    /// for to `precision` decimal places.
    pub fn new(
        mut problem: Problem,
        learning_rate: f64,
        biases: bool,
        blanks: Blanks,
        precision: usize,
    ) -> Result<Self, WorksheetError> {
        check_size(&problem)?;
        let rounded = round_given(&mut problem);
        let script = Script::new(&problem, learning_rate, biases);
        let values = script.values();
        let mut sheet = Self {
            lines: script.lines,
            values,
            tolerances: Vec::new(),
            blanks,
            precision,
            rate: learning_rate,
            rounded,
        };
        sheet.tolerances = sheet.tolerances()?;
        Ok(sheet)
    }

    /// Every line with its values: first those that are given.
    pub fn lines(&self) -> impl Iterator<Item = (&Line, &Array2<f64>)> {
        self.lines.iter().zip(&self.values)
    }

    /// Whether a line is left blank.
    pub fn is_blank(&self, line: &Line) -> bool {
        self.blanks.has(line)
    }

    /// The decimal places that are asked for.
    pub fn precision(&self) -> usize {
        self.precision
    }

    /// The learning rate of the step.
    pub fn learning_rate(&self) -> f64 {
        self.rate
    }

    /// The text of a number of the passes.
    pub fn text(&self, value: f64) -> String {
        Numbers(self.precision).fixed(value)
    }

    /// The names of all blanks with their right answers, in the order of the sheet.
    pub fn blanks(&self) -> Vec<(String, f64)> {
        let blank = self.lines().filter(|(line, _)| self.is_blank(line));
        let elements = blank.flat_map(|(line, values)| {
            let elements = values.indexed_iter();
            elements.map(|(at, &value)| (line.element(at), value))
        });
        elements.collect()
    }

    /// Half a unit of the last place.
    fn half_unit(&self) -> f64 {
        0.5 * 10.0_f64.powi(-i32::try_from(self.precision).unwrap_or(i32::MAX))
    }

    /// By how much a careful pupil may be off, element by element.
    fn tolerances(&self) -> Result<Vec<Array2<f64>>, WorksheetError> {
        let mut tolerances: Vec<Array2<f64>> = Vec::new();
        for (line, value) in self.lines() {
            if line.part.is_none() {
                tolerances.push(Array2::zeros(value.dim()));
                continue;
            }
            let inputs: Vec<_> = line.inputs.iter().map(|&i| &self.values[i]).collect();
            let off: Vec<_> = line.inputs.iter().map(|&i| &tolerances[i]).collect();
            let tolerance = self.tolerance(line, &inputs, &off);
            for (at, &by) in tolerance.indexed_iter() {
                let value = value[at];
                // A tenth of a number is no answer.
                if !(value.is_finite() && by <= 0.1 * value.abs().max(1.0)) {
                    return Err(WorksheetError::Uncertain {
                        name: line.element(at),
                        value,
                        precision: self.precision,
                        by,
                    });
                }
            }
            tolerances.push(tolerance);
        }
        Ok(tolerances)
    }

    /// The tolerance of a line whose inputs are off by this much: what becomes of that, and what is rounded in the line.
    fn tolerance(&self, line: &Line, inputs: &[&Array2<f64>], off: &[&Array2<f64>]) -> Array2<f64> {
        let value = line.op.value(inputs);
        let own = line.op.roundings(inputs) as f64 * self.half_unit();
        // Half a unit is met exactly, and decimals are no binary numbers.
        const SLACK: f64 = 1e-9;
        let mut tolerance = value.mapv(|value| own + SLACK * value.abs().max(1.0));
        for (index, off) in off.iter().enumerate() {
            for (at, &by) in off.indexed_iter().filter(|(_, by)| **by > 0.0) {
                let moved = |by: f64| {
                    let mut input = inputs[index].clone();
                    input[at] += by;
                    let mut inputs = inputs.to_vec();
                    inputs[index] = &input;
                    (line.op.value(&inputs) - &value).mapv(f64::abs)
                };
                let (up, down) = (moved(by), moved(-by));
                tolerance.zip_mut_with(&up, |all, by| *all += by);
                // The larger of both.
                tolerance.zip_mut_with(&(down - up), |all, by| *all += by.max(0.0));
            }
        }
        tolerance
    }
}

/// Refuses a network that fits no page.
fn check_size(problem: &Problem) -> Result<(), WorksheetError> {
    let linears = problem.linears();
    let outputs = linears.iter().map(|&m| problem.widths()[m]);
    let widths: Vec<_> = std::iter::once(problem.x.ncols()).chain(outputs).collect();
    let rows = problem.n();
    let dropout = |step: &Step| matches!(step, Step::Mask(_));
    if problem.steps.iter().any(dropout) {
        return Err(WorksheetError::Dropout);
    }
    let fits = widths.iter().all(|width| (1..=MAX_UNITS).contains(width))
        && (1..=MAX_LAYERS).contains(&linears.len())
        && (1..=MAX_ROWS).contains(&rows);
    match fits {
        true => Ok(()),
        false => Err(WorksheetError::TooLarge { widths, rows }),
    }
}

/// Rounds what is given to what a sheet shows; returns whether that changed anything.
fn round_given(problem: &mut Problem) -> bool {
    let unit = 10.0_f64.powi(GIVEN_PLACES);
    let mut changed = false;
    let mut round = |values: &mut Array2<f64>| {
        for value in values {
            let rounded = (*value * unit).round() / unit;
            // Whether by more than the last bits of a decimal number.
            changed |= (rounded - *value).abs() > 1e-12 * value.abs();
            *value = rounded;
        }
    };
    round(&mut problem.x);
    round(&mut problem.t);
    for step in &mut problem.steps {
        if let Step::Linear { w, b } = step {
            round(w);
            round(b);
        }
    }
    changed
}

#[cfg(test)]
mod tests;
