//! Mistakes that the library cannot plant, see named_mistakes for those that it can. The checker must catch each,
//! and so must the formula, written once more.
//!
//! Every test first passes the correct version through the same checks, so that what fails afterwards
//! fails for the mistake alone.

use mlp::{
    check::{
        Settings, TensorReport, check_loss, check_module, check_network, off_zero, random_images,
        random_network,
    },
    loss::{CrossEntropy, Decoding, Loss, SmoothedCrossEntropy},
    nn::{Architecture, Dropout, Kind, Linear, Module, Param, ScaledTanh},
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

fn close(a: &A2, b: &A2) -> bool {
    assert_eq!(a.dim(), b.dim());
    // A NaN is not close to anything.
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10)
}

/// dw[i][o] = Σₙ x[n][i]·dy[n][o]
fn weight_gradient(x: &A2, dy: &A2) -> Array2<f64> {
    Array2::from_shape_fn((x.ncols(), dy.ncols()), |(i, o)| {
        (0..x.nrows()).map(|n| x[[n, i]] * dy[[n, o]]).sum()
    })
}

/// A linear layer whose weight computes its gradient another way must fail there and nowhere else.
fn planted_in_weight(mistake: fn(&A2, &A2, &mut A2), what: &str) {
    for (mut linear, x, seed) in linears() {
        let dy = random((x.nrows(), linear.w.value.ncols()), seed + 300);
        let both = |linear: &mut Linear<f64>| {
            linear.w.backward(&x, &dy);
            let agrees = close(&linear.w.grad, &weight_gradient(&x, &dy));
            (agrees, check_module(linear, &x, &settings(seed)))
        };
        let (agrees, reports) = both(&mut linear);
        assert!(agrees && passed(&reports), "correct: {what}");
        linear.w.gradient = mistake;
        let (agrees, reports) = both(&mut linear);
        assert!(!agrees, "{what}");
        assert_wrong(&reports, &["weight"], what);
    }
}

#[test]
fn a_weight_gradient_with_the_sign_flipped_is_caught() {
    planted_in_weight(|x, dy, dw| dw.assign(&-x.t().dot(dy)), "−xᵀ·dy");
}

#[test]
fn a_weight_gradient_not_transposed_is_caught() {
    planted_in_weight(
        |x, dy, dw| dw.assign(&dy.t().dot(x)),
        "dyᵀ·x, which has the same shape",
    );
}

#[test]
fn a_weight_gradient_that_ignores_the_gradient_from_above_is_caught() {
    planted_in_weight(
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

/// A module with dx computed another way must fail there; `slope` is the right dy/dx at an x and its y.
fn planted_in_input<M: Module<f64>>(
    correct: fn() -> M,
    slope: fn(x: f64, y: f64) -> f64,
    dx: fn(&M, x: &A2, y: &A2, dy: &A2, dx: &mut A2),
    what: &str,
) {
    for (n, i, _) in SIZES {
        for seed in SEEDS {
            let x = off_zero((n, i), 0.01, &mut generator(seed, Purpose::Init));
            let dy = random((n, i), seed + 300);
            let both = |module: &mut dyn Module<f64>| {
                let (mut y, mut dx) = (Array2::zeros((n, i)), Array2::zeros((n, i)));
                module.forward(&x, &mut y);
                module.backward_input(&x, &y, &dy, &mut dx);
                let slopes = Zip::from(&x).and(&y).map_collect(|&x, &y| slope(x, y));
                let agrees = close(&dx, &(slopes * &dy));
                (agrees, check_module(module, &x, &settings(seed)))
            };
            let (agrees, reports) = both(&mut correct());
            assert!(agrees && passed(&reports), "correct: {what}");
            let module = correct();
            let (agrees, reports) = both(&mut WrongInput { module, dx });
            assert!(!agrees, "{what}");
            assert_wrong(&reports, &["dx"], what);
        }
    }
}

#[test]
fn a_scaled_tanh_with_the_slope_of_the_plain_one_is_caught() {
    let slope = |x: f64, _y: f64| {
        let (a, b) = (1.7159, 2.0 / 3.0);
        a * b / (b * x).cosh().powi(2)
    };
    planted_in_input(
        || ScaledTanh,
        slope,
        |_, _x, y, dy, dx| dx.assign(&(dy * (1.0 - &(y * y)))),
        "1 − y²",
    );
    planted_in_input(
        || ScaledTanh,
        slope,
        |_, _x, y, dy, dx| dx.assign(&(dy * (ScaledTanh::A.powi(2) - &(y * y)) / ScaledTanh::A)),
        "b left out",
    );
}

#[test]
fn a_dropout_that_forgets_its_scale_or_takes_another_mask_on_the_way_back_is_caught() {
    let correct = || Dropout::new(0.4).mask(Noise::new(1, 1, 1));
    let slope = |x: f64, y: f64| y / x;
    planted_in_input(
        correct,
        slope,
        |_, _x, y, dy, dx| dx.assign(&(y.mapv(|y| f64::from(y != 0.0)) * dy)),
        "1/(1 − p) left out",
    );
    planted_in_input(
        correct,
        slope,
        |_, _x, y, dy, dx| dx.assign(&(y.mapv(|y| f64::from(y != 0.0) / 0.4) * dy)),
        "p for 1 − p",
    );
    planted_in_input(
        correct,
        slope,
        |_, x, y, dy, dx| {
            let another = Dropout::new(0.4).mask(Noise::new(9, 9, 9));
            another.backward_input(x, y, dy, dx);
        },
        "another mask",
    );
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

#[test]
fn smoothed_labels_forgotten_on_the_way_back_are_caught() {
    let correct = SmoothedCrossEntropy { smoothing: 0.1 };
    let wrong = WrongLoss {
        loss: SmoothedCrossEntropy { smoothing: 0.1 },
        forward: None,
        backward: |_, p, t, n, dz| CrossEntropy.backward(p, t, n, dz),
    };
    for n in [4, 9] {
        for seed in SEEDS {
            let (outputs, images) = (random((n, 10), seed) * 3.0, random_images(n, 12, seed));
            let (x, targets) = (&images.x, &images.targets);
            // dz = (softmax(z) − 0.9·onehot(t) − 0.1/C) / N
            let right = Array2::from_shape_fn((n, 10), |(row, c)| {
                let p = outputs[[row, c]].exp() / outputs.row(row).mapv(f64::exp).sum();
                let onehot = f64::from(c == usize::from(targets[row]));
                (p - 0.9 * onehot - 0.01) / n as f64
            });
            let agrees = |loss: &dyn Loss<f64>| {
                let (mut p, mut losses) = (Array2::zeros((n, 10)), Array1::zeros(n));
                loss.forward(&outputs, targets, &mut p, &mut losses);
                let mut dz = Array2::zeros((n, 10));
                loss.backward(&p, targets, n, &mut dz);
                close(&dz, &right)
            };
            assert!(agrees(&correct) && !agrees(&wrong));
            let alone = |loss: &dyn Loss<f64>| check_loss(loss, &outputs, targets, &settings(seed));
            assert!(passed(&alone(&correct)));
            assert_wrong(&alone(&wrong), &["doutputs"], "onehot(t) for q");
            let whole = |loss: &dyn Loss<f64>| {
                let architecture = Architecture::relu(&[12, 8, 8, 10]);
                let network = random_network(&architecture, &settings(seed));
                check_network(network, loss, x, targets, &settings(seed))
            };
            assert!(passed(&whole(&correct)));
            let all = [
                "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
            ];
            assert_wrong(&whole(&wrong), &all, "onehot(t) for q");
        }
    }
}

/// −ln softmax(z[n])[t] of every row n, by the definition.
fn cross_entropies(z: &A2, targets: &[u8]) -> Array2<f64> {
    Array2::from_shape_fn((1, targets.len()), |(_, n)| {
        let target = z[[n, usize::from(targets[n])]];
        z.row(n).mapv(|z| (z - target).exp()).sum().ln()
    })
}

/// Whether the losses are those of [`cross_entropies`].
fn agrees(loss: &dyn Loss<f64>, z: &A2, targets: &[u8]) -> bool {
    let (mut p, mut losses) = (Array2::zeros(z.dim()), Array1::zeros(targets.len()));
    loss.forward(z, targets, &mut p, &mut losses);
    close(&losses.insert_axis(Axis(0)), &cross_entropies(z, targets))
}

/// Cross-entropy whose forward pass takes the log-sum-exp wrongly; its backward is (p − onehot)/N as ever.
fn planted_in_log_sum_exp(forward: Forward, what: &str) {
    // As many images as classes: only then do a row and a column of log-sum-exps both fit.
    for seed in SEEDS {
        let (outputs, images) = (random((10, 10), seed) * 3.0, random_images(10, 12, seed));
        let check =
            |loss: &dyn Loss<f64>| check_loss(loss, &outputs, &images.targets, &settings(seed));
        assert!(passed(&check(&CrossEntropy)), "correct: {what}");
        assert!(
            agrees(&CrossEntropy, &outputs, &images.targets),
            "correct: {what}"
        );
        let wrong = WrongLoss {
            loss: CrossEntropy,
            forward: Some(forward),
            backward: |loss, p, t, n, dz| loss.backward(p, t, n, dz),
        };
        assert_wrong(&check(&wrong), &["doutputs"], what);
        assert!(!agrees(&wrong, &outputs, &images.targets), "{what}");
    }
}

/// ln Σⱼ e^z[n][j] of every row n.
fn log_sum_exps(z: &A2) -> Array1<f64> {
    z.exp().sum_axis(Axis(1)).ln()
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
        assert!(passed(&check(&wrong, &outputs)) && agrees(&wrong, &outputs, &targets));
        outputs.row_mut(2).mapv_inplace(|z| z + 1e4);
        assert!(passed(&check(&CrossEntropy, &outputs)));
        assert!(agrees(&CrossEntropy, &outputs, &targets));
        assert_wrong(&check(&wrong, &outputs), &["doutputs"], "global maximum");
        assert!(!agrees(&wrong, &outputs, &targets));
    }
}

#[test]
fn a_gradient_that_is_nan_is_wrong() {
    planted_in_weight(|_x, _dy, dw| dw.fill(f64::NAN), "NaN");
    let mut losses = Array1::<f64>::zeros(1);
    let (outputs, mut p) = (Array2::from_elem((1, 10), f64::NAN), Array2::zeros((1, 10)));
    CrossEntropy.forward(&outputs, &[0], &mut p, &mut losses);
    assert!(losses[0].is_nan(), "a loss does not hide a NaN");
}
