//! Whether the threads of a team pay.

use std::time::Duration;

/// Whether a team is worth its threads, tried out again and again while the work goes on.
///
/// What threads write must travel between their caches. Where processors are far apart, as on a rented
/// machine they are at times, that takes longer than a short step takes one thread. So some of the steps are
/// taken both ways and timed, and then many in the faster way. The numbers are the same in both.
pub struct Pace {
    /// Steps of this round so far.
    step: usize,
    /// Steps of this round in all.
    round: usize,
    /// The time of the steps that were tried: together, and alone.
    tried: [Duration; 2],
    alone: bool,
}

impl Default for Pace {
    /// Together, until something else is known.
    fn default() -> Self {
        Self {
            step: 0,
            round: Self::FIRST_ROUND,
            tried: [Duration::ZERO; 2],
            alone: false,
        }
    }
}

impl Pace {
    /// Steps in a row that are tried in one way; the first does not count, caches are still cold.
    const BLOCK: usize = 8;
    /// Blocks that are tried, every other one alone.
    const BLOCKS: usize = 4;
    /// Steps of the first round, those that are tried included; each round is twice as long as the one before,
    /// since the first steps of all, with cold caches, say little.
    const FIRST_ROUND: usize = 128;
    /// Steps of the longest.
    const LAST_ROUND: usize = 2048;
    /// A step that takes all together longer than this is worth sharing anyhow.
    const LONG: Duration = Duration::from_millis(1);

    /// Whether the next step is to be taken alone.
    pub fn alone(&self) -> bool {
        match self.step {
            step if step < Self::BLOCK * Self::BLOCKS => step / Self::BLOCK % 2 == 1,
            _ => self.alone,
        }
    }

    /// Counts a step that took so long.
    pub fn count(&mut self, time: Duration) {
        let (alone, step) = (self.alone(), self.step);
        self.step += 1;
        if step < Self::BLOCK * Self::BLOCKS {
            if step % Self::BLOCK > 0 {
                self.tried[usize::from(alone)] += time;
            }
            if !alone && time > Self::LONG {
                self.alone = false;
                self.step = Self::BLOCK * Self::BLOCKS;
            } else if self.step == Self::BLOCK * Self::BLOCKS {
                self.alone = self.tried[1] < self.tried[0];
            }
        } else if self.step >= self.round {
            *self = Self {
                alone: self.alone,
                round: Self::LAST_ROUND.min(2 * self.round),
                ..Self::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many steps of a team that takes `together` for one, where one thread takes `alone`, and
    /// returns how many were taken alone.
    fn alone_of(steps: usize, together: Duration, alone: Duration) -> usize {
        let mut pace = Pace::default();
        let steps = (0..steps).filter(|_| {
            let is_alone = pace.alone();
            pace.count(if is_alone { alone } else { together });
            is_alone
        });
        steps.count()
    }

    #[test]
    fn steps_are_taken_in_the_faster_way_but_for_those_that_try() {
        let micros = Duration::from_micros;
        // 128 to 2048, each twice the one before.
        let steps = 2 * Pace::LAST_ROUND - Pace::FIRST_ROUND;
        let tried = 5 * Pace::BLOCK * Pace::BLOCKS / 2;
        assert_eq!(alone_of(steps, micros(50), micros(80)), tried);
        assert_eq!(alone_of(steps, micros(150), micros(80)), steps - tried);
        assert_eq!(
            alone_of(steps, micros(1500), micros(2500)),
            0,
            "long steps are not tried alone"
        );
    }
}
