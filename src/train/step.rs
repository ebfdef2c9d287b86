//! One step of training, shared among threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ndarray::{ArrayRef2, Axis};

use super::{
    metrics,
    optim::{self, Rule, clip_scale},
    pass,
};
use crate::{
    data::MAX_CLASSES,
    linalg::{Float, team::Team},
    loss::Loss,
    nn::{Mlp, ParamRows, Tape},
    rng::Noise,
};

/// The first place where a number is NaN or infinite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFinite {
    /// The loss itself; every output was finite.
    #[error("the loss is not finite")]
    Loss,
    /// The output of a module; its weights were finite.
    #[error("the output of module {index} ({name}) is not finite")]
    Output {
        /// Which module of the network, from 0.
        index: usize,
        /// Its name.
        name: &'static str,
    },
    /// A parameter after the step.
    #[error("{0} is not finite after the step")]
    Param(String),
}

/// A network with everything that a training step needs, allocated once.
///
/// A step has two phases. In the first, **rows**, a thread takes some images of the batch through gather,
/// forward, loss and every dx. In the second, **params**, it takes some rows of each parameter through the
/// gradient over the whole batch and the step of the optimiser. Threads write only to places of their own,
/// and the order of no sum depends on their number.
pub struct Trainer<'a, F> {
    /// The network in training.
    pub network: Mlp<F>,
    /// Activations and gradients of the last batch. Set its noise before every step if a module is random in
    /// training: the same noise gives the same mask.
    pub tape: Tape<F>,
    /// The threads.
    pub team: Team,
    /// The classes that a single output is rounded to, for [`Decoding::Nearest`](crate::loss::Decoding): the
    /// most that labels can tell, until it is set.
    pub classes: usize,
    loss: &'a dyn Loss<F>,
}

impl<'a, F: Float> Trainer<'a, F> {
    /// A trainer for batches of up to `batch_size` images.
    pub fn new(network: Mlp<F>, loss: &'a dyn Loss<F>, batch_size: usize, team: Team) -> Self {
        let mut tape = network.tape(batch_size);
        tape.noise = Some(Noise::new(0, 0, 0));
        Self {
            network,
            tape,
            team,
            classes: MAX_CLASSES,
            loss,
        }
    }

    /// Computes the loss of a batch and every gradient, which stay in the tape and the parameters.
    ///
    /// `gather(first, x)` fills rows `first..` of the batch; `targets` (N) has one class per image.
    pub fn gradients(
        &mut self,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> BatchResult {
        let result = self.rows(targets, gather);
        self.params(targets.len(), |x, dy, param| param.backward(x, dy));
        result
    }

    /// One step on a batch: [`gradients`](Self::gradients), then the rule, such as w ← w − lr·dw, for each parameter.
    pub fn step(
        &mut self,
        rule: impl Into<Rule<F>>,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> Result<BatchResult, NotFinite> {
        let begun = self.team.begin_step();
        let result = self.step_at_this_pace(rule.into(), targets, gather);
        self.team.end_step(begun);
        result
    }

    fn step_at_this_pace(
        &mut self,
        rule: Rule<F>,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> Result<BatchResult, NotFinite> {
        let result = self.rows(targets, gather);
        if !result.loss.is_finite() {
            return Err(self.output_not_finite(targets.len()));
        }
        let finite = AtomicBool::new(true);
        let step = |rule: &Rule<F>, param: &mut ParamRows<'_, F>| {
            if !rule.step(param) {
                finite.store(false, Ordering::Relaxed);
            }
        };
        match rule.extras().clip_norm {
            None => self.params(targets.len(), |x, dy, param| {
                param.backward(x, dy);
                step(&rule, param);
            }),
            Some(most) => {
                self.params(targets.len(), |x, dy, param| param.backward(x, dy));
                let scale = clip_scale(self.network.gradient_norm(), most);
                let scale = F::from(scale).expect("a float converts");
                let rule = rule.scaled(scale);
                self.params(targets.len(), |_, _, param| step(&rule, param));
            }
        }
        if let Some(most) = rule.extras().max_norm {
            self.limit_norms(F::from(most).expect("a float converts"));
        }
        match finite.into_inner() {
            true => Ok(result),
            false => Err(NotFinite::Param(
                self.network.first_not_finite().expect("one was seen"),
            )),
        }
    }

    /// The first phase: everything that is done image by image.
    fn rows(
        &mut self,
        targets: &[u8],
        gather: impl Fn(usize, &mut ArrayRef2<F>) + Sync,
    ) -> BatchResult {
        let Self {
            network,
            tape,
            team,
            classes,
            loss,
        } = self;
        let (network, n) = (&*network, targets.len());
        let (correct, decoding) = (AtomicUsize::new(0), loss.decoding());
        team.for_each(tape.rows_mut(n, n.div_ceil(team.threads())), |mut rows| {
            let targets = &targets[rows.first..rows.first + rows.len()];
            gather(rows.first, &mut rows.x);
            pass::forward(network, *loss, &mut rows, targets);
            let outputs = rows.outputs();
            let hits = outputs
                .rows()
                .into_iter()
                .map(|row| decoding.class(row, *classes))
                .zip(targets)
                .filter(|(class, target)| class == *target)
                .count();
            correct.fetch_add(hits, Ordering::Relaxed);
            pass::backward(network, *loss, &mut rows, targets, n);
        });
        let loss = metrics::add(0.0, tape.losses(n)) / n as f64;
        BatchResult {
            loss,
            correct: correct.into_inner(),
        }
    }

    /// The second phase: `work(x, dy, rows)` for some rows of a parameter at a time, with the x (N, I) and dy
    /// (N, O) of its module for the whole batch.
    fn params(
        &mut self,
        n: usize,
        work: impl Fn(&ArrayRef2<F>, &ArrayRef2<F>, &mut ParamRows<'_, F>) + Sync,
    ) {
        let Self {
            network,
            tape,
            team,
            ..
        } = self;
        let tape = &*tape;
        let pieces = team.pieces();
        let params = network.pieces_mut(|shape| pieces.rows(shape));
        team.for_each(params, |(module, mut param)| {
            work(&tape.x(module, n), &tape.dy(module, n), &mut param);
        });
    }

    /// Scales the weights into every unit down to a norm of at most `most`.
    fn limit_norms(&mut self, most: F) {
        const MOST: usize = 512;
        let pieces = self.team.pieces();
        let params = self.network.params_mut().map(|(_, param)| param);
        let weights = params.filter(|param| param.name == "weight");
        let weights = weights.flat_map(|param| {
            let columns = pieces.length(param.value.ncols(), MOST);
            param.value.axis_chunks_iter_mut(Axis(1), columns)
        });
        self.team.for_each(weights, |mut columns| {
            optim::limit_norms(&mut columns, most, &mut [F::zero(); MOST]);
        });
    }

    fn output_not_finite(&self, n: usize) -> NotFinite {
        let mut modules = self.network.modules().iter().enumerate();
        let module =
            modules.find(|(index, _)| !self.tape.y(*index, n).iter().all(|v| v.is_finite()));
        module.map_or(NotFinite::Loss, |(index, module)| NotFinite::Output {
            index,
            name: module.name(),
        })
    }
}

/// The result of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchResult {
    /// The mean loss per image, before the step.
    pub loss: f64,
    /// Number of images classified correctly.
    pub correct: usize,
}
