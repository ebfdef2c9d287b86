//! JSON: every number of the network, for any other program. The fields are described in docs/export.md.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::{
    Constants, ReadFault,
    plan::{Operation, Plan},
};
use crate::{
    data::{
        Dataset, Spec,
        batch::{Preprocessing, in_order},
    },
    linalg::functions::{sigmoid, tanh},
    nn::{Activation, Elementwise, GELU, LeakyReLU, ScaledTanh},
};

/// How the file begins.
pub const BEGINS: &str = "{\"format\":\"mlp export\"";

const FORMAT: &str = "mlp export";
const VERSION: u32 = 1;

/// The whole file.
#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    version: u32,
    rows: usize,
    cols: usize,
    classes: Vec<String>,
    preprocessing: Inputs,
    loss: String,
    /// How the outputs are read: `largest`, `nearest` or `threshold`.
    decoding: String,
    about: serde_json::Map<String, serde_json::Value>,
    modules: Vec<Module>,
}

/// x = scale·pixel + shift, of the image set upright if `deslant`.
#[derive(Serialize, Deserialize)]
struct Inputs {
    scale: f32,
    shift: f32,
    deslant: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "module", rename_all = "lowercase")]
enum Module {
    /// y = w·x + b; the weight is a list of rows, one for each output.
    Linear {
        name: String,
        inputs: usize,
        outputs: usize,
        weight: Vec<Vec<f32>>,
        bias: Vec<f32>,
    },
    Activation {
        activation: Activation,
        formula: String,
    },
}

/// The file.
pub fn write(plan: &Plan) -> String {
    let modules = plan.steps.iter().filter_map(|step| match &step.operation {
        Operation::Dropout(_) => None,
        Operation::Activation(activation) => Some(Module::Activation {
            activation: *activation,
            formula: activation.about().formula.y.to_owned(),
        }),
        Operation::Linear { w, b } => Some(Module::Linear {
            name: step.index.to_string(),
            inputs: w.ncols(),
            outputs: w.nrows(),
            weight: w.rows().into_iter().map(|row| row.to_vec()).collect(),
            bias: b.clone(),
        }),
    });
    let about = plan.about.iter();
    let document = Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        rows: plan.spec.rows,
        cols: plan.spec.cols,
        classes: plan.spec.classes.clone(),
        preprocessing: Inputs {
            scale: plan.scale,
            shift: plan.shift,
            deslant: plan.deslant,
        },
        loss: plan.loss.to_string(),
        decoding: format!("{:?}", plan.loss.decoding()).to_lowercase(),
        about: about
            .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
            .collect(),
        modules: modules.collect(),
    };
    serde_json::to_string(&document).expect("plain data serialises") + "\n"
}

/// A file that was read.
pub struct Network(Document);

impl Network {
    /// The network in the bytes of a file.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadFault> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| ReadFault::Json(error.to_string()))?;
        match (document.format.as_str(), document.version) {
            (FORMAT, VERSION) => Ok(Self(document)),
            _ => Err(ReadFault::Unknown("format")),
        }
    }

    /// How pixels become inputs, and the parameters.
    pub fn constants(&self) -> Constants {
        let linears = self.0.modules.iter().filter_map(|module| match module {
            Module::Linear {
                name, weight, bias, ..
            } => Some([
                (format!("{name}.weight"), weight.concat()),
                (format!("{name}.bias"), bias.clone()),
            ]),
            Module::Activation { .. } => None,
        });
        Constants {
            scale: self.0.preprocessing.scale,
            shift: self.0.preprocessing.shift,
            parameters: linears.flatten().collect(),
        }
    }

    /// The outputs (N, O) and the class of every image, from what the file says alone.
    pub fn run(&self, images: ArrayView2<'_, u8>) -> Result<(Array2<f32>, Array1<f32>), ReadFault> {
        let document = &self.0;
        let mut x = self.inputs(images)?;
        for module in &document.modules {
            x = match module {
                Module::Activation { activation, .. } => x.mapv(|x| apply(*activation, x)),
                Module::Linear {
                    name, weight, bias, ..
                } => linear(&x, weight, bias).ok_or_else(|| ReadFault::Node(name.clone()))?,
            };
        }
        let last = document.classes.len().saturating_sub(1) as f32;
        let class = |z: ndarray::ArrayView1<'_, f32>| match document.decoding.as_str() {
            "nearest" => z[0].round().clamp(0.0, last),
            "threshold" => f32::from(u8::from(z[0] > 0.0)),
            _ => {
                let largest = z.fold(f32::NEG_INFINITY, |most, &z| most.max(z));
                z.iter().position(|&z| z == largest).unwrap_or(0) as f32
            }
        };
        let classes = x.map_axis(Axis(1), class);
        Ok((x, classes))
    }

    fn inputs(&self, images: ArrayView2<'_, u8>) -> Result<Array2<f32>, ReadFault> {
        let Inputs {
            scale,
            shift,
            deslant,
        } = self.0.preprocessing;
        let (rows, cols) = (self.0.rows, self.0.cols);
        if images.ncols() != rows * cols {
            return Err(ReadFault::Node("preprocessing".into()));
        }
        let preprocessing = Preprocessing {
            scale: scale.into(),
            shift: shift.into(),
            deslant,
        };
        let n = images.nrows();
        let data = Dataset::new(images.to_owned(), vec![0; n], Spec::numbered(rows, cols, 1));
        let mut x = Array2::zeros(images.dim());
        preprocessing.gather(&data, &in_order(n), &mut x);
        Ok(x)
    }
}

/// y = x·wᵀ + b; none if the lengths do not fit.
fn linear(x: &Array2<f32>, weight: &[Vec<f32>], bias: &[f32]) -> Option<Array2<f32>> {
    let fit = weight.len() == bias.len() && weight.iter().all(|row| row.len() == x.ncols());
    if !fit {
        return None;
    }
    let w = Array2::from_shape_vec((weight.len(), x.ncols()), weight.concat()).ok()?;
    let mut y = Array2::zeros((x.nrows(), weight.len()));
    crate::linalg::matmul(x, &w.t(), &mut y);
    Some(y + ndarray::aview1(bias))
}

fn apply(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Tanh => tanh(x),
        Activation::ScaledTanh => ScaledTanh::y(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::LeakyRelu => LeakyReLU::y(x),
        Activation::Gelu => GELU::y(x),
        Activation::Identity => x,
    }
}
