//! The lines of a worksheet: each makes one matrix of earlier ones.

use ndarray::{Array2, Axis};

use crate::{
    check::mistakes::{Objective, Problem, Reduction, Step},
    linalg::{
        functions::{exp, ln, sigmoid},
        matmul,
    },
    nn::{Activation, renamed},
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

/// The lines of a problem in the order in which one computes them, and the values of those that are given.
pub(super) struct Script {
    pub(super) lines: Vec<Line>,
    pub(super) given: Vec<Array2<f64>>,
}

impl Script {
    /// The script of a problem. Panics if it has dropout.
    pub(super) fn new(problem: &Problem, rate: f64, biases: bool) -> Self {
        let mut script = Self {
            lines: Vec::new(),
            given: Vec::new(),
        };
        let mut x = script.give("x", &problem.x, 2);
        // Of each module: its line, the line of its input, and those of its parameters.
        let mut modules = Vec::new();
        let mut layer = 0;
        let parameters: Vec<_> = problem
            .linears()
            .into_iter()
            .enumerate()
            .map(|(layer, m)| match &problem.steps[m] {
                Step::Linear { w, b } => [
                    script.give(&format!("w{}", layer + 1), w, 2),
                    script.give(&format!("b{}", layer + 1), b, 1),
                ],
                _ => unreachable!("a module with parameters"),
            })
            .collect();
        let t = script.give("t", &problem.t, 2);
        for step in &problem.steps {
            let input = x;
            x = match step {
                Step::Linear { w, .. } => {
                    let [w_line, b_line] = parameters[layer];
                    layer += 1;
                    let ((i, o), n) = (w.dim(), problem.n());
                    script.add(
                        &format!("z{layer}"),
                        Part::Z,
                        &format!("{}·w{layer} + b{layer}", script.name(input)),
                        format!("({n}, {i})·({i}, {o}) + (1, {o}) = ({n}, {o})"),
                        Op::Linear,
                        vec![input, w_line, b_line],
                    )
                }
                Step::Activation(activation) => {
                    let y = activation.about().formula.y;
                    let formula = renamed(y, &[("x", script.name(input))]);
                    let op = Op::Activation(*activation);
                    let shapes = script.shape(input, problem);
                    script.add(
                        &format!("h{layer}"),
                        Part::H,
                        &formula,
                        shapes,
                        op,
                        vec![input],
                    )
                }
                Step::Mask(_) => unreachable!("a worksheet has no dropout"),
            };
            modules.push((x, input));
        }
        let end = script.loss(x, t, problem);
        script.backward(end, &modules, problem);
        script.step(&parameters, rate, biases);
        script
    }

    fn give(&mut self, name: &str, value: &Array2<f64>, axes: usize) -> usize {
        self.given.push(value.clone());
        self.lines.push(Line {
            name: name.to_owned(),
            part: None,
            formula: String::new(),
            shapes: format!("({}, {})", value.nrows(), value.ncols()),
            op: Op::Given,
            inputs: Vec::new(),
            last: false,
            axes,
        });
        self.lines.len() - 1
    }

    fn add(
        &mut self,
        name: &str,
        part: Part,
        formula: &str,
        shapes: String,
        op: Op,
        inputs: Vec<usize>,
    ) -> usize {
        self.lines.push(Line {
            name: name.to_owned(),
            part: Some(part),
            formula: format!("{name} = {formula}"),
            shapes,
            op,
            inputs,
            last: false,
            axes: 2,
        });
        self.lines.len() - 1
    }

    fn name(&self, line: usize) -> &str {
        &self.lines[line].name
    }

    /// `(N, O)` of a line of the passes.
    fn shape(&self, line: usize, problem: &Problem) -> String {
        let layer: usize = self.name(line)[1..].parse().unwrap_or(0);
        let width = match layer {
            0 => problem.x.ncols(),
            layer => problem.widths()[problem.linears()[layer - 1]],
        };
        format!("({}, {width})", problem.n())
    }

    /// The lines of p, L, and the gradient of the outputs; the last of them.
    fn loss(&mut self, outputs: usize, t: usize, problem: &Problem) -> usize {
        let objective = problem.objective;
        let (n, c) = problem.t.dim();
        let shape = format!("({n}, {c})");
        let z = self.name(outputs).to_owned();
        let (p, letter) = match objective {
            Objective::Ce(_) => {
                let formula = format!("e^{z} / Σ e^{z}, the sum over the row");
                let op = Op::Softmax;
                let p = self.add("p", Part::P, &formula, shape.clone(), op, vec![outputs]);
                (p, "p".to_owned())
            }
            Objective::Bce(_) => {
                let formula = format!("1 / (1 + e^−{z})");
                let op = Op::Sigmoid;
                let p = self.add("p", Part::P, &formula, shape.clone(), op, vec![outputs]);
                (p, "p".to_owned())
            }
            Objective::Mse(_) => (outputs, z.clone()),
        };
        let mean = |by: Reduction, count: usize, over: &str| match by {
            Reduction::Mean if count > 1 => format!(" / {over}"),
            _ => String::new(),
        };
        let over_all = format!("(N·C), N·C = {}", n * c);
        let over_rows = format!("N, N = {n}");
        let (of_l, of_dz) = match objective {
            Objective::Ce(by) => {
                let mean = mean(by, n, &over_rows);
                (format!("−Σ t·ln p{mean}"), (format!("p − t"), mean))
            }
            Objective::Bce(by) => {
                let mean = mean(by, n * c, &over_all);
                let l = format!("−Σ (t·ln p + (1 − t)·ln(1 − p)){mean}");
                (l, (format!("p − t"), mean))
            }
            Objective::Mse(by) => {
                let mean = mean(by, n * c, &over_all);
                let (half, two) = match by {
                    Reduction::Half => ("½·", ""),
                    _ => ("", "2·"),
                };
                let dz = match two {
                    "" => format!("{letter} − t"),
                    two => format!("{two}({letter} − t)"),
                };
                (format!("{half}Σ ({letter} − t)²{mean}"), (dz, mean))
            }
        };
        let dz = match &of_dz {
            (dz, mean) if mean.is_empty() || dz.starts_with('2') => format!("{dz}{mean}"),
            (dz, mean) => format!("({dz}){mean}"),
        };
        let l = self.add(
            "L",
            Part::Loss,
            &of_l,
            "a number".into(),
            Op::Loss(objective),
            vec![p, t],
        );
        self.lines[l].axes = 0;
        self.lines[l].last = true;
        let name = format!("d{z}");
        let op = Op::LossGradient(objective);
        self.add(&name, part_of(&name), &dz, shape, op, vec![p, t])
    }

    /// The lines from the gradient of the outputs down to the first parameters.
    fn backward(&mut self, end: usize, modules: &[(usize, usize)], problem: &Problem) {
        let mut dy = end;
        for (&(y, x), step) in modules.iter().zip(&problem.steps).rev() {
            let dy_name = self.name(dy).to_owned();
            let x_name = self.name(x).to_owned();
            let name = format!("d{x_name}");
            match step {
                Step::Activation(activation) => {
                    let names = [("dy", &*dy_name), ("x", &*x_name), ("y", self.name(y))];
                    let formula = renamed(activation.about().formula.dx, &names);
                    let shapes = self.shape(x, problem);
                    let op = Op::Slope(*activation);
                    dy = self.add(&name, part_of(&name), &formula, shapes, op, vec![dy, x, y]);
                }
                Step::Linear { w, .. } => {
                    let layer = self.name(y)[1..].to_owned();
                    let ((i, o), n) = (w.dim(), problem.n());
                    let w_line = self.lines[y].inputs[1];
                    let dw = self.add(
                        &format!("dw{layer}"),
                        Part::Dw,
                        &format!("{x_name}ᵀ·{dy_name}"),
                        format!("({i}, {n})·({n}, {o}) = ({i}, {o})"),
                        Op::WeightGradient,
                        vec![x, dy],
                    );
                    let db = self.add(
                        &format!("db{layer}"),
                        Part::Db,
                        &match n {
                            1 => format!("{dy_name}, of the only row"),
                            _ => format!("Σ {dy_name}, the sum over the rows"),
                        },
                        format!("({o})"),
                        Op::BiasGradient,
                        vec![dy],
                    );
                    self.lines[db].axes = 1;
                    if self.lines[x].op == Op::Given {
                        self.lines[dw].last = true;
                        self.lines[db].last = true;
                        return;
                    }
                    dy = self.add(
                        &name,
                        part_of(&name),
                        &format!("{dy_name}·w{layer}ᵀ"),
                        format!("({n}, {o})·({o}, {i}) = ({n}, {i})"),
                        Op::InputGradient,
                        vec![dy, w_line],
                    );
                }
                Step::Mask(_) => unreachable!("a worksheet has no dropout"),
            }
        }
    }

    /// One step of SGD, from the last layer to the first as the gradients came.
    fn step(&mut self, parameters: &[[usize; 2]], rate: f64, biases: bool) {
        for &[w, b] in parameters.iter().rev() {
            let kept = match biases {
                true => &[w, b][..],
                false => &[w],
            };
            for &v in kept {
                let name = self.name(v).to_owned();
                let gradient = format!("d{name}");
                let dv = self.lines.iter().position(|line| line.name == gradient);
                let dv = dv.expect("a gradient for each parameter");
                let new = self.add(
                    &format!("{name}_new"),
                    Part::Step,
                    &format!("{name} − lr·{gradient}, lr = {rate}"),
                    self.lines[v].shapes.clone(),
                    Op::Update(rate),
                    vec![v, dv],
                );
                self.lines[new].axes = self.lines[v].axes;
                self.lines[new].last = v == parameters[0][0] || v == parameters[0][1];
            }
        }
    }

    /// The value of every line.
    pub(super) fn values(&self) -> Vec<Array2<f64>> {
        let values = values_while(&self.lines, self.given.clone(), |_, _| true);
        values.expect("no line is refused")
    }

    /// What is given of a problem, in the order of its script.
    pub(super) fn given(problem: &Problem) -> Vec<Array2<f64>> {
        let parameters = problem.steps.iter().flat_map(|step| match step {
            Step::Linear { w, b } => vec![w.clone(), b.clone()],
            _ => Vec::new(),
        });
        let x = std::iter::once(problem.x.clone());
        x.chain(parameters).chain([problem.t.clone()]).collect()
    }
}

/// The value of every line, those given first; none if `accept` refuses one.
pub(super) fn values_while(
    lines: &[Line],
    mut values: Vec<Array2<f64>>,
    accept: impl Fn(&Line, &Array2<f64>) -> bool,
) -> Option<Vec<Array2<f64>>> {
    let given = lines.iter().zip(&values);
    if !given.into_iter().all(|(line, value)| accept(line, value)) {
        return None;
    }
    for line in &lines[values.len()..] {
        let inputs: Vec<_> = line.inputs.iter().map(|&input| &values[input]).collect();
        let value = line.op.value(&inputs);
        if !accept(line, &value) {
            return None;
        }
        values.push(value);
    }
    Some(values)
}

/// The part of a gradient of the passes.
fn part_of(name: &str) -> Part {
    match name.starts_with("dh") {
        true => Part::Dh,
        false => Part::Dz,
    }
}
