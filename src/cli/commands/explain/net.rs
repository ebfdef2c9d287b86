//! `mlp explain --net`: any small network, forward, backward and one step, with all its numbers.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::Context;
use mlp::{
    check::{
        Pass,
        mistakes::{Objective, Problem, Step},
    },
    explain::{Numbers, shown},
    files::net::{Net, objective_names},
    nn::Mlp,
    picture::drawing::{self, SmallNet},
};
use ndarray::{Array2, array};
use serde_json::{Map, Value, json};

use crate::cli::{
    args::{
        Usage,
        net::{load_net, loss_text, net_text},
    },
    commands::explain::{Explain, html, svg},
    terminal::{
        Outcome,
        output::{BOLD, DIM, Output, named, next_step},
        shell::shell_quote,
    },
};

impl Explain {
    /// `--net`: a network from a file in place of a model and an image.
    pub(super) fn net(
        &self,
        path: &Path,
        numbers: Numbers,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let Net {
            problem,
            learning_rate,
            train_biases,
            ..
        } = load_net(path)?;
        let n = problem.n();
        let row = self.row.unwrap_or(0);
        if row >= n {
            let text = format!("--row {row}: x has {}, counted from 0", rows_text(n));
            return Err(Usage(text).into());
        }
        let rate = self.lr.unwrap_or(learning_rate);
        let pass = Pass::new(&problem);
        if self.html.is_some() {
            html::check_rows(n)?;
        }
        if self.svg.is_some() || self.html.is_some() {
            drawing::check_size(&pass).with_context(|| named(path))?;
        }
        let (after, loss_after) = pass.step(&problem, rate, train_biases);
        let page = Page {
            problem: &problem,
            pass: &pass,
            numbers,
            rate,
            train_biases,
            after: &after,
            loss_after,
        };
        if self.json.json {
            out.json(page.json())?;
        } else if self.html.is_none() {
            let rows = rows_text(n);
            writeln!(out, "{}: {}; {rows}", named(path), net_text(&problem))?;
            page.forward(out)?;
            page.loss(out)?;
            page.backward(out)?;
            page.step(out)?;
        }
        out.flush()?;
        let net = SmallNet {
            title: &named(path),
            summary: &net_text(&problem),
            problem: &problem,
            pass: &pass,
            row,
            numbers,
            learning_rate: rate,
            train_biases,
            loss_after,
        };
        if let Some(file) = &self.svg {
            svg::save(file, &drawing::small_net(&net))?;
        }
        match &self.html {
            Some(file) => Self::small_page(file, &net, out)?, // it says what is next
            None => next_step(format_args!("mlp gradcheck --net {}", shell_quote(path))),
        }
        Ok(Outcome::Done)
    }
}

/// `1 row`, `2 rows`
fn rows_text(n: usize) -> String {
    match n {
        1 => "1 row".to_owned(),
        n => format!("{n} rows"),
    }
}

/// What is to be written down.
struct Page<'a> {
    problem: &'a Problem,
    pass: &'a Pass,
    numbers: Numbers,
    rate: f64,
    train_biases: bool,
    after: &'a Mlp<f64>,
    loss_after: f64,
}

impl Page<'_> {
    fn text(&self, number: f64) -> String {
        self.numbers.text(number)
    }

    /// All rows of a matrix; a single one without its number.
    fn rows(&self, name: &str, values: &Array2<f64>, out: &mut Output) -> io::Result<()> {
        for (n, row) in values.rows().into_iter().enumerate() {
            let numbers: Vec<_> = row.iter().map(|&v| self.text(v)).collect();
            let row = match values.nrows() {
                1 => String::new(),
                _ => format!("[{n}]"),
            };
            writeln!(out, "  {name}{row} = [{}]", numbers.join(", "))?;
        }
        Ok(())
    }

    fn forward(&self, out: &mut Output) -> io::Result<()> {
        writeln!(out, "\n{BOLD}forward{BOLD:#}")?;
        for (m, module) in self.pass.network.modules().iter().enumerate() {
            let (x, y) = (&self.pass.x[m], &self.pass.x[m + 1]);
            let ((n, i), o) = (x.dim(), y.ncols());
            let shapes = match module.params() {
                Some(_) => format!("({n}, {i})·({i}, {o}) + (1, {o}) = ({n}, {o})"),
                None => format!("({n}, {o})"),
            };
            writeln!(
                out,
                "\n{BOLD}{m} {}{BOLD:#}  y = {}   {DIM}{shapes}{DIM:#}",
                module.name(),
                module.kind().formula().y
            )?;
            self.rows("x", x, out)?;
            if let Some([w, b]) = module.params() {
                self.rows("w", &w.value, out)?;
                self.rows("b", &b.value, out)?;
                self.sums(x, &w.value, &b.value, y, out)?;
            }
            self.rows("y", y, out)?;
        }
        Ok(())
    }

    /// Each y of a small layer as a sum, with as many digits as it takes to get what is shown.
    fn sums(
        &self,
        x: &Array2<f64>,
        w: &Array2<f64>,
        b: &Array2<f64>,
        y: &Array2<f64>,
        out: &mut Output,
    ) -> io::Result<()> {
        const MOST_TERMS: usize = 6;
        const MOST_SUMS: usize = 16;
        if w.nrows() > MOST_TERMS || y.len() > MOST_SUMS {
            return Ok(());
        }
        for ((n, o), &y_value) in y.indexed_iter() {
            let row = match y.nrows() {
                1 => String::new(),
                _ => format!("[{n}]"),
            };
            let exact = self.text(y_value);
            let pairs = || x.row(n).into_iter().zip(w.column(o));
            let fits = |numbers: &Numbers| {
                let value = |v: f64| shown(&numbers.text(v));
                let products = pairs().map(|(&x, &w)| value(x) * value(w));
                self.text(products.sum::<f64>() + value(b[[0, o]])) == exact
            };
            let mut tries = (self.numbers.0..16).map(Numbers);
            let numbers = tries.find(fits).unwrap_or(Numbers(16));
            let terms =
                pairs().map(|(&x, &w)| format!("{}·{}", numbers.text(x), factor(numbers, w)));
            let terms: Vec<_> = terms.chain([numbers.text(b[[0, o]])]).collect();
            writeln!(
                out,
                "  {DIM}y{row}[{o}] = {} = {exact}{DIM:#}",
                terms.join(" + ").replace("+ -", "− ")
            )?;
        }
        Ok(())
    }

    fn loss(&self, out: &mut Output) -> io::Result<()> {
        let Problem { t, objective, .. } = self.problem;
        let (n, c) = t.dim();
        let (z, dz) = (self.pass.outputs(), self.dz());
        let p = self.pass.predictions(*objective);
        let wide = self.numbers.width();
        // z is what a linear layer gives; behind an activation the outputs are its y, as above.
        let last = self.problem.steps.last();
        let letter = match last {
            Some(Step::Activation(_)) => "y",
            _ => "z",
        };
        let lettered = |words: &str| words.replace('z', letter);
        writeln!(
            out,
            "\n{BOLD}loss{BOLD:#}: {}   {DIM}{letter} is {} of the last module{DIM:#}\n",
            loss_text(*objective),
            if letter == "y" { "that" } else { "the y" },
        )?;
        let (of_l, of_dz) = objective.formulas(n, c);
        let parts = objective.parts(z, t);
        let names = match objective {
            Objective::Ce(_) => ["z", "softmax p", "−ln p", "target t", "part of L", "dz"],
            Objective::Bce(_) => ["z", "sigmoid p", "−ln p", "−ln(1 − p)", "target t", "dz"],
            Objective::Mse(_) => ["z", "target t", "z − t", "(z − t)²", "part of L", "dz"],
        };
        write!(out, "{DIM}{:>4} {:>6}", "row", "output")?;
        for name in names.map(lettered) {
            write!(out, " {name:>wide$}")?;
        }
        writeln!(out, "{DIM:#}")?;
        for ((row, output), &z_value) in z.indexed_iter() {
            let at = [row, output];
            let (t, d) = (t[at], z_value - t[at]);
            let numbers = match objective {
                Objective::Ce(_) => {
                    let highest = z.row(row).fold(f64::NEG_INFINITY, |m, &z| m.max(z));
                    let sum = z.row(row).mapv(|z| (z - highest).exp()).sum();
                    // −ln p, also where p is too small for a number.
                    let minus_ln = sum.ln() - (z_value - highest);
                    [z_value, p[at], minus_ln, t, parts[at], dz[at]]
                }
                Objective::Bce(_) => {
                    let one = |t| objective.value(&array![[z_value]], &array![[t]]);
                    [z_value, p[at], one(1.0), one(0.0), t, dz[at]]
                }
                Objective::Mse(_) => [z_value, t, d, d * d, parts[at], dz[at]],
            };
            write!(out, "{row:>4} {output:>6}")?;
            for number in numbers {
                write!(out, " {:>wide$}", self.text(number))?;
            }
            writeln!(out)?;
        }
        writeln!(
            out,
            "{} = {BOLD}{}{BOLD:#}; {}{}",
            lettered(of_l),
            self.text(self.pass.loss),
            lettered(of_dz),
            match n * c {
                1 => String::new(),
                _ => format!(", N = {n}, C = {c}"),
            }
        )
    }

    fn dz(&self) -> &Array2<f64> {
        self.pass.dx.last().expect("dz")
    }

    fn backward(&self, out: &mut Output) -> io::Result<()> {
        writeln!(
            out,
            "\n{BOLD}backward{BOLD:#}, from the last module to the first"
        )?;
        for (m, module) in self.pass.network.modules().iter().enumerate().rev() {
            let (dx, dy) = (&self.pass.dx[m], &self.pass.dx[m + 1]);
            let ((n, i), o) = (dx.dim(), dy.ncols());
            writeln!(out, "\n{BOLD}{m} {}{BOLD:#}", module.name())?;
            self.rows("dy", dy, out)?;
            let mut shapes = String::new();
            if let Some([w, b]) = module.params() {
                writeln!(
                    out,
                    "  dw = xᵀ·dy   {DIM}({i}, {n})·({n}, {o}) = ({i}, {o}){DIM:#}"
                )?;
                self.rows("dw", &w.grad, out)?;
                self.rows("db = Σₙ dy", &b.grad, out)?;
                shapes = format!("   {DIM}({n}, {o})·({o}, {i}) = ({n}, {i}){DIM:#}");
            }
            writeln!(out, "  dx = {}{shapes}", module.kind().formula().dx)?;
            self.rows("dx", dx, out)?;
        }
        Ok(())
    }

    fn step(&self, out: &mut Output) -> io::Result<()> {
        // What a step changes stands far behind the point.
        const MOST: usize = 12;
        let numbers = Numbers((self.numbers.0 + 4).min(MOST.max(self.numbers.0)));
        let wide = numbers.width();
        let kept = match self.train_biases {
            true => "",
            false => " of the weights; the biases are kept",
        };
        writeln!(
            out,
            "\n{BOLD}one step of SGD{BOLD:#}{kept}: w ← w − lr·dw, lr = {}\n",
            self.rate
        )?;
        writeln!(
            out,
            "{DIM}{:<12} {:>wide$} {:>wide$} {:>wide$}{DIM:#}",
            "parameter", "before", "gradient", "after"
        )?;
        let after = self.after.params().map(|(_, param)| param);
        for ((m, param), after) in self.pass.network.params().zip(after) {
            for ((row, column), &before) in param.value.indexed_iter() {
                let name = match param.name {
                    "bias" => format!("{m} b[{column}]"),
                    _ => format!("{m} w[{row}][{column}]"),
                };
                let at = [row, column];
                writeln!(
                    out,
                    "{name:<12} {:>wide$} {:>wide$} {:>wide$}",
                    numbers.text(before),
                    numbers.text(param.grad[at]),
                    numbers.text(after.value[at]),
                )?;
            }
        }
        writeln!(
            out,
            "L = {} before, {BOLD}{}{BOLD:#} after",
            numbers.text(self.pass.loss),
            numbers.text(self.loss_after)
        )
    }

    /// All of it for programs.
    fn json(&self) -> Value {
        let Problem { t, objective, .. } = self.problem;
        let modules = self.pass.network.modules().iter().enumerate();
        let modules = modules.map(|(m, module)| {
            let mut object = json!({
                "name": module.name(),
                "x": rows(&self.pass.x[m]), "y": rows(&self.pass.x[m + 1]),
                "dy": rows(&self.pass.dx[m + 1]), "dx": rows(&self.pass.dx[m]),
            });
            if let Some([w, b]) = module.params() {
                object["w"] = rows(&w.value);
                object["b"] = json!(b.value.row(0).to_vec());
                object["dw"] = rows(&w.grad);
                object["db"] = json!(b.grad.row(0).to_vec());
            }
            object
        });
        let after = self.after.params().map(|(m, param)| match param.name {
            "bias" => (format!("{m}.b"), json!(param.value.row(0).to_vec())),
            _ => (format!("{m}.w"), rows(&param.value)),
        });
        let (loss, reduction) = objective_names(*objective);
        json!({
            "modules": modules.collect::<Vec<_>>(), "targets": rows(t),
            "predictions": rows(&self.pass.predictions(*objective)),
            "loss_name": loss, "reduction": reduction, "loss": self.pass.loss,
            "learning_rate": self.rate, "train_biases": self.train_biases,
            "after_step": {"params": after.collect::<Map<_, _>>(), "loss": self.loss_after},
        })
    }
}

/// A factor of a product: in brackets if it is below 0.
fn factor(numbers: Numbers, value: f64) -> String {
    let text = numbers.text(value);
    match text.starts_with('-') {
        true => format!("({text})"),
        false => text,
    }
}

fn rows(values: &Array2<f64>) -> Value {
    let rows = values.rows().into_iter().map(|row| row.to_vec());
    json!(rows.collect::<Vec<_>>())
}
