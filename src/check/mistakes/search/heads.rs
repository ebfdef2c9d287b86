//! The first lines of every path: what the network is fed, its forward pass, and the loss.

use std::rc::Rc;

use super::{Search, WORLDS};
use crate::check::mistakes::{Mistake, Slip, Step, board::World, estimate::Estimate};

/// The first lines of a path: what goes back from the loss.
pub(super) struct Head {
    pub(super) world: usize,
    pub(super) targets: Option<Slip>,
    pub(super) predictions: Option<Slip>,
    pub(super) combine: Option<Slip>,
    pub(super) dz: Estimate,
}

impl Head {
    pub(super) fn slips<'a>(&'a self, worlds: &'a [Rc<World>]) -> impl Iterator<Item = &'a Slip> {
        let after = [&self.targets, &self.predictions, &self.combine];
        let after = after.into_iter().filter_map(Option::as_ref);
        worlds[self.world].slips.iter().chain(after)
    }
}

impl Search<'_> {
    /// The multiplications of one forward pass.
    pub(super) fn pass_work(&self) -> u64 {
        let problem = self.board.problem;
        let params = problem.steps.iter().map(|step| match step {
            Step::Linear { w, .. } => w.len() as u64,
            _ => 0,
        });
        (params.sum::<u64>() + 1000) * problem.n() as u64
    }

    /// Makes the heads with this many slips.
    pub(super) fn make_heads(&mut self, slips: usize) {
        while self.heads.len() <= slips {
            let next = match self.heads.len() {
                1 => self.single_heads(),
                2 => self.double_heads(),
                _ => Vec::new(), // three slips before the first dx are beyond what is tried
            };
            self.heads.push(next);
        }
    }

    pub(super) fn head(&mut self, world: usize, after: [Option<Slip>; 3]) -> Head {
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

    pub(super) fn single_heads(&mut self) -> Vec<Head> {
        let problem = self.board.problem;
        let mut heads = Vec::new();
        for after in self.single_after() {
            heads.push(self.head(0, after));
        }
        let most = (WORLDS / 2 / self.pass_work()).clamp(4, 200) as usize;
        for slip in problem.forward_slips().into_iter().take(most) {
            self.worlds.push(Rc::new(self.board.world(&[slip])));
            heads.push(self.head(self.worlds.len() - 1, [None, None, None]));
        }
        heads
    }

    /// One slip behind the forward pass.
    pub(super) fn single_after(&self) -> Vec<[Option<Slip>; 3]> {
        let problem = self.board.problem;
        let targets = problem.target_slips().into_iter();
        let predictions = problem.prediction_slips().into_iter();
        let combine = problem
            .combine_slips()
            .into_iter()
            .chain(problem.factor_slips());
        let targets = targets.map(|slip| [Some(slip), None, None]);
        let predictions = predictions.map(|slip| [None, Some(slip), None]);
        let combine = combine.map(|slip| [None, None, Some(slip)]);
        targets.chain(predictions).chain(combine).collect()
    }

    pub(super) fn double_heads(&mut self) -> Vec<Head> {
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
        // Two choices of images are one.
        let of_images =
            |slip: &Slip| !slip.rows.is_empty() || slip.mistake == Mistake::WeightUpdated;
        let plain: Vec<_> = slips.iter().filter(|slip| !of_images(slip)).collect();
        let images: Vec<_> = slips.iter().filter(|slip| of_images(slip)).collect();
        let most = (WORLDS / 2 / self.pass_work()) as usize;
        let mut pairs = Vec::new();
        for (a, first) in plain.iter().enumerate() {
            for second in &plain[a + 1..] {
                pairs.push([(*first).clone(), (*second).clone()]);
            }
        }
        for first in images {
            pairs.extend(
                plain
                    .iter()
                    .map(|second| [first.clone(), (*second).clone()]),
            );
        }
        for pair in pairs.into_iter().take(most) {
            self.worlds.push(Rc::new(self.board.world(&pair)));
            heads.push(self.head(self.worlds.len() - 1, [None, None, None]));
        }
        heads
    }
}
