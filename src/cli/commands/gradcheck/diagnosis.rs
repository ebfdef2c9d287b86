//! What wrong gradients look like.

use std::io::{self, Write};

use mlp::check::mistakes::{Diagnosis, Finding, Judged, Verdict};
use serde_json::{Value, json};

use crate::cli::terminal::output::{BAD, BOLD, DIM, GOOD, Output, scientific};

/// What gradients look like, and what mends them.
pub(super) fn print_diagnosis(out: &mut Output, diagnosis: &Diagnosis) -> io::Result<()> {
    match diagnosis {
        Diagnosis::Right => writeln!(
            out,
            "the gradients are those of the formulas: it is the forward pass, or the loss, that is another"
        ),
        Diagnosis::Mistakes(findings) => {
            if findings.len() > 1 {
                writeln!(out, "several mistakes give these very numbers:")?;
            }
            for finding in findings {
                let mistake = finding.mistake;
                writeln!(
                    out,
                    "looks like {BOLD}{mistake}{BOLD:#}{}: {}{}\n  to mend it: {}",
                    places_text(finding),
                    mistake.what(),
                    ratio_text(finding),
                    finding.mend(),
                )?;
            }
            Ok(())
        }
        Diagnosis::Ratio(ratio, names) => writeln!(
            out,
            "no known mistake fits, but {} {} {ratio:.4} times what it should be",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are each" },
        ),
        Diagnosis::Unknown => writeln!(out, "no known mistake fits"),
    }
}

fn ratio_text(finding: &Finding) -> String {
    match finding.ratio {
        Some(ratio) => format!("; what is wrong is {ratio:.4} times what it should be"),
        None => String::new(),
    }
}

fn places_text(finding: &Finding) -> String {
    let places: Vec<_> = finding.places.iter().map(ToString::to_string).collect();
    match places.len() {
        0 => String::new(),
        1 => format!(" in module {}", places[0]),
        _ => format!(" in modules {}", places.join(", ")),
    }
}

/// [`print_diagnosis`] for programs.
pub(super) fn diagnosis_json(diagnosis: &Diagnosis) -> Value {
    match diagnosis {
        Diagnosis::Right => json!({"backward_is_right": true}),
        Diagnosis::Mistakes(findings) => {
            let finding = |finding: &Finding| {
                let mistake = finding.mistake;
                json!({
                    "name": mistake.name(), "modules": finding.places, "ratio": finding.ratio,
                    "what": mistake.what(), "mend": finding.mend(),
                })
            };
            json!({"mistakes": findings.iter().map(finding).collect::<Vec<_>>()})
        }
        Diagnosis::Ratio(ratio, names) => json!({"ratio": ratio, "gradients": names}),
        Diagnosis::Unknown => json!({"mistakes": []}),
    }
}

fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("({})", sizes.join(", "))
}

fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Right => "ok".into(),
        Verdict::Missing => "not in your file".into(),
        Verdict::Shape(hint) => hint.clone(),
        Verdict::Transposed => "transposed: turn it around with .T".into(),
        Verdict::Ratio(ratio) => format!("{ratio:.4} times the right one"),
        Verdict::NotFinite => "has NaN or infinite elements".into(),
        Verdict::Wrong => "other numbers".into(),
    }
}

/// Somebody else's gradients, one a line, and what they look like.
pub(super) fn print_judged(
    out: &mut Output,
    judged: &[Judged],
    diagnosis: Option<&Diagnosis>,
    tolerance: f64,
) -> io::Result<()> {
    writeln!(
        out,
        "{DIM}{:<10} {:>12} {:>8}{DIM:#}",
        "gradient", "yours", "error"
    )?;
    let nothing = out.or_plain("·", ".");
    for tensor in judged {
        let yours = tensor.yours.as_deref().map_or(nothing.into(), shape_text);
        let error = tensor
            .error
            .map_or(nothing.into(), |error| scientific(error, 1));
        let colour = if tensor.verdict == Verdict::Right {
            GOOD
        } else {
            BAD
        };
        writeln!(
            out,
            "{:<10} {yours:>12} {error:>8}  {colour}{}{colour:#}",
            tensor.name,
            verdict_text(&tensor.verdict),
        )?;
    }
    let wrong = judged
        .iter()
        .filter(|tensor| tensor.verdict != Verdict::Right)
        .count();
    writeln!(out)?;
    match diagnosis {
        // The numbers are right once the shapes are mended.
        None | Some(Diagnosis::Right) => {}
        Some(diagnosis) => print_diagnosis(out, diagnosis)?,
    }
    match wrong {
        0 => writeln!(
            out,
            "{GOOD}all {} gradients are right{GOOD:#}: within {tolerance:e} of the largest element of each",
            judged.len()
        ),
        _ => writeln!(
            out,
            "{BAD}{wrong} of {} gradients are wrong{BAD:#}",
            judged.len()
        ),
    }
}

/// [`print_judged`] for programs.
pub(super) fn judged_json(
    judged: &[Judged],
    diagnosis: Option<&Diagnosis>,
    tolerance: f64,
) -> Value {
    let tensor = |tensor: &Judged| {
        json!({
            "name": tensor.name, "shape": tensor.yours, "expected_shape": tensor.expected,
            "error": tensor.error, "passed": tensor.verdict == Verdict::Right,
            "verdict": verdict_text(&tensor.verdict),
        })
    };
    json!({
        "passed": judged.iter().all(|tensor| tensor.verdict == Verdict::Right),
        "tolerance": tolerance,
        "tensors": judged.iter().map(tensor).collect::<Vec<_>>(),
        "diagnosis": diagnosis.map(diagnosis_json),
    })
}
