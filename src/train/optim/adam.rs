//! Adam and AdamW: steps whose length does not depend on the size of the gradient.

use serde::{Deserialize, Serialize};

use super::Extras;
use crate::{
    linalg::{self, Float, functions::pow},
    nn::ParamRows,
};

/// w ← w − learning_rate·m̂ / (√v̂ + ε), with running means m of the gradient and v of its square
///
/// ```text
/// g = scale·dw + weight_decay·w             Adam: the gradient of the penalty λ/2·Σ w²
/// g = scale·dw                              AdamW
/// m ← β₁·m + (1 − β₁)·g                     the first moment
/// v ← β₂·v + (1 − β₂)·g²                    the second moment
/// m̂ = m/(1 − β₁ᵗ),  v̂ = v/(1 − β₂ᵗ)         in step t = 1, 2, …
/// w ← w − learning_rate·weight_decay·w      AdamW
/// w ← w − learning_rate·m̂/(√v̂ + ε)
/// ```
///
/// Shapes: dw, m and v as w, (I, O) or (1, O). The moments start at 0, and scale is 1 unless gradients are clipped.
/// As in PyTorch's `Adam` and `AdamW`, weight decay applies to all parameters, biases included.
///
/// Why it helps: m̂/√v̂ has no unit. A weight whose gradients are all a thousand times smaller takes the same steps, of
/// about learning_rate where g keeps its sign, and shorter ones where it swings to and fro. So a rate of 0.001 suits
/// most networks, and 0.1, which is usual in SGD, is far too large.
///
/// Why m and v are corrected: after t steps, they are sums of the last gradients whose weights add up to 1 − βᵗ, not
/// to 1. In the first step, m̂ = g and v̂ = g², and each w moves by the learning rate.
///
/// Why AdamW: λ·w in the gradient is divided by √v̂ like the rest of it, so weights with large gradients hardly decay.
/// Beside the step, all of them do so at the same rate.
///
/// ```
/// use mlp::{nn::{Linear, Module}, train::optim::{Adam, Moments}};
/// use ndarray::array;
///
/// let mut linear = Linear::new(array![[1., 2.], [3., 4.]], array![0., 0.]);
/// let w = &mut linear.w;
/// w.grad = array![[1e-3, 0.], [-2., 4.]];
/// w.moments = Some([array![[0., 0.], [0., 0.]], array![[0., 0.], [0., 0.]]]);
/// let adam = Adam::new(0.5, Moments::default(), 1);
/// w.rows_mut(2).for_each(|mut rows| assert!(adam.step(&mut rows)));
/// // The learning rate against the gradient, however large it is.
/// let expected = array![[0.5, 2.], [3.5, 3.5]];
/// assert!((&w.value - expected).iter().all(|error: &f64| error.abs() < 1e-5));
/// ```
///
/// Sources: D. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1; I. Loshchilov and
/// F. Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
#[derive(Clone, Copy, Debug)]
pub struct Adam<F> {
    /// The learning rate: about the length of a step.
    pub learning_rate: F,
    /// β₁, β₂ and ε.
    pub moments: Moments,
    /// `[1/(1 − β₁ᵗ), 1/(1 − β₂ᵗ)]`: what makes means of m and v, whose weights do not add up to 1 yet.
    pub corrections: [F; 2],
    /// Whether weight decay is AdamW's.
    pub decoupled: bool,
    /// Extensions of the step: weight decay, clipping, max-norm. Momentum has no meaning here.
    pub extras: Extras,
    /// A factor for every gradient, applied first, see [`clip_scale`](super::clip_scale).
    pub scale: F,
}

/// How the moments of Adam are kept and used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Moments {
    /// β₁: the share of the first moment that is kept from step to step, at least 0 and below 1.
    pub beta1: f32,
    /// β₂: the share of the second moment that is kept from step to step, at least 0 and below 1.
    pub beta2: f32,
    /// ε, above 0: where gradients are 0, nothing is divided by 0.
    pub eps: f32,
}

impl Default for Moments {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, as in the paper.
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

impl<F: Float> Adam<F> {
    /// Step number `step`, from 1, of plain Adam.
    pub fn new(learning_rate: F, moments: Moments, step: usize) -> Self {
        let correction = |beta: f32| {
            let correction = 1.0 / (1.0 - pow(beta.into(), step as f64));
            F::from(correction).expect("a float converts")
        };
        Self {
            learning_rate,
            moments,
            corrections: [moments.beta1, moments.beta2].map(correction),
            decoupled: false,
            extras: Extras::default(),
            scale: F::one(),
        }
    }

    /// Takes the step on some rows of a parameter. Returns whether every new value and second moment is finite: a v
    /// that is not would hold its w for ever. Panics if the parameter has no moments, see
    /// [`Mlp::start_moments`](crate::nn::Mlp::start_moments).
    pub fn step(&self, param: &mut ParamRows<'_, F>) -> bool {
        let (w, dw) = (&mut param.value, &param.grad);
        let [m, v] = param.moments.as_mut().expect("moments");
        let number = |x: f32| F::from(x).expect("a float converts");
        let Moments { beta1, beta2, eps } = self.moments;
        let (beta1, beta2, eps) = (number(beta1), number(beta2), number(eps));
        let (rate, scale, one) = (self.learning_rate, self.scale, F::one());
        let decay = number(self.extras.weight_decay);
        // One of the two is 0, so that one line holds for both rules.
        let (l2, shrink) = match self.decoupled {
            false => (decay, F::zero()),
            true => (F::zero(), rate * decay),
        };
        let [correct_m, correct_v] = self.corrections;
        linalg::update2(dw, m, v, w, |dw, m, v, w| {
            let g = scale * dw + l2 * w;
            let m = beta1 * m + (one - beta1) * g;
            let v = beta2 * v + (one - beta2) * (g * g);
            let (m_hat, v_hat) = (correct_m * m, correct_v * v);
            let w = w - shrink * w;
            (m, v, w - rate * m_hat / (v_hat.sqrt() + eps))
        })
    }
}
