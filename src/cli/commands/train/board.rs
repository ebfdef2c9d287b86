//! What TensorBoard shows of a run: under tags that users of PyTorch know, such as `loss/train` and `0.weight`.

use mlp::{
    files::{run::EpochLine, tensorboard::Summary},
    nn::Mlp,
    picture::plot::weights_png,
};
use serde_json::{Map, Value};

/// The settings: as a table to read, and for the table of runs.
pub(super) fn settings(start: &Value) -> Summary {
    let settings = flat(start);
    let mut summary = Summary::default();
    let row = |(name, value): (&String, &Value)| format!("\n| {name} | {} |", cell(value));
    let rows = settings.iter().map(row).collect::<String>();
    summary.text("settings", &format!("| setting | value |\n|---|---|{rows}"));
    summary.hyperparameters(&settings);
    summary
}

/// What a run is known by in its `start`, besides the settings of its training.
const NETWORK: [&str; 8] = [
    "layers",
    "activation",
    "dropout",
    "deslant",
    "loss_name",
    "label_smoothing",
    "parameters",
    "train_images",
];

/// The settings in a `start`, one beside the other. What is not set is left out.
fn flat(start: &Value) -> Map<String, Value> {
    let network = NETWORK.map(|name| (name.to_owned(), start[name].clone()));
    let training = start["training"].as_object().cloned().unwrap_or_default();
    let all = network.into_iter().chain(training);
    let mut flat = Map::new();
    for (name, value) in all.filter(|(_, value)| !value.is_null()) {
        match value {
            Value::Object(parts) => {
                let part = |(part, value)| (format!("{name}.{part}"), value);
                flat.extend(parts.into_iter().map(part));
            }
            value => drop(flat.insert(name, value)),
        }
    }
    flat
}

/// A value in a table of Markdown.
fn cell(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.replace('|', "\\|")
}

/// An epoch, and the network after it, whose inputs are images of so many rows and columns.
pub(super) fn epoch(line: &EpochLine, network: &Mlp<f32>, pixels: (usize, usize)) -> Summary {
    let mut summary = Summary::default();
    let mut scalar = |tag: &str, value: Option<f64>| {
        if let Some(value) = value {
            summary.scalar(tag, value);
        }
    };
    scalar("loss/train", Some(line.train_loss));
    scalar("loss/valid", line.valid_loss);
    scalar("accuracy/train", Some(line.train_accuracy));
    scalar("accuracy/valid", line.valid_accuracy);
    scalar("learning_rate", line.learning_rate);
    scalar("images_per_second", line.images_per_second);
    for layer in &line.statistics {
        let m = layer.module;
        scalar(&format!("gradient_norm/{m}"), layer.gradient_norm);
        scalar(&format!("update_ratio/{m}"), layer.update_ratio);
        scalar(&format!("activation_mean/{m}"), layer.activation_mean);
        scalar(
            &format!("activation_deviation/{m}"),
            layer.activation_deviation,
        );
        scalar(&format!("dead/{m}"), layer.dead);
    }
    for (m, module) in network.modules().iter().enumerate() {
        for (param, name) in module
            .params()
            .into_iter()
            .flatten()
            .zip(["weight", "bias"])
        {
            summary.histogram(&format!("{m}.{name}"), param.value.iter().copied());
        }
    }
    if let Some(w) = network.values().next() {
        let (size, png) = weights_png(w, pixels);
        summary.image("weights/first_layer", size, &png);
    }
    summary
}
