use ndarray::{Array1, Array2, ArrayRef2, Axis};

use super::{Float, Kind, Module, Param};
use crate::linalg::{add_matmul, matmul, sum_rows};

/// y = x·w + b
///
/// Shapes: x (N, I), w (I, O), b (1, O), y (N, O). In coordinates
///
/// ```text
/// y[n][o] = Σᵢ x[n][i]·w[i][o] + b[o]
/// ```
///
/// so `w[i][o]` and `b[o]` act on L through `y[n][o]` of every image n, and `x[n][i]` through `y[n][o]` of
/// every output o. The chain rule adds up these paths; each sum runs over the index that disappears, as in a
/// matrix product:
///
/// ```text
/// ∂L/∂w[i][o] = Σₙ ∂L/∂y[n][o] · ∂y[n][o]/∂w[i][o] = Σₙ x[n][i]·dy[n][o]
/// ∂L/∂b[o]    = Σₙ ∂L/∂y[n][o] · ∂y[n][o]/∂b[o]    = Σₙ dy[n][o]
/// ∂L/∂x[n][i] = Σₒ ∂L/∂y[n][o] · ∂y[n][o]/∂x[n][i] = Σₒ dy[n][o]·w[i][o]
///
/// dw = xᵀ·dy      (I, N)·(N, O) = (I, O)
/// db = Σₙ dy      (1, O)
/// dx = dy·wᵀ      (N, O)·(O, I) = (N, I)
/// ```
///
/// Worked by hand, for two images of two pixels and two outputs:
///
/// ```
/// use mlp::nn::{Linear, Module};
/// use ndarray::{Array2, array};
///
/// let (x, dy) = (array![[1., 2.], [3., 4.]], array![[1., 0.], [0., 1.]]);
/// let mut linear = Linear::new(array![[1., -1.], [2., 0.5]], array![0.5, -0.5]);
///
/// let (mut y, mut dx) = (Array2::zeros((2, 2)), Array2::zeros((2, 2)));
/// linear.forward(&x, &mut y);
/// assert_eq!(y, array![[5.5, -0.5], [11.5, -1.5]]); // first: 1·1 + 2·2 + 0.5
///
/// linear.backward_input(&x, &y, &dy, &mut dx);
/// assert_eq!(dx, array![[1., 2.], [-1., 0.5]]); // row n of dy picks column n of w
///
/// linear.w.backward(&x, &dy);
/// assert_eq!(linear.w.grad, array![[1., 3.], [2., 4.]]); // xᵀ
/// linear.b.backward(&x, &dy);
/// assert_eq!(linear.b.grad, array![[1., 1.]]); // the columns of dy, summed
/// ```
pub struct Linear<F> {
    /// The weight w (I, O) and its gradient.
    pub w: Param<F>,
    /// The bias b (1, O) and its gradient.
    pub b: Param<F>,
}

impl<F: Float> Linear<F> {
    /// A layer with the weight w (I, O) and the bias b (O). Panics if their O differ.
    pub fn new(w: Array2<F>, b: Array1<F>) -> Self {
        assert_eq!(
            w.ncols(),
            b.len(),
            "weight (I, O) = {:?}, bias (O) = {}",
            w.dim(),
            b.len()
        );
        Self {
            w: Param::new("weight", w, Self::backward_weight),
            b: Param::new("bias", b.insert_axis(Axis(0)), Self::backward_bias),
        }
    }
}

impl<F: Float> Module<F> for Linear<F> {
    /// y = b + x·w
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        y.assign(&self.b.value);
        add_matmul(x, &self.w.value, y);
    }

    /// dx = dy·wᵀ
    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        _y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        matmul(dy, &self.w.value.t(), dx);
    }

    /// dw = xᵀ·dy
    fn backward_weight(x: &ArrayRef2<F>, dy: &ArrayRef2<F>, dw: &mut ArrayRef2<F>) {
        matmul(&x.t(), dy, dw);
    }

    /// db = Σₙ dy
    fn backward_bias(_x: &ArrayRef2<F>, dy: &ArrayRef2<F>, db: &mut ArrayRef2<F>) {
        sum_rows(dy, db);
    }

    fn params(&self) -> Option<[&Param<F>; 2]> {
        Some([&self.w, &self.b])
    }

    fn params_mut(&mut self) -> Option<[&mut Param<F>; 2]> {
        Some([&mut self.w, &mut self.b])
    }

    fn outputs(&self, inputs: usize) -> usize {
        let w = self.w.value.dim();
        assert_eq!(inputs, w.0, "inputs against the rows of w {w:?}");
        w.1
    }

    fn kind(&self) -> Kind {
        Kind::Linear
    }
}
