//! The first comparison: a tensor in a few sums.

use std::{cell::RefCell, collections::HashMap};

use ndarray::Array2;

use super::{
    COLUMNS, LOOSE, MOST, SUMS, Search, Sought, leaf_module,
    verify::{dot, norm, products, remainder},
};
use crate::check::mistakes::{Slip, Step, board::Leaf};

/// The first comparison: a tensor in a few sums.
pub(super) struct Filter {
    pub(super) leaf: Leaf,
    /// The modules of the path: from this one (not included) down to that one (included).
    pub(super) path: (usize, usize),
    /// The lowest linear layer of the path, whose dx needs only these columns.
    pub(super) lowest: Option<usize>,
    pub(super) columns: Vec<usize>,
    /// Random signs for the rows of dw.
    pub(super) signs: Array2<f64>,
    /// The sums of the tensor sought, (SUMS or rows, columns).
    pub(super) sums: Array2<f64>,
    /// The sums of the parameter.
    pub(super) decay: Option<Array2<f64>>,
    pub(super) factors: Vec<Vec<f64>>,
    /// Sums over rows of x with the random signs, by forward pass and slip.
    pub(super) inputs: RefCell<HashMap<(usize, usize), Array2<f64>>>,
    pub(super) own: Vec<Slip>,
    pub(super) elements: usize,
    /// Amounts that other tensors have told.
    pub(super) amounts: Vec<f64>,
    /// If there is nothing but rounding: the largest sums that are nothing, too.
    pub(super) nothing: Option<f64>,
}

impl Filter {
    pub(super) fn new(search: &Search<'_>, sought: &Sought<'_>) -> Self {
        let problem = search.board.problem;
        let found = sought.found;
        let width = found.ncols();
        // The columns with most in them, spread over those that have something.
        let mut columns: Vec<usize> = (0..width).collect();
        let norms: Vec<f64> = found.columns().into_iter().map(|c| c.dot(&c)).collect();
        columns.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]));
        // One number in every column was summed over all of them.
        let even =
            matches!(sought.leaf, Leaf::Bias(_)) && found.iter().all(|v| *v == found[[0, 0]]);
        if !even && !sought.leaf.forward() {
            columns.truncate(COLUMNS);
        }
        columns.sort_unstable();
        let rows = found.nrows();
        let mut signs = Array2::zeros((rows, SUMS));
        let mut bits: u64 = 0x9E37_79B9_7F4A_7C15;
        for sign in &mut signs {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            *sign = if bits >> 63 == 0 { 1.0 } else { -1.0 };
        }
        let some = found.select(ndarray::Axis(1), &columns);
        let (sums, decay) = match sought.leaf {
            Leaf::Weight(_) => {
                let w = search
                    .parameter(sought.leaf)
                    .select(ndarray::Axis(1), &columns);
                (signs.t().dot(&some), Some(signs.t().dot(&w)))
            }
            Leaf::Bias(_) => {
                let b = search
                    .parameter(sought.leaf)
                    .select(ndarray::Axis(1), &columns);
                (some, Some(b))
            }
            _ => (some, None),
        };
        let last = leaf_module(sought.leaf).map_or(0, |m| m + 1);
        let first = match sought.from {
            Some((m, _)) => m + 1,
            None => problem.steps.len(),
        };
        let lowest = (last..first).find(|&m| matches!(problem.steps[m], Step::Linear { .. }));
        let factors = problem.factors(sought.leaf);
        let factors = (0..=MOST)
            .map(|left| {
                products(&factors, left)
                    .into_iter()
                    .map(|(f, _)| f)
                    .collect()
            })
            .collect();
        Self {
            leaf: sought.leaf,
            path: (first, last),
            lowest,
            columns,
            signs,
            sums,
            decay,
            factors,
            inputs: RefCell::default(),
            own: problem.leaf_slips(sought.leaf),
            // One number in every column is one number.
            elements: if even { 1 } else { found.len() },
            amounts: search.amounts(),
            nothing: sought
                .is_nothing()
                .then(|| sought.nothing() * (found.nrows() as f64).sqrt().max(1.0)),
        }
    }

    /// Whether dy of a path that ends in no linear layer has all its columns still.
    pub(super) fn narrow(&self, dy: &Array2<f64>) -> bool {
        self.lowest.is_some() && dy.ncols() == self.columns.len()
    }

    /// How far the sums of a set are from those sought, if a factor (and an amount) that has a name fits.
    pub(super) fn off(
        &self,
        sums: &Array2<f64>,
        added: Option<&Array2<f64>>,
        left: usize,
    ) -> Option<f64> {
        if let Some(nothing) = self.nothing {
            let zero = sums.iter().all(|v| v.abs() <= nothing);
            return (added.is_none() && zero).then_some(0.0);
        }
        let size = norm(&self.sums);
        let Some(added) = added else {
            let ratio = dot(&self.sums, sums) / dot(sums, sums);
            let named = self.factors[left]
                .iter()
                .any(|f| (ratio / f - 1.0).abs() < LOOSE);
            if !named {
                return None;
            }
            let off = norm(&(&self.sums - &(sums * ratio)));
            return (off <= LOOSE * size).then(|| off / size);
        };
        let offs = self.factors[left].iter().filter_map(|&factor| {
            let (amount, rest) = remainder(&self.sums, sums, factor, added)?;
            // With an unknown amount, a few numbers say nothing.
            let told = |known: &f64| {
                let amount = amount.abs();
                (amount / known - 1.0).abs() < 0.01
                    || (amount / (factor * factor) / known - 1.0).abs() < 0.01
            };
            let enough = self.elements >= 3 || self.amounts.iter().any(told);
            (amount > 0.0 && enough).then(|| norm(&rest))
        });
        let off = offs.fold(f64::INFINITY, f64::min);
        (off <= LOOSE * size).then(|| off / size)
    }
}
