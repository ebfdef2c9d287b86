//! Modules that take what another has remembered.

use std::sync::{Arc, Mutex};

use ndarray::{Array2, ArrayRef2};

use super::wrap;
use crate::{
    check::mistakes::{
        Mistake,
        places::{first_of_width, mask_taken, masks},
    },
    nn::{Float, Kind, Mlp, Module, Param},
};

/// The last batch seen.
#[derive(Clone)]
struct Remembered<F>(Arc<Mutex<Array2<F>>>);

impl<F: Float> Remembered<F> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn set(&self, batch: Array2<F>) {
        *self.0.lock().expect("no thread panics") = batch;
    }

    fn with<T>(&self, work: impl FnOnce(&Array2<F>) -> T) -> T {
        work(&self.0.lock().expect("no thread panics"))
    }
}

/// Makes the ReLUs at these places mask by what another ReLU remembers.
pub(super) fn confuse_masks<F: Float>(mistake: Mistake, places: &[usize], network: &mut Mlp<F>) {
    let widths = network.outputs();
    let modules = network.modules_mut();
    let relus = (0..modules.len()).filter(|&m| masks(modules[m].kind()));
    let relus: Vec<_> = relus.collect();
    let memories: Vec<_> = relus.iter().map(|_| Remembered::new()).collect();
    for (r, &m) in relus.iter().enumerate() {
        let taken = match places.contains(&m) {
            true => mask_taken(mistake, &relus, &widths, m).expect("a place with such a mask"),
            false => m,
        };
        let taken = relus.iter().position(|&relu| relu == taken);
        let used = memories[taken.expect("one of the ReLUs")].clone();
        let own = memories[r].clone();
        wrap(&mut modules[m], |right| {
            Box::new(Remembering {
                right,
                own,
                used: Some(used),
            })
        });
    }
}

/// Makes the linear layers at these places compute dw from the numbers before the activation below them, or
/// from the input of another layer: these are written where their x should be, and they themselves read the
/// right x elsewhere.
pub(super) fn misfile<F: Float>(mistake: Mistake, places: &[usize], network: &mut Mlp<F>) {
    let layers = network.outputs();
    let inputs = |m: usize| layers[m - 1];
    for &m in places {
        let modules = network.modules_mut();
        let (x, other) = (Remembered::new(), Remembered::new());
        let filed = match mistake {
            Mistake::BeforeActivationInDw => None,
            _ => {
                let linears = (1..m).filter(|&m| modules[m].kind() == Kind::Linear);
                let taken = first_of_width(linears, inputs, m).expect("a place with another");
                let own = other.clone();
                wrap(&mut modules[taken], |right| {
                    Box::new(Remembering {
                        right,
                        own,
                        used: None,
                    })
                });
                Some(other)
            }
        };
        let y = x.clone();
        wrap(&mut modules[m - 1], |right| {
            Box::new(Misfiling { right, y, filed })
        });
        wrap(&mut modules[m], |right| Box::new(Finding { right, x }));
    }
}

/// Remembers its input, and may take another for its dx.
struct Remembering<F> {
    right: Box<dyn Module<F>>,
    own: Remembered<F>,
    used: Option<Remembered<F>>,
}

impl<F: Float> Module<F> for Remembering<F> {
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        self.own.set(x.to_owned());
        self.right.forward(x, y);
    }

    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        match &self.used {
            Some(used) => used.with(|x| self.right.backward_input(x, y, dy, dx)),
            None => self.right.backward_input(x, y, dy, dx),
        }
    }

    fn params(&self) -> Option<[&Param<F>; 2]> {
        self.right.params()
    }

    fn params_mut(&mut self) -> Option<[&mut Param<F>; 2]> {
        self.right.params_mut()
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

/// An activation that remembers its y, and writes something else in its place: its own x, or what another
/// module remembers.
struct Misfiling<F> {
    right: Box<dyn Module<F>>,
    y: Remembered<F>,
    filed: Option<Remembered<F>>,
}

impl<F: Float> Module<F> for Misfiling<F> {
    fn forward(&self, x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        self.right.forward(x, y);
        self.y.set(y.to_owned());
        match &self.filed {
            Some(filed) => filed.with(|filed| y.assign(filed)),
            None => y.assign(x),
        }
    }

    fn backward_input(
        &self,
        x: &ArrayRef2<F>,
        _y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        self.y.with(|y| self.right.backward_input(x, y, dy, dx));
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

/// A linear layer that finds its x in a memory.
struct Finding<F> {
    right: Box<dyn Module<F>>,
    x: Remembered<F>,
}

impl<F: Float> Module<F> for Finding<F> {
    fn forward(&self, _x: &ArrayRef2<F>, y: &mut ArrayRef2<F>) {
        self.x.with(|x| self.right.forward(x, y));
    }

    fn backward_input(
        &self,
        _x: &ArrayRef2<F>,
        y: &ArrayRef2<F>,
        dy: &ArrayRef2<F>,
        dx: &mut ArrayRef2<F>,
    ) {
        self.x.with(|x| self.right.backward_input(x, y, dy, dx));
    }

    fn params(&self) -> Option<[&Param<F>; 2]> {
        self.right.params()
    }

    fn params_mut(&mut self) -> Option<[&mut Param<F>; 2]> {
        self.right.params_mut()
    }

    fn outputs(&self, inputs: usize) -> usize {
        self.right.outputs(inputs)
    }

    fn kind(&self) -> Kind {
        self.right.kind()
    }
}
