//! In which flag a command differs from the run that it is to go on with.

use mlp::files::model::Metadata;
use serde_json::{Value, json};

/// The first setting in which the two differ, in flags: `begun with --lr 0.1, and this command has --lr 0.2`. What may
/// change when a run goes on is no difference.
pub(super) fn difference(kept: &Metadata, asked: &Metadata) -> Option<String> {
    let mut asked = asked.clone();
    let (to, from) = (&mut asked.training, &kept.training);
    to.settings = to.settings.ending_as(&from.settings);
    to.data_sha256.clone_from(&from.data_sha256);
    to.mlp_version.clone_from(&from.mlp_version);
    to.from_sha256.clone_from(&from.from_sha256); // which is compared apart
    let of = |metadata: &Metadata| json!(metadata.training.settings.optimizer);
    let (was, is) = (of(kept), of(&asked));
    // The rule before its numbers, which another does not have.
    if was["name"] != is["name"] {
        return Some(told("--optimizer", &was["name"], &is["name"]));
    }
    let json = |metadata: &Metadata| {
        let mut json = serde_json::to_value(metadata).expect("plain data serialises");
        json["extras"] = json!(metadata.training.settings.extras); // which is left out where it is plain SGD
        json["training"]["extras"].take();
        json["optimizer"] = of(metadata);
        json["training"]["optimizer"].take();
        json
    };
    let (name, kept, asked) = first("", &json(kept), &json(&asked))?;
    Some(told(&flag(&name, &kept, &asked), &kept, &asked))
}

/// `begun with --lr 0.1, and this command is with --lr 0.2`
fn told(flag: &str, kept: &Value, asked: &Value) -> String {
    format!(
        "begun {}, and this command is {}",
        side(flag, kept),
        side(flag, asked)
    )
}

/// The first value in which two are different, with its name; null where it is missing.
fn first(name: &str, kept: &Value, asked: &Value) -> Option<(String, Value, Value)> {
    let (Value::Object(left), Value::Object(right)) = (kept, asked) else {
        return (kept != asked).then(|| (name.to_owned(), kept.clone(), asked.clone()));
    };
    let names = left
        .keys()
        .chain(right.keys().filter(|name| !left.contains_key(*name)));
    let null = Value::Null;
    let mut found = names.filter_map(|inner| {
        let [kept, asked] = [left, right].map(|side| side.get(inner).unwrap_or(&null));
        let parts = ["augmentation", "schedule", "images"]; // which have no flag for each part, or the same
        let whole = parts.contains(&inner.as_str());
        match whole {
            true => (kept != asked).then(|| (inner.clone(), kept.clone(), asked.clone())),
            false => first(inner, kept, asked),
        }
    });
    found.next()
}

/// The flag that sets a field of the metadata.
fn flag(field: &str, kept: &Value, asked: &Value) -> String {
    let smoothed = |value: &Value| value.get("smoothed-ce").is_some();
    let squared = |value: &Value| value.as_str().is_some_and(|name| name.starts_with("mse"));
    match field {
        "learning_rate" => "--lr".into(),
        "layers" => "--hidden".into(),
        "test" => "--hold-test".into(),
        "augmentation" => "--augment".into(),
        "images" => "--data-dir".into(),
        "loss" | "smoothed-ce" if smoothed(kept) || smoothed(asked) || field != "loss" => {
            "--label-smoothing".into()
        }
        "loss" if squared(kept) && squared(asked) => "--target".into(),
        field => format!("--{}", field.replace('_', "-")),
    }
}

/// `with --lr 0.1`, `without --nesterov`
fn side(flag: &str, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(false) => format!("without {flag}"),
        Value::Bool(true) => format!("with {flag}"),
        Value::String(text) => format!("with {flag} {text}"),
        Value::Number(number) => {
            let exact = number.as_f64().unwrap_or_default();
            // As it was typed, where single precision keeps it.
            match f64::from(exact as f32) == exact && exact.fract() != 0.0 {
                true => format!("with {flag} {:?}", exact as f32),
                false => format!("with {flag} {number}"),
            }
        }
        Value::Array(widths) if flag == "--hidden" => {
            let hidden = widths.iter().skip(1).rev().skip(1).rev();
            let hidden: Vec<_> = hidden.map(Value::to_string).collect();
            match hidden.is_empty() {
                true => format!("with {flag} none"),
                false => format!("with {flag} {}", hidden.join(",")),
            }
        }
        Value::Array(_) | Value::Object(_) => format!("with {flag} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use mlp::{
        data::batch::Preprocessing,
        loss::LossKind,
        nn::Architecture,
        train::{
            Settings,
            optim::{Moments, Optimizer},
        },
    };

    use super::*;

    #[test]
    fn the_flag_that_differs_is_named_with_both_values() {
        let of = |change: &dyn Fn(&mut Metadata)| {
            let layers = Architecture::relu(&[784, 50, 10]);
            let mut metadata = Metadata::new(
                layers,
                LossKind::Ce,
                Preprocessing::UNIT,
                Settings::default(),
            );
            change(&mut metadata);
            metadata
        };
        let kept = of(&|_| {});
        let said = |change: &dyn Fn(&mut Metadata)| difference(&kept, &of(change));
        let moments = Moments::default();
        let other = Moments {
            beta1: 0.8,
            ..moments
        };
        let rules = [
            Optimizer::Sgd,
            Optimizer::Adam(moments),
            Optimizer::Adam(other),
        ];
        let [sgd, adam, other] = rules.map(|rule| {
            of(&|m| {
                m.training.settings.optimizer = rule;
                m.training.settings.learning_rate =
                    if rule == Optimizer::Sgd { 0.1 } else { 0.001 };
            })
        });
        assert_eq!(
            difference(&sgd, &adam).unwrap(),
            "begun with --optimizer sgd, and this command is with --optimizer adam"
        );
        assert_eq!(
            difference(&adam, &sgd).unwrap(),
            "begun with --optimizer adam, and this command is with --optimizer sgd"
        );
        assert_eq!(
            difference(&adam, &other).unwrap(),
            "begun with --beta1 0.9, and this command is with --beta1 0.8"
        );
        assert_eq!(difference(&adam, &adam), None);
        assert_eq!(said(&|m| m.training.settings.epochs = 99), None);
        assert_eq!(
            said(&|m| m.training.settings.learning_rate = 0.2).unwrap(),
            "begun with --lr 0.1, and this command is with --lr 0.2"
        );
        assert_eq!(
            said(&|m| m.architecture.layers = vec![784, 10]).unwrap(),
            "begun with --hidden 50, and this command is with --hidden none"
        );
        for (change, flag) in [
            (
                &(|m: &mut Metadata| m.training.settings.batch_size = 7) as &dyn Fn(&mut Metadata),
                "--batch-size 7",
            ),
            (&|m| m.training.settings.seed = 7, "--seed 7"),
            (
                &|m| m.training.settings.extras.momentum = 0.9,
                "--momentum 0.9",
            ),
            (
                &|m| m.training.settings.extras.nesterov = true,
                "with --nesterov",
            ),
            (
                &|m| m.training.settings.extras.weight_decay = 1e-4,
                "--weight-decay 0.0001",
            ),
            (&|m| m.training.settings.valid = 7, "--valid 7"),
            (
                &|m| m.training.settings.valid_random = true,
                "--valid-random",
            ),
            (&|m| m.training.settings.test = 7, "--hold-test 7"),
            (&|m| m.loss = LossKind::MseOnehot, "--loss mse-onehot"),
            (&|m| m.loss = LossKind::SmoothedCe(0.1), "--label-smoothing"),
            (&|m| m.preprocessing.deslant = true, "with --deslant"),
            (&|m| m.positive = Some(5), "--positive 5"),
        ] {
            let text = said(change).unwrap();
            assert!(text.contains(flag), "{text}: {flag}");
        }
    }
}
