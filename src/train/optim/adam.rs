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
            let m = normal(beta1 * m + (one - beta1) * g);
            let v = normal(beta2 * v + (one - beta2) * (g * g));
            let (m_hat, v_hat) = (correct_m * m, correct_v * v);
            let w = w - shrink * w;
            (m, v, w - rate * m_hat / (v_hat.sqrt() + eps))
        })
    }
}

/// The number, or 0 if it is subnormal. Where a gradient stays 0, as with pixels that are seldom anything but black, a mean
/// would come down to the least number of all and stay there, since 0.9 of it is rounded back to it; and processors take
/// a hundred times as long for numbers so small.
fn normal<F: Float>(x: F) -> F {
    match x.abs() < F::min_positive_value() {
        true => F::zero(),
        false => x,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::{
        nn::{Linear, Param},
        train::optim::{Optimizer, Rule},
    };

    /// A weight (2, 2) with moments of zero and this gradient.
    fn param<F: Float>(value: Array2<F>, grad: Array2<F>) -> Param<F> {
        let outputs = value.ncols();
        let mut param = Linear::new(value, ndarray::Array1::zeros(outputs)).w;
        param.moments = Some([0, 1].map(|_| linalg::zeros(grad.dim())));
        param.grad.assign(&grad);
        param
    }

    fn step<F: Float>(rule: Rule<F>, param: &mut Param<F>) -> bool {
        let steps = param.rows_mut(1).map(|mut rows| rule.step(&mut rows));
        steps.fold(true, |all, finite| all & finite)
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
    }

    #[test]
    fn two_steps_are_as_by_hand() {
        let moments = Moments {
            beta1: 0.5,
            beta2: 0.75,
            eps: 0.5,
        };
        let mut w = param(array![[1.0, -2.0]], array![[2.0, 0.0]]);
        let rule = |t| Optimizer::Adam(moments).at(0.25, Extras::default(), t);
        // m = 1, v = 1; m̂ = 1/0.5 = 2, v̂ = 1/0.25 = 4; w = 1 − 0.25·2/(2 + 0.5).
        assert!(step(rule(1), &mut w));
        assert_near(w.value[[0, 0]], 0.8);
        // g = −1: m = 0.5 − 0.5 = 0, so w stays; v = 0.75 + 0.25 = 1.
        w.grad[[0, 0]] = -1.0;
        assert!(step(rule(2), &mut w));
        assert_near(w.value[[0, 0]], 0.8);
        // g = 4: m = 2, v = 0.75 + 4 = 4.75; m̂ = 2/0.875, v̂ = 4.75/0.578125.
        w.grad[[0, 0]] = 4.0;
        assert!(step(rule(3), &mut w));
        let hats: (f64, f64) = (2.0 / 0.875, 4.75 / 0.578125);
        assert_near(w.value[[0, 0]], 0.8 - 0.25 * hats.0 / (hats.1.sqrt() + 0.5));
        // Where no gradient ever came, nothing moves.
        assert_eq!(w.value[[0, 1]], -2.0);
        let [m, v] = w.moments.unwrap();
        assert_eq!((m[[0, 0]], v[[0, 0]]), (2.0, 4.75));
        assert_eq!((m[[0, 1]], v[[0, 1]]), (0.0, 0.0));
    }

    #[test]
    fn weight_decay_is_a_gradient_in_adam_and_beside_it_in_adamw() {
        let extras = Extras {
            weight_decay: 0.5,
            ..Extras::default()
        };
        let moments = Moments::default();
        // Of the gradient 0.5·4, Adam sees the sign alone; AdamW takes 0.25·0.5·4 away.
        for (optimizer, expected) in [
            (Optimizer::Adam(moments), 3.75_f64),
            (Optimizer::AdamW(moments), 3.5),
        ] {
            let mut w = param(array![[4.0]], array![[0.0]]);
            assert!(step(optimizer.at(0.25, extras, 1), &mut w));
            assert!((w.value[[0, 0]] - expected).abs() < 1e-7, "{optimizer:?}");
        }
    }

    #[test]
    fn what_is_not_finite_is_told_and_so_is_a_moment_that_overflows() {
        let rule = Optimizer::Adam(Moments::default()).at(0.001, Extras::default(), 1);
        for gradient in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
            let mut w = param(array![[1.0, 2.0]], array![[0.5, gradient]]);
            assert!(!step(rule, &mut w), "{gradient}");
        }
        let mut w = param(array![[1.0, 2.0]], array![[1e-30_f32, 1e15]]);
        assert!(step(rule, &mut w));
    }

    #[test]
    fn rows_shared_in_any_way_give_the_same_bits() {
        let value = Array2::from_shape_fn((7, 5), |(i, j)| (i * 5 + j) as f32 / 7.0 - 2.0);
        let grad = value.mapv(|w: f32| (w * 3.0).sin());
        let extras = Extras {
            weight_decay: 0.01,
            ..Extras::default()
        };
        let all = [1, 2, 3, 7].map(|rows| {
            let mut w = param(value.clone(), grad.clone());
            for t in 1..=3 {
                let rule = Optimizer::AdamW(Moments::default()).at(0.01, extras, t);
                w.rows_mut(rows).for_each(|mut rows| {
                    rule.step(&mut rows);
                });
            }
            let bits = |a: &Array2<f32>| a.mapv(f32::to_bits);
            let [m, v] = w.moments.as_ref().unwrap();
            [bits(&w.value), bits(m), bits(v)]
        });
        assert!(all.iter().all(|one| *one == all[0]));
    }

    #[test]
    fn settings_are_read_as_they_were_written_and_defaults_may_be_left_out() {
        let moments = Moments {
            beta1: 0.8,
            ..Moments::default()
        };
        for optimizer in [
            Optimizer::Sgd,
            Optimizer::Adam(moments),
            Optimizer::AdamW(Moments::default()),
        ] {
            let json = serde_json::to_string(&optimizer).unwrap();
            let read: Optimizer = serde_json::from_str(&json).unwrap();
            assert_eq!(read, optimizer, "{json}");
        }
        let read: Optimizer = serde_json::from_str(r#"{"name": "adam", "beta1": 0.8}"#).unwrap();
        assert_eq!(read, Optimizer::Adam(moments));
        let other = r#"{"name": "adam", "beta3": 0.8}"#;
        assert!(serde_json::from_str::<Optimizer>(other).is_err());
        let json = serde_json::to_string(&Optimizer::AdamW(moments)).unwrap();
        assert_eq!(
            json,
            r#"{"name":"adamw","beta1":0.8,"beta2":0.999,"eps":1e-8}"#
        );
    }
}
