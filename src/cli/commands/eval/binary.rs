//! What is said of a network that tells one class from the rest.

use std::io::{self, Write};

use mlp::{
    data::Spec,
    train::binary::{Threshold, area_under_roc},
};
use ndarray::Array2;
use serde_json::{Value, json};

use crate::cli::terminal::output::{BOLD, DIM, Output, percent};

/// Where precision and recall are shown.
const THRESHOLDS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// The probabilities of class 1 and the labels of some images.
pub(super) struct Binary<'a> {
    pub(super) probabilities: Vec<f32>,
    pub(super) labels: &'a [u8],
}

impl<'a> Binary<'a> {
    /// Of the predictions of one model or several, whose mean counts.
    pub(super) fn new(members: &[Array2<f32>], labels: &'a [u8]) -> Self {
        let mean = |n: usize| {
            let sum: f64 = members.iter().map(|p| f64::from(p[[n, 0]])).sum();
            (sum / members.len() as f64) as f32
        };
        Self {
            probabilities: (0..labels.len()).map(mean).collect(),
            labels,
        }
    }

    fn at(&self, threshold: f64) -> Threshold {
        Threshold::of(threshold, &self.probabilities, self.labels)
    }

    /// What a network scores that says no whatever it sees.
    fn always_no(&self) -> f64 {
        let no = self.labels.iter().filter(|&&label| label == 0).count();
        no as f64 / self.labels.len() as f64
    }

    pub(super) fn json(&self, spec: &Spec) -> Value {
        let threshold = |at: Threshold| {
            json!({
                "threshold": at.threshold, "precision": at.precision, "recall": at.recall,
                "f1": at.f1(), "accuracy": at.accuracy,
            })
        };
        let half = self.at(0.5);
        json!({
            "positive": spec.class(1), "always_no_accuracy": self.always_no(),
            "precision": half.precision, "recall": half.recall, "f1": half.f1(),
            "area_under_roc": area_under_roc(&self.probabilities, self.labels),
            "thresholds": THRESHOLDS.map(|t| threshold(self.at(t))),
        })
    }

    pub(super) fn print(&self, spec: &Spec, out: &mut Output) -> io::Result<()> {
        let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
        let (half, name) = (self.at(0.5), spec.class(1));
        let mut line = |what: &str, number: String, words: String| {
            writeln!(
                out,
                "{DIM}{what:<10}{DIM:#} {BOLD}{number:>8}{BOLD:#}  {DIM}{words}{DIM:#}"
            )
        };
        let always = percent(self.always_no());
        line(
            "always no",
            always,
            format!("the accuracy of never saying {name}"),
        )?;
        let text = format!("of those called {name}, so many are");
        line("precision", share(half.precision), text)?;
        let text = format!("of those that are {name}, so many are called so");
        line("recall", share(half.recall), text)?;
        line(
            "F1",
            share(half.f1()),
            "2·precision·recall / (precision + recall)".into(),
        )?;
        let area = area_under_roc(&self.probabilities, self.labels);
        let area = area.map_or("–".to_owned(), |area| format!("{area:.4}"));
        let text = format!("how often a {name} gets a higher probability than another image");
        line("ROC area", area, text)?;
        writeln!(
            out,
            "\n{DIM}above  precision    recall        F1  accuracy{DIM:#}"
        )?;
        for threshold in THRESHOLDS {
            let at = self.at(threshold);
            let line = format!(
                "{threshold:>5.2}{:>11}{:>10}{:>10}{:>10}",
                share(at.precision),
                share(at.recall),
                share(at.f1()),
                percent(at.accuracy)
            );
            match threshold == 0.5 {
                true => writeln!(out, "{BOLD}{line}{BOLD:#}")?,
                false => writeln!(out, "{line}")?,
            }
        }
        writeln!(
            out,
            "{DIM}called {name} where its probability is above; choose by --split valid, not by the test images{DIM:#}\n"
        )
    }
}
