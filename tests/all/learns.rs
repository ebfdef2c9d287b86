//! Training learns, repeats itself to the byte, and stops when the numbers go wrong.

use std::{ops::ControlFlow, path::Path};

use mlp::{
    data::{self, Dataset, Spec, Splits, batch::Preprocessing, one_against_rest},
    linalg::team::Team,
    loss::{Loss, LossKind},
    nn::{Activation, Architecture, Init, Mlp},
    rng::{Noise, Purpose, generator},
    train::{
        Epoch, NotFinite, Observer, Settings, Step, TrainError, Trainer, metrics::evaluate,
        optim::Sgd, train,
    },
};
use ndarray::ArrayRef2;

const KINDS: [LossKind; 4] = [
    LossKind::Ce,
    LossKind::MseOnehot,
    LossKind::MseDigit,
    LossKind::Bce,
];

fn mnist() -> Splits {
    data::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data")).unwrap()
}

/// The first `n` training images of MNIST.
fn first(n: usize) -> Dataset {
    mnist().train.select(&Vec::from_iter(0..n))
}

/// The first `n` with the targets of a loss: for one of two classes, 1 for the fives and 0 for all others.
fn first_for(kind: LossKind, n: usize) -> Dataset {
    let mut data = first(n);
    if kind.binary() {
        one_against_rest(&mut data.labels, 5);
    }
    data
}

fn settings(epochs: usize, batch_size: usize, learning_rate: f32) -> Settings {
    Settings {
        epochs,
        batch_size,
        learning_rate,
        ..Settings::default()
    }
}

fn network(hidden: &[usize], loss: &dyn Loss<f32>, seed: u64) -> Mlp<f32> {
    let mut layers = vec![784];
    layers.extend(hidden);
    layers.push(loss.decoding().outputs(10));
    Mlp::kaiming(&layers, &mut generator(seed, Purpose::Init))
}

/// Every parameter, as bits.
fn bits(network: &Mlp<f32>) -> Vec<u32> {
    let params = network.params();
    params
        .flat_map(|(_, param)| param.value.iter().map(|v| v.to_bits()))
        .collect()
}

#[test]
fn one_batch_of_32_is_learned_by_heart() {
    for kind in KINDS {
        let data = first_for(kind, 32);
        let loss = kind.build::<f32>();
        let mut trainer = Trainer::new(network(&[50], &*loss, 1), &*loss, 32, Team::new(2));
        let sgd = Sgd::new(if kind == LossKind::MseDigit {
            0.02
        } else {
            0.5
        });
        let order = data::batch::in_order(32);
        let mut result = None;
        for _ in 0..3000 {
            let gather = |first: usize, x: &mut ArrayRef2<f32>| {
                Preprocessing::UNIT.gather(&data, &order[first..first + x.nrows()], x);
            };
            result = Some(trainer.step(sgd, &data.labels, gather).unwrap());
        }
        let result = result.unwrap();
        assert!(result.loss < 2e-3, "{kind}: loss {}", result.loss);
        assert_eq!(result.correct, 32, "{kind}");
    }
}

#[test]
fn before_training_cross_entropy_is_near_that_of_guessing() {
    let data = first(2_000);
    for seed in 0..5 {
        let loss = LossKind::Ce.build::<f32>();
        let network = network(&[50], &*loss, seed);
        let result = evaluate(
            &network,
            &*loss,
            &data,
            Preprocessing::UNIT,
            &mut Team::new(2),
        );
        let guessing = 10_f64.ln();
        assert!(
            (result.loss - guessing).abs() < 0.25,
            "seed {seed}: {}",
            result.loss
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_at_any_number_of_threads() {
    // 1,003 images in batches of 60: the last has 43, which no number of threads divides.
    for kind in KINDS {
        let data = first_for(kind, 1_003);
        let valid = first_for(kind, 77);
        let loss = kind.build::<f32>();
        let run = |threads: usize, seed: u64| {
            let settings = Settings {
                seed,
                ..settings(2, 60, 0.01)
            };
            let network = network(&[33, 17], &*loss, seed);
            let parts = (&data, &valid);
            bits(
                &train(
                    network,
                    &*loss,
                    parts,
                    &settings,
                    Team::new(threads),
                    &mut (),
                )
                .unwrap()
                .network,
            )
        };
        let one = run(1, 1);
        for threads in [1, 2, 3, 4, 7] {
            assert!(run(threads, 1) == one, "{kind}: {threads} threads");
        }
        assert!(run(1, 2) != one, "{kind}: another seed is another network");
    }
}

#[test]
fn what_is_dropped_follows_from_the_seed_at_any_number_of_threads() {
    let (data, valid) = (first(503), first(77));
    let loss = LossKind::SmoothedCe(0.1).build::<f32>();
    for activation in Activation::ALL {
        let run = |threads: usize, seed: u64| {
            let settings = Settings {
                seed,
                ..settings(2, 60, 0.01)
            };
            let architecture = Architecture {
                layers: vec![784, 33, 17, 10],
                activation,
                dropout: vec![0.2, 0.5, 0.5],
            };
            let network = architecture.init(Init::KaimingNormal, &mut generator(1, Purpose::Init));
            let (parts, team) = ((&data, &valid), Team::new(threads));
            let trained = train(network, &*loss, parts, &settings, team, &mut ());
            bits(&trained.unwrap().network)
        };
        let one = run(1, 1);
        for threads in [2, 3, 4, 7] {
            assert!(run(threads, 1) == one, "{activation:?}: {threads} threads");
        }
        assert!(
            run(1, 2) != one,
            "{activation:?}: another seed, another order and mask"
        );
    }
}

#[test]
fn dropout_drops_its_share_anew_in_every_step_and_row_and_nothing_afterwards() {
    let architecture = Architecture {
        layers: vec![784, 500, 10],
        activation: Activation::Sigmoid, // never 0 itself
        dropout: vec![0.0, 0.3],
    };
    let network = architecture.init(Init::Zeros, &mut generator(1, Purpose::Init));
    let loss = LossKind::Ce.build::<f32>();
    let mut trainer = Trainer::new(network, &*loss, 100, Team::new(2));
    let mut masks = Vec::new();
    for step in [1, 2] {
        trainer.tape.noise = Some(Noise::new(1, 1, step));
        trainer.gradients(&[0; 100], |_, _| {});
        let y = trainer.tape.y(2, 100);
        let kept = y.iter().filter(|&&y| y != 0.0).count();
        assert!((33_500..36_500).contains(&kept), "{kept} of 50,000");
        assert!(y.iter().all(|&y| y == 0.0 || (y - 0.5 / 0.7).abs() < 1e-6));
        masks.extend(y.rows().into_iter().map(|row| row.to_owned()));
    }
    for (a, first) in masks.iter().enumerate() {
        assert!(
            masks[..a].iter().all(|other| other != first),
            "mask {a} twice"
        );
    }
    let data = first(100);
    let measure = |network: &Mlp<f32>| {
        evaluate(
            network,
            &*loss,
            &data,
            Preprocessing::UNIT,
            &mut Team::new(2),
        )
        .loss
    };
    let plain = Architecture {
        dropout: vec![],
        ..architecture
    };
    let plain = plain.init(Init::Zeros, &mut generator(1, Purpose::Init));
    assert_eq!(measure(&trainer.network), measure(&plain));
}

#[test]
fn weights_that_are_all_zero_stay_zero_behind_relu() {
    let data = first(200);
    let loss = LossKind::Ce.build::<f32>();
    let network = Architecture::relu(&[784, 20, 10]);
    let network = network.init(Init::Zeros, &mut generator(1, Purpose::Init));
    let (parts, settings) = ((&data, &data), settings(2, 10, 0.5));
    let trained = train(network, &*loss, parts, &settings, Team::new(1), &mut ());
    let network = trained.unwrap().network;
    let learned = |module: usize, param: usize| {
        let param = &network.param(module, param);
        param.value.iter().any(|&v| v != 0.0)
    };
    let learned = [(0, 0), (0, 1), (2, 0), (2, 1)].map(|(module, param)| learned(module, param));
    assert_eq!(learned, [false, false, false, true], "the last bias alone");
}

/// Keeps what it is told.
#[derive(Default)]
struct Keep {
    steps: usize,
    stop_after: Option<usize>,
    epochs: Vec<Epoch>,
}

impl Observer for Keep {
    fn step(&mut self, step: &Step) -> ControlFlow<()> {
        assert!(step.loss.is_finite());
        self.steps += 1;
        match self.stop_after {
            Some(stop_after) if self.steps >= stop_after => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
    fn epoch(&mut self, epoch: &Epoch) {
        self.epochs.push(epoch.clone());
    }
}

#[test]
fn one_epoch_of_real_mnist_passes_90_percent_on_validation() {
    let (data, valid) = mnist().train.split_last(10_000).unwrap();
    let loss = LossKind::Ce.build::<f32>();
    let mut keep = Keep::default();
    let settings = settings(1, 50, 0.5);
    train(
        network(&[50], &*loss, 1),
        &*loss,
        (&data, &valid),
        &settings,
        Team::new(2),
        &mut keep,
    )
    .unwrap();
    assert_eq!(keep.steps, 1000);
    let epoch = &keep.epochs[0];
    let valid = epoch.valid.as_ref().unwrap();
    assert_eq!(valid.images(), 10_000);
    assert!(valid.accuracy() > 0.90, "{}", valid.accuracy());
    assert!(
        epoch.train_accuracy > 0.80 && epoch.train_loss < 0.6,
        "{epoch:?}"
    );
}

#[test]
fn the_last_batch_is_used_and_weighs_by_its_images() {
    // A learning rate of zero: every image is measured by the first weights, so the mean over
    // batches of any size must be the mean over images.
    let data = first(101);
    let loss = LossKind::Ce.build::<f32>();
    let losses: Vec<_> = [1, 10, 64, 101, 1000]
        .into_iter()
        .map(|batch_size| {
            let mut keep = Keep::default();
            let settings = settings(1, batch_size, 0.0);
            let none = Dataset::empty(Spec::default());
            let network = network(&[20], &*loss, 1);
            train(
                network,
                &*loss,
                (&data, &none),
                &settings,
                Team::new(1),
                &mut keep,
            )
            .unwrap();
            assert_eq!(keep.steps, 101_usize.div_ceil(batch_size));
            assert!(keep.epochs[0].valid.is_none());
            keep.epochs[0].train_loss
        })
        .collect();
    for loss in &losses {
        assert!((loss - losses[0]).abs() < 1e-6, "{losses:?}");
    }
}

#[test]
fn steps_too_long_end_training_and_name_epoch_step_and_place() {
    for kind in KINDS {
        let data = first_for(kind, 500);
        let loss = kind.build::<f32>();
        let network = network(&[30], &*loss, 1);
        let result = train(
            network,
            &*loss,
            (&data, &data),
            &settings(5, 50, 1e30),
            Team::new(2),
            &mut (),
        );
        let error = result.map(|_| ()).unwrap_err();
        assert!(
            matches!(error, TrainError::NotFinite { epoch: 1, .. }),
            "{kind}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("epoch 1, step ") && text.contains("the steps are too long"),
            "{kind}: {text}"
        );
    }
}

#[test]
fn a_weight_that_turns_infinite_is_seen_in_the_same_step_even_behind_a_dead_unit() {
    let data = first(10);
    let loss = LossKind::Ce.build::<f32>();
    let mut network = network(&[4], &*loss, 1);
    // A bias of −∞ kills its unit: no output and no later gradient would ever tell.
    network.param_mut(0, 1).value[[0, 2]] = f32::NEG_INFINITY;
    let result = train(
        network,
        &*loss,
        (&data, &data),
        &settings(1, 10, 0.1),
        Team::new(1),
        &mut (),
    );
    match result.map(|_| ()).unwrap_err() {
        TrainError::NotFinite {
            epoch: 1,
            step: 1,
            not_finite: NotFinite::Param(name),
            ..
        } => {
            assert_eq!(name, "0.bias");
        }
        error => panic!("{error}"),
    }
}

#[test]
fn an_observer_can_stop_after_any_step_and_gets_the_network_of_that_step() {
    let data = first(100);
    let loss = LossKind::Ce.build::<f32>();
    let run = |epochs: usize, stop_after: Option<usize>| {
        let mut keep = Keep {
            stop_after,
            ..Keep::default()
        };
        train(
            network(&[4], &*loss, 1),
            &*loss,
            (&data, &data),
            &settings(epochs, 10, 0.1),
            Team::new(2),
            &mut keep,
        )
        .unwrap()
    };
    assert_eq!(run(3, Some(13)).stopped, Some((2, 3)));
    // Stopped at the end of the first epoch, it is what one epoch makes; a step later no longer.
    let (whole, stopped) = (run(1, None), run(3, Some(10)));
    assert_eq!((whole.stopped, stopped.stopped), (None, Some((1, 10))));
    assert!(bits(&whole.network) == bits(&stopped.network));
    assert!(bits(&whole.network) != bits(&run(3, Some(11)).network));
}
