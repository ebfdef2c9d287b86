//! What the tensors of a file say together.

use super::{Judged, Passed, Verdict, judge::module, order};
use crate::check::mistakes::{Explanation, Mistake, Problem, Slip, board::Leaf};

/// The last right number before the first wrong one, and that one. Numbers on the way to the first wrong one
/// count before gradients of parameters, on which nothing else depends.
pub(super) fn progress(
    all: &[(Leaf, Judged)],
    problem: &Problem,
) -> (Option<String>, Option<String>) {
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
pub(super) fn share(all: &mut [(Leaf, Judged)], problem: &Problem) {
    // Whether b has all the lines of a.
    let within = |a: &Explanation, b: &Explanation| {
        let b = lines(b);
        !a.slips.is_empty() && lines(a).iter().all(|line| b.contains(line))
    };
    let known: Vec<Vec<Explanation>> = all.iter().map(|(_, j)| j.looks_like.clone()).collect();
    let right = all
        .iter()
        .filter(|(leaf, j)| j.parameter && j.right() && !leaf.forward());
    let right: Vec<_> = right.map(|(leaf, _)| (*leaf, module(*leaf))).collect();
    for (leaf, judged) in all.iter_mut() {
        for explanation in &mut judged.looks_like {
            let tensors = known.iter();
            let serves = tensors.filter(|others| others.iter().any(|e| within(e, explanation)));
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
        // What no other tensor shows is likelier in the tensor's own line.
        let lines_of_others = |e: &Explanation| match e.shared {
            1 => e.slips.iter().filter(|s| !s.mistake.of_tensor()).count(),
            _ => 0,
        };
        judged.looks_like.sort_by(|a, b| {
            right_elsewhere(a)
                .cmp(&right_elsewhere(b))
                .then(b.shared.cmp(&a.shared))
                .then(lines_of_others(a).cmp(&lines_of_others(b)))
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
        let single = judged.one || judged.expected.iter().product::<usize>() == 1;
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

/// The mistakes of an explanation with their lines; a tensor's own line is that of every tensor.
fn lines(explanation: &Explanation) -> Vec<(Mistake, Option<usize>)> {
    let own = |slip: &Slip| {
        (
            slip.mistake,
            slip.place.filter(|_| !slip.mistake.of_tensor()),
        )
    };
    explanation.slips.iter().map(own).collect()
}

/// What explains most wrong tensors of a file, if it explains several, and which these are.
pub(super) fn common(tensors: &[(Leaf, Judged)]) -> Option<(Explanation, Vec<Leaf>)> {
    let wrong = || tensors.iter().filter(|(_, judged)| judged.wrong());
    let explained = |by: &Explanation| -> Vec<Leaf> {
        let same = |e: &Explanation| lines(e) == lines(by);
        let of = wrong().filter(|(_, judged)| judged.looks_like.iter().any(same));
        of.map(|(leaf, _)| *leaf).collect()
    };
    let all = wrong().flat_map(|(_, judged)| &judged.looks_like);
    let most = all.max_by_key(|e| explained(e).len())?;
    let leaves = explained(most);
    (leaves.len() > 1).then(|| (most.clone(), leaves))
}

/// A dz without its 1/N is right where dw and db have it: nothing is wrong then.
pub(super) fn forgive_factors(
    passes: &mut [Passed],
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
