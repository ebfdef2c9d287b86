//! The way of some images of a batch through the network to the loss, and back: the same for all that takes it.

use crate::{
    linalg::Float,
    loss::Loss,
    nn::{Mlp, TapeRows},
};

/// Every y, and what the loss makes of the last: predictions and the loss of each image.
pub fn forward<F: Float>(
    network: &Mlp<F>,
    loss: &dyn Loss<F>,
    rows: &mut TapeRows<'_, F>,
    targets: &[u8],
) {
    forward_from(0, network, loss, rows, targets);
}

/// [`forward`] from module `first` on, where what comes before is there already.
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

/// Every dy and dx after [`forward`]; L is a mean over `batch` images, of which these may be only some.
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

/// The first dy of [`backward`], that of the loss.
pub(crate) fn doutputs<F: Float>(
    loss: &dyn Loss<F>,
    rows: &mut TapeRows<'_, F>,
    targets: &[u8],
    batch: usize,
) {
    let ([_, predictions, mut doutputs], _) = rows.loss();
    loss.backward(&predictions, targets, batch, &mut doutputs);
}
