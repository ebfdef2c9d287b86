//! The smallest sets of slips on the path of one tensor that give its numbers.
//!
//! The path of a tensor is a list of lines: what the network is fed, the loss, dx of every module down to the
//! tensor's own, and the tensor's own line. All sets of no, one, two and three slips in these lines are tried
//! in turn, and the search ends with the first number of slips for which some fit. A set is first compared in
//! a few sums (some columns, and sums over the rows with random signs), for which the last products shrink to
//! a few columns; what passes is computed whole, with its error bound, and compared element by element. Factors
//! that people are off by are not searched but read off the ratio.

mod filter;
mod heads;
mod verify;
mod walk;

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use ndarray::Array2;

use super::{
    Mistake, Problem, Step,
    board::{Board, Leaf, World},
    estimate::Estimate,
    slip::Slip,
};
use filter::Filter;
use heads::Head;
use verify::settle;
use walk::{Candidate, Walk};

pub(in crate::check::mistakes) use verify::{bound, dot};

/// The most slips that one tensor is explained by.
const MOST: usize = 3;

/// The largest work of one search, in multiplications; what is not tried then is said.
const WORK: u64 = 500_000_000;

/// The largest work of all searches of a file.
const FILE: u64 = 2_500_000_000;

/// The largest work of computing sets whole, for one tensor.
const WHOLE: u64 = 1_000_000_000;

/// What an operation costs besides its multiplications, in these.
const OPERATION: u64 = 1500;

/// The largest work of all other forward passes.
const WORLDS: u64 = 1_500_000_000;

/// The columns that a set is first compared in.
const COLUMNS: usize = 8;

/// The sums over the rows that a set is first compared in.
const SUMS: usize = 3;

/// How far a set may be off in the first comparison.
const LOOSE: f64 = 0.05;

/// One set of slips that gives the numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The slips, from the loss down.
    pub slips: Vec<Slip>,
    /// How many tensors of the file this same set explains.
    pub shared: usize,
    /// The largest difference that it leaves, as a share of the largest element.
    pub residual: f64,
}

impl Explanation {
    /// The names of its mistakes, in order, each once.
    pub fn names(&self) -> Vec<Mistake> {
        let mut names: Vec<_> = self.slips.iter().map(|slip| slip.mistake).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A tensor of somebody else's, in our shape.
pub(super) struct Sought<'a> {
    pub leaf: Leaf,
    pub found: &'a Array2<f64>,
    /// The unit roundoff of their arithmetic.
    pub u: f64,
    /// A relative tolerance instead of the error bound.
    pub tolerance: Option<f64>,
    /// The largest element of the right tensor.
    pub scale: f64,
    /// ∂L/∂y of a module as they have it, from which to go on.
    pub from: Option<(usize, &'a Array2<f64>)>,
}

impl Sought<'_> {
    /// Below this, a tensor that should be of its scale is nothing but rounding.
    fn nothing(&self) -> f64 {
        let u = self.tolerance.map_or(self.u, |_| f64::EPSILON);
        self.scale * (1000.0 * u).min(1e-3)
    }

    /// Whether the tensor is zero, or nothing but rounding.
    fn is_nothing(&self) -> bool {
        self.found.iter().all(|v| v.abs() <= self.nothing())
    }
}

/// What a search found.
#[derive(Default)]
pub(super) struct Outcome {
    pub explanations: Vec<Explanation>,
    /// The slips tried in full: all sets up to this size.
    pub complete: usize,
}

/// Everything that the searches of one file share.
pub(super) struct Search<'a> {
    board: Board<'a>,
    worlds: Vec<Rc<World>>,
    /// Heads by their number of slips.
    heads: Vec<Vec<Head>>,
    /// The forward passes with error bounds, by their slips.
    bounded: RefCell<HashMap<String, Rc<World>>>,
    work: RefCell<u64>,
    /// The work of the whole file.
    all_work: RefCell<u64>,
    /// The right tensors, by unit roundoff.
    rights: RefCell<HashMap<u64, HashMap<Leaf, Estimate>>>,
    /// The slips in what was explained so far.
    known: Vec<Slip>,
}

impl<'a> Search<'a> {
    pub fn new(problem: &'a Problem) -> Self {
        let board = Board::new(problem, None);
        let right = Rc::new(board.world(&[]));
        let dz = board.dz(&right, None, None, None);
        let head = Head {
            world: 0,
            targets: None,
            predictions: None,
            combine: None,
            dz,
        };
        Self {
            board,
            worlds: vec![right],
            heads: vec![vec![head]],
            bounded: RefCell::default(),
            work: RefCell::new(0),
            all_work: RefCell::new(0),
            rights: RefCell::default(),
            known: Vec::new(),
        }
    }

    /// The smallest sets of slips that give a tensor.
    pub fn explain(&mut self, sought: &Sought<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        if !sought.leaf.forward() && sought.found.iter().all(|&v| v == 0.0) {
            let place = match sought.leaf {
                Leaf::Weight(m) | Leaf::Bias(m) | Leaf::Dy(m) => m,
                _ => 0,
            };
            outcome.explanations.push(Explanation {
                slips: vec![Slip::new(Mistake::GradientZero).at(place)],
                shared: 1,
                residual: 0.0,
            });
        }
        *self.work.borrow_mut() = 0;
        // All zeros may come of one mistake more that happens to give them.
        let mut best = match outcome.explanations.is_empty() {
            true => MOST + 1,
            false => 1,
        };
        for slips in 0..=MOST {
            if slips > best {
                break;
            }
            self.make_heads(slips.min(2));
            // Many sets: first those with at most one slip that no other tensor has.
            let rounds: &[Option<usize>] = match slips {
                MOST if !self.known.is_empty() => &[Some(1), None],
                _ => &[None],
            };
            let filter = Filter::new(self, sought);
            let mut complete = true;
            for &unknown in rounds {
                let (found, whole) = self.sets(&filter, sought, (slips, unknown));
                complete = whole;
                for explanation in found {
                    best = best.min(explanation.slips.len());
                    outcome.explanations.push(explanation);
                }
                if slips == MOST && best <= MOST {
                    break;
                }
            }
            if !complete {
                break;
            }
            outcome.complete = slips;
        }
        settle(&mut outcome.explanations);
        for explanation in &outcome.explanations {
            for slip in &explanation.slips {
                if !self.known.contains(slip) {
                    self.known.push(slip.clone());
                }
            }
        }
        outcome
    }

    /// What sets with this many slips (factors not counted) explain, at most `unknown` of them such that no
    /// other tensor has; false if the work was cut off.
    fn sets(
        &self,
        filter: &Filter,
        sought: &Sought<'_>,
        size: (usize, Option<usize>),
    ) -> (Vec<Explanation>, bool) {
        let mut candidates = Vec::new();
        let complete = self.collect(filter, sought, size, &mut candidates);
        candidates.sort_by(|a, b| a.off.total_cmp(&b.off));
        candidates.truncate(self.most_candidates());
        let explained = candidates.iter().flat_map(|c| self.verify(sought, c));
        (explained.collect(), complete)
    }

    /// All sets with this many slips (factors not counted) that look right in a few sums; false if the work
    /// was cut off.
    fn collect(
        &self,
        filter: &Filter,
        sought: &Sought<'_>,
        (slips, unknown): (usize, Option<usize>),
        candidates: &mut Vec<Candidate>,
    ) -> bool {
        let problem = self.board.problem;
        let (first, last) = filter.path;
        let everywhere = match sought.leaf.forward() {
            true => Vec::new(),
            false => problem.everywhere(last..first),
        };
        let mut walk = Walk {
            search: self,
            filter,
            problem,
            lines: Vec::new(),
            everywhere: None,
            head: None,
            candidates,
            used: slips,
            unknown,
        };
        if let Some((_, dy)) = sought.from {
            let dy = Estimate::exact(dy.clone());
            return walk.down(&self.worlds[0], first, &dy, None, slips);
        }
        for in_head in 0..=slips.min(2) {
            for (index, head) in self.heads[in_head].iter().enumerate() {
                walk.head = Some((in_head, index));
                let world = &self.worlds[head.world];
                let new = |slip: &&Slip| !self.known.contains(slip);
                let new = head.slips(&self.worlds).filter(new).count();
                walk.unknown = match unknown {
                    Some(most) if new > most => continue,
                    Some(most) => Some(most - new),
                    None => None,
                };
                if sought.leaf.forward() {
                    if in_head == slips && !walk.forward(world, head) {
                        return false;
                    }
                    continue;
                }
                walk.everywhere = None;
                if !walk.down(world, first, &head.dz, None, slips - in_head) {
                    return false;
                }
                if slips == in_head {
                    continue;
                }
                for slip in &everywhere {
                    walk.everywhere = Some(slip.clone());
                    if !walk.down(world, first, &head.dz, None, slips - in_head - 1) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// The amounts of what was explained so far.
    fn amounts(&self) -> Vec<f64> {
        let free =
            |slip: &&Slip| matches!(slip.mistake, Mistake::WeightUpdated | Mistake::WeightDecay);
        let known = self.known.iter().filter(free);
        known.filter_map(|slip| slip.amount).collect()
    }

    /// Explanations that have all of these slips and more, though fewer would do for this tensor alone: what
    /// other tensors show.
    pub fn beyond(&mut self, sought: &Sought<'_>, with: &Explanation) -> Vec<Explanation> {
        *self.work.borrow_mut() = 0;
        let before = std::mem::replace(&mut self.known, with.slips.clone());
        let mut found = Vec::new();
        for slips in 1..MOST {
            self.make_heads(slips.min(2));
            let filter = Filter::new(self, sought);
            let (explained, _) = self.sets(&filter, sought, (slips, Some(1)));
            let all = |e: &Explanation| {
                let names = e.names();
                with.names().iter().all(|name| names.contains(name))
            };
            found.extend(explained.into_iter().filter(all));
        }
        self.known = before;
        settle(&mut found);
        found
    }

    /// The value of the parameter of a leaf.
    fn parameter(&self, leaf: Leaf) -> Array2<f64> {
        match (
            leaf,
            leaf_module(leaf).map(|m| &self.board.problem.steps[m]),
        ) {
            (Leaf::Weight(_), Some(Step::Linear { w, .. })) => w.clone(),
            (_, Some(Step::Linear { b, .. })) => b.clone(),
            _ => unreachable!("a parameter"),
        }
    }

    /// How many sets are computed whole at most.
    fn most_candidates(&self) -> usize {
        (WHOLE / 8 / self.pass_work()).clamp(4, 40) as usize
    }

    /// The right tensor, with the error bound of this arithmetic.
    pub fn right(&self, leaf: Leaf, u: f64) -> Estimate {
        let mut rights = self.rights.borrow_mut();
        let all = rights
            .entry(u.to_bits())
            .or_insert_with(|| self.all_right(u));
        all[&leaf].clone()
    }

    /// All right tensors, in one pass.
    fn all_right(&self, u: f64) -> HashMap<Leaf, Estimate> {
        let board = Board::new(self.board.problem, Some(u));
        let world = self.bounded(&board, &[]);
        let steps = &self.board.problem.steps;
        let mut all = HashMap::new();
        for leaf in (0..steps.len())
            .map(Leaf::Y)
            .chain([Leaf::P, Leaf::LogP, Leaf::Loss])
        {
            all.insert(leaf, board.forward(&world, leaf, None, None));
        }
        let mut dy = board.dz(&world, None, None, None);
        for m in (0..steps.len()).rev() {
            if let Step::Linear { .. } = steps[m] {
                let dw = Estimate::outer(&world.x[m], &dy, board.u);
                all.insert(Leaf::Weight(m), dw);
                all.insert(Leaf::Bias(m), board.bias(&dy, None));
            }
            let dx = (m > 0).then(|| board.dx(&world, m, &dy, None, None));
            all.insert(Leaf::Dy(m), dy);
            match dx {
                Some(dx) => dy = dx,
                None => break,
            }
        }
        all
    }

    fn bounded(&self, board: &Board<'_>, slips: &[Slip]) -> Rc<World> {
        let key = format!("{:?} {slips:?}", board.u);
        let mut bounded = self.bounded.borrow_mut();
        let world = bounded.entry(key);
        Rc::clone(world.or_insert_with(|| Rc::new(board.world(slips))))
    }

    /// The slip of a line, where one mistake is made at all its places.
    fn of_everywhere(&self, everywhere: Option<&Slip>, m: usize) -> Option<Slip> {
        let everywhere = everywhere?;
        let problem = self.board.problem;
        if everywhere.mistake == Mistake::WeightUpdated {
            let linear = matches!(problem.steps[m], Step::Linear { .. });
            return linear.then(|| everywhere.clone().at(m));
        }
        let masks_of_others = matches!(
            everywhere.mistake,
            Mistake::SharedRelu | Mistake::ReluMaskOfBefore
        );
        problem.dx_slips(m).into_iter().find(|slip| {
            slip.mistake == everywhere.mistake
                && (masks_of_others || slip.variant == everywhere.variant)
        })
    }
}

fn leaf_module(leaf: Leaf) -> Option<usize> {
    match leaf {
        Leaf::Weight(m) | Leaf::Bias(m) | Leaf::Dy(m) | Leaf::Y(m) => Some(m),
        Leaf::P | Leaf::LogP | Leaf::Loss => None,
    }
}
