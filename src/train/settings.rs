use serde::{Deserialize, Serialize};

use super::{
    optim::{Extras, Optimizer},
    schedule::Schedule,
};
use crate::{
    data::{DataError, Dataset, Splits, augment::Augmentation},
    nn::Init,
};

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
    /// The learning rate: the length of a step, see [`Sgd`](super::optim::Sgd) and [`Adam`](super::optim::Adam).
    pub learning_rate: f32,
    /// By which rule the gradients change the weights.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimizer: Optimizer,
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
    /// Whether they are drawn at random, by the seed, instead.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid_random: bool,
    /// Images held back for the test first, drawn at random by [`TEST_SEED`], where the data have no test set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub test: usize,
    /// How much the images of a class count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub class_weights: ClassWeights,
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
            optimizer: Optimizer::default(),
            extras: Extras::default(),
            schedule: Schedule::default(),
            init: Init::default(),
            valid: 10_000,
            valid_random: false,
            test: 0,
            class_weights: ClassWeights::default(),
            seed: 1,
            augmentation: None,
        }
    }
}

/// Draws the images that are held back for the test: the same whatever the seed of a run, so that no run is
/// tested on what another was trained on.
pub const TEST_SEED: u64 = 0;

/// How much the images of a class count in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every image counts the same.
    #[default]
    Equal,
    /// Every class counts the same, however many images it has, see [`Weighted`](crate::loss::Weighted).
    Balanced,
}

impl Settings {
    /// These, with the end of a run as other settings have it: epochs, patience and target accuracy, which may change
    /// when a run is resumed.
    pub fn ending_as(&self, other: &Self) -> Self {
        Self {
            epochs: other.epochs,
            patience: other.patience,
            target_accuracy: other.target_accuracy,
            ..self.clone()
        }
    }

    /// Whether the optimiser keeps a velocity for each parameter.
    pub fn velocity(&self) -> bool {
        self.optimizer == Optimizer::Sgd && self.extras.velocity()
    }

    /// Whether the optimiser keeps moments for each parameter.
    pub fn moments(&self) -> bool {
        self.optimizer.moments().is_some()
    }

    /// The images to train on, to validate on, and to test on, of a whole data set.
    ///
    /// Errors if nothing would remain to train on.
    pub fn split(&self, data: Splits) -> Result<[Dataset; 3], DataError> {
        let (train, test) = match self.test {
            0 => (data.train, data.test),
            held => data.train.split_random(held, TEST_SEED)?,
        };
        let (train, valid) = match self.valid_random {
            false => train.split_last(self.valid)?,
            true => train.split_random(self.valid, self.seed)?,
        };
        Ok([train, valid, test])
    }
}

/// Settings at their defaults are not written, so files keep the bytes they had before there was a choice.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
