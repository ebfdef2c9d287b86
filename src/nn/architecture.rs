use ndarray_rand::rand::RngCore;
use serde::{Deserialize, Serialize};

use super::{Activation, Dropout, Float, Init, Layers, Linear, Mlp, Module};

/// The structure of a network, without its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// The widths of the layers: inputs, hidden units, …, outputs.
    pub layers: Layers,
    /// The activation after every hidden layer.
    pub activation: Activation,
    /// The dropout probabilities of the inputs and of each hidden layer in turn, see [`Dropout`]. Where one
    /// is 0, or the list has ended, there is no dropout module.
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
    /// Layers with [`ReLU`](super::ReLU) between them and no dropout.
    pub fn relu(layers: &[usize]) -> Self {
        Self {
            layers: layers.to_vec(),
            activation: Activation::Relu,
            dropout: Vec::new(),
        }
    }

    /// The network with weights drawn by `init`, layer by layer.
    ///
    /// Panics if there are fewer than two layers or one has no units, or where [`Init::linear`] does.
    pub fn init<F: Float>(&self, init: Init, rng: &mut impl RngCore) -> Mlp<F> {
        let layers = self.layers.windows(2);
        self.network(layers.map(|io| init.linear(io[0], io[1], rng)))
    }

    /// The network with these linear layers. Panics if their number or widths do not match `layers`.
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

    /// The indices of the linear layers among the modules, such as the 2 of `2.weight`.
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
