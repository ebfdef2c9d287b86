//! `--inject`: a known mistake by name, and whether it can be made in a network.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use mlp::{
    check::mistakes::Mistake,
    loss::LossKind,
    nn::{Float, Mlp},
};

use crate::cli::args::Usage;

/// The names of the known mistakes.
pub fn mistake_parser() -> impl TypedValueParser<Value = Mistake> {
    PossibleValuesParser::new(Mistake::ALL.iter().map(|mistake| mistake.name()))
        .map(|name| name.parse().expect("one of the names"))
}

/// Wrong usage if a mistake cannot be made in a network.
pub fn check_fits<F: Float>(
    mistake: Mistake,
    network: &Mlp<F>,
    kind: LossKind,
) -> Result<(), Usage> {
    use Mistake::*;
    if !mistake.plantable() {
        return Err(Usage(not_plantable(mistake)));
    }
    if mistake.fits(network, kind) {
        return Ok(());
    }
    let needs = match mistake {
        TwoMissing | ResForDiff => "--loss mse",
        MeanOverOthers | TargetEncoding => "--loss ce, or --loss mse --target onehot",
        MeanOverClasses | LogsumexpNotByRows | SoftmaxOverBatch | SoftmaxTwice
        | SoftmaxSlopeBesides => "--loss ce",
        TargetNotSubtracted | OneOverP => "--loss ce or bce",
        SigmoidSlopeBesides => "--loss bce",
        BroadcastNByN => "--loss mse --target digit, or --loss bce",
        MisplacedBracket => "--loss mse --target digit, and a hidden layer",
        SharedRelu | ReluMaskOfBefore => {
            "ReLU behind two hidden layers of one width, such as --hidden 50,50"
        }
        ReluMaskOfAnother => {
            "ReLU behind three hidden layers of one width, such as --hidden 50,50,50"
        }
        WeightNotTransposed => "two hidden layers of one width, such as --hidden 50,50",
        AnotherInputInDw => {
            "two hidden layers of one width without dropout, such as --hidden 50,50"
        }
        BeforeActivationInDw => "a hidden layer with an activation and without dropout",
        WeightReshaped => {
            "a hidden layer, and a layer of another width above it, such as --hidden 50 with --loss ce"
        }
        ReluMaskMissing | ReluMaskInverted | ReluMaskOfGradient => "a hidden layer with ReLU",
        ReluMaskAtZero => "--activation relu, and a hidden layer",
        UpstreamIgnored | GradientForWeight | WeightUpdated => "a hidden layer",
        BiasScalar => "a hidden layer of more than one unit",
        SlopeMissing | SlopeAtOutput => "--activation tanh, sigmoid or gelu, and a hidden layer",
        SlopeFromX => "--activation tanh or sigmoid, and a hidden layer",
        DropoutMaskMissing => "--dropout, and a hidden layer",
        _ => "a layer with weights",
    };
    Err(Usage(format!(
        "--inject {mistake} cannot be made in this network with this loss: it needs {needs}"
    )))
}

/// Why a mistake cannot be planted, and what names it.
fn not_plantable(mistake: Mistake) -> String {
    let why = match mistake {
        Mistake::OtherImages => {
            "is made before the network runs: its gradient is right for the images that it takes"
        }
        Mistake::WeightDecay => {
            "is no mistake in training, where it is what --weight-decay does: only as the gradient of the loss \
             alone is it wrong"
        }
        _ => {
            "changes the forward pass as well: its gradient is right for the network that it makes"
        }
    };
    format!("{mistake} {why}; mlp gradcheck --against names it in a file")
}
