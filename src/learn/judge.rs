//! What is right and wrong in what a student's program answered.

use ndarray::ArrayD;

use super::{
    cases::{Case, Expected},
    protocol::{Answer, Fault},
    slips::Named,
};
use crate::check::mistakes::{Explanation, NamedArray, Precision, against};

/// What is wrong with a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// The results that are wrong of themselves, and not because of others.
    pub results: Vec<String>,
    /// The last one before them that is right, where they are computed one from another.
    pub right_as_far_as: Option<String>,
    /// What is wrong with the first of them.
    pub why: Why,
    /// The mistakes that give the very numbers; several if they cannot be told apart.
    pub looks_like: Vec<Vec<Looks>>,
    /// Whether it is the example of the docstring.
    pub example: bool,
    /// Whether the example of the docstring is right, and this call is not.
    pub only_example: bool,
}

impl Wrong {
    /// Learns from another call: what gives the numbers of both is likelier than what gives those of one.
    pub(super) fn compare(&mut self, other: Box<Self>) {
        if other.looks_like.is_empty() {
            return;
        }
        if self.looks_like.is_empty() && self.results != other.results {
            *self = *other;
            return;
        }
        let names = |looks: &[Looks]| {
            looks
                .iter()
                .map(|looks| looks.name.clone())
                .collect::<Vec<_>>()
        };
        let of_both: Vec<_> = other
            .looks_like
            .iter()
            .filter(|looks| self.looks_like.iter().any(|own| names(own) == names(looks)))
            .cloned()
            .collect();
        match (self.looks_like.is_empty(), of_both.is_empty()) {
            (true, _) => self.looks_like = other.looks_like,
            (false, false) => self.looks_like = of_both,
            (false, true) => {}
        }
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
        let mut values = answer.values.iter();
        values.find(|value| value.name == expected.name)
    };
    let faulty = case.expected.iter().find_map(|expected| {
        let array = found(expected)?;
        Some((expected, array, fault(expected, array)?))
    });
    let Some((expected, array, why)) = faulty else {
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
    };
    let mut wrong = Wrong {
        results: vec![expected.name.clone()],
        right_as_far_as: None,
        why,
        looks_like: Vec::new(),
        example: case.example,
        only_example: false,
    };
    by_slips(&mut wrong, expected, array);
    match case.problem.is_some() {
        true => by_network(&mut wrong, case, answer),
        false => {
            // Results that do not depend on each other.
            let others = case
                .expected
                .iter()
                .filter(|other| other.name != expected.name);
            let also =
                others.filter(|other| found(other).is_some_and(|a| fault(other, a).is_some()));
            wrong.results.extend(also.map(|other| other.name.clone()));
        }
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
    // A few dozen operations, each off by the unit roundoff.
    const OPERATIONS: f64 = 1e3;
    let single = |v: &f64| f64::from(*v as f32) == *v;
    let u = match array.precision {
        // Integers are what somebody wrote with a dtype of integers: exact, or wrong.
        Precision::F64 if array.values.iter().all(single) => Precision::F32.unit_roundoff(),
        Precision::Integer => Precision::F64.unit_roundoff(),
        other => other.unit_roundoff(),
    };
    let scale = expected.value.fold(0.0_f64, |most, v| most.max(v.abs()));
    (OPERATIONS * u + expected.tolerance) * scale.max(1e-3)
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
fn by_slips(wrong: &mut Wrong, expected: &Expected, array: &NamedArray) {
    let allowed = allowed(expected, array);
    let fits = |slip: &ArrayD<f64>| {
        let shape = slip.shape() == array.shape || (slip.ndim() == 0 && array.values.len() == 1);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= allowed;
        shape && slip.iter().zip(&array.values).all(near)
    };
    for (named, slip) in &expected.slips {
        let known = wrong
            .looks_like
            .iter()
            .any(|looks| looks[0].name == named.name);
        if fits(slip) && !known {
            wrong.looks_like.push(vec![(*named).into()]);
        }
    }
}

/// The mistakes that give the results, of those that are known for a network.
fn by_network(wrong: &mut Wrong, case: &Case, answer: &Answer) {
    let Some((problem, known)) = &case.problem else {
        return;
    };
    let placed = case.expected.iter().filter_map(|expected| {
        let array = answer
            .values
            .iter()
            .find(|value| value.name == expected.name)?;
        let mut array = array.clone();
        // A loss may stand in an array of one number.
        if expected.value.ndim() == 0 && array.values.len() == 1 {
            array.shape = Vec::new();
        }
        array.name = expected.place.clone()?;
        Some(array)
    });
    let theirs: Vec<_> = known.iter().cloned().chain(placed).collect();
    let judgement = against(&theirs, problem, None);
    // In the order in which they are computed, which the expected results have.
    let tensors = case.expected.iter().filter_map(|expected| {
        let mut tensors = judgement.tensors.iter();
        let tensor = tensors.find(|tensor| expected.place.as_deref() == Some(&tensor.place[..]))?;
        Some((expected, tensor))
    });
    let roots: Vec<_> = tensors
        .filter(|(expected, tensor)| {
            let array = answer
                .values
                .iter()
                .find(|value| value.name == expected.name);
            let faulty = array.is_some_and(|array| fault(expected, array).is_some());
            faulty && tensor.follows.is_none()
        })
        .collect();
    let Some((first, _)) = roots.first() else {
        return;
    };
    let explained = roots
        .iter()
        .find(|(_, tensor)| !tensor.looks_like.is_empty());
    wrong.results = roots
        .iter()
        .map(|(expected, _)| expected.name.clone())
        .collect();
    if let Some(array) = answer.values.iter().find(|value| value.name == first.name)
        && let Some(why) = fault(first, array)
    {
        wrong.why = why;
    }
    // What the exercise itself was given is right, and need not be said.
    wrong.right_as_far_as = right_before(case, answer, first);
    if let (true, Some((_, tensor))) = (
        wrong.looks_like.is_empty() || first.slips.is_empty(),
        explained,
    ) {
        wrong.looks_like = tensor.looks_like.iter().map(looks).collect();
    }
}

/// The last result before this one that is right.
fn right_before(case: &Case, answer: &Answer, first: &Expected) -> Option<String> {
    let before = case
        .expected
        .iter()
        .take_while(|expected| expected.name != first.name);
    let right = before.filter(|expected| {
        let array = answer
            .values
            .iter()
            .find(|value| value.name == expected.name);
        array.is_some_and(|array| fault(expected, array).is_none())
    });
    right.last().map(|expected| expected.name.clone())
}

fn looks(explanation: &Explanation) -> Vec<Looks> {
    let slips = explanation.slips.iter();
    slips
        .map(|slip| Looks {
            name: slip.mistake.name().into(),
            what: slip.mistake.what().into(),
        })
        .collect()
}
