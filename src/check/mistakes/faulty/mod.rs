//! Plants mistakes in a running network.
//!
//! Some of them need the whole batch at once: a network with one of these runs on one thread.

mod input;
mod loss;
mod memory;

use std::mem;

use ndarray::{ArrayRef2, Axis, s};

use super::Mistake;
use crate::{
    loss::{Loss, LossKind},
    nn::{Float, Gradient, Mlp, Module, ReLU},
};

/// Plants a mistake in a network, at places from [`Mistake::places`], and returns the loss to train with. A
/// mistake in the loss needs no places. The result is right only on one thread. Panics if the mistake does
/// not fit the loss.
pub fn plant<F: Float>(
    mistake: Mistake,
    places: &[usize],
    network: &mut Mlp<F>,
    kind: LossKind,
) -> Box<dyn Loss<F>> {
    use Mistake::*;
    assert!(mistake.fits_loss(kind), "{mistake} with {kind}");
    let right = kind.build::<F>();
    if mistake.of_loss() {
        return Box::new(loss::Faulty {
            right,
            kind,
            mistake,
        });
    }
    match mistake {
        SharedRelu | ReluMaskOfBefore | ReluMaskOfAnother => {
            memory::confuse_masks(mistake, places, network);
        }
        BeforeActivationInDw | AnotherInputInDw => memory::misfile(mistake, places, network),
        WeightNotSummed => set_gradient(network, places, Some(one_image_of_weight), None),
        BiasNotSummed => set_gradient(network, places, None, Some(one_image)),
        BiasAveraged => set_gradient(network, places, None, Some(mean)),
        BiasScalar => set_gradient(network, places, None, Some(all)),
        GradientZero => set_gradient(network, places, Some(zero), Some(zero)),
        _ => {
            for &m in places {
                wrap(&mut network.modules_mut()[m], |right| {
                    Box::new(input::Faulty::new(right, mistake))
                });
            }
        }
    }
    right
}

/// Puts a module into another that takes its place.
fn wrap<F: Float>(
    module: &mut Box<dyn Module<F>>,
    around: impl FnOnce(Box<dyn Module<F>>) -> Box<dyn Module<F>>,
) {
    *module = around(mem::replace(module, Box::new(ReLU)));
}

/// Gives weights, biases or both at these places another gradient.
fn set_gradient<F: Float>(
    network: &mut Mlp<F>,
    places: &[usize],
    weight: Option<Gradient<F>>,
    bias: Option<Gradient<F>>,
) {
    for &m in places {
        let params = network.modules_mut()[m].params_mut();
        let params = params.expect("a place with a weight and a bias");
        for (param, gradient) in params.into_iter().zip([weight, bias]) {
            param.gradient = gradient.unwrap_or(param.gradient);
        }
    }
}

fn one_image_of_weight<F: Float>(x: &ArrayRef2<F>, dy: &ArrayRef2<F>, dw: &mut ArrayRef2<F>) {
    dw.assign(&x.slice(s![..1, ..]).t().dot(&dy.slice(s![..1, ..])));
}

fn one_image<F: Float>(_x: &ArrayRef2<F>, dy: &ArrayRef2<F>, db: &mut ArrayRef2<F>) {
    db.assign(&dy.slice(s![..1, ..]));
}

fn mean<F: Float>(_x: &ArrayRef2<F>, dy: &ArrayRef2<F>, db: &mut ArrayRef2<F>) {
    let n = F::from(dy.nrows()).expect("a count converts");
    db.row_mut(0).assign(&(dy.sum_axis(Axis(0)) / n));
}

/// The sum over every axis, in every unit.
fn all<F: Float>(_x: &ArrayRef2<F>, dy: &ArrayRef2<F>, db: &mut ArrayRef2<F>) {
    db.fill(dy.sum());
}

fn zero<F: Float>(_x: &ArrayRef2<F>, _dy: &ArrayRef2<F>, gradient: &mut ArrayRef2<F>) {
    gradient.fill(F::zero());
}
