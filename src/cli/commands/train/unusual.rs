//! Settings that are far from what is usual: the first to look at where training comes to nothing.

use mlp::{
    files::model::Metadata,
    nn::Init,
    train::{Settings, optim::Optimizer},
};

use crate::cli::args::run::default_learning_rate;

/// The flag to change, and to what, if a setting is so far from what is usual that nothing is learned with it. The
/// learning rate comes first if it is far too large: it spoils all others.
pub(super) fn unusual(metadata: &Metadata) -> Option<String> {
    let Settings {
        learning_rate,
        optimizer,
        extras,
        init,
        ..
    } = metadata.training.settings;
    let usual = default_learning_rate(metadata.loss, optimizer);
    if learning_rate > 1e3 * usual {
        return Some(format!("try --lr {usual:?}"));
    }
    let (decay, most_decay) = match optimizer {
        Optimizer::AdamW(_) => ("0.01", 10.0), // it is multiplied by the learning rate
        Optimizer::Sgd | Optimizer::Adam(_) => ("0.0001", 0.1),
    };
    let moments = optimizer.moments().unwrap_or_default();
    let dropout = metadata.architecture.dropout.iter();
    let dropout = dropout.copied().fold(0.0, f64::max) as f32;
    let spread = match init {
        Init::Uniform(most) => most as f32,
        _ => 0.0,
    };
    let (clip, limit) = (extras.clip_norm, extras.max_norm);
    let all = [
        (
            "weight-decay",
            extras.weight_decay,
            most_decay < extras.weight_decay,
            decay,
        ),
        ("eps", moments.eps, moments.eps > 1.0, "1e-8"),
        (
            "clip-norm",
            clip.unwrap_or(1.0),
            clip.is_some_and(|norm| norm < 1e-3),
            "1",
        ),
        (
            "max-norm",
            limit.unwrap_or(3.0),
            limit.is_some_and(|norm| norm < 0.1),
            "3",
        ),
        ("momentum", extras.momentum, extras.momentum > 0.995, "0.9"),
        ("beta1", moments.beta1, moments.beta1 > 0.995, "0.9"),
        ("dropout", dropout, dropout > 0.9, "0.5"),
        ("init", spread, spread > 10.0, "kaiming-uniform"),
    ];
    let (flag, is, _, usual) = all.into_iter().find(|(_, _, is_far, _)| *is_far)?;
    let equals = match flag {
        "init" => "uniform=",
        _ => "",
    };
    Some(format!(
        "--{flag} {equals}{is:?} is far from what is usual: try --{flag} {usual}, or leave it out"
    ))
}

#[cfg(test)]
mod tests {
    use mlp::{
        data::batch::Preprocessing,
        loss::LossKind,
        nn::Architecture,
        train::optim::{Extras, Moments},
    };

    use super::*;

    fn of(change: impl Fn(&mut Metadata)) -> Option<String> {
        let layers = Architecture::relu(&[784, 50, 10]);
        let settings = Settings::default();
        let mut metadata = Metadata::new(layers, LossKind::Ce, Preprocessing::UNIT, settings);
        change(&mut metadata);
        unusual(&metadata)
    }

    #[test]
    fn the_flag_that_is_far_from_usual_is_named() {
        let adam = Optimizer::Adam(Moments::default());
        assert_eq!(of(|_| {}), None);
        let rate = |rate, optimizer| {
            of(|m| {
                m.training.settings.learning_rate = rate;
                m.training.settings.optimizer = optimizer;
            })
        };
        assert_eq!(rate(1e38, Optimizer::Sgd).unwrap(), "try --lr 0.1");
        assert_eq!(rate(1e38, adam).unwrap(), "try --lr 0.001");
        assert_eq!(rate(1e-9, adam), None);
        let extras = |extras: Extras| of(|m| m.training.settings.extras = extras);
        let none = Extras::default;
        for (extras, flag) in [
            (
                extras(Extras {
                    weight_decay: 1e38,
                    ..none()
                }),
                "--weight-decay 1e38",
            ),
            (
                extras(Extras {
                    weight_decay: 1e3,
                    ..none()
                }),
                "--weight-decay 1000.0",
            ),
            (
                extras(Extras {
                    clip_norm: Some(1e-45),
                    ..none()
                }),
                "--clip-norm 1e-45",
            ),
            (
                extras(Extras {
                    max_norm: Some(1e-20),
                    ..none()
                }),
                "--max-norm 1e-20",
            ),
            (
                extras(Extras {
                    momentum: 0.9999,
                    ..none()
                }),
                "--momentum 0.9999",
            ),
            (
                of(|m| m.architecture.dropout = vec![0.0, 0.99]),
                "--dropout 0.99",
            ),
            (
                of(|m| m.training.settings.init = Init::Uniform(1e30)),
                "--init uniform=1e30",
            ),
        ] {
            let text = extras.unwrap();
            assert!(text.starts_with(&format!("{flag} is far")), "{text}");
        }
        let moments = Moments {
            eps: 1e30,
            ..Moments::default()
        };
        let text = of(|m| m.training.settings.optimizer = Optimizer::AdamW(moments));
        assert!(text.unwrap().starts_with("--eps 1e30 is far"));
        assert_eq!(
            extras(Extras {
                weight_decay: 0.01,
                clip_norm: Some(1.0),
                ..none()
            }),
            None
        );
    }
}
