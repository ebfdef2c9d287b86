//! Softmax and loss by hand, as tables.

use std::io::{self, Write};

use mlp::{
    explain::{self, Judged, Numbers, judge},
    model_file::LossKind,
};
use ndarray::Array1;
use serde_json::{Value, json};

use super::super::output::{BOLD, DIM, Output};

/// Logit, minus the maximum, e^, softmax, −ln, target, gradient; and the loss.
pub(super) fn cross_entropy(
    z: &Array1<f64>,
    target: u8,
    kind: LossKind,
    numbers: Numbers,
    out: &mut Output,
) -> io::Result<()> {
    let judged = judge(&*kind.build::<f64>(), z, target);
    let highest = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
    let powers = z.mapv(|z| (z - highest).exp());
    let text = |number| numbers.text(number);
    let smoothing = match kind {
        LossKind::SmoothedCe(s) => s,
        _ => 0.0,
    };
    writeln!(
        out,
        "{DIM}{:>5} {:>11} {:>11} {:>11} {:>11} {:>11} {:>9} {:>11}{DIM:#}",
        "class", "z", "z − max", "e^", "softmax p", "−ln p", "target q", "dz = p − q"
    )?;
    for (c, &z) in z.iter().enumerate() {
        let p = judged.predictions[c];
        let share = smoothing / powers.len() as f64;
        let q = if c == usize::from(target) {
            1.0 - smoothing + share
        } else {
            share
        };
        let mark = if c == usize::from(target) {
            BOLD
        } else {
            anstyle::Style::new()
        };
        writeln!(
            out,
            "{mark}{c:>5} {:>11} {:>11} {:>11} {:>11} {:>11} {:>9} {:>11}{mark:#}",
            text(z),
            text(z - highest),
            text(powers[c]),
            text(p),
            text(-p.ln()),
            text(q),
            text(judged.doutputs[c]),
        )?;
    }
    writeln!(
        out,
        "{DIM}sum{DIM:#} {:>37} {:>11}",
        text(powers.sum()),
        text(judged.predictions.sum())
    )?;
    match smoothing {
        0.0 => writeln!(
            out,
            "L = −ln p[{target}] = {BOLD}{}{BOLD:#}; with N images, L is the mean and every dz has the factor 1/N",
            text(judged.loss)
        ),
        _ => writeln!(
            out,
            "L = −Σ q·ln p = {BOLD}{}{BOLD:#}, the labels smoothed by {smoothing}",
            text(judged.loss)
        ),
    }
}

/// What mse makes of the outputs with one kind of target.
fn mse(
    title: &str,
    z: &Array1<f64>,
    t: impl Fn(usize) -> f64,
    judged: &Judged,
    numbers: Numbers,
    out: &mut Output,
) -> io::Result<()> {
    let text = |number| numbers.text(number);
    writeln!(out, "{title}")?;
    writeln!(
        out,
        "{DIM}{:>5} {:>11} {:>11} {:>11} {:>11} {:>14}{DIM:#}",
        "output", "z", "target t", "diff z − t", "diff²", "dz = 2·diff/C"
    )?;
    for (c, &z) in z.iter().enumerate() {
        let diff = z - t(c);
        writeln!(
            out,
            "{c:>6} {:>11} {:>11} {:>11} {:>11} {:>14}",
            text(z),
            text(t(c)),
            text(diff),
            text(diff * diff),
            text(judged.doutputs[c]),
        )?;
    }
    writeln!(
        out,
        "L = Σ diff² / C = {BOLD}{}{BOLD:#}, C = {}",
        text(judged.loss),
        z.len()
    )
}

/// Where mse gets its targets from, in both ways, side by side with the same outputs.
pub(super) fn both_mse(
    z: &Array1<f64>,
    target: u8,
    numbers: Numbers,
    out: &mut Output,
) -> io::Result<()> {
    let [one_hot, digit] = explain::both_mse(z, target);
    let hot = |c: usize| f64::from(c == usize::from(target));
    let title =
        format!("{BOLD}mse, one-hot targets{BOLD:#}: 1 for output {target}, 0 for the others");
    match z.len() {
        1 => writeln!(out, "{title}; that needs ten outputs, and here is one")?,
        _ => mse(&title, z, hot, &one_hot, numbers, out)?,
    }
    writeln!(out)?;
    let title = match z.len() {
        1 => format!(
            "{BOLD}mse, digit target{BOLD:#}: the one output shall be the digit itself, {target}"
        ),
        _ => format!(
            "{BOLD}mse, digit target{BOLD:#}: {target} for every output, which only makes sense with one output \
             (--target digit)"
        ),
    };
    mse(&title, z, |_| f64::from(target), &digit, numbers, out)
}

/// The table of a loss for programs.
pub(super) fn json(z: &Array1<f64>, target: u8, judged: &Judged) -> Value {
    let [one_hot, digit] = explain::both_mse(z, target);
    let of = |judged: &Judged| {
        json!({
            "predictions": judged.predictions.to_vec(), "loss": judged.loss,
            "doutputs": judged.doutputs.to_vec(),
        })
    };
    json!({
        "outputs": z.to_vec(), "target": target, "judged": of(judged),
        "mse_onehot": of(&one_hot), "mse_digit": of(&digit),
    })
}
