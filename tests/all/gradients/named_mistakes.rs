//! Every known mistake, planted in a running network, is caught where it is and called by its name; on a
//! correct network none is ever named.

use mlp::{
    check::{
        Group, Settings, TensorReport, check_loss, check_module, injected,
        mistakes::{
            Gradients, Judged, Mistake, Problem, Verdict, diagnose, plant, right_gradients,
        },
        off_zero, random_images, random_network,
    },
    data::batch::Batch,
    loss::{Loss, LossKind},
    nn::{Activation, Architecture, Mlp},
    rng::{Purpose, generator},
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
    for activation in Activation::ALL {
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

/// The tensors that finite differences call wrong.
fn wrong(reports: &[TensorReport]) -> Vec<&str> {
    let wrong = reports.iter().filter(|report| !report.passed);
    wrong.map(|report| report.name.as_str()).collect()
}

/// The parameters whose gradient a mistake makes wrong, when it is made wherever it can be.
fn spoiled(mistake: Mistake, network: &Mlp<f64>) -> Vec<String> {
    let top = mistake.places(network).into_iter().max();
    let last = network.modules().len() - 1;
    let spoiled = network.params().filter(|(m, param)| match mistake {
        // The last bias gets the sum of all rows, in whatever order they are.
        Mistake::AnotherBatch => *m < last || param.name == "weight",
        _ if mistake.of_loss() => true,
        Mistake::BiasNotSummed | Mistake::BiasAveraged => param.name == "bias",
        // A wrong dx is what all modules below it get.
        _ => Some(*m) < top,
    });
    spoiled
        .map(|(m, param)| format!("{m}.{}", param.name))
        .collect()
}

/// Whether this mistake alone explains every wrong gradient, and whether it does so first.
fn named(group: &Group, mistake: Mistake) -> (bool, bool) {
    let judged = group.diagnosis.as_deref().unwrap_or_default();
    let wrong: Vec<_> = judged.iter().filter(|tensor| tensor.wrong()).collect();
    let is = |names: Vec<Mistake>| names == [mistake];
    let all = |of: &dyn Fn(&Judged) -> bool| !wrong.is_empty() && wrong.iter().all(|t| of(t));
    (
        all(&|tensor| tensor.looks_like.iter().any(|e| is(e.names()))),
        all(&|tensor| tensor.looks_like.first().is_some_and(|e| is(e.names()))),
    )
}

#[test]
fn every_planted_mistake_is_caught_and_named() {
    let plantable = Mistake::ALL.iter().filter(|mistake| mistake.plantable());
    let mut times: Vec<_> = plantable.map(|&mistake| (mistake, 0, 0)).collect();
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
            let (wrong, spoiled) = (wrong(&group.tensors), spoiled(*mistake, &network()));
            if MASKS.contains(mistake) {
                let inside = wrong.iter().all(|name| spoiled.iter().any(|s| s == name));
                assert!(inside, "{mistake}: {wrong:?}, not {spoiled:?}: {what}");
            } else {
                assert_eq!(wrong, spoiled, "{mistake}: {what}");
            }
            let (named, first) = named(&group, *mistake);
            assert!(
                named,
                "{mistake} is taken for {:?}: {what}",
                group.diagnosis
            );
            *made += 1;
            *alone += usize::from(first);
        }
    });
    for (mistake, made, alone) in times {
        assert!(made >= 3, "{mistake} was made {made} times");
        assert!(
            2 * alone > made,
            "{mistake}: of {made}, only {alone} were named first"
        );
    }
}

#[test]
fn every_planted_mistake_of_a_loss_is_caught_in_the_loss_alone() {
    cases(|network, kind, images, settings, what| {
        let outputs = network().layers().last().copied().expect("a layer");
        let shape = (images.targets.len(), outputs);
        let outputs = off_zero(shape, 0.01, &mut generator(settings.seed, Purpose::Init)) * 3.0;
        let check = |loss: &dyn Loss<f64>| {
            let reports = check_loss(loss, &outputs, &images.targets, settings);
            wrong(&reports).join(" ")
        };
        assert_eq!(check(&*kind.build()), "", "{what}");
        for &mistake in Mistake::ALL {
            if mistake.plantable() && mistake.of_loss() && mistake.fits_loss(kind) {
                let faulty = plant(mistake, &[], &mut network(), kind);
                assert_eq!(check(&*faulty), "doutputs", "{mistake}: {what}");
            }
        }
    });
}

#[test]
fn every_planted_mistake_of_a_module_is_caught_in_the_module_alone() {
    // These confuse several modules; each alone is right.
    let confusions = [Mistake::SharedRelu, Mistake::ReluMaskOfBefore];
    cases(|network, kind, images, settings, what| {
        for &mistake in Mistake::ALL {
            if !mistake.plantable()
                || mistake.of_loss()
                || !mistake.fits_loss(kind)
                || confusions.contains(&mistake)
            {
                continue;
            }
            for m in mistake.places(&network()) {
                let mut network = network();
                let inputs = match m {
                    0 => PIXELS,
                    _ => network.outputs()[m - 1],
                };
                let mut rng = generator(settings.seed, Purpose::Init);
                let x = off_zero((images.targets.len(), inputs), 0.01, &mut rng);
                let check = |network: &mut Mlp<f64>| {
                    let reports = check_module(&mut *network.modules_mut()[m], &x, settings);
                    wrong(&reports).join(" ")
                };
                assert_eq!(check(&mut network), "", "{mistake}: {what}");
                plant(mistake, &[m], &mut network, kind);
                let expected = match mistake {
                    Mistake::BiasNotSummed | Mistake::BiasAveraged => "bias",
                    _ => "dx",
                };
                assert_eq!(check(&mut network), expected, "{mistake}: {what}");
            }
        }
    });
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
        let problem = Problem::of_network(&network(), kind, images, noise);
        let judged = diagnose(&right, &problem, 1e-6);
        assert!(judged.iter().all(Judged::right), "{judged:?}: {what}");
    });
}

fn two_layers() -> (Mlp<f64>, Batch) {
    let architecture = Architecture::relu(&[PIXELS, 8, 8, 10]);
    (
        random_network(&architecture, &settings(1)),
        random_images(8, PIXELS, 1),
    )
}

fn diagnosis_of(change: impl Fn(&mut Gradients)) -> Vec<Judged> {
    let (network, images) = two_layers();
    let mut gradients = right_gradients(&network, LossKind::Ce, &images, None);
    change(&mut gradients);
    let problem = Problem::of_network(&network, LossKind::Ce, &images, None);
    let judged = diagnose(&gradients, &problem, 1e-6);
    judged.into_iter().filter(Judged::wrong).collect()
}

#[test]
fn a_ratio_that_no_mistake_explains_is_told() {
    let wrong = diagnosis_of(|gradients| gradients[2].1 *= 3.0);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].name, "2.weight");
    assert!(wrong[0].looks_like.is_empty());
    assert!((wrong[0].ratio.unwrap() - 3.0).abs() < 1e-9);
}

#[test]
fn numbers_that_no_mistake_explains_are_not_explained() {
    for strange in [1.0, f64::NAN] {
        let wrong = diagnosis_of(|gradients: &mut Gradients| gradients[0].1[[0, 0]] += strange);
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].name, "0.weight");
        assert!(wrong[0].looks_like.is_empty() && wrong[0].ratio.is_none());
        assert_eq!(wrong[0].verdict, Verdict::Wrong);
    }
}

#[test]
fn a_mistake_in_one_layer_of_several_is_found_there() {
    let wrong = diagnosis_of(|gradients| gradients[3].1 /= 8.0); // 2.bias, 8 images
    assert_eq!(wrong.len(), 1);
    let slips = |e: &mlp::check::mistakes::Explanation| (e.names(), e.slips[0].place);
    let found: Vec<_> = wrong[0].looks_like.iter().map(slips).collect();
    let expected = (vec![Mistake::BiasAveraged], Some(2));
    assert!(found.contains(&expected), "{found:?}");
}
