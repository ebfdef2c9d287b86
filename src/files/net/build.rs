//! From what a file says to a network: names are looked up, and shapes must fit together.

use ndarray::{Array2, ArrayView2};

use super::{MAX_LAYERS, MAX_NUMBERS, Net};
use crate::{
    check::mistakes::{Objective, Problem, Reduction, Step},
    nn::Activation,
};

/// An array as it stands in a file, row by row.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Numbers {
    /// Its shape in words: `3×2`, `4 numbers`, `a number`.
    pub(super) fn text(&self) -> String {
        match &self.shape[..] {
            [] => "a single number".into(),
            [1] => "a list of 1 number".into(),
            [n] => format!("a list of {n} numbers"),
            shape => {
                let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
                sizes.join("×")
            }
        }
    }

    fn array(&self, shape: (usize, usize)) -> Result<Array2<f64>, String> {
        Array2::from_shape_vec(shape, self.values.clone()).map_err(|error| error.to_string())
    }
}

/// A layer as it stands in a file, with the names of its parameters there.
pub(super) struct Layer {
    pub(super) w: (String, Numbers),
    pub(super) b: Option<(String, Numbers)>,
    pub(super) activation: Option<Activation>,
}

/// Which way round the weights stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    OutputsInputs,
    InputsOutputs,
}

/// What a file says.
pub(super) struct Raw {
    pub(super) x: Numbers,
    pub(super) t: Numbers,
    pub(super) layers: Vec<Layer>,
    pub(super) objective: Objective,
    pub(super) learning_rate: f64,
    pub(super) orientation: Option<Orientation>,
    pub(super) train_biases: bool,
}

/// A name in lower case, with hyphens.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', ' '], "-")
}

/// A name for an error, of no great length.
pub(super) fn quoted(name: &str) -> String {
    const MOST: usize = 40;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

/// The activation of a name; none for `none`.
pub(super) fn activation(name: &str) -> Result<Option<Activation>, String> {
    let wanted = plain(name);
    if ["none", "linear", "identity", "null"].contains(&&wanted[..]) {
        return Ok(None);
    }
    let same = |activation: &Activation| {
        let about = activation.about();
        wanted == about.flag || wanted == about.name.to_lowercase()
    };
    if let Some(found) = Activation::ALL.into_iter().find(same) {
        return Ok(Some(found));
    }
    if wanted.contains("softmax") {
        return Err(
            "the activation softmax belongs to the loss here: \"loss\": \"ce\" takes the softmax of the outputs \
             itself, so leave the last activation out"
                .into(),
        );
    }
    let mut names = Activation::ALL.map(Activation::flag);
    names.rotate_right(1); // none first
    let names = names.join(", ");
    Err(format!(
        "no activation is called {}, expected one of {names}",
        quoted(name)
    ))
}

/// The loss of these names.
pub(super) fn objective(loss: &str, reduction: Option<&str>) -> Result<Objective, String> {
    let reduction = match reduction.map(plain).as_deref() {
        None | Some("mean") => Reduction::Mean,
        Some("sum/2" | "half" | "half-sum" | "1/2" | "sum-half") => Reduction::Half,
        Some("sum") => Reduction::Sum,
        Some(other) => {
            return Err(format!(
                "no reduction is called {}, expected mean, sum, or for mse sum/2",
                quoted(other)
            ));
        }
    };
    match &plain(loss)[..] {
        "mse" | "mean-squared-error" => Ok(Objective::Mse(reduction)),
        "ce" | "cross-entropy" | "crossentropy" => match reduction {
            Reduction::Half => {
                Err("the reduction sum/2 is one of mse, expected mean or sum with ce".into())
            }
            _ => Ok(Objective::Ce(reduction)),
        },
        "bce" | "binary-cross-entropy" | "bce-with-logits" | "bcewithlogits" => match reduction {
            Reduction::Half => {
                Err("the reduction sum/2 is one of mse, expected mean or sum with bce".into())
            }
            _ => Ok(Objective::Bce(reduction)),
        },
        other => Err(format!(
            "no loss is called {}, expected mse, ce or bce",
            quoted(other)
        )),
    }
}

/// The names of a loss and of its reduction in a file, such as `mse` and `sum/2`.
pub fn objective_names(objective: Objective) -> (&'static str, &'static str) {
    let reduction = |reduction| match reduction {
        Reduction::Mean => "mean",
        Reduction::Half => "sum/2",
        Reduction::Sum => "sum",
    };
    match objective {
        Objective::Ce(by) => ("ce", reduction(by)),
        Objective::Mse(by) => ("mse", reduction(by)),
        Objective::Bce(by) => ("bce", reduction(by)),
    }
}

/// The orientation of a name.
pub(super) fn orientation(name: &str) -> Result<Orientation, String> {
    match &plain(name)[..] {
        "outputs-inputs" | "pytorch" => Ok(Orientation::OutputsInputs),
        "inputs-outputs" => Ok(Orientation::InputsOutputs),
        _ => Err(format!(
            "the orientation is {}, expected outputs-inputs (PyTorch's) or inputs-outputs (the w of x·w)",
            quoted(name)
        )),
    }
}

/// The network of a file.
pub(super) fn net(raw: Raw) -> Result<Net, String> {
    check_numbers(&raw)?;
    check_end(&raw)?;
    let (problem, square) = match raw.orientation {
        Some(orientation) => (fit(&raw, orientation).map_err(|(_, fault)| fault)?, false),
        None => {
            let one = fit(&raw, Orientation::OutputsInputs);
            let other = fit(&raw, Orientation::InputsOutputs);
            match (one, other) {
                (Ok(one), Ok(other)) => {
                    let square = !same_weights(&one, &other);
                    (one, square)
                }
                (Ok(fits), Err(_)) | (Err(_), Ok(fits)) => (fits, false),
                // The one that gets further was meant.
                (Err((one, _)), Err((other, fault))) if other > one => return Err(fault),
                (Err((_, fault)), Err(_)) => return Err(fault),
            }
        }
    };
    Ok(Net {
        problem,
        learning_rate: raw.learning_rate,
        train_biases: raw.train_biases,
        square,
    })
}

fn same_weights(one: &Problem, other: &Problem) -> bool {
    let mut pairs = one.steps.iter().zip(&other.steps);
    one.x == other.x
        && pairs.all(|pair| match pair {
            (Step::Linear { w, .. }, Step::Linear { w: other, .. }) => w == other,
            _ => true,
        })
}

/// Refuses a sigmoid at the end where the loss takes one itself.
fn check_end(raw: &Raw) -> Result<(), String> {
    let last = raw.layers.last().and_then(|layer| layer.activation);
    match (raw.objective, last) {
        (Objective::Bce(_), Some(Activation::Sigmoid)) => Err(
            "the last activation is a sigmoid, which belongs to the loss here: \"loss\": \"bce\" takes the sigmoid \
             of the outputs itself, so leave the last activation out"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// Refuses what is not finite, and too many numbers.
fn check_numbers(raw: &Raw) -> Result<(), String> {
    match raw.layers.len() {
        0 => return Err("no layers, expected at least one with a weight w".into()),
        layers if layers > MAX_LAYERS => {
            return Err(format!("{layers} layers, expected at most {MAX_LAYERS}"));
        }
        _ => {}
    }
    let params = raw.layers.iter().flat_map(|layer| {
        let bias = layer.b.iter().map(|(name, b)| (&name[..], b));
        std::iter::once((&layer.w.0[..], &layer.w.1)).chain(bias)
    });
    let mut count = 0;
    for (name, numbers) in [("x", &raw.x), ("t", &raw.t)].into_iter().chain(params) {
        if numbers.values.is_empty() {
            return Err(format!("{name} is empty, expected numbers"));
        }
        if let Some(at) = numbers.values.iter().position(|v| !v.is_finite()) {
            return Err(format!(
                "{name} has the number {} (element {at}), expected finite numbers",
                numbers.values[at]
            ));
        }
        count += numbers.values.len();
    }
    check_count(Some(count))
}

fn check_count(count: Option<usize>) -> Result<(), String> {
    match count {
        Some(count) if count <= MAX_NUMBERS => Ok(()),
        _ => Err(format!(
            "more than {MAX_NUMBERS} numbers in all, expected a small network: use fewer rows of x"
        )),
    }
}

/// The network with its weights this way round; an error comes with the number of layers that fit.
fn fit(raw: &Raw, orientation: Orientation) -> Result<Problem, (usize, String)> {
    let x = inputs(raw, orientation).map_err(|fault| (0, fault))?;
    let n = x.nrows();
    let mut steps = Vec::new();
    let mut width = x.ncols();
    let mut widths = width;
    for (number, layer) in raw.layers.iter().enumerate() {
        let (name, w) = &layer.w;
        let weight = weight(w, width, orientation).ok_or_else(|| {
            let before = match number {
                0 => format!("x has {} a row", count(width, "number")),
                _ => format!("the layer before has {}", count(width, "output")),
            };
            let expected = match w.shape.len() {
                0..=2 => format!("expected (outputs, {width}), a row for each unit"),
                d => format!("expected 2 dimensions and not {d}"),
            };
            let forced = match (raw.orientation, orientation) {
                (Some(_), Orientation::InputsOutputs) => {
                    format!("expected ({width}, outputs), as \"orientation\" says")
                }
                (Some(_), _) => format!("{expected}, as \"orientation\" says"),
                (None, _) => expected,
            };
            (
                number,
                format!("{name} is {}, but {before}: {forced}", w.text()),
            )
        })?;
        let w = weight;
        width = w.ncols();
        let b = bias(layer, width).map_err(|fault| (number, fault))?;
        steps.push(Step::Linear { w, b });
        widths += width;
        if let Some(activation) = layer.activation {
            steps.push(Step::Activation(activation));
            widths += width;
        }
    }
    let stored = raw.x.values.len() + raw.t.values.len();
    let numbers = n.checked_mul(widths).and_then(|v| v.checked_add(stored));
    let fits = |fault| (raw.layers.len(), fault);
    check_count(numbers).map_err(fits)?;
    let t = targets(&raw.t, (n, width), raw.objective).map_err(fits)?;
    Ok(Problem {
        steps,
        x,
        t,
        classes: None,
        objective: raw.objective,
        pixels: false,
        others: None,
    })
}

/// `1 number`, `2 numbers`
fn count(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// x (N, I). A flat list is one row, or where the first layer has one input, N rows of one number.
fn inputs(raw: &Raw, orientation: Orientation) -> Result<Array2<f64>, String> {
    let x = &raw.x;
    let first = &raw.layers[0].w.1;
    match x.shape[..] {
        [] => x.array((1, 1)),
        [i] => match (weight(first, i, orientation), weight(first, 1, orientation)) {
            (None, Some(_)) => x.array((i, 1)),
            _ => x.array((1, i)),
        },
        [n, i] => x.array((n, i)),
        _ => Err(format!(
            "x is {}, expected N rows of numbers: flatten each row",
            x.text()
        )),
    }
}

/// w (I, O), if it fits this number of inputs.
fn weight(w: &Numbers, inputs: usize, orientation: Orientation) -> Option<Array2<f64>> {
    match (&w.shape[..], orientation) {
        ([], _) if inputs == 1 => w.array((1, 1)).ok(),
        (&[k], _) if k == inputs => w.array((k, 1)).ok(),
        (&[k], _) if inputs == 1 => w.array((1, k)).ok(),
        (&[o, i], Orientation::OutputsInputs) if i == inputs => {
            let rows = ArrayView2::from_shape((o, i), &w.values).ok()?;
            Some(rows.t().as_standard_layout().into_owned())
        }
        (&[i, o], Orientation::InputsOutputs) if i == inputs => w.array((i, o)).ok(),
        _ => None,
    }
}

/// b (1, O)
fn bias(layer: &Layer, outputs: usize) -> Result<Array2<f64>, String> {
    let Some((name, b)) = &layer.b else {
        return Ok(Array2::zeros((1, outputs)));
    };
    if b.shape.is_empty() {
        return Ok(Array2::from_elem((1, outputs), b.values[0]));
    }
    let a_row = b.shape.iter().filter(|&&size| size != 1).count() <= 1;
    match a_row && b.values.len() == outputs {
        true => b.array((1, outputs)),
        false => Err(format!(
            "{name} is {}, but {} makes {}: expected a number for each, or a single one for all",
            b.text(),
            layer.w.0,
            count(outputs, "output")
        )),
    }
}

/// t (N, C)
fn targets(
    t: &Numbers,
    (n, c): (usize, usize),
    objective: Objective,
) -> Result<Array2<f64>, String> {
    let ce = matches!(objective, Objective::Ce(_));
    let bce = matches!(objective, Objective::Bce(_));
    let fault = || {
        let flat = match (ce, n, c) {
            (true, 1, _) => format!(", or a class from 0 to {}", c - 1),
            (true, _, _) => format!(", or {n} classes from 0 to {}", c - 1),
            (false, 1, _) | (false, _, 1) => format!(", or a list of {}", n.max(c)),
            _ => String::new(),
        };
        format!(
            "t is {}, but there {} of x and {}: expected {n}×{c}{flat}",
            t.text(),
            match n {
                1 => "is 1 row".to_owned(),
                n => format!("are {n} rows"),
            },
            count(c, "output"),
        )
    };
    let probabilities = |t: Array2<f64>| {
        if let Some(p) = t.iter().find(|p| ce && !(0.0..=1.0).contains(*p)) {
            return Err(format!(
                "t has the number {p}, expected probabilities from 0 to 1 with the loss ce, or a flat list of classes"
            ));
        }
        if let Some(p) = t.iter().find(|p| bce && !(0.0..=1.0).contains(*p)) {
            return Err(format!(
                "t has the number {p}, expected probabilities from 0 to 1 with the loss bce, such as 0 and 1"
            ));
        }
        let sums = t.rows().into_iter().map(|row| row.sum());
        if let Some((n, sum)) = sums
            .enumerate()
            .find(|(_, sum)| ce && (sum - 1.0).abs() > 1e-6)
        {
            return Err(format!(
                "row {n} of t sums to {sum}, expected probabilities, which sum to 1, with the loss ce, or a flat list of classes"
            ));
        }
        Ok(t)
    };
    match t.shape[..] {
        [rows, columns] if (rows, columns) == (n, c) && !(ce && c == 1) => {
            probabilities(t.array((n, c))?)
        }
        [rows, 1] if ce && rows == n => classes(&t.values, c),
        [] if ce && n == 1 => classes(&t.values, c),
        [length] if ce && length == n => classes(&t.values, c),
        [length] if ce && n == 1 && length == c => probabilities(t.array((1, c))?),
        [] if !ce && (n, c) == (1, 1) => probabilities(t.array((1, 1))?),
        [length] if !ce && (n == 1 || c == 1) && length == n * c => probabilities(t.array((n, c))?),
        _ => Err(fault()),
    }
}

/// One-hot rows (N, C).
fn classes(classes: &[f64], c: usize) -> Result<Array2<f64>, String> {
    let mut t = Array2::zeros((classes.len(), c));
    for (n, &class) in classes.iter().enumerate() {
        if class.fract() != 0.0 || !(0.0..c as f64).contains(&class) {
            return Err(format!(
                "t has the class {class}, expected whole numbers from 0 to {}, or {}×{c} probabilities",
                c - 1,
                classes.len(),
            ));
        }
        t[[n, class as usize]] = 1.0;
    }
    Ok(t)
}
