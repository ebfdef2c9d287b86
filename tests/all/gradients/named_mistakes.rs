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
    nn::{Activation, Architecture, Kind, Mlp},
    rng::{Purpose, generator},
};

const PIXELS: usize = 12;
const SEEDS: [u64; 3] = [1, 2, 3];
const KINDS: [LossKind; 5] = [
    LossKind::Ce,
    LossKind::SmoothedCe(0.1),
    LossKind::MseOnehot,
    LossKind::MseDigit,
    LossKind::Bce,
];

/// Masks that are all on, or alike, change no number.
const MASKS: [Mistake; 6] = [
    Mistake::ReluMaskMissing,
    Mistake::ReluMaskAtZero,
    Mistake::SharedRelu,
    Mistake::ReluMaskOfBefore,
    Mistake::ReluMaskOfAnother,
    Mistake::DropoutMaskMissing,
];

/// The first of each gives the same numbers as the second, which may be named before it.
const TWINS: [(Mistake, Mistake); 2] = [
    (Mistake::ReluMaskAtZero, Mistake::ReluMaskMissing),
    (Mistake::BiasAveraged, Mistake::MeanTwice),
];

/// So few numbers follow from any learning rate.
const FEW: usize = 6;

/// No hidden layer to three, of equal and of other widths, every activation, with dropout and without.
fn architectures(kind: LossKind) -> Vec<Architecture> {
    let outputs = kind.outputs(10);
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
                let mut images = random_images(n, PIXELS, seed);
                // Two classes, of which every batch has both.
                if kind.binary() {
                    images
                        .targets
                        .iter_mut()
                        .for_each(|t| *t = u8::from(*t >= 5));
                }
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
    let places = mistake.places(network);
    let top = places.iter().copied().max();
    let last = network.modules().len() - 1;
    let identity = Kind::Activation(Activation::Identity);
    let linear = network
        .modules()
        .iter()
        .all(|m| [Kind::Linear, identity].contains(&m.kind()));
    let spoiled = network.params().filter(|(m, param)| match mistake {
        // The last bias gets the sum of all rows, in whatever order they are; without slopes every bias does.
        Mistake::AnotherBatch | Mistake::LabelsShifted | Mistake::BroadcastNByN => {
            (*m < last && !linear) || param.name == "weight"
        }
        _ if mistake.of_loss() => true,
        Mistake::GradientZero => true,
        _ if mistake.of_tensor() => {
            places.contains(m) && param.name == tensor_of(mistake).expect("a weight or a bias")
        }
        // A wrong dx is what all modules below it get.
        _ => Some(*m) < top,
    });
    spoiled
        .map(|(m, param)| format!("{m}.{}", param.name))
        .collect()
}

/// The parameter whose own line a mistake is made in.
fn tensor_of(mistake: Mistake) -> Option<&'static str> {
    use Mistake::*;
    match mistake {
        WeightNotSummed | BeforeActivationInDw | AnotherInputInDw => Some("weight"),
        BiasNotSummed | BiasAveraged | BiasScalar => Some("bias"),
        _ => None,
    }
}

/// Whether this mistake alone explains every wrong gradient, and whether it (or its twin) does so first.
fn named(group: &Group, mistake: Mistake) -> (bool, bool) {
    let judged = group.diagnosis.as_deref().unwrap_or_default();
    let wrong = judged.iter().filter(|tensor| tensor.wrong());
    let wrong: Vec<_> = wrong
        .filter(|tensor| mistake != Mistake::WeightUpdated || elements(group, tensor) >= FEW)
        .collect();
    let is = |names: Vec<Mistake>| names == [mistake];
    let twin = |names: Vec<Mistake>| {
        let mut twins = TWINS.iter();
        twins.any(|&(known, twin)| known == mistake && names == [twin])
    };
    let all = |of: &dyn Fn(&Judged) -> bool| !wrong.is_empty() && wrong.iter().all(|t| of(t));
    (
        all(&|tensor| tensor.looks_like.iter().any(|e| is(e.names()))),
        all(&|tensor| {
            let first = tensor.looks_like.first();
            first.is_some_and(|e| is(e.names()) || twin(e.names()))
        }),
    )
}

/// The number of elements of a tensor.
fn elements(group: &Group, judged: &Judged) -> usize {
    let mut tensors = group.tensors.iter();
    let tensor = tensors.find(|tensor| tensor.name == judged.name);
    tensor.map_or(0, |tensor| tensor.shape.0 * tensor.shape.1)
}

#[test]
fn every_planted_mistake_is_caught_and_named() {
    let plantable = Mistake::ALL.iter().filter(|mistake| mistake.plantable());
    let mut times: Vec<_> = plantable.map(|&mistake| (mistake, 0, 0)).collect();
    let mut problems = Vec::new();
    cases(|network, kind, images, settings, what| {
        for (mistake, made, alone) in &mut times {
            if !mistake.fits(&network(), kind) {
                continue;
            }
            let group = injected(network(), kind, images, settings, Some(*mistake));
            if group.passed() && MASKS.contains(mistake) {
                continue;
            }
            let (wrong, spoiled) = (wrong(&group.tensors), spoiled(*mistake, &network()));
            let as_expected = match MASKS.contains(mistake) {
                true => wrong.iter().all(|name| spoiled.iter().any(|s| s == name)),
                false => wrong == spoiled,
            };
            if group.passed() || !as_expected {
                problems.push(format!("{mistake}: {wrong:?}, not {spoiled:?}: {what}"));
            }
            let (named, first) = named(&group, *mistake);
            if !named {
                let taken = group.diagnosis.iter().flatten().filter(|t| t.wrong());
                let taken = taken.map(|t| (&t.name, t.looks_like.first().map(|e| e.names())));
                let taken: Vec<_> = taken.collect();
                problems.push(format!("{mistake} is taken for {taken:?}: {what}"));
            }
            *made += 1;
            *alone += usize::from(first);
        }
    });
    for (mistake, made, alone) in times {
        if made < 3 || 2 * alone <= made {
            problems.push(format!(
                "{mistake} was made {made} times, and named first {alone} times"
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
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
    let confusions = [
        Mistake::SharedRelu,
        Mistake::ReluMaskOfBefore,
        Mistake::ReluMaskOfAnother,
        Mistake::BeforeActivationInDw,
        Mistake::AnotherInputInDw,
    ];
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
                    Mistake::GradientZero => "weight bias",
                    _ => tensor_of(mistake).unwrap_or("dx"),
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
        let expected = if strange.is_nan() {
            Verdict::NotFinite
        } else {
            Verdict::Wrong
        };
        assert_eq!(wrong[0].verdict, expected);
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
