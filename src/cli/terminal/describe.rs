//! Settings in a few words.

use mlp::{
    data::{
        Spec,
        augment::{Augmentation, Elastic},
    },
    nn::Architecture,
    train::{
        Settings,
        optim::{Extras, Moments, Optimizer},
        schedule::Shape,
    },
};

use crate::cli::args::optim::ADAM_RATE;

/// `784-50-10`; of a long list the first and the last.
pub fn layers_text(layers: &[usize]) -> String {
    let text = |layers: &[usize]| {
        let widths: Vec<_> = layers.iter().map(ToString::to_string).collect();
        widths.join("-")
    };
    match layers.len() {
        ..=12 => text(layers),
        n => format!(
            "{}-…-{} ({n} layers)",
            text(&layers[..4]),
            text(&layers[n - 2..])
        ),
    }
}

/// `784-50-10, ReLU, dropout 0.2, 0.5`; without hidden layers there is no activation.
pub fn architecture_text(architecture: &Architecture) -> String {
    let Architecture {
        layers,
        activation,
        dropout,
    } = architecture;
    let mut text = layers_text(layers);
    if layers.len() > 2 {
        text += ", ";
        text += activation.module::<f32>().name();
    }
    if !dropout.is_empty() {
        text += ", dropout ";
        text += &shares_text(dropout);
    }
    text
}

/// `0.2, 0.5, 0.5`; of a long list the first and the last.
fn shares_text(shares: &[f64]) -> String {
    let text = |shares: &[f64]| {
        let shares: Vec<_> = shares.iter().map(f64::to_string).collect();
        shares.join(", ")
    };
    match shares.len() {
        ..=12 => text(shares),
        n => format!("{}, …, {}", text(&shares[..3]), text(&shares[n - 1..])),
    }
}

/// `images of 28x28 in 10 classes`
pub fn images_text(spec: &Spec) -> String {
    let Spec { rows, cols, .. } = spec;
    format!("images of {rows}x{cols} in {} classes", spec.classes.len())
}

/// What an image is called: `a 5`, or `Sneaker (class 7)` where classes have other names than their numbers.
pub fn called(spec: &Spec, label: u8) -> String {
    let name = spec.class(label);
    match name == label.to_string() {
        true => format!("a {label}"),
        false => format!("{name} (class {label})"),
    }
}

/// The rule, its learning rate and schedule, and what is added to it: `lr 0.1, cosine to 0.0, momentum 0.9`.
pub fn optimiser_text(settings: &Settings) -> String {
    let (extras, schedule) = (&settings.extras, &settings.schedule);
    let Extras {
        momentum,
        nesterov,
        weight_decay,
        clip_norm,
        max_norm,
    } = extras;
    let rate = settings.learning_rate;
    let mut parts = match settings.optimizer {
        Optimizer::Sgd => vec![format!("lr {rate:?}")],
        adam if rate == ADAM_RATE => {
            let title = adam.title();
            vec![title.to_owned(), format!("lr {rate:?} ({title}'s default)")]
        }
        adam => vec![adam.title().to_owned(), format!("lr {rate:?}")],
    };
    if let Some(moments) = settings.optimizer.moments() {
        let usual = Moments::default();
        let numbers = [
            ("beta1", moments.beta1, usual.beta1),
            ("beta2", moments.beta2, usual.beta2),
            ("eps", moments.eps, usual.eps),
        ];
        let other = numbers
            .into_iter()
            .filter(|(_, found, usual)| found != usual);
        parts.extend(other.map(|(name, found, _)| format!("{name} {found:?}")));
    }
    parts.extend(match schedule.shape {
        Shape::Constant => None,
        Shape::Linear { end } => Some(format!("linear to {end:?}")),
        Shape::Exponential { end } => Some(format!("exponential to {end:?}")),
        Shape::Cosine { end } => Some(format!("cosine to {end:?}")),
        Shape::Step { every, factor } => Some(format!("times {factor} every {every} epochs")),
        Shape::OneCycle => Some("one cycle".into()),
    });
    let or_not = |name: &str, number: f32| (number != 0.0).then(|| format!("{name} {number:?}"));
    parts.extend((schedule.warm_up > 0.0).then(|| format!("warm-up {}", schedule.warm_up)));
    parts.extend(or_not(
        if *nesterov {
            "Nesterov momentum"
        } else {
            "momentum"
        },
        *momentum,
    ));
    parts.extend(or_not("weight decay", *weight_decay));
    parts.extend(clip_norm.map(|norm| format!("clip norm {norm:?}")));
    parts.extend(max_norm.map(|norm| format!("max norm {norm:?}")));
    parts.join(", ")
}

/// `rotation 15° or shear 15° (half for 1 and 7), scale 17.5 %, elastic sigma 5 alpha 37`
pub fn augmentation_text(augmentation: &Augmentation) -> String {
    let Augmentation {
        rotation,
        shear,
        rotation_or_shear,
        half_angle_labels,
        scale,
        translation,
        elastic,
    } = augmentation;
    let mut angles = Vec::new();
    if *rotation > 0.0 {
        angles.push(format!("rotation {rotation}°"));
    }
    if *shear > 0.0 {
        angles.push(format!("shear {shear}°"));
    }
    let mut parts = Vec::new();
    if !angles.is_empty() {
        let joined = angles.join(if *rotation_or_shear { " or " } else { ", " });
        let labels: Vec<_> = half_angle_labels.iter().map(u8::to_string).collect();
        parts.push(match labels.is_empty() {
            true => joined,
            false => format!("{joined} (half for {})", labels.join(" and ")),
        });
    }
    if *scale > 0.0 {
        parts.push(format!("scale {} %", (1e4 * scale).round() / 1e2));
    }
    if *translation > 0.0 {
        parts.push(format!("translation {translation} px"));
    }
    if let Some(Elastic { sigma, alpha }) = elastic {
        parts.push(format!("elastic sigma {sigma} alpha {alpha}"));
    }
    match parts.is_empty() {
        true => "none".into(),
        false => parts.join(", "),
    }
}
