//! The flags that say what stands between the layers, and how weights begin.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mlp::{
    data::Spec,
    loss::LossKind,
    nn::{Activation, Architecture},
};

use crate::cli::args::{Usage, hidden::Hidden, number};

/// What stands between the layers.
#[derive(clap::Args)]
#[command(next_help_heading = "Network")]
pub struct ArchitectureArgs {
    /// Activation function of the hidden layers; scaled-tanh is LeCun's 1.7159·tanh(2x/3), none is y = x [default: relu]
    #[arg(long, value_name = "NAME", value_parser = activation_parser())]
    activation: Option<Activation>,

    /// Dropout probability: one for all hidden layers (0.5), for the inputs and all hidden layers (0.2,0.5),
    /// or for the inputs and each hidden layer in turn
    #[arg(long, value_name = "SHARES")]
    dropout: Option<Shares>,
}

pub fn activation_parser() -> impl TypedValueParser<Value = Activation> {
    PossibleValuesParser::new(Activation::ALL.map(possible)).map(|name| {
        let named = |activation: &Activation| possible(*activation).matches(&name, false);
        let activation = Activation::ALL.into_iter().find(named);
        activation.expect("one of the names")
    })
}

/// The names of an activation.
fn possible(activation: Activation) -> PossibleValue {
    let value = PossibleValue::new(activation.flag());
    match activation {
        Activation::Identity => value.aliases(["linear", "identity"]),
        _ => value,
    }
}

/// Shares to drop, as they were given.
#[derive(Clone, Debug)]
struct Shares(Vec<f64>);

impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shares = text.split(',').map(number::share);
        shares.collect::<Result<_, _>>().map(Self)
    }
}

impl ArchitectureArgs {
    /// The activation that was given.
    pub fn activation(&self) -> Option<Activation> {
        self.activation
    }

    /// Takes this one.
    pub fn set_activation(&mut self, activation: Activation) {
        self.activation = Some(activation);
    }

    /// Whether a flag was given.
    pub fn given(&self) -> bool {
        self.activation.is_some() || self.dropout.is_some()
    }

    /// A network for these images with these hidden layers, or wrong usage.
    pub fn of(&self, hidden: &Hidden, loss: LossKind, spec: &Spec) -> Result<Architecture, Usage> {
        Ok(Architecture {
            layers: hidden.layers(loss, spec),
            activation: self.activation.unwrap_or_default(),
            dropout: self.dropout(hidden.0.len())?,
        })
    }

    /// The shares of the inputs and of each of so many hidden layers; none if all are 0.
    fn dropout(&self, hidden: usize) -> Result<Vec<f64>, Usage> {
        let given = match &self.dropout {
            Some(Shares(given)) if given.iter().any(|&p| p > 0.0) => given,
            _ => return Ok(Vec::new()),
        };
        match given[..] {
            _ if given.len() == hidden + 1 => Ok(given.clone()),
            [every] => Ok([vec![0.0], vec![every; hidden]].concat()),
            [inputs, every] if hidden > 0 => Ok([vec![inputs], vec![every; hidden]].concat()),
            _ => Err(Usage(format!(
                "--dropout has {} shares, expected {} for the inputs and {hidden} hidden layers, or fewer: see --help",
                given.len(),
                hidden + 1
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_activation_has_three_names() {
        #[derive(clap::Parser)]
        struct Args {
            #[command(flatten)]
            architecture: ArchitectureArgs,
        }
        let parsed = |name: &str| {
            let args = <Args as clap::Parser>::try_parse_from(["mlp", "--activation", name]);
            args.ok()?.architecture.activation()
        };
        for name in ["none", "linear", "identity"] {
            assert_eq!(parsed(name), Some(Activation::Identity), "{name}");
        }
        for activation in Activation::ALL {
            assert_eq!(parsed(activation.flag()), Some(activation));
        }
        assert_eq!(parsed("nothing"), None);
    }

    #[test]
    fn shares_are_for_the_hidden_layers_or_the_inputs_too() {
        let dropout = |text: &str, hidden| {
            let dropout = Some(text.parse().unwrap());
            let args = ArchitectureArgs {
                activation: None,
                dropout,
            };
            args.dropout(hidden).ok()
        };
        assert_eq!(dropout("0.5", 3), Some(vec![0.0, 0.5, 0.5, 0.5]));
        assert_eq!(dropout("0.2,0.5", 3), Some(vec![0.2, 0.5, 0.5, 0.5]));
        assert_eq!(dropout("0.2, 0.5", 1), Some(vec![0.2, 0.5]));
        assert_eq!(dropout("0,0.1,0.2", 2), Some(vec![0.0, 0.1, 0.2]));
        assert_eq!(dropout("0.2", 0), Some(vec![0.2]));
        assert_eq!(dropout("0", 2), Some(vec![]));
        assert_eq!(
            (dropout("0.2,0.5", 0), dropout("0.1,0.2,0.3", 3)),
            (None, None)
        );
        for bad in ["", "1", "-0.1", "nan", "0.2;0.5", "0.2,"] {
            assert!(bad.parse::<Shares>().is_err(), "{bad}");
        }
    }
}
