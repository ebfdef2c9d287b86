//! The lines of a worksheet: each makes one matrix of earlier ones.

use ndarray::{Array2, Axis};

use crate::{
    check::mistakes::Objective,
    linalg::{
        functions::{exp, ln, sigmoid},
        matmul,
    },
    nn::Activation,
};

/// What a line belongs to, in the order of the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// z = x·w + b
    Z,
    /// h = f(z)
    H,
    /// p, the softmax or the sigmoid of the outputs.
    P,
    /// L
    Loss,
    /// ∂L/∂z
    Dz,
    /// ∂L/∂w
    Dw,
    /// ∂L/∂b
    Db,
    /// ∂L/∂h
    Dh,
    /// One step of SGD.
    Step,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Z,
        Self::H,
        Self::P,
        Self::Loss,
        Self::Dz,
        Self::Dw,
        Self::Db,
        Self::Dh,
        Self::Step,
    ];

    /// Its name, such as `dz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Z => "z",
            Self::H => "h",
            Self::P => "p",
            Self::Loss => "loss",
            Self::Dz => "dz",
            Self::Dw => "dw",
            Self::Db => "db",
            Self::Dh => "dh",
            Self::Step => "step",
        }
    }

    /// Whether it is of the backward pass.
    pub fn backward(self) -> bool {
        matches!(self, Self::Dz | Self::Dw | Self::Db | Self::Dh)
    }
}

/// How a line comes from its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    /// Nothing to compute.
    Given,
    /// x, w, b: x·w + b
    Linear,
    /// x: f(x)
    Activation(Activation),
    /// z: e^z / Σ e^z, row by row
    Softmax,
    /// z: 1 / (1 + e^−z)
    Sigmoid,
    /// p or z, and t: L
    Loss(Objective),
    /// p or z, and t: dz
    LossGradient(Objective),
    /// dy, x, y: dy·∂y/∂x
    Slope(Activation),
    /// x, dy: xᵀ·dy
    WeightGradient,
    /// dy: Σₙ dy
    BiasGradient,
    /// dy, w: dy·wᵀ
    InputGradient,
    /// v, dv: v − lr·dv
    Update(f64),
}

impl Op {
    /// The matrix that these inputs make. Panics if their number or shapes do not fit.
    pub(super) fn value(self, inputs: &[&Array2<f64>]) -> Array2<f64> {
        match (self, inputs) {
            (Self::Linear, &[x, w, b]) => product(x, w) + b,
            (Self::Activation(activation), &[x]) => {
                let mut y = Array2::zeros(x.dim());
                activation.module::<f64>().forward(x, &mut y);
                y
            }
            (Self::Softmax, &[z]) => softmax(z),
            (Self::Sigmoid, &[z]) => z.mapv(sigmoid),
            (Self::Loss(objective), &[p, t]) => Array2::from_elem((1, 1), loss(objective, p, t)),
            (Self::LossGradient(objective), &[p, t]) => {
                let (n, c) = t.dim();
                let p = match objective {
                    // For targets that do not sum to 1, the softmax has their sum as weight.
                    Objective::Ce(_) => p * &t.sum_axis(Axis(1)).insert_axis(Axis(1)),
                    _ => p.clone(),
                };
                (p - t) * objective.factor(n, c)
            }
            (Self::Slope(activation), &[dy, x, y]) => slope(activation, dy, x, y),
            (Self::WeightGradient, &[x, dy]) => product(&x.t().to_owned(), dy),
            (Self::BiasGradient, &[dy]) => dy.sum_axis(Axis(0)).insert_axis(Axis(0)),
            (Self::InputGradient, &[dy, w]) => product(dy, &w.t().to_owned()),
            (Self::Update(rate), &[v, dv]) => v - &(dv * rate),
            _ => unreachable!("{self:?} with {} inputs", inputs.len()),
        }
    }

    /// How often a number is rounded until it is written down, by somebody who notes what a line is made of.
    pub(super) fn roundings(self, inputs: &[&Array2<f64>]) -> usize {
        match (self, inputs) {
            (Self::Linear, &[x, ..]) => x.ncols(),
            (Self::Activation(Activation::Relu) | Self::BiasGradient | Self::Update(_), _) => 1,
            (Self::Loss(_), &[_, t]) => t.len() + 1,
            (Self::WeightGradient, &[_, dy]) => dy.nrows(),
            (Self::InputGradient, &[dy, _]) => dy.ncols(),
            _ => 2,
        }
    }
}

/// a·b, with the same bits on every machine.
pub(super) fn product(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    matmul(a, b, &mut c);
    c
}

/// dx of an activation.
pub(super) fn slope(
    activation: Activation,
    dy: &Array2<f64>,
    x: &Array2<f64>,
    y: &Array2<f64>,
) -> Array2<f64> {
    let mut dx = Array2::zeros(x.dim());
    activation.module::<f64>().backward_input(x, y, dy, &mut dx);
    dx
}

pub(super) fn softmax(z: &Array2<f64>) -> Array2<f64> {
    let mut p = z.clone();
    for mut row in p.rows_mut() {
        let highest = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        row.mapv_inplace(|z| exp(z - highest));
        let sum = row.sum();
        row /= sum;
    }
    p
}

fn loss(objective: Objective, p: &Array2<f64>, t: &Array2<f64>) -> f64 {
    let (n, c) = t.dim();
    let factor = objective.factor(n, c);
    let pairs = p.iter().zip(t);
    // Where the share is 0 a probability of 0 costs nothing.
    let cost = |share: f64, p: f64| match share {
        0.0 => 0.0,
        share => -share * ln(p),
    };
    match objective {
        Objective::Ce(_) => factor * pairs.map(|(&p, &t)| cost(t, p)).sum::<f64>(),
        Objective::Bce(_) => {
            let costs = pairs.map(|(&p, &t)| cost(t, p) + cost(1.0 - t, 1.0 - p));
            factor * costs.sum::<f64>()
        }
        Objective::Mse(_) => factor / 2.0 * pairs.map(|(z, t)| (z - t) * (z - t)).sum::<f64>(),
    }
}

/// One line of the sheet, or what is given.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, such as `z1` or `dw2`.
    pub name: String,
    /// What it belongs to; none if it is given.
    pub part: Option<Part>,
    /// The formula, such as `z1 = x·w1 + b1`.
    pub formula: String,
    /// The shapes, such as `(1, 2)·(2, 2) + (1, 2) = (1, 2)`.
    pub shapes: String,
    pub(super) op: Op,
    pub(super) inputs: Vec<usize>,
    /// Whether a pass ends with it.
    pub(super) last: bool,
    /// The number of its axes.
    pub(super) axes: usize,
}

impl Line {
    /// The name of an element: `z1[0][1]`, `db1[1]`, or `L`.
    pub fn element(&self, (row, column): (usize, usize)) -> String {
        let name = &self.name;
        match self.axes {
            0 => name.clone(),
            1 => format!("{name}[{column}]"),
            _ => format!("{name}[{row}][{column}]"),
        }
    }
}
