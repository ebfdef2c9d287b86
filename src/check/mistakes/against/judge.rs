//! Judges one array.

use ndarray::Array2;

use super::{Judged, Passed, Verdict, name_of, verdict::THE_PARAMETER};
use crate::check::mistakes::{
    Explanation, Mistake, NamedArray, Precision, Problem, Slip, Step,
    board::Leaf,
    estimate::Estimate,
    names::{How, What},
    search::{Search, Sought, bound, dot},
    shape::{self, Reading},
};

pub(super) struct Judge<'a> {
    pub(super) problem: &'a Problem,
    pub(super) search: Search<'a>,
    pub(super) tolerance: Option<f64>,
}

impl Judge<'_> {
    pub(super) fn blank(&self, leaf: Leaf) -> Judged {
        let (n, widths) = (self.problem.n(), self.problem.widths());
        let expected = match leaf {
            Leaf::Weight(m) => match &self.problem.steps[m] {
                Step::Linear { w, .. } => vec![w.ncols(), w.nrows()],
                _ => Vec::new(),
            },
            Leaf::Bias(m) => vec![widths[m]],
            Leaf::Y(m) | Leaf::Dy(m) => vec![n, widths[m]],
            Leaf::P | Leaf::LogP => vec![n, self.problem.c()],
            Leaf::Loss => Vec::new(),
        };
        Judged {
            name: name_of(leaf),
            place: name_of(leaf),
            parameter: matches!(leaf, Leaf::Weight(_) | Leaf::Bias(_)),
            alias: None,
            yours: None,
            expected,
            error: None,
            verdict: Verdict::Missing,
            note: None,
            looks_like: Vec::new(),
            ratio: None,
            follows: None,
            tried: 0,
            alone: false,
            one: false,
        }
    }

    /// Whether the file keeps its weights as (I, O), where a shape tells.
    pub(super) fn turned<'b>(
        &self,
        array: impl Fn(What) -> Option<&'b NamedArray>,
    ) -> Option<bool> {
        let linears = self.problem.linears().into_iter();
        let mut told = linears.filter_map(|m| {
            let Step::Linear { w, .. } = &self.problem.steps[m] else {
                return None;
            };
            let (i, o) = w.dim();
            let array = array(What::Weight(m))?;
            match array.shape[..] {
                [a, b] if i != o && (a, b) == (i, o) => Some(true),
                [a, b] if i != o && (a, b) == (o, i) => Some(false),
                _ => None,
            }
        });
        let first = told.next()?;
        told.all(|turned| turned == first).then_some(first)
    }

    /// The gradient of a parameter.
    pub(super) fn parameter(
        &mut self,
        leaf: Leaf,
        theirs: Option<(&NamedArray, How)>,
        turned: Option<bool>,
        passes: &[Passed],
    ) -> Judged {
        let mut judged = self.blank(leaf);
        let Some((array, how)) = theirs else {
            return judged;
        };
        judged.yours = Some(array.shape.clone());
        if array.name != judged.name {
            judged.alias = Some(array.name.clone());
        }
        if let How::Order | How::Shape = how {
            let by = match how {
                How::Order => "order",
                _ => "shape",
            };
            judged.note = Some(format!(
                "yours is {:?}, taken for it by its {by}",
                array.name
            ));
        }
        if !array.values.iter().all(|v| v.is_finite()) {
            judged.verdict = Verdict::NotFinite;
            return judged;
        }
        let mut readings = match self.readings(leaf, array, turned) {
            Ok(readings) => readings,
            Err(hint) => {
                judged.looks_like = self.looks_of_shape(leaf, array);
                judged.verdict = Verdict::Shape(hint);
                return judged;
            }
        };
        if readings.len() > 1 {
            // A square weight may stand either way: right is right.
            let right = self.search.right(leaf, Precision::F32.unit_roundoff());
            let off = |reading: &Reading| largest_difference(&reading.array, &right.value);
            if off(&readings[1]) < 1e-2 && off(&readings[0]) > off(&readings[1]) {
                readings.reverse();
            }
        }
        let mut best: Option<Judged> = None;
        for reading in &readings {
            let mut judged = judged.clone();
            self.read(&mut judged, leaf, reading, array.precision, passes);
            let better = match &best {
                None => true,
                Some(best) => {
                    (judged.right() && !best.right())
                        || (!best.right()
                            && best.looks_like.is_empty()
                            && best.ratio.is_none()
                            && best.verdict == Verdict::Wrong
                            && (!judged.looks_like.is_empty() || judged.ratio.is_some()))
                }
            };
            if better {
                best = Some(judged);
            }
            if best.as_ref().is_some_and(Judged::right) {
                break;
            }
        }
        let mut best = best.unwrap_or(judged);
        if let (true, Some(others)) = (readings.len() > 1 && best.right(), turned) {
            let own = best.verdict == Verdict::Transposed;
            if own != others {
                let way = |turned| match turned {
                    true => "(inputs, outputs)",
                    false => "(outputs, inputs)",
                };
                best.note = Some(format!(
                    "as {}, while the others of the file are {}: is one of them transposed?",
                    way(own),
                    way(others)
                ));
            }
        }
        best
    }

    /// What an array can have been meant as; first as the other weights of the file are kept.
    fn readings(
        &self,
        leaf: Leaf,
        array: &NamedArray,
        turned: Option<bool>,
    ) -> Result<Vec<Reading>, String> {
        let n = self.problem.n();
        let mut readings = match (leaf, &self.problem.steps[module(leaf)]) {
            (Leaf::Weight(_), Step::Linear { w, .. }) => shape::weight(array, w.dim(), n)?,
            (_, Step::Linear { b, .. }) => shape::bias(array, b.ncols(), n)?,
            _ => unreachable!("a module with parameters"),
        };
        if turned == Some(true) {
            readings.reverse();
        }
        Ok(readings)
    }

    /// Looks for an explanation of a wrong gradient that has all that other gradients of the file show.
    pub(super) fn look_again(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        array: &NamedArray,
        turned: Option<bool>,
        most: &Explanation,
    ) {
        if judged.verdict != Verdict::Wrong || judged.note.is_some() && judged.looks_like.is_empty()
        {
            return;
        }
        // A line above the tensor, or in the loss.
        let above = |slip: &Slip| slip.place.is_none_or(|place| place > module(leaf));
        if !most.slips.iter().all(above) {
            return;
        }
        let Ok(readings) = self.readings(leaf, array, turned) else {
            return;
        };
        let Some(reading) = readings.first() else {
            return;
        };
        let u = arithmetic(array.precision);
        let sought = Sought {
            leaf,
            found: &reading.array,
            u,
            tolerance: self.tolerance,
            scale: largest(&self.search.right(leaf, u).value),
            from: None,
        };
        let mut found = self.search.beyond(&sought, most);
        found.append(&mut judged.looks_like);
        judged.looks_like = found;
    }

    /// One way to read an array.
    pub(super) fn read(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        reading: &Reading,
        precision: Precision,
        passes: &[Passed],
    ) {
        let found = &reading.array;
        self.compare(judged, leaf, found, precision);
        self.follow(judged, leaf, found, precision, passes);
        if judged.verdict == Verdict::Right && reading.turned {
            judged.verdict = Verdict::Transposed;
        }
        if let Some(note) = reading.note {
            judged.note.get_or_insert_with(|| note.to_owned());
        }
        if let Some(fault) = &reading.fault {
            if reading.unsummed {
                let mistake = match leaf {
                    Leaf::Weight(_) => Mistake::WeightNotSummed,
                    _ => Mistake::BiasNotSummed,
                };
                let slip = Slip::new(mistake).at(module(leaf));
                match judged.looks_like.is_empty() {
                    true if judged.right() || judged.verdict == Verdict::Unsure => {
                        judged.looks_like.push(Explanation {
                            slips: vec![slip],
                            shared: 1,
                            residual: judged.error.unwrap_or(0.0),
                        });
                    }
                    true => {}
                    false => judged
                        .looks_like
                        .iter_mut()
                        .for_each(|e| e.slips.push(slip.clone())),
                }
            }
            judged.verdict = Verdict::Shape(fault.clone());
        }
    }

    /// What a shape that fits nothing tells by itself.
    pub(super) fn looks_of_shape(&self, leaf: Leaf, array: &NamedArray) -> Vec<Explanation> {
        let one = |mistake: Mistake| {
            vec![Explanation {
                slips: vec![Slip::new(mistake).at(module(leaf))],
                shared: 1,
                residual: 0.0,
            }]
        };
        let n = self.problem.n();
        // The sum over everything, or its mean.
        let sum_of_all = || {
            let right = self
                .search
                .right(leaf, Precision::F32.unit_roundoff())
                .value;
            let sum = right.sum();
            let near =
                |v: f64| (array.values[0] - v).abs() <= 1e-3 * v.abs().max(1e-4 * largest(&right));
            near(sum) || near(sum / right.len() as f64) || near(sum / n as f64)
        };
        match (leaf, &array.shape[..]) {
            (Leaf::Bias(_), [] | [1] | [1, 1]) if sum_of_all() => one(Mistake::BiasScalar),
            (Leaf::Weight(_), &[a, b]) if n > 1 && (a == n || b == n) && self.problem.c() == 1 => {
                one(Mistake::BroadcastNByN)
            }
            _ => Vec::new(),
        }
    }

    /// A number of the passes.
    pub(super) fn pass(
        &mut self,
        leaf: Leaf,
        array: &NamedArray,
        how: How,
        passes: &[Passed],
    ) -> (Judged, Option<Array2<f64>>) {
        let mut judged = self.blank(leaf);
        judged.name.clone_from(&array.name);
        judged.yours = Some(array.shape.clone());
        if how == How::Shape {
            judged.note = Some(format!("taken for {} by its shape", judged.place));
        }
        if !array.values.iter().all(|v| v.is_finite()) {
            judged.verdict = Verdict::NotFinite;
            return (judged, None);
        }
        let shape = match judged.expected[..] {
            [n, o] => (n, o),
            _ => (1, 1),
        };
        let found = match shape::rows(array, shape) {
            Ok(found) => found,
            Err(hint) => {
                if hint.contains("every output against every target") {
                    judged.looks_like.push(Explanation {
                        slips: vec![Slip::new(Mistake::BroadcastNByN)],
                        shared: 1,
                        residual: 0.0,
                    });
                }
                judged.verdict = Verdict::Shape(hint);
                return (judged, None);
            }
        };
        // What stands above it in the file is right, or was wrong already: the mistake is below.
        self.compare(&mut judged, leaf, &found, array.precision);
        self.follow(&mut judged, leaf, &found, array.precision, passes);
        (judged, Some(found))
    }

    /// Judges a gradient, in our shape.
    pub(super) fn compare(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        found: &Array2<f64>,
        precision: Precision,
    ) {
        if !found.iter().all(|v| v.is_finite()) {
            judged.verdict = Verdict::NotFinite;
            return;
        }
        let exact = Precision::F64.unit_roundoff();
        // Float32 in a file of float64.
        let single = |v: &f64| f64::from(*v as f32) == *v;
        let precision = match precision {
            Precision::F64 if found.iter().all(single) => Precision::F32,
            other => other,
        };
        let u = match self.tolerance {
            Some(_) => exact,
            None => arithmetic(precision),
        };
        let right = self.search.right(leaf, u);
        judged.error = Some(largest_difference(found, &right.value));
        judged.one = found.iter().all(|v| *v == found[[0, 0]]);
        let standing = self.standing(found, &right, u);
        if matches!(standing, Standing::Outside) && self.is_the_parameter(leaf, found) {
            judged.verdict = Verdict::Wrong;
            judged.note = Some(THE_PARAMETER.to_owned());
            return;
        }
        let mut sought = Sought {
            leaf,
            found,
            u,
            tolerance: self.tolerance,
            scale: largest(&right.value),
            from: None,
        };
        let in_double = matches!(precision, Precision::F64 | Precision::Integer);
        match standing {
            Standing::Close => {
                judged.verdict = Verdict::Right;
                return;
            }
            Standing::Inside { narrow } => {
                // What no mistake is as small as, is rounding.
                let small = judged.error.is_some_and(|error| error <= 1e-3);
                judged.verdict = match narrow || small {
                    true => Verdict::Right,
                    false => Verdict::Unsure,
                };
                // Computed in double throughout, a slip shows although single precision would hide it; but
                // not one that a last digit of x would hide.
                let error = judged.error.unwrap_or(0.0);
                let certain = judged.verdict == Verdict::Right || self.tolerance.is_some();
                if certain || !in_double || error <= 30.0 * self.jitter(leaf) {
                    return;
                }
                sought.u = exact;
                let outcome = self.search.explain(&sought);
                let explanations = outcome.explanations.into_iter();
                // Noise does not vanish by chance.
                let tight = explanations.filter(|e| e.residual <= 1e-5_f64.min(0.01 * error));
                let tight: Vec<_> = tight.collect();
                if !tight.is_empty() {
                    judged.verdict = Verdict::Wrong;
                    judged.looks_like = tight;
                }
                return;
            }
            Standing::Outside => judged.verdict = Verdict::Wrong,
        }
        let outcome = self.search.explain(&sought);
        judged.tried = outcome.complete;
        judged.looks_like = outcome.explanations;
        judged.ratio = ratio(found, &right.value, u.max(self.tolerance.unwrap_or(0.0)));
    }

    /// How far a last digit of x in float32 moves a number, as a share of the largest.
    fn jitter(&self, leaf: Leaf) -> f64 {
        let mut problem = self.problem.clone();
        for (index, x) in problem.x.iter_mut().enumerate() {
            let sign = if (index / 2 + index) % 2 == 0 {
                1.0
            } else {
                -1.0
            };
            *x *= 1.0 + sign * 2f64.powi(-24);
        }
        let exact = Precision::F64.unit_roundoff();
        let moved = Search::new(&problem).right(leaf, exact);
        let right = self.search.right(leaf, exact);
        largest_difference(&moved.value, &right.value)
    }

    pub(super) fn is_the_parameter(&self, leaf: Leaf, found: &Array2<f64>) -> bool {
        let value = match (leaf, &self.problem.steps[module(leaf)]) {
            (Leaf::Weight(_), Step::Linear { w, .. }) => w,
            (Leaf::Bias(_), Step::Linear { b, .. }) => b,
            _ => return false,
        };
        value.iter().any(|&v| v != 0.0) && largest_difference(found, value) < 1e-6
    }

    /// If a wrong number of the file lies on the way, looks whether this one follows from it.
    pub(super) fn follow(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        found: &Array2<f64>,
        precision: Precision,
        passes: &[Passed],
    ) {
        if judged.verdict != Verdict::Wrong || leaf.forward() {
            return;
        }
        // The nearest gradient above it that the file has.
        let own = module(leaf);
        let above = passes
            .iter()
            .rev()
            .filter_map(|(above, judged, found)| match above {
                Leaf::Dy(m) if *m > own || (*m == own && !matches!(leaf, Leaf::Dy(_))) => {
                    Some((*m, judged, found.as_ref()?))
                }
                _ => None,
            });
        let Some((m, nearest, dy)) = above.min_by_key(|(m, ..)| *m) else {
            return;
        };
        let mut from_there = judged.clone();
        let u = arithmetic(precision);
        let sought = Sought {
            leaf,
            found,
            u,
            tolerance: self.tolerance,
            scale: largest(&self.search.right(leaf, u).value),
            from: Some((m, dy)),
        };
        let outcome = self.search.explain(&sought);
        from_there.looks_like = outcome.explanations;
        if from_there.looks_like.is_empty() {
            return;
        }
        let fewest = from_there.looks_like.iter().map(|e| e.slips.len()).min();
        if nearest.wrong() {
            judged.follows = Some(nearest.name.clone());
            if fewest == Some(0) {
                judged.looks_like = nearest.looks_like.clone();
                return;
            }
        }
        // Right above, so the mistake is below, whatever else would give these numbers.
        let above: Vec<Slip> = match nearest.looks_like.first() {
            Some(explanation) if nearest.wrong() => explanation.slips.clone(),
            _ => Vec::new(),
        };
        for explanation in &mut from_there.looks_like {
            explanation.slips = [above.clone(), explanation.slips.clone()].concat();
        }
        judged.looks_like = from_there.looks_like;
    }

    /// How gradients stand to the right ones.
    pub(super) fn standing(&self, found: &Array2<f64>, right: &Estimate, u: f64) -> Standing {
        let error = largest_difference(found, &right.value);
        if let Some(tolerance) = self.tolerance {
            return match error <= tolerance {
                true => Standing::Close,
                false => Standing::Outside,
            };
        }
        if error <= 20.0 * u {
            return Standing::Close;
        }
        let largest = largest(&right.value);
        let inside = found
            .indexed_iter()
            .all(|(at, found)| (found - right.value[at]).abs() <= bound(right, at, largest, u));
        if !inside {
            return Standing::Outside;
        }
        let squares = |v: f64| v * v;
        let bounds = right.value.indexed_iter();
        let bounds: f64 = bounds
            .map(|(at, _)| squares(bound(right, at, largest, u)))
            .sum();
        let size: f64 = right.value.iter().map(|&v| squares(v)).sum();
        Standing::Inside {
            narrow: bounds <= squares(0.1) * size,
        }
    }
}

pub(super) enum Standing {
    /// Equal but for the last digits.
    Close,
    /// Within what rounding can do; narrow if that is little.
    Inside { narrow: bool },
    /// Beyond it.
    Outside,
}

pub(super) fn module(leaf: Leaf) -> usize {
    match leaf {
        Leaf::Weight(m) | Leaf::Bias(m) | Leaf::Y(m) | Leaf::Dy(m) => m,
        Leaf::P | Leaf::LogP | Leaf::Loss => 0,
    }
}

/// The unit roundoff that numbers of a precision were computed with: double precision is the end of many a
/// computation in single.
fn arithmetic(precision: Precision) -> f64 {
    match precision {
        Precision::F64 | Precision::Integer => Precision::F32.unit_roundoff(),
        other => other.unit_roundoff(),
    }
}

/// The largest element, without its sign.
pub(super) fn largest(a: &Array2<f64>) -> f64 {
    a.fold(0.0, |max: f64, v| max.max(v.abs()))
}

/// The largest difference, as a share of the largest element of b.
pub(super) fn largest_difference(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    const LEAST: f64 = 1e-30;
    let largest = b.fold(LEAST, |max, b| max.max(b.abs()));
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max) / largest
}

/// The factor r, if what was found is r times the right one, and enough of it is there to tell.
pub(super) fn ratio(found: &Array2<f64>, right: &Array2<f64>, u: f64) -> Option<f64> {
    let ratio = dot(found, right) / dot(right, right);
    let told = found.len() > 1 && ratio.is_finite() && ratio != 0.0;
    let close = largest_difference(found, &(right * ratio))
        <= (1000.0 * u).max(1e-6) * ratio.abs().max(1e-300);
    (told && close).then_some(ratio)
}
