//! `model.bin`: a trained network as a safetensors file that PyTorch's `nn.Sequential` loads as it is.
//!
//! Tensors are named and shaped as PyTorch does it: `0.weight` (O, I), `0.bias` (O), `2.weight`, … in
//! `f32`, little endian. The metadata hold one key, `mlp`, whose value is the JSON of a
//! [`Metadata`]. (One key, because the order of several is not fixed, and the same training must give
//! the same bytes.) The reader trusts nothing.

mod error;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use ndarray::{Array1, Array2};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{
    atomic_file,
    check::mistakes::Mistake,
    data::{augment::Augmentation, batch::Preprocessing},
    linalg::Float,
    loss::LossKind,
    nn::{Activation, Architecture, Init, Linear, Mlp, Param},
    rng::{Purpose, generator},
    train::{Settings, optim::Extras, schedule::Schedule},
};

pub use error::{Fault, ModelError};

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The largest file that is read: 1 GiB, some 250 million parameters.
pub const MAX_BYTES: u64 = 1 << 30;

/// The most widths in [`Metadata::layers`] that are believed.
pub const MAX_LAYERS: usize = 1_000;
const KEY: &str = "mlp";

/// What is needed to use a network again, and how it came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The widths of the layers: inputs, hidden units, …, outputs.
    pub layers: Vec<usize>,
    /// The module behind every hidden layer.
    pub activation: Activation,
    /// Shares that training drops of the inputs and of each hidden layer; none where there is no dropout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropout: Vec<f64>,
    /// What the network was trained to make small.
    pub loss: LossKind,
    /// Inputs are `input_scale`·pixel + `input_shift`.
    pub input_scale: f64,
    /// See `input_scale`.
    pub input_shift: f64,
    /// `--deslant`
    #[serde(default, skip_serializing_if = "is_default")]
    pub deslant: bool,
    /// How it was trained.
    pub training: Training,
}

/// The flags of `mlp train` that made a network, and the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// `--epochs`
    pub epochs: usize,
    /// `--patience`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// `--target-accuracy`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// `--batch-size`
    pub batch_size: usize,
    /// `--lr`
    pub learning_rate: f32,
    /// `--momentum` and the like.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extras: Extras,
    /// `--schedule` and the like.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// `--init`
    #[serde(default, skip_serializing_if = "is_default")]
    pub init: Init,
    /// `--valid`: images held back from the end of the training file.
    pub valid: usize,
    /// `--seed`
    pub seed: u64,
    /// `--augment` and what was changed of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// `--inject`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject: Option<Mistake>,
    /// SHA-256 that identifies the data files.
    pub data_sha256: String,
    /// The version of the program.
    pub mlp_version: String,
    /// Epoch and step after which it was interrupted; none if it ran to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<(usize, usize)>,
    /// The epoch after which the weights were taken, where it is not the last of `epochs`: training ended
    /// early, or this is the best network of `--best`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
}

/// What models had before it could be chosen is not written, and their bytes stay the same.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Metadata {
    /// What the network consists of.
    pub fn architecture(&self) -> Architecture {
        Architecture {
            layers: self.layers.clone(),
            activation: self.activation,
            dropout: self.dropout.clone(),
        }
    }

    /// The network before its first step: its weights as the seed gives them.
    pub fn first_network(&self) -> Mlp<f32> {
        let mut rng = generator(self.training.seed, Purpose::Init);
        self.architecture().init(self.training.init, &mut rng)
    }

    /// From pixels to the inputs of the network.
    pub fn preprocessing(&self) -> Preprocessing {
        Preprocessing {
            scale: self.input_scale,
            shift: self.input_shift,
            deslant: self.deslant,
        }
    }

    /// How the network was trained, or is to be.
    pub fn settings(&self) -> Settings {
        let training = &self.training;
        Settings {
            epochs: training.epochs,
            patience: training.patience,
            target_accuracy: training.target_accuracy,
            batch_size: training.batch_size,
            learning_rate: training.learning_rate,
            extras: training.extras,
            schedule: training.schedule,
            seed: training.seed,
            preprocessing: self.preprocessing(),
            augmentation: training.augmentation.clone(),
        }
    }
}

/// A network and what is known about it.
pub struct Model<F = f32> {
    /// The network: the file has it in `f32`.
    pub network: Mlp<F>,
    /// What is known about it.
    pub metadata: Metadata,
}

/// Writes a model, whole or not at all: see [`atomic_file::write`].
pub fn save(path: &Path, model: &Model) -> Result<(), ModelError> {
    save_bytes(path, &to_bytes(model))
}

/// Writes bytes, whole or not at all.
pub fn save_bytes(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    atomic_file::write(path, |file| file.write_all(bytes)).map_err(|error| ModelError::Io {
        path: path.to_path_buf(),
        error,
    })
}

/// The bytes of a model file.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    let network = &model.network;
    let metadata = serde_json::to_string(&model.metadata).expect("plain data serialises");
    container(tensors("", network, network.values()), KEY, metadata)
}

/// The name, the shape, the element type and the bytes of a tensor.
pub(crate) type NamedTensor = (String, Vec<usize>, Dtype, Vec<u8>);

/// A tensor for each of `values`, which are shaped like the parameters of `network`; `prefix` goes before
/// their names.
pub(crate) fn tensors<'a>(
    prefix: &str,
    network: &Mlp<f32>,
    values: impl Iterator<Item = &'a Array2<f32>>,
) -> Vec<NamedTensor> {
    let tensor = |((m, param), value): ((usize, &Param<f32>), &Array2<f32>)| {
        let bytes = value.t().iter().flat_map(|v| v.to_le_bytes()).collect();
        let name = format!("{prefix}{m}.{}", param.name);
        (name, shape(param), Dtype::F32, bytes)
    };
    network.params().zip(values).map(tensor).collect()
}

/// PyTorch keeps a weight as (O, I) and a bias as (O).
fn shape<F>(param: &Param<F>) -> Vec<usize> {
    match param.name {
        "bias" => vec![param.value.len()],
        _ => vec![param.value.ncols(), param.value.nrows()],
    }
}

/// A safetensors file whose metadata hold one key.
pub(crate) fn container(tensors: Vec<NamedTensor>, key: &str, json: String) -> Vec<u8> {
    let views = tensors.iter().map(|(name, shape, dtype, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        (
            name.as_str(),
            view.expect("as many bytes as the shape needs"),
        )
    });
    safetensors::serialize(views, Some(HashMap::from([(key.to_owned(), json)])))
        .expect("a header of a few names is not too large")
}

/// Reads a model; on errors see [`ModelError`].
pub fn load<F: Float>(path: &Path) -> Result<Model<F>, ModelError> {
    let bytes = read(path, MAX_BYTES)?;
    from_bytes(&bytes).map_err(|fault| ModelError::Fault {
        path: path.to_path_buf(),
        fault,
    })
}

/// The content of a file of at most so many bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let io = |error| ModelError::Io {
        path: path.to_path_buf(),
        error,
    };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length > most {
        return Err(ModelError::Fault {
            path: path.to_path_buf(),
            fault: Fault::TooLarge { length, most },
        });
    }
    // A file that grows, or a device without an end, is read no further either.
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Reads the bytes of a model file. No bytes whatever make it panic, or allocate more than
/// a few times their size.
pub fn from_bytes<F: Float>(bytes: &[u8]) -> Result<Model<F>, Fault> {
    let (tensors, json) = open(bytes, MAX_BYTES, KEY)?;
    let metadata = metadata_from(&json)?;
    let layers = metadata.layers.len() - 1;
    if tensors.len() != 2 * layers {
        return Err(Fault::Count {
            found: tensors.len(),
            expected: 2 * layers,
            layers,
        });
    }
    let network = network_from(&tensors, &metadata.architecture())?;
    Ok(Model { network, metadata })
}

/// The tensors of a safetensors file, and what its metadata hold under `key`.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    most: u64,
    key: &'static str,
) -> Result<(SafeTensors<'a>, String), Fault> {
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let length = bytes.len() as u64;
    if length > most {
        return Err(Fault::TooLarge { length, most });
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(Fault::Container)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(Fault::Container)?;
    let metadata = header.metadata().as_ref();
    let json = metadata
        .and_then(|metadata| metadata.get(key))
        .ok_or(Fault::Foreign { key })?;
    Ok((tensors, json.clone()))
}

fn metadata_from(json: &str) -> Result<Metadata, Fault> {
    // The version first: another version may have other fields.
    #[derive(Deserialize)]
    struct Version {
        format_version: u64,
    }
    let version: Version = serde_json::from_str(json).map_err(Fault::Metadata)?;
    if version.format_version != u64::from(FORMAT_VERSION) {
        return Err(Fault::Version(version.format_version));
    }
    let metadata: Metadata = serde_json::from_str(json).map_err(Fault::Metadata)?;
    check(&metadata)?;
    Ok(metadata)
}

/// Whether all that is said of a network can be.
pub(crate) fn check(metadata: &Metadata) -> Result<(), Fault> {
    let (layers, preprocessing) = (&metadata.layers, metadata.preprocessing());
    if !(2..=MAX_LAYERS).contains(&layers.len()) || layers.contains(&0) {
        return Err(Fault::Layers(layers.clone()));
    }
    if !(preprocessing.scale.is_finite() && preprocessing.shift.is_finite()) {
        return Err(Fault::Scaling {
            scale: preprocessing.scale,
            shift: preprocessing.shift,
        });
    }
    if !metadata.dropout.is_empty() {
        let (found, expected) = (metadata.dropout.len(), layers.len() - 1);
        let share = |p: &f64| (0.0..1.0).contains(p);
        if found != expected || !metadata.dropout.iter().all(share) {
            return Err(Fault::Dropout { found, expected });
        }
    }
    if let LossKind::SmoothedCe(s) = metadata.loss
        && !(0.0..1.0).contains(&s)
    {
        return Err(Fault::Smoothing(s));
    }
    if let Some(augmentation) = &metadata.training.augmentation {
        augmentation.validate().map_err(Fault::Augmentation)?;
    }
    let found = *layers.last().expect("at least two");
    let expected = metadata.loss.outputs(crate::data::CLASSES);
    if found != expected {
        return Err(Fault::Outputs {
            found,
            expected,
            loss: metadata.loss,
        });
    }
    Ok(())
}

/// A network of this architecture with the parameters that are among `tensors`.
pub(crate) fn network_from<F: Float>(
    tensors: &SafeTensors<'_>,
    architecture: &Architecture,
) -> Result<Mlp<F>, Fault> {
    let layers = &architecture.layers;
    let linears = layers.windows(2).zip(architecture.linear_modules());
    let linears = linears.map(|(io, m)| {
        let (inputs, outputs) = (io[0], io[1]);
        let weight = numbers(tensors, &format!("{m}.weight"), &[outputs, inputs])?;
        let bias = numbers(tensors, &format!("{m}.bias"), &[outputs])?;
        let weight = Array2::from_shape_vec((outputs, inputs), weight).expect("checked shape");
        Ok(Linear::new(
            weight.t().as_standard_layout().into_owned(),
            Array1::from_vec(bias),
        ))
    });
    Ok(architecture.network(linears.collect::<Result<Vec<_>, Fault>>()?))
}

/// The tensors that [`tensors`] wrote for `network` with this prefix.
pub(crate) fn values_from(
    tensors: &SafeTensors<'_>,
    prefix: &str,
    network: &Mlp<f32>,
) -> Result<Vec<Array2<f32>>, Fault> {
    let value = |(m, param): (usize, &Param<f32>)| {
        let name = format!("{prefix}{m}.{}", param.name);
        let numbers = numbers(tensors, &name, &shape(param))?;
        let (rows, columns) = param.value.dim();
        let value = Array2::from_shape_vec((columns, rows), numbers).expect("checked shape");
        Ok(value.t().as_standard_layout().into_owned())
    };
    network.params().map(value).collect()
}

/// The elements of a tensor of a known shape, checked to be finite.
fn numbers<F: Float>(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<F>, Fault> {
    let name = name.to_owned();
    let tensor = tensors
        .tensor(&name)
        .map_err(|_| Fault::Missing(name.clone()))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(Fault::Dtype {
            name,
            found: tensor.dtype(),
        });
    }
    if tensor.shape() != shape {
        let (found, expected) = (tensor.shape().to_vec(), shape.to_vec());
        return Err(Fault::Shape {
            name,
            found,
            expected,
        });
    }
    let (elements, _) = tensor.data().as_chunks::<4>();
    let numbers = elements
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .enumerate();
    let finite = numbers.map(|(index, value)| match value.is_finite() {
        true => Ok(F::from(value).expect("f32 converts to any float")),
        false => Err(Fault::NotFinite {
            name: name.clone(),
            index,
            value,
        }),
    });
    finite.collect()
}

/// Whether a model may be written to `path` without losing anything but an older model.
///
/// Errors if there is a file that is not a model of ours, or a folder, or no folder to put it in.
pub fn check_writable(path: &Path, force: bool) -> Result<(), ModelError> {
    let io = |error| ModelError::Io {
        path: path.to_path_buf(),
        error,
    };
    let not = |kind, text: &str| Err(io(io::Error::new(kind, text)));
    let text = path.as_os_str().to_string_lossy();
    if path.is_dir() || text.ends_with(std::path::is_separator) {
        return not(
            io::ErrorKind::IsADirectory,
            "a folder, expected a file name: add one, as in --out model.bin",
        );
    }
    // Renaming a file over a device or a pipe would put an end to it.
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        return not(
            io::ErrorKind::InvalidInput,
            "a device or a pipe, expected a file name",
        );
    }
    match load::<f32>(path) {
        Err(ModelError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
        Err(ModelError::Fault { path, fault }) if !force => {
            return Err(ModelError::WouldOverwrite { path, fault });
        }
        Err(error @ ModelError::Io { .. }) => return Err(error),
        _ => {}
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return not(io::ErrorKind::NotFound, "no such folder: create it first");
    }
    // The only sure way to know: a file there, gone at once.
    tempfile::tempfile_in(folder).map(drop).map_err(io)
}
