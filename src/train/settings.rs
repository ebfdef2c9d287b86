use super::{optim::Extras, schedule::Schedule};
use crate::data::{augment::Augmentation, batch::Preprocessing};

/// How to train.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Times that every training image is seen.
    pub epochs: usize,
    /// Ends training after so many epochs in a row without a higher validation accuracy.
    pub patience: Option<usize>,
    /// Ends training after an epoch with this validation accuracy, 0 to 1.
    pub target_accuracy: Option<f64>,
    /// Images a step; the last step of an epoch takes what remains.
    pub batch_size: usize,
    /// The length of a step, see [`Sgd`](super::optim::Sgd).
    pub learning_rate: f32,
    /// What is added to the plain step.
    pub extras: Extras,
    /// How the learning rate changes from step to step.
    pub schedule: Schedule,
    /// What all that is random follows from.
    pub seed: u64,
    /// From pixels to inputs.
    pub preprocessing: Preprocessing,
    /// How training images are distorted, if they are: each anew in every epoch.
    pub augmentation: Option<Augmentation>,
}
