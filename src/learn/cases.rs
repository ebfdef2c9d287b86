//! What an exercise is fed, and what must come out.
//!
//! The first call is that of the docstring's example; the others are random, drawn anew for every check. What is
//! right is computed by the modules that train, or for a Jacobian by central differences.

use std::path::Path;

use ndarray::{Array1, Array2, ArrayD, Axis, array};
use ndarray_rand::rand::Rng;
use ndarray_rand::rand_distr::Distribution;
use rand_chacha::ChaCha8Rng;

use super::{
    protocol::Value,
    slips::{self, Named},
};
use crate::{
    check::{
        Pass,
        mistakes::{NamedArray, Objective, Precision, Problem, Reduction, Step},
    },
    nn::Activation,
    rng::{Purpose, StandardNormal, generator},
};

/// One call of a student's functions.
#[derive(Clone, Debug)]
pub struct Case {
    /// The arguments with their names.
    pub arguments: Vec<(String, Value)>,
    /// What must come out, in the order in which it is computed.
    pub expected: Vec<Expected>,
    /// Whether it is the example of the docstring.
    pub example: bool,
    /// The network that the numbers are of, and what is right of it already, as in a file of gradients.
    pub problem: Option<(Problem, Vec<NamedArray>)>,
}

/// A result.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Its name in the exercise.
    pub name: String,
    /// Which number of the network it is, such as `2.weight`.
    pub place: Option<String>,
    /// The right one.
    pub value: ArrayD<f64>,
    /// What known mistakes make of it.
    pub slips: Vec<(Named, ArrayD<f64>)>,
    /// How far off it may be, as a share of the largest element, besides rounding.
    pub tolerance: f64,
}

impl Expected {
    fn new(name: &str, value: impl Into<ArrayD<f64>>) -> Self {
        Self {
            name: name.to_owned(),
            place: None,
            value: value.into(),
            slips: Vec::new(),
            tolerance: 0.0,
        }
    }

    fn at(self, place: &str) -> Self {
        Self {
            place: Some(place.to_owned()),
            ..self
        }
    }

    fn slips(self, slips: Vec<(Named, ArrayD<f64>)>) -> Self {
        Self { slips, ..self }
    }
}

/// An array as the argument of a call.
fn floats<D: ndarray::Dimension>(name: &str, array: &ndarray::Array<f64, D>) -> (String, Value) {
    (name.to_owned(), Value::Floats(array.clone().into_dyn()))
}

fn scalar(value: f64) -> ArrayD<f64> {
    ArrayD::from_elem(vec![], value)
}

fn classes(name: &str, classes: &[usize]) -> (String, Value) {
    (name.to_owned(), Value::Whole(classes.to_vec()))
}

/// Random numbers of three decimals, so that they can be read in a report; none is 0.
struct Random(ChaCha8Rng, StandardNormal);

impl Random {
    fn number(&mut self, scale: f64) -> f64 {
        loop {
            let normal: f64 = self.1.sample(&mut self.0);
            let rounded = (normal * scale * 1e3).round() / 1e3;
            if rounded != 0.0 {
                return rounded;
            }
        }
    }

    fn matrix(&mut self, shape: (usize, usize)) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || self.number(1.0))
    }

    /// Outputs (N, 1) for digits: some above them, some below.
    fn digits(&mut self, n: usize) -> Array2<f64> {
        self.matrix((n, 1)) * 4.0 + 4.5
    }

    fn vector(&mut self, n: usize) -> Array1<f64> {
        Array1::from_shape_simple_fn(n, || self.number(1.0))
    }

    /// Classes, all of them among the first rows.
    fn classes(&mut self, n: usize, c: usize) -> Vec<usize> {
        let mut classes: Vec<_> = (0..n).map(|n| n % c).collect();
        for last in (1..n).rev() {
            classes.swap(last, self.0.random_range(0..=last));
        }
        classes
    }

    /// lin → relu → … → lin with so many units.
    fn problem(&mut self, n: usize, widths: &[usize], kind: Kind) -> (Problem, Vec<usize>) {
        let mut steps = Vec::new();
        for (k, io) in widths.windows(2).enumerate() {
            if k > 0 {
                steps.push(Step::Activation(Activation::Relu));
            }
            steps.push(Step::Linear {
                w: self.matrix((io[0], io[1])),
                b: self.matrix((1, io[1])),
            });
        }
        let (x, other) = (self.matrix((n, widths[0])), self.matrix((n, widths[0])));
        let c = widths[widths.len() - 1];
        let draw = |random: &mut Self| match kind {
            Kind::Digit => random.classes(n, 10),
            _ => random.classes(n, c),
        };
        let (target, others) = (draw(self), draw(self));
        let encode = |target: &[usize]| match kind {
            Kind::Digit => Array2::from_shape_fn((n, 1), |(n, _)| target[n] as f64),
            _ => one_hot(target, c),
        };
        let problem = Problem {
            steps,
            x,
            t: encode(&target),
            classes: Some(target.iter().map(|&class| class as u8).collect()),
            objective: match kind {
                Kind::CrossEntropy => Objective::Ce(Reduction::Mean),
                _ => Objective::Mse(Reduction::Mean),
            },
            pixels: false,
            others: Some((other, encode(&others))),
        };
        (problem, target)
    }
}

/// What a network's outputs are compared with.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Digit,
    OneHot,
    CrossEntropy,
}

fn one_hot(target: &[usize], c: usize) -> Array2<f64> {
    Array2::from_shape_fn((target.len(), c), |(n, c)| f64::from(target[n] == c))
}

fn digits(target: &[usize]) -> Array1<f64> {
    target.iter().map(|&digit| digit as f64).collect()
}

/// A right number, as a file of gradients would have it.
fn given(place: &str, array: &Array2<f64>) -> NamedArray {
    NamedArray {
        name: place.to_owned(),
        shape: array.shape().to_vec(),
        values: array.iter().copied().collect(),
        precision: Precision::F64,
    }
}

/// w and b of a module of a problem; the bias as a vector.
fn parameters(problem: &Problem, m: usize) -> (&Array2<f64>, Array1<f64>) {
    match &problem.steps[m] {
        Step::Linear { w, b } => (w, b.row(0).to_owned()),
        _ => unreachable!("a linear module"),
    }
}

/// The gradients of a module's parameters.
fn gradients(pass: &Pass, m: usize) -> (Array2<f64>, Array1<f64>) {
    let params = pass.network.modules()[m].params();
    let [w, b] = params.expect("a linear module");
    (w.grad.clone(), b.grad.row(0).to_owned())
}

/// The calls of an exercise, or nothing if it has none of this kind.
pub(super) fn cases(exercise: &str, seed: u64) -> Vec<Case> {
    let random = &mut Random(generator(seed, Purpose::Check), StandardNormal::default());
    match exercise {
        "lin" => lin(random),
        "relu" => relu(random),
        "mse" => mse(random),
        "mse_onehot" => mse_onehot(random),
        "mse_grad" => mse_grad(random),
        "mse_onehot_grad" => mse_onehot_grad(random),
        "lin_grad" => lin_grad(random),
        "relu_grad" => relu_grad(random),
        "forward_and_backward" => two_layers(random, false),
        "classes" => two_layers(random, true),
        "module" => module(random),
        "layers" => layers(random),
        "softmax" => softmax(random),
        "logsumexp" => logsumexp(random),
        "log_softmax" => log_softmax(random),
        "nll" => nll(random),
        "cross_entropy" => cross_entropy(random),
        "sgd" => sgd(random),
        "jacobian_sum" => jacobian_sum(random),
        "jacobian_product" => jacobian_product(random),
        "jacobian_matvec" => jacobian_matvec(random),
        "jacobian_chain" => jacobian_chain(random),
        "jacobian_softmax" => jacobian_softmax(random),
        _ => Vec::new(),
    }
}

/// The call of the training loop: `pixels` (N, I) and `labels` are files of bytes.
pub(super) fn training(pixels: &Path, labels: &Path, shape: [usize; 2]) -> Case {
    Case {
        arguments: vec![
            ("x".into(), Value::Pixels(pixels.into(), shape)),
            ("target".into(), Value::Classes(labels.into(), shape[0])),
        ],
        expected: Vec::new(),
        example: false,
        problem: None,
    }
}

fn plain(arguments: Vec<(String, Value)>, expected: Vec<Expected>) -> Case {
    Case {
        arguments,
        expected,
        example: false,
        problem: None,
    }
}

/// The docstring's example, and the calls after it.
fn with_example(example: Case, others: impl IntoIterator<Item = Case>) -> Vec<Case> {
    let example = Case {
        example: true,
        ..example
    };
    std::iter::once(example).chain(others).collect()
}

/// (N, I, H, C): sizes that differ, so that no wrong shape fits, and square layers, where a wrong one does.
const SIZES: [(usize, usize, usize, usize); 2] = [(6, 5, 4, 3), (7, 4, 4, 4)];

fn lin(random: &mut Random) -> Vec<Case> {
    let case = |x: Array2<f64>, w: Array2<f64>, b: Array1<f64>| {
        let product = x.dot(&w);
        let y = &product + &b;
        let slips = slips::lin((&x, &w, &b), &product);
        plain(
            vec![floats("x", &x), floats("w", &w), floats("b", &b)],
            vec![Expected::new("y", y.into_dyn()).slips(slips)],
        )
    };
    let example = case(
        array![[1.0, 2.0]],
        array![[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]],
        array![0.1, 0.2, 0.3],
    );
    let random = SIZES.map(|(n, i, h, _)| {
        case(
            random.matrix((n, i)),
            random.matrix((i, h)),
            random.vector(h),
        )
    });
    with_example(example, random)
}

fn relu(random: &mut Random) -> Vec<Case> {
    let case = |x: Array2<f64>| {
        let slips = slips::relu(&x);
        let y = x.mapv(|x| x.max(0.0)).into_dyn();
        plain(
            vec![floats("x", &x)],
            vec![Expected::new("y", y).slips(slips)],
        )
    };
    let example = case(array![[-1.0, 2.0, -3.0, 4.0]]);
    let random = SIZES.map(|(n, i, ..)| case(random.matrix((n, i))));
    with_example(example, random)
}

fn mse(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>, t: Vec<usize>| {
        let t = digits(&t);
        let column = t.clone().insert_axis(Axis(1));
        let loss = Objective::Mse(Reduction::Mean).value(&z, &column);
        plain(
            vec![floats("output", &z), floats("target", &t)],
            vec![Expected::new("loss", scalar(loss)).slips(slips::mse(&z, &column))],
        )
    };
    let example = case(array![[3.0], [4.0]], vec![5, 4]);
    let random = SIZES.map(|(n, ..)| case(random.digits(n), random.classes(n, 10)));
    with_example(example, random)
}

fn mse_onehot(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>, t: Vec<usize>| {
        let q = one_hot(&t, z.ncols());
        let loss = Objective::Mse(Reduction::Mean).value(&z, &q);
        let mut slips = slips::mse(&z, &q);
        slips.extend(slips::of_classes(&z, &t));
        plain(
            vec![floats("output", &z), classes("target", &t)],
            vec![Expected::new("loss", scalar(loss)).slips(slips)],
        )
    };
    let example = case(array![[0.5, 0.5], [0.0, 1.0]], vec![0, 1]);
    let random = SIZES.map(|(n, _, _, c)| case(random.matrix((n, c)), random.classes(n, c)));
    with_example(example, random)
}

/// The gradient of outputs alone: a network that is its last layer.
fn of_outputs(
    z: &Array2<f64>,
    t: Array2<f64>,
    classes: &[usize],
    objective: Objective,
) -> (Problem, Vec<NamedArray>) {
    let c = z.ncols();
    let problem = Problem {
        steps: vec![Step::Linear {
            w: Array2::eye(c),
            b: Array2::zeros((1, c)),
        }],
        x: z.clone(),
        t,
        classes: Some(classes.iter().map(|&class| class as u8).collect()),
        objective,
        pixels: false,
        others: None,
    };
    (problem, vec![given("0.y", z)])
}

fn mse_grad(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>, t: Vec<usize>| {
        let (target, column) = (digits(&t), digits(&t).insert_axis(Axis(1)));
        let objective = Objective::Mse(Reduction::Mean);
        let dz = objective.gradient(&z, &column);
        Case {
            problem: Some(of_outputs(&z, column, &t, objective)),
            ..plain(
                vec![floats("output", &z), floats("target", &target)],
                vec![Expected::new("dz", dz.into_dyn()).at("0.dy")],
            )
        }
    };
    let example = case(array![[3.0], [4.0]], vec![5, 4]);
    let random = SIZES.map(|(n, ..)| case(random.digits(n), random.classes(n, 10)));
    with_example(example, random)
}

fn mse_onehot_grad(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>, t: Vec<usize>| {
        let q = one_hot(&t, z.ncols());
        let objective = Objective::Mse(Reduction::Mean);
        let dz = objective.gradient(&z, &q);
        Case {
            problem: Some(of_outputs(&z, q, &t, objective)),
            ..plain(
                vec![floats("output", &z), classes("target", &t)],
                vec![Expected::new("dz", dz.into_dyn()).at("0.dy")],
            )
        }
    };
    let example = case(array![[0.5, 0.5], [0.0, 1.0]], vec![0, 1]);
    let random = SIZES.map(|(n, _, _, c)| case(random.matrix((n, c)), random.classes(n, c)));
    with_example(example, random)
}

fn lin_grad(random: &mut Random) -> Vec<Case> {
    let example = {
        let (x, w) = (array![[1.0, 2.0], [0.0, 1.0]], array![[3.0], [4.0]]);
        let dy = array![[0.5], [-1.0]];
        plain(
            vec![floats("x", &x), floats("w", &w), floats("dy", &dy)],
            vec![
                Expected::new("dx", dy.dot(&w.t()).into_dyn()),
                Expected::new("dw", x.t().dot(&dy).into_dyn()),
                Expected::new("db", dy.sum_axis(Axis(0)).into_dyn()),
            ],
        )
    };
    let random = SIZES.map(|(n, i, h, c)| {
        let (problem, _) = random.problem(n, &[i, h, c], Kind::OneHot);
        let pass = Pass::new(&problem);
        let (dw, db) = gradients(&pass, 2);
        let (w, _) = parameters(&problem, 2);
        let arguments = vec![
            floats("x", &pass.x[2]),
            floats("w", w),
            floats("dy", &pass.dx[3]),
        ];
        let expected = vec![
            Expected::new("dx", pass.dx[2].clone().into_dyn()).at("1.dy"),
            Expected::new("dw", dw.into_dyn()).at("2.weight"),
            Expected::new("db", db.into_dyn()).at("2.bias"),
        ];
        let known = vec![
            given("0.y", &pass.x[1]),
            given("1.y", &pass.x[2]),
            given("2.y", &pass.x[3]),
            given("2.dy", &pass.dx[3]),
        ];
        Case {
            problem: Some((problem, known)),
            ..plain(arguments, expected)
        }
    });
    with_example(example, random)
}

fn relu_grad(random: &mut Random) -> Vec<Case> {
    let example = {
        let (x, dy) = (
            array![[-1.0, 2.0, -3.0, 4.0]],
            array![[5.0, -6.0, 7.0, 8.0]],
        );
        let dx = array![[0.0, -6.0, 0.0, 8.0]];
        plain(
            vec![floats("x", &x), floats("dy", &dy)],
            vec![Expected::new("dx", dx.into_dyn())],
        )
    };
    let random = SIZES.map(|(n, i, h, c)| {
        let (problem, _) = random.problem(n, &[i, h, c], Kind::OneHot);
        let pass = Pass::new(&problem);
        let arguments = vec![floats("x", &pass.x[1]), floats("dy", &pass.dx[2])];
        let slips = slips::relu_grad(&pass.x[1], &pass.dx[2]);
        let expected = vec![
            Expected::new("dx", pass.dx[1].clone().into_dyn())
                .at("0.dy")
                .slips(slips),
        ];
        let known = vec![
            given("0.y", &pass.x[1]),
            given("1.y", &pass.x[2]),
            given("2.y", &pass.x[3]),
            given("2.dy", &pass.dx[3]),
            given("1.dy", &pass.dx[2]),
        ];
        Case {
            problem: Some((problem, known)),
            ..plain(arguments, expected)
        }
    });
    with_example(example, random)
}

/// A whole network of two layers and mse; with rows of another batch where objects could keep them.
fn two_layers(random: &mut Random, objects: bool) -> Vec<Case> {
    let cases = SIZES.map(|(n, i, h, _)| {
        let (problem, target) = random.problem(n, &[i, h, 1], Kind::Digit);
        let pass = Pass::new(&problem);
        let ((w1, b1), (w2, b2)) = (parameters(&problem, 0), parameters(&problem, 2));
        let mut arguments = vec![
            floats("x", &problem.x),
            floats("w1", w1),
            floats("b1", &b1),
            floats("w2", w2),
            floats("b2", &b2),
            floats("target", &digits(&target)),
        ];
        if let (true, Some((other, _))) = (objects, &problem.others) {
            arguments.push(floats("other", other));
        }
        let ((dw1, db1), (dw2, db2)) = (gradients(&pass, 0), gradients(&pass, 2));
        let at = |name, array: ArrayD<f64>, place| Expected::new(name, array).at(place);
        let expected = vec![
            at("l1", pass.x[1].clone().into_dyn(), "0.y"),
            at("l2", pass.x[2].clone().into_dyn(), "1.y"),
            at("z", pass.x[3].clone().into_dyn(), "2.y"),
            at("loss", scalar(pass.loss), "loss").slips(slips::mse(&pass.x[3], &problem.t)),
            at("dz", pass.dx[3].clone().into_dyn(), "2.dy"),
            at("dl2", pass.dx[2].clone().into_dyn(), "1.dy"),
            at("dw2", dw2.into_dyn(), "2.weight"),
            at("db2", db2.into_dyn(), "2.bias"),
            at("dl1", pass.dx[1].clone().into_dyn(), "0.dy"),
            at("dw1", dw1.into_dyn(), "0.weight"),
            at("db1", db1.into_dyn(), "0.bias"),
        ];
        Case {
            problem: Some((problem, Vec::new())),
            ..plain(arguments, expected)
        }
    });
    cases.into()
}

fn module(random: &mut Random) -> Vec<Case> {
    let mut cases = two_layers(random, true);
    for case in &mut cases {
        let Some((_, Value::Floats(x))) = case.arguments.first() else {
            unreachable!("x is the first argument")
        };
        let tripled = x.mapv(|x| 3.0 * x);
        case.expected.push(Expected::new("module", tripled.clone()));
        case.expected.push(Expected::new("dmodule", tripled));
    }
    cases
}

fn layers(random: &mut Random) -> Vec<Case> {
    // One layer, two that differ, and three hidden ones of one width, in which masks can be mistaken.
    let shapes: [(usize, &[usize]); 3] = [(4, &[3, 2]), (6, &[5, 4, 3]), (8, &[5, 4, 4, 4, 3])];
    let cases = shapes.map(|(n, widths)| {
        let (problem, _) = random.problem(n, widths, Kind::CrossEntropy);
        let pass = Pass::new(&problem);
        let last = problem.steps.len();
        let mut arguments = vec![floats("x", &problem.x), floats("dz", &pass.dx[last])];
        if let Some((other, _)) = &problem.others {
            arguments.push(floats("other", other));
        }
        let z = pass.x[last].clone().into_dyn();
        let mut expected = vec![Expected::new("z", z).at(&format!("{}.y", last - 1))];
        for (k, m) in problem.linears().into_iter().enumerate() {
            let ((w, b), (dw, db)) = (parameters(&problem, m), gradients(&pass, m));
            let [w_name, b_name] = ["w", "b"].map(|letter| format!("{letter}{}", k + 1));
            arguments.extend([floats(&w_name, w), floats(&b_name, &b)]);
            expected.extend([
                Expected::new(&format!("d{w_name}"), dw.into_dyn()).at(&format!("{m}.weight")),
                Expected::new(&format!("d{b_name}"), db.into_dyn()).at(&format!("{m}.bias")),
            ]);
        }
        let known = vec![given(&format!("{}.dy", last - 1), &pass.dx[last])];
        Case {
            problem: Some((problem, known)),
            ..plain(arguments, expected)
        }
    });
    cases.into()
}

fn log_p(z: &Array2<f64>) -> Array2<f64> {
    z - &lse(z)
}

/// ln Σ e^z of each row, (N, 1).
fn lse(z: &Array2<f64>) -> Array2<f64> {
    let each = z.map_axis(Axis(1), |row| {
        let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        m + row.mapv(|z| (z - m).exp()).sum().ln()
    });
    each.insert_axis(Axis(1))
}

fn softmax(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>| {
        let p = log_p(&z).mapv(f64::exp);
        let slips = slips::softmax(&z);
        plain(
            vec![floats("z", &z)],
            vec![Expected::new("p", p.into_dyn()).slips(slips)],
        )
    };
    let example = case(array![[0.0, 0.0], [0.0, 3.0_f64.ln()]]);
    let random = SIZES.map(|(n, _, _, c)| case(random.matrix((n, c))));
    with_example(example, random)
}

/// Outputs so large and so small that e^z is infinite, or every e^z of a row 0 unless its own maximum is taken out; and
/// a row whose first output is so much larger than the others that their probabilities are no numbers above 0.
fn extreme(z: &Array2<f64>) -> Array2<f64> {
    let mut z = z * 3.0;
    for (n, mut row) in z.rows_mut().into_iter().enumerate() {
        match n % 4 {
            0 => row += 1000.0,
            1 => row -= 1000.0,
            2 => row[0] += 1000.0,
            _ => {}
        }
    }
    z
}

fn logsumexp(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>| {
        let value = lse(&z);
        let slips = slips::logsumexp(&z);
        plain(
            vec![floats("z", &z)],
            vec![Expected::new("lse", value.into_dyn()).slips(slips)],
        )
    };
    let example = case(array![[0.0, 0.0], [1000.0, 1000.0]]);
    let [one, other] = SIZES.map(|(n, _, _, c)| random.matrix((n, c)));
    with_example(
        example,
        [case(one.clone()), case(other), case(extreme(&one))],
    )
}

fn log_softmax(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>| {
        let slips = slips::log_softmax(&z);
        let value = log_p(&z);
        plain(
            vec![floats("z", &z)],
            vec![Expected::new("log_p", value.into_dyn()).slips(slips)],
        )
    };
    let example = case(array![[0.0, 1000.0]]);
    let [one, other] = SIZES.map(|(n, _, _, c)| random.matrix((n, c)));
    with_example(
        example,
        [case(one.clone()), case(other), case(extreme(&one))],
    )
}

fn nll(random: &mut Random) -> Vec<Case> {
    let case = |log_p: Array2<f64>, t: Vec<usize>| {
        let picked: f64 = t.iter().enumerate().map(|(n, &t)| log_p[[n, t]]).sum();
        let loss = -picked / t.len() as f64;
        let slips = slips::nll(&log_p, &t);
        plain(
            vec![floats("log_p", &log_p), classes("target", &t)],
            vec![Expected::new("loss", scalar(loss)).slips(slips)],
        )
    };
    let example = case(array![[-0.5, -1.0], [-2.0, -0.25]], vec![0, 1]);
    let random = SIZES.map(|(n, _, _, c)| {
        let log_p = log_p(&random.matrix((n, c))).mapv(|v| (v * 1e3).round() / 1e3);
        case(log_p, random.classes(n, c))
    });
    with_example(example, random)
}

fn cross_entropy(random: &mut Random) -> Vec<Case> {
    let case = |z: Array2<f64>, t: Vec<usize>| {
        let objective = Objective::Ce(Reduction::Mean);
        let q = one_hot(&t, z.ncols());
        let (loss, dz) = (objective.value(&z, &q), objective.gradient(&z, &q));
        let slips = slips::nll(&log_p(&z), &t);
        Case {
            problem: Some(of_outputs(&z, q, &t, objective)),
            ..plain(
                vec![floats("z", &z), classes("target", &t)],
                vec![
                    Expected::new("loss", scalar(loss)).at("loss").slips(slips),
                    Expected::new("dz", dz.into_dyn())
                        .at("0.dy")
                        .slips(slips::ce_gradient(&z, &t)),
                ],
            )
        }
    };
    let example = case(array![[0.0, 0.0]], vec![1]);
    let [(one, t), (other, u)] =
        SIZES.map(|(n, _, _, c)| (random.matrix((n, c)), random.classes(n, c)));
    // The target of a row with one large output is another: a logarithm of 0, if it is one of a probability.
    let away: Vec<_> = t
        .iter()
        .enumerate()
        .map(|(n, &class)| if n % 4 == 2 { class.max(1) } else { class })
        .collect();
    with_example(
        example,
        [
            case(one.clone(), t.clone()),
            case(other, u),
            case(extreme(&one), away),
        ],
    )
}

fn sgd(random: &mut Random) -> Vec<Case> {
    let cases = SIZES.map(|(_, i, h, _)| {
        let [w, dw] = [(); 2].map(|()| [random.matrix((i, h)), random.matrix((1, h))]);
        let lr = 0.1 + (random.number(1.0).abs() * 100.0).round() / 1000.0;
        let mut arguments = vec![("lr".to_owned(), Value::Floats(scalar(lr)))];
        let mut expected = Vec::new();
        for (k, (w, dw)) in w.iter().zip(&dw).enumerate() {
            let name = format!("w{}", k + 1);
            arguments.extend([floats(&name, w), floats(&format!("d{name}"), dw)]);
            let after = w - &(dw * lr);
            let slips = slips::sgd(w, dw, lr);
            expected.push(Expected::new(&name, after.into_dyn()).slips(slips));
        }
        for (k, dw) in dw.iter().enumerate() {
            let zero = Array2::zeros(dw.dim()).into_dyn();
            let kept = vec![(Named::NOT_ZEROED, dw.clone().into_dyn())];
            expected.push(Expected::new(&format!("dw{}", k + 1), zero).slips(kept));
        }
        plain(arguments, expected)
    });
    cases.into()
}

/// The Jacobian (O, I) of f at x, by central differences: good to eight digits or so.
fn jacobian(f: impl Fn(&Array1<f64>) -> Array1<f64>, x: &Array1<f64>) -> Array2<f64> {
    const STEP: f64 = 1e-5;
    let mut j = Array2::zeros((f(x).len(), x.len()));
    for (i, mut column) in j.columns_mut().into_iter().enumerate() {
        let at = |step: f64| {
            let mut x = x.clone();
            x[i] += step;
            f(&x)
        };
        column.assign(&((at(STEP) - at(-STEP)) / (2.0 * STEP)));
    }
    j
}

/// What a Jacobian by central differences is right to.
const DIFFERENCES: f64 = 1e-7;

fn expected_jacobian(name: &str, j: Array2<f64>, slips: Vec<(Named, ArrayD<f64>)>) -> Expected {
    Expected {
        tolerance: DIFFERENCES,
        ..Expected::new(name, j.into_dyn()).slips(slips)
    }
}

fn jacobian_sum(random: &mut Random) -> Vec<Case> {
    let case = |x: Array1<f64>, a: Array1<f64>| {
        let f = |x: &Array1<f64>| array![(x - &a).mapv(|d| d * d).sum()];
        let j = jacobian(f, &x);
        let slips = slips::jacobian_sum(&x, &a);
        plain(
            vec![floats("x", &x), floats("a", &a)],
            vec![expected_jacobian("J", j, slips)],
        )
    };
    let example = case(array![1.0, 2.0], array![0.0, 5.0]);
    let random = [3, 5].map(|n| case(random.vector(n), random.vector(n)));
    with_example(example, random)
}

fn jacobian_product(random: &mut Random) -> Vec<Case> {
    let case = |x: Array1<f64>, a: Array1<f64>| {
        let j = jacobian(|x: &Array1<f64>| &a * &(x * x), &x);
        let slips = slips::jacobian_product(&x, &a);
        plain(
            vec![floats("x", &x), floats("a", &a)],
            vec![expected_jacobian("J", j, slips)],
        )
    };
    let example = case(array![1.0, 2.0], array![3.0, 4.0]);
    let random = [3, 5].map(|n| case(random.vector(n), random.vector(n)));
    with_example(example, random)
}

fn jacobian_matvec(random: &mut Random) -> Vec<Case> {
    let case = |w: Array2<f64>, x: Array1<f64>, u: Array1<f64>| {
        let j = jacobian(|x: &Array1<f64>| w.dot(x), &x);
        // L by all elements of w in a row.
        let flat = w.flatten().to_owned();
        let of_w = |w_flat: &Array1<f64>| {
            let w = w_flat.to_shape(w.dim()).expect("as many");
            array![u.dot(&w.dot(&x))]
        };
        let dw = jacobian(of_w, &flat);
        let dw = dw.to_shape(w.dim()).expect("as many").to_owned();
        let (of_j, of_dw) = slips::jacobian_matvec(&w, &x, &u);
        plain(
            vec![floats("w", &w), floats("x", &x), floats("u", &u)],
            vec![
                expected_jacobian("J", j, of_j),
                expected_jacobian("dw", dw, of_dw),
            ],
        )
    };
    let example = case(array![[1.0, 2.0]], array![3.0, 4.0], array![10.0]);
    let random = [(3, 4), (4, 4)]
        .map(|(o, i)| case(random.matrix((o, i)), random.vector(i), random.vector(o)));
    with_example(example, random)
}

fn jacobian_chain(random: &mut Random) -> Vec<Case> {
    let case = |w1: Array2<f64>, w2: Array2<f64>, x: Array1<f64>| {
        let j = jacobian(|x: &Array1<f64>| w2.dot(&w1.dot(x).mapv(f64::tanh)), &x);
        let slips = slips::jacobian_chain(&w1, &w2, &x);
        plain(
            vec![floats("w1", &w1), floats("w2", &w2), floats("x", &x)],
            vec![expected_jacobian("J", j, slips)],
        )
    };
    let example = case(array![[1.0], [0.0]], array![[2.0, 3.0]], array![0.0]);
    let random = [(3, 4, 2), (3, 3, 3)].map(|(i, h, o)| {
        // Of a size at which tanh is neither straight nor flat.
        let w1 = random.matrix((h, i)) * 0.5;
        case(w1, random.matrix((o, h)), random.vector(i))
    });
    with_example(example, random)
}

fn jacobian_softmax(random: &mut Random) -> Vec<Case> {
    let p = |z: &Array1<f64>| log_p(&z.clone().insert_axis(Axis(0))).row(0).mapv(f64::exp);
    let case = |z: Array1<f64>| {
        let j = jacobian(p, &z);
        let slips = slips::jacobian_softmax(&p(&z));
        plain(
            vec![floats("z", &z)],
            vec![expected_jacobian("J", j, slips)],
        )
    };
    let example = case(array![0.0, 0.0]);
    let random = [3, 5].map(|n| case(random.vector(n)));
    with_example(example, random)
}
