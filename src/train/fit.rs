use std::time::Instant;

use ndarray::ArrayRef2;

use super::{
    NotFinite, Observer, Progress, Settings, Step, Trainer, metrics::evaluate, optim::Sgd,
};
use crate::{
    data::{
        Dataset,
        augment::{AugmentError, Augmenter},
        batch::Preprocessing,
    },
    linalg::team::Team,
    loss::Loss,
    nn::Mlp,
    rng::Noise,
};

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The numbers left the range of floats.
    #[error("epoch {epoch}, step {step}: {not_finite}: the steps are too long")]
    NotFinite {
        /// Which epoch, from 1.
        epoch: usize,
        /// Which step of this epoch, from 1.
        step: usize,
        /// Where it was seen.
        not_finite: NotFinite,
        /// The learning rate that led there.
        learning_rate: f32,
    },
    /// No image can be distorted so.
    #[error(transparent)]
    Augmentation(#[from] AugmentError),
}

/// What a network is trained and measured on.
#[derive(Clone, Copy)]
pub struct Images<'a> {
    /// To train on.
    pub train: &'a Dataset,
    /// To measure it on after every epoch; may be empty.
    pub valid: &'a Dataset,
    /// From their pixels to the inputs of the network.
    pub preprocessing: Preprocessing,
}

/// Images to train on and to measure on, whose pixels become 0 to 1.
impl<'a> From<(&'a Dataset, &'a Dataset)> for Images<'a> {
    fn from((train, valid): (&'a Dataset, &'a Dataset)) -> Self {
        Self {
            train,
            valid,
            preprocessing: Preprocessing::UNIT,
        }
    }
}

/// A network after training.
pub struct Trained {
    /// The network.
    pub network: Mlp<f32>,
    /// How far training came, and the best network on the way.
    pub progress: Progress,
    /// Epoch and step, each from 1, after which the observer stopped it; none if it ran to its end.
    pub stopped: Option<(usize, usize)>,
}

/// Trains `network` on `train` and measures it on `valid` after every epoch.
///
/// The same settings and data give the same bytes at any size of the team. Errors: [`TrainError`];
/// panics if there is nothing to train on, or the data and the network have different sizes.
pub fn train<'a>(
    network: Mlp<f32>,
    loss: &dyn Loss<f32>,
    images: impl Into<Images<'a>>,
    settings: &Settings,
    team: Team,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let images = images.into();
    let start = (network, Progress::new(images.train.len(), settings.seed));
    resume(start, loss, images, settings, team, observer)
}

/// Goes on training from where an observer was told of, to the same bytes as without the break.
///
/// As [`train`]; panics also if `progress` is of another number of images.
pub fn resume<'a>(
    (network, mut progress): (Mlp<f32>, Progress),
    loss: &dyn Loss<f32>,
    images: impl Into<Images<'a>>,
    settings: &Settings,
    team: Team,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let Images {
        train,
        valid,
        preprocessing,
    } = images.into();
    assert!(!train.is_empty(), "nothing to train on");
    assert_eq!(progress.order.len(), train.len(), "images to train on");
    let batch_size = settings.batch_size.clamp(1, train.len());
    let mut trainer = Trainer::new(network, loss, batch_size, team);
    if settings.extras.velocity() {
        trainer.network.at_rest();
    }
    let epoch_steps = train.len().div_ceil(batch_size);
    let mut sgd = Sgd {
        extras: settings.extras,
        ..Sgd::new(settings.learning_rate)
    };
    let augmenter = match settings.augmentation.clone() {
        Some(augmentation) => {
            let size = (train.rows(), train.cols());
            Some(Augmenter::new(augmentation, size, settings.seed)?)
        }
        None => None,
    };
    let mut targets = vec![0; batch_size];
    while progress.end(settings).is_none() {
        let epoch = progress.epoch + 1;
        let (start, time) = (Instant::now(), progress.time);
        progress.shuffle();
        while let Some(images) = progress.batch(batch_size) {
            let step = progress.step + 1;
            let targets = &mut targets[..images.len()];
            for (target, &image) in targets.iter_mut().zip(images) {
                *target = train.labels[image as usize];
            }
            let gather = |first: usize, x: &mut ArrayRef2<f32>| {
                let images = &images[first..first + x.nrows()];
                match &augmenter {
                    Some(augmenter) => augmenter.gather(train, preprocessing, epoch, images, x),
                    None => preprocessing.gather(train, images, x),
                }
            };
            let (peak, taken) = (settings.learning_rate, (epoch - 1) * epoch_steps + step - 1);
            let all = settings.epochs * epoch_steps;
            sgd.learning_rate = settings.schedule.rate(peak, taken, epoch_steps, all);
            trainer.tape.noise = Some(Noise::new(settings.seed, epoch, step));
            let result = trainer.step(sgd, targets, gather).map_err(|not_finite| {
                let learning_rate = settings.learning_rate;
                TrainError::NotFinite {
                    epoch,
                    step,
                    not_finite,
                    learning_rate,
                }
            })?;
            progress.count(result, targets.len());
            progress.time = time + start.elapsed();
            let loss = result.loss;
            if observer.step(&Step { epoch, step, loss }).is_break() {
                return Ok(Trained {
                    network: trainer.network,
                    progress,
                    stopped: Some((epoch, step)),
                });
            }
            observer.progress(&trainer.network, &progress);
        }
        let valid = (!valid.is_empty()).then(|| {
            evaluate(
                &trainer.network,
                loss,
                valid,
                preprocessing,
                &mut trainer.team,
            )
        });
        let epoch = progress.close(valid, &trainer.network);
        observer.epoch(&epoch);
        observer.progress(&trainer.network, &progress);
    }
    Ok(Trained {
        network: trainer.network,
        progress,
        stopped: None,
    })
}
