//! What a step of training costs, and the products in it, on one thread: `cargo bench --bench train`.
//! The images are noise with as many black pixels as MNIST's; `mlp bench` measures on the real ones.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mlp::{
    linalg::{self, add_scaled, matmul, team::Team},
    loss::CrossEntropy,
    nn::Mlp,
    rng::{Purpose, generator},
    train::{Trainer, bench::Workload, optim::Sgd},
};
use ndarray::{Array2, ArrayRef2};

/// Pixels of which four of five are 0, as in MNIST, and runs of the others.
fn pixel(image: usize, pixel: usize) -> f32 {
    let phase = (31 * image + pixel) % 28;
    if phase < 6 { phase as f32 / 6.0 } else { 0.0 }
}

fn numbers(shape: (usize, usize)) -> Array2<f32> {
    let mut numbers = linalg::zeros(shape);
    for ((i, j), v) in numbers.indexed_iter_mut() {
        *v = ((7 * i + 3 * j) % 17) as f32 / 17.0 - 0.4;
    }
    numbers
}

/// The three products of a layer (N, I) → (N, O), and the step of its weight.
fn products(criterion: &mut Criterion) {
    for (n, i, o) in [
        (64, 784, 50),
        (128, 784, 512),
        (128, 512, 512),
        (100, 2500, 2000),
    ] {
        let x = match i {
            784 => Array2::from_shape_fn((n, i), |(row, p)| pixel(row, p)),
            _ => numbers((n, i)),
        };
        let (mut w, dy) = (numbers((i, o)), numbers((n, o)));
        let [mut y, mut dx, mut dw] = [(n, o), (n, i), (i, o)].map(linalg::zeros::<f32>);
        let mut group = criterion.benchmark_group(format!("{i} → {o}, batch {n}"));
        group.throughput(Throughput::Elements((n * i * o) as u64)); // multiply-adds of the dense product
        group.bench_function("y = x·w", |b| b.iter(|| matmul(black_box(&x), &w, &mut y)));
        group.bench_function("dx = dy·wᵀ", |b| {
            b.iter(|| matmul(black_box(&dy), &w.t(), &mut dx));
        });
        group.bench_function("dw = xᵀ·dy", |b| {
            b.iter(|| matmul(black_box(&x.t()), &dy, &mut dw));
        });
        group.bench_function("w −= lr·dw", |b| {
            b.iter(|| add_scaled(-1e-9, black_box(&dw), &mut w));
        });
        group.finish();
    }
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for workload in &Workload::standard()[..2] {
        let n = workload.batch_size;
        let network = Mlp::<f32>::kaiming(&workload.layers, &mut generator(1, Purpose::Init));
        let mut trainer = Trainer::new(network, &CrossEntropy, n, Team::new(1));
        let targets: Vec<u8> = (0..n).map(|image| (image % 10) as u8).collect();
        let sgd = Sgd::new(workload.learning_rate);
        let gather = |first: usize, x: &mut ArrayRef2<f32>| {
            for ((row, p), v) in x.indexed_iter_mut() {
                *v = pixel(first + row, p);
            }
        };
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(&workload.name), |b| {
            b.iter(|| trainer.step(sgd, &targets, gather).expect("finite"));
        });
    }
    group.finish();
}

criterion_group!(benches, products, step);
criterion_main!(benches);
