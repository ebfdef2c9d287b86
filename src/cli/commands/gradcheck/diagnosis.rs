//! What wrong gradients look like.

use std::io::{self, Write};

use mlp::check::mistakes::{Explanation, Judged, Judgement, Mistake, Slip, Verdict, shape_text};
use serde_json::{Value, json};

use crate::cli::terminal::output::{BAD, BOLD, DIM, GOOD, Output, WARN, scientific};

/// How many explanations of the same numbers are written out.
const SHOWN: usize = 3;

/// What gradients look like, and what mends them.
pub(super) fn print_diagnosis(out: &mut Output, judged: &[Judged]) -> io::Result<()> {
    let wrong: Vec<_> = judged.iter().filter(|tensor| tensor.wrong()).collect();
    if wrong.is_empty() {
        return writeln!(
            out,
            "the gradients are those of the formulas: it is the forward pass, or the loss, that is another"
        );
    }
    // Tensors with the same first explanation are told together.
    let mut groups: Vec<Vec<&Judged>> = Vec::new();
    for tensor in wrong.iter().filter(|tensor| !tensor.looks_like.is_empty()) {
        let key = |tensor: &Judged| lines_of(&tensor.looks_like[0]);
        match groups.iter_mut().find(|group| key(group[0]) == key(tensor)) {
            Some(group) => group.push(tensor),
            None => groups.push(vec![tensor]),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    for group in &groups {
        print_group(out, group, group.len() == wrong.len())?;
    }
    print_unexplained(out, &wrong)
}

/// Tensors that no known mistake explains.
fn print_unexplained(out: &mut Output, wrong: &[&Judged]) -> io::Result<()> {
    let unexplained = wrong.iter().copied().filter(|tensor: &&Judged| {
        tensor.looks_like.is_empty() && tensor.verdict == Verdict::Wrong && tensor.note.is_none()
    });
    let (times, other): (Vec<&Judged>, Vec<&Judged>) =
        unexplained.partition(|tensor| tensor.ratio.is_some());
    let alone = other.len() == wrong.len();
    let mut times = times;
    while let Some(first) = times.first().copied() {
        let ratio = first.ratio.unwrap_or(1.0);
        let same = |tensor: &&Judged| {
            let own = tensor.ratio.unwrap_or(1.0);
            (own / ratio - 1.0).abs() < 1e-4
        };
        let (these, rest): (Vec<&Judged>, Vec<&Judged>) = times.into_iter().partition(same);
        let names: Vec<_> = these.iter().map(|tensor| &tensor.name[..]).collect();
        writeln!(
            out,
            "no known mistake fits {}, but {} {ratio:.4} times what it should be",
            names.join(", "),
            if names.len() == 1 { "it is" } else { "each is" },
        )?;
        times = rest;
    }
    match &other[..] {
        [] => Ok(()),
        _ if alone => writeln!(
            out,
            "no known mistake fits, nor do {} at once",
            at_once(&other)
        ),
        _ => {
            let names: Vec<_> = other.iter().map(|tensor| &tensor.name[..]).collect();
            writeln!(
                out,
                "no known mistake fits {}, nor do {} at once",
                names.join(", "),
                at_once(&other)
            )
        }
    }
}

/// How many mistakes at once were tried.
fn at_once(tensors: &[&Judged]) -> &'static str {
    match tensors.iter().map(|tensor| tensor.tried).min() {
        Some(3..) => "two or three",
        _ => "two",
    }
}

/// The mistakes of an explanation and their lines, for comparison.
fn lines_of(explanation: &Explanation) -> Vec<(&'static str, Option<usize>)> {
    let line = |slip: &Slip| {
        (
            slip.mistake.name(),
            slip.place.filter(|_| shared_line(slip)),
        )
    };
    let mut lines: Vec<_> = explanation.slips.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// Whether a slip is in a line that several tensors take, and not in that of one.
fn shared_line(slip: &Slip) -> bool {
    !slip.mistake.of_tensor()
}

/// Tensors that the same mistakes explain.
fn print_group(out: &mut Output, group: &[&Judged], all: bool) -> io::Result<()> {
    let names: Vec<_> = group.iter().map(|tensor| &tensor.name[..]).collect();
    let subject = match (all, group.len()) {
        (true, _) => "looks like".to_owned(),
        (false, 1) => format!("{} looks like", names[0]),
        (false, _) => format!("{} look like", names.join(", ")),
    };
    let explanations = &group[0].looks_like;
    let first = &explanations[0];
    let places = |slip: &Slip| places_text(slip, group);
    if let [slip] = &first.slips[..] {
        writeln!(
            out,
            "{subject} {BOLD}{}{BOLD:#}{}: {}{}{}\n  to mend it: {}",
            slip.mistake,
            places(slip),
            slip.mistake.what(),
            ratio_text(group),
            alone_text(slip, group, first),
            slip.mend(),
        )?;
    } else {
        let count = ["no", "one", "two", "three"]
            .get(first.slips.len())
            .unwrap_or(&"several");
        let mut alone = first
            .slips
            .iter()
            .map(|slip| alone_text(slip, group, first));
        let alone = alone.find(|text| !text.is_empty()).unwrap_or_default();
        writeln!(out, "{subject} {count} mistakes at once{alone}")?;
        for slip in &first.slips {
            writeln!(
                out,
                "  {BOLD}{}{BOLD:#}{}: {}\n    to mend it: {}",
                slip.mistake,
                places(slip),
                slip.mistake.what(),
                slip.mend(),
            )?;
        }
    }
    if group.len() > 1 && first.slips.iter().any(shared_line) {
        writeln!(
            out,
            "  written once and shared: {} take it",
            names.join(", ")
        )?;
    }
    let others = &explanations[1..];
    if !others.is_empty() {
        writeln!(out, "  the same numbers would come of:")?;
        for explanation in others.iter().take(SHOWN) {
            let names: Vec<_> = explanation
                .slips
                .iter()
                .map(|slip| format!("{BOLD}{}{BOLD:#}{}", slip.mistake, places(slip)))
                .collect();
            match &explanation.slips[..] {
                [slip] => writeln!(out, "    {}: {}", names[0], slip.mistake.what())?,
                _ => writeln!(out, "    {}", names.join(" and "))?,
            }
        }
        if others.len() > SHOWN {
            writeln!(
                out,
                "    and {} more, which --json lists",
                others.len() - SHOWN
            )?;
        }
    }
    Ok(())
}

/// Whether a line was written wrongly for one tensor alone.
fn alone_text(slip: &Slip, group: &[&Judged], explanation: &Explanation) -> &'static str {
    let several = explanation.shared > 1;
    match shared_line(slip) && group.len() == 1 && !several && group[0].alone {
        true => "; in its own formula alone: the other gradients that take this line have it right",
        false => "",
    }
}

fn ratio_text(group: &[&Judged]) -> String {
    let ratios = group.iter().map(|tensor| tensor.ratio);
    let same = ratios.reduce(|a, b| match (a, b) {
        (Some(a), Some(b)) if (a / b - 1.0).abs() < 1e-4 => Some(a),
        _ => None,
    });
    match same.flatten() {
        Some(ratio) => format!("; what is wrong is {ratio:.4} times what it should be"),
        None => String::new(),
    }
}

fn places_text(slip: &Slip, group: &[&Judged]) -> String {
    let mut places: Vec<usize> = match shared_line(slip) {
        true => slip.place.into_iter().collect(),
        // Each tensor has its own.
        false => {
            let slips = group.iter().filter_map(|tensor| tensor.looks_like.first());
            let slips = slips.flat_map(|explanation| &explanation.slips);
            let same = slips.filter(|other| other.mistake == slip.mistake);
            same.filter_map(|other| other.place).collect()
        }
    };
    places.sort_unstable();
    places.dedup();
    let amount = match (slip.mistake, slip.amount) {
        (Mistake::WeightDecay, Some(amount)) => format!(" of {}", short(amount)),
        (Mistake::WeightUpdated, Some(amount)) => format!(" with learning rate {}", short(amount)),
        _ => String::new(),
    };
    let texts: Vec<_> = places.iter().map(ToString::to_string).collect();
    match texts.len() {
        0 => amount,
        1 => format!("{amount} in module {}", texts[0]),
        _ => format!("{amount} in modules {}", texts.join(", ")),
    }
}

/// A number to three digits.
fn short(value: f64) -> String {
    let text = format!("{value:.2e}");
    text.parse::<f64>().map_or(text, |value| value.to_string())
}

/// [`print_diagnosis`] for programs.
pub(super) fn diagnosis_json(judged: &[Judged]) -> Value {
    let wrong: Vec<_> = judged.iter().filter(|tensor| tensor.wrong()).collect();
    if wrong.is_empty() {
        return json!({"backward_is_right": true});
    }
    let mut mistakes: Vec<(Value, &str)> = Vec::new();
    for tensor in &wrong {
        for slip in tensor
            .looks_like
            .iter()
            .flat_map(|explanation| &explanation.slips)
        {
            let name = slip.mistake.name();
            if !mistakes.iter().any(|(_, known)| *known == name) {
                let mut value = slip_json(slip);
                value["ratio"] = json!(tensor.ratio);
                mistakes.push((value, name));
            }
        }
    }
    json!({
        "mistakes": mistakes.into_iter().map(|(value, _)| value).collect::<Vec<_>>(),
        "tensors": judged.iter().map(tensor_json).collect::<Vec<_>>(),
    })
}

fn slip_json(slip: &Slip) -> Value {
    json!({
        "name": slip.mistake.name(), "module": slip.place, "amount": slip.amount,
        "what": slip.mistake.what(), "mend": slip.mend(),
    })
}

fn tensor_json(tensor: &Judged) -> Value {
    let (verdict, hint) = match &tensor.verdict {
        Verdict::Right => ("right", None),
        Verdict::Transposed => ("transposed", None),
        Verdict::Missing => ("missing", None),
        Verdict::Shape(hint) => ("shape", Some(hint.as_str())),
        Verdict::NotFinite => ("wrong", Some("has NaN or infinite elements")),
        Verdict::Wrong => ("wrong", None),
        Verdict::Unsure => ("unsure", None),
    };
    let explanation = |explanation: &Explanation| {
        json!({
            "mistakes": explanation.slips.iter().map(slip_json).collect::<Vec<_>>(),
            "shared_by": explanation.shared,
        })
    };
    let looks_like = tensor.looks_like.iter().map(|explanation| {
        let names = explanation.names().into_iter();
        names.map(|mistake| mistake.name()).collect::<Vec<_>>()
    });
    json!({
        "name": tensor.name, "place": tensor.place, "in_file": tensor.alias,
        "shape": tensor.yours, "expected_shape": tensor.expected,
        "relative_error": tensor.error, "passed": tensor.right(), "verdict": verdict, "hint": hint,
        "looks_like": looks_like.collect::<Vec<_>>(),
        "explanations": tensor.looks_like.iter().map(explanation).collect::<Vec<_>>(),
        "ratio": tensor.ratio, "follows": tensor.follows, "note": tensor.note,
    })
}

fn verdict_text(tensor: &Judged, precision: &str) -> String {
    let text = match &tensor.verdict {
        Verdict::Right => "ok".to_owned(),
        Verdict::Transposed => "ok, transposed: (inputs, outputs) as in the lesson".to_owned(),
        Verdict::Missing => "not in your file".to_owned(),
        Verdict::Shape(hint) => hint.clone(),
        Verdict::NotFinite => "has NaN or infinite elements".to_owned(),
        Verdict::Wrong => match (&tensor.follows, tensor.looks_like.first()) {
            (Some(above), Some(explanation)) if explanation.slips.len() <= 1 => {
                format!("wrong, following from {above}")
            }
            (_, Some(explanation)) => {
                let names: Vec<_> = explanation.names().into_iter().map(|m| m.name()).collect();
                names.join(" + ")
            }
            _ => match tensor.ratio {
                Some(ratio) => format!("{ratio:.4} times the right one"),
                None if tensor.note.is_some() => "wrong".to_owned(),
                None => "other numbers".to_owned(),
            },
        },
        Verdict::Unsure => {
            format!(
                "too sure to judge in {precision}: compute in float64 from the start (.astype('f8'))"
            )
        }
    };
    let alias = tensor.alias.as_ref();
    let alias = alias.map(|alias| format!("your {}", visible(alias)));
    let notes = alias.into_iter().chain(tensor.note.clone());
    let notes: Vec<_> = notes.collect();
    match notes.is_empty() {
        true => text,
        false => format!("{text} ({})", notes.join("; ")),
    }
}

/// Somebody else's gradients, one a line, and what they look like.
pub(super) fn print_judged(
    out: &mut Output,
    judgement: &Judgement,
    tolerance: Option<f64>,
    precision: &str,
) -> io::Result<()> {
    let tensors = &judgement.tensors;
    let width = tensors
        .iter()
        .map(|tensor| tensor.name.len())
        .max()
        .unwrap_or(0)
        .max(10);
    writeln!(
        out,
        "{DIM}{:<width$} {:>12} {:>8}{DIM:#}",
        "gradient", "yours", "error"
    )?;
    let nothing = out.or_plain("·", ".");
    for tensor in tensors {
        let yours = tensor.yours.as_deref().map_or(nothing.into(), shape_text);
        let error = tensor
            .error
            .map_or(nothing.into(), |error| scientific(error, 1));
        let colour = match tensor.verdict {
            Verdict::Right | Verdict::Transposed => GOOD,
            Verdict::Missing => DIM,
            Verdict::Unsure => WARN,
            _ => BAD,
        };
        writeln!(
            out,
            "{:<width$} {yours:>12} {error:>8}  {colour}{}{colour:#}",
            tensor.name,
            verdict_text(tensor, precision),
        )?;
    }
    print_ignored(out, judgement)?;
    writeln!(out)?;
    if !judgement.passed() {
        print_diagnosis(out, tensors)?;
    }
    if let Some(wrong) = &judgement.wrong_from {
        match &judgement.right_as_far_as {
            Some(right) => writeln!(out, "right as far as {right}; wrong from {wrong} on")?,
            None => writeln!(out, "wrong from {wrong} on")?,
        }
    }
    print_sum(out, tensors, tolerance, precision)
}

/// How many arrays that were not looked at are named.
const MOST_IGNORED: usize = 12;

/// A name of somebody else's, with nothing in it that would act on a terminal.
fn visible(name: &str) -> String {
    let acts = |c: char| c.is_control() || ('\u{202a}'..='\u{2069}').contains(&c);
    match name.contains(acts) {
        true => name.escape_default().to_string(),
        false => name.to_owned(),
    }
}

fn print_ignored(out: &mut Output, judgement: &Judgement) -> io::Result<()> {
    if judgement.ignored.is_empty() {
        return Ok(());
    }
    let ignored = judgement.ignored.iter().take(MOST_IGNORED);
    let mut ignored: Vec<_> = ignored
        .map(|(name, why)| format!("{} ({why})", visible(name)))
        .collect();
    if judgement.ignored.len() > MOST_IGNORED {
        let more = judgement.ignored.len() - MOST_IGNORED;
        ignored.push(format!("and {more} more"));
    }
    writeln!(out, "{DIM}not looked at: {}{DIM:#}", ignored.join(", "))
}

/// How many are right, wrong and neither.
fn print_sum(
    out: &mut Output,
    tensors: &[Judged],
    tolerance: Option<f64>,
    precision: &str,
) -> io::Result<()> {
    let count = |of: &dyn Fn(&Judged) -> bool| tensors.iter().filter(|tensor| of(tensor)).count();
    let (right, wrong) = (count(&Judged::right), count(&Judged::wrong));
    let missing = count(&|tensor| tensor.verdict == Verdict::Missing);
    let unsure = count(&|tensor| tensor.verdict == Verdict::Unsure);
    let within = match tolerance {
        Some(tolerance) => format!("within {tolerance:e} of the largest element of each"),
        None => {
            let errors = tensors.iter().filter_map(|tensor| tensor.error);
            match errors.fold(0.0, f64::max) < 1e-10 {
                true => "what is off is rounding in float64".to_owned(),
                false => format!("what is off is rounding in {precision}"),
            }
        }
    };
    let mut others = Vec::new();
    if missing > 0 {
        others.push(format!("{missing} not in the file"));
    }
    if unsure > 0 {
        others.push(format!("{unsure} cannot be told from wrong ones"));
    }
    let all = tensors.len();
    let what = match tensors.iter().all(|tensor| tensor.parameter) {
        true => "gradients",
        false => "numbers",
    };
    match (wrong, right) {
        (0, 0) if unsure == 0 => {
            writeln!(
                out,
                "{BAD}nothing in the file is a gradient of this network{BAD:#}"
            )
        }
        (0, 0) => writeln!(
            out,
            "{WARN}nothing in the file could be judged{WARN:#}: {}",
            others.join(", ")
        ),
        (0, _) if right == all => {
            writeln!(out, "{GOOD}all {all} {what} are right{GOOD:#}: {within}")
        }
        (0, _) => writeln!(
            out,
            "{GOOD}{right} right{GOOD:#}, {}: {within}",
            others.join(", ")
        ),
        _ => {
            others.insert(0, format!("{right} right"));
            writeln!(
                out,
                "{BAD}{wrong} of {all} {what} are wrong{BAD:#}, {}",
                others.join(", ")
            )
        }
    }
}

/// [`print_judged`] for programs.
pub(super) fn judged_json(judgement: &Judgement, tolerance: Option<f64>, precision: &str) -> Value {
    let ignored = judgement.ignored.iter();
    let ignored: Vec<_> = ignored
        .map(|(name, why)| json!({"name": name, "why": why}))
        .collect();
    json!({
        "passed": judgement.passed() && judgement.judged(), "judgeable": judgement.judged(), "tolerance": tolerance,
        "dtype": precision,
        "tensors": judgement.tensors.iter().map(tensor_json).collect::<Vec<_>>(),
        "right_as_far_as": judgement.right_as_far_as, "wrong_from": judgement.wrong_from,
        "ignored": ignored,
    })
}
