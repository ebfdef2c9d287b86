//! Networks that other programs have saved, such as PyTorch's `safetensors.torch.save_file(net.state_dict(), …)`.
//!
//! The file has no metadata of ours: the shapes of its tensors say how wide the layers are, and the caller what they
//! do not, the activation, the loss and how pixels become inputs.

use std::path::Path;

use ndarray::Array1;
use safetensors::SafeTensors;

use super::{Begun, Fault, MAX_BYTES, Metadata, Model, ModelError, check, numbers, turned};
use crate::{
    data::{MAX_SIDE, Spec, batch::Preprocessing},
    linalg::Float,
    loss::LossKind,
    nn::{Activation, Architecture, Linear},
    regular_file,
    train::Settings,
};

/// What the shapes of a network do not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unsaid {
    /// The activation behind every hidden layer.
    pub activation: Activation,
    /// The loss.
    pub loss: LossKind,
    /// How pixels become inputs.
    pub preprocessing: Preprocessing,
}

/// Reads a network of Linear layers with one activation between them.
///
/// Its weights (O, I) are all tensors of two axes, in the order of the numbers in their names, each with the bias (O)
/// whose name begins alike, if there is one. Also returns the names of weights without a bias. Errors if they do not
/// follow each other, or if there are other tensors.
pub fn load_foreign<F: Float>(
    path: &Path,
    unsaid: Unsaid,
) -> Result<(Model<F>, Vec<String>), ModelError> {
    let io = |error| ModelError::Io {
        path: path.to_path_buf(),
        error,
    };
    let file = regular_file::open(path).map_err(io)?;
    let bytes = Begun::read(file, path, MAX_BYTES)?.rest()?;
    foreign_from_bytes(&bytes, unsaid).map_err(|fault| ModelError::Fault {
        path: path.to_path_buf(),
        fault,
    })
}

/// The same of bytes.
pub fn foreign_from_bytes<F: Float>(
    bytes: &[u8],
    unsaid: Unsaid,
) -> Result<(Model<F>, Vec<String>), Fault> {
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(Fault::Container)?;
    let linears = linears(&tensors)?;
    let widths: Vec<_> = linears.iter().map(|linear| linear.weight.1).collect();
    let outputs = linears.last().map_or(0, |linear| linear.weight.0);
    let layers = [&widths[..], &[outputs]].concat();
    let architecture = Architecture {
        activation: unsaid.activation,
        ..Architecture::relu(&layers)
    };
    let settings = Settings {
        valid: 0,
        ..Settings::default()
    };
    let metadata = Metadata {
        images: images(&layers, unsaid.loss)?,
        ..Metadata::new(
            architecture.clone(),
            unsaid.loss,
            unsaid.preprocessing,
            settings,
        )
    };
    check(&metadata)?;
    let without = linears.iter().filter(|found| found.bias.is_none());
    let without = without.map(|found| found.name.clone()).collect();
    let modules = linears.into_iter().map(|found| {
        let (rows, cols) = found.weight;
        let weight = turned(
            numbers(&tensors, &found.name, &[rows, cols])?,
            &[rows, cols],
        );
        let bias = match &found.bias {
            Some(name) => numbers(&tensors, name, &[rows])?,
            None => vec![F::zero(); rows],
        };
        Ok(Linear::new(weight, Array1::from_vec(bias)))
    });
    let network = architecture.network(modules.collect::<Result<Vec<_>, Fault>>()?);
    Ok((Model { network, metadata }, without))
}

/// A Linear layer in a file.
struct Found {
    name: String,
    /// Outputs and inputs.
    weight: (usize, usize),
    bias: Option<String>,
}

/// The Linear layers in their order.
fn linears(tensors: &SafeTensors<'_>) -> Result<Vec<Found>, Fault> {
    let mut names: Vec<_> = tensors.names().into_iter().map(str::to_owned).collect();
    names.sort_by_key(|name| in_order(name));
    let shape = |name: &str| tensors.tensor(name).map(|t| t.shape().to_vec());
    let (mut found, mut biases) = (Vec::new(), Vec::new());
    for name in names {
        match shape(&name).unwrap_or_default()[..] {
            [outputs, inputs] => found.push(Found {
                name,
                weight: (outputs, inputs),
                bias: None,
            }),
            [_] => biases.push(name),
            ref other => {
                let shape = other.to_vec();
                return Err(Fault::NotLinear { name, shape });
            }
        }
    }
    for linear in &mut found {
        let stem = stem(&linear.name);
        let own = |name: &&String| self::stem(name) == stem;
        linear.bias = biases.iter().find(own).cloned();
    }
    let taken = |name: &String| {
        found
            .iter()
            .any(|linear| linear.bias.as_ref() == Some(name))
    };
    if let Some(name) = biases.iter().find(|name| !taken(name)) {
        let shape = shape(name).unwrap_or_default();
        return Err(Fault::NotLinear {
            name: name.clone(),
            shape,
        });
    }
    for pair in found.windows(2) {
        let ((outputs, _), (_, inputs)) = (pair[0].weight, pair[1].weight);
        if outputs != inputs {
            return Err(Fault::Chain {
                first: pair[0].name.clone(),
                outputs,
                second: pair[1].name.clone(),
                inputs,
            });
        }
    }
    match found.is_empty() {
        true => Err(Fault::Missing(
            "of two axes: no weight of a Linear layer".into(),
        )),
        false => Ok(found),
    }
}

/// The name of a layer: that of its tensor up to the last point.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A name in parts, so that `10.weight` comes after `2.weight`.
fn in_order(name: &str) -> Vec<(u64, String)> {
    let parts = stem(name).split(|c: char| !c.is_ascii_alphanumeric());
    let parts = parts.map(|part| {
        let digits = part.trim_start_matches(|c: char| !c.is_ascii_digit());
        (digits.parse().unwrap_or(0), part.to_owned())
    });
    parts.collect()
}

/// Square images of so many pixels, and classes that are numbers.
fn images(layers: &[usize], loss: LossKind) -> Result<Spec, Fault> {
    let (inputs, outputs) = (layers[0], layers[layers.len() - 1]);
    let side = inputs.isqrt();
    if side * side != inputs || !(1..=MAX_SIDE).contains(&side) {
        return Err(Fault::Images(format!(
            "{inputs} inputs, expected those of square images, such as 784 for 28x28"
        )));
    }
    let classes = match loss {
        LossKind::MseDigit => 10,
        LossKind::Bce => 2,
        _ => outputs,
    };
    Ok(Spec::numbered(side, side, classes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::{Dtype, tensor::TensorView};

    /// A file of tensors of these names and shapes, of halves in `f16`, 1 in every element.
    fn file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, shape)| [0x00, 0x3c].repeat(shape.iter().product()))
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
            let view = TensorView::new(Dtype::F16, shape.to_vec(), bytes).unwrap();
            (*name, view)
        });
        safetensors::serialize(views, None).unwrap()
    }

    fn unsaid(loss: LossKind) -> Unsaid {
        Unsaid {
            activation: Activation::Tanh,
            loss,
            preprocessing: Preprocessing::UNIT,
        }
    }

    #[test]
    fn the_shapes_of_a_state_dict_say_what_the_layers_are() {
        let bytes = file(&[
            ("net.fc10.weight", &[3, 5]),
            ("net.fc10.bias", &[3]),
            ("net.fc2.bias", &[5]),
            ("net.fc2.weight", &[5, 16]),
        ]);
        let (model, without) = foreign_from_bytes::<f32>(&bytes, unsaid(LossKind::Ce)).unwrap();
        assert!(without.is_empty());
        assert_eq!(model.network.layers(), [16, 5, 3]);
        assert_eq!(model.metadata.images, Spec::numbered(4, 4, 3));
        assert_eq!(model.metadata.architecture.activation, Activation::Tanh);
        assert!(
            model
                .network
                .values()
                .all(|value| value.iter().all(|&v| v == 1.0))
        );
    }

    #[test]
    fn what_is_no_chain_of_linear_layers_is_said_to_be_none() {
        for (tensors, words) in [
            (&[("conv.weight", &[8, 1, 3, 3][..])][..], "conv.weight"),
            (
                &[("a.weight", &[5, 16]), ("b.weight", &[3, 4])],
                "5 outputs",
            ),
            (&[("a.weight", &[5, 15])], "15 inputs"),
            (&[("bn.weight", &[5])], "bn.weight"),
            (&[], "no weight"),
        ] {
            let fault = foreign_from_bytes::<f32>(&file(tensors), unsaid(LossKind::Ce));
            let text = fault.err().unwrap().to_string();
            assert!(text.contains(words), "{text}");
        }
        assert!(foreign_from_bytes::<f32>(b"", unsaid(LossKind::Ce)).is_err());
    }
}
