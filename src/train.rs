//! The training loop. It prints nothing: what happens is reported to an [`Observer`].

mod progress;

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use ndarray::{ArrayRef2, Axis};
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{
    augment::{AugmentError, Augmentation, Augmenter},
    data::{CLASSES, Dataset, batches::Preprocessing},
    linalg::Float,
    loss::Loss,
    metrics::{self, Evaluation, evaluate},
    nn::{Mlp, Noise, ParamRows, Tape},
    optim::{self, Extras, Schedule, Sgd, clip_scale},
    team::{Pace, Team},
};

pub use progress::{Best, End, Progress};

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
    /// The length of a step, see [`Sgd`].
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

/// Is told what happens, and may ask to stop after any step.
pub trait Observer {
    /// After every step.
    fn step(&mut self, _step: &Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After every epoch.
    fn epoch(&mut self, _epoch: &Epoch) {}

    /// After every step and every epoch: all that one needs to [`resume`] training from there.
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

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The numbers left the range of floats.
    #[error("epoch {epoch}, step {step}: {not_finite}: the steps are too long, try --lr {:?}", shorter(*learning_rate))]
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

/// A network after training.
pub struct Trained {
    /// The network.
    pub network: Mlp<f32>,
    /// How far training came, and the best network on the way.
    pub progress: Progress,
    /// Epoch and step, each from 1, after which the observer stopped it; none if it ran to its end.
    pub stopped: Option<(usize, usize)>,
}

/// A tenth of a learning rate, to one digit.
fn shorter(learning_rate: f32) -> f32 {
    let tenth = format!("{:.0e}", learning_rate / 10.0);
    tenth.parse().expect("a number just written")
}

/// The first place with a number that is NaN or infinite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFinite {
    /// The loss itself; every output was finite.
    #[error("the loss is not finite")]
    Loss,
    /// The output of a module; its weights were finite.
    #[error("the output of module {index} ({name}) is not finite")]
    Output {
        /// Which module of the network, from 0.
        index: usize,
        /// Its name.
        name: &'static str,
    },
    /// A parameter after the step.
    #[error("{0} is not finite after the step")]
    Param(String),
}

/// Of a parameter with this shape, how many rows a thread takes at a time: few enough to stay in a cache
/// from the gradient to the step, many enough to make up for handing them out, and all threads get as
/// many pieces.
pub(crate) fn rows_of_a_piece((rows, columns): (usize, usize), threads: usize) -> usize {
    const FEWEST: usize = 128;
    const ELEMENTS: usize = 48 << 10;
    equal_parts(rows, FEWEST.max(ELEMENTS / columns.max(1)), threads)
}

/// The length of parts of `len` that are at most `most` long and as many for every thread.
fn equal_parts(len: usize, most: usize, threads: usize) -> usize {
    len.div_ceil(len.div_ceil(most).next_multiple_of(threads))
}

/// A network with all that one step of training needs, allocated once.
///
/// A step has two phases, and each shares its work among the threads, which write to places of their own
/// and leave no sum whose order depends on their number: first **rows**, where a thread takes some images of the
/// batch through gather, forward, loss and every dx; then **params**, where it takes some rows of each
/// parameter through the gradient over the whole batch and the step of the optimiser.
pub struct Trainer<'a, F> {
    /// The network in training.
    pub network: Mlp<F>,
    /// Activations and gradients of the last batch. Set its noise before every step where a module is
    /// random in training: the same noise is the same mask.
    pub tape: Tape<F>,
    /// The threads.
    pub team: Team,
    pace: Pace,
    loss: &'a dyn Loss<F>,
}

impl<'a, F: Float> Trainer<'a, F> {
    /// A trainer for batches of up to `batch_size` images.
    pub fn new(network: Mlp<F>, loss: &'a dyn Loss<F>, batch_size: usize, team: Team) -> Self {
        let mut tape = network.tape(batch_size);
        tape.noise = Some(Noise::new(0, 0, 0));
        Self {
            network,
            tape,
            team,
            pace: Pace::default(),
            loss,
        }
    }

    /// The loss of a batch and every gradient, which stay in the tape and the parameters.
    ///
    /// `gather(first, x)` fills rows `first..` of the batch; `targets` (N) has one class an image.
    pub fn gradients(
        &mut self,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> BatchResult {
        let result = self.rows(targets, gather);
        self.params(targets.len(), |x, dy, param| param.backward(x, dy));
        result
    }

    /// One step of SGD on a batch, as [`gradients`](Self::gradients) and then w ← w − lr·dw for each.
    pub fn step(
        &mut self,
        sgd: Sgd<F>,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> Result<BatchResult, NotFinite> {
        let start = Instant::now();
        self.team.work_alone(self.pace.alone());
        let result = self.step_at_this_pace(sgd, targets, gather);
        self.team.work_alone(false);
        self.pace.count(start.elapsed());
        result
    }

    fn step_at_this_pace(
        &mut self,
        sgd: Sgd<F>,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> Result<BatchResult, NotFinite> {
        let result = self.rows(targets, gather);
        if !result.loss.is_finite() {
            return Err(self.output_not_finite(targets.len()));
        }
        let finite = AtomicBool::new(true);
        let step = |sgd: &Sgd<F>, param: &mut ParamRows<'_, F>| {
            if !sgd.step(param) {
                finite.store(false, Ordering::Relaxed);
            }
        };
        match sgd.extras.clip_norm {
            None => self.params(targets.len(), |x, dy, param| {
                param.backward(x, dy);
                step(&sgd, param);
            }),
            Some(most) => {
                self.params(targets.len(), |x, dy, param| param.backward(x, dy));
                let scale = clip_scale(self.network.gradient_norm(), most);
                let scale = F::from(scale).expect("a float converts");
                let sgd = Sgd { scale, ..sgd };
                self.params(targets.len(), |_, _, param| step(&sgd, param));
            }
        }
        if let Some(most) = sgd.extras.max_norm {
            self.limit_norms(F::from(most).expect("a float converts"));
        }
        match finite.into_inner() {
            true => Ok(result),
            false => Err(NotFinite::Param(
                self.network.first_not_finite().expect("one was seen"),
            )),
        }
    }

    /// The first phase: everything that goes image by image.
    fn rows(
        &mut self,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> BatchResult {
        let Self {
            network,
            tape,
            team,
            loss,
            ..
        } = self;
        let (network, n) = (&*network, targets.len());
        let correct = AtomicUsize::new(0);
        team.for_each(tape.rows_mut(n, n.div_ceil(team.threads())), |mut rows| {
            let targets = &targets[rows.first..rows.first + rows.len()];
            gather(rows.first, &mut rows.x);
            network.forward(&mut rows);
            {
                let ([outputs, mut predictions, mut doutputs], mut losses) = rows.loss();
                loss.forward(&outputs, targets, &mut predictions, &mut losses);
                loss.backward(&predictions, targets, n, &mut doutputs);
                let classes = outputs
                    .rows()
                    .into_iter()
                    .map(|row| loss.class(row, CLASSES));
                let hits = classes
                    .zip(targets)
                    .filter(|(class, target)| class == *target)
                    .count();
                correct.fetch_add(hits, Ordering::Relaxed);
            }
            network.backward_input(&mut rows);
        });
        let loss = metrics::add(0.0, tape.losses(n)) / n as f64;
        BatchResult {
            loss,
            correct: correct.into_inner(),
        }
    }

    /// The second phase: `work(x, dy, rows)` for some rows of a parameter at a time, with the whole
    /// batch x (N, I) that went into their module and dy (N, O) that came back.
    fn params(
        &mut self,
        n: usize,
        work: impl Fn(&ArrayRef2<F>, &ArrayRef2<F>, &mut ParamRows<'_, F>) + Sync,
    ) {
        let Self {
            network,
            tape,
            team,
            ..
        } = self;
        let tape = &*tape;
        let threads = team.threads();
        let pieces = network.params_mut(|shape| rows_of_a_piece(shape, threads));
        team.for_each(pieces, |(module, mut param)| {
            work(&tape.x(module, n), &tape.dy(module, n), &mut param);
        });
    }

    /// The weights into every unit, not longer than `most`.
    fn limit_norms(&mut self, most: F) {
        const MOST: usize = 512;
        let threads = self.team.threads();
        let params = self.network.modules_mut().iter_mut();
        let params = params.flat_map(|module| module.params_mut());
        let weights = params.filter(|param| param.name == "weight");
        let pieces = weights.flat_map(|param| {
            let columns = equal_parts(param.value.ncols(), MOST, threads);
            param.value.axis_chunks_iter_mut(Axis(1), columns)
        });
        self.team.for_each(pieces, |mut columns| {
            optim::limit_norms(&mut columns, most, &mut [F::zero(); MOST]);
        });
    }

    fn output_not_finite(&self, n: usize) -> NotFinite {
        let mut modules = self.network.modules().iter().enumerate();
        let module =
            modules.find(|(index, _)| !self.tape.y(*index, n).iter().all(|v| v.is_finite()));
        module.map_or(NotFinite::Loss, |(index, module)| NotFinite::Output {
            index,
            name: module.name(),
        })
    }
}

/// What a batch gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchResult {
    /// The mean loss of an image, before the step.
    pub loss: f64,
    /// Images whose class was found.
    pub correct: usize,
}

/// A generator for one purpose, so that what one draws does not change what another gets.
pub fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// What random numbers are for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The first weights.
    Init = 0,
    /// The order of the images.
    Shuffle = 1,
    /// The choice of what a check looks at.
    Check = 2,
    /// How images are distorted; each has a stream of its own.
    Augment = 3,
}

/// Trains `network` on `train` and measures it on `valid` after every epoch.
///
/// The same settings and data give the same bytes at any size of the team. Errors: [`TrainError`];
/// panics if there is nothing to train on, or the data and the network have different sizes.
pub fn train(
    network: Mlp<f32>,
    loss: &dyn Loss<f32>,
    (train, valid): (&Dataset, &Dataset),
    settings: &Settings,
    team: Team,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let start = (network, Progress::new(train.len(), settings.seed));
    resume(start, loss, (train, valid), settings, team, observer)
}

/// Goes on training from where an observer was told of, to the same bytes as without the break.
///
/// As [`train`]; panics also if `progress` is of another number of images.
pub fn resume(
    (network, mut progress): (Mlp<f32>, Progress),
    loss: &dyn Loss<f32>,
    (train, valid): (&Dataset, &Dataset),
    settings: &Settings,
    team: Team,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
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
                    Some(augmenter) => {
                        augmenter.gather(train, settings.preprocessing, epoch, images, x)
                    }
                    None => settings.preprocessing.gather(train, images, x),
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
                settings.preprocessing,
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
