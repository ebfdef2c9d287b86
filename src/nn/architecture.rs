use ndarray_rand::rand::RngCore;
use serde::{Deserialize, Serialize};

use super::{Activation, Dropout, Float, Init, Layers, Linear, Mlp, Module};

/// What a network consists of, without its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// The widths of the layers: inputs, hidden units, …, outputs.
    pub layers: Layers,
    /// What stands behind every hidden layer.
    pub activation: Activation,
    /// The shares that training drops of the inputs and of each hidden layer in turn, see [`Dropout`];
    /// where the share is 0, or the list has ended, no module stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropout: Vec<f64>,
}

/// A place in the chain of modules.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Dropout(f64),
    Linear,
    Activation,
}

impl Architecture {
    /// Layers with [`ReLU`](super::ReLU) between them and nothing else.
    pub fn relu(layers: &[usize]) -> Self {
        Self {
            layers: layers.to_vec(),
            activation: Activation::Relu,
            dropout: Vec::new(),
        }
    }

    /// The network with weights as `init` draws them, layer by layer.
    ///
    /// Panics if there are fewer than two layers or one is empty, or where [`Init::linear`] does.
    pub fn init<F: Float>(&self, init: Init, rng: &mut impl RngCore) -> Mlp<F> {
        let layers = self.layers.windows(2);
        self.network(layers.map(|io| init.linear(io[0], io[1], rng)))
    }

    /// The network of these linear layers. Panics if they are not as many and as wide as `layers` says.
    pub fn network<F: Float>(&self, linears: impl IntoIterator<Item = Linear<F>>) -> Mlp<F> {
        let mut linears = linears.into_iter();
        let modules = self.places().into_iter().map(|place| match place {
            Place::Dropout(p) => Box::new(Dropout::new(p)) as Box<dyn Module<F>>,
            Place::Linear => Box::new(linears.next().expect("a linear layer for each width")),
            Place::Activation => self.activation.module(),
        });
        let network = Mlp::new(self.layers[0], modules.collect());
        assert_eq!(
            network.layers(),
            self.layers,
            "the widths of the linear layers"
        );
        network
    }

    /// Where the linear layers stand among the modules, so that `2.weight` is found.
    pub fn linear_modules(&self) -> impl Iterator<Item = usize> {
        let places = self.places().into_iter().enumerate();
        places.filter_map(|(m, place)| (place == Place::Linear).then_some(m))
    }

    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for layer in 0..self.layers.len().saturating_sub(1) {
            if layer > 0 {
                places.push(Place::Activation);
            }
            match self.dropout.get(layer) {
                Some(&p) if p > 0.0 => places.push(Place::Dropout(p)),
                _ => {}
            }
            places.push(Place::Linear);
        }
        places
    }
}
