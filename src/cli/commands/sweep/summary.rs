//! What a sweep has found: a table for people, an object for programs.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use mlp::{
    files::sweep::RunLine,
    train::comparison::{CONFIDENCE, CouldBeBest, could_be_best, mean, spread},
};
use serde_json::{Value, json};

use crate::cli::terminal::{
    output::{BOLD, DIM, Output, percent},
    wrap::prose,
};

/// What came of a configuration.
pub(super) struct Found {
    /// The flags of `mlp train` for it, but for the seed.
    pub(super) flags: Vec<String>,
    /// Its values on the axes.
    pub(super) values: Vec<String>,
    /// Its runs, a place for each seed; none if it was not run.
    pub(super) runs: Vec<Option<RunLine>>,
}

impl Found {
    fn finished(&self) -> impl Iterator<Item = &RunLine> {
        self.runs.iter().flatten()
    }

    /// Of the runs that have one.
    fn accuracies(&self) -> Vec<f64> {
        self.finished()
            .filter_map(|run| run.valid_accuracy)
            .collect()
    }

    /// Runs that did not converge.
    fn failed(&self) -> usize {
        self.finished().filter(|run| run.fault.is_some()).count()
    }

    /// A configuration is judged by its runs only if all of them came to an end.
    pub(super) fn mean(&self) -> Option<f64> {
        let accuracies = self.accuracies();
        (self.failed() == 0 && !accuracies.is_empty()).then(|| mean(&accuracies))
    }

    fn seconds(&self) -> Option<f64> {
        let seconds: Vec<_> = self.finished().map(|run| run.seconds).collect();
        (!seconds.is_empty()).then(|| mean(&seconds))
    }

    /// The fewest and the most epochs of its runs.
    fn epochs(&self) -> Option<(usize, usize)> {
        let epochs = || self.finished().map(|run| run.epochs);
        epochs().min().zip(epochs().max())
    }
}

/// What came of all of them, the best first.
pub(super) struct Summary {
    found: Vec<Found>,
    /// Whether each could be the best; none where it has no mean.
    could: Vec<Option<CouldBeBest>>,
    names: Vec<String>,
    /// Epochs that were asked for.
    epochs: usize,
}

impl Summary {
    /// Of these configurations, with the names of the axes and the epochs that were asked for; the validation images
    /// are so many.
    pub(super) fn new(
        mut found: Vec<Found>,
        names: Vec<String>,
        epochs: usize,
        images: usize,
    ) -> Self {
        // Means of fewer runs stand below: luck takes them further up, and down.
        found.sort_by(|a, b| {
            let key = |f: &Found| (f.mean().is_none(), Reverse(f.accuracies().len()));
            let by_mean = b.mean().unwrap_or(0.0).total_cmp(&a.mean().unwrap_or(0.0));
            key(a).cmp(&key(b)).then(by_mean)
        });
        let judged: Vec<_> = found
            .iter()
            .filter(|found| found.mean().is_some())
            .map(Found::accuracies)
            .collect();
        let accuracies: Vec<_> = judged.iter().map(Vec::as_slice).collect();
        let mut could: Vec<_> = match accuracies.is_empty() {
            true => Vec::new(),
            false => could_be_best(&accuracies, 0, images)
                .into_iter()
                .map(Some)
                .collect(),
        };
        could.resize(found.len(), None);
        Self {
            found,
            could,
            names,
            epochs,
        }
    }

    /// The configuration with the highest mean.
    pub(super) fn winner(&self) -> Option<&Found> {
        self.found.first().filter(|found| found.mean().is_some())
    }

    /// Configurations with a mean.
    fn judged(&self) -> usize {
        self.could.iter().flatten().count()
    }

    fn runs(&self) -> impl Iterator<Item = &RunLine> {
        self.found.iter().flat_map(Found::finished)
    }

    /// How many runs are finished.
    pub(super) fn finished(&self) -> usize {
        self.runs().count()
    }

    pub(super) fn json(&self) -> Vec<Value> {
        let could = |could: &Option<CouldBeBest>| match could {
            Some(CouldBeBest::Yes) => Some(true),
            Some(CouldBeBest::No) => Some(false),
            Some(CouldBeBest::Unknown) | None => None,
        };
        let object = |(found, best): (&Found, &Option<CouldBeBest>)| {
            let runs = found.runs.iter();
            let accuracies: Vec<_> = runs
                .map(|run| run.as_ref().and_then(|run| run.valid_accuracy))
                .collect();
            let faults: Vec<_> = found
                .finished()
                .filter_map(|run| run.fault.clone())
                .collect();
            json!({
                "flags": found.flags,
                "valid_accuracies": accuracies, "mean_valid_accuracy": found.mean(),
                "spread": spread(&found.accuracies()).filter(|_| found.mean().is_some()),
                "could_be_best": could(best),
                "run_epochs": found.finished().map(|run| run.epochs).collect::<Vec<_>>(),
                "mean_run_seconds": found.seconds(), "faults": faults,
            })
        };
        self.found.iter().zip(&self.could).map(object).collect()
    }

    /// The table, and what it can say.
    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        let ended_apart = self.ended_apart();
        // A stand-in that is put in later would be wider than its column.
        let plus_minus = out.or_plain("±", "+-");
        let mut head = self.names.clone();
        head.extend(["valid acc", "spread", "runs", "seconds"].map(str::to_owned));
        if ended_apart.is_some() {
            head.push("epochs".into());
        }
        let rows = self
            .found
            .iter()
            .map(|found| self.row(found, ended_apart.is_some(), plus_minus));
        let rows: Vec<_> = rows.collect();
        let width = |column: usize| {
            let cells = rows.iter().chain([&head]);
            cells
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..head.len()).map(width).collect();
        let line = |row: &[String]| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| {
                let blanks = " ".repeat(width - cell.chars().count());
                format!("  {blanks}{cell}")
            });
            cells.collect::<String>()
        };
        writeln!(out, "\n{DIM} {}{DIM:#}", line(&head))?;
        for (row, could) in rows.iter().zip(&self.could) {
            let mark = match could {
                _ if self.judged() == 1 => " ",
                Some(CouldBeBest::Yes) => "=",
                Some(CouldBeBest::Unknown) => "?",
                Some(CouldBeBest::No) | None => " ",
            };
            writeln!(out, "{BOLD}{mark}{BOLD:#}{}", line(row))?;
        }
        writeln!(out)?;
        for text in self.words() {
            writeln!(out, "{}", prose(&text, 2))?;
        }
        if let Some(text) = ended_apart {
            writeln!(out, "{}", prose(&text, 2))?;
        }
        Ok(())
    }

    fn row(&self, found: &Found, with_epochs: bool, plus_minus: &str) -> Vec<String> {
        let none = || "–".to_owned();
        let mut row = found.values.clone();
        row.push(match (found.mean(), found.failed()) {
            (Some(mean), _) => percent(mean),
            (None, 0) => none(),
            (None, failed) => format!("{failed} diverged"),
        });
        let spread = spread(&found.accuracies()).filter(|_| found.mean().is_some());
        row.push(spread.map_or_else(none, |spread| format!("{plus_minus}{:.2}", 100.0 * spread)));
        row.push(format!(
            "{} of {}",
            found.finished().count(),
            found.runs.len()
        ));
        row.push(
            found
                .seconds()
                .map_or_else(none, |seconds| format!("{seconds:.1}")),
        );
        if with_epochs {
            row.push(match found.epochs() {
                None => none(),
                Some((few, most)) if few == most => few.to_string(),
                Some((few, most)) => format!("{few}–{most}"),
            });
        }
        row
    }

    /// What is said where not all runs had the number of epochs that was asked for.
    fn ended_apart(&self) -> Option<String> {
        let converged = || self.runs().filter(|run| run.fault.is_none());
        let epochs = || converged().map(|run| run.epochs);
        let (few, most) = epochs().min().zip(epochs().max())?;
        let ended = match (few, most) {
            (few, most) if few < most => format!("after {few} to {most}"),
            (_, most) if most < self.epochs => format!("after {most}"),
            _ => return None,
        };
        Some(format!(
            "The runs ended {ended} of {} epochs, each where --patience or --target-accuracy ended it: leave these out to \
             compare at the same length.",
            self.epochs
        ))
    }

    /// Which of so many could be the best.
    fn verdict(&self, judged: usize) -> String {
        let could = |what| self.could.iter().flatten().filter(|&&c| c == what).count();
        if could(CouldBeBest::Unknown) > 0 {
            return "? cannot tell which is the best: one run of each does not say how far apart two runs of the same are; \
                    --seeds 3 would."
                .to_owned();
        }
        let left = match could(CouldBeBest::Yes) {
            1 => "The first is the best".to_owned(),
            all if all == judged => format!(
                "= no difference is shown: by so few runs, any of the {judged} could be the best"
            ),
            some => format!("= could be the best: it is one of these {some}"),
        };
        format!(
            "{left}, with {:.0} % confidence (t-tests of log odds against the first, one-sided, Student's and Welch's, \
             each at p < {:.2}/{}).",
            100.0 * CONFIDENCE,
            1.0 - CONFIDENCE,
            2 * (judged - 1),
        )
    }

    /// What the table can say, and what it cannot.
    fn words(&self) -> Vec<String> {
        let judged = self.judged();
        let mut words = vec![
            "Accuracies are of the validation images after the last epoch: mean and standard deviation over the seeds. \
             The test images were not looked at."
                .to_owned(),
        ];
        if judged > 1 && self.ended_apart().is_none() {
            words.push(
                "All runs have the same number of epochs, but not the same time: see the seconds of a run, on one thread."
                    .to_owned(),
            );
        }
        if judged > 1 {
            words.push(self.verdict(judged));
            words.push(
                "The first was chosen because its mean is the highest, and luck was chosen with it: expect a little less."
                    .to_owned(),
            );
        }
        let failed = self.found.iter().filter(|found| found.failed() > 0);
        let fault = self.runs().find_map(|run| run.fault.as_deref());
        if let (failed @ 1.., Some(fault)) = (failed.count(), fault) {
            words.push(format!(
                "{failed} of {} came to no end in a run, and cannot be compared: {fault}.",
                self.found.len()
            ));
        }
        let counts = || {
            let judged = self.found.iter().filter(|found| found.mean().is_some());
            judged.map(|found| found.accuracies().len())
        };
        if counts().min() < counts().max() {
            words.push(
                "Not all have the same number of runs: those with fewer stand below, whatever their means."
                    .to_owned(),
            );
        }
        words
    }
}
