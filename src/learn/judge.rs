//! What is right and wrong in what a student's program answered.

use ndarray::ArrayD;

use super::{
    cases::{Case, Expected},
    protocol::{Answer, Fault},
    slips::Named,
};
use crate::check::mistakes::{
    Explanation, Mistake, NamedArray, Objective, Precision, Problem, against,
};

/// What is wrong with a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// The results that are wrong of themselves, and not because of others; at least one.
    pub results: Vec<Off>,
    /// The last one before them that is right, where they are computed one from another.
    pub right_as_far_as: Option<String>,
    /// Whether it is the example of the docstring.
    pub example: bool,
    /// Whether the example of the docstring is right, and this call is not.
    pub only_example: bool,
    /// Whether the names come from calls that are no example.
    pub(super) compared: bool,
}

/// A result that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Off {
    /// Its name.
    pub name: String,
    /// How it is wrong.
    pub why: Why,
    /// The mistakes that give the very numbers; several if they cannot be told apart.
    pub looks_like: Vec<Vec<Looks>>,
}

impl Wrong {
    /// The first result that known mistakes explain.
    pub fn explained(&self) -> Option<&Off> {
        self.results.iter().find(|off| !off.looks_like.is_empty())
    }

    fn names(&self) -> Vec<&str> {
        self.results.iter().map(|off| &off.name[..]).collect()
    }

    /// Learns from another call. The example of a docstring is too small to tell mistakes apart: its numbers are shown,
    /// but they name nothing. What gives the numbers of two others is likelier than what gives those of one.
    pub(super) fn compare(&mut self, other: Self) {
        if self.names() != other.names() {
            if (self.example && !self.compared) || self.explained().is_none() {
                *self = other;
            }
            return;
        }
        let untrusted = self.example && !self.compared;
        let names = |looks: &[Looks]| {
            looks
                .iter()
                .map(|looks| looks.name.clone())
                .collect::<Vec<_>>()
        };
        for (own, other) in self.results.iter_mut().zip(other.results) {
            let known =
                |looks: &[Looks]| own.looks_like.iter().any(|own| names(own) == names(looks));
            let of_both: Vec<_> = other
                .looks_like
                .iter()
                .filter(|looks| known(looks))
                .cloned()
                .collect();
            if untrusted || own.looks_like.is_empty() {
                own.looks_like = other.looks_like;
            } else if !of_both.is_empty() {
                own.looks_like = of_both;
            }
        }
        self.compared = true;
    }
}

/// A mistake that gives the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub what: String,
}

impl From<Named> for Looks {
    fn from(Named { name, what }: Named) -> Self {
        Self {
            name: name.into(),
            what: what.into(),
        }
    }
}

/// How a result is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// It has another shape.
    Shape {
        /// Its shape.
        found: Vec<usize>,
        /// The one it should have.
        expected: Vec<usize>,
        /// The result that should have this shape.
        other: Option<String>,
    },
    /// Some numbers are NaN or infinite: the first such.
    NotFinite {
        /// Where it stands.
        at: Vec<usize>,
        /// NaN or an infinity.
        found: f64,
    },
    /// Other numbers: the one that is most off.
    Numbers {
        /// Where it stands.
        at: Vec<usize>,
        /// What was found there.
        found: f64,
        /// What belongs there.
        expected: f64,
        /// How many are off, and of how many.
        off: (usize, usize),
        /// All are the right ones times this factor.
        ratio: Option<f64>,
    },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Right,
    Fault(Fault),
    Wrong(Box<Wrong>),
}

/// Judges what came of a call.
pub(super) fn judge(case: &Case, answer: &Answer) -> Call {
    let found = |expected: &Expected| {
        answer
            .values
            .iter()
            .find(|value| value.name == expected.name)
    };
    let off = case.expected.iter().filter_map(|expected| {
        let array = found(expected)?;
        let mut why = fault(expected, array)?;
        if let Why::Shape { found, other, .. } = &mut why {
            let mut others = case
                .expected
                .iter()
                .filter(|other| other.name != expected.name);
            *other = others
                .find(|other| other.value.shape() == found)
                .map(|other| other.name.clone());
        }
        Some(Off {
            name: expected.name.clone(),
            why,
            looks_like: by_slips(expected, array),
        })
    });
    let results: Vec<_> = off.collect();
    if results.is_empty() {
        let missing = case
            .expected
            .iter()
            .find(|expected| found(expected).is_none());
        return match (&answer.fault, missing) {
            (Some(fault), _) => Call::Fault(fault.clone()),
            (None, Some(expected)) => Call::Fault(Fault {
                kind: "none".into(),
                words: vec![expected.name.clone()],
            }),
            (None, None) => Call::Right,
        };
    }
    let mut wrong = Wrong {
        results,
        right_as_far_as: None,
        example: case.example,
        only_example: false,
        compared: false,
    };
    if let Some((problem, known)) = &case.problem {
        by_network(&mut wrong, case, answer, (problem, known));
    }
    Call::Wrong(Box::new(wrong))
}

/// What is wrong with a result, if anything is.
fn fault(expected: &Expected, array: &NamedArray) -> Option<Why> {
    let right = &expected.value;
    // A single number may stand in brackets, or without them.
    let scalar = right.len() == 1 && array.values.len() == 1;
    if array.shape != right.shape() && !scalar {
        return Some(Why::Shape {
            found: array.shape.clone(),
            expected: right.shape().to_vec(),
            other: None,
        });
    }
    let at = |place: usize| index(right.shape(), place);
    if let Some(place) = array.values.iter().position(|v| !v.is_finite()) {
        let found = array.values[place];
        return Some(Why::NotFinite {
            at: at(place),
            found,
        });
    }
    let allowed = allowed(expected, array);
    let off = |(found, right): (&f64, &f64)| (found - right).abs();
    let pairs = || array.values.iter().zip(right);
    let count = pairs().filter(|&pair| off(pair) > allowed).count();
    let worst = pairs()
        .enumerate()
        .max_by(|a, b| off(a.1).total_cmp(&off(b.1)));
    match worst {
        Some((place, (&found, &wanted))) if count > 0 => Some(Why::Numbers {
            at: at(place),
            found,
            expected: wanted,
            off: (count, right.len()),
            ratio: ratio(&array.values, right, allowed),
        }),
        _ => None,
    }
}

/// By how much a result may be off for rounding alone.
fn allowed(expected: &Expected, array: &NamedArray) -> f64 {
    // A few dozen operations, each off by the unit roundoff; halves are rough, but not so rough that wrong is right.
    const OPERATIONS: f64 = 1e3;
    const MOST: f64 = 0.01;
    let single = |v: &f64| f64::from(*v as f32) == *v;
    let u = match array.precision {
        // Integers are what somebody wrote with a dtype of integers: exact, or wrong.
        Precision::F64 if array.values.iter().all(single) => Precision::F32.unit_roundoff(),
        Precision::Integer => Precision::F64.unit_roundoff(),
        other => other.unit_roundoff(),
    };
    let scale = expected.value.fold(0.0_f64, |most, v| most.max(v.abs()));
    ((OPERATIONS * u).min(MOST) + expected.tolerance) * scale.max(1e-3)
}

/// The factor between what was found and what is right, if it is one and the same everywhere.
fn ratio(found: &[f64], right: &ArrayD<f64>, allowed: f64) -> Option<f64> {
    let dot: f64 = found.iter().zip(right).map(|(f, r)| f * r).sum();
    let squares: f64 = right.iter().map(|r| r * r).sum();
    let ratio = dot / squares;
    let fits = found
        .iter()
        .zip(right)
        .all(|(f, r)| (f - ratio * r).abs() <= allowed * ratio.abs().max(1.0));
    // A single number is any multiple of another.
    (right.len() > 1 && ratio.is_finite() && ratio != 0.0 && fits).then_some(ratio)
}

/// The index of an element counted row by row.
fn index(shape: &[usize], mut place: usize) -> Vec<usize> {
    let mut at: Vec<_> = shape
        .iter()
        .rev()
        .map(|&size| {
            let here = place % size.max(1);
            place /= size.max(1);
            here
        })
        .collect();
    at.reverse();
    at
}

/// The mistakes that give a result, of those that are known for this function.
fn by_slips(expected: &Expected, array: &NamedArray) -> Vec<Vec<Looks>> {
    let allowed = allowed(expected, array);
    let fits = |slip: &ArrayD<f64>| {
        let shape = slip.shape() == array.shape || (slip.ndim() == 0 && array.values.len() == 1);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= allowed;
        shape && slip.iter().zip(&array.values).all(near)
    };
    let mut looks_like: Vec<Vec<Looks>> = Vec::new();
    for (named, slip) in &expected.slips {
        let known = looks_like.iter().any(|looks| looks[0].name == named.name);
        if fits(slip) && !known {
            looks_like.push(vec![(*named).into()]);
        }
    }
    looks_like
}

/// The results that are wrong of themselves, and the mistakes that give them, of those that are known for a network.
fn by_network(
    wrong: &mut Wrong,
    case: &Case,
    answer: &Answer,
    (problem, known): (&Problem, &[NamedArray]),
) {
    let placed = case.expected.iter().filter_map(|expected| {
        let mut values = answer.values.iter();
        let mut array = values.find(|value| value.name == expected.name)?.clone();
        // A loss may stand in an array of one number.
        if expected.value.ndim() == 0 && array.values.len() == 1 {
            array.shape = Vec::new();
        }
        array.name = expected.place.clone()?;
        Some(array)
    });
    let theirs: Vec<_> = known.iter().cloned().chain(placed).collect();
    let judgement = against(&theirs, problem, None);
    let tensor = |off: &Off| {
        let mut all = case.expected.iter();
        let place = all
            .find(|expected| expected.name == off.name)?
            .place
            .as_deref()?;
        judgement
            .tensors
            .iter()
            .find(|tensor| tensor.place == place)
    };
    let roots = wrong
        .results
        .iter()
        .filter(|off| tensor(off).is_none_or(|tensor| tensor.follows.is_none()));
    let mut roots: Vec<_> = roots.cloned().collect();
    for root in &mut roots {
        if let (true, Some(tensor)) = (root.looks_like.is_empty(), tensor(root)) {
            let looks = tensor
                .looks_like
                .iter()
                .map(|explanation| looks(explanation, problem.objective));
            root.looks_like = told_apart(looks.collect());
        }
    }
    if !roots.is_empty() {
        wrong.results = roots;
    }
    wrong.right_as_far_as = right_before(case, answer, &wrong.results[0].name);
}

/// What the numbers can never tell apart is named once, by its plainer name.
fn told_apart(looks_like: Vec<Vec<Looks>>) -> Vec<Vec<Looks>> {
    let is =
        |looks: &[Looks], mistake: Mistake| matches!(looks, [one] if one.name == mistake.name());
    let plain = looks_like
        .iter()
        .any(|looks| is(looks, Mistake::ReluMaskMissing));
    let kept = |looks: &Vec<Looks>| !(plain && is(looks, Mistake::ReluMaskAtZero));
    looks_like.into_iter().filter(kept).collect()
}

/// The last result before this one that is right.
fn right_before(case: &Case, answer: &Answer, first: &str) -> Option<String> {
    let before = case
        .expected
        .iter()
        .take_while(|expected| expected.name != first);
    let right = before.filter(|expected| {
        let array = answer
            .values
            .iter()
            .find(|value| value.name == expected.name);
        array.is_some_and(|array| fault(expected, array).is_none())
    });
    right.last().map(|expected| expected.name.clone())
}

fn looks(explanation: &Explanation, objective: Objective) -> Vec<Looks> {
    let slips = explanation.slips.iter();
    slips
        .map(|slip| Looks {
            name: slip.mistake.name().into(),
            what: what(slip.mistake, objective).into(),
        })
        .collect()
}

/// What is wrong, where the loss is known.
fn what(mistake: Mistake, objective: Objective) -> &'static str {
    match (mistake, objective) {
        (Mistake::MeanOverOthers, Objective::Ce(_)) => {
            "divides by all N·C numbers, where the loss is a mean over the N rows"
        }
        (Mistake::MeanOverOthers, _) => {
            "divides by the N rows, where the loss is a mean over all N·C numbers"
        }
        (Mistake::ResForDiff, _) => {
            "the output stands where its difference from the target is meant"
        }
        (mistake, _) => mistake.what(),
    }
}
