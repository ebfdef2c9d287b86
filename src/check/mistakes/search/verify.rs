//! The second comparison: a set of slips computed whole, element by element, with its error bound.

use ndarray::Array2;

use super::{
    Explanation, LOOSE, MOST, Search, Sought, leaf_module,
    walk::{Candidate, Free},
};
use crate::check::mistakes::{
    Mistake, Slip,
    board::{Board, Leaf},
    estimate::{Estimate, least},
};

impl Search<'_> {
    /// Computes a set of slips whole, with its error bound, and says what explains the tensor then.
    pub(super) fn verify(&self, sought: &Sought<'_>, candidate: &Candidate) -> Vec<Explanation> {
        let problem = self.board.problem;
        let board = Board::new(problem, Some(sought.u));
        let (made, added) = self.compute(&board, sought, candidate);
        let mut slips = Vec::new();
        if let Some((kind, index)) = candidate.head {
            slips.extend(self.heads[kind][index].slips(&self.worlds).cloned());
        }
        slips.extend(candidate.everywhere.clone());
        slips.extend(candidate.lines.iter().cloned());
        slips.extend(candidate.own.clone());
        let left = MOST.saturating_sub(slips.len() + usize::from(candidate.free.is_some()));
        if sought.is_nothing() {
            let nothing = sought.nothing();
            let zero = made.value.iter().all(|v| v.abs() <= nothing) && !slips.is_empty();
            let explanation = Explanation {
                slips,
                shared: 1,
                residual: 0.0,
            };
            return zero.then_some(explanation).into_iter().collect();
        }
        let ratio = dot(sought.found, &made.value) / dot(&made.value, &made.value);
        let mut explanations = Vec::new();
        for (factor, named) in products(&problem.factors(sought.leaf), left) {
            let mut whole = made.clone().times(factor);
            let mut slips = slips.clone();
            match (&added, candidate.free) {
                (Some(added), Some(free)) => {
                    let remainder = remainder(sought.found, &made.value, factor, added);
                    let Some((amount, _)) = remainder.filter(|(amount, _)| *amount > 0.0) else {
                        continue;
                    };
                    whole.value.scaled_add(amount, added);
                    slips.push(match free {
                        // Both dy and the gradient in the place of w have the factor.
                        Free::Updated(m) => Slip::new(Mistake::WeightUpdated)
                            .at(m)
                            .amount(amount / (factor * factor)),
                        Free::Decay => decay(sought.leaf).amount(amount),
                    });
                }
                _ if ((ratio / factor) - 1.0).abs() > LOOSE => continue,
                _ => {}
            }
            let Some(residual) = agrees(sought, &whole) else {
                continue;
            };
            slips.extend(named);
            // The more slips, the more numbers come near by chance.
            let near: f64 = match slips.len() {
                0 | 1 => 0.03,
                2 => 1e-3,
                _ => 1e-4,
            };
            if residual > near.max(50.0 * sought.u) {
                continue;
            }
            explanations.push(Explanation {
                slips,
                shared: 1,
                residual,
            });
        }
        explanations
    }

    /// The tensor that a set of slips makes, with its error bound, and what may be added to it.
    pub(super) fn compute(
        &self,
        board: &Board<'_>,
        sought: &Sought<'_>,
        candidate: &Candidate,
    ) -> (Estimate, Option<Array2<f64>>) {
        let head = candidate.head.map(|(kind, index)| &self.heads[kind][index]);
        let slips = head.map_or(&[][..], |head| &self.worlds[head.world].slips[..]);
        let world = self.bounded(board, slips);
        if sought.leaf.forward() {
            let (targets, predictions) = match head {
                Some(head) => (head.targets.as_ref(), head.predictions.as_ref()),
                None => (None, None),
            };
            let made = board.forward(&world, sought.leaf, targets, predictions);
            return (made, None);
        }
        let (first, mut dy) = match (sought.from, head) {
            (Some((m, dy)), _) => (m + 1, Estimate::rounded(dy.clone(), Some(sought.u))),
            (None, Some(head)) => {
                let dz = board.dz(
                    &world,
                    head.targets.as_ref(),
                    head.predictions.as_ref(),
                    head.combine.as_ref(),
                );
                (board.problem.steps.len(), dz)
            }
            (None, None) => unreachable!("a path begins somewhere"),
        };
        let (Leaf::Weight(own) | Leaf::Bias(own) | Leaf::Dy(own)) = sought.leaf else {
            unreachable!("a gradient")
        };
        let mut free: Option<Estimate> = None;
        for m in (own + 1..first).rev() {
            let slip = candidate.lines.iter().find(|slip| slip.place == Some(m));
            let slip = slip
                .cloned()
                .or_else(|| self.of_everywhere(candidate.everywhere.as_ref(), m));
            if let Some(before) = free {
                free = Some(board.dx(&world, m, &before, slip.as_ref(), None));
            }
            if candidate.free == Some(Free::Updated(m)) {
                let slip = Slip::new(Mistake::GradientForWeight).at(m);
                free = Some(board.dx(&world, m, &dy, Some(&slip), None).times(-1.0));
            }
            dy = board.dx(&world, m, &dy, slip.as_ref(), None);
        }
        let leaf = |dy: &Estimate| match sought.leaf {
            Leaf::Weight(m) => {
                let x = board.input(&world, m, candidate.own.as_ref());
                Estimate::outer(&x, dy, board.u)
            }
            Leaf::Bias(_) => board.bias(dy, candidate.own.as_ref()),
            _ => dy.clone(),
        };
        let added = match candidate.free {
            Some(Free::Decay) => Some(self.parameter(sought.leaf)),
            _ => free.map(|free| leaf(&free).value),
        };
        let made = leaf(&dy);
        (made, added)
    }
}

fn decay(leaf: Leaf) -> Slip {
    let slip = Slip::new(Mistake::WeightDecay);
    match leaf_module(leaf) {
        Some(m) => slip.at(m),
        None => slip,
    }
}

pub(in crate::check::mistakes) fn dot(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn norm(a: &Array2<f64>) -> f64 {
    dot(a, a).sqrt()
}

/// The amount of `added` that `found` has beside `factor`·`made`, and what is left then.
pub(super) fn remainder(
    found: &Array2<f64>,
    made: &Array2<f64>,
    factor: f64,
    added: &Array2<f64>,
) -> Option<(f64, Array2<f64>)> {
    let mut rest = found - &(made * factor);
    let amount = dot(&rest, added) / dot(added, added);
    if !amount.is_finite() {
        return None;
    }
    rest.scaled_add(-amount, added);
    Some((amount, rest))
}

/// The products of up to `most` different factors, with the slips of each.
pub(super) fn products(factors: &[(f64, Slip)], most: usize) -> Vec<(f64, Vec<Slip>)> {
    let mut all = vec![(1.0, Vec::new())];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for index in from..to {
            let (product, named): (f64, Vec<Slip>) = all[index].clone();
            let after = named.last().map_or(0, |last| {
                let known = factors.iter().position(|(_, slip)| slip == last);
                known.map_or(0, |known| known + 1)
            });
            for (factor, slip) in &factors[after..] {
                // Two that cancel each other are none.
                let cancels = (product * factor - 1.0).abs() < 1e-9;
                if !cancels && !named.iter().any(|known| known.mistake == slip.mistake) {
                    let mut named = named.clone();
                    named.push(slip.clone());
                    all.push((product * factor, named));
                }
            }
        }
        from = to;
    }
    all
}

/// Whether the tensor sought agrees with this one, and how far it is off then.
fn agrees(sought: &Sought<'_>, made: &Estimate) -> Option<f64> {
    let found = sought.found;
    if found.dim() != made.value.dim() {
        return None;
    }
    let largest = made.value.fold(0.0, |m: f64, v| m.max(v.abs()));
    let off = found
        .iter()
        .zip(&made.value)
        .fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
    let share = off / largest.max(f64::MIN_POSITIVE);
    if !share.is_finite() {
        return None;
    }
    if let Some(tolerance) = sought.tolerance {
        return (share <= tolerance).then_some(share);
    }
    let inside = found
        .indexed_iter()
        .all(|(at, found)| (found - made.value[at]).abs() <= bound(made, at, largest, sought.u));
    // A bound that holds everything says nothing.
    let squares = |a: f64| a * a;
    let rest: f64 = found
        .iter()
        .zip(&made.value)
        .map(|(a, b)| squares(a - b))
        .sum();
    let size: f64 = found.iter().map(|&a| squares(a)).sum();
    (inside && rest <= squares(0.03) * size).then_some(share)
}

/// How far an element may be from the number on the board.
pub(in crate::check::mistakes) fn bound(
    made: &Estimate,
    at: (usize, usize),
    largest: f64,
    u: f64,
) -> f64 {
    2.0 * made.off(at) + 4.0 * u * largest + 1e-12 * largest + least(u)
}

/// Leaves the smallest explanations that fit about as well as the best, each set of mistakes once.
pub(super) fn settle(explanations: &mut Vec<Explanation>) {
    let Some(fewest) = explanations.iter().map(|e| e.slips.len()).min() else {
        return;
    };
    explanations.retain(|e| e.slips.len() == fewest);
    let best = explanations
        .iter()
        .map(|e| e.residual)
        .fold(f64::INFINITY, f64::min);
    explanations.retain(|e| e.residual <= 30.0 * best + 1e-6);
    let mut seen: Vec<Explanation> = Vec::new();
    for explanation in explanations.drain(..) {
        if !seen.iter().any(|known| known.slips == explanation.slips) {
            seen.push(explanation);
        }
    }
    seen.sort_by(|a, b| {
        a.residual
            .total_cmp(&b.residual)
            .then(a.names().cmp(&b.names()))
    });
    *explanations = seen;
}
