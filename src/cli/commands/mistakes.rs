//! Mistakes on the command line: their names, their list, and what gradients look like.

use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use mlp::{
    check::mistakes::{Diagnosis, Finding, Judged, Mistake, Verdict},
    loss::LossKind,
    nn::{Float, Mlp},
};
use serde_json::{Value, json};

use crate::cli::{
    Outcome,
    terminal::output::{BAD, BOLD, DIM, GOOD, Output, next_step, scientific},
};

/// The names of the known mistakes.
pub fn mistake_parser() -> impl TypedValueParser<Value = Mistake> {
    PossibleValuesParser::new(Mistake::ALL.map(Mistake::name))
        .map(|name| name.parse().expect("one of the names"))
}

/// Wrong usage if a mistake cannot be made in a network.
pub fn check_fits<F: Float>(
    mistake: Mistake,
    network: &Mlp<F>,
    kind: LossKind,
) -> Result<(), clap::Error> {
    if mistake.fits(network, kind) {
        return Ok(());
    }
    let needs = match mistake {
        Mistake::TwoMissing | Mistake::ResForDiff => "--loss mse",
        Mistake::MeanOverOthers => "--loss ce, or --loss mse --target onehot",
        Mistake::LogsumexpNotByRows => "--loss ce",
        Mistake::MisplacedBracket => "--loss mse --target digit, and a hidden layer",
        Mistake::SharedRelu | Mistake::ReluMaskOfBefore => {
            "ReLU behind two hidden layers of one width, such as --hidden 50,50"
        }
        Mistake::WeightNotTransposed => "two hidden layers of one width, such as --hidden 50,50",
        Mistake::ReluMaskMissing | Mistake::UpstreamIgnored => "a hidden layer with ReLU",
        Mistake::SlopeFromX => "--activation tanh or sigmoid, and a hidden layer",
        Mistake::DropoutMaskMissing => "--dropout, and a hidden layer",
        _ => "a layer with weights",
    };
    Err(clap::Error::raw(
        clap::error::ErrorKind::ArgumentConflict,
        format!(
            "--inject {mistake} cannot be made in this network with this loss: it needs {needs}"
        ),
    ))
}

/// `mlp gradcheck --list-mistakes`
pub fn list_mistakes(out: &mut Output, json: bool) -> anyhow::Result<Outcome> {
    if json {
        let mistakes = Mistake::ALL.map(|mistake| {
            json!({
                "name": mistake.name(), "what": mistake.what(),
                "question": mistake.question(), "mend": mistake.mend(),
            })
        });
        writeln!(out, "{}", json!(mistakes))?;
    } else {
        for mistake in Mistake::ALL {
            writeln!(
                out,
                "{BOLD}{mistake}{BOLD:#}\n    {}\n    {DIM}asked as{DIM:#}  {}\n    {DIM}mended by{DIM:#} {}",
                mistake.what(),
                mistake.question(),
                mistake.mend(),
            )?;
        }
    }
    out.flush()?;
    next_step(format_args!(
        "mlp gradcheck --inject {}",
        Mistake::ReluMaskMissing
    ));
    Ok(Outcome::Done)
}

/// What gradients look like, and what mends them.
pub fn print_diagnosis(out: &mut Output, diagnosis: &Diagnosis) -> io::Result<()> {
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
                    mistake.mend(),
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
pub fn diagnosis_json(diagnosis: &Diagnosis) -> Value {
    match diagnosis {
        Diagnosis::Right => json!({"backward_is_right": true}),
        Diagnosis::Mistakes(findings) => {
            let finding = |finding: &Finding| {
                let mistake = finding.mistake;
                json!({
                    "name": mistake.name(), "modules": finding.places, "ratio": finding.ratio,
                    "what": mistake.what(), "mend": mistake.mend(),
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
pub fn print_judged(
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
    for tensor in judged {
        let yours = tensor.yours.as_deref().map_or("·".into(), shape_text);
        let error = tensor
            .error
            .map_or("·".into(), |error| scientific(error, 1));
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
pub fn judged_json(judged: &[Judged], diagnosis: Option<&Diagnosis>, tolerance: f64) -> Value {
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
