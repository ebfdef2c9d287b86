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
    /// See [`Settings::patience`].
    Patience,
    /// See [`Settings::target_accuracy`].
    TargetAccuracy,
}

/// The epoch with the highest validation accuracy, the first of equals.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// The share of validation images whose class was found.
    pub accuracy: f64,
    /// Every parameter as it was after the epoch, in the order of [`Mlp::values`].
    pub values: Vec<Array2<f32>>,
}

/// How far training has come: with the network, the settings and the data, all that follows depends on it.
///
/// The training loop advances it, and a [checkpoint](crate::files::checkpoint) keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Epochs that are done, their validation included.
    pub epoch: usize,
    /// Steps of the next epoch that are done.
    pub step: usize,
    /// The images in the order of the epoch; shuffled on from there for the next one.
    pub order: Vec<u32>,
    /// What shuffles them.
    pub shuffler: ChaCha8Rng,
    /// The sum over the images of the epoch so far: of their losses,
    pub loss: f64,
    /// and of those whose class was found.
    pub correct: usize,
    /// Time that the steps of the epoch took so far.
    pub time: Duration,
    /// The best epoch so far, if there are validation images.
    pub best: Option<Best>,
}

impl Progress {
    /// Before the first step, with so many images to train on.
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

    /// Puts the images into a new order, if an epoch is to begin.
    pub(super) fn shuffle(&mut self) {
        if self.step == 0 {
            shuffle(&mut self.order, &mut self.shuffler);
        }
    }

    /// The images of the next step; none if the epoch is over but for its validation.
    pub(super) fn batch(&self, batch_size: usize) -> Option<&[u32]> {
        self.order.chunks(batch_size).nth(self.step)
    }

    /// Counts a step.
    pub(super) fn count(&mut self, result: BatchResult, images: usize) {
        self.step += 1;
        self.loss += result.loss * images as f64;
        self.correct += result.correct;
    }

    /// Closes the epoch, with the network after it and what validation gave, and says what came of it.
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
