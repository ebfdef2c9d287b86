//! The walk down the lines of a path, with a slip here and there.

use std::rc::Rc;

use ndarray::Array2;

use super::{FILE, MOST, OPERATION, SUMS, Search, WORK, filter::Filter, heads::Head};
use crate::check::mistakes::{
    Mistake, Problem, Slip, Step,
    board::{Leaf, World},
    estimate::Estimate,
};

/// A set of slips that looks right in a few sums.
pub(super) struct Candidate {
    pub(super) head: Option<(usize, usize)>,
    pub(super) lines: Vec<Slip>,
    pub(super) everywhere: Option<Slip>,
    pub(super) own: Option<Slip>,
    pub(super) free: Option<Free>,
    pub(super) off: f64,
}

/// What may be added with a factor that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Free {
    /// −lr·(what dw in the place of w would give), at this module.
    Updated(usize),
    /// λ·w
    Decay,
}

/// One walk down the lines.
pub(super) struct Walk<'s, 'a, 'c> {
    pub(super) search: &'s Search<'a>,
    pub(super) filter: &'s Filter,
    pub(super) problem: &'a Problem,
    pub(super) lines: Vec<Slip>,
    pub(super) everywhere: Option<Slip>,
    pub(super) head: Option<(usize, usize)>,
    pub(super) candidates: &'c mut Vec<Candidate>,
    pub(super) used: usize,
    /// How many slips may still be such that no other tensor has; none if any.
    pub(super) unknown: Option<usize>,
}

impl Walk<'_, '_, '_> {
    /// Counts work; false if it is too much.
    pub(super) fn work(&self, multiplications: usize) -> bool {
        let mut work = self.search.work.borrow_mut();
        let mut all = self.search.all_work.borrow_mut();
        let here = multiplications as u64 + OPERATION;
        *work += here;
        *all += here;
        *work <= WORK && *all <= FILE
    }

    /// A number of the forward pass.
    pub(super) fn forward(&mut self, world: &Rc<World>, head: &Head) -> bool {
        if head.combine.is_some() {
            return true;
        }
        let board = &self.search.board;
        let (targets, predictions) = (head.targets.as_ref(), head.predictions.as_ref());
        let made = board.forward(world, self.filter.leaf, targets, predictions);
        if made.value.dim() != self.filter.sums.dim() {
            return true; // other images, another number of rows
        }
        self.offer(&made.value, None, None);
        self.work(made.value.len())
    }

    /// From the output of module `from` − 1 down, with exactly `left` slips in the lines to come.
    pub(super) fn down(
        &mut self,
        world: &Rc<World>,
        from: usize,
        dy: &Estimate,
        free: Option<(usize, &Estimate)>,
        left: usize,
    ) -> bool {
        let (_, last) = self.filter.path;
        if from == last {
            return self.leaf(world, dy, free, left);
        }
        let m = from - 1;
        let board = &self.search.board;
        let narrow = self.filter.narrow(&dy.value) && self.filter.lowest.is_some_and(|l| m < l);
        let columns = match self.filter.lowest {
            Some(lowest) if m == lowest || narrow => Some(&self.filter.columns[..]),
            _ => None,
        };
        let everywhere = self.search.of_everywhere(self.everywhere.as_ref(), m);
        let cost = match &self.problem.steps[m] {
            Step::Linear { w, .. } => {
                dy.value.nrows() * w.ncols() * columns.map_or(w.nrows(), <[usize]>::len)
            }
            _ => dy.value.len() * 4,
        };
        let on = |walk: &mut Self, slip: Option<&Slip>, left: usize| {
            if !walk.work(cost) {
                return false;
            }
            let dx = board.dx(world, m, dy, slip, columns);
            let moved = free.map(|(at, free)| (at, board.dx(world, m, free, slip, columns)));
            let moved = moved.as_ref().map(|(at, free)| (*at, free));
            walk.down(world, m, &dx, moved, left)
        };
        if !on(self, everywhere.as_ref(), left) {
            return false;
        }
        if left == 0 || everywhere.is_some() {
            return true;
        }
        for slip in self.problem.dx_slips(m) {
            let before = self.unknown;
            if before.is_some() && !self.search.known.contains(&slip) {
                self.unknown = match before {
                    Some(0) => continue,
                    other => other.map(|most| most - 1),
                };
            }
            self.lines.push(slip.clone());
            let within = on(self, Some(&slip), left - 1);
            self.lines.pop();
            self.unknown = before;
            if !within {
                return false;
            }
        }
        let linear = matches!(self.problem.steps[m], Step::Linear { .. });
        if linear && free.is_none() {
            if !self.work(2 * cost) {
                return false;
            }
            let dx = board.dx(world, m, dy, None, columns);
            let slip = Slip::new(Mistake::GradientForWeight).at(m);
            let moved = board.dx(world, m, dy, Some(&slip), columns).times(-1.0);
            return self.down(world, m, &dx, Some((m, &moved)), left - 1);
        }
        true
    }

    /// The tensor's own line.
    pub(super) fn leaf(
        &mut self,
        world: &Rc<World>,
        dy: &Estimate,
        free: Option<(usize, &Estimate)>,
        left: usize,
    ) -> bool {
        if left > 1 {
            return true;
        }
        if !self.work(dy.value.nrows() * self.filter.columns.len() * SUMS * 2) {
            return false;
        }
        let narrow = |dy: &Array2<f64>| match self.filter.lowest {
            Some(_) => dy.clone(),
            None => dy.select(ndarray::Axis(1), &self.filter.columns),
        };
        let some = narrow(&dy.value);
        let moved = free.map(|(at, free)| (at, narrow(&free.value)));
        let own: Vec<Option<Slip>> = match left {
            0 => vec![None],
            _ => self.filter.own.iter().cloned().map(Some).collect(),
        };
        for (index, slip) in own.into_iter().enumerate() {
            let index = if slip.is_none() { usize::MAX } else { index };
            let sums = |dy: &Array2<f64>| self.sums(world, dy, (index, slip.as_ref()));
            let made = sums(&some);
            let added = moved.as_ref().map(|(at, free)| (*at, sums(free)));
            match &added {
                Some((at, added)) => {
                    self.offer(&made, Some((Free::Updated(*at), added)), slip);
                }
                None => self.offer(&made, None, slip),
            }
        }
        // λ·w besides is a slip, too.
        if left == 1
            && moved.is_none()
            && let Some(decay) = self.filter.decay.clone()
        {
            let made = self.sums(world, &some, (usize::MAX, None));
            self.offer(&made, Some((Free::Decay, &decay)), None);
        }
        true
    }

    /// The sums of the tensor that this dy makes.
    pub(super) fn sums(
        &self,
        world: &Rc<World>,
        dy: &Array2<f64>,
        (index, slip): (usize, Option<&Slip>),
    ) -> Array2<f64> {
        let board = &self.search.board;
        match self.filter.leaf {
            Leaf::Weight(m) => {
                let key = (Rc::as_ptr(world) as usize, index);
                let mut inputs = self.filter.inputs.borrow_mut();
                let x = inputs
                    .entry(key)
                    .or_insert_with(|| board.input(world, m, slip).value.dot(&self.filter.signs));
                x.t().dot(dy)
            }
            Leaf::Bias(_) => board.bias(&Estimate::exact(dy.clone()), slip).value,
            _ => dy.clone(),
        }
    }

    pub(super) fn offer(
        &mut self,
        made: &Array2<f64>,
        added: Option<(Free, &Array2<f64>)>,
        own: Option<Slip>,
    ) {
        if made.dim() != self.filter.sums.dim() {
            return;
        }
        let left = MOST.saturating_sub(self.used);
        if let Some(off) = self.filter.off(made, added.map(|(_, added)| added), left) {
            self.candidates.push(Candidate {
                head: self.head,
                lines: self.lines.clone(),
                everywhere: self.everywhere.clone(),
                own,
                free: added.map(|(free, _)| free),
                off,
            });
        }
    }
}
