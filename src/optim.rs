//! Stochastic gradient descent.

use ndarray::ArrayRef2;

use crate::linalg::{self, Float};

/// w ← w − learning_rate·dw
#[derive(Clone, Copy, Debug)]
pub struct Sgd<F> {
    /// The length of a step, in units of w per unit of dw.
    pub learning_rate: F,
}

impl<F: Float> Sgd<F> {
    /// One step of a parameter, or of some rows of it. Returns whether every new value is finite.
    pub fn step(&self, w: &mut ArrayRef2<F>, dw: &ArrayRef2<F>) -> bool {
        linalg::add_scaled(-self.learning_rate, dw, w)
    }
}
