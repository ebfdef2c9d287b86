//! Stochastic gradient descent and its usual extensions; Adam and AdamW in [`adam`].

pub mod adam;

use ndarray::ArrayRef2;
use serde::{Deserialize, Serialize};

use crate::{
    linalg::{self, Float, add_squares, scale_columns},
    nn::ParamRows,
};

pub use adam::{Adam, Moments};

/// By which rule the gradients change the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent, see [`Sgd`].
    #[default]
    Sgd,
    /// Adam, see [`Adam`]; weight decay is an L2 penalty.
    Adam(Moments),
    /// AdamW, see [`Adam`]; weight decay shrinks the weights beside the step.
    AdamW(Moments),
}

impl Optimizer {
    /// What the rule is called in print.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sgd => "SGD",
            Self::Adam(_) => "Adam",
            Self::AdamW(_) => "AdamW",
        }
    }

    /// The settings of the moments, if the rule keeps any.
    pub fn moments(self) -> Option<Moments> {
        match self {
            Self::Sgd => None,
            Self::Adam(moments) | Self::AdamW(moments) => Some(moments),
        }
    }

    /// The rule of step number `step`, from 1, at this learning rate.
    pub fn at<F: Float>(self, learning_rate: F, extras: Extras, step: usize) -> Rule<F> {
        let adam = |moments, decoupled| Adam {
            extras,
            decoupled,
            ..Adam::new(learning_rate, moments, step)
        };
        match self {
            Self::Sgd => Rule::Sgd(Sgd {
                extras,
                ..Sgd::new(learning_rate)
            }),
            Self::Adam(moments) => Rule::Adam(adam(moments, false)),
            Self::AdamW(moments) => Rule::Adam(adam(moments, true)),
        }
    }
}

/// One step by one of the rules, with all its numbers.
#[derive(Clone, Copy, Debug)]
pub enum Rule<F> {
    /// A step of SGD.
    Sgd(Sgd<F>),
    /// A step of Adam or AdamW.
    Adam(Adam<F>),
}

impl<F> From<Sgd<F>> for Rule<F> {
    fn from(sgd: Sgd<F>) -> Self {
        Self::Sgd(sgd)
    }
}

impl<F> From<Adam<F>> for Rule<F> {
    fn from(adam: Adam<F>) -> Self {
        Self::Adam(adam)
    }
}

impl<F: Float> Rule<F> {
    /// What is added to it.
    pub fn extras(&self) -> &Extras {
        match self {
            Self::Sgd(sgd) => &sgd.extras,
            Self::Adam(adam) => &adam.extras,
        }
    }

    /// The same with this factor for every gradient.
    pub fn scaled(self, scale: F) -> Self {
        match self {
            Self::Sgd(sgd) => Self::Sgd(Sgd { scale, ..sgd }),
            Self::Adam(adam) => Self::Adam(Adam { scale, ..adam }),
        }
    }

    /// Takes one step on some rows of a parameter, see [`Sgd::step`] and [`Adam::step`].
    pub fn step(&self, param: &mut ParamRows<'_, F>) -> bool {
        match self {
            Self::Sgd(sgd) => sgd.step(param),
            Self::Adam(adam) => adam.step(param),
        }
    }
}

/// w ← w − learning_rate·dw, or with [`Extras`]
///
/// ```text
/// g = scale·dw + weight_decay·w
/// v ← momentum·v + g
/// w ← w − learning_rate·v                   or, with Nesterov's momentum,
/// w ← w − learning_rate·(g + momentum·v)
/// ```
///
/// The velocity v starts at 0, and scale is 1 unless gradients are clipped. As in PyTorch's `SGD`, weight
/// decay applies to all parameters, biases included.
///
/// Why the loss falls: to first order, a change δ of the weights changes L by the sum of dw·δ over them all.
/// Among all δ of the same length, the one that points against dw makes this sum lowest, and the plain step
/// does just that:
///
/// ```text
/// L(w + δ)     ≈ L(w) + Σ dw·δ
/// L(w − lr·dw) ≈ L(w) − lr·Σ dw²      for steps so short that dw hardly changes on the way
/// ```
///
/// Momentum adds up earlier gradients, v = g + momentum·g₋₁ + momentum²·g₋₂ + …. Where g hardly changes,
/// steps grow to 1/(1 − momentum) times their length; where g swings to and fro, it cancels out. Weight decay
/// is the gradient of a penalty λ/2·Σ w² added to the loss.
///
/// ```
/// use mlp::{nn::{Linear, Module}, train::optim::{Extras, Sgd}};
/// use ndarray::array;
///
/// let mut linear = Linear::new(array![[1., 2.], [3., 4.]], array![0., 0.]);
/// let w = &mut linear.w;
/// w.grad = array![[1., 0.], [-2., 4.]];
/// w.rows_mut(2).for_each(|mut rows| assert!(Sgd::new(0.5).step(&mut rows)));
/// assert_eq!(w.value, array![[0.5, 2.], [4., 2.]]); // w − 0.5·dw
///
/// // The same gradient twice more, with momentum 0.5: v = g, then 1.5·g.
/// let extras = Extras { momentum: 0.5, ..Extras::default() };
/// w.velocity = Some(array![[0., 0.], [0., 0.]]);
/// for _ in 0..2 {
///     w.rows_mut(2).for_each(|mut rows| {
///         Sgd { extras, ..Sgd::new(0.5) }.step(&mut rows);
///     });
/// }
/// assert_eq!(w.value, array![[-0.75, 2.], [6.5, -3.]]); // another 2.5·0.5·g less
/// ```
///
/// Source: I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
#[derive(Clone, Copy, Debug)]
pub struct Sgd<F> {
    /// The learning rate: the length of a step, in units of w per unit of dw.
    pub learning_rate: F,
    /// Extensions of the plain step.
    pub extras: Extras,
    /// A factor for every gradient, applied first, see [`clip_scale`].
    pub scale: F,
}

/// Extensions of the plain step; none by default. Momentum, with Nesterov's, is SGD's alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extras {
    /// The share of the velocity that is kept from step to step, at least 0 and below 1.
    pub momentum: f32,
    /// Whether momentum is Nesterov's: the gradient counts as if it were taken after the velocity's next step.
    pub nesterov: bool,
    /// λ of the penalty λ/2·Σ w², whose gradient is λ·w. AdamW has no penalty: w shrinks by learning_rate·λ·w.
    pub weight_decay: f32,
    /// The largest norm of all gradients together; larger ones are scaled down to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// The largest norm of the weights into a unit; larger ones are scaled down to it after the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_norm: Option<f32>,
}

impl Extras {
    /// Whether a step of SGD needs the velocity.
    pub fn velocity(&self) -> bool {
        self.momentum != 0.0 || self.weight_decay != 0.0
    }
}

impl<F: Float> Sgd<F> {
    /// Plain SGD.
    pub fn new(learning_rate: F) -> Self {
        Self {
            learning_rate,
            extras: Extras::default(),
            scale: F::one(),
        }
    }

    /// Takes one step on some rows of a parameter. Returns whether every new value is finite. Panics if the
    /// extras need a velocity and the parameter has none, see [`Mlp::at_rest`](crate::nn::Mlp::at_rest).
    pub fn step(&self, param: &mut ParamRows<'_, F>) -> bool {
        let (w, dw) = (&mut param.value, &param.grad);
        if !self.extras.velocity() {
            return linalg::add_scaled(-self.learning_rate * self.scale, dw, w);
        }
        let v = param.velocity.as_mut().expect("a velocity");
        let number = |x: f32| F::from(x).expect("a float converts");
        let (momentum, decay) = (
            number(self.extras.momentum),
            number(self.extras.weight_decay),
        );
        let (rate, scale) = (self.learning_rate, self.scale);
        match self.extras.nesterov {
            false => linalg::update(dw, v, w, |dw, v, w| {
                let v = momentum * v + (scale * dw + decay * w);
                (v, w - rate * v)
            }),
            true => linalg::update(dw, v, w, |dw, v, w| {
                let g = scale * dw + decay * w;
                let v = momentum * v + g;
                (v, w - rate * (g + momentum * v))
            }),
        }
    }
}

/// The factor that scales gradients whose norm together is `norm` down to at most `most`.
///
/// Source: R. Pascanu et al., "On the difficulty of training recurrent neural networks", 2013; as
/// PyTorch's `clip_grad_norm_`.
pub fn clip_scale(norm: f64, most: f32) -> f64 {
    (f64::from(most) / (norm + 1e-6)).min(1.0)
}

/// Scales every column of w (I, O), the weights into one unit, down to a norm of at most `most`. w may also
/// be some of the columns; `norms` is scratch space with a place for each.
///
/// Source: N. Srivastava et al., "Dropout", 2014, 5.1; as PyTorch's `renorm`.
pub fn limit_norms<F: Float>(w: &mut ArrayRef2<F>, most: F, norms: &mut [F]) {
    let norms = &mut norms[..w.ncols()];
    norms.fill(F::zero());
    add_squares(w, norms);
    let tiny = F::from(1e-7).expect("a float converts");
    let mut longer = false;
    for norm in norms.iter_mut() {
        let length = norm.sqrt();
        longer |= length > most;
        *norm = if length > most {
            most / (length + tiny)
        } else {
            F::one()
        };
    }
    if longer {
        scale_columns(w, norms);
    }
}
