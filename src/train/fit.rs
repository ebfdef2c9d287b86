use std::time::Instant;

use ndarray::{Array2, ArrayRef2};

use super::{
    NotFinite, Observer, Progress, Settings, Step, Trainer,
    metrics::{Evaluation, evaluate},
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
    /// A number overflowed or became NaN.
    #[error("epoch {epoch}, step {step}: {not_finite}: the steps are too long")]
    NotFinite {
        /// Which epoch, from 1.
        epoch: usize,
        /// Which step of this epoch, from 1.
        step: usize,
        /// Where it was first seen.
        not_finite: NotFinite,
        /// The learning rate that led there.
        learning_rate: f32,
    },
    /// The augmentation is not valid.
    #[error(transparent)]
    Augmentation(#[from] AugmentError),
}

/// What a network is trained and validated on.
#[derive(Clone, Copy)]
pub struct Images<'a> {
    /// The training images.
    pub train: &'a Dataset,
    /// The validation images, evaluated after every epoch; may be empty.
    pub valid: &'a Dataset,
    /// How pixels become the inputs of the network.
    pub preprocessing: Preprocessing,
}

/// Training and validation images, whose pixels are scaled to 0..1.
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
    /// How far training came, with the best network so far.
    pub progress: Progress,
    /// Epoch and step, each from 1, after which the observer stopped it; none if it ran to its end.
    pub stopped: Option<(usize, usize)>,
}

/// Trains `network` on the training images and evaluates it on the validation images after every epoch.
///
/// The same settings and data give the same bytes for any number of threads. Errors: [`TrainError`]. Panics
/// if there is nothing to train on, or the data and the network have different sizes.
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

/// Resumes training from a point that an observer was told of, to the same bytes as without the interruption.
///
/// Errors and panics like [`train`], and panics if `progress` is for a different number of images.
pub fn resume<'a>(
    start: (Mlp<f32>, Progress),
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
    let augmenter = match settings.augmentation.clone() {
        Some(augmentation) => {
            let size = (train.rows(), train.cols());
            Some(Augmenter::new(augmentation, size, settings.seed)?)
        }
        None => None,
    };
    let gather = |epoch: usize, images: &[u32], x: &mut ArrayRef2<f32>| match &augmenter {
        Some(augmenter) => augmenter.gather(train, preprocessing, epoch, images, x),
        None => preprocessing.gather(train, images, x),
    };
    let validate = |trainer: &mut Trainer<'_, f32>| {
        let team = &mut trainer.team;
        (!valid.is_empty()).then(|| evaluate(&trainer.network, loss, valid, preprocessing, team))
    };
    let source = (&train.labels[..], train.classes(), gather);
    run(start, loss, source, validate, settings, team, observer)
}

/// Trains `network` on your own arrays, inputs x (N, I) and their classes (N), on this thread.
///
/// The settings `valid` and `augmentation` have no meaning here. Errors: [`TrainError::NotFinite`]. Panics if
/// there is nothing to train on, or shapes do not fit.
///
/// ```
/// use mlp::{
///     loss::{CrossEntropy, Decoding},
///     nn::{Activation, Architecture},
///     rng::{Purpose, generator},
///     train::{Settings, fit},
/// };
/// use ndarray::array;
///
/// // Exclusive or: 1 if one of the two inputs is 1 and the other is 0.
/// let (x, classes) = (array![[0., 0.], [0., 1.], [1., 0.], [1., 1.]], [0, 1, 1, 0]);
/// let tanh = Architecture { activation: Activation::Tanh, ..Architecture::relu(&[2, 8, 2]) };
/// let network = tanh.init(Activation::Tanh.about().init, &mut generator(1, Purpose::Init));
/// let settings = Settings { epochs: 500, batch_size: 4, learning_rate: 0.5, ..Settings::default() };
/// let network = fit(network, &CrossEntropy, (&x, &classes), &settings)?.network;
/// for (z, class) in network.predict(&x).rows().into_iter().zip(classes) {
///     assert_eq!(Decoding::Largest.class(z, 2), class);
/// }
/// # Ok::<_, mlp::train::TrainError>(())
/// ```
pub fn fit(
    network: Mlp<f32>,
    loss: &dyn Loss<f32>,
    (x, classes): (&Array2<f32>, &[u8]),
    settings: &Settings,
) -> Result<Trained, TrainError> {
    assert_eq!(x.nrows(), classes.len(), "rows of x against classes");
    let gather = |_, rows: &[u32], to: &mut ArrayRef2<f32>| {
        for (mut to, &row) in to.rows_mut().into_iter().zip(rows) {
            to.assign(&x.row(row as usize));
        }
    };
    let start = (network, Progress::new(classes.len(), settings.seed));
    let count = classes
        .iter()
        .max()
        .map_or(1, |&last| usize::from(last) + 1);
    let source = (classes, count, gather);
    let nothing = |_: &mut Trainer<'_, f32>| None;
    run(
        start,
        loss,
        source,
        nothing,
        settings,
        Team::new(1),
        &mut (),
    )
}

/// The training loop: epochs of steps, each on a batch that `gather(epoch, images, x)` fills, with `validate`
/// after each epoch.
fn run(
    (network, mut progress): (Mlp<f32>, Progress),
    loss: &dyn Loss<f32>,
    (labels, classes, gather): (
        &[u8],
        usize,
        impl Fn(usize, &[u32], &mut ArrayRef2<f32>) + Sync,
    ),
    validate: impl Fn(&mut Trainer<'_, f32>) -> Option<Evaluation>,
    settings: &Settings,
    team: Team,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    assert!(!labels.is_empty(), "nothing to train on");
    assert_eq!(progress.order.len(), labels.len(), "images to train on");
    let batch_size = settings.batch_size.clamp(1, labels.len());
    let mut trainer = Trainer::new(network, loss, batch_size, team);
    trainer.classes = classes;
    if settings.velocity() {
        trainer.network.at_rest();
    }
    if settings.moments() {
        trainer.network.start_moments();
    }
    let epoch_steps = labels.len().div_ceil(batch_size);
    let all_steps = settings.epochs * epoch_steps;
    let mut targets = vec![0; batch_size];
    while progress.end(settings).is_none() {
        let epoch = progress.epoch + 1;
        let (start, time) = (Instant::now(), progress.time);
        progress.shuffle();
        while let Some(images) = progress.batch(batch_size) {
            let step = progress.step + 1;
            let targets = &mut targets[..images.len()];
            for (target, &image) in targets.iter_mut().zip(images) {
                *target = labels[image as usize];
            }
            let gather = |first: usize, x: &mut ArrayRef2<f32>| {
                gather(epoch, &images[first..first + x.nrows()], x);
            };
            let (peak, taken) = (settings.learning_rate, (epoch - 1) * epoch_steps + step - 1);
            let rate = settings.schedule.rate(peak, taken, epoch_steps, all_steps);
            let rule = settings.optimizer.at(rate, settings.extras, taken + 1);
            trainer.tape.noise = Some(Noise::new(settings.seed, epoch, step));
            let result = trainer.step(rule, targets, gather);
            let result = result.map_err(|not_finite| TrainError::NotFinite {
                epoch,
                step,
                not_finite,
                learning_rate: peak,
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
        let valid = validate(&mut trainer);
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
