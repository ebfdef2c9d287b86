use ndarray::{Array2, ArrayRef2, ArrayViewMut2, Axis};

use super::Float;
use crate::linalg;

/// ∂L/∂parameter over a whole batch, from x (N, I) and dy (N, O). Overwrites the last argument.
///
/// Row i of the result depends only on column i of x, so threads can share a parameter by rows: for rows i..j
/// of the gradient, pass columns i..j of x.
pub type Gradient<F> = fn(x: &ArrayRef2<F>, dy: &ArrayRef2<F>, gradient: &mut ArrayRef2<F>);

/// A tensor that training changes, its gradient, and the formula of that gradient.
pub struct Param<F> {
    /// PyTorch's name: `weight` or `bias`.
    pub name: &'static str,
    /// w (I, O), or b (1, O).
    pub value: Array2<F>,
    /// dw or db, shaped like `value`.
    pub grad: Array2<F>,
    /// The velocity, which momentum keeps from step to step, shaped like `value`; none in plain SGD.
    pub velocity: Option<Array2<F>>,
    /// The first and the second moment, m and v, which Adam keeps from step to step, each shaped like `value`; none
    /// in SGD.
    pub moments: Option<[Array2<F>; 2]>,
    /// How `grad` follows from the module's input and the gradient of its output.
    pub gradient: Gradient<F>,
}

impl<F: Float> Param<F> {
    /// A parameter with a gradient of zero.
    pub fn new(name: &'static str, value: Array2<F>, gradient: Gradient<F>) -> Self {
        Self {
            name,
            grad: linalg::zeros(value.dim()),
            value: linalg::stored(&value),
            velocity: None,
            moments: None,
            gradient,
        }
    }

    /// Computes the gradient over the whole batch. Overwrites `grad`.
    pub fn backward(&mut self, x: &ArrayRef2<F>, dy: &ArrayRef2<F>) {
        for mut rows in self.rows_mut(usize::MAX) {
            rows.backward(x, dy);
        }
    }

    /// The parameter in pieces of at most `rows` rows, one for each thread to work on.
    pub fn rows_mut(&mut self, rows: usize) -> impl Iterator<Item = ParamRows<'_, F>> {
        let rows = rows.clamp(1, self.value.nrows());
        let gradient = self.gradient;
        let values = self.value.axis_chunks_iter_mut(Axis(0), rows);
        let grads = self.grad.axis_chunks_iter_mut(Axis(0), rows);
        let velocity = self.velocity.as_mut();
        let mut velocities = velocity.map(|v| v.axis_chunks_iter_mut(Axis(0), rows));
        let moments = self.moments.as_mut().map(|[m, v]| [m, v]);
        let mut moments = moments.map(|both| both.map(|a| a.axis_chunks_iter_mut(Axis(0), rows)));
        values
            .zip(grads)
            .enumerate()
            .map(move |(piece, (value, grad))| ParamRows {
                first: piece * rows,
                value,
                grad,
                velocity: velocities.as_mut().and_then(Iterator::next),
                moments: moments
                    .as_mut()
                    .and_then(|[m, v]| Some([m.next()?, v.next()?])),
                gradient,
            })
    }
}

/// Some rows of a [`Param`].
pub struct ParamRows<'a, F> {
    first: usize,
    /// These rows of w or b.
    pub value: ArrayViewMut2<'a, F>,
    /// These rows of dw or db.
    pub grad: ArrayViewMut2<'a, F>,
    /// These rows of the velocity, if there is one.
    pub velocity: Option<ArrayViewMut2<'a, F>>,
    /// These rows of the moments m and v, if there are any.
    pub moments: Option<[ArrayViewMut2<'a, F>; 2]>,
    gradient: Gradient<F>,
}

impl<F: Float> ParamRows<'_, F> {
    /// Computes these rows of the gradient over the whole batch, from the whole x (N, I) and dy (N, O).
    pub fn backward(&mut self, x: &ArrayRef2<F>, dy: &ArrayRef2<F>) {
        let columns = self.first..self.first + self.grad.nrows();
        (self.gradient)(&x.slice(ndarray::s![.., columns]), dy, &mut self.grad);
    }
}
