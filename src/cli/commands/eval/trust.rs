//! `--calibration` and `--reject`: how far a model's probabilities can be trusted.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use mlp::train::calibration::{Answer, BINS, Bin, Kept, bins, expected_error, threshold};
use serde_json::{Value, json};

use crate::cli::terminal::{
    output::{BOLD, DIM, Output, percent, thousands},
    own_file::{self, Kind},
    wrap::prose,
};

pub(super) const KIND: Kind = Kind {
    flag: "--calibration",
    example: "reliability.svg",
    what: "picture",
    is_one: |path| own_file::begins(path, b"<svg"),
};

/// A name of `--calibration`. A model that stands there was meant as one.
pub(super) fn diagram(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().is_some_and(|ending| ending == "svg") {
        true => Ok(path),
        false => Err("expected a name that ends in .svg; models come before the flag".into()),
    }
}

/// Confidence against accuracy.
pub(super) struct Calibration(pub(super) [Bin; BINS]);

impl Calibration {
    pub(super) fn of(answers: &[Answer]) -> Self {
        Self(bins(answers))
    }

    pub(super) fn error(&self) -> f64 {
        expected_error(&self.0)
    }

    pub(super) fn json(&self) -> Value {
        let bins = self.0.iter().map(|bin| {
            json!({
                "above": bin.above, "up_to": bin.up_to, "images": bin.images,
                "confidence": bin.confidence, "accuracy": bin.accuracy,
            })
        });
        json!({"expected_calibration_error": self.error(), "bins": Value::from_iter(bins)})
    }

    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        let text = format!(
            "{DIM}calibration{DIM:#} {BOLD}{:.4}{BOLD:#} expected calibration error: the mean gap between confidence and \
             accuracy, over {BINS} bins of equal width",
            self.error()
        );
        writeln!(out, "{}\n", prose(&text, 2))?;
        writeln!(
            out,
            "{DIM}{:<12}  {:>8}  {:>10}  {:>8}{DIM:#}",
            "confidence", "images", "mean", "accuracy"
        )?;
        for bin in &self.0 {
            let (Some(confidence), Some(accuracy)) = (bin.confidence, bin.accuracy) else {
                continue;
            };
            let range = format!("{:.2} to {:.2}", bin.above, bin.up_to);
            let (images, mean) = (thousands(bin.images as u64), percent(confidence));
            let accuracy = percent(accuracy);
            writeln!(out, "{range:<12}  {images:>8}  {mean:>10}  {accuracy:>8}")?;
        }
        writeln!(out)
    }
}

/// What comes of rejecting images that the model is not sure of.
pub(super) struct Rejection {
    /// The accuracy that was asked for.
    asked: f64,
    /// The threshold, and what is kept of the validation images and of those that are measured. None if no threshold
    /// reaches the accuracy.
    found: Option<(f64, Kept, Kept)>,
    valid_images: usize,
}

impl Rejection {
    /// With a threshold that the validation images alone decide.
    pub(super) fn new(asked: f64, valid: &[Answer], images: &[Answer]) -> Self {
        let found = threshold(valid, asked);
        let kept = |at: f64| (at, Kept::of(valid, at), Kept::of(images, at));
        Self {
            asked,
            found: found.map(kept),
            valid_images: valid.len(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let threshold = self.found.map(|(threshold, ..)| threshold);
        let valid = self.found.map(|(_, valid, _)| valid);
        let kept = self.found.map(|(.., kept)| kept);
        json!({
            "asked_accuracy": self.asked, "threshold": threshold,
            "valid_images": self.valid_images, "valid_kept": valid.map(|v| v.kept),
            "valid_correct": valid.map(|v| v.right),
            "kept": kept.map(|k| k.kept), "kept_correct": kept.map(|k| k.right),
            "rejected_correct": kept.map(|k| k.rejected_right),
            "coverage": kept.map(|k| k.coverage()), "kept_error": kept.and_then(|k| k.error()),
        })
    }

    pub(super) fn print(&self, split: &str, out: &mut Output) -> io::Result<()> {
        let count = |n: usize| thousands(n as u64);
        let Some((threshold, valid, kept)) = self.found else {
            let text = format!(
                "{DIM}reject{DIM:#}    {} is reached by no threshold: even of the validation images that the model is \
                 surest of too many are wrong\n",
                percent(self.asked)
            );
            return writeln!(out, "{}", prose(&text, 10));
        };
        let mut line = |name: &str, text: String| {
            let text = format!("{DIM}{name:<10}{DIM:#}{text}");
            writeln!(out, "{}", prose(&text, 10))
        };
        line(
            "reject",
            format!(
                "confidence below {threshold:.4}, fixed on {} validation images: {} are kept there, {} of them right, {}",
                count(valid.images),
                count(valid.kept),
                count(valid.right),
                percent(valid.right as f64 / valid.kept as f64)
            ),
        )?;
        line(
            "coverage",
            format!(
                "{BOLD}{}{BOLD:#}: {} of {} {split} images are kept",
                percent(kept.coverage()),
                count(kept.kept),
                count(kept.images)
            ),
        )?;
        line("error", format!("{}\n", error_text(&kept)))
    }
}

/// `0.69 %: 59 of those kept are wrong; of 1,476 rejected 359 would have been wrong`
fn error_text(kept: &Kept) -> String {
    let count = |n: usize| thousands(n as u64);
    let error = kept.error().map_or("none".to_owned(), percent);
    let rejected = kept.images - kept.kept;
    let of_rejected = match rejected {
        0 => String::new(),
        _ => format!(
            "; of {} rejected {} would have been wrong",
            count(rejected),
            count(rejected - kept.rejected_right)
        ),
    };
    let wrong = kept.kept - kept.right;
    let are = if wrong == 1 { "is" } else { "are" };
    format!(
        "{BOLD}{error}{BOLD:#}: {} of those kept {are} wrong{of_rejected}",
        count(wrong)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_fixed_on_the_validation_images_alone() {
        let answers = |all: &[(f64, bool)]| -> Vec<Answer> {
            let answer = |&(confidence, right)| Answer { confidence, right };
            all.iter().map(answer).collect()
        };
        let valid = answers(&[(0.9, true), (0.6, true), (0.5, false)]);
        // By these alone it would be 0.95.
        let test = answers(&[(0.95, true), (0.8, false), (0.3, true), (0.2, false)]);
        let found = Rejection::new(1.0, &valid, &test).json();
        assert_eq!(found["threshold"], 0.6);
        assert_eq!(
            (&found["valid_kept"], &found["valid_correct"]),
            (&2.into(), &2.into())
        );
        assert_eq!(
            (&found["kept"], &found["kept_correct"]),
            (&2.into(), &1.into())
        );
        assert_eq!(
            (&found["coverage"], &found["kept_error"]),
            (&0.5.into(), &0.5.into())
        );
        let never = Rejection::new(1.0, &answers(&[(0.9, false)]), &test).json();
        assert!(
            never["threshold"].is_null() && never["coverage"].is_null(),
            "{never}"
        );
    }

    #[test]
    fn of_what_is_rejected_it_is_said_how_much_would_have_been_wrong() {
        let answer = |confidence, right| Answer { confidence, right };
        let answers = [answer(0.9, true), answer(0.8, false), answer(0.3, false)];
        let text = error_text(&Kept::of(&answers, 0.5));
        let said = "1 of those kept is wrong; of 1 rejected 1 would have been wrong";
        assert!(text.ends_with(said), "{text}");
        let text = error_text(&Kept::of(&answers, 0.0));
        assert!(text.ends_with(": 2 of those kept are wrong"), "{text}");
    }

    #[test]
    fn a_model_is_no_place_for_a_diagram() {
        assert!(diagram("a.svg").is_ok());
        assert!(
            diagram("model.bin")
                .unwrap_err()
                .contains("before the flag")
        );
    }
}
