//! What every format writes: the network as a list of steps, and what is known about it.

use ndarray::Array2;

use super::ExportError;
use crate::{
    data::Spec,
    files::model::{Metadata, Model},
    loss::LossKind,
    nn::{Activation, Kind},
};

/// A network as it is used: pixels become inputs, and the steps follow one another.
pub struct Plan {
    /// The modules in order.
    pub steps: Vec<Step>,
    /// Units of x per grey value, in the precision that the network computes in.
    pub scale: f32,
    /// x of a black pixel.
    pub shift: f32,
    /// Whether every image is set upright first, see [`deslant`](crate::data::deslant::deslant).
    pub deslant: bool,
    /// The size of an image, and the classes.
    pub spec: Spec,
    /// The loss that training minimised, which says how outputs are read.
    pub loss: LossKind,
    /// Names and values for people, in a fixed order: how it was trained. No value has line breaks or quotes.
    pub about: Vec<(&'static str, String)>,
}

/// One module, with its place in the chain as PyTorch counts it.
pub struct Step {
    /// Its index: the 2 of `2.weight`.
    pub index: usize,
    /// What it does.
    pub operation: Operation,
}

/// What a module does.
pub enum Operation {
    /// y = x·wᵀ + b
    Linear {
        /// The weight (O, I), as PyTorch stores it.
        w: Array2<f32>,
        /// The bias (O).
        b: Vec<f32>,
    },
    /// A function of every element.
    Activation(Activation),
    /// Nothing, once training is over. PyTorch counts it as a module.
    Dropout(f64),
}

impl Plan {
    /// The plan of a model. Errors: its inputs are not the pixels of its images, or a parameter is not finite.
    pub fn new(model: &Model) -> Result<Self, ExportError> {
        let Model { network, metadata } = model;
        let spec = metadata.spec();
        if network.inputs() != spec.pixels() {
            return Err(ExportError::Inputs {
                found: network.inputs(),
                rows: spec.rows,
                cols: spec.cols,
            });
        }
        if let Some(name) = network.first_not_finite() {
            return Err(ExportError::NotFinite { name });
        }
        let mut dropout = metadata.architecture.dropout.iter().filter(|p| **p > 0.0);
        let modules = network.modules().iter().enumerate();
        let steps = modules.map(|(index, module)| Step {
            index,
            operation: match (module.kind(), module.params()) {
                (Kind::Linear, params) => {
                    let [w, b] = params.expect("a Linear layer has parameters");
                    Operation::Linear {
                        w: w.value.t().as_standard_layout().into_owned(),
                        b: b.value.iter().copied().collect(),
                    }
                }
                (Kind::Activation(activation), _) => Operation::Activation(activation),
                (Kind::Dropout, _) => Operation::Dropout(dropout.next().copied().unwrap_or(0.0)),
            },
        });
        Ok(Self {
            steps: steps.collect(),
            scale: metadata.preprocessing.scale as f32,
            shift: metadata.preprocessing.shift as f32,
            deslant: metadata.preprocessing.deslant,
            loss: metadata.loss,
            about: about(metadata),
            spec,
        })
    }

    /// The weight (O, I) and the bias (O) of every Linear layer, with its index.
    pub fn linears(&self) -> impl Iterator<Item = (usize, &Array2<f32>, &[f32])> {
        self.steps.iter().filter_map(|step| match &step.operation {
            Operation::Linear { w, b } => Some((step.index, w, b.as_slice())),
            _ => None,
        })
    }

    /// Every parameter in order: the name of the model file, the shape and the values.
    pub fn parameters(&self) -> impl Iterator<Item = (String, Vec<usize>, &[f32])> {
        self.linears().flat_map(|(index, w, b)| {
            let values = w.as_slice().expect("in standard layout");
            [
                (
                    format!("{index}.weight"),
                    vec![w.nrows(), w.ncols()],
                    values,
                ),
                (format!("{index}.bias"), vec![b.len()], b),
            ]
        })
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.linears().last().map_or(0, |(_, w, _)| w.nrows())
    }

    /// Names and values for people as `name: value`, one a line.
    pub fn about_lines(&self) -> impl Iterator<Item = String> {
        self.about
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
    }
}

fn about(metadata: &Metadata) -> Vec<(&'static str, String)> {
    let (architecture, training) = (&metadata.architecture, &metadata.training);
    let list = |numbers: &mut dyn Iterator<Item = String>| numbers.collect::<Vec<_>>().join(", ");
    let mut about = vec![
        (
            "layers",
            list(&mut architecture.layers.iter().map(usize::to_string)),
        ),
        ("activation", architecture.activation.flag().to_owned()),
        ("loss", metadata.loss.to_string()),
    ];
    if architecture.dropout.iter().any(|&p| p > 0.0) {
        let p = list(&mut architecture.dropout.iter().map(f64::to_string));
        about.push(("dropout", format!("{p} in training, none in use")));
    }
    // A model of another program does not say how it was trained.
    if !training.data_sha256.is_empty() {
        about.push(("seed", training.settings.seed.to_string()));
        about.push(("data_sha256", training.data_sha256.clone()));
    }
    about.push(("mlp_version", training.mlp_version.clone()));
    // The version and the checksum come from a file.
    let plain = |c: char| c.is_ascii_alphanumeric() || " .,:+-_".contains(c);
    for (_, value) in &mut about {
        value.retain(plain);
    }
    about
}
