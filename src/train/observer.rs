use std::{ops::ControlFlow, time::Duration};

use super::{Progress, metrics::Evaluation};
use crate::nn::Mlp;

/// Is told what happens, and may ask to stop after any step.
pub trait Observer {
    /// After every step.
    fn step(&mut self, _step: &Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After every epoch.
    fn epoch(&mut self, _epoch: &Epoch) {}

    /// After every step and every epoch: all that one needs to [`resume`](super::resume) training from there.
    fn progress(&mut self, _network: &Mlp<f32>, _progress: &Progress) {}
}

/// Tells nobody.
impl Observer for () {}

/// A step that has been taken.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// Which step of this epoch, from 1.
    pub step: usize,
    /// The mean loss of the batch before the step.
    pub loss: f64,
}

/// An epoch that has been trained.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the training images, each as it was when its batch came.
    pub train_loss: f64,
    /// The share of training images whose class was found, likewise.
    pub train_accuracy: f64,
    /// The validation images after the epoch, if there are any.
    pub valid: Option<Evaluation>,
    /// The epoch with the highest validation accuracy so far, and that accuracy.
    pub best: Option<(usize, f64)>,
    /// Time of the training steps, shuffling and gathering included, validation not.
    pub time: Duration,
}
