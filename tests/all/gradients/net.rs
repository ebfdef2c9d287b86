//! Small networks with any activation at the end and any targets: against differences, against PyTorch, and
//! against numbers that were published.

use std::path::Path;

use mlp::{
    check::{
        Pass, Settings, check_problem,
        mistakes::{Objective, Problem, Reduction, Step},
    },
    files::net::{Net, read},
    nn::{Activation, Mlp},
    rng::{Purpose, generator},
};
use ndarray::{Array2, array};
use ndarray_rand::{RandomExt, rand_distr::StandardNormal};

fn example(name: &str) -> Net {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nets");
    read(&folder.join(name)).unwrap()
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found}, expected {expected}"
    );
}

#[track_caller]
fn all_close(found: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(found.dim(), expected.dim());
    for (found, expected) in found.iter().zip(expected) {
        close(*found, *expected, 1e-12);
    }
}

/// A random problem 3-5-4-2 with these activations, without biases of 0.
fn random(hidden: Activation, last: Option<Activation>, objective: Objective, n: usize) -> Problem {
    let mut rng = generator(7, Purpose::Check);
    let mut normal = |shape| Array2::<f64>::random_using(shape, StandardNormal, &mut rng);
    let mut steps = Vec::new();
    for (io, activation) in
        [(3, 5), (5, 4), (4, 2)]
            .into_iter()
            .zip([Some(hidden), Some(hidden), last])
    {
        steps.push(Step::Linear {
            w: normal(io),
            b: normal((1, io.1)),
        });
        steps.extend(activation.map(Step::Activation));
    }
    let x = normal((n, 3));
    let t = match objective {
        Objective::Mse(_) => normal((n, 2)) * 3.0,
        // Neither 0 nor 1.
        Objective::Bce(_) => normal((n, 2)).mapv(|z| 1.0 / (1.0 + (-z).exp())),
        // Not even one-hot.
        Objective::Ce(_) => {
            let p = normal((n, 1)).mapv(|z| 1.0 / (1.0 + (-z).exp()));
            ndarray::concatenate![ndarray::Axis(1), p, 1.0 - &p]
        }
    };
    Problem {
        steps,
        x,
        t,
        classes: None,
        objective,
        pixels: false,
        others: None,
    }
}

const OBJECTIVES: [Objective; 7] = [
    Objective::Mse(Reduction::Mean),
    Objective::Mse(Reduction::Half),
    Objective::Mse(Reduction::Sum),
    Objective::Ce(Reduction::Mean),
    Objective::Ce(Reduction::Sum),
    Objective::Bce(Reduction::Mean),
    Objective::Bce(Reduction::Sum),
];

#[test]
fn every_activation_stands_at_the_end_of_every_loss() {
    let lasts = Activation::ALL.map(Some).into_iter().chain([None]);
    for last in lasts {
        for objective in OBJECTIVES {
            for n in [1, 4] {
                let problem = random(Activation::Tanh, last, objective, n);
                for report in check_problem(&problem, &Settings::default()) {
                    assert!(report.passed, "{last:?} {objective:?} {n}: {report:?}");
                    assert!(report.checked > 0);
                }
            }
        }
    }
    for hidden in Activation::ALL {
        let problem = random(hidden, None, Objective::Mse(Reduction::Mean), 4);
        let reports = check_problem(&problem, &Settings::default());
        assert!(reports.iter().all(|report| report.passed), "{reports:?}");
    }
}

#[test]
fn numbers_of_any_size_are_checked() {
    for last in [None, Some(Activation::Sigmoid), Some(Activation::Relu)] {
        for objective in OBJECTIVES {
            let mut problem = random(Activation::Tanh, last, objective, 4);
            problem.x *= 2000.0;
            if !objective.probabilities() {
                problem.t *= 1e5;
            }
            let reports = check_problem(&problem, &Settings::default());
            assert!(
                reports.iter().all(|report| report.passed),
                "{last:?} {objective:?}: {reports:?}"
            );
        }
    }
}

#[test]
fn a_sigmoid_is_the_softmax_of_two_classes_whose_first_logit_is_0() {
    let z = array![[1.5], [-0.25], [-800.0], [30.0]];
    let t = array![[1.0], [0.0], [0.25], [1.0]];
    let [two_z, two_t] = [(&z * 0.0, &z), (1.0 - &t, &t)]
        .map(|(first, second)| ndarray::concatenate![ndarray::Axis(1), first, *second]);
    for reduction in [Reduction::Mean, Reduction::Sum] {
        let (bce, ce) = (Objective::Bce(reduction), Objective::Ce(reduction));
        close(bce.value(&z, &t), ce.value(&two_z, &two_t), 1e-12);
        let second = ce.gradient(&two_z, &two_t);
        let second = second.column(1).to_owned().insert_axis(ndarray::Axis(1));
        all_close(&bce.gradient(&z, &t), &second);
    }
}

#[test]
fn the_gradient_is_that_of_its_own_reduction() {
    let problem = random(Activation::Tanh, None, Objective::Mse(Reduction::Sum), 4);
    let with = |objective| {
        let problem = Problem {
            objective,
            ..problem.clone()
        };
        Pass::new(&problem).network.param(4, 1).grad[[0, 0]]
    };
    let eps = 1e-5;
    let at = |change: f64| {
        let mut moved = problem.clone();
        if let Step::Linear { b, .. } = &mut moved.steps[4] {
            b[[0, 0]] += change;
        }
        Pass::new(&moved).loss
    };
    let slope = (at(eps) - at(-eps)) / (2.0 * eps);
    let (sum, half, mean) = (
        with(Objective::Mse(Reduction::Sum)),
        with(Objective::Mse(Reduction::Half)),
        with(Objective::Mse(Reduction::Mean)),
    );
    close(sum, slope, 1e-6 * slope.abs());
    close(half, sum / 2.0, 1e-12 * slope.abs());
    close(mean, sum / 8.0, 1e-12 * slope.abs()); // N·C = 4·2
}

#[test]
fn at_a_kink_the_side_without_slope_counts() {
    // Both hidden units of XOR with weights of people: z is exactly 0 in some rows.
    let problem = Problem {
        steps: vec![
            Step::Linear {
                w: array![[1.0, 1.0], [1.0, 1.0]],
                b: array![[0.0, -1.0]],
            },
            Step::Activation(Activation::Relu),
            Step::Linear {
                w: array![[1.0], [-2.0]],
                b: array![[0.0]],
            },
            Step::Activation(Activation::Relu),
        ],
        x: array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
        t: array![[0.5], [0.75], [1.25], [-0.5]],
        classes: None,
        objective: Objective::Mse(Reduction::Mean),
        pixels: false,
        others: None,
    };
    for report in check_problem(&problem, &Settings::default()) {
        assert!(report.passed && report.checked > 0, "{report:?}");
    }
}

/// A parameter of a network.
fn value(network: &Mlp<f64>, m: usize, p: usize) -> &Array2<f64> {
    &network.param(m, p).value
}

/// Source: M. Mazur, "A Step by Step Backpropagation Example", 2015. Weights are w (I, O) here.
#[test]
fn the_published_example_comes_out_to_its_last_digit() {
    let net = example("mazur.json");
    let pass = Pass::new(&net.problem);
    let digits = 0.5e-9;
    close(pass.loss, 0.298371109, digits);
    close(pass.x[2][[0, 0]], 0.593269992, digits);
    close(pass.x[2][[0, 1]], 0.596884378, digits);
    close(pass.x[4][[0, 0]], 0.75136507, digits);
    close(pass.x[4][[0, 1]], 0.772928465, digits);
    close(pass.network.param(2, 0).grad[[0, 0]], 0.082167041, digits);
    close(pass.network.param(0, 0).grad[[0, 0]], 0.000438568, digits);

    assert!(!net.train_biases, "he keeps the biases");
    let (after, loss) = pass.step(&net.problem, net.learning_rate, net.train_biases);
    let (w, v) = (value(&after, 0, 0), value(&after, 2, 0));
    for (found, published) in [
        (w[[0, 0]], 0.149780716),
        (w[[1, 0]], 0.19956143),
        (w[[0, 1]], 0.24975114),
        (w[[1, 1]], 0.29950229),
        (v[[0, 0]], 0.35891648),
        (v[[1, 0]], 0.408666186),
        (v[[0, 1]], 0.511301270),
        (v[[1, 1]], 0.561370121),
    ] {
        // Some are given with 8 digits.
        close(found, published, 5e-9);
    }
    assert_eq!(value(&after, 0, 1), array![[0.35, 0.35]]);
    assert_eq!(value(&after, 2, 1), array![[0.6, 0.6]]);
    // What his own weights above give, to all their digits.
    close(loss, 0.291027774, digits);

    // His 0.291027924 comes from other weights than he lists: those of a hidden layer whose gradients went
    // through the output layer after its step, not before.
    let mut late = net.problem.clone();
    if let Step::Linear { w, .. } = &mut late.steps[2] {
        w.assign(v);
    }
    let d = pass.dx[3].dot(&v.t()) * &pass.x[2] * (1.0 - &pass.x[2]);
    if let Step::Linear { w, .. } = &mut late.steps[0] {
        *w -= &(net.learning_rate * net.problem.x.t().dot(&d));
    }
    close(Pass::new(&late).loss, 0.291027924, digits);

    // And with the biases in the step:
    let (_, loss) = pass.step(&net.problem, net.learning_rate, true);
    close(loss, 0.28047144679143016, 1e-14);
}

/// From PyTorch in float64: `torch.nn.Sequential(Linear(4, 4), ReLU(), Linear(4, 1), ReLU())` with the
/// parameters of the file, `mse_loss`, and one step of `torch.optim.SGD(lr=0.1)`.
#[test]
fn the_network_of_the_lesson_is_that_of_pytorch() {
    let net = example("lesson-4-4-1.json");
    let pass = Pass::new(&net.problem);
    close(pass.loss, 0.46922500000000006, 1e-12);
    let y = [
        array![[1.0, 0.5, -1.0, 2.0]],
        array![[1.0, -1.2, 1.05, 0.35]],
        array![[1.0, 0.0, 1.05, 0.35]],
        array![[1.685]],
        array![[1.685]],
    ];
    let dy = [
        array![[0.6576, 0.1781, 1.0412, 1.0686]],
        array![[0.959, 0.0, 0.548, 1.233]],
        array![[0.959, -0.822, 0.548, 1.233]],
        array![[1.37]],
        array![[1.37]],
    ];
    for m in 0..5 {
        all_close(&pass.x[m], &y[m]);
        all_close(&pass.dx[m], &dy[m]);
    }
    let gradients = [
        array![
            [0.959, 0.4795, -0.959, 1.918],
            [0.0, 0.0, 0.0, 0.0],
            [0.548, 0.274, -0.548, 1.096],
            [1.233, 0.6165, -1.233, 2.466]
        ],
        array![[0.959, 0.0, 0.548, 1.233]],
        array![[1.37, 0.0, 1.4385, 0.4795]],
        array![[1.37]],
    ];
    let after = [
        array![
            [0.1041, -0.44795, 0.1959, 0.3082],
            [0.3, 0.6, 0.2, -0.7],
            [-0.5548, 0.7726, -0.2452, 0.2904],
            [0.4767, 0.03835, 1.0233, 0.0534]
        ],
        array![[0.0041, -0.2, -0.0048, -0.1233]],
        array![[0.563, -0.6, 0.25615, 0.85205]],
        array![[0.113]],
    ];
    let (network, loss) = pass.step(&net.problem, net.learning_rate, net.train_biases);
    let params = pass.network.params().zip(network.params());
    for (p, ((_, before), (_, stepped))) in params.enumerate() {
        let pytorch = |of: &Array2<f64>| match before.name {
            "weight" => of.t().to_owned(),
            _ => of.clone(),
        };
        all_close(&pytorch(&before.grad), &gradients[p]);
        all_close(&pytorch(&stepped.value), &after[p]);
    }
    close(loss, 0.3005788519805185, 1e-12);
}
