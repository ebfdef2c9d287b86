//! How fast this machine trains, and where the time of a step goes: what `mlp bench` shows.
//!
//! A processor that other programs share is slow from time to time, so everything is measured in many short
//! pieces, and the median counts.
//!
//! [`Team::begin_step`]: crate::linalg::team::Team::begin_step
#![doc = include_str!("../../docs/performance.md")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use ndarray::ArrayRef2;

use crate::{
    data::{
        CLASSES, Dataset, PIXELS,
        batch::{Preprocessing, in_order, shuffle},
    },
    linalg::{self, team::Team},
    loss::CrossEntropy,
    nn::Mlp,
    rng::{Purpose, generator},
    train::{NotFinite, Trainer, metrics::evaluate, optim::Sgd, pass},
};

/// A network and how it is trained: cross-entropy, plain SGD.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// A short name.
    pub name: String,
    /// The widths of the layers, from the pixels to the classes.
    pub layers: Vec<usize>,
    /// The batch size.
    pub batch_size: usize,
    /// The learning rate.
    pub learning_rate: f32,
}

impl Workload {
    /// A network for MNIST with these hidden layers.
    pub fn new(name: &str, hidden: &[usize], batch_size: usize, learning_rate: f32) -> Self {
        Self {
            name: name.to_owned(),
            layers: [&[PIXELS], hidden, &[CLASSES]].concat(),
            batch_size,
            learning_rate,
        }
    }

    /// The three workloads that are compared with other programs: small, medium, large.
    pub fn standard() -> [Self; 3] {
        [
            Self::new("W1", &[50], 64, 0.1),
            Self::new("W2", &[512, 512], 128, 0.1),
            Self::new("W3", &[2500, 2000, 1500, 1000, 500], 100, 0.01),
        ]
    }

    /// Floating-point operations to train on one image, where a multiply-add counts as two: x·w and xᵀ·dy of
    /// every layer, and dy·wᵀ of all but the first. Every element counts, zero or not.
    pub fn train_flops(&self) -> f64 {
        3.0 * self.forward_flops() - 2.0 * (self.layers[0] * self.layers[1]) as f64
    }

    /// Floating-point operations to classify one image: 2·I·O per layer.
    pub fn forward_flops(&self) -> f64 {
        let layers = self.layers.windows(2);
        layers.map(|io| 2.0 * (io[0] * io[1]) as f64).sum()
    }

    fn trainer(&self, threads: usize) -> Trainer<'static, f32> {
        let network = Mlp::kaiming(&self.layers, &mut generator(1, Purpose::Init));
        Trainer::new(network, &CrossEntropy, self.batch_size, Team::new(threads))
    }

    fn sgd(&self) -> Sgd<f32> {
        Sgd::new(self.learning_rate)
    }
}

/// Images per second.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Training: shuffle, gather, forward, backward, step.
    pub train: f64,
    /// Classifying.
    pub evaluate: f64,
}

/// Measures a workload on these images for about `time`, then measures classifying for as long.
///
/// Errors if training diverges. Panics if there are fewer images than the batch size.
pub fn speed(
    workload: &Workload,
    data: &Dataset,
    threads: usize,
    time: Duration,
) -> Result<Speed, NotFinite> {
    let mut trainer = workload.trainer(threads);
    let mut batches = Batches::new(data, workload.batch_size);
    let (sgd, n) = (workload.sgd(), workload.batch_size);
    let mut step = || {
        let (images, targets) = batches.next();
        let gather = |first: usize, x: &mut ArrayRef2<f32>| {
            Preprocessing::UNIT.gather(data, &images[first..first + x.nrows()], x);
        };
        trainer.step(sgd, targets, gather).map(|_| ())
    };
    for _ in 0..3 {
        step()?; // allocates buffers, wakes the threads
    }
    let train = n as f64 / median_seconds(time, &mut step)?;
    let mut classify = || {
        black_box(evaluate(
            &trainer.network,
            &CrossEntropy,
            data,
            Preprocessing::UNIT,
            &mut trainer.team,
        ));
        Ok(())
    };
    let evaluate = data.len() as f64 / median_seconds(time, &mut classify)?;
    Ok(Speed { train, evaluate })
}

/// The median time of `work`, called in groups that take a fiftieth of `time`, or one call.
fn median_seconds(
    time: Duration,
    work: &mut impl FnMut() -> Result<(), NotFinite>,
) -> Result<f64, NotFinite> {
    let start = Instant::now();
    let mut seconds = Vec::new();
    while seconds.is_empty() || start.elapsed() < time {
        let (group, mut calls) = (Instant::now(), 0);
        while calls == 0 || group.elapsed() < time / 50 {
            work()?;
            calls += 1;
        }
        seconds.push(group.elapsed().as_secs_f64() / f64::from(calls));
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// Endless whole batches of images in random order.
struct Batches<'a> {
    data: &'a Dataset,
    order: Vec<u32>,
    targets: Vec<u8>,
    next: usize,
}

impl<'a> Batches<'a> {
    fn new(data: &'a Dataset, batch_size: usize) -> Self {
        assert!(batch_size <= data.len(), "a batch of more than all images");
        Self {
            data,
            order: in_order(data.len()),
            targets: vec![0; batch_size],
            next: usize::MAX,
        }
    }

    fn next(&mut self) -> (&[u32], &[u8]) {
        let n = self.targets.len();
        if self.next.saturating_add(n) > self.order.len() {
            shuffle(&mut self.order, &mut generator(1, Purpose::Shuffle));
            self.next = 0;
        }
        let images = &self.order[self.next..self.next + n];
        self.next += n;
        for (target, &image) in self.targets.iter_mut().zip(images) {
            *target = self.data.labels[image as usize];
        }
        (images, &self.targets)
    }
}

/// The phases of a step, in order.
pub const PHASES: [&str; 6] = [
    "gather: pixels to x",
    "forward",
    "loss, forward and backward",
    "backward: dx",
    "backward: dw, db",
    "SGD step",
];

/// Seconds per step in each of [`PHASES`], on one thread: medians over about `time`.
pub fn phases(workload: &Workload, data: &Dataset, time: Duration) -> [f64; PHASES.len()] {
    let trainer = &mut workload.trainer(1);
    let mut batches = Batches::new(data, workload.batch_size);
    let (sgd, n) = (workload.sgd(), workload.batch_size);
    let mut seconds = PHASES.map(|_| Vec::new());
    let start = Instant::now();
    while seconds[0].is_empty() || start.elapsed() < time {
        let (images, targets) = batches.next();
        let pieces = trainer.team.pieces();
        let Trainer { network, tape, .. } = trainer;
        let mut clock = Instant::now();
        let mut took = || {
            std::mem::replace(&mut clock, Instant::now())
                .elapsed()
                .as_secs_f64()
        };
        let mut rows = tape.rows_mut(n, n).next().expect("one share of all rows");
        Preprocessing::UNIT.gather(data, images, &mut rows.x);
        seconds[0].push(took());
        network.forward(&mut rows);
        seconds[1].push(took());
        let loss = &CrossEntropy;
        pass::forward_from(network.modules().len(), network, loss, &mut rows, targets);
        pass::doutputs(loss, &mut rows, targets, n);
        seconds[2].push(took());
        network.backward_input(&mut rows);
        seconds[3].push(took());
        let mut step = 0.0;
        let mut gradients = 0.0;
        for (module, mut param) in network.pieces_mut(|shape| pieces.rows(shape)) {
            param.backward(&tape.x(module, n), &tape.dy(module, n));
            gradients += took();
            sgd.step(&mut param);
            step += took();
        }
        seconds[4].push(gradients);
        seconds[5].push(step);
    }
    seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    })
}

/// The most floating-point operations per second that `threads` threads reach together: fused multiply-adds
/// of `f32` in registers, the best of several tries.
pub fn peak_flops(threads: usize) -> f64 {
    const TRIES: usize = 10;
    const STEPS: usize = 1_000_000;
    let mut team = Team::new(threads);
    let tries = (0..TRIES).map(|_| {
        let start = Instant::now();
        let flops = std::sync::Mutex::new(0.0);
        team.for_each(0..threads, |_| {
            let done = linalg::multiply_add_in_registers(STEPS);
            *flops.lock().expect("no thread panics") += done;
        });
        flops.into_inner().expect("no thread panics") / start.elapsed().as_secs_f64()
    });
    tries.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_as_by_hand() {
        let workload = Workload::new("tiny", &[3], 1, 0.1);
        // 784·3 + 3·10 multiply-adds forward, as many for dw, and 3·10 for the dx of the last layer.
        assert_eq!(workload.forward_flops(), 2.0 * 2382.0);
        assert_eq!(workload.train_flops(), 2.0 * (2.0 * 2382.0 + 30.0));
    }

    #[test]
    fn batches_are_whole_and_never_run_out() {
        let data = Dataset::new(
            ndarray::Array2::zeros((5, PIXELS)),
            vec![0, 1, 2, 3, 4],
            Spec::default(),
        );
        let mut batches = Batches::new(&data, 2);
        for _ in 0..4 {
            let (images, targets) = batches.next();
            assert_eq!(images.len(), 2);
            assert!(images.iter().zip(targets).all(|(&i, &t)| i == u32::from(t)));
        }
    }
}
