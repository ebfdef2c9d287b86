//! Every known mistake, planted in a running network, is caught and called by its name; on a correct
//! network none is ever named.

use mlp::{
    check::{
        Group, Settings, injected,
        mistakes::{Diagnosis, Gradients, Mistake, diagnose, right_gradients},
        random_images, random_network,
    },
    data::batch::Batch,
    loss::LossKind,
    nn::{Activation, Architecture, Mlp},
};

const PIXELS: usize = 12;
const SEEDS: [u64; 3] = [1, 2, 3];
const KINDS: [LossKind; 4] = [
    LossKind::Ce,
    LossKind::SmoothedCe(0.1),
    LossKind::MseOnehot,
    LossKind::MseDigit,
];

const MASKS: [Mistake; 4] = [
    Mistake::ReluMaskMissing,
    Mistake::SharedRelu,
    Mistake::ReluMaskOfBefore,
    Mistake::DropoutMaskMissing,
];

/// No hidden layer to three, of equal and of other widths, every activation, with dropout and without.
fn architectures(kind: LossKind) -> Vec<Architecture> {
    let outputs = if kind == LossKind::MseDigit { 1 } else { 10 };
    let hidden: [&[usize]; 5] = [&[], &[6], &[8, 8], &[9, 5], &[7, 7, 7]];
    let mut all: Vec<_> = hidden
        .into_iter()
        .map(|hidden| Architecture::relu(&[&[PIXELS], hidden, &[outputs]].concat()))
        .collect();
    for activation in [
        Activation::Tanh,
        Activation::ScaledTanh,
        Activation::Sigmoid,
    ] {
        all.push(Architecture {
            activation,
            ..Architecture::relu(&[PIXELS, 8, 8, outputs])
        });
    }
    all.push(Architecture {
        dropout: vec![0.2, 0.5, 0.5],
        ..Architecture::relu(&[PIXELS, 8, 8, outputs])
    });
    all
}

fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        ..Settings::default()
    }
}

/// Each network with each loss, batch and seed.
fn cases(mut check: impl FnMut(&dyn Fn() -> Mlp<f64>, LossKind, &Batch, &Settings, &str)) {
    for kind in KINDS {
        for architecture in architectures(kind) {
            for (n, seed) in SEEDS
                .into_iter()
                .enumerate()
                .map(|(i, seed)| ([5, 8, 16][i], seed))
            {
                let settings = settings(seed);
                let network = || random_network(&architecture, &settings);
                let images = random_images(n, PIXELS, seed);
                let what = format!("{:?}, {kind}, batch {n}, seed {seed}", architecture);
                check(&network, kind, &images, &settings, &what);
            }
        }
    }
}

fn names(group: &Group) -> Vec<Mistake> {
    match &group.diagnosis {
        Some(Diagnosis::Mistakes(findings)) => findings.iter().map(|found| found.mistake).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_planted_mistake_is_caught_and_named() {
    let mut times = Mistake::ALL.map(|mistake| (mistake, 0, 0));
    cases(|network, kind, images, settings, what| {
        for (mistake, made, alone) in &mut times {
            if !mistake.fits(&network(), kind) {
                continue;
            }
            let group = injected(network(), kind, images, settings, Some(*mistake));
            // Masks that are all on, or alike, change no number.
            if group.passed() && MASKS.contains(mistake) {
                continue;
            }
            assert!(!group.passed(), "{mistake} is not caught: {what}");
            let named = names(&group);
            assert!(
                named.contains(mistake),
                "{mistake} is taken for {:?}: {what}",
                group.diagnosis
            );
            *made += 1;
            *alone += usize::from(named.len() == 1);
        }
    });
    for (mistake, made, alone) in times {
        assert!(made >= 3, "{mistake} was made {made} times");
        assert!(
            2 * alone > made,
            "{mistake}: of {made}, only {alone} were named alone"
        );
    }
}

#[test]
fn none_is_named_on_a_correct_network() {
    cases(|network, kind, images, settings, what| {
        let group = injected(network(), kind, images, settings, None);
        assert!(
            group.passed() && group.diagnosis.is_none(),
            "{group:?}: {what}"
        );
        let noise = Some(settings.noise());
        let right = right_gradients(&network(), kind, images, noise);
        let diagnosis = diagnose(&right, &network(), kind, images, noise, 1e-6);
        assert_eq!(diagnosis, Diagnosis::Right, "{what}");
    });
}

fn two_layers() -> (Mlp<f64>, Batch) {
    let architecture = Architecture::relu(&[PIXELS, 8, 8, 10]);
    (
        random_network(&architecture, &settings(1)),
        random_images(8, PIXELS, 1),
    )
}

fn diagnosis_of(change: impl Fn(&mut Gradients)) -> Diagnosis {
    let (network, images) = two_layers();
    let mut gradients = right_gradients(&network, LossKind::Ce, &images, None);
    change(&mut gradients);
    diagnose(&gradients, &network, LossKind::Ce, &images, None, 1e-6)
}

#[test]
fn a_ratio_that_no_mistake_explains_is_told() {
    let diagnosis = diagnosis_of(|gradients| gradients[2].1 *= 3.0);
    match diagnosis {
        Diagnosis::Ratio(ratio, names) => {
            assert!(
                (ratio - 3.0).abs() < 1e-9 && names == ["2.weight"],
                "{ratio} {names:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_that_no_mistake_explains_are_not_explained() {
    let strange = |gradients: &mut Gradients| gradients[0].1[[0, 0]] += 1.0;
    assert_eq!(diagnosis_of(strange), Diagnosis::Unknown);
    let not_a_number = |gradients: &mut Gradients| gradients[0].1[[0, 0]] = f64::NAN;
    assert_eq!(diagnosis_of(not_a_number), Diagnosis::Unknown);
}

#[test]
fn a_mistake_in_one_layer_of_several_is_found_there() {
    let (network, images) = two_layers();
    let right = right_gradients(&network, LossKind::Ce, &images, None);
    let mut gradients = right.clone();
    let n = images.targets.len() as f64;
    gradients[3].1 /= n; // 2.bias
    let diagnosis = diagnose(&gradients, &network, LossKind::Ce, &images, None, 1e-6);
    match diagnosis {
        Diagnosis::Mistakes(findings) => {
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert_eq!(findings[0].mistake, Mistake::BiasAveraged);
            assert_eq!(findings[0].places, [2]);
        }
        other => panic!("{other:?}"),
    }
}
