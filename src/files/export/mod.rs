//! A network for other programs: ONNX, a script for NumPy or PyTorch, a C file, or JSON.
//!
//! Every format takes raw grey values: what makes inputs of pixels is inside, deslanting included. Dropout is off.
//! Each file holds all that it needs. What was written is read again by [`verify()`], parameter by parameter, bit for
//! bit; [ONNX](Format::Onnx) and [JSON](Format::Json) are also run.
//!
//! The outputs are `logits`, the outputs of the network as they are; `probabilities`, a column a class, where the
//! loss has them; and the class.

mod c;
mod json;
mod numpy;
mod onnx;
mod plan;
mod python;
mod pytorch;
#[cfg(test)]
mod tests;
mod verify;

pub use onnx::OPSET;
pub use verify::{Run, verify};

use plan::Plan;

use super::model::Model;

/// The formats, each in its own file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A graph for onnxruntime and the like.
    Onnx,
    /// A script that needs NumPy alone.
    Numpy,
    /// A script that builds a `torch.nn.Sequential`.
    Pytorch,
    /// One file of C99 that needs the standard library alone.
    C,
    /// The numbers, for any other program.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Onnx, Self::Numpy, Self::Pytorch, Self::C, Self::Json];

    /// Its short name, such as `onnx`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Numpy => "numpy",
            Self::Pytorch => "pytorch",
            Self::C => "c",
            Self::Json => "json",
        }
    }

    /// What a file of this format is usually called.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Onnx => "model.onnx",
            Self::Numpy => "model_numpy.py",
            Self::Pytorch => "model_pytorch.py",
            Self::C => "model.c",
            Self::Json => "model.json",
        }
    }

    /// How every file of this format that this program wrote begins.
    pub fn begins(self) -> &'static [u8] {
        match self {
            Self::Onnx => onnx::BEGINS,
            Self::Numpy => numpy::BEGINS.as_bytes(),
            Self::Pytorch => pytorch::BEGINS.as_bytes(),
            Self::C => c::BEGINS.as_bytes(),
            Self::Json => json::BEGINS.as_bytes(),
        }
    }
}

/// Why a model cannot be exported, or an exported file is not what it should be.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ExportError {
    /// A network whose inputs are not pixels.
    #[error(
        "{found} inputs, expected {} for images of {rows}x{cols}: an export takes the pixels of images", rows * cols
    )]
    Inputs {
        /// Inputs of the first layer.
        found: usize,
        /// Rows of an image.
        rows: usize,
        /// Columns of an image.
        cols: usize,
    },
    /// A parameter that is NaN or infinite.
    #[error("{name} has an element that is not finite: no format holds it")]
    NotFinite {
        /// Which parameter.
        name: String,
    },
    /// The written file cannot be read.
    #[error("what was written cannot be read again: {0}: was the file changed meanwhile?")]
    Read(ReadFault),
    /// The written file has other parameters than the model.
    #[error("{name}: what was written differs from the model: was the file changed meanwhile?")]
    Differs {
        /// Which parameter, or which number of another kind.
        name: String,
    },
}

/// What can be wrong with an exported file.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ReadFault {
    /// It ends in the middle.
    #[error("it is truncated")]
    Truncated,
    /// A part is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// Something that is never written.
    #[error("unknown {0}")]
    Unknown(&'static str),
    /// A node of a graph that does not fit its inputs.
    #[error("node {0} does not fit its inputs")]
    Node(String),
    /// JSON that cannot be parsed.
    #[error("{0}")]
    Json(String),
}

/// The bytes of a model in a format. Errors: [`ExportError::Inputs`], [`ExportError::NotFinite`].
pub fn to_bytes(model: &Model, format: Format) -> Result<Vec<u8>, ExportError> {
    let plan = Plan::new(model)?;
    Ok(match format {
        Format::Onnx => onnx::write(&plan),
        Format::Numpy => numpy::write(&plan).into_bytes(),
        Format::Pytorch => pytorch::write(&plan).into_bytes(),
        Format::C => c::write(&plan).into_bytes(),
        Format::Json => json::write(&plan).into_bytes(),
    })
}

/// What a file says: how pixels become inputs, and the parameters of the network in order.
struct Constants {
    scale: f32,
    shift: f32,
    /// The name that the model file gives it, and its values.
    parameters: Vec<(String, Vec<f32>)>,
}
