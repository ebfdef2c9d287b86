use ndarray::ArrayRef2;

use super::{Activation, Float, Formula, Mask, Param};
use crate::rng::Noise;

/// A differentiable function of a batch, row by row: no row of y depends on another row of x.
///
/// So both passes may be given only some of the rows of a batch, and threads can share a batch by rows.
/// Implementations panic if shapes do not fit: that is a bug in the caller.
pub trait Module<F: Float>: Send + Sync {
    /// y (N, O) = f(x), x (N, I).
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>);

    /// dx (N, I) = ∂L/∂x from dy (N, O) = ∂L/∂y, with x and y as they were in the forward pass.
    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    );

    /// dw (I, O) = ∂L/∂w over the whole batch, from x (N, I) and dy (N, O). By default there is no weight.
    fn backward_weight(_x: &ArrayRef2<F>, _dy: &ArrayRef2<F>, _dw: &mut ArrayRef2<F>)
    where
        Self: Sized,
    {
    }

    /// db (1, O) = ∂L/∂b over the whole batch, from dy (N, O). By default there is no bias.
    fn backward_bias(_x: &ArrayRef2<F>, _dy: &ArrayRef2<F>, _db: &mut ArrayRef2<F>)
    where
        Self: Sized,
    {
    }

    /// What training changes: weight and bias, each of which knows its own gradient. By default none.
    fn params(&self) -> Option<[&Param<F>; 2]> {
        None
    }

    /// [`params`](Module::params), mutable.
    fn params_mut(&mut self) -> Option<[&mut Param<F>; 2]> {
        None
    }

    /// The mask that takes its place in a training step with this noise. By default none.
    fn in_training(&self, _noise: Noise) -> Option<Mask> {
        None
    }

    /// The number of outputs O for this number of inputs I.
    fn outputs(&self, inputs: usize) -> usize;

    /// Which module it is.
    fn kind(&self) -> Kind;

    /// PyTorch's name of the module, such as `Linear`.
    fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// Whether f is smooth between `x0` and `x1`, which are inputs close to each other.
    ///
    /// A finite difference across a kink, such as ReLU's at 0, says nothing about the derivative on either
    /// side, so the gradient check skips it. By default true.
    fn smooth_between(&self, _x0: &ArrayRef2<F>, _x1: &ArrayRef2<F>) -> bool {
        true
    }
}

/// The kinds of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Linear`](super::Linear)
    Linear,
    /// A function applied to every element.
    Activation(Activation),
    /// [`Dropout`](super::Dropout)
    Dropout,
}

impl Kind {
    /// PyTorch's name of the module, such as `Linear`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::Activation(activation) => activation.about().name,
            Self::Dropout => "Dropout",
        }
    }

    /// The formulas of y and dx, as they are once training is over.
    pub fn formula(self) -> Formula {
        match self {
            Self::Linear => Formula {
                y: "x·w + b",
                dx: "dy·wᵀ",
            },
            Self::Activation(activation) => activation.about().formula,
            Self::Dropout => Formula { y: "x", dx: "dy" },
        }
    }

    /// Whether its units are off, and get no gradient, where x ≤ 0, like those of [`ReLU`](super::ReLU).
    pub fn switches_off(self) -> bool {
        matches!(self, Self::Activation(activation) if activation.about().switches_off)
    }
}
