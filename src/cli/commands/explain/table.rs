//! Softmax and loss by hand, as tables.

use std::io::{self, Write};

use mlp::{
    explain::{self, Judged, Numbers, judge, shown},
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

/// e^z of outputs z (C), and e^(z − max), with their sums.
struct Powers {
    plain: Array1<f64>,
    shifted: Array1<f64>,
}

impl Powers {
    fn new(z: &Array1<f64>) -> Self {
        let highest = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
        Self {
            plain: z.mapv(f64::exp),
            shifted: z.mapv(|z| (z - highest).exp()),
        }
    }

    /// The softmax of one class from both: the quotients are the same, unless the plain sum is out of range.
    fn softmax(&self, class: usize, numbers: Numbers, out: &mut Output) -> io::Result<()> {
        let sum = self.plain.sum();
        let in_range = (f64::MIN_POSITIVE..=f64::MAX).contains(&sum);
        let plain = match in_range {
            true => quotient(numbers, self.plain[class], sum),
            false => {
                let size = if sum > 1.0 { "large" } else { "small" };
                format!("cannot be had: the sum is too {size} for double precision")
            }
        };
        let shifted = quotient(numbers, self.shifted[class], self.shifted.sum());
        let name = format!("p[{class}]");
        let blank = " ".repeat(name.len());
        writeln!(out, "{name} = e^z / Σ e^z                 {plain}")?;
        write!(out, "{blank} = e^(z − max) / Σ e^(z − max) {shifted}")?;
        match in_range {
            true => writeln!(out, ", the same: e^max divides out"),
            false => writeln!(
                out,
                "\nSo one subtracts the maximum: every e^ is then at most 1, and their sum at least 1."
            ),
        }
    }
}

/// `= power / sum = p`, with as many digits as it takes to get p from what is shown.
fn quotient(numbers: Numbers, power: f64, sum: f64) -> String {
    let p = numbers.text(power / sum);
    let texts = |digits| [power, sum].map(|power| power_text(Numbers(digits), power));
    let fits = |[power, sum]: &[String; 2]| numbers.text(shown(power) / shown(sum)) == p;
    let [power, sum] = (numbers.0..17)
        .map(texts)
        .find(fits)
        .unwrap_or_else(|| texts(17));
    format!("= {power} / {sum} = {p}")
}

/// From here on a power of e is written with an exponent.
const TOO_LONG: f64 = 1e6;

/// The text of a power of e, which may be of any size, or infinite.
fn power_text(numbers: Numbers, power: f64) -> String {
    match power {
        f64::INFINITY => "inf".to_owned(),
        power if power >= TOO_LONG => format!("{power:.*e}", numbers.0),
        power => numbers.text(power),
    }
}

/// Logit, e^, minus the maximum, e^ of that, softmax, −ln, target, gradient; and the loss.
pub(super) fn cross_entropy(
    z: &Array1<f64>,
    target: u8,
    kind: LossKind,
    (numbers, classes): (Numbers, &[String]),
    out: &mut Output,
) -> io::Result<()> {
    let judged = judge(&*kind.build::<f64>(), z, target);
    let highest = z.fold(f64::NEG_INFINITY, |m, &z| m.max(z));
    let powers = Powers::new(z);
    let sum = powers.shifted.sum();
    let text = |number| numbers.text(number);
    let power_text = |power| power_text(numbers, power);
    let (wide, narrow) = (numbers.width(), numbers.width() - 2);
    let (names, first) = column(z.len(), classes, 5);
    let smoothing = match kind {
        LossKind::SmoothedCe(s) => s,
        _ => 0.0,
    };
    writeln!(
        out,
        "{DIM}{:>first$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>narrow$} {:>wide$}{DIM:#}",
        "class",
        "z",
        "e^z",
        "z − max",
        "e^(z − max)",
        "softmax p",
        "−ln p",
        "target q",
        "dz = p − q"
    )?;
    for (c, &z) in z.iter().enumerate() {
        let p = judged.predictions[c];
        let share = smoothing / judged.predictions.len() as f64;
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
            "{mark}{:>first$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>wide$} {:>narrow$} {:>wide$}{mark:#}",
            names[c],
            text(z),
            power_text(powers.plain[c]),
            text(z - highest),
            text(powers.shifted[c]),
            text(p),
            // −ln p, also where p is too small for a number.
            text(sum.ln() - (z - highest)),
            text(q),
            text(judged.doutputs[c]),
        )?;
    }
    let (up_to_plain, up_to_shifted) = (2 * wide + first - 2, 2 * wide + 1);
    writeln!(
        out,
        "{DIM}sum{DIM:#} {:>up_to_plain$} {:>up_to_shifted$} {:>wide$}",
        power_text(powers.plain.sum()),
        text(sum),
        text(judged.predictions.sum())
    )?;
    powers.softmax(target.into(), numbers, out)?;
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

/// What people ask who see both losses side by side.
pub(super) fn which_loss(out: &mut Output) -> io::Result<()> {
    writeln!(
        out,
        "−ln p is never below 0, because p is at most 1; so neither is L.\n\
         mse works with one-hot targets: the network learns, and its largest output is the answer. It learns far\n\
         less with digit targets, which say that a 4 is almost a 5 and far from a 9. See the accuracy of both:\n  \
         mlp train --hidden 20 --epochs 1 --loss mse --out onehot.bin\n  \
         mlp train --hidden 20 --epochs 1 --loss mse --target digit --out digit.bin"
    )
}

/// The table of a loss for programs.
pub(super) fn json(z: &Array1<f64>, target: u8, judged: &Judged) -> Value {
    let [one_hot, digit] = explain::both_mse(z, target);
    let powers = Powers::new(z);
    let of = |judged: &Judged| {
        json!({
            "predictions": judged.predictions.to_vec(), "loss": judged.loss,
            "doutputs": judged.doutputs.to_vec(),
        })
    };
    json!({
        "outputs": z.to_vec(), "target": target, "judged": of(judged),
        "mse_onehot": of(&one_hot), "mse_digit": of(&digit),
        // What is infinite becomes null, as JSON has no such number.
        "exp_z": powers.plain.to_vec(), "sum_exp_z": powers.plain.sum(),
        "exp_z_minus_max": powers.shifted.to_vec(), "sum_exp_z_minus_max": powers.shifted.sum(),
    })
}
