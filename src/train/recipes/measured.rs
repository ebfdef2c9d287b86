//! The results of the recipes here.

use crate::train::metrics::wilson_interval;

/// Images that a recipe is measured on: all test images, once.
const IMAGES: u32 = 10_000;

/// One training run of a recipe, by `scripts/reproduce.sh`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The random seed. For a committee, its number: its members have the seeds from (number − 1)·members + 1 on.
    pub seed: u64,
    /// Test images classified correctly.
    pub correct: u32,
    /// Seconds that the whole process took, from start to saved model; for a committee, all its processes together.
    pub seconds: f64,
}

impl Run {
    /// The share of test images classified correctly.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct) / f64::from(IMAGES)
    }

    /// The 95 % confidence interval of [`accuracy`](Self::accuracy): (low, high).
    pub fn accuracy_interval(&self) -> (f64, f64) {
        wilson_interval(self.correct, IMAGES)
    }

    /// The test error, in per cent.
    pub fn error(&self) -> f64 {
        percent(1.0 - f64::from(self.correct) / f64::from(IMAGES))
    }

    /// The 95 % confidence interval of [`error`](Self::error) for this number of images: (low, high).
    pub fn interval(&self) -> (f64, f64) {
        let (low, high) = wilson_interval(IMAGES - self.correct, IMAGES);
        (percent(low), percent(high))
    }

    /// Parses a line of `measured.tsv`: recipe, seed, correct, seconds.
    fn of(line: &str) -> Option<(&str, Self)> {
        let mut fields = line.split('\t');
        let recipe = fields.next()?;
        let run = Self {
            seed: fields.next()?.parse().ok()?,
            correct: fields.next()?.parse().ok().filter(|&n| n <= IMAGES)?,
            seconds: fields.next()?.parse().ok()?,
        };
        Some((recipe, run))
    }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

/// Every run of a recipe, the one with the lowest error first.
pub(super) fn runs(recipe: &str) -> Vec<Run> {
    let lines = include_str!("measured.tsv").lines().filter_map(Run::of);
    let of_recipe = lines.filter(|(name, _)| *name == recipe);
    let mut runs: Vec<_> = of_recipe.map(|(_, run)| run).collect();
    runs.sort_by_key(|run| IMAGES - run.correct);
    runs
}

/// The run in the middle; of an even number, the worse of the two.
pub fn median(runs: &[Run]) -> Option<&Run> {
    runs.get(runs.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::recipes::RECIPES;

    #[test]
    fn every_line_is_a_run_of_a_recipe_there_is() {
        for line in include_str!("measured.tsv").lines() {
            let (name, _) = Run::of(line).unwrap_or_else(|| panic!("{line:?}"));
            assert!(RECIPES.iter().any(|recipe| recipe.name == name), "{line}");
        }
    }

    #[test]
    fn the_median_is_a_run_and_the_worse_of_two() {
        let run = |correct| Run {
            seed: 1,
            correct,
            seconds: 1.0,
        };
        let runs = [run(9900), run(9850), run(9800)];
        assert_eq!(median(&runs), Some(&runs[1]));
        assert_eq!(median(&runs[..2]), Some(&runs[1]));
        assert_eq!(median(&[]), None);
        assert!((runs[0].error() - 1.0).abs() < 1e-9);
        let (low, high) = runs[0].interval();
        assert!(low < 1.0 && 1.0 < high && high - low < 0.5, "{low} {high}");
    }
}
