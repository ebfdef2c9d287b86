//! The mistakes people make in backpropagation, planted on purpose: the checker must catch each.
//!
//! Every test first passes the correct version through the same check, so that what fails afterwards
//! fails for the mistake alone.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use mlp::{
    check::{
        Settings, TensorReport, check_loss, check_module, check_network, off_zero, random_images,
    },
    loss::{CrossEntropy, Decoding, Loss, Mse, SmoothedCrossEntropy, Target},
    nn::{
        Activation, Dropout, Kind, Linear, Mlp, Module, Param, ReLU, ScaledTanh, Sigmoid, Tanh,
        kaiming_uniform,
    },
    rng::{Noise, Purpose, generator},
};
use ndarray::{Array1, Array2, ArrayRef1, ArrayRef2, ArrayView1, ArrayViewMut1, Axis, Zip};
use ndarray_rand::{RandomExt, rand_distr::StandardNormal};

type A1 = ArrayRef1<f64>;
type A2 = ArrayRef2<f64>;

const SIZES: [(usize, usize, usize); 3] = [(2, 4, 4), (5, 9, 9), (16, 30, 30)];
const SEEDS: [u64; 3] = [1, 2, 3];

fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        ..Settings::default()
    }
}

fn passed(reports: &[TensorReport]) -> bool {
    reports.iter().all(|report| report.passed)
}

/// The tensors that the checker calls wrong must be exactly `wrong`.
fn assert_wrong(reports: &[TensorReport], wrong: &[&str], what: &str) {
    let found: Vec<_> = reports
        .iter()
        .filter(|r| !r.passed)
        .map(|r| r.name.as_str())
        .collect();
    assert_eq!(found, wrong, "{what}");
}

fn random(shape: (usize, usize), seed: u64) -> Array2<f64> {
    Array2::random_using(shape, StandardNormal, &mut generator(seed, Purpose::Init))
}

/// Each size and seed: a correct linear layer, and inputs for it.
fn linears() -> impl Iterator<Item = (Linear<f64>, Array2<f64>, u64)> {
    SIZES.into_iter().flat_map(|(n, i, o)| {
        SEEDS.into_iter().map(move |seed| {
            let w = random((i, o), seed + 100);
            let b = random((1, o), seed + 200).remove_axis(Axis(0));
            (Linear::new(w, b), random((n, i), seed), seed)
        })
    })
}

/// A linear layer with `param` computing its gradient another way must fail there and nowhere else.
fn planted_in_param(param: usize, mistake: fn(&A2, &A2, &mut A2), what: &str) {
    for (mut linear, x, seed) in linears() {
        assert!(
            passed(&check_module(&mut linear, &x, &settings(seed))),
            "correct: {what}"
        );
        let wrong = if param == 0 {
            &mut linear.w
        } else {
            &mut linear.b
        };
        wrong.gradient = mistake;
        let name = wrong.name;
        assert_wrong(
            &check_module(&mut linear, &x, &settings(seed)),
            &[name],
            what,
        );
    }
}

#[test]
fn a_bias_gradient_not_summed_over_the_batch_is_caught() {
    planted_in_param(
        1,
        |_x, dy, db| db.assign(&dy.row(0)),
        "one image's row for the sum",
    );
}

#[test]
fn a_bias_gradient_averaged_over_the_batch_is_caught() {
    planted_in_param(
        1,
        |_x, dy, db| db.row_mut(0).assign(&dy.mean_axis(Axis(0)).unwrap()),
        "mean",
    );
}

#[test]
fn a_weight_gradient_with_the_sign_flipped_is_caught() {
    planted_in_param(0, |x, dy, dw| dw.assign(&-x.t().dot(dy)), "−xᵀ·dy");
}

#[test]
fn a_weight_gradient_not_transposed_is_caught() {
    planted_in_param(
        0,
        |x, dy, dw| dw.assign(&dy.t().dot(x)),
        "dyᵀ·x, which has the same shape",
    );
}

#[test]
fn a_weight_gradient_that_ignores_the_gradient_from_above_is_caught() {
    planted_in_param(
        0,
        |x, dy, dw| dw.assign(&x.t().dot(&Array2::<f64>::ones(dy.dim()))),
        "xᵀ·1",
    );
}

/// A module whose dx is computed another way.
struct WrongInput<M> {
    module: M,
    dx: fn(&M, x: &A2, y: &A2, dy: &A2, dx: &mut A2),
}

impl<M: Module<f64>> Module<f64> for WrongInput<M> {
    fn forward(&self, x: &A2, y: &mut A2) {
        self.module.forward(x, y);
    }
    fn backward_input(&self, x: &A2, y: &A2, dy: &A2, dx: &mut A2) {
        (self.dx)(&self.module, x, y, dy, dx);
    }
    fn params(&self) -> Option<[&Param<f64>; 2]> {
        self.module.params()
    }
    fn params_mut(&mut self) -> Option<[&mut Param<f64>; 2]> {
        self.module.params_mut()
    }
    fn outputs(&self, inputs: usize) -> usize {
        self.module.outputs(inputs)
    }
    fn kind(&self) -> Kind {
        self.module.kind()
    }
    fn smooth_between(&self, x0: &A2, x1: &A2) -> bool {
        self.module.smooth_between(x0, x1)
    }
}

#[test]
fn w_not_transposed_in_dx_is_caught() {
    for (mut module, x, seed) in linears() {
        let correct = check_module(&mut module, &x, &settings(seed));
        assert!(passed(&correct), "correct: dy·wᵀ");
        // Square, or the shapes alone would tell.
        let dx = |linear: &Linear<f64>, _x: &A2, _y: &A2, dy: &A2, dx: &mut A2| {
            dx.assign(&dy.dot(&linear.w.value));
        };
        let mut wrong = WrongInput { module, dx };
        assert_wrong(
            &check_module(&mut wrong, &x, &settings(seed)),
            &["dx"],
            "dy·w",
        );
    }
}

fn planted_in_relu(dx: fn(&ReLU, &A2, &A2, &A2, &mut A2), what: &str) {
    planted_in_input(|| ReLU, dx, what);
}

fn planted_in_input<M: Module<f64>>(
    correct: fn() -> M,
    dx: fn(&M, x: &A2, y: &A2, dy: &A2, dx: &mut A2),
    what: &str,
) {
    for (n, i, _) in SIZES {
        for seed in SEEDS {
            let x = off_zero((n, i), 0.01, &mut generator(seed, Purpose::Init));
            assert!(
                passed(&check_module(&mut correct(), &x, &settings(seed))),
                "correct: {what}"
            );
            let mut wrong = WrongInput {
                module: correct(),
                dx,
            };
            assert_wrong(
                &check_module(&mut wrong, &x, &settings(seed)),
                &["dx"],
                what,
            );
        }
    }
}

#[test]
fn a_missing_relu_mask_is_caught() {
    planted_in_relu(|_, _x, _y, dy, dx| dx.assign(dy), "dx = dy");
}

#[test]
fn a_relu_that_ignores_the_gradient_from_above_is_caught() {
    planted_in_relu(
        |_, x, _y, _dy, dx| {
            Zip::from(dx)
                .and(x)
                .for_each(|dx, &x| *dx = f64::from(x > 0.0))
        },
        "dx = mask",
    );
}

#[test]
fn a_tanh_whose_slope_is_taken_from_x_for_y_is_caught() {
    planted_in_input(
        || Tanh,
        |_, x, _y, dy, dx| dx.assign(&(dy * (1.0 - &(x * x)))),
        "1 − x² for 1 − y²",
    );
    planted_in_input(
        || Sigmoid,
        |_, x, _y, dy, dx| dx.assign(&(dy * x * (1.0 - x))),
        "x·(1 − x) for y·(1 − y)",
    );
}

#[test]
fn a_scaled_tanh_with_the_slope_of_the_plain_one_is_caught() {
    planted_in_input(
        || ScaledTanh,
        |_, _x, y, dy, dx| dx.assign(&(dy * (1.0 - &(y * y)))),
        "1 − y²",
    );
    planted_in_input(
        || ScaledTanh,
        |_, _x, y, dy, dx| dx.assign(&(dy * (ScaledTanh::A.powi(2) - &(y * y)) / ScaledTanh::A)),
        "b left out",
    );
}

#[test]
fn a_dropout_that_forgets_its_mask_or_its_scale_on_the_way_back_is_caught() {
    let correct = || Dropout::new(0.4).mask(Noise::new(1, 1, 1));
    planted_in_input(correct, |_, _x, _y, dy, dx| dx.assign(dy), "dx = dy");
    planted_in_input(
        correct,
        |_, _x, y, dy, dx| dx.assign(&(y.mapv(|y| f64::from(y != 0.0)) * dy)),
        "1/(1 − p) left out",
    );
    planted_in_input(
        correct,
        |_, _x, y, dy, dx| dx.assign(&(y.mapv(|y| f64::from(y != 0.0) / 0.4) * dy)),
        "p for 1 − p",
    );
    planted_in_input(
        correct,
        |_, x, y, dy, dx| {
            let another = Dropout::new(0.4).mask(Noise::new(9, 9, 9));
            another.backward_input(x, y, dy, dx);
        },
        "another mask",
    );
}

/// One object for every ReLU of a network, which remembers the last input it saw: after the forward
/// pass that is the input of the last ReLU, whichever layer asks.
#[derive(Clone)]
struct SharedReLU(Arc<Mutex<Array2<f64>>>);

impl Module<f64> for SharedReLU {
    fn forward(&self, x: &A2, y: &mut A2) {
        *self.0.lock().unwrap() = x.to_owned();
        ReLU.forward(x, y);
    }
    fn backward_input(&self, _x: &A2, y: &A2, dy: &A2, dx: &mut A2) {
        let remembered = self.0.lock().unwrap();
        let images = remembered.nrows().min(dy.nrows());
        let rows = ndarray::s![..images, ..];
        ReLU.backward_input(
            &remembered.slice(rows),
            &y.slice(rows),
            &dy.slice(rows),
            &mut dx.slice_mut(rows),
        );
    }
    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }
    fn kind(&self) -> Kind {
        Kind::Activation(Activation::Relu)
    }
    fn smooth_between(&self, x0: &A2, x1: &A2) -> bool {
        ReLU.smooth_between(x0, x1)
    }
}

/// A network of two hidden layers of equal width, as one can write it down with one ReLU for both.
fn two_hidden(
    width: usize,
    seed: u64,
    relus: [Box<dyn Module<f64>>; 2],
    outputs: usize,
) -> Mlp<f64> {
    let mut rng = generator(seed, Purpose::Init);
    let [relu1, relu2] = relus;
    let mut linear = |i, o| Box::new(kaiming_uniform(i, o, &mut rng)) as Box<dyn Module<f64>>;
    let modules = vec![
        linear(12, width),
        relu1,
        linear(width, width),
        relu2,
        linear(width, outputs),
    ];
    Mlp::new(12, modules)
}

#[test]
fn one_relu_object_shared_by_two_layers_is_caught() {
    for width in [6, 20] {
        for seed in SEEDS {
            let images = random_images(8, 12, seed);
            let check = |network| {
                check_network(
                    network,
                    &CrossEntropy,
                    &images.x,
                    &images.targets,
                    &settings(seed),
                )
            };
            assert!(passed(&check(two_hidden(
                width,
                seed,
                [Box::new(ReLU), Box::new(ReLU)],
                10
            ))));
            let shared = SharedReLU(Arc::default());
            let relus: [Box<dyn Module<f64>>; 2] = [Box::new(shared.clone()), Box::new(shared)];
            let reports = check(two_hidden(width, seed, relus, 10));
            // What comes before the first of the two gets its mask; the rest is right.
            assert_wrong(&reports, &["0.weight", "0.bias"], "mask of the last layer");
        }
    }
}

/// A last layer of one output whose dx closes the bracket in the wrong place: 2·(y − t·wᵀ)/N for
/// 2·(y − t)·wᵀ/N.
struct BracketSlip {
    linear: Linear<f64>,
    targets: Vec<u8>,
    planted: AtomicBool,
}

impl Module<f64> for BracketSlip {
    fn forward(&self, x: &A2, y: &mut A2) {
        self.linear.forward(x, y);
    }
    fn backward_input(&self, x: &A2, y: &A2, dy: &A2, dx: &mut A2) {
        self.linear.backward_input(x, y, dy, dx);
        if !self.planted.load(Ordering::Relaxed) {
            return;
        }
        // Threads share a batch by rows; the targets of these rows are told by dy = 2(y − t)/N.
        let n = self.targets.len() as f64;
        let t = y.to_owned() - dy.to_owned() * (n / 2.0);
        dx.assign(&((y.to_owned() - t.dot(&self.linear.w.value.t())) * (2.0 / n)));
    }
    fn params(&self) -> Option<[&Param<f64>; 2]> {
        self.linear.params()
    }
    fn params_mut(&mut self) -> Option<[&mut Param<f64>; 2]> {
        self.linear.params_mut()
    }
    fn outputs(&self, inputs: usize) -> usize {
        self.linear.outputs(inputs)
    }
    fn kind(&self) -> Kind {
        Kind::Linear
    }
}

#[test]
fn a_bracket_in_the_wrong_place_is_caught() {
    for seed in SEEDS {
        let images = random_images(8, 12, seed);
        let check = |planted: bool| {
            let mut rng = generator(seed, Purpose::Init);
            let hidden = kaiming_uniform(12, 6, &mut rng);
            let linear = kaiming_uniform(6, 1, &mut rng);
            let targets = images.targets.clone();
            let last = BracketSlip {
                linear,
                targets,
                planted: AtomicBool::new(planted),
            };
            let network = Mlp::new(12, vec![Box::new(hidden), Box::new(ReLU), Box::new(last)]);
            let loss = Mse(Target::Digit);
            check_network(network, &loss, &images.x, &images.targets, &settings(seed))
        };
        assert!(passed(&check(false)));
        assert_wrong(&check(true), &["0.weight", "0.bias"], "2(y − t·wᵀ)/N");
    }
}

/// Outputs and targets to predictions and losses.
type Forward = fn(&A2, &[u8], &mut A2, &mut A1);

/// A loss whose backward, and forward if asked, is computed another way.
struct WrongLoss<L> {
    loss: L,
    forward: Option<Forward>,
    backward: fn(&L, predictions: &A2, targets: &[u8], batch: usize, doutputs: &mut A2),
}

impl<L: Loss<f64>> Loss<f64> for WrongLoss<L> {
    fn forward(&self, outputs: &A2, targets: &[u8], predictions: &mut A2, losses: &mut A1) {
        match self.forward {
            Some(forward) => forward(outputs, targets, predictions, losses),
            None => self.loss.forward(outputs, targets, predictions, losses),
        }
    }
    fn backward(&self, predictions: &A2, targets: &[u8], batch: usize, doutputs: &mut A2) {
        (self.backward)(&self.loss, predictions, targets, batch, doutputs);
    }
    fn image(&self, z: ArrayView1<f64>, t: usize, p: ArrayViewMut1<f64>) -> f64 {
        self.loss.image(z, t, p)
    }
    fn image_gradient(&self, p: &[f64], t: usize, n: f64, dz: &mut [f64]) {
        self.loss.image_gradient(p, t, n, dz);
    }
    fn decoding(&self) -> Decoding {
        self.loss.decoding()
    }
}

/// The mistake must be caught in the loss alone and in every parameter of a whole network.
fn planted_in_loss<L: Loss<f64>>(correct: fn() -> L, wrong: WrongLoss<L>, what: &str) {
    for n in [4, 9] {
        for seed in SEEDS {
            let c = correct().decoding().outputs(10);
            let (outputs, images) = (random((n, c), seed) * 3.0, random_images(n, 12, seed));
            let alone =
                |loss: &dyn Loss<f64>| check_loss(loss, &outputs, &images.targets, &settings(seed));
            assert!(passed(&alone(&correct())), "correct: {what}");
            assert_wrong(&alone(&wrong), &["doutputs"], what);
            let whole = |loss: &dyn Loss<f64>| {
                let relus: [Box<dyn Module<f64>>; 2] = [Box::new(ReLU), Box::new(ReLU)];
                let network = two_hidden(8, seed, relus, c);
                check_network(network, loss, &images.x, &images.targets, &settings(seed))
            };
            assert!(passed(&whole(&correct())), "correct: {what}");
            let all = [
                "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
            ];
            assert_wrong(&whole(&wrong), &all, what);
        }
    }
}

/// The same mistake in the backward pass of all three losses.
macro_rules! planted_in_every_loss {
    ($backward:expr, $what:literal) => {
        let what = $what;
        let wrong = WrongLoss {
            loss: CrossEntropy,
            forward: None,
            backward: $backward,
        };
        planted_in_loss(|| CrossEntropy, wrong, what);
        let wrong = WrongLoss {
            loss: Mse(Target::OneHot),
            forward: None,
            backward: $backward,
        };
        planted_in_loss(|| Mse(Target::OneHot), wrong, what);
        let wrong = WrongLoss {
            loss: Mse(Target::Digit),
            forward: None,
            backward: $backward,
        };
        planted_in_loss(|| Mse(Target::Digit), wrong, what);
    };
}

#[test]
fn a_loss_gradient_with_the_sign_flipped_is_caught() {
    planted_in_every_loss!(
        |loss, p, t, n, dz| {
            loss.backward(p, t, n, dz);
            *dz *= -1.0;
        },
        "t − p for p − t"
    );
}

#[test]
fn smoothed_labels_forgotten_on_the_way_back_are_caught() {
    let correct = || SmoothedCrossEntropy { smoothing: 0.1 };
    let wrong = WrongLoss {
        loss: correct(),
        forward: None,
        backward: |_, p, t, n, dz| CrossEntropy.backward(p, t, n, dz),
    };
    planted_in_loss(correct, wrong, "onehot(t) for q");
}

#[test]
fn a_missing_division_by_n_is_caught() {
    planted_in_every_loss!(
        |loss, p, t, n, dz| {
            loss.backward(p, t, n, dz);
            *dz *= n as f64;
        },
        "a sum for a mean"
    );
}

#[test]
fn a_missing_factor_two_is_caught() {
    planted_in_every_loss!(
        |loss, p, t, n, dz| {
            loss.backward(p, t, n, dz);
            *dz *= 0.5;
        },
        "diff/N for 2·diff/N"
    );
}

#[test]
fn the_output_of_another_batch_in_place_of_the_difference_is_caught() {
    // The notebook keeps `res` around from an earlier cell; `diff` is what the gradient needs.
    planted_in_every_loss!(
        |loss, p, t, n, dz| {
            let res = random(p.dim(), 77);
            loss.backward(&res, t, n, dz);
        },
        "res for diff"
    );
}

/// Cross-entropy whose forward pass takes the log-sum-exp wrongly; its backward is (p − onehot)/N as ever.
fn planted_in_log_sum_exp(forward: Forward, what: &str) {
    // As many images as classes: only then do a row and a column of log-sum-exps both fit.
    for seed in SEEDS {
        let (outputs, images) = (random((10, 10), seed) * 3.0, random_images(10, 12, seed));
        let check =
            |loss: &dyn Loss<f64>| check_loss(loss, &outputs, &images.targets, &settings(seed));
        assert!(passed(&check(&CrossEntropy)), "correct: {what}");
        let wrong = WrongLoss {
            loss: CrossEntropy,
            forward: Some(forward),
            backward: |loss, p, t, n, dz| loss.backward(p, t, n, dz),
        };
        assert_wrong(&check(&wrong), &["doutputs"], what);
    }
}

/// ln Σⱼ e^z[n][j] of every row n.
fn log_sum_exps(z: &A2) -> Array1<f64> {
    z.exp().sum_axis(Axis(1)).ln()
}

#[test]
fn log_sum_exp_summed_over_all_rows_is_caught() {
    planted_in_log_sum_exp(
        |z, targets, p, losses| {
            let lse = z.exp().sum().ln();
            p.assign(&(z - lse).exp());
            for (n, &t) in targets.iter().enumerate() {
                losses[n] = lse - z[[n, usize::from(t)]];
            }
        },
        "one log-sum-exp for all rows",
    );
}

#[test]
fn log_sum_exp_broadcast_along_columns_is_caught() {
    planted_in_log_sum_exp(
        |z, targets, p, losses| {
            // Without the axis kept, z − lse takes lse[c] from column c, not lse[n] from row n.
            let log_softmax = z.to_owned() - log_sum_exps(z);
            p.assign(&log_softmax.exp());
            for (n, &t) in targets.iter().enumerate() {
                losses[n] = -log_softmax[[n, usize::from(t)]];
            }
        },
        "log-sum-exp as a row",
    );
    // The same with the axis kept is right.
    let z = random((10, 10), 1);
    let (mut p, mut losses) = (Array2::zeros((10, 10)), Array1::zeros(10));
    CrossEntropy.forward(&z, &[0; 10], &mut p, &mut losses);
    let right = (&z - &log_sum_exps(&z).insert_axis(Axis(1))).exp();
    assert!((&right - &p).iter().all(|error| error.abs() < 1e-12));
}

#[test]
fn log_sum_exp_with_a_global_maximum_is_caught_where_rows_differ() {
    let forward = |z: &A2, targets: &[u8], p: &mut A2, losses: &mut A1| {
        let m = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        for (n, &t) in targets.iter().enumerate() {
            let exps = z.row(n).mapv(|z| (z - m).exp());
            losses[n] = exps.sum().ln() + m - z[[n, usize::from(t)]];
            p.row_mut(n).assign(&(&exps / exps.sum()));
        }
    };
    let backward = |loss: &CrossEntropy, p: &A2, t: &[u8], n: usize, dz: &mut A2| {
        loss.backward(p, t, n, dz);
    };
    let wrong = WrongLoss {
        loss: CrossEntropy,
        forward: Some(forward),
        backward,
    };
    for seed in SEEDS {
        let mut outputs = random((4, 10), seed);
        let targets = [1, 2, 3, 4];
        let check = |loss: &dyn Loss<f64>, outputs: &Array2<f64>| {
            check_loss(loss, outputs, &targets, &settings(seed))
        };
        // With rows alike it happens to be right; one row far above underflows all others.
        assert!(passed(&check(&wrong, &outputs)));
        outputs.row_mut(2).mapv_inplace(|z| z + 1e4);
        assert!(passed(&check(&CrossEntropy, &outputs)));
        assert_wrong(&check(&wrong, &outputs), &["doutputs"], "global maximum");
    }
}

#[test]
fn a_gradient_that_is_nan_is_wrong() {
    planted_in_param(0, |_x, _dy, dw| dw.fill(f64::NAN), "NaN");
    let mut losses = Array1::<f64>::zeros(1);
    let (outputs, mut p) = (Array2::from_elem((1, 10), f64::NAN), Array2::zeros((1, 10)));
    CrossEntropy.forward(&outputs, &[0], &mut p, &mut losses);
    assert!(losses[0].is_nan(), "a loss does not hide a NaN");
}
