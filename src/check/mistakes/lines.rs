//! What can be written wrongly, line by line: the slips of each line that fit a problem.

use super::{
    Mistake, Problem, Step,
    board::Leaf,
    problem::{Objective, Reduction},
    slip::Slip,
};
use crate::nn::Activation;

/// Learning rates that people use, tried where a step cannot be fitted.
const RATES: [f64; 8] = [0.5, 0.1, 0.05, 0.01, 1.0, 0.2, 0.02, 0.001];

/// Batch sizes that people use.
const BATCHES: [usize; 13] = [64, 32, 16, 50, 128, 10, 100, 1, 4, 2, 20, 25, 256];

impl Problem {
    fn has_masks(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Mask(_)))
    }

    fn activations(&self) -> Vec<(usize, Activation)> {
        let steps = self.steps.iter().enumerate();
        let activations = steps.filter_map(|(m, step)| match step {
            Step::Activation(activation) => Some((m, *activation)),
            _ => None,
        });
        activations.collect()
    }

    /// The activation of a module, or the first of all.
    pub(super) fn activation_at(&self, place: Option<usize>) -> Option<Activation> {
        let mut all = self.activations().into_iter();
        let found = all.find(|(m, _)| place.is_none_or(|place| place == *m));
        found.map(|(_, activation)| activation)
    }

    /// Slips in what the network is fed and in its forward pass; the likeliest first.
    pub(super) fn forward_slips(&self) -> Vec<Slip> {
        let mut slips = Vec::new();
        if self.pixels {
            slips.push(Slip::new(Mistake::PixelsTo255));
        }
        let mut activations = self.activations();
        // Whether y = x is there or not makes no difference.
        activations.retain(|(_, activation)| *activation != Activation::Identity);
        for &(m, _) in &activations {
            slips.push(Slip::new(Mistake::ActivationForgotten).at(m));
        }
        let ends_in_linear = matches!(self.steps.last(), Some(Step::Linear { .. }));
        let mut used: Vec<_> = activations
            .iter()
            .map(|(_, activation)| *activation)
            .collect();
        if used.is_empty() {
            used = vec![Activation::Relu, Activation::Sigmoid, Activation::Tanh];
        }
        // The sigmoid is in the loss: one in the network is a second.
        if matches!(self.objective, Objective::Bce(_)) && !used.contains(&Activation::Sigmoid) {
            used.push(Activation::Sigmoid);
        }
        used.dedup();
        for activation in used {
            let index = Activation::ALL.iter().position(|&a| a == activation);
            if let (true, Some(index)) = (ends_in_linear, index) {
                for way in 0..2 {
                    slips.push(Slip::new(Mistake::ActivationAtEnd).variant(2 * index + way));
                }
            }
        }
        for mistake in [Mistake::BiasTwice, Mistake::BiasForgotten] {
            let biased: Vec<_> = self
                .linears()
                .into_iter()
                .filter(|&m| match &self.steps[m] {
                    Step::Linear { b, .. } => b.iter().any(|&b| b != 0.0),
                    _ => false,
                })
                .collect();
            if biased.len() > 1 {
                slips.push(Slip::new(mistake));
            }
            slips.extend(biased.into_iter().map(|m| Slip::new(mistake).at(m)));
        }
        if self.has_masks() {
            return slips; // a mask belongs to its batch
        }
        slips.extend(self.image_slips());
        slips.extend(RATES.map(|lr| Slip::new(Mistake::WeightUpdated).amount(lr)));
        slips
    }

    /// Slips in the choice of images.
    fn image_slips(&self) -> Vec<Slip> {
        let n = self.n();
        let all = n + self.others.as_ref().map_or(0, |(x, _)| x.nrows());
        let mut slips = Vec::new();
        if 2 * n <= all {
            slips.push(Slip::new(Mistake::NotZeroed).rows(0..2 * n));
            slips.push(Slip::new(Mistake::AnotherBatch).rows(n..2 * n));
        }
        let mut other = |rows: std::ops::Range<usize>| {
            let known = |slip: &Slip| slip.mistake == Mistake::OtherImages && slip.rows == rows;
            let taken = slips.iter().any(known);
            if !rows.is_empty() && rows.end <= all && rows != (0..n) && !taken {
                slips.push(Slip::new(Mistake::OtherImages).rows(rows));
            }
        };
        for k in 1..=4 {
            other(k * n..(k + 1) * n);
        }
        slips.extend((2 * n <= all).then(|| Slip::new(Mistake::OtherImages).rows(0..2 * n)));
        let mut other = |rows: std::ops::Range<usize>| {
            if !rows.is_empty() && rows.end <= all && rows != (0..n) && rows != (0..2 * n) {
                slips.push(Slip::new(Mistake::OtherImages).rows(rows));
            }
        };
        for size in BATCHES {
            other(0..size);
        }
        if n > 2 {
            other(0..n - 1);
            other(1..n);
        }
        slips
    }

    /// Slips in the targets.
    pub(super) fn target_slips(&self) -> Vec<Slip> {
        let mut slips = Vec::new();
        if self.n() > 1 {
            let shifted = match self.n() {
                2 => 0..1, // there and back are the same
                _ => 0..4,
            };
            slips.extend(shifted.map(|v| Slip::new(Mistake::LabelsShifted).variant(v)));
        }
        if self.classes.is_some() && !matches!(self.objective, Objective::Bce(_)) {
            let way = usize::from(self.c() == 1);
            slips.push(Slip::new(Mistake::TargetEncoding).variant(way));
        }
        slips
    }

    /// Slips in what the loss makes of the outputs.
    pub(super) fn prediction_slips(&self) -> Vec<Slip> {
        let mut slips = Vec::new();
        if matches!(self.objective, Objective::Ce(_)) {
            slips.push(Slip::new(Mistake::SoftmaxTwice));
            slips.push(Slip::new(Mistake::SoftmaxTwice).variant(1));
            slips.push(Slip::new(Mistake::SoftmaxOverBatch));
            if self.n() > 1 {
                slips.push(Slip::new(Mistake::LogsumexpNotByRows));
            }
        }
        let others = self.others.as_ref().map_or(0, |(x, _)| x.nrows());
        if others >= self.n() && !self.has_masks() {
            let next = self.n()..2 * self.n();
            slips.push(Slip::new(Mistake::AnotherBatch).rows(next));
        }
        if self.n() > 1 {
            slips.push(Slip::new(Mistake::AnotherBatch));
        }
        if self.n() > 2 {
            slips.push(Slip::new(Mistake::AnotherBatch).variant(1));
        }
        slips
    }

    /// Slips in dz = p − t.
    pub(super) fn combine_slips(&self) -> Vec<Slip> {
        let mut slips = vec![Slip::new(Mistake::Sign)];
        match self.objective {
            Objective::Ce(_) => slips.extend([
                Slip::new(Mistake::TargetNotSubtracted),
                Slip::new(Mistake::OneOverP),
                Slip::new(Mistake::SoftmaxSlopeBesides),
                Slip::new(Mistake::SoftmaxSlopeBesides).variant(1),
                // p[:, t] −= 1
                Slip::new(Mistake::BroadcastNByN).variant(2),
            ]),
            Objective::Mse(_) => slips.push(Slip::new(Mistake::ResForDiff)),
            Objective::Bce(_) => slips.extend([
                Slip::new(Mistake::TargetNotSubtracted),
                Slip::new(Mistake::OneOverP),
                Slip::new(Mistake::SigmoidSlopeBesides),
            ]),
        }
        let one_column = self.c() == 1 && self.n() > 1;
        if one_column && !matches!(self.objective, Objective::Ce(_)) {
            slips.push(Slip::new(Mistake::BroadcastNByN));
            slips.push(Slip::new(Mistake::BroadcastNByN).variant(1));
        }
        slips
    }

    /// Factors as slips in dz: they show as such where a line further down is not linear.
    pub(super) fn factor_slips(&self) -> Vec<Slip> {
        let factors = self.factors(Leaf::Dy(0)).into_iter();
        let others = factors.filter(|(_, slip)| slip.mistake != Mistake::Sign);
        others.map(|(factor, slip)| slip.amount(factor)).collect()
    }

    /// Slips in dx of module m.
    pub(super) fn dx_slips(&self, m: usize) -> Vec<Slip> {
        let slip = |mistake| Slip::new(mistake).at(m);
        match &self.steps[m] {
            Step::Linear { w, .. } => {
                let (i, o) = w.dim();
                let mut slips = Vec::new();
                let last = m + 1 == self.steps.len();
                let one_shape = self.c() == 1 || self.c() == i;
                if last && one_shape && !self.objective.probabilities() {
                    slips.push(slip(Mistake::MisplacedBracket));
                    slips.push(slip(Mistake::MisplacedBracket).variant(1));
                }
                if i == o && i > 1 {
                    slips.push(slip(Mistake::WeightNotTransposed));
                }
                slips.push(slip(Mistake::GradientForWeight));
                if i > 1 && o > 1 {
                    slips.push(slip(Mistake::WeightReshaped));
                    slips.push(slip(Mistake::WeightReshaped).variant(1));
                }
                slips
            }
            Step::Activation(activation) => self.slope_slips(m, *activation),
            Step::Mask(_) => vec![slip(Mistake::DropoutMaskMissing)],
        }
    }

    fn slope_slips(&self, m: usize, activation: Activation) -> Vec<Slip> {
        let slip = |mistake| Slip::new(mistake).at(m);
        if activation == Activation::Identity {
            return vec![slip(Mistake::UpstreamIgnored)]; // its slope is 1 with or without the line
        }
        if !activation.about().kink {
            let mut slips = vec![slip(Mistake::SlopeMissing), slip(Mistake::UpstreamIgnored)];
            if super::places::slope_of_y(activation) {
                slips.push(slip(Mistake::SlopeFromX));
            }
            slips.push(slip(Mistake::SlopeAtOutput));
            return slips;
        }
        let mut slips = vec![
            slip(Mistake::ReluMaskMissing),
            slip(Mistake::UpstreamIgnored),
            slip(Mistake::ReluMaskInverted),
            slip(Mistake::ReluMaskOfGradient),
        ];
        // y ≥ 0 is true of every ReLU.
        slips.push(slip(Mistake::ReluMaskAtZero));
        slips.push(slip(Mistake::ReluMaskAtZero).variant(1));
        let widths = self.widths();
        let masks = self
            .activations()
            .into_iter()
            .filter(|(_, a)| a.about().kink);
        let masks: Vec<_> = masks.map(|(m, _)| m).collect();
        let (last, before) = (
            masks.last().copied(),
            masks.iter().rev().find(|&&other| other < m).copied(),
        );
        for other in masks.into_iter().filter(|&other| other != m) {
            if widths[other] != widths[m] {
                continue;
            }
            let mistake = if Some(other) == last {
                Mistake::SharedRelu
            } else if Some(other) == before {
                Mistake::ReluMaskOfBefore
            } else {
                Mistake::ReluMaskOfAnother
            };
            slips.push(slip(mistake).variant(other));
        }
        slips
    }

    /// Slips in the line of a leaf itself.
    pub(super) fn leaf_slips(&self, leaf: Leaf) -> Vec<Slip> {
        let one_of_many = |mistake: Mistake, m: usize| {
            let ways = if self.n() > 1 { 0..2 } else { 0..0 };
            ways.map(move |way| Slip::new(mistake).at(m).variant(way))
        };
        match leaf {
            Leaf::Weight(m) => {
                let mut slips: Vec<_> = one_of_many(Mistake::WeightNotSummed, m).collect();
                let widths = [&[self.x.ncols()][..], &self.widths()].concat();
                // Back over the activation (and dropout) between this layer and the one below.
                let mut at = m;
                while at > 0 && !matches!(self.steps[at - 1], Step::Linear { .. }) {
                    at -= 1;
                    let bends = |activation| activation != Activation::Identity;
                    if matches!(self.steps[at], Step::Activation(a) if bends(a)) {
                        let slip = Slip::new(Mistake::BeforeActivationInDw).at(m);
                        slips.push(slip.variant(at));
                    }
                }
                for other in self.linears() {
                    if other != m && widths[other] == widths[m] {
                        slips.push(Slip::new(Mistake::AnotherInputInDw).at(m).variant(other));
                    }
                }
                slips
            }
            Leaf::Bias(m) => {
                let mut slips: Vec<_> = one_of_many(Mistake::BiasNotSummed, m).collect();
                if self.widths()[m] > 1 {
                    slips.push(Slip::new(Mistake::BiasScalar).at(m));
                }
                slips
            }
            _ => Vec::new(),
        }
    }

    /// The factors by which people are off, with their names.
    pub(super) fn factors(&self, leaf: Leaf) -> Vec<(f64, Slip)> {
        let (n, c) = (self.n() as f64, self.c() as f64);
        let mut factors = Vec::new();
        let mut add = |factor: f64, mistake: Mistake| {
            if (factor - 1.0).abs() > 1e-9 {
                factors.push((factor, Slip::new(mistake)));
            }
        };
        match leaf {
            // What is not a gradient has no sign and no zero_grad.
            Leaf::Loss => {
                add(n, Mistake::MeanMissing);
                add(1.0 / n, Mistake::MeanTwice);
                match self.objective {
                    Objective::Ce(Reduction::Mean) => add(1.0 / c, Mistake::MeanOverOthers),
                    Objective::Mse(Reduction::Mean) | Objective::Bce(Reduction::Mean)
                        if c > 1.0 =>
                    {
                        add(c, Mistake::MeanOverOthers);
                        add(n * c, Mistake::MeanMissing);
                    }
                    _ => {}
                }
                return factors;
            }
            leaf if leaf.forward() => return factors,
            _ => {}
        }
        add(-1.0, Mistake::Sign);
        add(2.0, Mistake::NotZeroed);
        add(1.0 / n, Mistake::MeanTwice);
        if let Leaf::Bias(m) = leaf
            && n > 1.0
        {
            factors.push((1.0 / n, Slip::new(Mistake::BiasAveraged).at(m)));
        }
        let mut add = |factor: f64, mistake: Mistake| {
            if (factor - 1.0).abs() > 1e-9 {
                factors.push((factor, Slip::new(mistake)));
            }
        };
        match self.objective {
            Objective::Ce(Reduction::Mean) => {
                add(n, Mistake::MeanMissing);
                add(1.0 / c, Mistake::MeanOverOthers);
                add(n / c, Mistake::MeanOverClasses);
            }
            Objective::Mse(Reduction::Mean) | Objective::Bce(Reduction::Mean) => {
                add(n, Mistake::MeanMissing);
                if matches!(self.objective, Objective::Mse(_)) {
                    add(0.5, Mistake::TwoMissing);
                }
                if c > 1.0 {
                    add(n * c, Mistake::MeanMissing);
                    add(1.0 / (n * c), Mistake::MeanTwice);
                    add(c, Mistake::MeanOverOthers);
                }
            }
            // A mean where the loss is a sum.
            _ => {
                add(1.0 / c, Mistake::MeanTwice);
                add(1.0 / (n * c), Mistake::MeanTwice);
            }
        }
        factors
    }

    /// Mistakes that people make at all their places at once, among these modules.
    pub(super) fn everywhere(&self, modules: std::ops::Range<usize>) -> Vec<Slip> {
        let mut all: Vec<(Slip, usize)> = Vec::new();
        for m in modules.clone() {
            for slip in self.dx_slips(m) {
                let masks_of_others = matches!(
                    slip.mistake,
                    Mistake::SharedRelu | Mistake::ReluMaskOfBefore | Mistake::ReluMaskOfAnother
                );
                let same = |known: &Slip| {
                    known.mistake == slip.mistake
                        && (masks_of_others || known.variant == slip.variant)
                };
                match all.iter_mut().find(|(known, _)| same(known)) {
                    Some((_, count)) => *count += 1,
                    None => all.push((
                        Slip {
                            place: None,
                            ..slip
                        },
                        1,
                    )),
                }
            }
        }
        let mut slips: Vec<_> = all
            .into_iter()
            .filter(|(slip, count)| *count > 1 && slip.mistake != Mistake::ReluMaskOfAnother)
            .map(|(slip, _)| slip)
            .collect();
        let linears = self.linears().into_iter().filter(|m| modules.contains(m));
        if linears.count() > 1 {
            // Marked by a variant, so that it is not taken for a forward pass with updated weights.
            slips.extend(RATES.map(|lr| Slip::new(Mistake::WeightUpdated).variant(1).amount(lr)));
        }
        slips
    }
}
