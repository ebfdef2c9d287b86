//! Losses: forward and backward side by side, each a mean over the images of a batch.

mod cross_entropy;
mod kind;
mod mse;
mod smoothed_cross_entropy;

use ndarray::{ArrayRef1, ArrayRef2, ArrayView1};

pub use crate::linalg::Float;
pub use cross_entropy::CrossEntropy;
pub use kind::LossKind;
pub use mse::{Mse, Target};
pub use smoothed_cross_entropy::SmoothedCrossEntropy;

/// L = (1/N) Σₙ ℓₙ: how far the outputs of a network are from the targets, and which way is down.
///
/// Both passes work row by row, so threads may share a batch by rows. Panic when shapes do not fit
/// or a target is not a class: that is a bug in the caller, who checks what comes from outside.
pub trait Loss<F: Float>: Send + Sync {
    /// ℓₙ, the loss of each image, and its prediction p (N, C), which the backward pass reads.
    ///
    /// Shapes: outputs and predictions (N, C); targets and losses (N).
    fn forward(
        &self,
        outputs: &ArrayRef2<F>,
        targets: &[u8],
        predictions: &mut ArrayRef2<F>,
        losses: &mut ArrayRef1<F>,
    );

    /// ∂L/∂outputs (N, C) from the predictions of the forward pass.
    ///
    /// `batch` is the N of the mean: the whole batch, of which these may be only some rows.
    fn backward(
        &self,
        predictions: &ArrayRef2<F>,
        targets: &[u8],
        batch: usize,
        doutputs: &mut ArrayRef2<F>,
    );

    /// The class, of `classes`, that a row of outputs stands for.
    fn class(&self, outputs: ArrayView1<F>, classes: usize) -> u8;

    /// C for a data set of `classes` classes.
    fn outputs(&self, classes: usize) -> usize;
}

/// The index of the largest output, the first of them if several are equal; a NaN is never the largest.
fn argmax<F: Float>(outputs: ArrayView1<F>) -> u8 {
    let mut best = (0, F::neg_infinity());
    for (class, &output) in outputs.iter().enumerate() {
        if output > best.1 {
            best = (class, output);
        }
    }
    u8::try_from(best.0).expect("at most 256 classes")
}

/// N as a float.
fn float<F: Float>(n: usize) -> F {
    F::from(n).expect("a count converts to any float")
}
