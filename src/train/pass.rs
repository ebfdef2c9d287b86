//! How some images of a batch go through the network to the loss, and back: the same code trains, evaluates
//! and is checked.

use crate::{
    linalg::Float,
    loss::Loss,
    nn::{Mlp, TapeRows},
};

/// Computes every y, then the predictions and the loss of each image.
pub fn forward<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    rows: &mut TapeRows<'_, F>,
    targets: &[u8],
) {
    forward_from(0, network, loss, rows, targets);
}

/// [`forward`] from module `first` on; what comes before is already there.
pub fn forward_from<F: Float>(
    first: usize,
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    rows: &mut TapeRows<'_, F>,
    targets: &[u8],
) {
    network.forward_from(first, rows);
    let ([outputs, mut predictions, _], mut losses) = rows.loss();
    loss.forward(&outputs, targets, &mut predictions, &mut losses);
}

/// Computes every dy and dx after [`forward`]. L is a mean over `batch` images, of which these may be only some.
pub fn backward<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    rows: &mut TapeRows<'_, F>,
    targets: &[u8],
    batch: usize,
) {
    doutputs(loss, rows, targets, batch);
    network.backward_input(rows);
}

/// The first dy of [`backward`], which comes from the loss.
pub(crate) fn doutputs<F: Float>(
    loss: &dyn Loss<F>,
    rows: &mut TapeRows<'_, F>,
    targets: &[u8],
    batch: usize,
) {
    let ([_, predictions, mut doutputs], _) = rows.loss();
    loss.backward(&predictions, targets, batch, &mut doutputs);
}
