use serde::{Deserialize, Serialize};

use super::{optim::Extras, schedule::Schedule};
use crate::{data::augment::Augmentation, nn::Init};

/// How a network is trained: every hyperparameter, once. Model files, checkpoints and records hold its fields
/// under these names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Times that every training image is seen.
    pub epochs: usize,
    /// Ends training after so many epochs in a row without a higher validation accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Ends training after an epoch with this validation accuracy, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// Images in a batch; the last batch of an epoch takes what remains.
    pub batch_size: usize,
    /// The length of a step, see [`Sgd`](super::optim::Sgd).
    pub learning_rate: f32,
    /// What is added to the plain step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extras: Extras,
    /// How the learning rate changes from step to step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// How the weights begin.
    #[serde(default, skip_serializing_if = "is_default")]
    pub init: Init,
    /// Images held back from the end of the training file to validate on.
    pub valid: usize,
    /// The random seed: first weights, order of the images, dropout and distortions follow from it.
    pub seed: u64,
    /// How training images are distorted, each anew in every epoch; none leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
}

impl Default for Settings {
    /// 20 epochs of plain SGD with batches of 16 and the learning rate 0.1; the last 10,000 images validate.
    fn default() -> Self {
        Self {
            epochs: 20,
            patience: None,
            target_accuracy: None,
            batch_size: 16,
            learning_rate: 0.1,
            extras: Extras::default(),
            schedule: Schedule::default(),
            init: Init::default(),
            valid: 10_000,
            seed: 1,
            augmentation: None,
        }
    }
}

/// What a file had before it could be chosen is not written, and the bytes of files stay the same.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
