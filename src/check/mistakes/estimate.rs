//! Numbers, and how far rounding can have moved them.
//!
//! A gradient of others was computed in float32, say, in an order of sums that nobody knows. So each number of
//! the board carries a bound on the error that such arithmetic can have made, and each formula passes the
//! bounds on (a running error analysis). A sum of K products is given 4·√K·u of the sum of their sizes, with u
//! the unit roundoff: the errors of single operations have either sign, and a sum in any order stays below
//! this in all but vanishingly few cases.
//!
//! Source: Higham, Mary, "A new approach to probabilistic rounding error analysis" (2019).

use ndarray::{Array2, Axis};

/// Numbers, with a bound on the error of each where one is asked for.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    pub value: Array2<f64>,
    pub error: Option<Array2<f64>>,
}

/// How many standard deviations a sum of rounding errors is allowed.
const DEVIATIONS: f64 = 4.0;

/// The distance of the smallest numbers of a precision: below, everything is rounded to it.
pub(super) fn least(u: f64) -> f64 {
    match u {
        u if u == 2f64.powi(-11) => 2f64.powi(-24),
        u if u >= 2f64.powi(-24) => 1e-37,
        _ => f64::MIN_POSITIVE,
    }
}

impl Estimate {
    /// Numbers that are not known to be off.
    pub fn exact(value: Array2<f64>) -> Self {
        Self { value, error: None }
    }

    /// Numbers that may be off by this share of each.
    pub fn rounded(value: Array2<f64>, share: Option<f64>) -> Self {
        let error = share.map(|share| value.mapv(|v| v.abs() * share));
        Self { value, error }
    }

    /// a·b, computed with unit roundoff u.
    pub fn product(a: &Self, b: &Array2<f64>, u: Option<f64>) -> Self {
        let value = a.value.dot(b);
        let error = u.map(|u| {
            let sizes = b.mapv(f64::abs);
            let share = DEVIATIONS * u * (a.value.ncols() as f64).sqrt();
            let mut each = a.value.mapv(|v| v.abs() * share);
            if let Some(error) = &a.error {
                each += error;
            }
            // Products may be too small to be held at all.
            each.dot(&sizes) + least(u) * a.value.ncols() as f64
        });
        Self { value, error }
    }

    /// xᵀ·dy, where both may be off.
    pub fn outer(x: &Self, dy: &Self, u: Option<f64>) -> Self {
        let value = x.value.t().dot(&dy.value);
        let error = u.map(|u| {
            let share = DEVIATIONS * u * (x.value.nrows() as f64).sqrt();
            let (sizes_x, sizes) = (x.value.mapv(f64::abs), dy.value.mapv(f64::abs));
            let mut each = &sizes * share;
            if let Some(error) = &dy.error {
                each += error;
            }
            let mut bound = sizes_x.t().dot(&each) + least(u) * x.value.nrows() as f64;
            if let Some(error) = &x.error {
                bound += &error.t().dot(&sizes);
            }
            bound
        });
        Self { value, error }
    }

    /// The sum over the rows, (1, O).
    pub fn sum_rows(&self, u: Option<f64>) -> Self {
        let sum = |a: &Array2<f64>| a.sum_axis(Axis(0)).insert_axis(Axis(0));
        let error = u.map(|u| {
            let share = DEVIATIONS * u * (self.value.nrows() as f64).sqrt();
            let mut bound = sum(&self.value.mapv(f64::abs)) * share;
            if let Some(error) = &self.error {
                bound += &sum(error);
            }
            bound
        });
        Self {
            value: sum(&self.value),
            error,
        }
    }

    /// The error bound of an element; 0 where none was asked for.
    pub fn off(&self, at: (usize, usize)) -> f64 {
        self.error.as_ref().map_or(0.0, |error| error[at])
    }

    /// f of every element: its value and its error bound, which `f` gets beside the old ones.
    pub fn map(
        &self,
        u: Option<f64>,
        columns: usize,
        f: impl Fn((usize, usize)) -> (f64, f64),
    ) -> Self {
        let shape = (self.value.nrows(), columns);
        let value = Array2::from_shape_fn(shape, |at| f(at).0);
        let error = u.map(|_| Array2::from_shape_fn(shape, |at| f(at).1));
        Self { value, error }
    }

    /// Times a number.
    pub fn times(mut self, factor: f64) -> Self {
        self.value *= factor;
        if let Some(error) = &mut self.error {
            *error *= factor.abs();
        }
        self
    }
}
