//! Compares somebody else's gradients, from PyTorch, NumPy or a notebook, with the right ones, and names what
//! is wrong in each.

mod judge;
mod together;
mod verdict;

use ndarray::Array2;

use super::{
    Gradients, NamedArray, Precision, Problem, Step,
    board::Leaf,
    names::{Shapes, What, matching},
    search::Search,
};
use judge::{Judge, module};
use together::{common, forgive_factors, progress, share};

pub use verdict::{Judged, Judgement, Verdict};

/// A number of the passes that a file has: where, what is said about it, and its values.
type Passed = (Leaf, Judged, Option<Array2<f64>>);

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
    let mut passes: Vec<Passed> = Vec::new();
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
    // What most show is looked for in the others, too, with something more.
    if let Some((most, leaves)) = common(&tensors) {
        for (leaf, judged) in &mut tensors {
            let what = match *leaf {
                Leaf::Bias(m) => What::Bias(m),
                leaf => What::Weight(module(leaf)),
            };
            if let (false, Some((array, _))) = (leaves.contains(leaf), place(what)) {
                judge.look_again(judged, *leaf, array, turned, &most);
            }
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
        judge.compare(&mut judged, leaf, found, Precision::F64);
        Some((leaf, judged))
    });
    let mut judged: Vec<_> = judged.collect();
    share(&mut judged, problem);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

/// The leaves in the order in which one computes them.
pub(super) fn order(problem: &Problem) -> Vec<Leaf> {
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

pub(super) fn name_of(leaf: Leaf) -> String {
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
