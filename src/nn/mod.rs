//! Hand-written modules: a forward and a backward each, one formula a line.
//!
//! # The legend
//!
//! | symbol | meaning |
//! |---|---|
//! | N | images in the batch (rows of every activation) |
//! | I, O | inputs and outputs of a module |
//! | C | outputs of the whole network: 10 classes, or 1 digit |
//! | x (N, I), y (N, O) | what goes into a module and what comes out |
//! | w (I, O), b (1, O) | weight and bias |
//! | L | the loss of the batch, a mean over its N images |
//! | dx, dy, dw, db | ∂L/∂x, ∂L/∂y, ∂L/∂w, ∂L/∂b, shaped like what they belong to |
//!
//! The lesson's `inp`, `out`, `out.g` and `inp.g` are `x`, `y`, `dy` and `dx`. Nothing is hidden on
//! tensors: a module is handed the four, and the borrow checker says who writes what.
//!
//! Every module derives its backward. [`lesson`](crate::lesson) leads through them in order.

mod architecture;
mod dropout;
mod init;
mod linear;
mod mlp;
mod relu;
mod sigmoid;
mod tanh;
mod tape;

use ndarray::{Array2, ArrayRef2, ArrayViewMut2, Axis};

use crate::linalg;
pub use crate::linalg::Float;
use crate::rng::Noise;
pub use architecture::{Activation, Architecture};
pub use dropout::Dropout;
pub use init::{Init, kaiming_uniform};
pub use linear::Linear;
pub use mlp::{Layers, Mlp};
pub use relu::ReLU;
pub use sigmoid::Sigmoid;
pub use tanh::{ScaledTanh, Tanh};
pub use tape::{Tape, TapeRows};

/// A differentiable function of a batch, row by row: no row of y depends on another row of x.
///
/// So every method may be called with some of the rows of a batch, and threads share a batch by
/// rows. Implementations panic when shapes do not fit: that is a bug in the caller.
pub trait Module<F: Float>: Send + Sync {
    /// y (N, O) = f(x), x (N, I).
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>);

    /// dx (N, I) = ∂L/∂x from dy (N, O) = ∂L/∂y, with x and y as they were in the forward pass.
    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    );

    /// [`forward`](Module::forward) as it is in training, for a module that is random then. Default: no
    /// difference.
    fn forward_in_training(&self, _noise: Noise, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        self.forward(x, y);
    }

    /// dx of [`forward_in_training`](Module::forward_in_training) with the same noise. Default: no
    /// difference.
    fn backward_input_in_training(
        &self,
        _noise: Noise,
        x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        self.backward_input(x, y, dy, dx);
    }

    /// What training changes; each [`Param`] knows its own gradient. Default: nothing.
    fn params(&self) -> &[Param<F>] {
        &[]
    }

    /// [`params`](Module::params), to be changed.
    fn params_mut(&mut self) -> &mut [Param<F>] {
        &mut []
    }

    /// O for a given I.
    fn outputs(&self, inputs: usize) -> usize;

    /// PyTorch's name of the module, such as `Linear`.
    fn name(&self) -> &'static str;

    /// Whether f is smooth on the way from `x0` to `x1`, inputs that are close to each other.
    ///
    /// A finite difference across a kink, such as ReLU's at 0, says nothing of the derivative on
    /// either side: the gradient checker skips it. Default: yes.
    fn smooth_between(&self, _x0: &ArrayRef2<F>, _x1: &ArrayRef2<F>) -> bool {
        true
    }
}

/// ∂L/∂parameter over a whole batch, from x (N, I) and dy (N, O): overwrites the last argument.
///
/// Row i of the result depends on column i of x alone. So threads share a parameter by rows: for
/// rows i..j of the gradient, hand over columns i..j of x.
pub type Gradient<F> = fn(x: &ArrayRef2<F>, dy: &ArrayRef2<F>, gradient: &mut ArrayRef2<F>);

/// A tensor that training changes, its gradient, and the formula of that gradient.
pub struct Param<F> {
    /// PyTorch's name: `weight` or `bias`.
    pub name: &'static str,
    /// w (I, O), or b (1, O).
    pub value: Array2<F>,
    /// dw or db, shaped like `value`.
    pub grad: Array2<F>,
    /// What momentum keeps from step to step, shaped like `value`; none in plain SGD.
    pub velocity: Option<Array2<F>>,
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
            gradient,
        }
    }

    /// The gradient over the whole batch: overwrites `grad`.
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
        values
            .zip(grads)
            .enumerate()
            .map(move |(piece, (value, grad))| ParamRows {
                first: piece * rows,
                value,
                grad,
                velocity: velocities.as_mut().and_then(Iterator::next),
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
    gradient: Gradient<F>,
}

impl<F: Float> ParamRows<'_, F> {
    /// These rows of the gradient over the whole batch, from the whole x (N, I) and dy (N, O).
    pub fn backward(&mut self, x: &ArrayRef2<F>, dy: &ArrayRef2<F>) {
        let columns = self.first..self.first + self.grad.nrows();
        (self.gradient)(&x.slice(ndarray::s![.., columns]), dy, &mut self.grad);
    }
}
