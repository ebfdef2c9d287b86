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
    if mistake.fits(network, kind) {
        return Ok(());
    }
    let needs = match mistake {
        Mistake::TwoMissing | Mistake::ResForDiff => "--loss mse",
        Mistake::MeanOverOthers => "--loss ce, or --loss mse --target onehot",
        Mistake::LogsumexpNotByRows => "--loss ce",
        Mistake::MisplacedBracket => "--loss mse --target digit, and a hidden layer",
        Mistake::SharedRelu | Mistake::ReluMaskOfBefore => {
            "ReLU behind two hidden layers of one width, such as --hidden 50,50"
        }
        Mistake::WeightNotTransposed => "two hidden layers of one width, such as --hidden 50,50",
        Mistake::ReluMaskMissing => "a hidden layer with ReLU",
        Mistake::UpstreamIgnored => "a hidden layer",
        Mistake::SlopeMissing => "--activation tanh, sigmoid or gelu, and a hidden layer",
        Mistake::SlopeFromX => "--activation tanh or sigmoid, and a hidden layer",
        Mistake::DropoutMaskMissing => "--dropout, and a hidden layer",
        _ => "a layer with weights",
    };
    Err(Usage(format!(
        "--inject {mistake} cannot be made in this network with this loss: it needs {needs}"
    )))
}
