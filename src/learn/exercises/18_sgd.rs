//! 18 sgd: what the gradients are for

use ndarray::Array2;

/// w ← w − lr·dw for every parameter, and every gradient back to zero
///
/// params and grads: arrays of the same shapes, changed in place.
///
/// Example: w = [[1, 2]], dw = [[10, -10]] and lr = 0.1 leave w = [[0, 3]] and dw = [[0, 0]].
pub fn sgd(params: &mut [Array2<f64>], grads: &mut [Array2<f64>], lr: f64) {
    // solution
    for (w, dw) in params.iter_mut().zip(grads) {
        w.scaled_add(-lr, dw);
        dw.fill(0.0);
    }
    // end
}
