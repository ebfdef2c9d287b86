//! What a check of gradients found, as a table and as JSON.

use std::io::{self, Write};

use mlp::check::{Group, Settings, TensorReport};
use serde_json::{Value, json};

use crate::cli::{
    commands::gradcheck::diagnosis::{diagnosis_json, print_diagnosis},
    terminal::output::{BAD, BOLD, DIM, GOOD, Output, scientific},
};

/// A line a gradient, and the verdict.
pub(super) fn print(out: &mut Output, groups: &[Group], settings: &Settings) -> io::Result<()> {
    writeln!(
        out,
        "{DIM}{:<10} {:>12} {:>7} {:>5} {:>8} {:>8}  {:<11} {:>11} {:>11}{DIM:#}",
        "gradient",
        "shape",
        "checked",
        "kinks",
        "abs err",
        "rel err",
        "worst at",
        "backward",
        "difference",
    )?;
    for group in groups {
        writeln!(out, "\n{BOLD}{}{BOLD:#}", group.title)?;
        for tensor in &group.tensors {
            print_tensor(out, tensor)?;
        }
        if let Some(diagnosis) = &group.diagnosis {
            print_diagnosis(out, diagnosis)?;
        }
    }
    let tensors = || groups.iter().flat_map(|group| &group.tensors);
    let wrong = tensors().filter(|tensor| !tensor.passed).count();
    let not_checkable = tensors().filter(|tensor| !tensor.checkable()).count();
    let unchecked = match not_checkable {
        0 => String::new(),
        _ => format!("; {not_checkable} could not be checked"),
    };
    let checked: usize = tensors().map(|tensor| tensor.checked).sum();
    let (tensors, Settings { tolerance, eps, .. }) = (tensors().count(), settings);
    writeln!(out)?;
    match wrong {
        0 if not_checkable == tensors => writeln!(out, "no gradient could be checked"),
        0 if not_checkable > 0 => writeln!(
            out,
            "{GOOD}{} gradients are right{GOOD:#}: {checked} elements within {tolerance:e} of central differences, eps {eps:e}{unchecked}",
            tensors - not_checkable
        ),
        0 => writeln!(
            out,
            "{GOOD}all {tensors} gradients are right{GOOD:#}: {checked} elements within {tolerance:e} of central differences, eps {eps:e}"
        ),
        _ => writeln!(
            out,
            "{BAD}{wrong} of {tensors} gradients are wrong{BAD:#}: off by more than {tolerance:e} from central differences, eps {eps:e}{unchecked}"
        ),
    }
}

fn print_tensor(out: &mut Output, tensor: &TensorReport) -> io::Result<()> {
    let TensorReport {
        name,
        shape,
        checked,
        skipped,
        max_absolute,
        max_relative,
        ..
    } = tensor;
    let pair = |(row, column): (usize, usize)| format!("({row}, {column})");
    write!(
        out,
        "{name:<10} {:>12} {checked:>7} {skipped:>5} {:>8} {:>8}  ",
        pair(*shape),
        scientific(*max_absolute, 1),
        scientific(*max_relative, 1),
    )?;
    match tensor.worst {
        Some(worst) => write!(
            out,
            "{:<11} {:>11} {:>11}",
            pair(worst.index),
            scientific(worst.backward, 3),
            scientific(worst.difference, 3)
        )?,
        None => write!(out, "{:<35}", nothing_to_compare(tensor))?,
    }
    match (tensor.passed, tensor.checkable()) {
        (true, false) => writeln!(out, "  {DIM}not checkable{DIM:#}"),
        (true, true) => writeln!(out, "  {GOOD}ok{GOOD:#}"),
        (false, _) => writeln!(out, "  {BAD}WRONG{BAD:#}"),
    }
}

/// Why no element could be compared.
fn nothing_to_compare(tensor: &TensorReport) -> &'static str {
    match tensor.unstable {
        0 => "nothing but kinks",
        _ => "too steep, or too large to difference",
    }
}

/// [`print`] for programs.
pub(super) fn json(groups: &[Group], settings: &Settings, passed: bool) -> Value {
    let tensor = |tensor: &TensorReport| {
        let worst = tensor.worst.map(|worst| {
            let element = [worst.index.0, worst.index.1];
            json!({"element": element, "backward": worst.backward, "difference": worst.difference})
        });
        json!({
            "name": tensor.name, "shape": [tensor.shape.0, tensor.shape.1],
            "checked": tensor.checked, "skipped": tensor.skipped, "unstable": tensor.unstable,
            "checkable": tensor.checkable(),
            "max_absolute_error": tensor.max_absolute, "max_relative_error": tensor.max_relative,
            "worst": worst, "passed": tensor.passed,
        })
    };
    let group = |group: &Group| {
        let tensors: Vec<_> = group.tensors.iter().map(tensor).collect();
        let diagnosis = group.diagnosis.as_deref().map(diagnosis_json);
        json!({"title": group.title, "passed": group.passed(), "tensors": tensors, "diagnosis": diagnosis})
    };
    json!({
        "passed": passed, "eps": settings.eps, "tolerance": settings.tolerance, "seed": settings.seed,
        "groups": groups.iter().map(group).collect::<Vec<_>>(),
    })
}
