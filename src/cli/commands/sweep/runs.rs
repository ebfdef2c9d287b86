//! The runs of a sweep, side by side: one thread each, so that no result depends on how many there are.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use mlp::{
    data::{Dataset, Splits},
    files::{
        model::Metadata,
        sweep::{Record, RunLine, SweepError},
    },
    linalg::team::Team,
    train::{self, Epoch, Images, Observer, Step, TrainError, Trained},
};

use crate::cli::terminal::{interrupt, output::percent, progress::note_above};

/// A run to do.
pub(super) struct Job {
    /// Which configuration, and which of its seeds, from 0.
    pub(super) place: (usize, usize),
    pub(super) metadata: Metadata,
    pub(super) run_sha256: String,
    pub(super) flags: Vec<String>,
    /// Steps of all its epochs.
    pub(super) steps: u64,
}

/// The images of the runs, divided once, or once for each seed if the validation images are drawn by it.
pub(super) enum Divided {
    /// The same for all.
    Once(Arc<[Dataset; 2]>),
    /// Those of the seed that was asked for last.
    BySeed(Box<Splits>, Mutex<Option<(u64, Arc<[Dataset; 2]>)>>),
}

impl Divided {
    /// The images as the runs divide them, all of which differ in nothing but their seeds.
    pub(super) fn new(data: Splits, metadata: &Metadata) -> anyhow::Result<Self> {
        match metadata.training.settings.valid_random {
            true => Ok(Self::BySeed(Box::new(data), Mutex::new(None))),
            false => Ok(Self::Once(divide(data, metadata)?)),
        }
    }

    /// To train on, and to validate.
    pub(super) fn of(&self, metadata: &Metadata) -> anyhow::Result<Arc<[Dataset; 2]>> {
        match self {
            Self::Once(images) => Ok(Arc::clone(images)),
            Self::BySeed(data, last) => {
                let seed = metadata.training.settings.seed;
                let mut last = locked(last);
                if let Some((of, images)) = &*last
                    && *of == seed
                {
                    return Ok(Arc::clone(images));
                }
                let images = divide(Splits::clone(data), metadata)?;
                *last = Some((seed, Arc::clone(&images)));
                Ok(images)
            }
        }
    }
}

/// The test images are dropped unseen.
fn divide(data: Splits, metadata: &Metadata) -> anyhow::Result<Arc<[Dataset; 2]>> {
    let [train, valid, _] = metadata.training.settings.split(data)?;
    Ok(Arc::new(
        [train, valid].map(|images| metadata.relabelled(images)),
    ))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What comes of the runs.
pub(super) struct Done {
    /// The runs that are finished, by their places.
    pub(super) lines: Vec<((usize, usize), RunLine)>,
    /// Why one is not in the record, if one is not.
    pub(super) failed: Option<SweepError>,
}

/// What the threads share.
struct Shared<'a> {
    jobs: &'a [Job],
    next: AtomicUsize,
    images: &'a Divided,
    end: Option<Instant>,
    /// Nothing more is to begin.
    over: AtomicBool,
    bar: ProgressBar,
    sink: Mutex<Sink<'a>>,
}

/// Where runs go that are finished.
struct Sink<'a> {
    record: &'a mut Record,
    done: Done,
    best: Option<f64>,
    error: Option<anyhow::Error>,
}

/// Does the jobs in their order with so many threads, until time is up. What is finished is in the record at once.
pub(super) fn run_all(
    jobs: &[Job],
    images: &Divided,
    record: &mut Record,
    (threads, time): (usize, Option<Duration>),
    bar: ProgressBar,
) -> anyhow::Result<Done> {
    let done = Done {
        lines: Vec::new(),
        failed: None,
    };
    let shared = Shared {
        jobs,
        next: AtomicUsize::new(0),
        images,
        end: time.and_then(|time| Instant::now().checked_add(time)),
        over: AtomicBool::new(false),
        bar,
        sink: Mutex::new(Sink {
            record,
            done,
            best: None,
            error: None,
        }),
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            // Where the system allows no further thread, there are fewer.
            let _ = thread::Builder::new().spawn_scoped(scope, || shared.work());
        }
        shared.work();
    });
    shared.bar.finish_and_clear();
    let sink = shared
        .sink
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match sink.error {
        Some(error) => Err(error),
        None => Ok(sink.done),
    }
}

impl Shared<'_> {
    /// Does jobs until there are no more, or time is up.
    fn work(&self) {
        while let Some(job) = self.next_job() {
            match self.one(job) {
                Ok(None) => {}
                Ok(Some(line)) => self.keep(job, line),
                Err(error) => {
                    self.over.store(true, Ordering::Relaxed);
                    locked(&self.sink).error.get_or_insert(error);
                }
            }
        }
    }

    fn next_job(&self) -> Option<&Job> {
        let is_up = self.end.is_some_and(|end| Instant::now() >= end);
        if is_up || self.over.load(Ordering::Relaxed) || interrupt::asked() {
            return None;
        }
        self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A run from its start to its end; nothing if it is stopped.
    fn one(&self, job: &Job) -> anyhow::Result<Option<RunLine>> {
        let images = self.images.of(&job.metadata)?;
        let [train, valid] = &*images;
        let loss = job.metadata.training_loss(train);
        let images = Images {
            train,
            valid,
            preprocessing: job.metadata.preprocessing,
        };
        let settings = &job.metadata.training.settings;
        let mut watch = Watch {
            bar: &self.bar,
            steps: 0,
            told: 0,
            epochs: 0,
            accuracy: None,
        };
        let begun = Instant::now();
        let network = job.metadata.first_network();
        let team = Team::new(1);
        let trained = train::train(network, &*loss, images, settings, team, &mut watch);
        let (valid_accuracy, fault) = match trained {
            Ok(Trained {
                stopped: Some(_), ..
            }) => return Ok(None),
            Ok(_) => (watch.accuracy, None),
            Err(error @ TrainError::NotFinite { .. }) => (None, Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        // Steps that do not come any more, too.
        self.bar.inc(job.steps.saturating_sub(watch.told));
        Ok(Some(RunLine {
            run_sha256: job.run_sha256.clone(),
            flags: job.flags.clone(),
            seed: settings.seed,
            epochs: watch.epochs,
            valid_accuracy,
            seconds: begun.elapsed().as_secs_f64(),
            fault,
        }))
    }

    /// A run that cannot be recorded is noted, and the sweep goes on: its table is worth something, too.
    fn keep(&self, job: &Job, line: RunLine) {
        let mut sink = locked(&self.sink);
        let written = sink.record.append(&line);
        if let Err(error) = written
            && sink.done.failed.is_none()
        {
            note_above(
                &self.bar,
                format_args!("{error}: the record has a gap; the sweep goes on"),
            );
            sink.done.failed = Some(error);
        }
        let best = sink.best.into_iter().chain(line.valid_accuracy);
        sink.best = best.reduce(f64::max);
        sink.done.lines.push((job.place, line));
        let (done, all) = (sink.done.lines.len(), self.jobs.len());
        let best = sink.best.map(|best| format!(", best {}", percent(best)));
        let best = best.unwrap_or_default();
        self.bar.set_message(format!("{done} of {all} runs{best}"));
    }
}

/// Watches one run.
struct Watch<'a> {
    bar: &'a ProgressBar,
    steps: u64,
    /// Of them, those that the bar has been told of.
    told: u64,
    epochs: usize,
    accuracy: Option<f64>,
}

impl Observer for Watch<'_> {
    fn step(&mut self, _: &Step) -> ControlFlow<()> {
        const AT_A_TIME: u64 = 32;
        self.steps += 1;
        if self.steps.is_multiple_of(AT_A_TIME) {
            self.bar.inc(AT_A_TIME);
            self.told += AT_A_TIME;
        }
        match interrupt::asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.epochs = epoch.epoch;
        self.accuracy = epoch.valid.as_ref().map(|valid| valid.accuracy());
    }
}
