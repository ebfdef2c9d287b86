//! Where a mistake can be planted in a running network.

use super::Mistake;
use crate::{
    loss::LossKind,
    nn::{Activation, Kind, Mlp},
};

fn is_activation(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(_))
}

/// Whether a module masks by x > 0.
pub(super) fn masks(kind: Kind) -> bool {
    matches!(kind, Kind::Activation(activation) if activation.about().kink)
}

/// Whether the slope of an activation is written in terms of its output.
pub(super) fn slope_of_y(activation: Activation) -> bool {
    match activation {
        Activation::Tanh | Activation::ScaledTanh | Activation::Sigmoid => true,
        Activation::Relu | Activation::LeakyRelu | Activation::Gelu => false,
    }
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
                | WeightUpdated
                | WeightDecay
                | WeightReshaped
                | GradientForWeight
                | BeforeActivationInDw
                | AnotherInputInDw
                | NotZeroed
                | SoftmaxOverBatch
                | SoftmaxTwice
                | SoftmaxSlopeBesides
                | TargetNotSubtracted
                | OneOverP
                | BroadcastNByN
                | LabelsShifted
                | TargetEncoding
                | MeanTwice
                | MeanOverClasses
                | ReluMaskAtZero
                | ReluMaskInverted
                | ReluMaskOfGradient
                | ReluMaskOfAnother
                | SlopeAtOutput
                | WeightNotSummed
                | BiasScalar
                | GradientZero
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
            Self::SlopeFromX => {
                of(&|kind| matches!(kind, Kind::Activation(activation) if slope_of_y(activation)))
            }
            Self::DropoutMaskMissing => {
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
