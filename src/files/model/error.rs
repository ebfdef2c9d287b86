//! What can go wrong with a model file.

use std::{io, path::PathBuf};

use safetensors::Dtype;

use crate::data::augment::AugmentError;

use super::{FORMAT_VERSION, MAX_LAYERS, MAX_SCALING};
use crate::loss::LossKind;

/// Why a model file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// An I/O error.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's error. Not a `source`: the message above already contains it.
        error: io::Error,
    },
    /// Not a model of this program, or a damaged one.
    #[error("{}: {fault}", path.display())]
    Fault {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What can be wrong with the content of a model file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An empty file.
    #[error("the file is empty: was the disk full?")]
    Empty,
    /// Larger than any model.
    #[error("{length} bytes, expected at most {most}")]
    TooLarge {
        /// Its size in bytes.
        length: u64,
        /// The most bytes that are read.
        most: u64,
    },
    /// Not a safetensors file, or a truncated one.
    #[error(
        "not a whole safetensors file ({0}): truncated, padded or of another kind; train again or copy it again"
    )]
    Container(safetensors::SafeTensorError),
    /// A safetensors file of another program.
    #[error(
        "a safetensors file without the key `{key}` in its metadata: made by another program, or for something else?"
    )]
    Foreign {
        /// The key that was expected.
        key: &'static str,
    },
    /// A checkpoint, which holds a model and more.
    #[error("a checkpoint of mlp, expected a model")]
    Checkpoint,
    /// The metadata cannot be parsed.
    #[error("the metadata cannot be parsed: {0}")]
    Metadata(serde_json::Error),
    /// Another version of the format.
    #[error("format version {0}, expected {FORMAT_VERSION}: it needs another version of mlp")]
    Version(u64),
    /// Impossible layers.
    #[error("layers {}, expected 2 to {MAX_LAYERS} widths, each at least 1", some(.0))]
    Layers(Vec<usize>),
    /// Impossible images.
    #[error("{0}")]
    Images(String),
    /// A label that is none.
    #[error("the class to find is {label}, and there are {classes} classes")]
    Positive {
        /// The label to find.
        label: u8,
        /// The number of classes.
        classes: usize,
    },
    /// Bounds that no images have.
    #[error(
        "bounds of familiar images: confidence {confidence}, frame {frame}, expected a frame of 0 to 255"
    )]
    Familiar {
        /// The least confidence.
        confidence: f64,
        /// The largest mean grey value of the outer frame.
        frame: f64,
    },
    /// A loss of two classes where there are others.
    #[error("binary cross-entropy tells two classes apart, and there are {classes}")]
    TwoClasses {
        /// The number of classes.
        classes: usize,
    },
    /// A number of inputs that does not fit the images.
    #[error("{found} inputs, expected {} for images of {rows}x{cols}", rows * cols)]
    Inputs {
        /// Inputs of the first layer.
        found: usize,
        /// Rows of an image.
        rows: usize,
        /// Columns of an image.
        cols: usize,
    },
    /// A number of outputs that does not fit the loss.
    #[error("{found} outputs, expected {expected} for {loss}")]
    Outputs {
        /// Outputs of the last layer.
        found: usize,
        /// Outputs that the loss needs.
        expected: usize,
        /// Which loss.
        loss: LossKind,
    },
    /// A tensor is missing.
    #[error("no tensor {0}")]
    Missing(String),
    /// Too many or too few tensors.
    #[error("{found} tensors, expected {expected} for {layers} layers")]
    Count {
        /// Tensors in the file.
        found: usize,
        /// Two for each Linear layer.
        expected: usize,
        /// Number of Linear layers.
        layers: usize,
    },
    /// A tensor of the wrong element type.
    #[error("{name}: elements of type {found:?}, expected F32, F16 or BF16")]
    Dtype {
        /// Which tensor.
        name: String,
        /// Its element type.
        found: Dtype,
    },
    /// A tensor that is no part of a Linear layer.
    #[error(
        "{name}: shape {shape:?}, expected the weight (outputs, inputs) or bias (outputs) of a Linear layer: only \
             networks of these are read"
    )]
    NotLinear {
        /// Which tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Layers that do not follow each other.
    #[error(
        "{first} has {outputs} outputs, and {second}, which comes next by its name, {inputs} inputs: they do not \
             follow each other"
    )]
    Chain {
        /// One weight.
        first: String,
        /// Its outputs.
        outputs: usize,
        /// The next one.
        second: String,
        /// Its inputs.
        inputs: usize,
    },
    /// A tensor of the wrong shape.
    #[error("{name}: shape {found:?}, expected {expected:?}: the layers do not fit each other")]
    Shape {
        /// Which tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits the layers.
        expected: Vec<usize>,
    },
    /// A weight that is NaN or infinite.
    #[error("{name}: element {index} is {value}, expected a finite number")]
    NotFinite {
        /// Which tensor.
        name: String,
        /// Which element, counted row by row.
        index: usize,
        /// What it is.
        value: f32,
    },
    /// A setting out of range.
    #[error("{field} {found}, expected {expected}")]
    Range {
        /// The name of the number.
        field: &'static str,
        /// Its value.
        found: String,
        /// The values it may have.
        expected: String,
    },
    /// An input normalisation that is out of range.
    #[error("input_scale {scale:e} and input_shift {shift:e}, expected numbers from -{most} to {most}", most = MAX_SCALING)]
    Scaling {
        /// Units of x per grey value.
        scale: f64,
        /// x of a black pixel.
        shift: f64,
    },
    /// Label smoothing out of range.
    #[error("label smoothing {0}, expected at least 0 and below 1")]
    Smoothing(f64),
    /// A share that is none.
    #[error("validation accuracy {0}, expected 0 to 1")]
    Accuracy(f64),
    /// Dropout probabilities that do not fit the layers.
    #[error(
        "{found} dropout probabilities, expected {expected}: of the inputs and of each hidden layer, each at least 0 and below 1"
    )]
    Dropout {
        /// Probabilities in the file.
        found: usize,
        /// One for each layer but the last.
        expected: usize,
    },
    /// An impossible augmentation.
    #[error(transparent)]
    Augmentation(AugmentError),
}

/// A list as it is, or only its length: a list from a hostile file may be long.
fn some(layers: &[usize]) -> String {
    match layers.len() {
        ..=12 => format!("{layers:?}"),
        n => format!("of {n} widths"),
    }
}
