//! A step of training allocates nothing: all room is taken before the first one.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use mlp::{
    data::{
        Dataset, Spec,
        augment::{Augmenter, Preset},
        batch::{Preprocessing, in_order},
        one_against_rest,
    },
    linalg::team::Team,
    loss::LossKind,
    nn::{Activation, Architecture},
    rng::{Purpose, generator},
    train::{
        Trainer,
        optim::{Extras, Moments, Optimizer},
    },
};
use ndarray::{Array2, ArrayRef2};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The only test in this file: others running beside it would be counted too.
#[test]
fn a_step_allocates_nothing_with_any_loss_at_any_number_of_threads() {
    let images = Array2::from_shape_fn((64, 784), |(n, p)| (n * p % 256) as u8);
    let labels = (0..64).map(|n| n % 10).collect();
    let data = Dataset::new(images, labels, Spec::default());
    let order = in_order(64);
    let preset = Preset::Ciresan2010.augmentation();
    let augmenter = Augmenter::new(preset, (28, 28), 1).unwrap();
    for (kind, activation, dropout) in [
        (LossKind::Ce, Activation::Relu, vec![]),
        (
            LossKind::SmoothedCe(0.1),
            Activation::ScaledTanh,
            vec![0.2, 0.5, 0.5],
        ),
        (LossKind::MseOnehot, Activation::Tanh, vec![0.0, 0.5]),
        (LossKind::MseDigit, Activation::Sigmoid, vec![0.2]),
        (LossKind::Bce, Activation::Relu, vec![]),
    ] {
        let mut data = data.clone();
        if kind.binary() {
            one_against_rest(&mut data.labels, 5);
        }
        for threads in [1, 2, 3] {
            let loss = kind.build::<f32>();
            let architecture = Architecture {
                layers: vec![784, 50, 20, loss.decoding().outputs(10)],
                activation,
                dropout: dropout.clone(),
            };
            let network =
                architecture.init(activation.about().init, &mut generator(1, Purpose::Init));
            let mut trainer = Trainer::new(network, &*loss, 64, Team::new(threads));
            trainer.network.start_moments();
            let sgd = Optimizer::Sgd.at(1e-3, Extras::default(), 1);
            let clipped = Extras {
                clip_norm: Some(1.0),
                ..Extras::default()
            };
            let adam = Optimizer::AdamW(Moments::default()).at(1e-3, clipped, 1);
            let upright = Preprocessing {
                deslant: true,
                ..Preprocessing::UNIT
            };
            // Every thread takes its scratch when it first works; which one works is not certain.
            let mut fewest = usize::MAX;
            for _ in 0..200 {
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                for n in [64, 17] {
                    let gather = |first: usize, x: &mut ArrayRef2<f32>| {
                        Preprocessing::UNIT.gather(&data, &order[first..first + x.nrows()], x);
                    };
                    trainer.step(sgd, &data.labels[..n], gather).unwrap();
                    let distort = |first: usize, x: &mut ArrayRef2<f32>| {
                        let order = &order[first..first + x.nrows()];
                        augmenter.gather(&data, upright, 1, order, x);
                    };
                    trainer.step(adam, &data.labels[..n], distort).unwrap();
                }
                fewest = fewest.min(ALLOCATIONS.load(Ordering::Relaxed) - before);
            }
            assert_eq!(fewest, 0, "{kind} on {threads} threads");
        }
    }
    assert!(
        ALLOCATIONS.load(Ordering::Relaxed) > 0,
        "the counter counts"
    );
}
