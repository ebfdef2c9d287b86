//! Networks, images, and slips that somebody may make with them.

use mlp::{check::mistakes::Mistake, nn::Activation};

use ndarray_rand::{
    rand::{Rng, SeedableRng, seq::IndexedRandom},
    rand_distr::{Distribution, StandardNormal},
};
use rand_chacha::ChaCha8Rng;

use super::passes::{Images, Linear, Loss, Network, Pass, Slip, masks};

/// What is special about a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Fresh, or trained for a few steps.
    Ordinary,
    /// Trained until its loss is at most 1e-4.
    Sure,
    /// Some units are off for every image.
    Dead,
    /// Weights ten times as large.
    Large,
}

/// A network, what it is fed, and its loss.
pub struct Scene {
    /// Its numbers fit in a float32.
    pub network: Network<f64>,
    pub images: Images,
    pub next: Images,
    pub loss: Loss,
    pub state: State,
    /// The loss, in figures.
    pub value: f64,
}

const BATCHES: [usize; 8] = [1, 2, 3, 5, 8, 16, 32, 64];
const LOSSES: [Loss; 3] = [Loss::Ce, Loss::MseOnehot, Loss::MseDigit];

pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A fresh network and images; `suits` says whether one can do something with it.
pub fn scene(rng: &mut ChaCha8Rng, state: State, suits: impl Fn(&Scene) -> bool) -> Scene {
    loop {
        let mut scene = fresh(rng, state);
        if suits(&scene) && train(&mut scene, rng) {
            return scene;
        }
    }
}

fn fresh(rng: &mut ChaCha8Rng, state: State) -> Scene {
    let loss = *LOSSES.choose(rng).unwrap();
    // With y = x many mistakes are none.
    let bends = |activation: &&Activation| **activation != Activation::Identity;
    let activations: Vec<_> = Activation::ALL.iter().filter(bends).collect();
    let activation = **activations.choose(rng).unwrap();
    let small = if state == State::Sure { 5 } else { 8 };
    let n = BATCHES[rng.random_range(0..small)];
    let hidden = match state {
        State::Dead => rng.random_range(1..4),
        _ => rng.random_range(0..4),
    };
    let mut inputs = rng.random_range(12..41);
    let mut widths: Vec<usize> = (0..hidden).map(|_| rng.random_range(3..13)).collect();
    if rng.random_bool(0.5) {
        let width = match rng.random_range(0..4) {
            0 => 10,
            1 => 12,
            _ => rng.random_range(3..13),
        };
        widths.fill(width);
        if rng.random_bool(0.5) {
            inputs = 12;
        }
    }
    widths.insert(0, inputs);
    widths.push(loss.outputs());
    let layers = widths.windows(2).map(|pair| linear(rng, pair[0], pair[1]));
    let network = Network {
        layers: layers.collect(),
        activation,
    };
    Scene {
        network,
        images: images(rng, n, inputs),
        next: images(rng, n, inputs),
        loss,
        state,
        value: 0.0,
    }
}

fn linear(rng: &mut ChaCha8Rng, inputs: usize, outputs: usize) -> Linear<f64> {
    let std = (2.0 / inputs as f64).sqrt();
    let bound = 1.0 / (inputs as f64).sqrt();
    let mut normal = || -> f64 { StandardNormal.sample(rng) };
    let w = (0..inputs).map(|_| (0..outputs).map(|_| std * normal()).collect());
    let w = w.collect();
    let b = (0..outputs).map(|_| rng.random_range(-bound..bound));
    Linear { w, b: b.collect() }
}

fn images(rng: &mut ChaCha8Rng, n: usize, pixels: usize) -> Images {
    let mut pixel = || match rng.random_bool(0.8) {
        true => 0,
        false => rng.random(),
    };
    let pixels = (0..n).map(|_| (0..pixels).map(|_| pixel()).collect());
    Images {
        pixels: pixels.collect(),
        digits: (0..n).map(|_| rng.random_range(0..10)).collect(),
    }
}

fn pass<'a>(scene: &'a Scene, network: &'a Network<f64>) -> Pass<'a, f64> {
    Pass {
        network,
        images: &scene.images,
        next: &scene.next,
        loss: scene.loss,
        slips: &[],
        rounded_input: false,
    }
}

/// Brings a network into its state; whether that worked.
fn train(scene: &mut Scene, rng: &mut ChaCha8Rng) -> bool {
    let mut worked = true;
    match scene.state {
        State::Ordinary => {
            let steps = rng.random_range(0..12);
            adam(scene, steps, 0.0);
        }
        State::Sure => worked = make_sure(scene, rng),
        State::Dead => {
            adam(scene, 3, 0.0);
            let hidden = scene.network.layers.len() - 1;
            for layer in &mut scene.network.layers[..hidden] {
                let dead = rng.random_range(1..=layer.b.len().div_ceil(2));
                for _ in 0..dead {
                    let o = rng.random_range(0..layer.b.len());
                    layer.b[o] = -10.0;
                }
            }
        }
        State::Large => {
            for layer in &mut scene.network.layers {
                layer.w.iter_mut().flatten().for_each(|w| *w *= 10.0);
            }
        }
    }
    scene.network = scene.network.cast::<f32>().cast();
    scene.value = pass(scene, &scene.network).loss();
    worked && (scene.state != State::Sure || scene.value <= 1e-4)
}

fn make_sure(scene: &mut Scene, rng: &mut ChaCha8Rng) -> bool {
    let goal = 10f64.powf(rng.random_range(-7.0..-4.0));
    if scene.loss != Loss::Ce {
        adam(scene, 1500, goal);
        return true;
    }
    adam(scene, 150, goal);
    // Once every image is right, larger outputs are surer ones.
    for _ in 0..60 {
        let value = pass(scene, &scene.network).loss();
        if value <= goal {
            return true;
        }
        let last = scene.network.layers.last_mut().unwrap();
        last.w.iter_mut().flatten().for_each(|w| *w *= 1.1);
        last.b.iter_mut().for_each(|b| *b *= 1.1);
    }
    false
}

/// Steps of Adam, until the loss is as low as that.
fn adam(scene: &mut Scene, steps: usize, goal: f64) {
    let mut network = scene.network.clone();
    let mut moments: Vec<[f64; 2]> = Vec::new();
    for step in 1..=steps {
        let now = pass(scene, &network);
        if step % 50 == 0 && now.loss() <= goal {
            break;
        }
        let gradients = now.gradients();
        let rate = 0.03 / (1.0 + step as f64 / 200.0);
        let (b1, b2) = (
            1.0 - 0.9f64.powi(step as i32),
            1.0 - 0.99f64.powi(step as i32),
        );
        let mut k = 0;
        let mut update = |w: &mut f64, dw: f64| {
            if k == moments.len() {
                moments.push([0.0; 2]);
            }
            let [m, v] = &mut moments[k];
            *m = 0.9 * *m + 0.1 * dw;
            *v = 0.99 * *v + 0.01 * dw * dw;
            *w -= rate * (*m / b1) / ((*v / b2).sqrt() + 1e-9);
            k += 1;
        };
        for (layer, gradient) in network.layers.iter_mut().zip(&gradients) {
            let dw = gradient.dw.iter().flatten();
            layer
                .w
                .iter_mut()
                .flatten()
                .zip(dw)
                .for_each(|(w, &dw)| update(w, dw));
            layer
                .b
                .iter_mut()
                .zip(&gradient.db)
                .for_each(|(b, &db)| update(b, db));
        }
    }
    scene.network = network;
}

/// Every way to make a mistake with this network, in lines that all share.
pub fn instances(mistake: Mistake, scene: &Scene) -> Vec<Slip> {
    use Mistake::*;
    let (network, loss) = (&scene.network, scene.loss);
    let modules = network.modules();
    let ce = loss == Loss::Ce;
    let masks = masks(network.activation);
    let of_y = matches!(
        network.activation,
        Activation::Tanh | Activation::ScaledTanh | Activation::Sigmoid
    );
    let linears: Vec<usize> = (0..modules).step_by(2).collect();
    let activations: Vec<usize> = (1..modules).step_by(2).collect();
    let last = activations.last().copied().unwrap_or(0);
    let width = |m: usize| network.inputs(m);
    let outputs = |m: usize| network.layers[m / 2].b.len();
    let upper = &linears[1..];
    let slip = |place: Option<usize>, variant: usize| Slip {
        mistake,
        place,
        variant,
        number: 0.0,
        alone: None,
    };
    // Without a place; so many variants.
    let free = |fits: bool, variants: usize| {
        let variants = 0..if fits { variants } else { 0 };
        variants.map(|v| slip(None, v)).collect::<Vec<_>>()
    };
    // In one of these modules, or in all.
    let placed = |places: &[usize], variants: usize| {
        let everywhere = if places.len() > 1 { Some(None) } else { None };
        let places = places.iter().map(|&m| Some(m)).chain(everywhere);
        let all = places.flat_map(|place| (0..variants).map(move |v| slip(place, v)));
        all.collect::<Vec<_>>()
    };
    let these = |fits: bool, places: &[usize]| match fits {
        true => placed(places, 1),
        false => Vec::new(),
    };
    let onehot = loss == Loss::MseOnehot;
    match mistake {
        Sign => free(true, 1),
        MeanMissing | MeanTwice => free(true, if onehot { 2 } else { 1 }),
        MeanOverClasses | LogsumexpNotByRows | SoftmaxOverBatch | TargetNotSubtracted
        | OneOverP => free(ce, 1),
        TwoMissing | ResForDiff => free(!ce, 1),
        MeanOverOthers => free(loss != Loss::MseDigit, 1),
        SoftmaxTwice | SoftmaxSlopeBesides => free(ce, 2),
        // These passes have no loss with a sigmoid.
        SigmoidSlopeBesides => Vec::new(),
        BroadcastNByN => free(loss == Loss::MseDigit, 2),
        TargetEncoding => free(true, 1),
        LabelsShifted | NotZeroed | OtherImages => free(true, 2),
        AnotherBatch => free(true, 3),
        PixelsTo255 => free(true, 1),
        BiasTwice | BiasForgotten => these(true, &linears),
        ActivationForgotten => activations.iter().map(|&m| slip(Some(m), 0)).collect(),
        ActivationAtEnd => free(modules > 1, 1),
        WeightUpdated => these(true, upper),
        WeightDecay => free(true, 2),
        ReluMaskMissing | ReluMaskInverted | ReluMaskOfGradient => these(masks, &activations),
        ReluMaskAtZero => these(network.activation == Activation::Relu, &activations),
        SharedRelu => {
            let before = activations.iter().copied().filter(|&m| m != last);
            let fits: Vec<usize> = before.filter(|&m| width(m) == width(last)).collect();
            let all = fits.len() + 1 == activations.len();
            let slips = these(masks, &fits).into_iter();
            slips.filter(|slip| all || slip.place.is_some()).collect()
        }
        ReluMaskOfBefore => {
            let after = activations.iter().copied().filter(|&m| m > 1);
            let fits: Vec<usize> = after.filter(|&m| width(m) == width(m - 2)).collect();
            let all = fits.len() + 1 == activations.len();
            let slips = these(masks, &fits).into_iter();
            slips.filter(|slip| all || slip.place.is_some()).collect()
        }
        ReluMaskOfAnother => {
            let pairs = activations.iter().flat_map(|&m| {
                let others = activations.iter().copied();
                others.filter_map(move |other| {
                    let neither = other != m && other + 2 != m && other != last;
                    (neither && masks && width(m) == width(other)).then_some((m, other))
                })
            });
            pairs.map(|(m, other)| slip(Some(m), other)).collect()
        }
        UpstreamIgnored => these(true, &activations),
        SlopeFromX => these(of_y, &activations),
        SlopeAtOutput | SlopeMissing => these(!masks, &activations),
        DropoutMaskMissing => Vec::new(),
        WeightNotTransposed => {
            let square = upper.iter().copied().filter(|&m| width(m) == outputs(m));
            let square: Vec<usize> = square.collect();
            let all = square.len() == upper.len();
            let slips = placed(&square, 1).into_iter();
            slips.filter(|slip| all || slip.place.is_some()).collect()
        }
        WeightReshaped | GradientForWeight => these(true, upper),
        MisplacedBracket => {
            let m = modules - 1;
            let fits = !ce && m > 0 && (outputs(m) == 1 || width(m) == outputs(m));
            these(fits, &[m])
        }
        BeforeActivationInDw => these(true, upper),
        AnotherInputInDw => {
            let pairs = linears.iter().flat_map(|&m| {
                let others = linears.iter().copied();
                others.filter_map(move |other| {
                    (other != m && width(m) == width(other)).then_some((m, other))
                })
            });
            pairs.map(|(m, other)| slip(Some(m), other)).collect()
        }
        WeightNotSummed | BiasNotSummed => placed(&linears, 2),
        BiasAveraged | BiasScalar => placed(&linears, 1),
        GradientZero => {
            let mut slips = placed(&linears, 2);
            slips.retain(|slip| slip.place.is_some());
            slips.push(slip(None, 2));
            slips
        }
    }
}

/// Every way to make a mistake, and further ones that the program may name where they give the same numbers.
pub fn conceivable(mistake: Mistake, scene: &Scene) -> Vec<Slip> {
    let n = scene.images.digits.len();
    let mut all = instances(mistake, scene);
    let further = match mistake {
        Mistake::LabelsShifted => 2..4,
        Mistake::OtherImages => 2..4 + 2 * n,
        _ => 0..0,
    };
    let first = all.first().copied();
    all.extend(further.filter_map(|variant| Some(Slip { variant, ..first? })));
    all
}

/// What a line does. Two slips in one line may leave open what was meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Probabilities,
    Mean,
    Two,
    Sign,
    Target,
    Data,
    Pixels,
    BiasForward,
    ActivationAtEnd,
    Activation,
    Dx,
    Dw,
    Db,
    Zero,
    Decay,
}

fn line(mistake: Mistake) -> Line {
    use Mistake::*;
    match mistake {
        Sign => Line::Sign,
        MeanMissing | MeanTwice | MeanOverClasses | MeanOverOthers => Line::Mean,
        TwoMissing => Line::Two,
        LogsumexpNotByRows | SoftmaxOverBatch | SoftmaxTwice | SoftmaxSlopeBesides
        | SigmoidSlopeBesides => Line::Probabilities,
        TargetNotSubtracted | OneOverP | ResForDiff | BroadcastNByN | LabelsShifted
        | TargetEncoding => Line::Target,
        AnotherBatch | NotZeroed | OtherImages => Line::Data,
        PixelsTo255 => Line::Pixels,
        BiasTwice | BiasForgotten => Line::BiasForward,
        ActivationAtEnd => Line::ActivationAtEnd,
        ActivationForgotten | ReluMaskMissing | ReluMaskAtZero | ReluMaskInverted
        | ReluMaskOfGradient | SharedRelu | ReluMaskOfBefore | ReluMaskOfAnother
        | UpstreamIgnored | SlopeFromX | SlopeAtOutput | SlopeMissing | DropoutMaskMissing => {
            Line::Activation
        }
        WeightUpdated | WeightNotTransposed | WeightReshaped | GradientForWeight
        | MisplacedBracket => Line::Dx,
        WeightDecay => Line::Decay,
        BeforeActivationInDw | AnotherInputInDw | WeightNotSummed => Line::Dw,
        BiasNotSummed | BiasAveraged | BiasScalar => Line::Db,
        GradientZero => Line::Zero,
    }
}

/// Whether it can stand in the lines of one tensor alone. What is fed, and the way forward, all share.
fn can_be_alone(slip: &Slip) -> bool {
    use Mistake::*;
    match line(slip.mistake) {
        Line::Data => slip.mistake != OtherImages && slip.variant != 2,
        Line::Target => slip.mistake != LabelsShifted,
        Line::Activation => slip.mistake != ActivationForgotten,
        Line::Probabilities | Line::Mean | Line::Two | Line::Sign | Line::Dx | Line::Decay => true,
        _ => false,
    }
}

/// Whether two slips can be made together, and it is clear what they do then.
fn together(a: &Slip, b: &Slip) -> bool {
    together_so(a, b) && together_so(b, a)
}

fn together_so(a: &Slip, b: &Slip) -> bool {
    use Mistake::*;
    let (la, lb) = (line(a.mistake), line(b.mistake));
    let same_place = a.place.is_none() || b.place.is_none() || a.place == b.place;
    if a.mistake == b.mistake && (same_place || a.alone.is_some() || b.alone.is_some()) {
        return false;
    }
    if la == lb && (same_place || matches!(la, Line::Probabilities | Line::Mean | Line::Target)) {
        return false;
    }
    let uses_dw = matches!(a.mistake, GradientForWeight | WeightUpdated);
    let of_softmax = matches!(a.mistake, SoftmaxTwice | SoftmaxSlopeBesides);
    let of_p = matches!(b.mistake, TargetNotSubtracted | OneOverP);
    match a.mistake {
        AnotherBatch if lb == Line::Target => false,
        MisplacedBracket => {
            matches!(lb, Line::Mean | Line::Two)
                || b.mistake == LabelsShifted
                || !matches!(
                    lb,
                    Line::Sign
                        | Line::Target
                        | Line::Data
                        | Line::ActivationAtEnd
                        | Line::Probabilities
                )
        }
        GradientZero => !matches!(lb, Line::Decay | Line::Dw | Line::Db),
        ActivationAtEnd => lb != Line::Activation || b.place.is_some(),
        SharedRelu | ReluMaskOfBefore | ReluMaskOfAnother => b.mistake != ActivationForgotten,
        _ if uses_dw => {
            b.mistake != NotZeroed && !matches!(lb, Line::Dw | Line::Zero | Line::Decay)
        }
        _ if of_softmax => !of_p,
        _ => true,
    }
}

/// The mistakes that can be made in these passes, which have no sigmoid in their losses.
pub fn known() -> impl Iterator<Item = Mistake> {
    let all = Mistake::ALL.iter().copied();
    all.filter(|&mistake| mistake != Mistake::SigmoidSlopeBesides)
}

/// A random slip of this kind, in shared lines or in those of one tensor.
pub fn random_slip(rng: &mut ChaCha8Rng, mistake: Mistake, scene: &Scene) -> Option<Slip> {
    let all = instances(mistake, scene);
    let mut slip = *all.choose(rng)?;
    slip.number = match mistake {
        Mistake::WeightDecay => *[1e-4, 1e-3, 1e-2, 0.1].choose(rng).unwrap(),
        Mistake::WeightUpdated => *[0.01, 0.05, 0.1, 0.5].choose(rng).unwrap(),
        _ => 0.0,
    };
    let tensors = 2 * scene.network.layers.len();
    if can_be_alone(&slip) && rng.random_bool(0.35) {
        // What is below the place, and so has it in its path.
        let below = match (line(mistake), slip.place) {
            (Line::Activation | Line::Dx, Some(m)) => 2 * m.div_ceil(2),
            (Line::Activation | Line::Dx, None) => tensors - 2,
            _ => tensors,
        };
        let tensor = rng.random_range(0..below);
        if mistake != Mistake::WeightDecay || slip.variant == 0 {
            slip.alone = Some(tensor);
        }
    }
    Some(slip)
}

/// Slips that can be made together, of which the first is given.
pub fn random_slips(
    rng: &mut ChaCha8Rng,
    first: Mistake,
    count: usize,
    scene: &Scene,
) -> Option<Vec<Slip>> {
    let mut slips = vec![random_slip(rng, first, scene)?];
    for _ in 0..200 {
        if slips.len() == count {
            return Some(slips);
        }
        let known: Vec<_> = known().collect();
        let mistake = *known.choose(rng).unwrap();
        let Some(mut slip) = random_slip(rng, mistake, scene) else {
            continue;
        };
        // Often in the same lines as the first.
        if slip.alone.is_some() && slips[0].alone.is_some() && rng.random_bool(0.5) {
            slip.alone = slips[0].alone;
            let tensor = slip.alone.unwrap();
            let reached = !matches!(line(mistake), Line::Activation | Line::Dx)
                || slip.place.is_none_or(|m| m > tensor / 2 * 2);
            if !reached {
                continue;
            }
        }
        if slips.iter().all(|other| together(other, &slip)) {
            slips.push(slip);
        }
    }
    None
}
