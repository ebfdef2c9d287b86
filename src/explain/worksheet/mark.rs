//! Marks answers: right, right as it follows from the pupil's own numbers, or wrong.

use std::collections::{BTreeSet, HashMap};

use ndarray::Array2;

use super::{Answers, Line, LooksLike, Sheet, Written, read_number, slips};

/// What is said of one answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Right: what is off is rounding.
    Right,
    /// Other than on the answer sheet, but it follows rightly from these wrong answers.
    Follows(Vec<String>),
    /// Right, but with fewer decimal places than are asked for.
    TooShort,
    /// Wrong.
    Wrong,
    /// No number, and why.
    Unreadable(String),
    /// No answer.
    Empty,
}

impl Verdict {
    /// Whether it counts as right.
    pub fn right(&self) -> bool {
        matches!(self, Self::Right | Self::Follows(_))
    }
}

/// The mark of one answer.
#[derive(Clone, Debug)]
pub struct Mark {
    /// What it is the answer to, such as `z1[0][1]`.
    pub name: String,
    /// The formula that it comes from.
    pub formula: String,
    /// What was written; empty if nothing was.
    pub text: String,
    /// The number that was read.
    pub read: Option<Written>,
    /// The right answer.
    pub answer: f64,
    /// Right or wrong.
    pub verdict: Verdict,
    /// What a wrong answer looks like.
    pub looks_like: Option<LooksLike>,
}

/// All answers, marked.
#[derive(Clone, Debug)]
pub struct Marks {
    /// Every blank of the sheet, in its order.
    pub marks: Vec<Mark>,
    /// What is worth saying of the file.
    pub notes: Vec<String>,
}

impl Marks {
    /// How many are right.
    pub fn right(&self) -> usize {
        self.count(Verdict::right)
    }

    /// How many are empty.
    pub fn empty(&self) -> usize {
        self.count(|verdict| *verdict == Verdict::Empty)
    }

    /// Whether there are answers, and all are right.
    pub fn passed(&self) -> bool {
        self.right() == self.marks.len() && !self.marks.is_empty()
    }

    fn count(&self, of: impl Fn(&Verdict) -> bool) -> usize {
        self.marks.iter().filter(|mark| of(&mark.verdict)).count()
    }
}

/// The numbers that a pupil goes on with.
pub(super) struct Own {
    /// Their values: those on the sheet, those written, and where nothing is written what follows from both.
    pub(super) values: Vec<Array2<f64>>,
    /// By how much rounding may have changed them.
    off: Vec<Array2<f64>>,
    /// The wrong answers that each comes from.
    roots: Vec<Array2<BTreeSet<usize>>>,
}

impl Sheet {
    /// Marks answers.
    pub fn mark(&self, answers: &Answers) -> Marks {
        let (texts, notes) = self.texts(answers);
        let mut own = Own {
            values: Vec::new(),
            off: Vec::new(),
            roots: Vec::new(),
        };
        let mut marks = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            self.mark_line(index, line, &texts, &mut own, &mut marks);
        }
        Marks { marks, notes }
    }

    fn mark_line(
        &self,
        index: usize,
        line: &Line,
        texts: &HashMap<String, String>,
        own: &mut Own,
        marks: &mut Vec<Mark>,
    ) {
        let right = &self.values[index];
        if !self.is_blank(line) {
            let given = line.part.is_none();
            own.values.push(match given {
                true => right.clone(),
                false => right.mapv(|value| self.printed(value)),
            });
            let half = if given { 0.0 } else { self.half_unit() };
            own.off.push(Array2::from_elem(right.dim(), half));
            own.roots.push(Array2::default(right.dim()));
            return;
        }
        let inputs: Vec<_> = line.inputs.iter().map(|&i| &own.values[i]).collect();
        let off: Vec<_> = line.inputs.iter().map(|&i| &own.off[i]).collect();
        // From here on: what follows from the pupil's own numbers, and then what is written.
        let follows = line.op.value(&inputs);
        let tolerance = self.tolerance(line, &inputs, &off);
        let mut values = follows.clone();
        let mut offs = tolerance.clone();
        let mut roots = Array2::default(right.dim());
        for (at, &answer) in right.indexed_iter() {
            let name = line.element(at);
            let text = texts.get(&name).cloned().unwrap_or_default();
            let above = self.roots(line, at, &follows, own);
            let read = read_number(&text);
            let verdict = match &read {
                _ if text.trim().is_empty() => Verdict::Empty,
                Err(why) => Verdict::Unreadable(why.clone()),
                Ok(written) => {
                    let as_right = (answer, self.tolerances[index][at]);
                    let as_follows = (follows[at], tolerance[at]);
                    match self.judge(written, as_right, as_follows) {
                        Verdict::Follows(_) if above.is_empty() => Verdict::Right,
                        Verdict::Follows(_) => Verdict::Follows(self.names(&above, marks)),
                        verdict => verdict,
                    }
                }
            };
            let mut looks_like = None;
            match (&verdict, &read) {
                (Verdict::Empty | Verdict::Unreadable(_), _) | (_, Err(_)) => roots[at] = above,
                (verdict, Ok(written)) => {
                    values[at] = written.value;
                    offs[at] = self.half_unit();
                    roots[at] = match verdict {
                        Verdict::Right => BTreeSet::new(),
                        Verdict::Follows(_) => above,
                        _ => BTreeSet::from([marks.len()]),
                    };
                    if *verdict == Verdict::Wrong {
                        let sought = (written.value, follows[at], tolerance[at]);
                        looks_like = slips::looks_like(self, &own.values, index, at, sought);
                    }
                }
            }
            marks.push(Mark {
                name,
                formula: line.formula.clone(),
                text,
                read: read.ok(),
                answer,
                verdict,
                looks_like,
            });
        }
        // A number that cannot be gone on with leaves the right one.
        for (at, value) in values.indexed_iter_mut() {
            if !value.is_finite() {
                *value = right[at];
                offs[at] = self.tolerances[index][at];
            }
        }
        own.values.push(values);
        own.off.push(offs);
        own.roots.push(roots);
    }

    /// A number as a pupil reads it off the sheet.
    fn printed(&self, value: f64) -> f64 {
        super::super::shown(&self.text(value))
    }

    /// Right, or as it follows, or neither.
    fn judge(&self, written: &Written, right: (f64, f64), follows: (f64, f64)) -> Verdict {
        let near = |(value, by): (f64, f64)| (written.value - value).abs() <= by;
        let places = i32::try_from(self.precision).unwrap_or(i32::MAX);
        let short = |(value, by): (f64, f64)| match written.places {
            Some(places @ 1..) => near((value, by + 0.5 * 10.0_f64.powi(-places))),
            _ => false,
        };
        match () {
            () if near(right) => Verdict::Right,
            () if near(follows) => Verdict::Follows(Vec::new()),
            () if written.places.is_some_and(|own| own < places)
                && (short(right) || short(follows)) =>
            {
                Verdict::TooShort
            }
            () => Verdict::Wrong,
        }
    }

    /// The wrong answers that an element comes from: those of its inputs that make a difference.
    fn roots(
        &self,
        line: &Line,
        at: (usize, usize),
        follows: &Array2<f64>,
        own: &Own,
    ) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        let mut found = BTreeSet::new();
        for (place, &input) in line.inputs.iter().enumerate() {
            for (from, roots) in own.roots[input].indexed_iter() {
                if roots.is_empty() {
                    continue;
                }
                let mut mended = own.values[input].clone();
                mended[from] = self.values[input][from];
                let mut inputs: Vec<_> = line.inputs.iter().map(|&i| &own.values[i]).collect();
                inputs[place] = &mended;
                let change = line.op.value(&inputs)[at] - follows[at];
                all.extend(roots);
                // Not a number, if the own one gives none.
                if change.is_nan() || change.abs() > 1e-12 {
                    found.extend(roots);
                }
            }
        }
        let off = (follows[at] - line.op.value(&self.right_inputs(line))[at]).abs();
        match found.is_empty() && off > self.half_unit() {
            true => all, // only together
            false => found,
        }
    }

    fn right_inputs(&self, line: &Line) -> Vec<&Array2<f64>> {
        line.inputs.iter().map(|&i| &self.values[i]).collect()
    }

    fn names(&self, roots: &BTreeSet<usize>, marks: &[Mark]) -> Vec<String> {
        roots.iter().map(|&root| marks[root].name.clone()).collect()
    }

    /// What is said of a name that is not on the sheet.
    fn unknown(&self, name: &str) -> String {
        let shown: String = name.chars().take(40).collect();
        let meant = nearest(name, self.blanks());
        format!("there is no {shown:?} on this sheet: was {meant} meant?")
    }

    /// The answers by the names of the sheet, and what is worth saying of the others.
    fn texts(&self, answers: &Answers) -> (HashMap<String, String>, Vec<String>) {
        let mut names = HashMap::new();
        for (line, values) in self.lines() {
            for (at, _) in values.indexed_iter() {
                let name = line.element(at);
                let mut ways = vec![name.clone(), format!("{}[{}][{}]", line.name, at.0, at.1)];
                if values.nrows() == 1 {
                    ways.push(format!("{}[{}]", line.name, at.1));
                }
                if line.axes == 0 {
                    ways.push("loss".into());
                }
                for way in ways {
                    names
                        .entry(key(&way))
                        .or_insert((name.clone(), self.is_blank(line)));
                }
            }
        }
        let mut texts: HashMap<String, String> = HashMap::new();
        let mut notes = Vec::new();
        for answer in &answers.answers {
            let known = names.get(&key(&answer.name));
            let note = match known {
                None if notes.len() >= MOST_NOTES => Some("another name".to_owned()),
                None => Some(self.unknown(&answer.name)),
                Some((_, false)) if answer.text.is_empty() => None,
                Some((name, false)) => Some(format!("{name} is on the sheet, and no answer")),
                Some((name, true)) => {
                    let before = texts.get(name).filter(|text| !text.is_empty());
                    let again = before.is_some_and(|text| *text != answer.text);
                    if before.is_some() && answer.text.is_empty() {
                        continue;
                    }
                    texts.insert(name.clone(), answer.text.clone());
                    again.then(|| format!("{name} was answered before: the last answer counts"))
                }
            };
            notes.extend(note.map(|note| format!("line {}: {note}", answer.line)));
        }
        let more = notes.len().saturating_sub(MOST_NOTES);
        notes.truncate(MOST_NOTES);
        if more > 0 {
            notes.push(format!("and {more} more lines like these"));
        }
        (texts, notes)
    }
}

/// The most that is said of a file.
const MOST_NOTES: usize = 10;

/// The letters and numbers of a name, however it is put together: `z1[0][1]`, `Z1 [0, 1]`.
fn key(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

/// The name that is most like another.
fn nearest(name: &str, blanks: Vec<(String, f64)>) -> String {
    let name: Vec<_> = key(name).chars().take(40).collect();
    let far = |(other, _): &(String, f64)| {
        let other: Vec<_> = key(other).chars().collect();
        distance(&name, &other)
    };
    let nearest = blanks.into_iter().min_by_key(far);
    nearest.map_or_else(|| "another sheet".into(), |(name, _)| name)
}

/// How many letters have to be put in, left out or replaced.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = before + usize::from(from != to);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
