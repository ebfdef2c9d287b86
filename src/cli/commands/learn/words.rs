//! What was found in a student's program, in words.

use std::path::Path;

use mlp::learn::{Looks, Off, Why, Wrong, protocol::Fault};

use super::{
    checker::Failure,
    sandbox::{Limits, Ran},
};

/// Wrong numbers in words: the line that says it all, and the lines below it.
pub fn wrong_words(wrong: &Wrong) -> (String, Vec<String>) {
    let names: Vec<_> = wrong.results.iter().map(|off| &off.name[..]).collect();
    let mut head = match &names[..] {
        [one] => format!("{one} is wrong"),
        [most @ .., last] => format!("{} and {last} are wrong", most.join(", ")),
        [] => "something is wrong".into(),
    };
    if let Some(right) = &wrong.right_as_far_as {
        head += &format!("; right as far as {right}");
    }
    let explained = wrong.explained();
    if let Some(off) = explained {
        let whose = match names.len() {
            1 => String::new(),
            _ => format!("{} ", off.name),
        };
        head += &format!("; {whose}looks like {}", mistakes(&off.looks_like[0]));
    }
    let mut below: Vec<_> = wrong
        .results
        .iter()
        .take(MOST_RESULTS)
        .map(off_words)
        .collect();
    if wrong.example {
        below.push("this is the example of the docstring".into());
    } else if wrong.only_example {
        below.push("the example of the docstring is right, this other batch is not".into());
    }
    let same = explained
        .iter()
        .flat_map(|off| off.looks_like.iter().skip(1).take(2));
    let same: Vec<_> = same.map(|looks| mistakes(looks)).collect();
    if !same.is_empty() {
        below.push(format!(
            "the same numbers would come of: {}",
            same.join("; or ")
        ));
    }
    (head, below)
}

/// The most results that are described.
const MOST_RESULTS: usize = 3;

/// How a result is wrong.
pub fn off_words(off: &Off) -> String {
    let name = &off.name;
    match &off.why {
        Why::Shape {
            found,
            expected,
            other,
        } => shape_words(name, (found, expected), other.as_deref()),
        Why::NotFinite { at, found } => {
            let found = match found {
                found if found.is_nan() => "NaN".to_owned(),
                found => format!("{found}"),
            };
            format!(
                "{name}{} is {found}: a number that overflowed, a division by 0, or a logarithm of 0",
                index(at)
            )
        }
        Why::Numbers {
            at,
            found,
            expected,
            off: (count, all),
            ratio,
        } => {
            let mut text = format!(
                "{name}{} is {}, expected {}",
                index(at),
                number(*found),
                number(*expected)
            );
            if *all > 1 {
                text += &format!(" ({count} of {all} numbers are off)");
            }
            match ratio {
                _ if (found - expected).abs() <= 1e-3 * expected.abs() => {
                    text += "; nearly right: rounded somewhere, or a rough difference?";
                }
                Some(ratio) if off.looks_like.is_empty() => {
                    text += &format!("; all are {} times what they should be", number(*ratio));
                }
                _ => {}
            }
            text
        }
    }
}

/// `relu-mask-missing: the gradient passes a ReLU as if it were not there`
fn mistakes(looks: &[Looks]) -> String {
    let each = looks
        .iter()
        .map(|looks| format!("{}: {}", looks.name, looks.what));
    each.collect::<Vec<_>>().join("; and ")
}

fn shape_words(name: &str, (found, expected): (&[usize], &[usize]), other: Option<&str>) -> String {
    let shape = |shape: &[usize]| match shape {
        [] => "a single number".to_owned(),
        [n] => format!("({n},)"),
        shape => {
            let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
            format!("({})", sizes.join(", "))
        }
    };
    let reversed: Vec<_> = found.iter().rev().copied().collect();
    let long: Vec<_> = found.iter().copied().filter(|&size| size != 1).collect();
    let hint = match (found, expected) {
        (found, expected) if found.len() > 1 && found != expected && reversed == expected => {
            ": transposed"
        }
        ([n, m], []) if n == m => ": every row against every other, where each has its own",
        ([_], []) => ": a mean over the rows is missing",
        (found, [_]) if found.len() == 2 && long == expected => ": an axis too many: keepdims?",
        (found, [_]) if found.len() == 2 => ": a sum over the rows is missing",
        ([_], [_, _]) => ": an axis was lost on the way",
        _ => "",
    };
    let other = match (hint, other) {
        ("", Some(other)) => {
            format!(": that is the shape of {other}; are they returned in their order?")
        }
        _ => String::new(),
    };
    let is = match found {
        [] => "is a single number, expected the shape",
        _ => "has the shape",
    };
    match found {
        [] => format!("{name} {is} {}{hint}{other}", shape(expected)),
        _ => format!(
            "{name} {is} {}, expected {}{hint}{other}",
            shape(found),
            shape(expected)
        ),
    }
}

fn index(at: &[usize]) -> String {
    at.iter().map(|i| format!("[{i}]")).collect()
}

/// A number as one reads it in a report.
fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        1e-3..1e6 => {
            let text = format!("{value:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{value:.4e}"),
    }
}

/// `MemoryError: …`, or NumPy's own.
fn is_memory_error(message: &str) -> bool {
    let class = message.split(':').next().unwrap_or("");
    class.trim_end().ends_with("MemoryError")
}

/// A fault in words.
pub fn fault_words(fault: &Fault, file: &Path, limits: &Limits) -> Failure {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let at = |line: &str, text: &str| match (line, text) {
        ("0" | "", _) => String::new(),
        (line, "") => format!(" in line {line}"),
        (line, text) => format!(" in line {line}: {text}"),
    };
    let (words, message) = match &fault.kind[..] {
        "missing" => (
            format!(
                "{name} has no {}: was it renamed or deleted?",
                fault.word(0)
            ),
            String::new(),
        ),
        "none" => (
            format!(
                "{} is missing: nothing (None) came back. Is there a return?",
                fault.word(0)
            ),
            String::new(),
        ),
        "type" => (
            format!("{} is {}, expected numbers", fault.word(0), fault.word(1)),
            String::new(),
        ),
        "count" => (
            format!("{} came back, expected {}", fault.word(1), fault.word(0)),
            String::new(),
        ),
        "attribute" => (
            format!("{} is missing: {}", fault.word(0), fault.word(1)),
            String::new(),
        ),
        "exit" => (
            format!("ends the program{}", at(fault.word(1), fault.word(2))),
            String::new(),
        ),
        "error" if is_memory_error(fault.word(0)) => {
            let words = format!(
                "{}{}",
                memory_words(limits),
                at(fault.word(1), fault.word(2))
            );
            (words, fault.word(0).to_owned())
        }
        "error" => {
            let place = match fault.word(2).ends_with(".rs") {
                true => at(fault.word(1), ""),
                false => at(fault.word(1), fault.word(2)),
            };
            (
                format!("stops on an error{place}"),
                fault.word(0).to_owned(),
            )
        }
        kind => (format!("{kind}: {}", fault.words.join(", ")), String::new()),
    };
    let memory = fault.kind == "error" && is_memory_error(&message);
    Failure {
        kind: if memory {
            "memory".into()
        } else {
            fault.kind.clone()
        },
        words,
        message,
    }
}

pub fn changed_words(name: &str) -> String {
    format!(
        "it changes its argument {name}, which the way back still needs: make a new array, and leave {name} as it is"
    )
}

pub fn memory_words(limits: &Limits) -> String {
    format!(
        "needs more memory than the {} MiB it may use (--memory)",
        limits.memory
    )
}

/// Where a program was when its time was over, if Python could say so.
pub fn time_words(limits: &Limits, ran: &Ran, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let lines = ran.stderr.lines();
    let here = lines.filter(|line| line.contains("File \"") && line.contains(&*name));
    let number = |line: &str| {
        let (_, rest) = line.split_once(", line ")?;
        rest.split(' ').next()?.parse::<u32>().ok()
    };
    // The innermost call stands first.
    let place = here.filter_map(number).next();
    let place = place.map_or(String::new(), |line| format!(", in line {line}"));
    format!(
        "no end after {} s{place}: a loop that never ends? (--timeout gives it more)",
        limits.time.as_secs_f64()
    )
}
