//! The smallest sets of slips on the path of one tensor that give its numbers.
//!
//! The path of a tensor is a list of lines: what the network is fed, the loss, dx of every module down to the
//! tensor's own, and the tensor's own line. All sets of no, one, two and three slips in these lines are tried
//! in turn, and the search ends with the first number of slips for which some fit. A set is first compared in
//! a few sums (some columns, and sums over the rows with random signs), for which the last products shrink to
//! a few columns; what passes is computed whole, with its error bound, and compared element by element. Factors
//! that people are off by are not searched but read off the ratio.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use ndarray::Array2;

use super::{
    Mistake, Problem, Step,
    board::{Board, Leaf, World},
    estimate::Estimate,
    slip::Slip,
};

/// The most slips that one tensor is explained by.
const MOST: usize = 3;

/// The largest work of one search, in multiplications; what is not tried then is said.
const WORK: u64 = 1_500_000_000;

/// The columns that a set is first compared in.
const COLUMNS: usize = 8;

/// The sums over the rows that a set is first compared in.
const SUMS: usize = 3;

/// How far a set may be off in the first comparison.
const LOOSE: f64 = 0.02;

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

/// The first lines of a path: what goes back from the loss.
struct Head {
    world: usize,
    targets: Option<Slip>,
    predictions: Option<Slip>,
    combine: Option<Slip>,
    dz: Estimate,
}

impl Head {
    fn slips<'a>(&'a self, worlds: &'a [Rc<World>]) -> impl Iterator<Item = &'a Slip> {
        let after = [&self.targets, &self.predictions, &self.combine];
        let after = after.into_iter().filter_map(Option::as_ref);
        worlds[self.world].slips.iter().chain(after)
    }
}

/// A set of slips that looks right in a few sums.
struct Candidate {
    head: Option<(usize, usize)>,
    lines: Vec<Slip>,
    everywhere: Option<Slip>,
    own: Option<Slip>,
    free: Option<Free>,
    off: f64,
}

/// What may be added with a factor that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Free {
    /// −lr·(what dw in the place of w would give), at this module.
    Updated(usize),
    /// λ·w
    Decay,
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
        }
    }

    /// The multiplications of one forward pass.
    fn pass_work(&self) -> u64 {
        let problem = self.board.problem;
        let params = problem.steps.iter().map(|step| match step {
            Step::Linear { w, .. } => w.len() as u64,
            _ => 0,
        });
        (params.sum::<u64>() + 1000) * problem.n() as u64
    }

    /// Makes the heads with this many slips.
    fn make_heads(&mut self, slips: usize) {
        while self.heads.len() <= slips {
            let next = match self.heads.len() {
                1 => self.single_heads(),
                2 => self.double_heads(),
                _ => Vec::new(), // three slips before the first dx are beyond what is tried
            };
            self.heads.push(next);
        }
    }

    fn head(&mut self, world: usize, after: [Option<Slip>; 3]) -> Head {
        let [targets, predictions, combine] = after;
        let dz = self.board.dz(
            &self.worlds[world],
            targets.as_ref(),
            predictions.as_ref(),
            combine.as_ref(),
        );
        Head {
            world,
            targets,
            predictions,
            combine,
            dz,
        }
    }

    fn single_heads(&mut self) -> Vec<Head> {
        let problem = self.board.problem;
        let mut heads = Vec::new();
        for after in self.single_after() {
            heads.push(self.head(0, after));
        }
        let most = (WORK / 2 / self.pass_work()).clamp(4, 200) as usize;
        for slip in problem.forward_slips().into_iter().take(most) {
            self.worlds.push(Rc::new(self.board.world(&[slip])));
            heads.push(self.head(self.worlds.len() - 1, [None, None, None]));
        }
        heads
    }

    /// One slip behind the forward pass.
    fn single_after(&self) -> Vec<[Option<Slip>; 3]> {
        let problem = self.board.problem;
        let targets = problem.target_slips().into_iter();
        let predictions = problem.prediction_slips().into_iter();
        let combine = problem.combine_slips().into_iter();
        let targets = targets.map(|slip| [Some(slip), None, None]);
        let predictions = predictions.map(|slip| [None, Some(slip), None]);
        let combine = combine.map(|slip| [None, None, Some(slip)]);
        targets.chain(predictions).chain(combine).collect()
    }

    fn double_heads(&mut self) -> Vec<Head> {
        let mut heads = Vec::new();
        let after = self.single_after();
        // Two behind the right forward pass, in two lines.
        for (a, first) in after.iter().enumerate() {
            for second in &after[a + 1..] {
                let same = (0..3).any(|line| first[line].is_some() && second[line].is_some());
                if !same {
                    let both =
                        [0, 1, 2].map(|line| first[line].clone().or_else(|| second[line].clone()));
                    heads.push(self.head(0, both));
                }
            }
        }
        // One in the forward pass and one behind it.
        let worlds = self.worlds.len();
        for world in 1..worlds {
            for after in &after {
                heads.push(self.head(world, after.clone()));
            }
        }
        // Two in the forward pass.
        let slips: Vec<_> = self.worlds[1..]
            .iter()
            .map(|world| world.slips[0].clone())
            .collect();
        let plain: Vec<_> = slips
            .iter()
            .filter(|slip| slip.rows.is_empty() && slip.mistake != Mistake::WeightUpdated)
            .collect();
        let most = (WORK / 4 / self.pass_work()) as usize;
        let mut pairs = Vec::new();
        for (a, first) in plain.iter().enumerate() {
            for second in &plain[a + 1..] {
                pairs.push([(*first).clone(), (*second).clone()]);
            }
        }
        for pair in pairs.into_iter().take(most) {
            self.worlds.push(Rc::new(self.board.world(&pair)));
            heads.push(self.head(self.worlds.len() - 1, [None, None, None]));
        }
        heads
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
            let filter = Filter::new(self, sought);
            let mut candidates = Vec::new();
            let complete = self.collect(&filter, sought, slips, &mut candidates);
            candidates.sort_by(|a, b| a.off.total_cmp(&b.off));
            candidates.truncate(40);
            for candidate in candidates {
                for explanation in self.verify(sought, &candidate) {
                    best = best.min(explanation.slips.len());
                    outcome.explanations.push(explanation);
                }
            }
            if !complete {
                break;
            }
            outcome.complete = slips;
        }
        settle(&mut outcome.explanations);
        outcome
    }

    /// All sets with this many slips (factors not counted) that look right in a few sums; false if the work
    /// was cut off.
    fn collect(
        &self,
        filter: &Filter,
        sought: &Sought<'_>,
        slips: usize,
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
        };
        if let Some((_, dy)) = sought.from {
            let dy = Estimate::exact(dy.clone());
            return walk.down(&self.worlds[0], first, &dy, None, slips);
        }
        for in_head in 0..=slips.min(2) {
            for (index, head) in self.heads[in_head].iter().enumerate() {
                walk.head = Some((in_head, index));
                let world = &self.worlds[head.world];
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

    /// Computes a set of slips whole, with its error bound, and says what explains the tensor then.
    fn verify(&self, sought: &Sought<'_>, candidate: &Candidate) -> Vec<Explanation> {
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
        let Some((ratio, amount)) = fit(sought.found, &made.value, added.as_ref()) else {
            return Vec::new();
        };
        if candidate.free.is_some() && (amount <= 0.0 || ratio <= 0.0) {
            return Vec::new();
        }
        let mut explanations = Vec::new();
        for (factor, named) in products(&problem.factors(sought.leaf), left) {
            if ((ratio / factor) - 1.0).abs() > LOOSE {
                continue;
            }
            let mut whole = made.clone().times(factor);
            let mut amount = amount;
            if let Some(added) = &added {
                // The amount that goes with the exact factor.
                let rest = sought.found - &whole.value;
                let squares = added.iter().map(|v| v * v).sum::<f64>();
                amount = rest.iter().zip(added).map(|(r, a)| r * a).sum::<f64>() / squares;
                whole.value.scaled_add(amount, added);
            }
            let Some(residual) = agrees(sought, &whole) else {
                continue;
            };
            let mut slips = slips.clone();
            match candidate.free {
                Some(Free::Updated(m)) => {
                    slips.push(
                        Slip::new(Mistake::WeightUpdated)
                            .at(m)
                            .amount(amount / factor),
                    );
                }
                Some(Free::Decay) => slips.push(decay(sought.leaf).amount(amount)),
                None => {}
            }
            slips.extend(named);
            explanations.push(Explanation {
                slips,
                shared: 1,
                residual,
            });
        }
        explanations
    }

    /// The tensor that a set of slips makes, with its error bound, and what may be added to it.
    fn compute(
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

    /// The right tensor, with the error bound of this arithmetic.
    pub fn right(&self, leaf: Leaf, u: f64) -> Estimate {
        let board = Board::new(self.board.problem, Some(u));
        let found = Array2::zeros((0, 0));
        let sought = Sought {
            leaf,
            found: &found,
            u,
            tolerance: None,
            scale: 0.0,
            from: None,
        };
        let candidate = Candidate {
            head: Some((0, 0)),
            lines: Vec::new(),
            everywhere: None,
            own: None,
            free: None,
            off: 0.0,
        };
        self.compute(&board, &sought, &candidate).0
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

fn decay(leaf: Leaf) -> Slip {
    let slip = Slip::new(Mistake::WeightDecay);
    match leaf_module(leaf) {
        Some(m) => slip.at(m),
        None => slip,
    }
}

/// The first comparison: a tensor in a few sums.
struct Filter {
    leaf: Leaf,
    /// The modules of the path: from this one (not included) down to that one (included).
    path: (usize, usize),
    /// The lowest linear layer of the path, whose dx needs only these columns.
    lowest: Option<usize>,
    columns: Vec<usize>,
    /// Random signs for the rows of dw.
    signs: Array2<f64>,
    /// The sums of the tensor sought, (SUMS or rows, columns).
    sums: Array2<f64>,
    /// The sums of the parameter.
    decay: Option<Array2<f64>>,
    factors: Vec<Vec<f64>>,
    /// Sums over rows of x with the random signs, by forward pass and slip.
    inputs: RefCell<HashMap<(usize, usize), Array2<f64>>>,
    own: Vec<Slip>,
    elements: usize,
    /// If there is nothing but rounding: the largest sums that are nothing, too.
    nothing: Option<f64>,
}

impl Filter {
    fn new(search: &Search<'_>, sought: &Sought<'_>) -> Self {
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
            elements: found.len(),
            nothing: sought
                .is_nothing()
                .then(|| sought.nothing() * (found.nrows() as f64).sqrt().max(1.0)),
        }
    }

    /// Whether dy of a path that ends in no linear layer has all its columns still.
    fn narrow(&self, dy: &Array2<f64>) -> bool {
        self.lowest.is_some() && dy.ncols() == self.columns.len()
    }

    /// How far the sums of a set are from those sought, if a factor (and an amount) that has a name fits.
    fn off(&self, sums: &Array2<f64>, added: Option<&Array2<f64>>, left: usize) -> Option<f64> {
        if let Some(nothing) = self.nothing {
            let zero = sums.iter().all(|v| v.abs() <= nothing);
            return (added.is_none() && zero).then_some(0.0);
        }
        let (ratio, amount) = fit(&self.sums, sums, added)?;
        if added.is_some() && (amount <= 0.0 || self.elements < 6) {
            return None;
        }
        let named = self.factors[left]
            .iter()
            .any(|f| (ratio / f - 1.0).abs() < LOOSE);
        if !named {
            return None;
        }
        let mut rest = &self.sums - &(sums * ratio);
        if let Some(added) = added {
            rest.scaled_add(-amount, added);
        }
        let size = self.sums.iter().map(|v| v * v).sum::<f64>().sqrt();
        let off = rest.iter().map(|v| v * v).sum::<f64>().sqrt();
        (off <= LOOSE * size).then(|| off / size.max(f64::MIN_POSITIVE))
    }
}

/// One walk down the lines.
struct Walk<'s, 'a, 'c> {
    search: &'s Search<'a>,
    filter: &'s Filter,
    problem: &'a Problem,
    lines: Vec<Slip>,
    everywhere: Option<Slip>,
    head: Option<(usize, usize)>,
    candidates: &'c mut Vec<Candidate>,
    used: usize,
}

impl Walk<'_, '_, '_> {
    /// Counts work; false if it is too much.
    fn work(&self, multiplications: usize) -> bool {
        let mut work = self.search.work.borrow_mut();
        *work += multiplications as u64 + 400;
        *work <= WORK
    }

    /// A number of the forward pass.
    fn forward(&mut self, world: &Rc<World>, head: &Head) -> bool {
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
    fn down(
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
            // The same everywhere is tried as such.
            self.lines.push(slip.clone());
            let within = on(self, Some(&slip), left - 1);
            self.lines.pop();
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
    fn leaf(
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
        if left == 1 && moved.is_none() {
            if let Some(decay) = self.filter.decay.clone() {
                let made = self.sums(world, &some, (usize::MAX, None));
                self.offer(&made, Some((Free::Decay, &decay)), None);
            }
        }
        true
    }

    /// The sums of the tensor that this dy makes.
    fn sums(
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

    fn offer(
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

/// r and s in found ≈ r·made + s·added, by least squares.
fn fit(found: &Array2<f64>, made: &Array2<f64>, added: Option<&Array2<f64>>) -> Option<(f64, f64)> {
    let dot = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mm, fm) = (dot(made, made), dot(found, made));
    if mm == 0.0 || !mm.is_finite() {
        return None;
    }
    let Some(added) = added else {
        let ratio = fm / mm;
        return (ratio.is_finite() && ratio != 0.0).then_some((ratio, 0.0));
    };
    let (aa, ma, fa) = (dot(added, added), dot(made, added), dot(found, added));
    let determinant = mm * aa - ma * ma;
    // Nearly the same direction: nothing can be told apart.
    if !(determinant > 1e-9 * mm * aa) {
        return None;
    }
    let ratio = (fm * aa - fa * ma) / determinant;
    let amount = (fa * mm - fm * ma) / determinant;
    (ratio.is_finite() && ratio != 0.0).then_some((ratio, amount))
}

/// The products of up to `most` different factors, with the slips of each.
fn products(factors: &[(f64, Slip)], most: usize) -> Vec<(f64, Vec<Slip>)> {
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
pub(super) fn agrees(sought: &Sought<'_>, made: &Estimate) -> Option<f64> {
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
    (inside && rest <= squares(0.01) * size).then_some(share)
}

/// How far an element may be from the number on the board.
pub(super) fn bound(made: &Estimate, at: (usize, usize), largest: f64, u: f64) -> f64 {
    2.0 * made.off(at) + 4.0 * u * largest + 1e-12 * largest
}

/// Leaves the smallest explanations that fit about as well as the best, each set of mistakes once.
fn settle(explanations: &mut Vec<Explanation>) {
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
