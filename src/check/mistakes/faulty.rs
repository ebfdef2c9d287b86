//! Plants mistakes in a running network.
//!
//! Some of them need the whole batch at once: a network with one of these runs on one thread.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use ndarray::{Array2, ArrayRef1, ArrayRef2, ArrayView1, ArrayViewMut1, Axis, s};

use super::{Mistake, places::masks};
use crate::{
    loss::{Decoding, Loss, LossKind},
    nn::{Float, Gradient, Kind, Mask, Mlp, Module, Param, ReLU},
    rng::Noise,
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
    assert!(mistake.fits_loss(kind), "{mistake} with {kind}");
    let loss = kind.build::<F>();
    if mistake.of_loss() {
        return Box::new(FaultyLoss {
            loss,
            kind,
            mistake,
        });
    }
    let modules = network.modules_mut();
    if matches!(mistake, Mistake::SharedRelu | Mistake::ReluMaskOfBefore) {
        let mut places = places.to_vec();
        if mistake == Mistake::SharedRelu {
            let last = modules.iter().rposition(|module| masks(module.kind()));
            places.push(last.expect("the network has ReLUs"));
        }
        confuse_masks(modules, mistake, &places);
        return loss;
    }
    for &m in places {
        let module = &mut modules[m];
        match mistake {
            Mistake::BiasNotSummed | Mistake::BiasAveraged => {
                let gradient: Gradient<F> = match mistake {
                    Mistake::BiasNotSummed => one_image,
                    _ => mean,
                };
                let [_, b] = module.params_mut().expect("a place with a bias");
                b.gradient = gradient;
            }
            _ => {
                let dx = match mistake {
                    Mistake::UpstreamIgnored => slope_alone,
                    Mistake::WeightNotTransposed => not_transposed,
                    Mistake::MisplacedBracket => bracket,
                    Mistake::SlopeFromX => slope_from_x,
                    _ => as_if_not_there,
                };
                let right = mem::replace(module, Box::new(ReLU));
                *module = Box::new(FaultyInput { right, dx });
            }
        }
    }
    loss
}

/// Makes the ReLUs at these places remember one input together, or mask by what the ReLU before remembers.
fn confuse_masks<F: Float>(modules: &mut [Box<dyn Module<F>>], mistake: Mistake, places: &[usize]) {
    let shared = Remembered::default();
    let mut before = Remembered::default();
    let relus = modules.iter_mut().enumerate();
    for (m, module) in relus.filter(|(_, module)| masks(module.kind())) {
        let own = Remembered::default();
        let (own, used) = match (places.contains(&m), mistake) {
            (true, Mistake::SharedRelu) => (shared.clone(), shared.clone()),
            (true, _) => (own, before),
            (false, _) => (own.clone(), own),
        };
        before = own.clone();
        let right = mem::replace(module, Box::new(ReLU));
        *module = Box::new(Remembering { right, own, used });
    }
}

fn one_image<F: Float>(_x: &ArrayRef2<F>, dy: &ArrayRef2<F>, db: &mut ArrayRef2<F>) {
    db.assign(&dy.slice(s![..1, ..]));
}

fn mean<F: Float>(_x: &ArrayRef2<F>, dy: &ArrayRef2<F>, db: &mut ArrayRef2<F>) {
    let n = F::from(dy.nrows()).expect("a count converts");
    db.row_mut(0).assign(&(dy.sum_axis(Axis(0)) / n));
}

/// Computes dx from a module, x, y and dy.
type Dx<F> = fn(&dyn Module<F>, &ArrayRef2<F>, &ArrayRef2<F>, &ArrayRef2<F>, &mut ArrayRef2<F>);

fn as_if_not_there<F: Float>(
    _module: &dyn Module<F>,
    _x: &ArrayRef2<F>,
    _y: &ArrayRef2<F>,
    dy: &ArrayRef2<F>,
    dx: &mut ArrayRef2<F>,
) {
    dx.assign(dy);
}

/// The slope alone: what dy = 1 would give.
fn slope_alone<F: Float>(
    module: &dyn Module<F>,
    x: &ArrayRef2<F>,
    y: &ArrayRef2<F>,
    dy: &ArrayRef2<F>,
    dx: &mut ArrayRef2<F>,
) {
    module.backward_input(x, y, &Array2::ones(dy.dim()), dx);
}

/// The weight of a module that has one.
fn weight<F>(module: &dyn Module<F>) -> &Array2<F>
where
    F: Float,
{
    let [w, _] = module.params().expect("a place with a weight");
    &w.value
}

fn not_transposed<F: Float>(
    module: &dyn Module<F>,
    _x: &ArrayRef2<F>,
    _y: &ArrayRef2<F>,
    dy: &ArrayRef2<F>,
    dx: &mut ArrayRef2<F>,
) {
    dx.assign(&dy.dot(weight(module)));
}

/// 2·(z − t·wᵀ)/N; the targets follow from dy = 2·(z − t)/N.
fn bracket<F: Float>(
    module: &dyn Module<F>,
    _x: &ArrayRef2<F>,
    z: &ArrayRef2<F>,
    dy: &ArrayRef2<F>,
    dx: &mut ArrayRef2<F>,
) {
    let two_nth = F::from(2.0 / dy.nrows() as f64).expect("a float converts");
    let t = z.to_owned() - dy.mapv(|dy| dy / two_nth);
    let slipped = z.to_owned() - t.dot(&weight(module).t());
    dx.assign(&(slipped * two_nth));
}

fn slope_from_x<F: Float>(
    module: &dyn Module<F>,
    x: &ArrayRef2<F>,
    _y: &ArrayRef2<F>,
    dy: &ArrayRef2<F>,
    dx: &mut ArrayRef2<F>,
) {
    module.backward_input(x, x, dy, dx);
}

/// A module with a wrong dx.
struct FaultyInput<F> {
    right: Box<dyn Module<F>>,
    dx: Dx<F>,
}

impl<F: Float> Module<F> for FaultyInput<F> {
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        self.right.forward(x, y);
    }

    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        (self.dx)(&*self.right, x, y, dy, dx);
    }

    fn params(&self) -> Option<[&Param<F>; 2]> {
        self.right.params()
    }

    fn params_mut(&mut self) -> Option<[&mut Param<F>; 2]> {
        self.right.params_mut()
    }

    fn in_training(&self, noise: Noise) -> Option<Mask> {
        // Only Dropout has a mask, and its dx is as if it were not there.
        self.right.in_training(noise).map(Mask::forgotten_backward)
    }

    fn outputs(&self, inputs: usize) -> usize {
        self.right.outputs(inputs)
    }

    fn kind(&self) -> Kind {
        self.right.kind()
    }

    fn smooth_between(&self, x0: &ArrayRef2<F>, x1: &ArrayRef2<F>) -> bool {
        self.right.smooth_between(x0, x1)
    }
}

/// The last input seen.
type Remembered<F> = Arc<Mutex<Array2<F>>>;

/// Remembers its input, but masks by one that is remembered elsewhere. If several layers share one memory, it
/// holds the input of the last of them after the forward pass, no matter which one asks.
struct Remembering<F> {
    right: Box<dyn Module<F>>,
    own: Remembered<F>,
    used: Remembered<F>,
}

impl<F: Float> Module<F> for Remembering<F> {
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        *self.own.lock().expect("no thread panics") = x.to_owned();
        self.right.forward(x, y);
    }

    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        let x = self.used.lock().expect("no thread panics");
        self.right.backward_input(&x, y, dy, dx);
    }

    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn kind(&self) -> Kind {
        self.right.kind()
    }

    fn smooth_between(&self, x0: &ArrayRef2<F>, x1: &ArrayRef2<F>) -> bool {
        self.right.smooth_between(x0, x1)
    }
}

/// A loss whose backward pass is wrong or, with one log-sum-exp for the whole batch, both passes are.
struct FaultyLoss<F> {
    loss: Box<dyn Loss<F>>,
    kind: LossKind,
    mistake: Mistake,
}

impl<F: Float> Loss<F> for FaultyLoss<F> {
    fn forward(
        &self,
        outputs: &ArrayRef2<F>,
        targets: &[u8],
        predictions: &mut ArrayRef2<F>,
        losses: &mut ArrayRef1<F>,
    ) {
        self.loss.forward(outputs, targets, predictions, losses);
        if self.mistake == Mistake::LogsumexpNotByRows {
            let m = outputs.fold(F::neg_infinity(), |m, &z| m.max(z));
            let lse = m + outputs.mapv(|z| (z - m).exp()).sum().ln();
            predictions.assign(&outputs.mapv(|z| (z - lse).exp()));
            let rows = outputs.rows().into_iter().zip(targets);
            for (loss, (z, &t)) in losses.iter_mut().zip(rows) {
                *loss = lse - z[usize::from(t)];
            }
        }
    }

    fn backward(
        &self,
        predictions: &ArrayRef2<F>,
        targets: &[u8],
        batch: usize,
        doutputs: &mut ArrayRef2<F>,
    ) {
        let classes = predictions.ncols() as f64;
        let mut right = |targets: &[u8], predictions: &ArrayRef2<F>| {
            self.loss.backward(predictions, targets, batch, doutputs);
        };
        match self.mistake {
            Mistake::AnotherBatch => {
                // The row of the next image; for the last image, that of the first.
                let n = predictions.nrows();
                let turned: Vec<_> = (0..n).map(|row| (row + 1) % n).collect();
                right(targets, &predictions.select(Axis(0), &turned));
            }
            Mistake::ResForDiff => {
                let factor = F::from(2.0 / (batch as f64 * classes)).expect("a float converts");
                doutputs.assign(&predictions.mapv(|z| z * factor));
            }
            _ => right(targets, predictions),
        }
        let factor = match (self.mistake, self.kind) {
            (Mistake::Sign, _) => -1.0,
            (Mistake::MeanMissing, _) => batch as f64,
            (Mistake::TwoMissing, _) => 0.5,
            (Mistake::MeanOverOthers, LossKind::MseOnehot) => classes,
            (Mistake::MeanOverOthers, _) => 1.0 / classes,
            _ => return,
        };
        let factor = F::from(factor).expect("a float converts");
        doutputs.map_inplace(|dz| *dz *= factor);
    }

    fn image(&self, z: ArrayView1<F>, t: usize, p: ArrayViewMut1<F>) -> F {
        self.loss.image(z, t, p)
    }

    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]) {
        self.loss.image_gradient(p, t, n, dz);
    }

    fn decoding(&self) -> Decoding {
        self.loss.decoding()
    }
}
