//! Modules with a wrong dx.

use ndarray::{Array2, ArrayRef2};

use crate::{
    check::mistakes::Mistake,
    nn::{Float, Kind, Mask, Module, Param},
    rng::Noise,
};

/// The learning rate of a weight that is updated too early.
const UPDATE: f64 = 0.1;

/// A module and a batch on its way through it and back, but for dx.
struct Pass<'a, F> {
    module: &'a dyn Module<F>,
    x: &'a ArrayRef2<F>,
    y: &'a ArrayRef2<F>,
    dy: &'a ArrayRef2<F>,
}

/// Computes dx.
type Dx<F> = fn(&Pass<'_, F>, &mut ArrayRef2<F>);

/// The wrong dx of a mistake.
fn dx<F: Float>(mistake: Mistake) -> Dx<F> {
    use Mistake::*;
    match mistake {
        ReluMaskMissing | ReluMaskAtZero | SlopeMissing | DropoutMaskMissing => as_if_not_there,
        ReluMaskInverted => |pass, dx| {
            let x = pass.x.mapv(|x| -x);
            pass.module.backward_input(&x, &x, pass.dy, dx);
        },
        ReluMaskOfGradient => |pass, dx| {
            pass.module.backward_input(pass.dy, pass.dy, pass.dy, dx);
        },
        // What dy = 1 would give.
        UpstreamIgnored => |pass, dx| {
            let ones = Array2::ones(pass.dy.dim());
            pass.module.backward_input(pass.x, pass.y, &ones, dx);
        },
        SlopeFromX => |pass, dx| pass.module.backward_input(pass.x, pass.x, pass.dy, dx),
        SlopeAtOutput => |pass, dx| {
            let mut y = Array2::zeros(pass.y.dim());
            pass.module.forward(pass.y, &mut y);
            pass.module.backward_input(pass.y, &y, pass.dy, dx);
        },
        WeightNotTransposed => |pass, dx| dx.assign(&pass.dy.dot(pass.weight())),
        WeightReshaped => |pass, dx| {
            let (i, o) = pass.weight().dim();
            let numbers = pass.weight().iter().copied().collect();
            let reshaped = Array2::from_shape_vec((o, i), numbers).expect("as many numbers");
            dx.assign(&pass.dy.dot(&reshaped));
        },
        GradientForWeight => |pass, dx| dx.assign(&pass.dy.dot(&pass.dw().t())),
        WeightUpdated => |pass, dx| {
            let rate = F::from(UPDATE).expect("a float converts");
            let updated = pass.weight() - &(pass.dw() * rate);
            dx.assign(&pass.dy.dot(&updated.t()));
        },
        // 2·(z − t·wᵀ)/N; the targets follow from dy = 2·(z − t)/N.
        MisplacedBracket => |pass, dx| {
            let two_nth = F::from(2.0 / pass.dy.nrows() as f64).expect("a float converts");
            let t = pass.y.to_owned() - pass.dy.mapv(|dy| dy / two_nth);
            let slipped = pass.y.to_owned() - t.dot(&pass.weight().t());
            dx.assign(&(slipped * two_nth));
        },
        _ => unreachable!("{mistake} is not in a dx"),
    }
}

/// dx = dy. At a ReLU this is also the mask y ≥ 0, which is true of every y.
fn as_if_not_there<F: Float>(pass: &Pass<'_, F>, dx: &mut ArrayRef2<F>) {
    dx.assign(pass.dy);
}

impl<F: Float> Pass<'_, F> {
    /// The weight of a module that has one.
    fn weight(&self) -> &Array2<F> {
        let [w, _] = self.module.params().expect("a place with a weight");
        &w.value
    }

    /// The gradient of this weight.
    fn dw(&self) -> Array2<F> {
        self.x.t().dot(self.dy)
    }
}

/// A module with a wrong dx.
pub(super) struct Faulty<F> {
    right: Box<dyn Module<F>>,
    dx: Dx<F>,
}

impl<F: Float> Faulty<F> {
    /// A module with this mistake.
    pub(super) fn new(right: Box<dyn Module<F>>, mistake: Mistake) -> Self {
        let dx = dx(mistake);
        Self { right, dx }
    }
}

impl<F: Float> Module<F> for Faulty<F> {
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
        let module = &*self.right;
        (self.dx)(&Pass { module, x, y, dy }, dx);
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
