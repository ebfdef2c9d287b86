//! The known mistakes of hand-written backpropagation: what each does, where it comes from, and the formula
//! that fixes it.
//!
//! Each is written down twice, independently:
//!
//! - [`plant`] puts it into a running network, so that one can watch it train and see it caught;
//! - [`diagnose()`] compares gradients with what each mistake makes of the formulas on the board, and names
//!   those that fit.

mod against;
mod board;
mod diagnose;
mod faulty;
mod problem;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    loss::LossKind,
    nn::{Activation, Kind, Mlp},
};

pub use against::{Judged, NamedArray, Verdict, against};
pub use board::{Gradients, right_gradients};
pub use diagnose::{Diagnosis, Finding, diagnose};
pub use faulty::plant;
pub use problem::{Objective, Problem, Reduction, Step};

/// A known mistake. Its places are modules of a network; a mistake in the loss has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mistake {
    /// dz = t − p instead of p − t
    Sign,
    /// Σₙ instead of (1/N) Σₙ
    MeanMissing,
    /// (z − t) instead of 2·(z − t)
    TwoMissing,
    /// N·C instead of N, or N instead of N·C
    MeanOverOthers,
    /// One ln Σ e^z for the whole batch
    LogsumexpNotByRows,
    /// z instead of z − t
    ResForDiff,
    /// p of images other than those of the targets
    AnotherBatch,
    /// dx = dy behind a ReLU
    ReluMaskMissing,
    /// The mask of the last ReLU in every layer
    SharedRelu,
    /// The mask of the ReLU before
    ReluMaskOfBefore,
    /// dx = (x > 0) behind a ReLU
    UpstreamIgnored,
    /// dx = dy·w instead of dy·wᵀ
    WeightNotTransposed,
    /// 2·(z − t·wᵀ)/N instead of 2·(z − t)·wᵀ/N
    MisplacedBracket,
    /// db = dy of one image
    BiasNotSummed,
    /// db = (1/N) Σₙ dy
    BiasAveraged,
    /// 1 − x² instead of 1 − y²
    SlopeFromX,
    /// dx = dy behind a Dropout
    DropoutMaskMissing,
    /// dx = dy behind a tanh, a sigmoid or another smooth function
    SlopeMissing,
}

fn is_activation(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(_))
}

/// Whether a module masks by x > 0.
fn masks(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(activation) if activation.about().kink)
}

/// Whether the slope of a module is written in terms of its output.
fn slope_of_y(kind: Kind) -> bool {
    match kind {
        Kind::Activation(Activation::Tanh | Activation::ScaledTanh | Activation::Sigmoid) => true,
        Kind::Activation(Activation::Relu | Activation::LeakyRelu | Activation::Gelu)
        | Kind::Linear
        | Kind::Dropout => false,
    }
}

/// How a mistake is described.
struct Text {
    name: &'static str,
    what: &'static str,
    question: &'static str,
    mend: &'static str,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Sign,
        Self::MeanMissing,
        Self::TwoMissing,
        Self::MeanOverOthers,
        Self::LogsumexpNotByRows,
        Self::ResForDiff,
        Self::AnotherBatch,
        Self::ReluMaskMissing,
        Self::SharedRelu,
        Self::ReluMaskOfBefore,
        Self::UpstreamIgnored,
        Self::WeightNotTransposed,
        Self::MisplacedBracket,
        Self::BiasNotSummed,
        Self::BiasAveraged,
        Self::SlopeFromX,
        Self::DropoutMaskMissing,
        Self::SlopeMissing,
    ];

    fn text(self) -> Text {
        let (name, what, question, mend) = match self {
            Self::Sign => (
                "sign",
                "the gradient of the loss has its sign flipped: targets minus predictions",
                "why does my loss grow with every step?",
                "dz = (softmax(z) − onehot(t)) / N, or 2·(z − t) / (N·C) for mse: predictions minus targets",
            ),
            Self::MeanMissing => (
                "mean-missing",
                "the 1/N of the mean over the batch is missing",
                "why is my gradient 64 times PyTorch's, with batches of 64?",
                "L is a mean over N images, so dz has the factor 1/N",
            ),
            Self::TwoMissing => (
                "two-missing",
                "the 2 from the derivative of the square is missing",
                "why is every gradient half of PyTorch's?",
                "d(z − t)²/dz = 2·(z − t), so dz = 2·(z − t) / (N·C)",
            ),
            Self::MeanOverOthers => (
                "mean-over-others",
                "divides by N·C where the loss is a mean over N (ce), or by N where it is one over N·C (mse)",
                "why is every gradient a tenth of PyTorch's, or ten times as large?",
                "cross-entropy is a mean over the N images, mse over all N·C numbers: divide by the same number",
            ),
            Self::LogsumexpNotByRows => (
                "logsumexp-not-by-rows",
                "one log-sum-exp over the whole batch instead of one per row",
                "why don't the rows of my softmax sum to 1?",
                "lse[n] = ln Σ_j e^z[n][j], kept as a column (N, 1), so that z − lse takes each row's own",
            ),
            Self::ResForDiff => (
                "res-for-diff",
                "the output `res` is used instead of `diff`, output minus target",
                "why doesn't the gradient depend on the targets?",
                "dz = 2·diff / (N·C) with diff = z − t",
            ),
            Self::AnotherBatch => (
                "another-batch",
                "the predictions belong to other images than the targets",
                "why does it only learn if I run all the cells again?",
                "the forward pass of this batch, then its backward pass: dz = (p − onehot(t)) / N row by row",
            ),
            Self::ReluMaskMissing => (
                "relu-mask-missing",
                "the gradient passes a ReLU as if it were not there",
                "why is my first layer wrong and the last one right?",
                "dx = dy where x > 0, else 0",
            ),
            Self::SharedRelu => (
                "shared-relu",
                "one ReLU object for several layers: all get the mask of the last",
                "can't I use the same ReLU() twice?",
                "a module that remembers its input serves one layer: one ReLU object each, dx = dy where its own x > 0",
            ),
            Self::ReluMaskOfBefore => (
                "relu-mask-of-before",
                "a ReLU takes the mask of the ReLU before it",
                "I saved every layer's input in a list: which one is mine on the way back?",
                "dx = dy where x > 0, with the x that went into this very ReLU",
            ),
            Self::UpstreamIgnored => (
                "upstream-ignored",
                "an activation passes its own slope down and forgets the gradient from above",
                "isn't the gradient of ReLU just 0 or 1?",
                "the chain rule multiplies: dx = dy·(x > 0)",
            ),
            Self::WeightNotTransposed => (
                "weight-not-transposed",
                "dx = dy·w, which fits only where the layer is square",
                "why does it run with 50-50 and not with 50-10?",
                "dx = dy·wᵀ: (N, O)·(O, I) is (N, I)",
            ),
            Self::MisplacedBracket => (
                "misplaced-bracket",
                "the bracket closes too late: 2·(z − t·wᵀ)/N instead of 2·(z − t)·wᵀ/N",
                "why is only the layer below wrong?",
                "first dz = 2·(z − t)/N, then dx = dz·wᵀ",
            ),
            Self::BiasNotSummed => (
                "bias-not-summed",
                "the gradient of the bias is not summed over the batch: it is that of one image",
                "what shape does the gradient of a bias have?",
                "db = Σₙ dy[n]: the bias is added in every row, so all rows count",
            ),
            Self::BiasAveraged => (
                "bias-averaged",
                "the gradient of the bias is a mean over the batch, though dy has its 1/N already",
                "why do my biases learn so slowly?",
                "db = Σₙ dy[n]: the 1/N is in dz already",
            ),
            Self::SlopeFromX => (
                "slope-from-x",
                "the slope is taken at the input, where the formula has the output",
                "tanh' = 1 − tanh²: of what?",
                "tanh: dx = dy·(1 − y²); sigmoid: dx = dy·y·(1 − y), with y the output",
            ),
            Self::SlopeMissing => (
                "slope-missing",
                "the gradient passes a smooth activation as if it were not there",
                "why is every layer but the last wrong since I put a tanh there?",
                "the chain rule multiplies by the slope: dx = dy·∂y/∂x, which is 1 − y² for tanh and y·(1 − y) for sigmoid",
            ),
            Self::DropoutMaskMissing => (
                "dropout-mask-missing",
                "the gradient passes a Dropout as if it were not there",
                "does dropout have a backward pass?",
                "dx = dy·mask/(1 − p), with the mask of the forward pass",
            ),
        };
        Text {
            name,
            what,
            question,
            mend,
        }
    }

    /// Its name in flags.
    pub fn name(self) -> &'static str {
        self.text().name
    }

    /// What is wrong.
    pub fn what(self) -> &'static str {
        self.text().what
    }

    /// The question that leads people to it.
    pub fn question(self) -> &'static str {
        self.text().question
    }

    /// The formula that fixes it.
    pub fn mend(self) -> &'static str {
        self.text().mend
    }

    /// Whether it is a mistake in the loss, with no places in the network.
    pub fn of_loss(self) -> bool {
        use Mistake::*;
        matches!(
            self,
            Sign | MeanMissing
                | TwoMissing
                | MeanOverOthers
                | LogsumexpNotByRows
                | ResForDiff
                | AnotherBatch
        )
    }

    /// Whether it can be made with this loss.
    pub fn fits_loss(self, kind: LossKind) -> bool {
        let mse = !kind.probabilities();
        match self {
            Self::TwoMissing | Self::ResForDiff => mse,
            Self::MeanOverOthers => kind != LossKind::MseDigit, // where C = 1
            Self::LogsumexpNotByRows => !mse,
            Self::MisplacedBracket => kind == LossKind::MseDigit,
            _ => true,
        }
    }

    /// The modules where it can be made; none for a mistake in the loss.
    pub fn places<F: crate::nn::Float>(self, network: &Mlp<F>) -> Vec<usize> {
        let outputs = network.outputs();
        let width = |m: usize| outputs[m];
        let inputs = |m: usize| {
            if m == 0 {
                network.inputs()
            } else {
                outputs[m - 1]
            }
        };
        let of = |fits: &dyn Fn(Kind) -> bool| -> Vec<usize> {
            let modules = network.modules().iter().enumerate();
            let modules = modules.filter(|(_, module)| fits(module.kind()));
            modules.map(|(m, _)| m).collect()
        };
        let linears = of(&|kind| kind == Kind::Linear);
        let relus = of(&masks);
        // Up to the first weights no dx is needed.
        let below = |m: &usize| linears.first().is_some_and(|first| m > first);
        match self {
            Self::ReluMaskMissing => relus,
            Self::UpstreamIgnored => of(&is_activation),
            Self::SlopeMissing => of(&|kind| is_activation(kind) && !masks(kind)),
            Self::SharedRelu => match relus.split_last() {
                Some((&last, others)) => others
                    .iter()
                    .copied()
                    .filter(|&m| width(m) == width(last))
                    .collect(),
                None => Vec::new(),
            },
            Self::ReluMaskOfBefore => {
                let pairs = relus
                    .windows(2)
                    .filter(|pair| width(pair[0]) == width(pair[1]));
                pairs.map(|pair| pair[1]).collect()
            }
            Self::WeightNotTransposed => {
                let square = linears.iter().copied().filter(|&m| inputs(m) == width(m));
                square.filter(below).collect()
            }
            Self::MisplacedBracket => linears.last().copied().filter(below).into_iter().collect(),
            Self::BiasNotSummed | Self::BiasAveraged => linears,
            Self::SlopeFromX => of(&slope_of_y),
            Self::DropoutMaskMissing => {
                let dropouts = of(&|kind| kind == Kind::Dropout);
                dropouts.into_iter().filter(below).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it can be made in this network with this loss.
    pub fn fits<F: crate::nn::Float>(self, network: &Mlp<F>, kind: LossKind) -> bool {
        self.fits_loss(kind) && (self.of_loss() || !self.places(network).is_empty())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no mistake of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no known mistake has this name")]
pub struct UnknownMistake;

impl FromStr for Mistake {
    type Err = UnknownMistake;

    fn from_str(text: &str) -> Result<Self, UnknownMistake> {
        let mut all = Self::ALL.into_iter();
        all.find(|mistake| mistake.name() == text)
            .ok_or(UnknownMistake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_files_have_the_same_names() {
        for mistake in Mistake::ALL {
            assert_eq!(mistake.name().parse(), Ok(mistake));
            let json = serde_json::to_string(&mistake).unwrap();
            assert_eq!(json, format!("\"{mistake}\""));
        }
        assert_eq!("relu".parse::<Mistake>(), Err(UnknownMistake));
    }
}
