use serde::{Deserialize, Serialize};

use super::{optim::Extras, schedule::Schedule};
use crate::{data::augment::Augmentation, nn::Init};

/// How a network is trained: every hyperparameter, once. Model files, checkpoints and records use these field
/// names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How many times every training image is seen.
    pub epochs: usize,
    /// Ends training after this many epochs in a row without a higher validation accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Ends training after the first epoch with this validation accuracy, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// Images per batch; the last batch of an epoch takes what remains.
    pub batch_size: usize,
    /// The learning rate: the length of a step, see [`Sgd`](super::optim::Sgd).
    pub learning_rate: f32,
    /// Extensions of the plain step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extras: Extras,
    /// How the learning rate changes from step to step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// How the weights are initialised.
    #[serde(default, skip_serializing_if = "is_default")]
    pub init: Init,
    /// Images held out for validation, from the end of the training file.
    pub valid: usize,
    /// The random seed: initial weights, order of the images, dropout and distortions follow from it.
    pub seed: u64,
    /// How training images are distorted, afresh in every epoch; none leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
}

impl Default for Settings {
    /// 20 epochs of plain SGD with batch size 16 and learning rate 0.1; the last 10,000 images are held out
    /// for validation.
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

/// Settings at their defaults are not written, so files keep the bytes they had before there was a choice.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
