//! What known mistakes make of one function's result, where no file of gradients could tell.

use ndarray::{Array1, Array2, ArrayD, ArrayView2, Axis};

use crate::check::mistakes::Mistake;

/// A mistake by its name, and in words that do not give the right formula away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
}

impl Named {
    pub(super) const NOT_ZEROED: Self = Self {
        name: "not-zeroed",
        what: "the gradients still have their values: the next backward pass would add to them",
    };

    const fn new(name: &'static str, what: &'static str) -> Self {
        Self { name, what }
    }

    fn of(mistake: Mistake) -> Self {
        Self {
            name: mistake.name(),
            what: mistake.what(),
        }
    }
}

/// Mistakes with the results that they give.
type Slips = Vec<(Named, ArrayD<f64>)>;

fn scalar(value: f64) -> ArrayD<f64> {
    ArrayD::from_elem(vec![], value)
}

/// A mean over other numbers than it should be.
const SUM_FOR_MEAN: Named = Named::new("mean-missing", "a sum where a mean is meant");
const SIGN: Named = Named::new("sign", "the sign is flipped");
const TRANSPOSED: Named = Named::new(
    "jacobian-transposed",
    "the Jacobian is transposed: outputs and inputs are exchanged",
);
const TWO_MISSING: Named = Named::new(
    "two-missing",
    "the 2 from the derivative of the square is missing",
);

pub(super) fn lin(
    (x, w, b): (&Array2<f64>, &Array2<f64>, &Array1<f64>),
    product: &Array2<f64>,
) -> Slips {
    vec![
        (
            Named::new(
                "bias-in-the-product",
                "the bias is added to the weights, and multiplied by x with them",
            ),
            x.dot(&(w + b)).into_dyn(),
        ),
        (
            Named::of(Mistake::BiasForgotten),
            product.clone().into_dyn(),
        ),
        (Named::of(Mistake::BiasTwice), (product + b + b).into_dyn()),
        (
            Named::new("bias-subtracted", "the bias is subtracted"),
            (product - b).into_dyn(),
        ),
    ]
}

pub(super) fn relu(x: &Array2<f64>) -> Slips {
    let of = |f: fn(f64) -> f64| x.mapv(f).into_dyn();
    vec![
        (
            Named::new("absolute-value", "negative numbers change their sign"),
            of(f64::abs),
        ),
        (
            Named::new("relu-inverted", "it is the negative numbers that pass"),
            of(|x| x.min(0.0)),
        ),
        (
            Named::new(
                "mask-for-value",
                "1 and 0 come out: the mask, without the numbers",
            ),
            of(|x| f64::from(x > 0.0)),
        ),
        (
            Named::new("relu-missing", "the numbers come out as they went in"),
            of(|x| x),
        ),
        (
            Named::new("leaky-relu", "a part of the negative numbers passes"),
            of(|x| x.max(0.01 * x)),
        ),
    ]
}

pub(super) fn relu_grad(x: &Array2<f64>, dy: &Array2<f64>) -> Slips {
    vec![
        (
            Named::new(
                "input-for-mask",
                "dy is multiplied by x itself, not by whether x is above 0",
            ),
            (x * dy).into_dyn(),
        ),
        (
            Named::new(
                "value-for-mask",
                "dy is multiplied by the output, not by whether x is above 0",
            ),
            (x.mapv(|x| x.max(0.0)) * dy).into_dyn(),
        ),
    ]
}

/// Of outputs (N, C) and what they are compared with, (N, C).
pub(super) fn mse(z: &Array2<f64>, t: &Array2<f64>) -> Slips {
    let diff = z - t;
    let (n, size) = (z.nrows() as f64, z.len() as f64);
    let sum = diff.mapv(|d| d * d).sum();
    let mut slips = vec![
        (SUM_FOR_MEAN, scalar(sum)),
        (
            Named::new(
                "half-mse",
                "½ too many: of the mean of the squares there is no half",
            ),
            scalar(sum / size / 2.0),
        ),
        (
            Named::new(
                "absolute-error",
                "the differences are not squared, but their absolute values taken",
            ),
            scalar(diff.mapv(f64::abs).sum() / size),
        ),
        (
            Named::new("square-missing", "the differences are not squared"),
            scalar(diff.sum() / size),
        ),
        (
            Named::new("square-of-mean", "the mean is squared, not the differences"),
            scalar((diff.sum() / size).powi(2)),
        ),
        (
            Named::new("root", "the square root of the mean: there is none"),
            scalar((sum / size).sqrt()),
        ),
        (
            Named::of(Mistake::ResForDiff),
            scalar(z.mapv(|z| z * z).sum() / size),
        ),
    ];
    if z.ncols() == 1 {
        let every = z - &t.t();
        let mean = every.mapv(|d| d * d).sum() / every.len() as f64;
        slips.push((Named::of(Mistake::BroadcastNByN), scalar(mean)));
    } else {
        slips.push((Named::of(Mistake::MeanOverOthers), scalar(sum / n)));
    }
    slips
}

/// Of outputs (N, C) against the class where its one-hot belongs.
pub(super) fn of_classes(z: &Array2<f64>, t: &[usize]) -> Slips {
    let digit = Array2::from_shape_fn(z.dim(), |(n, _)| t[n] as f64);
    let mean = (z - &digit).mapv(|d| d * d).sum() / z.len() as f64;
    vec![(Named::of(Mistake::TargetEncoding), scalar(mean))]
}

pub(super) fn softmax(z: &Array2<f64>) -> Slips {
    let e = z.mapv(f64::exp);
    let by_rows = |e: &Array2<f64>| e / &e.sum_axis(Axis(1)).insert_axis(Axis(1));
    let p = by_rows(&e);
    vec![
        (
            Named::of(Mistake::SoftmaxOverBatch),
            (&e / &e.sum_axis(Axis(0))).into_dyn(),
        ),
        (
            Named::of(Mistake::LogsumexpNotByRows),
            (&e / e.sum()).into_dyn(),
        ),
        (
            Named::of(Mistake::SoftmaxTwice),
            by_rows(&p.mapv(f64::exp)).into_dyn(),
        ),
        (
            Named::new(
                "sigmoid",
                "the sigmoid of each output by itself: the rows do not sum to 1",
            ),
            z.mapv(|z| 1.0 / (1.0 + (-z).exp())).into_dyn(),
        ),
        (SIGN, by_rows(&z.mapv(|z| (-z).exp())).into_dyn()),
        (
            Named::new("not-divided", "e^z comes out: the rows do not sum to 1"),
            e.into_dyn(),
        ),
        (
            Named::new("exp-missing", "z is divided by its sum: there is no e^z"),
            by_rows(z).into_dyn(),
        ),
        (
            Named::new("log-softmax", "this is the logarithm of softmax"),
            p.mapv(f64::ln).into_dyn(),
        ),
    ]
}

const MAXIMUM_LOST: Named = Named::new(
    "maximum-not-added-back",
    "the maximum was taken out before the exponential and not added back behind the logarithm",
);

pub(super) fn logsumexp(z: &Array2<f64>) -> Slips {
    let (rows, columns) = z.dim();
    let each = logsumexp_of(z.view());
    let column = |f: &dyn Fn(usize) -> f64| Array2::from_shape_fn((rows, 1), |(n, _)| f(n));
    let (m, rest) = of_all(z);
    let downwards = down_the_columns(z);
    vec![
        (MAXIMUM_LOST, column(&|n| each[n].1).into_dyn()),
        (
            Named::new(
                "maximum-subtracted",
                "the maximum is subtracted behind the logarithm",
            ),
            column(&|n| each[n].1 - each[n].0).into_dyn(),
        ),
        (Named::of(Mistake::LogsumexpNotByRows), scalar(m + rest)),
        (
            Named::of(Mistake::LogsumexpNotByRows),
            column(&|_| m + rest).into_dyn(),
        ),
        (
            Named::of(Mistake::SoftmaxOverBatch),
            downwards.clone().into_dyn(),
        ),
        (
            Named::of(Mistake::SoftmaxOverBatch),
            downwards.index_axis(Axis(0), 0).to_owned().into_dyn(),
        ),
        (
            Named::new(
                "logarithm-missing",
                "the sum of e^z comes out, without its logarithm",
            ),
            column(&|n| (each[n].0 + each[n].1).exp()).into_dyn(),
        ),
        (
            Named::new("mean-for-sum", "a mean of e^z where a sum is meant"),
            column(&|n| each[n].0 + each[n].1 - (columns as f64).ln()).into_dyn(),
        ),
    ]
}

pub(super) fn log_softmax(z: &Array2<f64>) -> Slips {
    let lse = logsumexp_of(z.view());
    let column = Array2::from_shape_fn((z.nrows(), 1), |(n, _)| lse[n].0 + lse[n].1);
    let rest = Array2::from_shape_fn((z.nrows(), 1), |(n, _)| lse[n].1);
    let (m, all) = of_all(z);
    let all = m + all;
    let log_p = z - &column;
    let down = down_the_columns(z);
    vec![
        (Named::of(Mistake::LogsumexpNotByRows), (z - all).into_dyn()),
        (Named::of(Mistake::SoftmaxOverBatch), (z - &down).into_dyn()),
        (MAXIMUM_LOST, (z - &rest).into_dyn()),
        (
            Named::new(
                "softmax",
                "these are the probabilities, not their logarithms",
            ),
            log_p.mapv(f64::exp).into_dyn(),
        ),
        (SIGN, (-&log_p).into_dyn()),
        (
            Named::new("maximum-twice", "the maximum is taken out twice"),
            Array2::from_shape_fn(z.dim(), |(n, c)| log_p[[n, c]] - lse[n].0).into_dyn(),
        ),
        (
            Named::new(
                "other-base",
                "a logarithm of base 10 or 2, not the natural one",
            ),
            log_p.mapv(|v| v / std::f64::consts::LN_10).into_dyn(),
        ),
        (
            Named::new(
                "other-base",
                "a logarithm of base 10 or 2, not the natural one",
            ),
            log_p.mapv(|v| v / std::f64::consts::LN_2).into_dyn(),
        ),
    ]
}

fn log_softmax_of(z: &Array2<f64>) -> Array2<f64> {
    let lse = logsumexp_of(z.view());
    Array2::from_shape_fn(z.dim(), |(n, c)| z[[n, c]] - lse[n].0 - lse[n].1)
}

/// The maximum of each row, and the logarithm of what is left of the sum.
fn logsumexp_of(z: ArrayView2<'_, f64>) -> Vec<(f64, f64)> {
    let rows = z.rows().into_iter().map(|row| {
        let m = row.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        (m, row.mapv(|z| (z - m).exp()).sum().ln())
    });
    rows.collect()
}

/// The same of all numbers, as if they were one row.
fn of_all(z: &Array2<f64>) -> (f64, f64) {
    logsumexp_of(z.flatten().view().insert_axis(Axis(0)))[0]
}

/// The log-sum-exp of each column, (1, C).
fn down_the_columns(z: &Array2<f64>) -> Array2<f64> {
    let columns = logsumexp_of(z.t());
    columns
        .iter()
        .map(|(m, rest)| m + rest)
        .collect::<Array1<_>>()
        .insert_axis(Axis(0))
}

pub(super) fn nll(log_p: &Array2<f64>, t: &[usize]) -> Slips {
    let n = t.len();
    let picked: Vec<f64> = t.iter().enumerate().map(|(n, &t)| log_p[[n, t]]).collect();
    let sum: f64 = picked.iter().sum();
    let every: f64 = (0..n)
        .map(|row| t.iter().map(|&t| log_p[[row, t]]).sum::<f64>())
        .sum();
    let shifted = |by: usize| -> f64 { (0..n).map(|row| log_p[[row, t[(row + by) % n]]]).sum() };
    let p: f64 = picked.iter().map(|v| v.exp()).sum();
    let mean = n as f64;
    vec![
        (SIGN, scalar(sum / mean)),
        (SUM_FOR_MEAN, scalar(-sum)),
        (
            Named::of(Mistake::MeanOverOthers),
            scalar(-sum / log_p.len() as f64),
        ),
        (
            Named::new(
                "target-ignored",
                "the mean of all log-probabilities, whatever the target",
            ),
            scalar(-log_p.sum() / log_p.len() as f64),
        ),
        (
            Named::of(Mistake::BroadcastNByN),
            scalar(-every / (mean * mean)),
        ),
        (Named::of(Mistake::BroadcastNByN), scalar(-every / mean)),
        (
            Named::of(Mistake::LabelsShifted),
            scalar(-shifted(1) / mean),
        ),
        (
            Named::of(Mistake::LabelsShifted),
            scalar(-shifted(n - 1) / mean),
        ),
        (
            Named::new(
                "logarithm-missing",
                "the probabilities are taken, not their logarithms",
            ),
            scalar(-p / mean),
        ),
        (
            Named::new("first-row-only", "only the first row of the batch counts"),
            scalar(-picked[0]),
        ),
    ]
}

/// Of dz, beside what is known of a network.
pub(super) fn ce_gradient(z: &Array2<f64>, t: &[usize]) -> Slips {
    let n = t.len() as f64;
    let p = log_softmax_of(z).mapv(f64::exp);
    let q = Array2::from_shape_fn(z.dim(), |(n, c)| f64::from(t[n] == c));
    vec![
        (
            Named::new(
                "slope-of-sigmoid",
                "p·(1 − p), the derivative of a sigmoid: the target is not in it",
            ),
            (&p * &(1.0 - &p) / n).into_dyn(),
        ),
        (
            Named::new(
                "mean-of-target-alone",
                "only the target is divided by N, not the probabilities",
            ),
            (&p - &(&q / n)).into_dyn(),
        ),
        (
            Named::new(
                "target-alone",
                "the target alone: the probabilities are missing",
            ),
            (-&q / n).into_dyn(),
        ),
    ]
}

pub(super) fn sgd(w: &Array2<f64>, dw: &Array2<f64>, lr: f64) -> Slips {
    vec![
        (
            Named::new("sign", "the step goes uphill: the gradient is added"),
            (w + &(dw * lr)).into_dyn(),
        ),
        (
            Named::new("learning-rate-forgotten", "the step has no learning rate"),
            (w - dw).into_dyn(),
        ),
        (
            Named::new(
                "not-in-place",
                "the array still has its old values: a new one was made and given the name, which the network \
                 does not see, or nothing was subtracted",
            ),
            w.clone().into_dyn(),
        ),
        (
            Named::new(
                "zeroed-first",
                "the parameters became zero, or the gradients before they were used",
            ),
            Array2::zeros(w.dim()).into_dyn(),
        ),
        (
            Named::new("assigned", "the step itself was assigned, not subtracted"),
            (dw * -lr).into_dyn(),
        ),
        (
            Named::new("step-twice", "the step is taken twice"),
            (w - &(dw * (2.0 * lr))).into_dyn(),
        ),
        (
            Named::new(
                "rate-divided",
                "the gradient is divided by the learning rate",
            ),
            (w - &(dw / lr)).into_dyn(),
        ),
    ]
}

pub(super) fn jacobian_sum(x: &Array1<f64>, a: &Array1<f64>) -> Slips {
    let row = |v: Array1<f64>| v.insert_axis(Axis(0)).into_dyn();
    let d = x - a;
    vec![
        (TWO_MISSING, row(d.clone())),
        (SIGN, row(&d * -2.0)),
        (
            Named::new("inner-ignored", "a is missing from the derivative"),
            row(x * 2.0),
        ),
        (
            Named::new(
                "summed",
                "a sum over the inputs, whose derivatives are one each",
            ),
            row(Array1::from_elem(x.len(), 2.0 * d.sum())),
        ),
        (TRANSPOSED, (&d * 2.0).insert_axis(Axis(1)).into_dyn()),
        (DIAGONAL, Array2::from_diag(&(&d * 2.0)).into_dyn()),
    ]
}

const DIAGONAL: Named = Named::new(
    "diagonal-for-row",
    "a matrix with the derivatives on its diagonal: the output is one number, so the Jacobian has one row",
);
const OFF_DIAGONAL: Named = Named::new(
    "off-diagonal",
    "the same derivative in every column: an output that an input is no part of does not change with it",
);
const DIAGONAL_ONLY: Named = Named::new(
    "diagonal-only",
    "only the diagonal: an output changes with the other inputs, too",
);

pub(super) fn jacobian_product(x: &Array1<f64>, a: &Array1<f64>) -> Slips {
    let diagonal = |v: Array1<f64>| Array2::from_diag(&v).into_dyn();
    let right = a * x * 2.0;
    let n = x.len();
    vec![
        (TWO_MISSING, diagonal(a * x)),
        (
            Named::new("factor-forgotten", "a is missing from the derivative"),
            diagonal(x * 2.0),
        ),
        (
            Named::new(
                "not-derived",
                "the function itself stands on the diagonal, not its derivative",
            ),
            diagonal(a * &(x * x)),
        ),
        (
            Named::new(
                "vector-for-diagonal",
                "the derivatives as a vector: the Jacobian has them on its diagonal, and is 0 elsewhere",
            ),
            right.clone().into_dyn(),
        ),
        (
            OFF_DIAGONAL,
            Array2::from_shape_fn((n, n), |(o, _)| right[o]).into_dyn(),
        ),
        (
            OFF_DIAGONAL,
            Array2::from_shape_fn((n, n), |(_, i)| right[i]).into_dyn(),
        ),
    ]
}

/// Of J, and of dw.
pub(super) fn jacobian_matvec(w: &Array2<f64>, x: &Array1<f64>, u: &Array1<f64>) -> (Slips, Slips) {
    let outer = |a: &Array1<f64>, b: &Array1<f64>| {
        Array2::from_shape_fn((a.len(), b.len()), |(i, j)| a[i] * b[j]).into_dyn()
    };
    let ones = Array1::ones(u.len());
    let of_j = vec![
        (TRANSPOSED, w.t().to_owned().into_dyn()),
        (
            Named::new(
                "weighted",
                "x is multiplied in: that is w·x before its sum, not its derivative",
            ),
            (w * x).into_dyn(),
        ),
        (
            Named::new(
                "upstream-multiplied",
                "u belongs to L: y itself does not depend on it",
            ),
            (w * &u.clone().insert_axis(Axis(1))).into_dyn(),
        ),
        (
            Named::new(
                "summed",
                "the gradient of L, a sum over the outputs, where each has its row",
            ),
            u.dot(w).into_dyn(),
        ),
    ];
    let of_dw = vec![
        (
            Named::new(
                "outer-transposed",
                "the outer product is the other way round",
            ),
            outer(x, u),
        ),
        (
            Named::new("upstream-ignored", "the u of L = u·y is missing"),
            outer(&ones, x),
        ),
        (
            Named::new(
                "input-ignored",
                "x is missing: an element of w counts as much as the input it meets",
            ),
            outer(u, &Array1::ones(x.len())),
        ),
        (
            Named::new("parameter-for-gradient", "this is w itself, not a gradient"),
            w.clone().into_dyn(),
        ),
    ];
    (of_j, of_dw)
}

pub(super) fn jacobian_chain(w1: &Array2<f64>, w2: &Array2<f64>, x: &Array1<f64>) -> Slips {
    let l = w1.dot(x);
    let y = l.mapv(f64::tanh);
    let chain = |slope: Array1<f64>| w2.dot(&(w1 * &slope.insert_axis(Axis(1))));
    let right = chain(y.mapv(|y| 1.0 - y * y));
    vec![
        (Named::of(Mistake::SlopeMissing), w2.dot(w1).into_dyn()),
        (
            Named::of(Mistake::SlopeFromX),
            chain(l.mapv(|l| 1.0 - l * l)).into_dyn(),
        ),
        (
            Named::of(Mistake::SlopeAtOutput),
            chain(y.mapv(|y| 1.0 - y.tanh().powi(2))).into_dyn(),
        ),
        (
            Named::new(
                "not-derived",
                "tanh itself stands where its derivative belongs",
            ),
            chain(y.clone()).into_dyn(),
        ),
        (
            Named::new("square-missing", "the derivative of tanh lacks its square"),
            chain(y.mapv(|y| 1.0 - y)).into_dyn(),
        ),
        (TRANSPOSED, right.t().to_owned().into_dyn()),
        (
            Named::new(
                "slope-of-sigmoid",
                "the derivative of a sigmoid, y·(1 − y), not of tanh",
            ),
            chain(y.mapv(|y| y * (1.0 - y))).into_dyn(),
        ),
    ]
}

pub(super) fn jacobian_softmax(p: &Array1<f64>) -> Slips {
    let n = p.len();
    let outer = Array2::from_shape_fn((n, n), |(i, j)| p[i] * p[j]);
    let diagonal = Array2::from_diag(p);
    vec![
        (DIAGONAL_ONLY, Array2::from_diag(&(p - &(p * p))).into_dyn()),
        (
            Named::new(
                "outer-product-forgotten",
                "only the diagonal of p: the sum in the denominator changes, too",
            ),
            diagonal.clone().into_dyn(),
        ),
        (SIGN, (&outer - &diagonal).into_dyn()),
        (
            Named::new("added", "a plus where a minus belongs"),
            (&outer + &diagonal).into_dyn(),
        ),
        (
            Named::new(
                "vector-for-diagonal",
                "p − p², a vector: every output depends on every input",
            ),
            (p - &(p * p)).into_dyn(),
        ),
        (
            Named::new(
                "square-on-diagonal",
                "the outer product is taken off p everywhere, not only on the diagonal",
            ),
            Array2::from_shape_fn((n, n), |(i, j)| p[j] - outer[[i, j]]).into_dyn(),
        ),
    ]
}
