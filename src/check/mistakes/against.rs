//! Compares somebody else's gradients, from PyTorch, NumPy or a notebook, with the right ones, and names what
//! is wrong in each.

use ndarray::Array2;

use super::{
    Explanation, Gradients, Mistake, NamedArray, Precision, Problem, Slip, Step,
    board::Leaf,
    estimate::Estimate,
    names::{How, Shapes, What, matching},
    search::{Search, Sought, bound},
    shape::{self, Reading},
};
/// What is right or wrong with one tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Right: what is off is rounding.
    Right,
    /// Right, as (I, O) in the lesson's orientation.
    Transposed,
    /// Not in the file.
    Missing,
    /// The wrong shape, and what to do about it.
    Shape(String),
    /// Some elements are NaN or infinite.
    NotFinite,
    /// Wrong.
    Wrong,
    /// In the precision of the file right and wrong cannot be told apart.
    Unsure,
}

/// The verdict on one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its name: that of a parameter, such as `2.weight`; for other numbers of the passes that of the file.
    pub name: String,
    /// What it is: `2.weight`, or `1.dy` for what the file calls `dl2`.
    pub place: String,
    /// Whether it is the gradient of a parameter.
    pub parameter: bool,
    /// Its name in the file, if it has another one.
    pub alias: Option<String>,
    /// Its shape, if the file has it.
    pub yours: Option<Vec<usize>>,
    /// The shape it should have: a weight (O, I), a bias (O), as in PyTorch.
    pub expected: Vec<usize>,
    /// The largest difference, as a share of the largest right element; none if they cannot be compared.
    pub error: Option<f64>,
    /// What is right or wrong with it.
    pub verdict: Verdict,
    /// What is worth saying besides.
    pub note: Option<String>,
    /// The smallest sets of mistakes that give its numbers. If there are several, the numbers cannot tell
    /// them apart.
    pub looks_like: Vec<Explanation>,
    /// The right one times this factor, if no known mistake fits.
    pub ratio: Option<f64>,
    /// The number of the file that it follows rightly from, itself wrong.
    pub follows: Option<String>,
    /// The largest set of mistakes of which all were tried.
    pub tried: usize,
    /// Whether other gradients take the same lines rightly.
    pub alone: bool,
}

impl Judged {
    /// Whether it is there and wrong.
    pub fn wrong(&self) -> bool {
        matches!(
            self.verdict,
            Verdict::Wrong | Verdict::NotFinite | Verdict::Shape(_)
        )
    }

    /// Whether it is there and right.
    pub fn right(&self) -> bool {
        matches!(self.verdict, Verdict::Right | Verdict::Transposed)
    }
}

/// The verdict on a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Every parameter's gradient, then the other numbers of the passes that the file has.
    pub tensors: Vec<Judged>,
    /// What else is in the file, and why it was not judged.
    pub ignored: Vec<(String, String)>,
    /// The last number, in the order in which one computes them, before the first that is wrong.
    pub right_as_far_as: Option<String>,
    /// The first that is wrong.
    pub wrong_from: Option<String>,
}

impl Judgement {
    /// Whether nothing in the file could be judged.
    pub fn nothing(&self) -> bool {
        let judged = |tensor: &Judged| tensor.verdict != Verdict::Missing;
        !self.tensors.iter().any(judged)
    }

    /// Whether nothing in the file is wrong.
    pub fn passed(&self) -> bool {
        !self.tensors.iter().any(Judged::wrong)
    }
}

/// Judges every gradient of a file, and names the mistakes in those that are wrong.
///
/// With a tolerance, right is what differs by no more than this share of the largest element. Without one,
/// right is what rounding in the file's precision can have made of the right numbers.
pub fn against(theirs: &[NamedArray], problem: &Problem, tolerance: Option<f64>) -> Judgement {
    let widths = problem.widths();
    let steps = problem.steps.iter().zip(&widths);
    let shapes = Shapes {
        n: problem.n(),
        inputs: problem.x.ncols(),
        modules: steps
            .map(|(step, &width)| (matches!(step, Step::Linear { .. }), width))
            .collect(),
    };
    let matched = matching(theirs, &shapes);
    let mut judge = Judge {
        problem,
        search: Search::new(problem),
        tolerance,
    };
    let place = |what: What| {
        let found = matched.found.iter().find(|found| found.what == what);
        found.map(|found| (&theirs[found.index], found.how))
    };

    // The numbers of the passes first: what follows from a wrong one is not wrong itself.
    let mut passes: Vec<(Leaf, Judged, Option<Array2<f64>>)> = Vec::new();
    for leaf in order(problem) {
        let what = match leaf {
            Leaf::Weight(_) | Leaf::Bias(_) => continue,
            Leaf::Y(m) => What::Y(m),
            Leaf::P => What::P,
            Leaf::LogP => What::LogP,
            Leaf::Loss => What::Loss,
            Leaf::Dy(m) => What::Dy(m),
        };
        if let Some((array, how)) = place(what) {
            let (judged, found) = judge.pass(leaf, array, how, &passes);
            passes.push((leaf, judged, found));
        }
    }
    let mut tensors = Vec::new();
    let turned = judge.turned(|what| place(what).map(|(array, _)| array));
    // From the loss down: what is found above is tried first below.
    for &m in problem.linears().iter().rev() {
        for (leaf, what) in [
            (Leaf::Weight(m), What::Weight(m)),
            (Leaf::Bias(m), What::Bias(m)),
        ] {
            tensors.push((leaf, judge.parameter(leaf, place(what), turned, &passes)));
        }
    }
    tensors.sort_by_key(|(leaf, _)| (module(*leaf), matches!(leaf, Leaf::Bias(_))));
    forgive_factors(&mut passes, &tensors, problem);
    let mut all = tensors;
    all.extend(passes.into_iter().map(|(leaf, judged, _)| (leaf, judged)));
    share(&mut all, problem);

    let (right_as_far_as, wrong_from) = progress(&all, problem);
    let ignored = matched.ignored.into_iter();
    Judgement {
        tensors: all.into_iter().map(|(_, judged)| judged).collect(),
        ignored: ignored
            .map(|(index, why)| (theirs[index].name.clone(), why))
            .collect(),
        right_as_far_as,
        wrong_from,
    }
}

/// Judges gradients of this program's own arithmetic, which is exact to double precision: those of every
/// parameter, as in [`right_gradients`](super::right_gradients).
pub fn diagnose(found: &Gradients, problem: &Problem, tolerance: f64) -> Vec<Judged> {
    let mut judge = Judge {
        problem,
        search: Search::new(problem),
        tolerance: Some(tolerance),
    };
    let leaves = problem
        .linears()
        .into_iter()
        .flat_map(|m| [Leaf::Weight(m), Leaf::Bias(m)]);
    let judged = leaves.filter_map(|leaf| {
        let name = name_of(leaf);
        let (_, found) = found.iter().find(|(known, _)| *known == name)?;
        let mut judged = judge.blank(leaf);
        judged.yours = Some(judged.expected.clone());
        judge.compare(&mut judged, leaf, found, (Precision::F64, None));
        Some((leaf, judged))
    });
    let mut judged: Vec<_> = judged.collect();
    share(&mut judged, problem);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

/// The leaves in the order in which one computes them.
fn order(problem: &Problem) -> Vec<Leaf> {
    let last = problem.steps.len();
    let mut order: Vec<_> = (0..last).map(Leaf::Y).collect();
    order.extend([Leaf::P, Leaf::LogP, Leaf::Loss]);
    for m in (0..last).rev() {
        order.push(Leaf::Dy(m));
        if let Step::Linear { .. } = problem.steps[m] {
            order.extend([Leaf::Weight(m), Leaf::Bias(m)]);
        }
    }
    order
}

fn name_of(leaf: Leaf) -> String {
    match leaf {
        Leaf::Weight(m) => format!("{m}.weight"),
        Leaf::Bias(m) => format!("{m}.bias"),
        Leaf::Y(m) => format!("{m}.y"),
        Leaf::Dy(m) => format!("{m}.dy"),
        Leaf::P => "p".into(),
        Leaf::LogP => "log_p".into(),
        Leaf::Loss => "loss".into(),
    }
}

/// The last right number before the first wrong one, and that one. Numbers on the way to the first wrong one
/// count before gradients of parameters, on which nothing else depends.
fn progress(all: &[(Leaf, Judged)], problem: &Problem) -> (Option<String>, Option<String>) {
    let (mut way, mut parameter) = (None, None);
    for leaf in order(problem) {
        let Some((_, judged)) = all.iter().find(|(known, _)| *known == leaf) else {
            continue;
        };
        let name = judged.alias.as_ref().unwrap_or(&judged.name).clone();
        if judged.wrong() {
            return (way.or(parameter), Some(name));
        }
        match (judged.right(), judged.parameter) {
            (true, true) => parameter = Some(name),
            (true, false) => way = Some(name),
            _ => {}
        }
    }
    // All of it: the last one there is.
    (parameter.or(way), None)
}

/// Counts how many tensors each explanation serves, and puts the most shared first.
fn share(all: &mut [(Leaf, Judged)], problem: &Problem) {
    let same = |a: &Explanation, b: &Explanation| {
        let places = |e: &Explanation| {
            let own = |slip: &Slip| {
                (
                    slip.mistake,
                    slip.place.filter(|_| !slip.mistake.of_tensor()),
                )
            };
            let mut places: Vec<_> = e.slips.iter().map(own).collect();
            places.sort_unstable();
            places
        };
        places(a) == places(b)
    };
    let known: Vec<Vec<Explanation>> = all.iter().map(|(_, j)| j.looks_like.clone()).collect();
    let right = all
        .iter()
        .filter(|(leaf, j)| j.parameter && j.right() && !leaf.forward());
    let right: Vec<_> = right.map(|(leaf, _)| (*leaf, module(*leaf))).collect();
    for (leaf, judged) in all.iter_mut() {
        for explanation in &mut judged.looks_like {
            let tensors = known.iter();
            let serves = tensors.filter(|others| others.iter().any(|e| same(e, explanation)));
            explanation.shared = serves.count();
            for slip in &mut explanation.slips {
                slip.activation = problem.activation_at(slip.place);
            }
        }
        // Where others take a line rightly, a tensor's own line is likelier.
        let right_elsewhere = |e: &Explanation| {
            let lines = e.slips.iter().filter(|slip| !slip.mistake.of_tensor());
            let taken = lines.filter(|slip| {
                let mut others = right.iter().filter(|(other, _)| *other != *leaf);
                others.any(|&(_, own)| slip.place.is_none_or(|place| own < place))
            });
            taken.count()
        };
        judged.looks_like.sort_by(|a, b| {
            right_elsewhere(a)
                .cmp(&right_elsewhere(b))
                .then(b.shared.cmp(&a.shared))
                .then(a.residual.total_cmp(&b.residual))
        });
        // The lines of a path are taken by every gradient further down.
        let below = |m: usize| match judged.looks_like.first() {
            Some(explanation) => {
                let mut places = explanation.slips.iter().filter_map(|slip| slip.place);
                places.all(|place| m < place || place == module(*leaf))
            }
            None => false,
        };
        judged.alone = right
            .iter()
            .any(|&(other, own)| other != *leaf && below(own));
        // A single number coincides with many a pair.
        let single = judged.expected.iter().product::<usize>() == 1;
        judged
            .looks_like
            .retain(|e| !single || e.slips.len() < 2 || e.shared > 1);
        // A set of names once, at the place that serves most.
        let mut seen: Vec<Vec<Mistake>> = Vec::new();
        judged.looks_like.retain(|explanation| {
            let names = explanation.names();
            let new = !seen.contains(&names);
            seen.push(names);
            new
        });
    }
}

/// A dz without its 1/N is right where dw and db have it: nothing is wrong then.
fn forgive_factors(
    passes: &mut [(Leaf, Judged, Option<Array2<f64>>)],
    tensors: &[(Leaf, Judged)],
    problem: &Problem,
) {
    let judged = tensors
        .iter()
        .filter(|(_, j)| j.verdict != Verdict::Missing);
    let right = judged.clone().count() > 0 && judged.clone().all(|(_, j)| j.right());
    if !right {
        return;
    }
    for (leaf, judged, _) in passes {
        let factor_alone = judged.looks_like.iter().any(|explanation| {
            let mut slips = explanation.slips.iter();
            slips.all(|slip| {
                use Mistake::*;
                matches!(
                    slip.mistake,
                    MeanMissing | TwoMissing | MeanOverOthers | MeanOverClasses
                )
            })
        });
        if matches!(leaf, Leaf::Dy(_)) && judged.verdict == Verdict::Wrong && factor_alone {
            judged.verdict = Verdict::Right;
            judged.looks_like.clear();
            let n = problem.n();
            judged.note = Some(format!(
                "without its share of the mean, which dw and db take later (N = {n}): the same in the end"
            ));
        }
    }
}

struct Judge<'a> {
    problem: &'a Problem,
    search: Search<'a>,
    tolerance: Option<f64>,
}

impl Judge<'_> {
    fn blank(&self, leaf: Leaf) -> Judged {
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
        }
    }

    /// Whether the file keeps its weights as (I, O), where a shape tells.
    fn turned<'b>(&self, array: impl Fn(What) -> Option<&'b NamedArray>) -> Option<bool> {
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
    fn parameter(
        &mut self,
        leaf: Leaf,
        theirs: Option<(&NamedArray, How)>,
        turned: Option<bool>,
        passes: &[(Leaf, Judged, Option<Array2<f64>>)],
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
        let n = self.problem.n();
        let readings = match (leaf, &self.problem.steps[module(leaf)]) {
            (Leaf::Weight(_), Step::Linear { w, .. }) => shape::weight(array, w.dim(), n),
            (_, Step::Linear { b, .. }) => shape::bias(array, b.ncols(), n),
            _ => unreachable!("a module with parameters"),
        };
        let mut readings = match readings {
            Ok(readings) => readings,
            Err(hint) => {
                judged.looks_like = self.looks_of_shape(leaf, array);
                judged.verdict = Verdict::Shape(hint);
                return judged;
            }
        };
        if readings.len() > 1 && turned == Some(true) {
            readings.reverse();
        }
        // A square weight may stand either way: right is right.
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
                            && best.verdict == Verdict::Wrong
                            && !judged.looks_like.is_empty())
                }
            };
            if better {
                best = Some(judged);
            }
            if best.as_ref().is_some_and(Judged::right) {
                break;
            }
        }
        best.unwrap_or(judged)
    }

    /// One way to read an array.
    fn read(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        reading: &Reading,
        precision: Precision,
        passes: &[(Leaf, Judged, Option<Array2<f64>>)],
    ) {
        let found = &reading.array;
        self.compare(judged, leaf, found, (precision, None));
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
    fn looks_of_shape(&self, leaf: Leaf, array: &NamedArray) -> Vec<Explanation> {
        let one = |mistake: Mistake| {
            vec![Explanation {
                slips: vec![Slip::new(mistake).at(module(leaf))],
                shared: 1,
                residual: 0.0,
            }]
        };
        let n = self.problem.n();
        match (leaf, &array.shape[..]) {
            (Leaf::Bias(_), [] | [1] | [1, 1]) => one(Mistake::BiasScalar),
            (Leaf::Weight(_), &[a, b]) if n > 1 && (a == n || b == n) && self.problem.c() == 1 => {
                one(Mistake::BroadcastNByN)
            }
            _ => Vec::new(),
        }
    }

    /// A number of the passes.
    fn pass(
        &mut self,
        leaf: Leaf,
        array: &NamedArray,
        how: How,
        passes: &[(Leaf, Judged, Option<Array2<f64>>)],
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
        self.compare(&mut judged, leaf, &found, (array.precision, None));
        self.follow(&mut judged, leaf, &found, array.precision, passes);
        (judged, Some(found))
    }

    /// Judges a gradient, in our shape.
    fn compare(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        found: &Array2<f64>,
        (precision, from): (Precision, Option<(usize, &Array2<f64>)>),
    ) {
        if !found.iter().all(|v| v.is_finite()) {
            judged.verdict = Verdict::NotFinite;
            return;
        }
        let exact = Precision::F64.unit_roundoff();
        // Double precision is the end of many a computation in single.
        let u = match (self.tolerance, precision) {
            (Some(_), _) => exact,
            (None, Precision::F64 | Precision::Integer) => Precision::F32.unit_roundoff(),
            (None, other) => other.unit_roundoff(),
        };
        let right = self.search.right(leaf, u);
        judged.error = Some(largest_difference(found, &right.value));
        if self.is_the_parameter(leaf, found) {
            judged.verdict = Verdict::Wrong;
            judged.note = Some("this is the parameter itself, not its gradient".into());
            return;
        }
        let standing = self.standing(found, &right, u);
        let mut sought = Sought {
            leaf,
            found,
            u,
            tolerance: self.tolerance,
            scale: largest(&right.value),
            from,
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
                // Computed in double throughout, a slip shows although single precision would hide it.
                let digits = judged.error.is_some_and(|error| error <= 1e-5);
                if !in_double || self.tolerance.is_some() || (narrow && digits) {
                    return;
                }
                sought.u = exact;
                let right = self.search.right(leaf, exact);
                if !matches!(self.standing(found, &right, exact), Standing::Outside) {
                    judged.verdict = Verdict::Right;
                    return;
                }
                let outcome = self.search.explain(&sought);
                let explanations = outcome.explanations.into_iter();
                // Noise does not vanish by chance.
                let error = judged.error.unwrap_or(0.0);
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

    fn is_the_parameter(&self, leaf: Leaf, found: &Array2<f64>) -> bool {
        let value = match (leaf, &self.problem.steps[module(leaf)]) {
            (Leaf::Weight(_), Step::Linear { w, .. }) => w,
            (Leaf::Bias(_), Step::Linear { b, .. }) => b,
            _ => return false,
        };
        value.iter().any(|&v| v != 0.0) && largest_difference(found, value) < 1e-6
    }

    /// If a wrong number of the file lies on the way, looks whether this one follows from it.
    fn follow(
        &mut self,
        judged: &mut Judged,
        leaf: Leaf,
        found: &Array2<f64>,
        precision: Precision,
        passes: &[(Leaf, Judged, Option<Array2<f64>>)],
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
        let u = match precision {
            Precision::F64 | Precision::Integer => Precision::F32.unit_roundoff(),
            other => other.unit_roundoff(),
        };
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
    fn standing(&self, found: &Array2<f64>, right: &Estimate, u: f64) -> Standing {
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
        let largest = right.value.fold(0.0, |m: f64, v| m.max(v.abs()));
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

enum Standing {
    /// Equal but for the last digits.
    Close,
    /// Within what rounding can do; narrow if that is little.
    Inside { narrow: bool },
    /// Beyond it.
    Outside,
}

fn module(leaf: Leaf) -> usize {
    match leaf {
        Leaf::Weight(m) | Leaf::Bias(m) | Leaf::Y(m) | Leaf::Dy(m) => m,
        Leaf::P | Leaf::LogP | Leaf::Loss => 0,
    }
}

/// The largest element, without its sign.
fn largest(a: &Array2<f64>) -> f64 {
    a.fold(0.0, |max: f64, v| max.max(v.abs()))
}

/// The largest difference, as a share of the largest element of b.
fn largest_difference(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    const LEAST: f64 = 1e-12;
    let largest = b.fold(LEAST, |max, b| max.max(b.abs()));
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max) / largest
}

/// The factor r, if what was found is r times the right one, and enough of it is there to tell.
fn ratio(found: &Array2<f64>, right: &Array2<f64>, u: f64) -> Option<f64> {
    let dot = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let ratio = dot(found, right) / dot(right, right);
    let told = found.len() > 1 && ratio.is_finite() && ratio != 0.0;
    let close = largest_difference(found, &(right * ratio))
        <= (1000.0 * u).max(1e-6) * ratio.abs().max(1e-300);
    (told && close).then_some(ratio)
}
