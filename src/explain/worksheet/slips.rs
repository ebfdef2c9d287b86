//! What a wrong answer looks like: the slips of people who compute by hand.

use ndarray::{Array2, Axis};

use super::{
    Sheet,
    line::{Op, product, slope, softmax},
};
use crate::{
    check::mistakes::{Mistake, Objective, Reduction},
    linalg::functions::{exp, ln, sigmoid},
    nn::Activation,
};

/// What a wrong answer looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LooksLike {
    /// The mistake, if it is one of those that code has as well.
    pub mistake: Option<Mistake>,
    /// What is wrong.
    pub what: String,
    /// What mends it.
    pub mend: String,
}

/// What a line becomes with a slip.
struct Slip {
    looks: LooksLike,
    value: Array2<f64>,
}

/// The slips of one line.
struct Slips<'a> {
    formula: &'a str,
    all: Vec<Slip>,
}

impl Slips<'_> {
    fn known(&mut self, mistake: Mistake, value: Array2<f64>) {
        let looks = LooksLike {
            mistake: Some(mistake),
            what: mistake.what().to_owned(),
            mend: self.formula.to_owned(),
        };
        self.all.push(Slip { looks, value });
    }

    fn own(&mut self, what: impl Into<String>, value: Array2<f64>) {
        let looks = LooksLike {
            mistake: None,
            what: what.into(),
            mend: self.formula.to_owned(),
        };
        self.all.push(Slip { looks, value });
    }
}

/// What an answer looks like at a place of a line, where something else follows from the pupil's own numbers; none if no
/// slip fits.
pub(super) fn looks_like(
    sheet: &Sheet,
    own: &[Array2<f64>],
    index: usize,
    at: (usize, usize),
    (answer, follows, tolerance): (f64, f64, f64),
) -> Option<LooksLike> {
    let line = &sheet.lines[index];
    let mut slips = Slips {
        formula: &line.formula,
        all: Vec::new(),
    };
    let inputs: Vec<_> = line.inputs.iter().map(|&i| &own[i]).collect();
    let right = line.op.value(&inputs);
    let few_units = 20.0 * sheet.half_unit();
    if (answer - follows).abs() <= few_units.max(2.0 * tolerance) {
        slips.own(
            "off in the last places: rounded too early, or cut off",
            right,
        );
        return slips.all.pop().map(|slip| slip.looks);
    }
    of_line(sheet, own, index, &mut slips);
    of_any(&right, at, &mut slips);
    let fits = |slip: &Slip| {
        let value = slip.value.get(at).copied().unwrap_or(f64::NAN);
        // A slip of numbers twice as large has twice their rounding.
        let larger = (value / follows).abs().clamp(1.0, 10.0);
        (value - follows).abs() > 2.0 * tolerance && (answer - value).abs() <= tolerance * larger
    };
    slips.all.into_iter().find(fits).map(|slip| slip.looks)
}

/// Slips that every line can have.
fn of_any(right: &Array2<f64>, at: (usize, usize), slips: &mut Slips) {
    slips.own("the sign is the wrong one", -right);
    for (other, &value) in right.indexed_iter().filter(|(other, _)| *other != at) {
        let (row, column) = other;
        let what = format!("that is the number at [{row}][{column}]");
        slips.own(what, Array2::from_elem(right.dim(), value));
    }
    slips.own(
        "the decimal point is a place too far to the right",
        right * 10.0,
    );
    slips.own(
        "the decimal point is a place too far to the left",
        right / 10.0,
    );
    slips.own("twice what it should be", right * 2.0);
    slips.own("half of what it should be", right / 2.0);
}

fn of_line(sheet: &Sheet, own: &[Array2<f64>], index: usize, slips: &mut Slips) {
    let line = &sheet.lines[index];
    let inputs: Vec<_> = line.inputs.iter().map(|&i| &own[i]).collect();
    match (line.op, &inputs[..]) {
        (Op::Linear, &[x, w, b]) => {
            linear(x, w, b, slips);
            if let Some(z) = before_activation(sheet, own, line.inputs[0]) {
                let what = "made with the numbers before the activation";
                slips.own(what, product(z, w) + b);
            }
        }
        (Op::Activation(activation), &[x]) => of_activation(activation, x, slips),
        (Op::Softmax, &[z]) => {
            let powers = z.mapv(exp);
            let sums = z.sum_axis(Axis(1)).insert_axis(Axis(1));
            slips.own("e^z is not divided by the sum of the row", powers);
            slips.own(
                "z is divided by the sum of the row: e^z is missing",
                z / &sums,
            );
            slips.known(
                Mistake::SoftmaxOverBatch,
                softmax(&z.t().to_owned()).reversed_axes(),
            );
            slips.own("that is the sigmoid, and no softmax", z.mapv(sigmoid));
        }
        (Op::Sigmoid, &[z]) => {
            slips.own(
                "the sign of the exponent is missing: e^−z",
                z.mapv(|z| sigmoid(-z)),
            );
            slips.own("that is e^−z alone", z.mapv(|z| exp(-z)));
            slips.own("that is e^z alone", z.mapv(exp));
        }
        (Op::Loss(objective), &[p, t]) => of_loss(objective, p, t, slips),
        (Op::LossGradient(objective), &[p, t]) => of_loss_gradient(objective, p, t, slips),
        (Op::Slope(activation), &[dy, x, y]) => of_slope(activation, [dy, x, y], slips),
        (Op::WeightGradient, &[x, dy]) => {
            weight_gradient(x, dy, slips);
            if let Some(z) = before_activation(sheet, own, line.inputs[0]) {
                slips.known(
                    Mistake::BeforeActivationInDw,
                    product(&z.t().to_owned(), dy),
                );
            }
        }
        (Op::BiasGradient, &[dy]) => bias_gradient(dy, slips),
        (Op::InputGradient, &[dy, w]) => {
            input_gradient(dy, w, slips);
            let gradient = format!("d{}", sheet.lines[line.inputs[1]].name);
            let dw = sheet.lines[..index]
                .iter()
                .position(|line| line.name == gradient);
            if let Some(dw) = dw {
                let value = product(dy, &own[dw].t().to_owned());
                slips.known(Mistake::GradientForWeight, value);
            }
        }
        (Op::Update(rate), &[v, dv]) => {
            slips.own(
                "the step goes up: lr times the gradient is subtracted",
                v + &(dv * rate),
            );
            slips.own("the learning rate is missing", v - dv);
            slips.own(
                "that is lr times the gradient: it has yet to be subtracted",
                dv * rate,
            );
            slips.own(
                "that is −lr times the gradient: it has yet to be added",
                dv * -rate,
            );
            slips.own("that is the number before the step", v.clone());
        }
        _ => {}
    }
}

/// What an activation made a line of.
fn before_activation<'a>(
    sheet: &Sheet,
    own: &'a [Array2<f64>],
    line: usize,
) -> Option<&'a Array2<f64>> {
    let line = &sheet.lines[line];
    match line.op {
        Op::Activation(_) => Some(&own[line.inputs[0]]),
        _ => None,
    }
}

fn linear(x: &Array2<f64>, w: &Array2<f64>, b: &Array2<f64>, slips: &mut Slips) {
    let products = product(x, w);
    slips.known(Mistake::BiasForgotten, products.clone());
    slips.own("the bias is subtracted", &products - b);
    slips.known(Mistake::BiasTwice, &products + b + b);
    if w.is_square() {
        let turned = product(x, &w.t().to_owned()) + b;
        slips.own(
            "w is read along its rows: unit o takes the column o of w",
            turned,
        );
    }
    for i in 0..x.ncols() {
        let term = product(&x.select(Axis(1), &[i]), &w.select(Axis(0), &[i]));
        let right = &products + b;
        slips.own(
            format!("the product with input {i} is missing"),
            &right - &term,
        );
        slips.own(
            format!("the product with input {i} has the wrong sign"),
            &right - &(&term * 2.0),
        );
    }
}

fn of_activation(activation: Activation, x: &Array2<f64>, slips: &mut Slips) {
    slips.own("the activation is left out", x.clone());
    match activation {
        Activation::Relu => {
            slips.own(
                "the minus is left out, where ReLU makes 0 of it",
                x.mapv(f64::abs),
            );
            slips.own(
                "ReLU keeps what is above 0, and no other",
                x.mapv(|x| x.min(0.0)),
            );
        }
        Activation::Sigmoid => {
            slips.own(
                "the sign of the exponent is missing: e^−z",
                x.mapv(|x| sigmoid(-x)),
            );
        }
        _ => slips.own("that is the sigmoid", x.mapv(sigmoid)),
    }
}

fn of_loss(objective: Objective, p: &Array2<f64>, t: &Array2<f64>, slips: &mut Slips) {
    let (n, c) = t.dim();
    let right = Op::Loss(objective).value(&[p, t]);
    let mean = match objective {
        Objective::Ce(by) | Objective::Mse(by) | Objective::Bce(by) => by == Reduction::Mean,
    };
    if objective.probabilities() {
        let what = "that is the logarithm to base 10: L takes ln, to base e";
        slips.own(what, &right / std::f64::consts::LN_10);
        let what = "that is the logarithm to base 2: L takes ln, to base e";
        slips.own(what, &right / std::f64::consts::LN_2);
        slips.own("the minus before the sum is missing", -&right);
        let all = p.iter().map(|&p| -ln(p)).sum::<f64>();
        let factor = objective.factor(n, c);
        let what = "every ln p is in the sum: only that of the target counts";
        slips.own(what, Array2::from_elem((1, 1), factor * all));
    } else {
        let differences = p - t;
        let factor = objective.factor(n, c) / 2.0;
        let one = |value: f64| Array2::from_elem((1, 1), factor * value);
        slips.own("the differences are not squared", one(differences.sum()));
        slips.own(
            "the differences are not squared",
            one(differences.mapv(f64::abs).sum()),
        );
        slips.own(
            "the sum is squared, and not each difference",
            one(differences.sum().powi(2)),
        );
        slips.own(
            "the targets are not subtracted",
            one(p.mapv(|p| p * p).sum()),
        );
    }
    if mean {
        let all = (n * c) as f64;
        match objective {
            Objective::Ce(_) => {
                slips.own("the 1/N of the mean is missing", &right * n as f64);
                slips.own(
                    "divided by C as well: the mean is over the rows",
                    &right / c as f64,
                );
            }
            _ => {
                slips.own("the 1/(N·C) of the mean is missing", &right * all);
                slips.own(
                    "divided by N alone: the mean is over all N·C numbers",
                    &right * c as f64,
                );
                slips.own(
                    "divided by C alone: the mean is over all N·C numbers",
                    &right * n as f64,
                );
            }
        }
    }
    slips.own("there is a ½ too many", &right / 2.0);
}

fn of_loss_gradient(objective: Objective, p: &Array2<f64>, t: &Array2<f64>, slips: &mut Slips) {
    let (n, c) = t.dim();
    let right = Op::LossGradient(objective).value(&[p, t]);
    let factor = objective.factor(n, c);
    slips.known(Mistake::Sign, -&right);
    match objective {
        Objective::Mse(_) => {
            slips.known(Mistake::TwoMissing, &right / 2.0);
            slips.known(Mistake::ResForDiff, p * factor);
            slips.known(Mistake::MeanMissing, &right * (n * c) as f64);
            slips.known(Mistake::MeanOverOthers, &right * c as f64);
            slips.own("2 and 1/(N·C) are both missing", p - t);
        }
        Objective::Ce(_) | Objective::Bce(_) => {
            slips.known(Mistake::TargetNotSubtracted, p * factor);
            slips.known(Mistake::OneOverP, -t / p * factor);
            slips.known(Mistake::MeanMissing, p - t);
            slips.known(Mistake::MeanOverOthers, &right / c as f64);
            let slopes = p.mapv(|p| p * (1.0 - p));
            let besides = match objective {
                Objective::Ce(_) => Mistake::SoftmaxSlopeBesides,
                _ => Mistake::SigmoidSlopeBesides,
            };
            slips.known(besides, &right * &slopes);
        }
    }
}

fn of_slope(activation: Activation, [dy, x, y]: [&Array2<f64>; 3], slips: &mut Slips) {
    let ones = Array2::ones(dy.dim());
    let slopes = slope(activation, &ones, x, y);
    match activation {
        Activation::Relu => {
            slips.known(Mistake::ReluMaskMissing, dy.clone());
            slips.known(Mistake::ReluMaskInverted, dy * &slopes.mapv(|s| 1.0 - s));
            slips.known(Mistake::ReluMaskOfGradient, dy.mapv(|d| d.max(0.0)));
        }
        _ => {
            slips.known(Mistake::SlopeMissing, dy.clone());
            slips.known(Mistake::SlopeFromX, slope(activation, dy, x, x));
            slips.known(Mistake::SlopeAtOutput, {
                let mut again = Array2::zeros(y.dim());
                activation.module::<f64>().forward(y, &mut again);
                slope(activation, dy, y, &again)
            });
        }
    }
    slips.known(Mistake::UpstreamIgnored, slopes);
    let what = "multiplied by the number before the activation, and not by its slope";
    slips.own(what, dy * x);
    slips.own(
        "multiplied by the output of the activation, and not by its slope",
        dy * y,
    );
}

fn weight_gradient(x: &Array2<f64>, dy: &Array2<f64>, slips: &mut Slips) {
    let right = product(&x.t().to_owned(), dy);
    if right.is_square() {
        let turned = right.t().to_owned();
        slips.own(
            "rows and columns are exchanged: row i of dw is of input i",
            turned,
        );
    }
    let n = x.nrows();
    if n > 1 {
        slips.known(Mistake::MeanTwice, &right / n as f64);
        for row in 0..n {
            let one = product(
                &x.select(Axis(0), &[row]).reversed_axes(),
                &dy.select(Axis(0), &[row]),
            );
            slips.own(format!("row {row} is missing in the sum"), &right - &one);
            slips.known(Mistake::WeightNotSummed, one);
        }
    }
    slips.own(
        "that is the gradient alone: the input is missing",
        Array2::from_shape_fn(right.dim(), |(_, o)| dy[[0, o]]),
    );
}

fn bias_gradient(dy: &Array2<f64>, slips: &mut Slips) {
    let n = dy.nrows();
    let sum = dy.sum_axis(Axis(0)).insert_axis(Axis(0));
    if n > 1 {
        slips.known(Mistake::BiasAveraged, &sum / n as f64);
        for row in 0..n {
            slips.known(Mistake::BiasNotSummed, dy.select(Axis(0), &[row]));
        }
    }
    slips.known(Mistake::BiasScalar, Array2::from_elem(sum.dim(), sum.sum()));
}

fn input_gradient(dy: &Array2<f64>, w: &Array2<f64>, slips: &mut Slips) {
    if w.is_square() {
        slips.known(Mistake::WeightNotTransposed, product(dy, w));
    }
    let right = product(dy, &w.t().to_owned());
    for o in 0..dy.ncols() {
        let term = product(
            &dy.select(Axis(1), &[o]),
            &w.select(Axis(1), &[o]).reversed_axes(),
        );
        slips.own(
            format!("the product with unit {o} above is missing"),
            &right - &term,
        );
        slips.own(
            format!("the product with unit {o} above has the wrong sign"),
            &right - &(&term * 2.0),
        );
    }
}
