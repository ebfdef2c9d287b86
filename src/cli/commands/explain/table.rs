//! Softmax and loss by hand, as tables.

use std::io::{self, Write};

use mlp::{
    explain::{self, Judged, Numbers, judge},
    loss::{BinaryCrossEntropy, LossKind},
};
use ndarray::Array1;
use serde_json::{Value, json};

use crate::cli::terminal::output::{BOLD, DIM, Output};

/// What a class is called: by its number if it has no name, or none but that.
pub(super) fn class(class: usize, classes: &[String]) -> String {
    match classes.get(class) {
        Some(name) if *name != class.to_string() => format!("{class} ({name})"),
        _ => class.to_string(),
    }
}

/// The names of classes for a column, the ends of long ones cut, and its width, at least `least`.
fn column(count: usize, classes: &[String], least: usize) -> (Vec<String>, usize) {
    const MOST: usize = 18;
    let name = |class: usize| match classes.get(class) {
        Some(name) if name.chars().count() > MOST => {
            name.chars().take(MOST - 1).chain(['…']).collect()
        }
        Some(name) => name.clone(),
        None => class.to_string(),
    };
    let names: Vec<_> = (0..count).map(name).collect();
    let widths = names.iter().map(|name| name.chars().count());
    let width = widths.fold(least, usize::max);
    (names, width)
}

/// Logit, minus the maximum, e^, softmax, −ln, target, gradient; and the loss.
pub(super) fn cross_entropy(
    z: &Array1<f64>,
    target: u8,
    kind: LossKind,
    (numbers, classes): (Numbers, &[String]),
    out: &mut Output,
) -> io::Result<()> {
    let judged = judge(&*kind.build::<f64>(), z, target);
    let highest = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
    let powers = z.mapv(|z| (z - highest).exp());
    let text = |number| numbers.text(number);
    let (wide, narrow) = (numbers.width(), numbers.width() - 2);
    let (names, first) = column(z.len(), classes, 5);
    let smoothing = match kind {
        LossKind::SmoothedCe(s) => s,
        _ => 0.0,
    };
    writeln!(
        out,
        "{DIM}{:>first$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>narrow$} {:>wide$}{DIM:#}",
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
            "{mark}{:>first$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>narrow$} {:>wide$}{mark:#}",
            names[c],
            text(z),
            text(z - highest),
            text(powers[c]),
            text(p),
            // −ln p, also where p is too small for a number.
            text(powers.sum().ln() - (z - highest)),
            text(q),
            text(judged.doutputs[c]),
        )?;
    }
    let sum = 3 * wide + first - 1;
    writeln!(
        out,
        "{DIM}sum{DIM:#} {:>sum$} {:>wide$}",
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

/// Logit, sigmoid, −ln of both classes, target, gradient; and the loss.
pub(super) fn binary_cross_entropy(
    z: &Array1<f64>,
    target: u8,
    (numbers, classes): (Numbers, &[String]),
    out: &mut Output,
) -> io::Result<()> {
    let judged = judge(&BinaryCrossEntropy, z, target);
    let of_class = |class| judge(&BinaryCrossEntropy, z, class).loss;
    let text = |number| numbers.text(number);
    let (wide, narrow) = (numbers.width(), numbers.width() - 2);
    writeln!(
        out,
        "{DIM}{:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>narrow$} {:>wide$}{DIM:#}",
        "z", "e^−z", "p = σ(z)", "−ln p", "−ln(1 − p)", "target t", "dz = p − t"
    )?;
    writeln!(
        out,
        "{:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>narrow$} {:>wide$}",
        text(z[0]),
        text((-z[0]).exp()),
        text(judged.predictions[0]),
        text(of_class(1)),
        text(of_class(0)),
        text(target.into()),
        text(judged.doutputs[0]),
    )?;
    let term = match target {
        1 => "−ln p",
        _ => "−ln(1 − p)",
    };
    writeln!(
        out,
        "L = −t·ln p − (1 − t)·ln(1 − p) = {term} = {BOLD}{}{BOLD:#}, p the probability of class {};\n\
         with N images, L is the mean and every dz has the factor 1/N",
        text(judged.loss),
        class(1, classes)
    )
}

/// Where mse gets its targets from, in both ways, side by side with the same outputs.
pub(super) fn both_mse(
    z: &Array1<f64>,
    target: u8,
    (numbers, classes): (Numbers, &[String]),
    out: &mut Output,
) -> io::Result<()> {
    let [one_hot, digit] = explain::both_mse(z, target);
    let digit_t = f64::from(target);
    if z.len() == 1 {
        writeln!(
            out,
            "{BOLD}mse, one-hot targets{BOLD:#}: they need an output for every class, and here is one"
        )?;
        writeln!(
            out,
            "{BOLD}mse, digit target{BOLD:#}: the one output shall be the digit itself, {target}"
        )?;
        let judged: [(&dyn Fn(usize) -> f64, _); 1] = [(&|_| digit_t, &digit)];
        mse_table(z, &judged, (numbers, &[]), out)?;
        return writeln!(
            out,
            "L = (z − t)² = {BOLD}{}{BOLD:#}; dz = 2·(z − t)",
            numbers.text(digit.loss)
        );
    }
    let hot = |c: usize| f64::from(c == usize::from(target));
    writeln!(
        out,
        "{BOLD}mse{BOLD:#}, left with one-hot targets: 1 for output {target}, 0 for the others\n     \
         right with digit targets: {target} for every output, which only makes sense with one (--target digit)"
    )?;
    mse_table(
        z,
        &[(&hot, &one_hot), (&|_| digit_t, &digit)],
        (numbers, classes),
        out,
    )?;
    writeln!(
        out,
        "L = Σ (z − t)² / C = {BOLD}{}{BOLD:#} with one-hot targets, {BOLD}{}{BOLD:#} with digit targets; \
         dz = 2·(z − t)/C, C = {}",
        numbers.text(one_hot.loss),
        numbers.text(digit.loss),
        z.len()
    )
}

/// The outputs; then for each kind of target: the target, what is missing, its square and the gradient.
fn mse_table(
    z: &Array1<f64>,
    kinds: &[(&dyn Fn(usize) -> f64, &Judged)],
    (numbers, classes): (Numbers, &[String]),
    out: &mut Output,
) -> io::Result<()> {
    let text = |number| numbers.text(number);
    let (narrow, wide) = (numbers.width() - 3, numbers.width() - 1);
    let (names, first) = column(z.len(), classes, 6);
    write!(out, "{DIM}{:>first$} {:>wide$}", "output", "z")?;
    for _ in kinds {
        write!(
            out,
            "  {:>narrow$} {:>wide$} {:>wide$} {:>wide$}",
            "t", "z − t", "(z − t)²", "dz"
        )?;
    }
    writeln!(out, "{DIM:#}")?;
    for (c, &z) in z.iter().enumerate() {
        write!(out, "{:>first$} {:>wide$}", names[c], text(z))?;
        for (t, judged) in kinds {
            let diff = z - t(c);
            write!(
                out,
                "  {:>narrow$} {:>wide$} {:>wide$} {:>wide$}",
                text(t(c)),
                text(diff),
                text(diff * diff),
                text(judged.doutputs[c])
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
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
