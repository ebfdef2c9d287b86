use std::{ops::ControlFlow, time::Duration};

use super::{Progress, metrics::Evaluation};
use crate::nn::Mlp;

/// Is told what happens during training, and may ask to stop after any step.
pub trait Observer {
    /// Called after every step.
    fn step(&mut self, _step: &Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after every epoch.
    fn epoch(&mut self, _epoch: &Epoch) {}

    /// Called after every step and every epoch, with all that [`resume`](super::resume) needs to continue
    /// from there.
    fn progress(&mut self, _network: &Mlp<f32>, _progress: &Progress) {}
}

/// The observer that ignores everything.
impl Observer for () {}

/// A completed step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// Which step of this epoch, from 1.
    pub step: usize,
    /// The mean loss of the batch, before the step.
    pub loss: f64,
}

/// A completed epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the training images, each measured when its batch was trained on.
    pub train_loss: f64,
    /// The share of training images classified correctly, each measured when its batch was trained on.
    pub train_accuracy: f64,
    /// The evaluation on the validation images after the epoch, if there are any.
    pub valid: Option<Evaluation>,
    /// The epoch with the highest validation accuracy so far, and that accuracy.
    pub best: Option<(usize, f64)>,
    /// Time of the training steps, including shuffling and gathering but not validation.
    pub time: Duration,
}
