//! Runs one exercise of `mlp learn` on the numbers of a request, and writes down what came out.
//!
//!     exercise REQUEST REPLY
//!
//! The form of both files is that of docs/learn.md.

use std::{
    cell::RefCell,
    env, fs,
    io::Write,
    panic::{self, AssertUnwindSafe},
};

use ndarray::{Array1, Array2};

/// An argument as it stands in a request.
enum Argument {
    Floats(Vec<usize>, Vec<f64>),
    Whole(Vec<usize>),
}

/// The arguments of one call.
pub struct Arguments(Vec<(String, Argument)>);

impl Arguments {
    fn get(&self, name: &str) -> &Argument {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.expect("an argument of the request").1
    }

    pub fn matrix(&self, name: &str) -> Array2<f64> {
        match self.get(name) {
            Argument::Floats(shape, values) => {
                Array2::from_shape_vec((shape[0], shape[1]), values.clone()).expect("a matrix")
            }
            Argument::Whole(_) => panic!("{name} has classes"),
        }
    }

    pub fn vector(&self, name: &str) -> Array1<f64> {
        match self.get(name) {
            Argument::Floats(_, values) => values.iter().copied().collect(),
            Argument::Whole(classes) => classes.iter().map(|&class| class as f64).collect(),
        }
    }

    pub fn number(&self, name: &str) -> f64 {
        self.vector(name)[0]
    }

    pub fn classes(&self, name: &str) -> Vec<usize> {
        match self.get(name) {
            Argument::Whole(classes) => classes.clone(),
            Argument::Floats(..) => panic!("{name} has no classes"),
        }
    }

    /// How many arguments are called w1, w2, …
    pub fn layers(&self) -> usize {
        let weight = |name: &str| {
            name.strip_prefix('w')
                .is_some_and(|k| k.parse::<usize>().is_ok())
        };
        self.0.iter().filter(|(name, _)| weight(name)).count()
    }
}

/// A result that can be written down.
pub trait Result {
    fn written(&self) -> (String, Vec<f64>);
}

impl Result for f64 {
    fn written(&self) -> (String, Vec<f64>) {
        ("-".into(), vec![*self])
    }
}

impl Result for Array1<f64> {
    fn written(&self) -> (String, Vec<f64>) {
        (self.len().to_string(), self.to_vec())
    }
}

impl Result for Array2<f64> {
    fn written(&self) -> (String, Vec<f64>) {
        let (rows, columns) = self.dim();
        (format!("{rows}x{columns}"), self.iter().copied().collect())
    }
}

/// What is written down, line by line.
#[derive(Default)]
pub struct Answer(pub String);

impl Answer {
    /// A result under its name.
    pub fn give(&mut self, name: &str, value: &impl Result) {
        let (shape, values) = value.written();
        let numbers: Vec<_> = values.iter().map(|v| format!("{v:?}")).collect();
        self.line(&["value", name, "float64", &shape, &numbers.join(" ")]);
    }

    fn line(&mut self, fields: &[&str]) {
        let escaped = |field: &&str| {
            let field = field.replace('\\', "\\\\").replace('\n', "\\n");
            field.replace('\t', "\\t").replace('\r', "\\r")
        };
        let fields: Vec<_> = fields.iter().map(escaped).collect();
        self.0 += &fields.join("\t");
        self.0.push('\n');
    }
}

/// The calls of a request.
pub fn calls(request: &str) -> Vec<Arguments> {
    let mut calls = Vec::new();
    for line in request.lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        match fields[..] {
            ["case"] => calls.push(Arguments(Vec::new())),
            [name, kind, shape, values] => {
                let argument = argument(kind, shape, values);
                let call = calls.last_mut().expect("a call before its arguments");
                call.0.push((name.to_owned(), argument));
            }
            _ => panic!("no line of a request: {line}"),
        }
    }
    calls
}

fn argument(kind: &str, shape: &str, values: &str) -> Argument {
    let size = |size: &str| size.parse().expect("a size");
    let shape: Vec<usize> = match shape {
        "-" => Vec::new(),
        shape => shape.split('x').map(size).collect(),
    };
    let file = || fs::read(values).expect("the file of an argument");
    let words = || values.split_whitespace();
    match kind {
        "float" => Argument::Floats(
            shape,
            words().map(|v| v.parse().expect("a number")).collect(),
        ),
        "int" => Argument::Whole(words().map(size).collect()),
        "pixels" => {
            let pixels = file().into_iter().map(|pixel| f64::from(pixel) / 255.0);
            Argument::Floats(shape, pixels.collect())
        }
        _ => Argument::Whole(file().into_iter().map(usize::from).collect()),
    }
}

thread_local! {
    /// Where the last panic came from.
    static PLACE: RefCell<(u32, String)> = const { RefCell::new((0, String::new())) };
}

/// Makes all calls of a request; returns the reply.
pub fn reply(request: &str, exercise: impl Fn(&Arguments, &mut Answer)) -> String {
    let mut answer = Answer::default();
    answer.line(&["mlp-learn", "1"]);
    for call in calls(request) {
        answer.line(&["case"]);
        let made = panic::catch_unwind(AssertUnwindSafe(|| exercise(&call, &mut answer)));
        if let Err(why) = made {
            let text = why.downcast_ref::<String>().cloned();
            let text = text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let text = text.unwrap_or_default();
            let (line, file) = PLACE.with_borrow(Clone::clone);
            match text.starts_with("not yet implemented") || text.starts_with("not implemented") {
                true => answer.line(&["fault", "unwritten", ""]),
                false => answer.line(&["fault", "error", &text, &line.to_string(), &file]),
            }
            break;
        }
    }
    answer.line(&["done"]);
    answer.0
}

/// The program: makes all calls of the request that it is given.
pub fn main(exercise: impl Fn(&Arguments, &mut Answer)) {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|place| (place.line(), place.file().to_owned()));
        PLACE.set(place.unwrap_or_default());
    }));
    let paths: Vec<_> = env::args().skip(1).collect();
    let request = fs::read_to_string(&paths[0]).expect("the request");
    let text = reply(&request, exercise);
    let mut file = fs::File::create(&paths[1]).expect("the reply");
    file.write_all(text.as_bytes()).expect("the reply");
}
