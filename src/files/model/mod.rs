//! `model.bin`: a trained network as a safetensors file that PyTorch's `nn.Sequential` loads as it is.
//!
//! Tensors have PyTorch's names and shapes: `0.weight` (O, I), `0.bias` (O), `2.weight`, … in little-endian
//! `f32`. The metadata have one key, `mlp`, whose value is a [`Metadata`] as JSON. (One key, because the
//! order of several is not fixed, and the same training must give the same bytes.) The reader trusts nothing.

mod error;
mod foreign;
mod header;
mod settings;

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
    path::Path,
};

use half::{bf16, f16};
use ndarray::{Array1, Array2};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, IgnoredAny},
};
use serde_json::Value;

use crate::{
    atomic_file,
    check::mistakes::Mistake,
    data::{Dataset, Spec, batch::Preprocessing},
    linalg::Float,
    loss::{Loss, LossKind, Weighted},
    nn::{Architecture, Linear, Mlp, Param},
    rng::{Purpose, generator},
    train::{ClassWeights, Settings, familiar::Familiar},
};

pub use error::{Fault, ModelError};
pub use foreign::{Unsaid, foreign_from_bytes, load_foreign};
pub(crate) use header::Begun;
pub use header::{Header, header};
pub(crate) use settings::range;

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The largest file that is read: 1 GiB, about 250 million parameters.
pub const MAX_BYTES: u64 = 1 << 30;

/// The most widths accepted in [`Architecture::layers`].
pub const MAX_LAYERS: usize = 1_000;
/// The largest size of the scale and the shift that make inputs of pixels.
pub const MAX_SCALING: f64 = 1e6;
const KEY: &str = "mlp";
/// The key of a checkpoint, which is no model.
pub(crate) const CHECKPOINT_KEY: &str = "mlp-checkpoint";

/// What is needed to use a network again, and how it was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The structure of the network.
    #[serde(flatten)]
    pub architecture: Architecture,
    /// The loss that training minimised.
    pub loss: LossKind,
    /// How pixels become inputs.
    #[serde(flatten)]
    pub preprocessing: Preprocessing,
    /// What the images of its data are. MNIST's are not written, so files keep the bytes that they had before
    /// there were others.
    #[serde(default, skip_serializing_if = "Spec::is_mnist")]
    pub images: Spec,
    /// The label that the network tells from all others, if it tells but one: its classes are then 0, any other
    /// label, and 1, this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<u8>,
    /// What its validation images were like, if there were enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub familiar: Option<Familiar>,
    /// How it was trained.
    pub training: Training,
    /// Refuses any other field.
    #[serde(flatten, skip_serializing)]
    pub others: NoOthers,
}

/// How a network was trained, on which data and by which version of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Every hyperparameter.
    #[serde(flatten)]
    pub settings: Settings,
    /// The mistake that was planted in its gradients, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject: Option<Mistake>,
    /// SHA-256 of the model file whose weights it began with, if it did not begin with weights of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_sha256: Option<String>,
    /// SHA-256 that identifies the data files.
    pub data_sha256: String,
    /// The version of the program.
    pub mlp_version: String,
    /// Epoch and step after which training was interrupted; none if it ran to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<(usize, usize)>,
    /// The epoch that the weights are from, if not the last of `epochs`: training ended early, or this is the
    /// best network of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
    /// The share of its validation images that the network has right, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_accuracy: Option<f64>,
    /// Refuses any other field.
    #[serde(flatten, skip_serializing)]
    pub others: NoOthers,
}

/// No other field: a file that has one comes from another version, and is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoOthers;

impl<'de> Deserialize<'de> for NoOthers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let others = BTreeMap::<String, IgnoredAny>::deserialize(deserializer)?;
        match others.into_keys().next() {
            None => Ok(Self),
            Some(name) => Err(D::Error::custom(format!("unknown field `{name}`"))),
        }
    }
}

impl Metadata {
    /// The metadata of a network trained by this program with these settings, on data that are not known yet.
    pub fn new(
        architecture: Architecture,
        loss: LossKind,
        preprocessing: Preprocessing,
        settings: Settings,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            architecture,
            loss,
            preprocessing,
            images: Spec::default(),
            positive: None,
            familiar: None,
            training: Training {
                settings,
                inject: None,
                from_sha256: None,
                data_sha256: String::new(),
                mlp_version: env!("CARGO_PKG_VERSION").into(),
                stopped: None,
                epoch: None,
                valid_accuracy: None,
                others: NoOthers,
            },
            others: NoOthers,
        }
    }

    /// What the network tells apart: the images of its data, and the classes of its outputs.
    pub fn spec(&self) -> Spec {
        match self.positive {
            None => self.images.clone(),
            Some(label) => self.images.one_against_rest(label),
        }
    }

    /// Images of its data with the classes of its outputs as their labels.
    pub fn relabelled(&self, data: Dataset) -> Dataset {
        match self.positive {
            None => data,
            Some(label) => data.one_against_rest(label),
        }
    }

    /// The network before its first step, with the weights that the seed gives it.
    pub fn first_network(&self) -> Mlp<f32> {
        let settings = &self.training.settings;
        let mut rng = generator(settings.seed, Purpose::Init);
        self.architecture.init(settings.init, &mut rng)
    }

    /// The loss that training makes small, in which classes count as much as the settings say.
    pub fn training_loss(&self, train: &Dataset) -> Box<dyn Loss<f32>> {
        let loss = self.loss.build::<f32>();
        match self.training.settings.class_weights {
            ClassWeights::Equal => loss,
            ClassWeights::Balanced => Box::new(Weighted::balanced(loss, &train.histogram())),
        }
    }
}

/// A network and its metadata.
pub struct Model<F = f32> {
    /// The network, stored in the file as `f32`.
    pub network: Mlp<F>,
    /// What is known about the network.
    pub metadata: Metadata,
}

/// Writes a model, whole or not at all: see [`atomic_file::write`].
pub fn save(path: &Path, model: &Model) -> Result<(), ModelError> {
    let bytes = to_bytes(model);
    atomic_file::write(path, |file| file.write_all(&bytes)).map_err(|error| ModelError::Io {
        path: path.to_path_buf(),
        error,
    })
}

/// The most bytes that a model file of this network takes.
pub fn most_bytes(network: &Mlp<f32>, metadata: &Metadata) -> u64 {
    let json = serde_json::to_string(metadata)
        .expect("plain data serialises")
        .len();
    let tensors = network.params().count();
    // Quotes in the JSON are escaped; a tensor has its name, shape and place in the header; numbers may join.
    (4 * network.parameter_count() + 2 * json + 128 * tensors + 4096) as u64
}

/// The bytes of a model file.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    let network = &model.network;
    let metadata = serde_json::to_string(&model.metadata).expect("plain data serialises");
    container(tensors("", network, network.values()), KEY, metadata)
}

/// The name, shape, element type and bytes of a tensor.
pub(crate) type NamedTensor = (String, Vec<usize>, Dtype, Vec<u8>);

/// A tensor for each of `values`, which have the shapes of the parameters of `network`. Its name is that of
/// the parameter after `prefix`.
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

/// PyTorch stores a weight as (O, I) and a bias as (O).
fn shape<F>(param: &Param<F>) -> Vec<usize> {
    match param.name {
        "bias" => vec![param.value.len()],
        _ => vec![param.value.ncols(), param.value.nrows()],
    }
}

/// A safetensors file with one key in its metadata.
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

/// Reads a model. Takes at most 4 times the bytes of the file as `f32`, 7 times as `f64`. Errors: [`ModelError`].
pub fn load<F: Float>(path: &Path) -> Result<Model<F>, ModelError> {
    header(path)?.load()
}

/// Reads the bytes of a model file. No bytes can make it panic, or allocate more than a few times their size.
pub fn from_bytes<F: Float>(bytes: &[u8]) -> Result<Model<F>, Fault> {
    let (tensors, json) = open(bytes, MAX_BYTES, KEY)?;
    let metadata = metadata_from(&json)?;
    let layers = metadata.architecture.layers.len() - 1;
    if tensors.len() != 2 * layers {
        return Err(Fault::Count {
            found: tensors.len(),
            expected: 2 * layers,
            layers,
        });
    }
    let network = network_from(&tensors, &metadata.architecture)?;
    Ok(Model { network, metadata })
}

/// The tensors of a safetensors file, and the value of `key` in its metadata.
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
        .ok_or_else(|| without(key, metadata))?;
    Ok((tensors, json.clone()))
}

/// What a safetensors file is that lacks `key` in its metadata.
fn without(key: &'static str, metadata: Option<&HashMap<String, String>>) -> Fault {
    match metadata.is_some_and(|metadata| metadata.contains_key(CHECKPOINT_KEY)) {
        true => Fault::Checkpoint,
        false => Fault::Foreign { key },
    }
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
    // A number that f32 cannot hold is read as infinite, and would be written as null.
    if has_null(&serde_json::to_value(&metadata).map_err(Fault::Metadata)?) {
        return Err(Fault::Metadata(Error::custom("number out of range")));
    }
    check(&metadata)?;
    Ok(metadata)
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        other => other.is_null(),
    }
}

/// Checks that the metadata describe a possible network.
pub(crate) fn check(metadata: &Metadata) -> Result<(), Fault> {
    let (layers, preprocessing) = (&metadata.architecture.layers, metadata.preprocessing);
    if !(2..=MAX_LAYERS).contains(&layers.len()) || layers.contains(&0) {
        return Err(Fault::Layers(layers.clone()));
    }
    settings::check(&metadata.training.settings)?;
    let possible = |x: f64| x.abs() <= MAX_SCALING;
    if !(possible(preprocessing.scale) && possible(preprocessing.shift)) {
        return Err(Fault::Scaling {
            scale: preprocessing.scale,
            shift: preprocessing.shift,
        });
    }
    if !metadata.architecture.dropout.is_empty() {
        let (found, expected) = (metadata.architecture.dropout.len(), layers.len() - 1);
        let share = |p: &f64| (0.0..1.0).contains(p);
        if found != expected || !metadata.architecture.dropout.iter().all(share) {
            return Err(Fault::Dropout { found, expected });
        }
    }
    if let LossKind::SmoothedCe(s) = metadata.loss
        && !(0.0..1.0).contains(&s)
    {
        return Err(Fault::Smoothing(s));
    }
    if let Some(augmentation) = &metadata.training.settings.augmentation {
        augmentation.validate().map_err(Fault::Augmentation)?;
    }
    metadata.images.check().map_err(Fault::Images)?;
    let classes = metadata.images.classes.len();
    if let Some(label) = metadata.positive
        && usize::from(label) >= classes
    {
        return Err(Fault::Positive { label, classes });
    }
    // A network of another size than MNIST's that says nothing of its images: a library user's.
    if layers[0] != metadata.images.pixels() && !metadata.images.is_mnist() {
        return Err(Fault::Inputs {
            found: layers[0],
            rows: metadata.images.rows,
            cols: metadata.images.cols,
        });
    }
    if let Some(Familiar { confidence, frame }) = metadata.familiar {
        let possible = confidence.is_finite() && (0.0..=255.0).contains(&frame);
        if !possible {
            return Err(Fault::Familiar { confidence, frame });
        }
    }
    if let Some(accuracy) = metadata.training.valid_accuracy
        && !(0.0..=1.0).contains(&accuracy)
    {
        return Err(Fault::Accuracy(accuracy));
    }
    let found = *layers.last().expect("at least two");
    let classes = metadata.spec().classes.len();
    if metadata.loss.binary() && classes != 2 {
        return Err(Fault::TwoClasses { classes });
    }
    let expected = metadata.loss.outputs(classes);
    if found != expected {
        return Err(Fault::Outputs {
            found,
            expected,
            loss: metadata.loss,
        });
    }
    Ok(())
}

/// A network of this architecture, with its parameters taken from `tensors`.
pub(crate) fn network_from<F: Float>(
    tensors: &SafeTensors<'_>,
    architecture: &Architecture,
) -> Result<Mlp<F>, Fault> {
    let mut linears = Vec::new();
    for pair in shapes(architecture).chunks_exact(2) {
        let [(weight, shape), (bias, outputs)] = pair else {
            unreachable!("chunks of two");
        };
        let weight = turned(numbers(tensors, weight, shape)?, shape);
        let bias = numbers(tensors, bias, outputs)?;
        linears.push(Linear::new(weight, Array1::from_vec(bias)));
    }
    Ok(architecture.network(linears))
}

/// The names and shapes of the parameters: a weight (O, I) and a bias (O) for every Linear layer in turn.
pub(crate) fn shapes(architecture: &Architecture) -> Vec<(String, Vec<usize>)> {
    let linears = architecture.layers.windows(2);
    let linears = linears.zip(architecture.linear_modules());
    let both = |(io, m): (&[usize], usize)| {
        let weight = (format!("{m}.weight"), vec![io[1], io[0]]);
        [weight, (format!("{m}.bias"), vec![io[1]])]
    };
    linears.flat_map(both).collect()
}

/// The transpose of a matrix of this shape, stored by rows.
fn turned<F: Float>(numbers: Vec<F>, shape: &[usize]) -> Array2<F> {
    let matrix = Array2::from_shape_vec((shape[0], shape[1]), numbers).expect("checked shape");
    matrix.t().as_standard_layout().into_owned()
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
        Ok(turned(numbers, &[columns, rows]))
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
    let number: fn(&[u8]) -> f32 = match tensor.dtype() {
        Dtype::F32 => |b| f32::from_le_bytes(b.try_into().expect("four bytes")),
        Dtype::F16 => |b| f16::from_le_bytes(b.try_into().expect("two bytes")).to_f32(),
        Dtype::BF16 => |b| bf16::from_le_bytes(b.try_into().expect("two bytes")).to_f32(),
        found => return Err(Fault::Dtype { name, found }),
    };
    if tensor.shape() != shape {
        let (found, expected) = (tensor.shape().to_vec(), shape.to_vec());
        return Err(Fault::Shape {
            name,
            found,
            expected,
        });
    }
    let size = tensor.dtype().bitsize() / 8;
    let mut numbers = Vec::with_capacity(tensor.data().len() / size);
    for (index, bytes) in tensor.data().chunks_exact(size).enumerate() {
        let value = number(bytes);
        if !value.is_finite() {
            return Err(Fault::NotFinite { name, index, value });
        }
        numbers.push(F::from(value).expect("f32 converts to any float"));
    }
    Ok(numbers)
}
