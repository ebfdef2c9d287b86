//! What is asked of a student's program, and what it answers: two files of text, a field after a tab.
//!
//! ```text
//! mlp-learn 1 lin                         mlp-learn  1
//! case                                    case
//! x       float   1x2   1.0 2.0           value      y   float64   1x1   11.5
//! w       float   2x1   3.0 4.0           changed    x
//! b       float   1     0.5               done
//! target  int     1     7
//! ```
//!
//! A shape of no axes is `-`. `pixels` and `classes` have the path of a file of bytes in place of numbers; pixels
//! are those divided by 255. In the answer a line `fault`, its kind and words stand where a result is missing;
//! without `done` at the end the program has died. `docs/learn.md` lists the kinds.

use std::{fmt::Write, path::PathBuf};

use ndarray::ArrayD;

use crate::check::mistakes::{NamedArray, Precision};

/// The first line of both files, before what else it has.
const MAGIC: &str = "mlp-learn";

/// The version of the form.
const VERSION: &str = "1";

/// The most numbers of a reply.
const MAX_NUMBERS: usize = 20_000_000;

/// An argument.
#[derive(Clone, Debug)]
pub enum Value {
    /// Numbers of any shape.
    Floats(ArrayD<f64>),
    /// Classes.
    Whole(Vec<usize>),
    /// A file of bytes, divided by 255.
    Pixels(PathBuf, [usize; 2]),
    /// A file of bytes, as classes.
    Classes(PathBuf, usize),
}

/// A request: the exercise, and the arguments of every call with their names.
pub fn request<'a>(
    exercise: &str,
    cases: impl Iterator<Item = &'a [(String, Value)]>,
) -> Result<String, String> {
    let mut text = format!("{MAGIC} {VERSION} {exercise}\n");
    for arguments in cases {
        text += "case\n";
        for (name, value) in arguments {
            let line = line(name, value)?;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        }
    }
    Ok(text)
}

fn line(name: &str, value: &Value) -> Result<String, String> {
    let path = |path: &PathBuf| match path.to_str() {
        Some(path) if !path.contains(['\n', '\r', '\t']) => Ok(path.to_owned()),
        _ => Err(format!("{}: no name for a line of text", path.display())),
    };
    Ok(match value {
        Value::Floats(array) => {
            let numbers: Vec<_> = array.iter().map(|v| format!("{v:?}")).collect();
            format!(
                "{name}\tfloat\t{}\t{}",
                sizes(array.shape()),
                numbers.join(" ")
            )
        }
        Value::Whole(classes) => {
            let numbers: Vec<_> = classes.iter().map(ToString::to_string).collect();
            format!("{name}\tint\t{}\t{}", classes.len(), numbers.join(" "))
        }
        Value::Pixels(file, [n, i]) => format!("{name}\tpixels\t{n}x{i}\t{}", path(file)?),
        Value::Classes(file, n) => format!("{name}\tclasses\t{n}\t{}", path(file)?),
    })
}

fn sizes(shape: &[usize]) -> String {
    match shape {
        [] => "-".into(),
        shape => {
            let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
            sizes.join("x")
        }
    }
}

/// What keeps a result from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind: `unwritten`, `error`, `none`, `type`, …
    pub kind: String,
    /// What is said of it, by kind.
    pub words: Vec<String>,
}

impl Fault {
    /// A word by its place; nothing if there are fewer.
    pub fn word(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }
}

/// What came of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The results, in the order in which they came.
    pub values: Vec<NamedArray>,
    /// Why there are no more.
    pub fault: Option<Fault>,
    /// The arguments that the call changed.
    pub changed: Vec<String>,
}

/// What a program answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What came of every call, as far as the program came.
    pub answers: Vec<Answer>,
    /// What ended the program before all calls were made.
    pub fault: Option<Fault>,
    /// Whether it came to its end.
    pub done: bool,
}

/// Reads a reply; an error says what is wrong with it.
pub fn reply(text: &str) -> Result<Reply, String> {
    let mut lines = text.lines().enumerate();
    let first = lines.next().map_or("", |(_, line)| line);
    if first.split('\t').collect::<Vec<_>>() != [MAGIC, VERSION] {
        return Err(format!(
            "begins with {:?}, expected {MAGIC} and {VERSION}",
            short(first)
        ));
    }
    let mut reply = Reply::default();
    let mut left = MAX_NUMBERS;
    for (number, line) in lines {
        let at = |fault: String| format!("line {}: {fault}", number + 1);
        let fields: Vec<_> = line.split('\t').map(unescaped).collect();
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        match (&fields[..], reply.answers.last_mut()) {
            (["case"], _) => reply.answers.push(Answer::default()),
            (["done"], _) => reply.done = true,
            (["value", name, precision, shape, values], Some(answer)) => {
                let array = array(name, precision, shape, values, &mut left).map_err(at)?;
                answer.values.push(array);
            }
            (["changed", name], Some(answer)) => answer.changed.push((*name).to_owned()),
            (["fault", kind, words @ ..], answer) => {
                let fault = Fault {
                    kind: (*kind).to_owned(),
                    words: words.iter().map(|word| (*word).to_owned()).collect(),
                };
                match answer {
                    Some(answer) if !ends_all(kind) => answer.fault = Some(fault),
                    _ => reply.fault = Some(fault),
                }
            }
            _ => {
                return Err(at(format!(
                    "{:?}, expected case, value, changed, fault or done",
                    short(line)
                )));
            }
        }
    }
    Ok(reply)
}

/// Whether a fault ends the program, and not only a call.
fn ends_all(kind: &str) -> bool {
    ["unwritten", "error", "exit", "missing", "numpy"].contains(&kind)
}

fn array(
    name: &str,
    precision: &str,
    shape: &str,
    values: &str,
    left: &mut usize,
) -> Result<NamedArray, String> {
    let size = |size: &str| size.parse::<usize>().ok();
    let shape = match shape {
        "-" => Some(Vec::new()),
        shape => shape.split('x').map(size).collect(),
    };
    let count = |shape: &Vec<usize>| {
        shape
            .iter()
            .try_fold(1_usize, |n, &size| n.checked_mul(size))
    };
    let (shape, count) = match shape.map(|shape| (count(&shape), shape)) {
        Some((Some(count), shape)) if count <= *left => (shape, count),
        _ => return Err("a shape that is none, or too large".into()),
    };
    *left -= count;
    let values: Result<Vec<f64>, _> = values.split_ascii_whitespace().map(str::parse).collect();
    let values = values.map_err(|_| "a number that is none".to_owned())?;
    if values.len() != count {
        return Err(format!(
            "{} numbers of {name}, expected {count}",
            values.len()
        ));
    }
    Ok(NamedArray {
        name: name.to_owned(),
        shape,
        values,
        precision: match precision {
            "float64" => Precision::F64,
            "float16" => Precision::F16,
            "float32" => Precision::F32,
            "bfloat16" => Precision::Bf16,
            _ => Precision::Integer,
        },
    })
}

/// A field as it was before tabs and line ends were spelled.
fn unescaped(field: &str) -> String {
    let mut text = String::new();
    let mut characters = field.chars();
    while let Some(c) = characters.next() {
        match (c, c == '\\') {
            (_, true) => text.push(match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            }),
            (c, false) => text.push(c),
        }
    }
    text
}

fn short(line: &str) -> String {
    const MOST: usize = 60;
    line.chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, arr2};

    use super::*;

    #[test]
    fn a_request_says_names_kinds_shapes_and_numbers() {
        let x = Value::Floats(arr2(&[[1.0, -0.1]]).into_dyn());
        let lr = Value::Floats(ArrayD::from_elem(vec![], 0.5));
        let images = Value::Pixels("a b".into(), [2, 784]);
        let arguments = [
            ("x", x),
            ("lr", lr),
            ("t", Value::Whole(vec![7, 0])),
            ("i", images),
        ];
        let arguments = arguments.map(|(name, value)| (name.to_owned(), value));
        let text = request("lin", [&arguments[..]].into_iter()).unwrap();
        let expected = "mlp-learn 1 lin\ncase\nx\tfloat\t1x2\t1.0 -0.1\nlr\tfloat\t-\t0.5\nt\tint\t2\t7 0\n\
                        i\tpixels\t2x784\ta b\n";
        assert_eq!(text, expected);
        let bad = [("i".to_owned(), Value::Classes("a\nb".into(), 3))];
        assert!(request("lin", [&bad[..]].into_iter()).is_err());
    }

    #[test]
    fn a_reply_is_read_as_it_was_written() {
        let text = "mlp-learn\t1\ncase\nvalue\ty\tfloat64\t1x2\t1.5 nan\nvalue\tloss\tint64\t-\t3\nchanged\tx\n\
                    case\nfault\tnone\ty\ncase\nfault\terror\tValueError: a\\nb\\tc\\\\\t7\treturn x\ndone\n";
        let read = reply(text).unwrap();
        assert_eq!(read.answers.len(), 3);
        assert_eq!(read.answers[0].values[0].shape, [1, 2]);
        assert!(read.answers[0].values[0].values[1].is_nan());
        assert_eq!(read.answers[0].values[1].precision, Precision::Integer);
        assert_eq!(read.answers[0].changed, ["x"]);
        assert_eq!(read.answers[1].fault.as_ref().unwrap().kind, "none");
        let fault = read.fault.unwrap();
        assert_eq!(fault.words, ["ValueError: a\nb\tc\\", "7", "return x"]);
        assert!(read.done);
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bad in [
            "",
            "mlp-learn\t2\n",
            "mlp-learn\t1\nvalue\ty\tfloat64\t-\t1\n",
            "mlp-learn\t1\ncase\nvalue\ty\tfloat64\t2\t1\n",
            "mlp-learn\t1\ncase\nvalue\ty\tfloat64\t99999999999x99999999999\t1\n",
            "mlp-learn\t1\ncase\nvalue\ty\tfloat64\t-\tone\n",
            "mlp-learn\t1\ncase\nnonsense\n",
        ] {
            assert!(reply(bad).is_err(), "{bad:?}");
        }
        assert!(!reply("mlp-learn\t1\ncase\n").unwrap().done);
    }
}
