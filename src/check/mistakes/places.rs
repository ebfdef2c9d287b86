//! Where a mistake can be planted in a running network.

use super::Mistake;
use crate::{
    data::CLASSES,
    loss::LossKind,
    nn::{Activation, Kind, Mlp},
};

fn is_activation(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(_))
}

/// Whether a module is an activation that changes something: leaving out y = x, or its slope 1, is no mistake.
fn bends(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(activation) if activation != Activation::Identity)
}

/// Whether a module masks by x > 0.
pub(super) fn masks(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(activation) if activation.about().kink)
}

/// Whether the slope of an activation is written in terms of its output.
pub(super) fn slope_of_y(activation: Activation) -> bool {
    match activation {
        Activation::Tanh | Activation::ScaledTanh | Activation::Sigmoid => true,
        Activation::Relu | Activation::LeakyRelu | Activation::Gelu | Activation::Identity => false,
    }
}

/// The ReLU whose mask the one at m takes by mistake, if there is one of its width.
pub(super) fn mask_taken(
    mistake: Mistake,
    relus: &[usize],
    widths: &[usize],
    m: usize,
) -> Option<usize> {
    let last = relus.last().copied();
    let before = relus.iter().copied().rfind(|&relu| relu < m);
    let taken = match mistake {
        Mistake::SharedRelu => last,
        Mistake::ReluMaskOfBefore => before,
        _ => {
            let mut others = relus.iter().copied();
            others.find(|&other| {
                other != m
                    && Some(other) != last
                    && Some(other) != before
                    && widths[other] == widths[m]
            })
        }
    };
    taken.filter(|&taken| taken != m && widths[taken] == widths[m])
}

/// The first of these layers that has as many inputs as the one at m.
pub(super) fn first_of_width(
    layers: impl IntoIterator<Item = usize>,
    inputs: impl Fn(usize) -> usize,
    m: usize,
) -> Option<usize> {
    let mut layers = layers.into_iter();
    layers.find(|&layer| inputs(layer) == inputs(m))
}

impl Mistake {
    /// Whether it can be planted in a running network at all. The others change what the network computes,
    /// not only how it is differentiated, or are made outside of it.
    pub fn plantable(self) -> bool {
        use Mistake::*;
        !matches!(
            self,
            OtherImages
                | PixelsTo255
                | BiasTwice
                | BiasForgotten
                | ActivationForgotten
                | ActivationAtEnd
                | WeightDecay
        )
    }

    /// Whether it is made in the line of one tensor.
    pub fn of_tensor(self) -> bool {
        use Mistake::*;
        matches!(
            self,
            BeforeActivationInDw
                | AnotherInputInDw
                | WeightNotSummed
                | BiasNotSummed
                | BiasAveraged
                | BiasScalar
                | GradientZero
                | WeightDecay
        )
    }

    /// Whether it is a mistake in the loss, with no places in the network.
    pub fn of_loss(self) -> bool {
        use Mistake::*;
        matches!(
            self,
            Sign | MeanMissing
                | MeanTwice
                | MeanOverClasses
                | TwoMissing
                | MeanOverOthers
                | NotZeroed
                | LogsumexpNotByRows
                | SoftmaxOverBatch
                | SoftmaxTwice
                | SoftmaxSlopeBesides
                | SigmoidSlopeBesides
                | TargetNotSubtracted
                | OneOverP
                | ResForDiff
                | BroadcastNByN
                | LabelsShifted
                | TargetEncoding
                | AnotherBatch
        )
    }

    /// Whether it can be made with this loss.
    pub fn fits_loss(self, kind: LossKind) -> bool {
        use Mistake::*;
        let (one, binary) = (kind.outputs(CLASSES) == 1, kind == LossKind::Bce);
        let (mse, ce) = (!kind.probabilities(), kind.probabilities() && !binary);
        match self {
            TwoMissing | ResForDiff => mse,
            MeanOverOthers | TargetEncoding => !one, // where C = 1
            MeanOverClasses | LogsumexpNotByRows | SoftmaxOverBatch | SoftmaxTwice
            | SoftmaxSlopeBesides => ce,
            TargetNotSubtracted | OneOverP => !mse,
            SigmoidSlopeBesides => binary,
            BroadcastNByN => one,
            MisplacedBracket => kind == LossKind::MseDigit,
            _ => true,
        }
    }

    /// The modules where it can be made; none for a mistake in the loss.
    pub fn places<F: crate::nn::Float>(self, network: &Mlp<F>) -> Vec<usize> {
        use Mistake::*;
        let outputs = network.outputs();
        let width = |m: usize| outputs[m];
        let inputs = |m: usize| match m {
            0 => network.inputs(),
            _ => outputs[m - 1],
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
        let last = linears.last().copied();
        let behind_activation =
            |m: &usize| *m > 0 && is_activation(network.modules()[m - 1].kind());
        let linears_that = |fits: &dyn Fn(&usize) -> bool| -> Vec<usize> {
            linears.iter().copied().filter(|m| fits(m)).collect()
        };
        match self {
            ReluMaskMissing | ReluMaskInverted | ReluMaskOfGradient => relus,
            // The y of other functions with a kink has both signs, as x has.
            ReluMaskAtZero => of(&|kind| masks(kind) && kind.switches_off()),
            UpstreamIgnored => of(&is_activation),
            SlopeMissing | SlopeAtOutput => of(&|kind| bends(kind) && !masks(kind)),
            SharedRelu | ReluMaskOfBefore | ReluMaskOfAnother => {
                let taken = |m: &usize| mask_taken(self, &relus, &outputs, *m);
                let relus = relus.iter().copied();
                relus.filter(|m| taken(m).is_some()).collect()
            }
            WeightNotTransposed => linears_that(&|m| inputs(*m) == width(*m) && below(m)),
            // A square one that is reshaped is one that is not transposed.
            WeightReshaped => linears_that(&|m| {
                inputs(*m) != width(*m) && inputs(*m) > 1 && width(*m) > 1 && below(m)
            }),
            GradientForWeight | WeightUpdated => linears_that(&below),
            MisplacedBracket => last.filter(below).into_iter().collect(),
            BeforeActivationInDw => {
                linears_that(&|m| behind_activation(m) && bends(network.modules()[m - 1].kind()))
            }
            AnotherInputInDw => linears_that(&|m| {
                let others = linears
                    .iter()
                    .copied()
                    .filter(|other| other < m && *other > 0);
                behind_activation(m) && first_of_width(others, inputs, *m).is_some()
            }),
            WeightNotSummed | BiasNotSummed | BiasAveraged | GradientZero => linears,
            // The rows of dz of a softmax sum to 0.
            BiasScalar => linears_that(&|m| Some(*m) != last && width(*m) > 1),
            SlopeFromX => {
                of(&|kind| matches!(kind, Kind::Activation(activation) if slope_of_y(activation)))
            }
            DropoutMaskMissing => {
                let dropouts = of(&|kind| kind == Kind::Dropout);
                dropouts.into_iter().filter(below).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it can be made in this network with this loss.
    pub fn fits<F: crate::nn::Float>(self, network: &Mlp<F>, kind: LossKind) -> bool {
        self.plantable()
            && self.fits_loss(kind)
            && (self.of_loss() || !self.places(network).is_empty())
    }
}
