use std::{mem, time::Duration};

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;

use super::{BatchResult, Epoch, Settings};
use crate::rng::{Purpose, generator};
use crate::{
    data::batch::{in_order, shuffle},
    nn::Mlp,
    train::metrics::Evaluation,
};

/// Why training is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All epochs are done.
    Epochs,
    /// The validation accuracy has not improved for [`Settings::patience`] epochs.
    Patience,
    /// The validation accuracy has reached [`Settings::target_accuracy`].
    TargetAccuracy,
}

/// The epoch with the highest validation accuracy, the first of several equals.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The share of validation images classified correctly.
    pub accuracy: f64,
    /// Every parameter after the epoch, in the order of [`Mlp::values`].
    pub values: Vec<Array2<f32>>,
}

/// How far training has come. With the network, the settings and the data, it determines all that follows.
///
/// The training loop advances it, and a [checkpoint](crate::files::checkpoint) stores it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Completed epochs, including their validation.
    pub epoch: usize,
    /// Completed steps of the epoch after those.
    pub step: usize,
    /// The order of the images in this epoch. The next epoch shuffles it further.
    pub order: Vec<u32>,
    /// The generator that shuffles the images.
    pub shuffler: ChaCha8Rng,
    /// The sum of the losses of the images in this epoch so far.
    pub loss: f64,
    /// How many images in this epoch so far were classified correctly.
    pub correct: usize,
    /// Time taken by the steps of this epoch so far.
    pub time: Duration,
    /// The best epoch so far, if there are validation images.
    pub best: Option<Best>,
}

impl Progress {
    /// Before the first step, with this many images to train on.
    pub fn new(images: usize, seed: u64) -> Self {
        Self {
            epoch: 0,
            step: 0,
            order: in_order(images),
            shuffler: generator(seed, Purpose::Shuffle),
            loss: 0.0,
            correct: 0,
            time: Duration::ZERO,
            best: None,
        }
    }

    /// Whether training is over, and why.
    pub fn end(&self, settings: &Settings) -> Option<End> {
        let best = self.best.as_ref();
        let reached = |target| best.is_some_and(|best| best.accuracy >= target);
        let waited = |patience| best.is_some_and(|best| self.epoch - best.epoch >= patience);
        if self.step > 0 {
            None
        } else if settings.target_accuracy.is_some_and(reached) {
            Some(End::TargetAccuracy)
        } else if self.epoch >= settings.epochs {
            Some(End::Epochs)
        } else if settings.patience.is_some_and(waited) {
            Some(End::Patience)
        } else {
            None
        }
    }

    /// Shuffles the images if an epoch is about to begin.
    pub(super) fn shuffle(&mut self) {
        if self.step == 0 {
            shuffle(&mut self.order, &mut self.shuffler);
        }
    }

    /// The images of the next step; none if only the validation of the epoch remains.
    pub(super) fn batch(&self, batch_size: usize) -> Option<&[u32]> {
        self.order.chunks(batch_size).nth(self.step)
    }

    /// Counts a completed step.
    pub(super) fn count(&mut self, result: BatchResult, images: usize) {
        self.step += 1;
        self.loss += result.loss * images as f64;
        self.correct += result.correct;
    }

    /// Completes the epoch, with the network after it and its evaluation on the validation images, and
    /// returns its summary.
    pub(super) fn close(&mut self, valid: Option<Evaluation>, network: &Mlp<f32>) -> Epoch {
        self.epoch += 1;
        self.step = 0;
        if let Some(accuracy) = valid.as_ref().map(Evaluation::accuracy)
            && self
                .best
                .as_ref()
                .is_none_or(|best| accuracy > best.accuracy)
        {
            self.best = Some(Best {
                epoch: self.epoch,
                accuracy,
                values: network.values().cloned().collect(),
            });
        }
        let images = self.order.len() as f64;
        Epoch {
            epoch: self.epoch,
            train_loss: mem::take(&mut self.loss) / images,
            train_accuracy: mem::take(&mut self.correct) as f64 / images,
            valid,
            best: self.best.as_ref().map(|best| (best.epoch, best.accuracy)),
            time: mem::take(&mut self.time),
        }
    }
}
