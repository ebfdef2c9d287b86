use serde::{Deserialize, Serialize};

use super::{
    BinaryCrossEntropy, CrossEntropy, Decoding, Float, Loss, Mse, SmoothedCrossEntropy, Target,
};

/// The losses, each with its kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// [`CrossEntropy`]
    Ce,
    /// [`SmoothedCrossEntropy`] with this smoothing
    SmoothedCe(f64),
    /// [`Mse`] against [`Target::OneHot`]
    MseOnehot,
    /// [`Mse`] against [`Target::Digit`]
    MseDigit,
    /// [`BinaryCrossEntropy`], of two classes
    Bce,
}

impl LossKind {
    /// The loss itself.
    pub fn build<F: Float>(self) -> Box<dyn Loss<F>> {
        match self {
            Self::Ce => Box::new(CrossEntropy),
            Self::SmoothedCe(smoothing) => Box::new(SmoothedCrossEntropy { smoothing }),
            Self::MseOnehot => Box::new(Mse(Target::OneHot)),
            Self::MseDigit => Box::new(Mse(Target::Digit)),
            Self::Bce => Box::new(BinaryCrossEntropy),
        }
    }
}

impl LossKind {
    /// How outputs are read as a class.
    pub fn decoding(self) -> Decoding {
        self.build::<f64>().decoding()
    }

    /// The number of outputs for a data set of `classes` classes.
    pub fn outputs(self, classes: usize) -> usize {
        self.decoding().outputs(classes)
    }

    /// Whether its predictions are probabilities, and not the outputs themselves: the softmax of the outputs, a
    /// column a class, or the sigmoid of the one output, the probability of class 1.
    pub fn probabilities(self) -> bool {
        match self {
            Self::Ce | Self::SmoothedCe(_) | Self::Bce => true,
            Self::MseOnehot | Self::MseDigit => false,
        }
    }

    /// Whether it is for two classes: its targets are 0 and 1.
    pub fn binary(self) -> bool {
        self.decoding() == Decoding::Threshold
    }
}

impl std::fmt::Display for LossKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ce => f.write_str("cross-entropy"),
            Self::SmoothedCe(s) => write!(f, "cross-entropy, label smoothing {s}"),
            Self::MseOnehot => f.write_str("mse, one-hot targets"),
            Self::MseDigit => f.write_str("mse, digit targets"),
            Self::Bce => f.write_str("binary cross-entropy"),
        }
    }
}
