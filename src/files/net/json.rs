//! A network as JSON, and its settings, which the other formats write in the same words.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    MAX_NUMBERS,
    build::{Layer, Numbers, Orientation, Raw, activation, objective, orientation, quoted},
};
use crate::{check::mistakes::Objective, nn::Activation};

/// A field, and the other names that it goes by.
pub(super) type Field = (&'static str, &'static [&'static str]);

pub(super) const X: Field = ("x", &["X", "inputs", "input"]);
pub(super) const T: Field = ("t", &["T", "y", "Y", "targets", "target", "labels"]);
const LAYERS: Field = ("layers", &[]);
const WEIGHTS: Field = ("weights", &[]);
const BIASES: Field = ("biases", &[]);
const ACTIVATIONS: Field = ("activations", &["activation", "act"]);
const LAST_ACTIVATION: Field = ("last_activation", &[]);
const LOSS: Field = ("loss", &[]);
const REDUCTION: Field = ("reduction", &[]);
const LR: Field = ("lr", &["learning_rate"]);
const ORIENTATION: Field = ("orientation", &[]);
const TRAIN_BIASES: Field = ("train_biases", &[]);
const NOTE: Field = ("note", &[]);

/// What is said beside the numbers of a network.
pub(super) const SETTINGS: [Field; 8] = [
    ACTIVATIONS,
    LAST_ACTIVATION,
    LOSS,
    REDUCTION,
    LR,
    ORIENTATION,
    TRAIN_BIASES,
    NOTE,
];
pub(super) const WEIGHT: Field = ("w", &["W", "weight", "weights"]);
pub(super) const BIAS: Field = ("b", &["B", "bias", "biases"]);
const LAYER: [Field; 3] = [WEIGHT, BIAS, ("activation", &["act", "activations"])];

/// The fields of an object under their first names; others are refused.
type Fields = HashMap<&'static str, Value>;

/// What stands in a JSON file.
pub(super) fn raw(text: &[u8]) -> Result<Raw, String> {
    // Each number but one takes a comma, and memory that is many times its text.
    if text.iter().filter(|&&byte| byte == b',').count() > MAX_NUMBERS {
        return Err(format!(
            "more than {MAX_NUMBERS} numbers in all, expected a small network"
        ));
    }
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| format!("not valid JSON ({error}): expected {{\"x\": …, \"t\": …, \"layers\": […], \"loss\": …}}"))?;
    let Value::Object(object) = value else {
        return Err(format!(
            "{}, expected an object {{\"x\": …, \"t\": …, \"layers\": […], \"loss\": …}}",
            described(&value)
        ));
    };
    let known: Vec<_> = [X, T, LAYERS, WEIGHTS, BIASES]
        .into_iter()
        .chain(SETTINGS)
        .collect();
    let mut fields = fields(object, "", &known)?;
    let mut needed = |(name, _): Field, what: &str| {
        let value = fields.remove(name);
        value.ok_or_else(|| format!("{name} is missing: {what}"))
    };
    let x = numbers(&needed(X, "the inputs, a list of rows of numbers")?, "x")?;
    let t = numbers(
        &needed(T, "what the outputs should be, a row for each of x")?,
        "t",
    )?;
    let mut layers = match fields.remove(LAYERS.0) {
        Some(layers) => {
            if let Some(other) = [WEIGHTS, BIASES].iter().find(|f| fields.contains_key(f.0)) {
                return Err(format!(
                    "both layers and {} are given: keep one of them",
                    other.0
                ));
            }
            self::layers(layers)?
        }
        None => parallel(&mut fields)?,
    };
    let own = layers.iter().any(|(_, named)| *named);
    let settings = settings(fields, layers.len())?;
    if own && settings.activations.is_some() {
        return Err("activations are given both in layers and beside them: keep one".into());
    }
    for (number, activation) in settings.activations.iter().flatten().enumerate() {
        layers[number].0.activation = *activation;
    }
    let layers = layers.into_iter().map(|(layer, _)| layer).collect();
    Ok(settings.with(x, t, layers))
}

/// The fields of an object.
pub(super) fn fields(
    object: Map<String, Value>,
    of: &str,
    known: &[Field],
) -> Result<Fields, String> {
    let mut fields = Fields::new();
    let mut as_given: HashMap<&str, String> = HashMap::new();
    for (key, value) in object {
        let field = known
            .iter()
            .find(|(name, others)| *name == key || others.contains(&&key[..]));
        let Some((name, _)) = field else {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "{of}unknown field {}, expected some of {}",
                quoted(&key),
                names.join(", ")
            ));
        };
        if let Some(other) = as_given.get(name) {
            return Err(format!(
                "{of}both {other} and {key} are given: keep one of them"
            ));
        }
        fields.insert(name, value);
        as_given.insert(name, key);
    }
    Ok(fields)
}

/// The layers of a list, and whether each names an activation.
fn layers(value: Value) -> Result<Vec<(Layer, bool)>, String> {
    let Value::Array(list) = value else {
        return Err(format!(
            "layers is {}, expected a list [{{\"w\": …, \"b\": …, \"activation\": …}}, …]",
            described(&value)
        ));
    };
    let layers = list.into_iter().enumerate().map(|(number, value)| {
        let at = format!("layers[{number}]");
        let Value::Object(object) = value else {
            return Err(format!(
                "{at} is {}, expected {{\"w\": …, \"b\": …, \"activation\": …}}",
                described(&value)
            ));
        };
        let mut fields = fields(object, &format!("{at}: "), &LAYER)?;
        let mut named = |name: &str| Some((format!("{at}.{name}"), fields.remove(name)?));
        let (w, b) = (named("w"), named("b"));
        let (name, w) = w.ok_or_else(|| format!("{at} has no w, expected a weight"))?;
        let w = numbers(&w, &name)?;
        let activation = fields.get("activation");
        let layer = Layer {
            w: (name, w),
            b: optional(b)?,
            activation: match activation {
                None | Some(Value::Null) => None,
                Some(name) => self::activation(text(name, &format!("{at}.activation"))?)
                    .map_err(|fault| format!("{at}: {fault}"))?,
            },
        };
        Ok((layer, activation.is_some()))
    });
    layers.collect()
}

/// A bias, which may be null.
fn optional(bias: Option<(String, Value)>) -> Result<Option<(String, Numbers)>, String> {
    match bias {
        None | Some((_, Value::Null)) => Ok(None),
        Some((name, value)) => {
            let numbers = numbers(&value, &name)?;
            Ok(Some((name, numbers)))
        }
    }
}

/// The layers of the lists `weights` and `biases`.
fn parallel(fields: &mut Fields) -> Result<Vec<(Layer, bool)>, String> {
    let weights = match fields.remove(WEIGHTS.0) {
        None => {
            return Err(
                "layers is missing: a list [{\"w\": …, \"b\": …, \"activation\": …}, …]".into(),
            );
        }
        Some(Value::Array(weights)) => weights,
        Some(other) => {
            return Err(format!(
                "weights is {}, expected a list with the weight of each layer",
                described(&other)
            ));
        }
    };
    let biases = match fields.remove(BIASES.0) {
        None | Some(Value::Null) => vec![Value::Null; weights.len()],
        Some(number @ Value::Number(_)) => vec![number; weights.len()],
        Some(Value::Array(biases)) if biases.len() == weights.len() => biases,
        Some(Value::Array(biases)) => {
            return Err(format!(
                "biases has {} entries and weights has {}, expected one for each layer",
                biases.len(),
                weights.len()
            ));
        }
        Some(other) => {
            return Err(format!(
                "biases is {}, expected a list with the bias of each layer",
                described(&other)
            ));
        }
    };
    let layers = weights.iter().zip(biases).enumerate();
    let layers = layers.map(|(number, (w, b))| {
        let name = format!("weights[{number}]");
        let w = numbers(w, &name)?;
        // A list of numbers could as well be a row of the only weight.
        if w.shape.len() != 2 {
            return Err(format!(
                "{name} is {}, expected rows of numbers, [[…], …]: weights has one such for each layer",
                w.text()
            ));
        }
        let layer = Layer {
            w: (name, w),
            b: optional(Some((format!("biases[{number}]"), b)))?,
            activation: None,
        };
        Ok((layer, false))
    });
    layers.collect()
}

/// What is said beside the numbers.
pub(super) struct Settings {
    /// Of every layer, if they are given.
    pub(super) activations: Option<Vec<Option<Activation>>>,
    objective: Objective,
    learning_rate: f64,
    orientation: Option<Orientation>,
    train_biases: bool,
}

impl Settings {
    /// All that a file says.
    pub(super) fn with(self, x: Numbers, t: Numbers, layers: Vec<Layer>) -> Raw {
        Raw {
            x,
            t,
            layers,
            objective: self.objective,
            learning_rate: self.learning_rate,
            orientation: self.orientation,
            train_biases: self.train_biases,
        }
    }
}

/// The settings among these fields, of a network with so many layers.
pub(super) fn settings(fields: Fields, layers: usize) -> Result<Settings, String> {
    let field = |(name, _): Field| fields.get(name).filter(|value| !value.is_null());
    let word = |field_: Field| field(field_).map(|value| text(value, field_.0)).transpose();
    let loss = word(LOSS)?.ok_or("loss is missing: expected \"mse\", \"ce\" or \"bce\"")?;
    let learning_rate = match field(LR) {
        None => 0.1,
        Some(value) => {
            let rate = value
                .as_f64()
                .filter(|&rate| rate > 0.0 && rate.is_finite());
            rate.ok_or_else(|| format!("lr is {}, expected a number above 0", described(value)))?
        }
    };
    let train_biases = match field(TRAIN_BIASES) {
        None => true,
        Some(Value::Bool(train)) => *train,
        Some(Value::String(word)) if word == "true" => true,
        Some(Value::String(word)) if word == "false" => false,
        Some(other) => {
            return Err(format!(
                "train_biases is {}, expected true or false",
                described(other)
            ));
        }
    };
    Ok(Settings {
        activations: activations(field(ACTIVATIONS), word(LAST_ACTIVATION)?, layers)?,
        objective: objective(loss, word(REDUCTION)?)?,
        learning_rate,
        orientation: word(ORIENTATION)?.map(orientation).transpose()?,
        train_biases,
    })
}

/// The activation of every layer, if any is given.
fn activations(
    given: Option<&Value>,
    last: Option<&str>,
    layers: usize,
) -> Result<Option<Vec<Option<Activation>>>, String> {
    let hidden = layers.saturating_sub(1);
    let mut all = match given {
        None if last.is_none() => return Ok(None),
        None => vec![None; hidden],
        Some(Value::String(name)) => vec![activation(name)?; hidden],
        Some(Value::Array(names)) => {
            let names = names.iter().enumerate().map(|(number, name)| match name {
                Value::Null => Ok(None),
                name => activation(text(name, &format!("activations[{number}]"))?),
            });
            names.collect::<Result<Vec<_>, String>>()?
        }
        Some(other) => {
            return Err(format!(
                "activations is {}, expected a list with a name for each layer, or one name for all but the last",
                described(other)
            ));
        }
    };
    if all.len() == layers && last.is_some() {
        return Err(
            "last_activation is given, and activations has the last layer's as well: keep one"
                .into(),
        );
    }
    if all.len() == hidden {
        all.push(last.map_or(Ok(None), activation)?);
    }
    match all.len() == layers {
        true => Ok(Some(all)),
        false => Err(format!(
            "activations has {} entries and there are {layers} layers, expected one for each",
            all.len()
        )),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("{name} is {}, expected a name", described(value)))
}

/// A value in words.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// An array of numbers, from lists in lists.
fn numbers(value: &Value, name: &str) -> Result<Numbers, String> {
    const MOST: usize = 4; // N images of rows and columns and channels
    let mut shape = Vec::new();
    let mut first = value;
    while let Value::Array(list) = first {
        shape.push(list.len());
        if shape.len() > MOST {
            return Err(format!(
                "{name} has lists in lists in lists in lists in lists, expected rows of numbers"
            ));
        }
        let Some(next) = list.first() else {
            return Err(format!("{name} has an empty list, expected numbers"));
        };
        first = next;
    }
    let mut values = Vec::new();
    gather(value, &shape, &mut values, &|| name.to_owned())?;
    Ok(Numbers { shape, values })
}

fn gather(
    value: &Value,
    shape: &[usize],
    values: &mut Vec<f64>,
    name: &dyn Fn() -> String,
) -> Result<(), String> {
    match (value, shape) {
        (Value::Number(number), []) => {
            let number = number.as_f64();
            values.push(number.ok_or_else(|| format!("{} is not a number of f64", name()))?);
            Ok(())
        }
        (Value::Array(list), [length, rest @ ..]) if list.len() == *length => {
            for (index, value) in list.iter().enumerate() {
                gather(value, rest, values, &|| format!("{}[{index}]", name()))?;
            }
            Ok(())
        }
        (Value::Array(list), [length, ..]) => Err(format!(
            "{} has {} entries, but those before have {length}: expected rows of one length",
            name(),
            list.len(),
        )),
        (Value::Array(_), []) => Err(format!("{} is a list, expected a number", name())),
        (Value::Number(_), _) => Err(format!(
            "{} is a number, expected a list like those before",
            name()
        )),
        (other, _) => Err(format!(
            "{} is {}, expected a number",
            name(),
            described(other)
        )),
    }
}
