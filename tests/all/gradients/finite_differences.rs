//! Every module, loss and network against finite differences, at many sizes and seeds.

use mlp::{
    check::{self, Settings, check_module, check_network, off_zero, random_images},
    data::one_against_rest,
    loss::{CrossEntropy, LossKind},
    nn::{Activation, Architecture, Dropout, Linear, Mlp, ReLU, kaiming_uniform},
    rng::{Purpose, generator},
};
use ndarray::{Array1, Array2, array};
use ndarray_rand::{RandomExt, rand_distr::StandardNormal};

const KINDS: [LossKind; 5] = [
    LossKind::Ce,
    LossKind::SmoothedCe(0.3),
    LossKind::MseOnehot,
    LossKind::MseDigit,
    LossKind::Bce,
];

fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        ..Settings::default()
    }
}

#[test]
fn modules_pass_at_every_size() {
    for seed in 0..5 {
        let mut rng = generator(seed, Purpose::Init);
        // One row, one column, tiles and their edges, and several panels of the summed index.
        for (n, i, o) in [(1, 1, 1), (1, 7, 3), (2, 3, 40), (17, 33, 19), (5, 300, 17)] {
            let x = Array2::random_using((n, i), StandardNormal, &mut rng);
            let w = Array2::random_using((i, o), StandardNormal, &mut rng);
            let b = Array1::random_using(o, StandardNormal, &mut rng);
            for report in check_module(&mut Linear::new(w, b), &x, &settings(seed)) {
                assert!(
                    report.passed,
                    "Linear {i} → {o}, {n} rows, seed {seed}: {report:?}"
                );
            }
            let x = off_zero((n, i), 0.01, &mut rng);
            let activations = Activation::ALL.map(Activation::module);
            let dropouts = [0.0, 0.2, 0.9].map(|p| Box::new(Dropout::new(p)) as _);
            for mut module in activations.into_iter().chain(dropouts) {
                for report in check_module(&mut *module, &x, &settings(seed)) {
                    let what = format!("{} {i}, {n} rows, seed {seed}", module.name());
                    assert!(report.passed, "{what}: {report:?}");
                }
            }
        }
    }
}

#[test]
fn losses_pass_at_every_seed() {
    for seed in 0..20 {
        for group in check::losses(&KINDS, &settings(seed)) {
            assert!(group.passed(), "seed {seed}: {group:#?}");
        }
    }
}

#[test]
fn networks_of_none_to_three_hidden_layers_pass_with_every_loss() {
    for seed in 0..3 {
        for n in [1, 8] {
            let digits = random_images(n, 49, seed);
            for hidden in [&[][..], &[20], &[16, 12], &[12, 10, 8]] {
                for kind in KINDS {
                    let mut images = digits.clone();
                    if kind.binary() {
                        one_against_rest(&mut images.targets, 5);
                    }
                    let group = check::network(hidden, kind, &images, &settings(seed));
                    assert_eq!(group.tensors.len(), 2 * (hidden.len() + 1));
                    assert!(group.passed(), "seed {seed}, {n} images: {group:#?}");
                }
            }
        }
    }
}

#[test]
fn networks_with_every_activation_and_dropout_pass() {
    for seed in 0..3 {
        let images = random_images(8, 49, seed);
        for activation in Activation::ALL {
            for dropout in [vec![], vec![0.0, 0.5], vec![0.2, 0.5, 0.4]] {
                let architecture = Architecture {
                    layers: vec![49, 16, 12, 10],
                    activation,
                    dropout,
                };
                let kind = LossKind::Ce;
                let group = check::architecture(&architecture, kind, &images, &settings(seed));
                assert_eq!(group.tensors.len(), 6);
                assert!(group.passed(), "seed {seed}, {architecture:?}: {group:#?}");
            }
        }
    }
}

#[test]
fn an_element_whose_change_crosses_a_kink_is_skipped_and_counted() {
    let x = array![[1e-7, 0.5, -0.5], [0.5, -1e-7, 0.5]];
    let reports = check_module(&mut ReLU, &x, &settings(1));
    assert_eq!((reports[0].checked, reports[0].skipped), (4, 2));
    assert!(reports[0].passed, "{reports:?}");

    // In a network: a hidden unit at exactly 0 makes every weight that feeds it cross.
    let mut rng = generator(1, Purpose::Init);
    let hidden = Linear::new(Array2::zeros((3, 1)), Array1::zeros(1));
    let network = Mlp::of_linears([hidden, kaiming_uniform(1, 10, &mut rng)]);
    let x = array![[1.0, 0.5, 0.25], [0.5, 1.0, 0.75]];
    let reports = check_network(network, &CrossEntropy, &x, &[3, 4], &settings(1));
    assert_eq!((reports[0].checked, reports[0].skipped), (0, 3));
    assert!(
        reports[0].passed && !reports[0].checkable(),
        "what cannot be compared is neither right nor wrong: {reports:?}"
    );
    assert!(
        reports[2].passed && reports[3].passed,
        "what follows the kink is fine: {reports:?}"
    );
}

#[test]
fn the_default_settings_leave_room_on_both_sides() {
    // A thousandth of an error must fail where a correct gradient passes with a margin of ten.
    let images = random_images(8, 49, 4);
    let group = check::network(&[20], LossKind::Ce, &images, &settings(4));
    let tolerance = Settings::default().tolerance;
    for report in &group.tensors {
        assert!(report.max_relative < tolerance / 10.0, "{report:?}");
    }
    let strict = Settings {
        tolerance: 1e-15,
        ..settings(4)
    };
    assert!(!check::network(&[20], LossKind::Ce, &images, &strict).passed());
}
