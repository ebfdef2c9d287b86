use ndarray::{Array1, Array2};
use ndarray_rand::{RandomExt, rand::RngCore, rand_distr::Uniform};

use super::{Float, Linear};

/// A linear layer with w uniform in ±√(6/I) and b = 0
///
/// w has I rows and O columns, and a variance of 2/I: so `Σᵢ x[i]·w[i]` has twice the mean square of
/// x, and ReLU, which drops half, gives it back. The signal keeps its size through any number of
/// layers. Drawn in `f64` whatever `F` is: a seed means the same network, to rounding.
///
/// Source: K. He et al., "Delving Deep into Rectifiers", 2015, equation 10 ("Kaiming", here from the
/// uniform distribution of that variance; PyTorch's `kaiming_uniform_(nonlinearity="relu")`).
///
/// Panics if `inputs` or `outputs` is zero.
pub fn kaiming_uniform<F: Float>(
    inputs: usize,
    outputs: usize,
    rng: &mut impl RngCore,
) -> Linear<F> {
    assert!(
        inputs > 0 && outputs > 0,
        "a layer of {inputs} inputs and {outputs} outputs"
    );
    let bound = (6.0 / inputs as f64).sqrt();
    let uniform = Uniform::new_inclusive(-bound, bound).expect("a finite bound above zero");
    let w = Array2::<f64>::random_using((inputs, outputs), uniform, rng);
    let w = w.mapv(|v| F::from(v).expect("f64 converts to any float"));
    Linear::new(w, Array1::zeros(outputs))
}
