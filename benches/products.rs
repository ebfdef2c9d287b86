//! The products of a layer, in cycles at the peak: `cargo bench --bench products [-- 784x50]`.
//!
//! A rented machine is faster and slower by turns. So each product is timed between two runs of fused
//! multiply-adds in registers, which count as two a cycle, and shown in their cycles; the lower quartile is shown, and the
//! share of the peak if every product were dense. To compare two builds, run them in turns, several times.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use mlp::{
    data::{
        self,
        batch::{Preprocessing, in_order},
    },
    linalg::{self, add_matmul, matmul, multiply_add_in_registers, zeros},
};
use ndarray::{Array2, ArrayRef2, s};

/// Batch, inputs and outputs of layers, most of W1, W2 and W3; images go into those with 784 inputs.
const LAYERS: [[usize; 3]; 7] = [
    [64, 784, 32],
    [64, 784, 50],
    [64, 50, 10],
    [128, 784, 512],
    [128, 512, 512],
    [100, 784, 2500],
    [100, 2500, 2000],
];

/// Floating-point operations of a cycle: two multiply-adds in registers of 16 or 8 `f32`.
fn flops_a_cycle() -> f64 {
    if linalg::instructions().contains("512") {
        64.0
    } else {
        32.0
    }
}

fn numbers(shape: (usize, usize)) -> Array2<f32> {
    let mut numbers = zeros(shape);
    for ((i, j), v) in numbers.indexed_iter_mut() {
        *v = ((7 * i + 3 * j) % 17) as f32 / 17.0 - 0.4;
    }
    numbers
}

/// A number that looks as if drawn: a pattern would be foretold.
fn scatter(n: u32) -> u32 {
    let n = (n ^ n >> 16).wrapping_mul(0x7feb_352d);
    let n = (n ^ n >> 15).wrapping_mul(0x846c_a68b);
    n ^ n >> 16
}

/// Three of five are zero, somewhat more than ReLU leaves.
fn mask(matrix: &mut ArrayRef2<f32>) {
    let columns = matrix.ncols();
    for ((row, column), v) in matrix.indexed_iter_mut() {
        if scatter((row * columns + column) as u32) % 5 < 3 {
            *v = 0.0;
        }
    }
}

/// Cycles that a product takes, the lower quartile of `times`; `time` gets which time it is.
fn cycles(times: usize, mut time: impl FnMut(usize) -> Duration) -> f64 {
    let seconds_a_cycle = || {
        let start = Instant::now();
        let flops = multiply_add_in_registers(1500);
        start.elapsed().as_secs_f64() / (flops / flops_a_cycle())
    };
    let mut all: Vec<f64> = (0..times)
        .map(|which| {
            let before = seconds_a_cycle();
            let seconds = time(which).as_secs_f64();
            seconds / before.min(seconds_a_cycle())
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all[times / 4]
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn main() {
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let images = data::load(Path::new("data")).expect("MNIST in data/").train;
    println!("{}, thousands of cycles", linalg::instructions());
    for [n, i, o] in LAYERS {
        let name = format!("{n}x{i}x{o}");
        if filter.as_ref().is_some_and(|part| !name.contains(part)) {
            continue;
        }
        // As in training, x and y are columns of one wide matrix.
        let mut tape = numbers((n, i + 2 * o));
        let (mut x, mut y) = tape.multi_slice_mut((s![.., ..i], s![.., i..i + o]));
        let order = in_order(images.labels.len());
        let batches: Vec<_> = order.chunks_exact(n).collect();
        let pixels = i == images.images.ncols();
        // Other images each time, as in training: where black pixels are must not be foretold.
        let gather = |time: usize, x: &mut ArrayRef2<f32>| {
            if pixels {
                Preprocessing::UNIT.gather(&images, batches[time % batches.len()], x);
            }
        };
        let (w, mut dy) = (numbers((i, o)), numbers((n, o)));
        let (mut dw, mut dx) = (zeros((i, o)), zeros((n, i)));
        let work = 2.0 * (n * i * o) as f64;
        let times = (1e9 / work).clamp(12.0, 1000.0) as usize;
        print!("{name:14}");
        for masked in [false, true] {
            let show = |what: &str, cycles: f64| {
                let share = 100.0 * work / flops_a_cycle() / cycles;
                let masked = if masked { "masked " } else { "" };
                print!("  {masked}{what} {:.1} ({share:.0} %)", cycles / 1e3);
            };
            if masked {
                mask(&mut dy);
            }
            if masked && !pixels {
                mask(&mut x);
            }
            if !(masked && pixels) {
                show(
                    "x·w",
                    cycles(times, |time| {
                        gather(time, &mut x);
                        timed(|| add_matmul(&x, &w, &mut y))
                    }),
                );
                show(
                    "xᵀ·dy",
                    cycles(times, |time| {
                        gather(time, &mut x);
                        timed(|| matmul(&x.t(), &dy, &mut dw))
                    }),
                );
            }
            show(
                "dy·wᵀ",
                cycles(times, |_| timed(|| matmul(&dy, &w.t(), &mut dx))),
            );
        }
        println!();
    }
}
