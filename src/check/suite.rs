//! What `mlp gradcheck` checks: modules, losses and networks.

use ndarray::Array2;
use ndarray_rand::{
    RandomExt,
    rand::Rng,
    rand_distr::{StandardNormal, Uniform},
};

use super::finite_differences::{
    Settings, TensorReport, check_gradients, check_loss, check_module, off_zero,
};
use crate::{
    check::mistakes::{self, Gradients, Judged, Mistake, Problem},
    data::{CLASSES, batch::Batch},
    loss::LossKind,
    nn::{Activation, Architecture, Dropout, Kind, Linear, Mlp, Module},
    rng::{Purpose, generator},
};

/// One section of a report.
#[derive(Clone, Debug)]
pub struct Group {
    /// What was checked, such as `Linear 7 → 5`.
    pub title: String,
    /// Each of its gradients.
    pub tensors: Vec<TensorReport>,
    /// What the gradients of a network look like, if one is wrong.
    pub diagnosis: Option<Vec<Judged>>,
}

impl Group {
    /// Whether every gradient passed.
    pub fn passed(&self) -> bool {
        self.tensors.iter().all(|tensor| tensor.passed)
    }
}

/// Images of random pixels, four out of five black as in MNIST, for when MNIST is not at hand.
pub fn random_images(n: usize, pixels: usize, seed: u64) -> Batch {
    let mut rng = generator(seed, Purpose::Check);
    let x = Array2::from_shape_simple_fn((n, pixels), || {
        if rng.random_bool(0.8) {
            0.0
        } else {
            f64::from(rng.random::<u8>()) / 255.0
        }
    });
    // With random numbers of their own: fewer images are the first of more.
    let mut rng = generator(seed.wrapping_add(1 << 32), Purpose::Check);
    Batch {
        x,
        targets: random_targets(n, CLASSES as u8, &mut rng),
    }
}

fn random_targets(n: usize, classes: u8, rng: &mut impl Rng) -> Vec<u8> {
    (0..n).map(|_| rng.random_range(0..classes)).collect()
}

/// Checks every module on its own, with a random gradient from above.
pub fn modules(settings: &Settings) -> Vec<Group> {
    let mut rng = generator(settings.seed, Purpose::Init);
    let (n, i, o) = (6, 7, 5);
    let mut normal = |shape| Array2::random_using(shape, StandardNormal, &mut rng);
    let w = normal((i, o));
    let b = normal((1, o)).remove_axis(ndarray::Axis(0));
    let x = normal((n, i));
    let mut linear = Linear::new(w, b);
    let off_kink = off_zero((n, i), 0.01, &mut rng);
    let check = |module: &mut dyn Module<f64>, x: &Array2<f64>| Group {
        title: format!(
            "{} {} → {}",
            module.name(),
            x.ncols(),
            module.outputs(x.ncols())
        ),
        tensors: check_module(module, x, settings),
        diagnosis: None,
    };
    let mut groups = vec![check(&mut linear, &x)];
    for activation in Activation::ALL {
        groups.push(check(&mut *activation.module(), &off_kink));
    }
    groups.push(check(&mut Dropout::new(0.5), &x));
    groups
}

/// Checks every loss of `kinds` on its own.
pub fn losses(kinds: &[LossKind], settings: &Settings) -> Vec<Group> {
    let mut rng = generator(settings.seed, Purpose::Init);
    let check = |&kind: &LossKind| {
        let loss = kind.build::<f64>();
        let shape = (6, kind.outputs(CLASSES));
        let outputs = Array2::random_using(shape, StandardNormal, &mut rng) * 2.0;
        let classes = if kind.binary() { 2 } else { CLASSES as u8 };
        let targets = random_targets(shape.0, classes, &mut rng);
        let tensors = check_loss(&*loss, &outputs, &targets, settings);
        Group {
            title: format!("loss: {kind}, {} → 1", shape.1),
            tensors,
            diagnosis: None,
        }
    };
    kinds.iter().map(check).collect()
}

/// Checks a network with ReLU, random weights and biases, and hidden layers of these widths. The targets of the
/// images are those of the loss: 0 and 1 for one of two classes.
pub fn network(hidden: &[usize], kind: LossKind, images: &Batch, settings: &Settings) -> Group {
    let outputs = kind.outputs(CLASSES);
    let layers = [&[images.x.ncols()], hidden, &[outputs]].concat();
    architecture(&Architecture::relu(&layers), kind, images, settings)
}

/// Checks a network with random weights and biases.
pub fn architecture(
    architecture: &Architecture,
    kind: LossKind,
    images: &Batch,
    settings: &Settings,
) -> Group {
    model(
        random_network(architecture, settings),
        kind,
        images,
        settings,
    )
}

/// A network with random weights and biases.
pub fn random_network(architecture: &Architecture, settings: &Settings) -> Mlp<f64> {
    let mut rng = generator(settings.seed, Purpose::Init);
    let mut network = architecture.init(architecture.activation.about().init, &mut rng);
    // Biases start at zero, where a check would not notice one that is left out.
    let params = network.params_mut().map(|(_, param)| param);
    for bias in params.filter(|param| param.name == "bias") {
        let uniform = Uniform::new(-0.5, 0.5).expect("a range");
        bias.value = Array2::random_using(bias.value.dim(), uniform, &mut rng);
    }
    network
}

/// Checks a network as it is.
pub fn model(network: Mlp<f64>, kind: LossKind, images: &Batch, settings: &Settings) -> Group {
    injected(network, kind, images, settings, None)
}

/// Checks a network with a mistake planted wherever it can be made. Panics if it cannot be made, see
/// [`Mistake::fits`].
pub fn injected(
    mut network: Mlp<f64>,
    kind: LossKind,
    images: &Batch,
    settings: &Settings,
    mistake: Option<Mistake>,
) -> Group {
    let layers: Vec<_> = network.layers().iter().map(ToString::to_string).collect();
    let mut title = format!("network {}", layers.join("-"));
    for kind in network.modules().iter().map(|module| module.kind()) {
        let usual = [Kind::Linear, Kind::Activation(Activation::Relu)].contains(&kind);
        if !usual && !title.contains(kind.name()) {
            title += ", ";
            title += kind.name();
        }
    }
    title += &format!(", {kind}");
    let (loss, threads) = match mistake {
        None => (kind.build(), 2),
        Some(mistake) => {
            title += &format!(", with {mistake}");
            let places = mistake.places(&network);
            (mistakes::plant(mistake, &places, &mut network, kind), 1)
        }
    };
    let batch = (&images.x, &images.targets[..]);
    let (tensors, network) = check_gradients(network, &*loss, batch, settings, threads);
    let wrong = tensors.iter().any(|tensor| !tensor.passed);
    let diagnosis = wrong.then(|| {
        let noise = Some(settings.noise());
        let found = gradients(&network);
        let problem = Problem::of_network(&network, kind, images, noise);
        mistakes::diagnose(&found, &problem, settings.tolerance)
    });
    Group {
        title,
        tensors,
        diagnosis,
    }
}

/// The gradients stored in a network.
fn gradients(network: &Mlp<f64>) -> Gradients {
    network
        .params()
        .map(|(m, param)| (format!("{m}.{}", param.name), param.grad.clone()))
        .collect()
}
