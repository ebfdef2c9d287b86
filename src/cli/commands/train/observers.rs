//! Those that look on while a network is trained: each has one job, and hears everything.

use std::ops::ControlFlow;

use mlp::{
    nn::Mlp,
    train::{Epoch, Observer, Progress, Step},
};

use crate::cli::terminal::interrupt;

/// Tells each of them, in their order.
#[derive(Default)]
pub(super) struct Observers<'a>(Vec<&'a mut dyn Observer>);

impl<'a> Observers<'a> {
    /// Adds one, if there is one.
    pub(super) fn and(mut self, observer: Option<&'a mut impl Observer>) -> Self {
        self.0.extend(observer.map(|one| one as &mut dyn Observer));
        self
    }
}

impl Observer for Observers<'_> {
    /// Asks to stop if one of them does, or Ctrl-C was pressed.
    fn step(&mut self, step: &Step) -> ControlFlow<()> {
        let mut flow = match interrupt::asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        for observer in &mut self.0 {
            if observer.step(step).is_break() {
                flow = ControlFlow::Break(());
            }
        }
        flow
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.0.iter_mut().for_each(|one| one.epoch(epoch));
    }

    fn progress(&mut self, network: &Mlp<f32>, progress: &Progress) {
        let all = self.0.iter_mut();
        all.for_each(|one| one.progress(network, progress));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts steps, and asks to stop from one on.
    struct Counter(usize, usize);

    impl Observer for Counter {
        fn step(&mut self, _: &Step) -> ControlFlow<()> {
            self.0 += 1;
            match self.0 >= self.1 {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }

    #[test]
    fn all_hear_every_step_and_one_is_enough_to_stop() {
        let (mut first, mut second) = (Counter(0, 2), Counter(0, 9));
        let mut all = Observers::default()
            .and(Some(&mut first))
            .and(None::<&mut Counter>)
            .and(Some(&mut second));
        let step = Step {
            epoch: 1,
            step: 1,
            loss: 1.0,
        };
        let stops: Vec<_> = (0..3).map(|_| all.step(&step).is_break()).collect();
        assert_eq!(stops, [false, true, true]);
        assert_eq!((first.0, second.0), (3, 3));
    }
}
