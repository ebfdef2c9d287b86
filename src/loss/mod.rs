//! Losses: forward and backward passes side by side, each a mean over the images of a batch.

mod binary_cross_entropy;
mod cross_entropy;
mod decoding;
mod kind;
mod mse;
mod smoothed_cross_entropy;
mod weighted;

use ndarray::{ArrayRef1, ArrayRef2, ArrayView1, ArrayViewMut1};

pub use crate::linalg::Float;
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use decoding::Decoding;
pub use kind::LossKind;
pub use mse::{Mse, Target};
pub use smoothed_cross_entropy::SmoothedCrossEntropy;
pub use weighted::Weighted;

/// L = (1/N) Σₙ ℓₙ: how far the outputs of a network are from the targets, and which way is down.
///
/// A loss is written for one image. Both passes go image by image, so threads can share a batch by rows. They
/// panic if shapes do not fit or a target is not a class: that is a bug in the caller, who must check what
/// comes from outside.
pub trait Loss<F: Float>: Send + Sync {
    /// Returns ℓ of one image with outputs z (C) and target t, and writes its prediction p (C) for the
    /// backward pass.
    fn image(&self, z: ArrayView1<F>, t: usize, p: ArrayViewMut1<F>) -> F;

    /// Writes dz (C) = ∂L/∂z of one image from its prediction p (C), where L is a mean over n images.
    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]);

    /// How outputs are read as a class.
    fn decoding(&self) -> Decoding {
        Decoding::Largest
    }

    /// Writes ℓₙ, the loss of each image, and its prediction.
    ///
    /// Shapes: outputs and predictions (N, C); targets and losses (N).
    fn forward(
        &self,
        outputs: &ArrayRef2<F>,
        targets: &[u8],
        predictions: &mut ArrayRef2<F>,
        losses: &mut ArrayRef1<F>,
    ) {
        assert_eq!(
            outputs.nrows(),
            targets.len(),
            "rows of outputs against targets"
        );
        let rows = outputs.rows().into_iter().zip(predictions.rows_mut());
        for (((z, p), &t), loss) in rows.zip(targets).zip(losses) {
            *loss = self.image(z, t.into(), p);
        }
    }

    /// Writes ∂L/∂outputs (N, C) from the predictions of the forward pass.
    ///
    /// `batch` is the N of the mean: the size of the whole batch, of which these may be only some rows.
    fn backward(
        &self,
        predictions: &ArrayRef2<F>,
        targets: &[u8],
        batch: usize,
        doutputs: &mut ArrayRef2<F>,
    ) {
        let n = float(batch);
        let rows = predictions.rows().into_iter().zip(doutputs.rows_mut());
        for ((p, mut dz), &t) in rows.zip(targets) {
            let (p, dz) = (p.to_slice(), dz.as_slice_mut());
            let (p, dz) = (p.expect("contiguous"), dz.expect("contiguous"));
            self.image_gradient(p, t.into(), n, dz);
        }
    }
}

/// N as a float.
fn float<F: Float>(n: usize) -> F {
    F::from(n).expect("a count converts to any float")
}
