//! The lines of a problem: which there are, in which order, and what they are called.

use ndarray::Array2;

use super::line::{Line, Op, Part};
use crate::{
    check::mistakes::{Objective, Problem, Reduction, Step},
    nn::renamed,
};

/// The t within a formula is not the target.
const INNER: (&str, &str) = ("t", "u");

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
                    let formula = renamed(y, &[("x", script.name(input)), INNER]);
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
                (format!("−Σ t·ln p{mean}"), ("p − t".to_owned(), mean))
            }
            Objective::Bce(by) => {
                let mean = mean(by, n * c, &over_all);
                let l = format!("−Σ (t·ln p + (1 − t)·ln(1 − p)){mean}");
                (l, ("p − t".to_owned(), mean))
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
                    let names = [
                        ("dy", &*dy_name),
                        ("x", &*x_name),
                        ("y", self.name(y)),
                        INNER,
                    ];
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
                        format!("(1, {o})"),
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
