//! `mlp explain --images`: several images as the rows of X, so that the sums over the batch are seen.

use std::{
    io::{self, Write},
    str::FromStr,
};

use anyhow::ensure;
use mlp::{
    data::Dataset,
    explain::{BatchTrace, Numbers, shown},
    loss::LossKind,
};
use ndarray::{Array1, Array2};
use serde_json::{Value, json};

use crate::cli::{
    args::Usage,
    commands::explain::{
        Explain, LR, Subject, Unit,
        pass::{self, Step},
        table,
    },
    terminal::{
        Outcome,
        output::{BOLD, DIM, Output, next_step},
        shell::shell_quote,
    },
};

/// Images whose numbers are written out.
const MOST: usize = 16;
/// Terms of a sum in one line.
const SHORT: usize = 6;

/// The images of `--images`: `0..3`, `0..=2`, `4,7,9`, `5`, or several of these with commas between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picked(pub(super) Vec<usize>);

impl FromStr for Picked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut picked = Vec::new();
        for part in text.split(',') {
            let (first, end) = range(part.trim()).ok_or(
                "expected images such as 0..3 (0, 1 and 2), 0..=2 (the same) or 4,7,9, counted from 0",
            )?;
            if first >= end {
                return Err(format!("{part} has no image in it: 0..3 is 0, 1 and 2"));
            }
            if end - first > MOST - picked.len() {
                return Err(format!(
                    "too many images: every number of each is kept, so expected at most {MOST}"
                ));
            }
            picked.extend(first..end);
        }
        Ok(Self(picked))
    }
}

/// The first and the end of `0..3`, `0..=2` or `7`.
fn range(text: &str) -> Option<(usize, usize)> {
    let number = |text: &str| text.trim().parse::<u32>().ok().map(|n| n as usize);
    if let Some((first, last)) = text.split_once("..=") {
        return Some((number(first)?, number(last)?.saturating_add(1)));
    }
    if let Some((first, end)) = text.split_once("..") {
        return Some((number(first)?, number(end)?));
    }
    let one = number(text)?;
    Some((one, one.saturating_add(1)))
}

impl Explain {
    /// `--images`: a batch in place of one image.
    pub(super) fn batch(
        &self,
        Picked(picked): &Picked,
        numbers: Numbers,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        if self.svg.is_some() || self.html.is_some() || self.force {
            return Err(Usage::from(
                "--images is explained in words or with --json: leave --svg, --html and --force out, which show one \
                 image (--index)",
            )
            .into());
        }
        let subject = self.subject()?;
        self.check_units(&subject)?;
        let images = self.images(&subject)?;
        let split = self.split.split.name();
        let largest = picked.iter().copied().fold(0, usize::max);
        ensure!(
            largest < images.len(),
            "--images {largest}: there are {} {split} images, counted from 0",
            images.len(),
        );
        let images = images.select(picked);
        let Subject {
            title,
            network,
            metadata,
        } = subject;
        let x = inputs(&images, &metadata.preprocessing, network.inputs());
        let loss = metadata.loss.build::<f64>();
        let mut trace = BatchTrace::new(network, &*loss, &x, &images.labels);
        let rate = self.lr.unwrap_or(LR);
        let (m, p, element) = trace.steepest_weight();
        let weight = &trace.network.param(m, p);
        let (w, dw) = (weight.value[element], weight.grad[element]);
        let after = trace.loss_with(&*loss, (m, p, element), w - rate * dw);
        let step = Step::of((m, element), rate, (w, dw), (trace.loss, after));
        let after_all = trace.loss_after_step(&*loss, rate);
        let page = Page {
            trace: &trace,
            kind: metadata.loss,
            numbers,
            units: &self.unit,
            classes: &images.spec.classes,
            names: picked
                .iter()
                .map(|i| format!("{split} image {i}"))
                .collect(),
        };
        if self.json.json {
            out.json(page.json((split, picked), &step, after_all))?;
        } else {
            let rows = if picked.len() == 1 { "row" } else { "rows" };
            writeln!(out, "{title}: {} as the {rows} of X", page.count())?;
            page.rows_of_x(out)?;
            page.forward(out)?;
            page.loss(out)?;
            page.backward(out)?;
            step.write(numbers, out)?;
            let rises = match after_all > trace.loss {
                true => "; it rises, so the step was too long: try a smaller --lr",
                false => "",
            };
            writeln!(
                out,
                "  The same step of every weight and bias at once: L = {BOLD}{}{BOLD:#} after{rises}",
                Numbers(numbers.0 + 4).text(after_all)
            )?;
        }
        out.flush()?;
        match &self.model {
            Some(path) if !metadata.training.data_sha256.is_empty() => next_step(format_args!(
                "mlp explain {} --index {}{}{}",
                shell_quote(path),
                picked[0],
                self.split.text(),
                self.data.dir.flag()
            )),
            Some(_) => {} // it would need the same flags
            None => next_step(format_args!(
                "mlp gradcheck --hidden 4{}",
                self.data.dir.flag()
            )),
        }
        Ok(Outcome::Done)
    }
}

/// X (N, I)
fn inputs(
    images: &Dataset,
    preprocessing: &mlp::data::batch::Preprocessing,
    inputs: usize,
) -> Array2<f64> {
    let order: Vec<_> = (0..images.len() as u32).collect();
    let mut x = Array2::zeros((images.len(), inputs));
    preprocessing.gather(images, &order, &mut x);
    x
}

/// What is to be written down.
struct Page<'a> {
    trace: &'a BatchTrace,
    kind: LossKind,
    numbers: Numbers,
    units: &'a [Unit],
    classes: &'a [String],
    /// What each image is called.
    names: Vec<String>,
}

/// What is called how in the loss.
struct Words {
    /// The column of predictions, if they are not the outputs themselves.
    p: Option<&'static str>,
    /// The loss of an image.
    each: &'static str,
    dz: &'static str,
    /// What dz is divided by, and a factor before it.
    by: &'static str,
    factor: f64,
}

impl Page<'_> {
    fn text(&self, number: f64) -> String {
        self.numbers.text(number)
    }

    fn count(&self) -> String {
        match self.trace.n() {
            1 => "1 image".to_owned(),
            n => format!("{n} images"),
        }
    }

    fn words(&self) -> Words {
        let (p, each, dz, by, factor) = match self.kind {
            LossKind::Ce => (
                Some("softmax p[t]"),
                "−ln p[n][t]",
                "(p − onehot(t)) / N",
                "N",
                1.0,
            ),
            LossKind::SmoothedCe(_) => (
                Some("softmax p[t]"),
                "−Σ q[n]·ln p[n], with q the smoothed labels",
                "(p − q) / N",
                "N",
                1.0,
            ),
            LossKind::MseOnehot => (
                None,
                "Σ (z[n] − onehot(t))² / C",
                "2·(z − onehot(t)) / (N·C)",
                "(N·C)",
                2.0,
            ),
            LossKind::MseDigit => (None, "(z[n] − t)²", "2·(z − t) / N", "N", 2.0),
            LossKind::Bce => (
                Some("sigmoid p"),
                "−t·ln p[n] − (1 − t)·ln(1 − p[n])",
                "(p − t) / N",
                "N",
                1.0,
            ),
        };
        Words {
            p,
            each,
            dz,
            by,
            factor,
        }
    }

    /// Which image is which row.
    fn rows_of_x(&self, out: &mut Output) -> io::Result<()> {
        let x = &self.trace.modules[0].x;
        let wide = self.names.iter().map(String::len).fold(0, usize::max);
        writeln!(out)?;
        for (n, name) in self.names.iter().enumerate() {
            let on = x.row(n).iter().filter(|&&v| v != 0.0).count();
            let class = table::class(self.trace.targets[n].into(), self.classes);
            writeln!(
                out,
                "  X[{n}]  {name:<wide$}  t = {class}   {DIM}{on} inputs are not 0{DIM:#}"
            )?;
        }
        writeln!(out, "{DIM}X ({}, {}){DIM:#}", x.nrows(), x.ncols())
    }

    /// The rows of a matrix; of long ones the first numbers.
    fn rows(&self, name: &str, values: &Array2<f64>, out: &mut Output) -> io::Result<()> {
        for (n, row) in values.rows().into_iter().enumerate() {
            pass::vector(&format!("{name}[{n}]"), &row.to_owned(), self.numbers, out)?;
        }
        Ok(())
    }

    /// The units of a module that are followed.
    fn followed(&self, module: usize) -> impl Iterator<Item = usize> {
        let here = self.units.iter().filter(move |unit| unit.module == module);
        here.map(|unit| unit.unit)
    }

    fn forward(&self, out: &mut Output) -> io::Result<()> {
        writeln!(
            out,
            "\n{BOLD}forward{BOLD:#}   {DIM}row n is of image n; no row depends on another{DIM:#}"
        )?;
        for (m, passed) in self.trace.modules.iter().enumerate() {
            let ((n, i), o) = (passed.x.dim(), passed.y.ncols());
            let shapes = match self.trace.network.modules()[m].params() {
                Some(_) => format!("({n}, {i})·({i}, {o}) + (1, {o}) = ({n}, {o})"),
                None => format!("({n}, {o})"),
            };
            writeln!(
                out,
                "\n{BOLD}{m} {}{BOLD:#}  y = {}   {DIM}{shapes}{DIM:#}",
                passed.kind.name(),
                pass::forward_formula(passed.kind)
            )?;
            self.rows("y", &passed.y, out)?;
            for unit in self.followed(m) {
                let column = passed.y.column(unit).to_owned();
                pass::vector(
                    &format!("unit {unit}, y[n][{unit}]"),
                    &column,
                    self.numbers,
                    out,
                )?;
            }
        }
        pass::one_layer(&self.trace.network, out)
    }

    fn loss(&self, out: &mut Output) -> io::Result<()> {
        let BatchTrace {
            predictions: p,
            losses,
            targets,
            ..
        } = self.trace;
        let z = self.trace.outputs();
        let (n, c) = z.dim();
        let words = self.words();
        let wide = self.numbers.width() + 1;
        let of_target = if c > 1 { "z[t]" } else { "z" };
        writeln!(
            out,
            "\n{BOLD}loss{BOLD:#}: {}   {DIM}z is the y of the last module{DIM:#}\n",
            self.kind
        )?;
        write!(
            out,
            "{DIM}{:>5} {:>8} {of_target:>wide$}",
            "image", "target"
        )?;
        if let Some(name) = words.p {
            write!(out, " {name:>wide$}")?;
        }
        writeln!(out, " {:>wide$}{DIM:#}", "L[n]")?;
        for (row, &target) in targets.iter().enumerate() {
            let at = [row, self.output_of(target)];
            write!(out, "{row:>5} {target:>8} {:>wide$}", self.text(z[at]))?;
            if words.p.is_some() {
                write!(out, " {:>wide$}", self.text(p[at]))?;
            }
            writeln!(out, " {:>wide$}", self.text(losses[row]))?;
        }
        writeln!(out, "L[n] = {}", words.each)?;
        self.mean(losses, out)?;
        writeln!(
            out,
            "dz = {}, N = {n}{}: every image pulls with 1/N of its weight",
            words.dz,
            match words.by {
                "N" => String::new(),
                _ => format!(", C = {c}"),
            }
        )?;
        self.rows("dz", self.trace.doutputs(), out)?;
        self.one_dz(&words, out)
    }

    /// The output that a target speaks of.
    fn output_of(&self, target: u8) -> usize {
        match self.trace.outputs().ncols() {
            1 => 0,
            _ => target.into(),
        }
    }

    /// L as the mean of the losses, with as many digits as it takes to get it from what is shown.
    fn mean(&self, losses: &Array1<f64>, out: &mut Output) -> io::Result<()> {
        let n = losses.len();
        let exact = self.text(self.trace.loss);
        let texts = |numbers: Numbers| losses.iter().map(move |&l| numbers.text(l));
        let fits = |numbers: &Numbers| {
            let sum: f64 = texts(*numbers).map(|text| shown(&text)).sum();
            self.text(sum / n as f64) == exact
        };
        let numbers = (self.numbers.0..17).map(Numbers).find(fits);
        let terms: Vec<_> = texts(numbers.unwrap_or(Numbers(17))).collect();
        let lines: Vec<_> = terms.chunks(SHORT).map(|terms| terms.join(" + ")).collect();
        writeln!(
            out,
            "L = Σₙ L[n] / N = ({}) / {n} = {BOLD}{exact}{BOLD:#}",
            lines.join(" +\n                   ")
        )
    }

    /// One dz as it comes about: that of the first image's target.
    fn one_dz(&self, words: &Words, out: &mut Output) -> io::Result<()> {
        let (n, c) = self.trace.outputs().dim();
        let target = self.trace.targets[0];
        let output = self.output_of(target);
        let wanted = match self.kind {
            LossKind::SmoothedCe(s) => 1.0 - s + s / c as f64,
            LossKind::Ce | LossKind::MseOnehot => 1.0,
            LossKind::MseDigit | LossKind::Bce => target.into(),
        };
        let (by, divisor) = match words.by {
            "N" => (n as f64, n.to_string()),
            _ => ((n * c) as f64, format!("({n}·{c})")),
        };
        let p = self.trace.predictions[[0, output]];
        let dz = self.text(self.trace.doutputs()[[0, output]]);
        let result = |[p, t]: [f64; 2]| self.text(words.factor * (p - t) / by);
        let [p, t] = self.numbers.worked([p, wanted], result);
        let factor = if words.factor == 1.0 { "" } else { "2·" };
        writeln!(
            out,
            "  dz[0][{output}] = {factor}({p} − {t}) / {divisor} = {dz}"
        )
    }

    fn backward(&self, out: &mut Output) -> io::Result<()> {
        writeln!(
            out,
            "\n{BOLD}backward{BOLD:#}, from the last module to the first"
        )?;
        for (m, passed) in self.trace.modules.iter().enumerate().rev() {
            let ((n, i), o) = (passed.x.dim(), passed.y.ncols());
            writeln!(out, "\n{BOLD}{m} {}{BOLD:#}", passed.kind.name())?;
            match m + 1 == self.trace.modules.len() {
                true => writeln!(out, "  dy = dz, see above")?,
                false => self.rows("dy", &passed.dy, out)?,
            }
            if let Some([w, b]) = self.trace.network.modules()[m].params() {
                writeln!(
                    out,
                    "  dw = xᵀ·dy   {DIM}({i}, {n})·({n}, {o}) = ({i}, {o}), a sum over {}{DIM:#}",
                    self.count()
                )?;
                if i <= pass::MOST_ROWS {
                    self.rows("dw", &w.grad, out)?;
                }
                self.weight_sums(m, &w.grad, out)?;
                pass::vector("db = Σₙ dy", &b.grad.row(0).to_owned(), self.numbers, out)?;
                self.bias_sums(m, &b.grad, out)?;
                match &passed.dx {
                    Some(dx) => {
                        writeln!(
                            out,
                            "  dx = dy·wᵀ   {DIM}({n}, {o})·({o}, {i}) = ({n}, {i}){DIM:#}"
                        )?;
                        self.rows("dx", dx, out)?;
                    }
                    None => pass::no_dx(out)?,
                }
            } else if let Some(dx) = &passed.dx {
                writeln!(out, "  dx = {}", passed.kind.formula().dx)?;
                self.rows("dx", dx, out)?;
            }
        }
        Ok(())
    }

    /// The largest dw, or that of each unit that is followed, as a sum over the images.
    fn weight_sums(&self, m: usize, dw: &Array2<f64>, out: &mut Output) -> io::Result<()> {
        let passed = &self.trace.modules[m];
        for (p, u) in self.largest(m, dw) {
            let terms: Vec<_> = (0..self.trace.n())
                .map(|n| (passed.x[[n, p]], passed.dy[[n, u]]))
                .collect();
            let products: Vec<_> = terms.iter().map(|(x, dy)| x * dy).collect();
            writeln!(out, "  dw[{p}][{u}] = Σₙ x[n][{p}]·dy[n][{u}]")?;
            let digits = self.digits(&products, dw[[p, u]]);
            let whence = |n: usize| {
                let (x, dy) = terms[n];
                let [x, dy] = digits.worked([x, dy], |[x, dy]| digits.text(x * dy));
                format!("x[{n}][{p}]·dy[{n}][{u}] = {x} · {dy}")
            };
            self.sum(
                &products,
                (dw[[p, u]], &format!("dw[{p}][{u}]")),
                whence,
                out,
            )?;
        }
        Ok(())
    }

    /// The largest db, or that of each unit that is followed, as a sum over the images.
    fn bias_sums(&self, m: usize, db: &Array2<f64>, out: &mut Output) -> io::Result<()> {
        for (_, u) in self.largest(m, db) {
            let terms = self.trace.modules[m].dy.column(u).to_vec();
            let whence = |n: usize| format!("dy[{n}][{u}]");
            let names: Vec<_> = (0..terms.len()).map(whence).collect();
            let names = match names.len() {
                ..=SHORT => names.join(" + "),
                _ => format!("Σₙ dy[n][{u}]"),
            };
            writeln!(out, "  db[{u}] = {names}")?;
            self.sum(&terms, (db[[0, u]], &format!("db[{u}]")), whence, out)?;
        }
        Ok(())
    }

    /// The largest element of a gradient, or of each unit that is followed.
    fn largest(&self, m: usize, gradient: &Array2<f64>) -> Vec<(usize, usize)> {
        let largest = |unit: Option<usize>| {
            let here = |u: usize| unit.is_none_or(|unit| unit == u);
            let elements = gradient.indexed_iter().filter(|((_, u), _)| here(*u));
            let largest = elements.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            largest.map(|(at, _)| at)
        };
        let followed: Vec<_> = self.followed(m).collect();
        match followed.is_empty() {
            true => largest(None).into_iter().collect(),
            false => followed
                .into_iter()
                .filter_map(|u| largest(Some(u)))
                .collect(),
        }
    }

    /// The digits it takes to get a sum from its terms.
    fn digits(&self, terms: &[f64], total: f64) -> Numbers {
        let exact = self.text(total);
        let fits = |numbers: &Numbers| {
            let sum: f64 = terms.iter().map(|&v| shown(&numbers.text(v))).sum();
            self.text(sum) == exact
        };
        let found = (self.numbers.0..17).map(Numbers).find(fits);
        found.unwrap_or(Numbers(17))
    }

    /// A sum, a term a line.
    fn sum(
        &self,
        terms: &[f64],
        (total, name): (f64, &str),
        whence: impl Fn(usize) -> String,
        out: &mut Output,
    ) -> io::Result<()> {
        let digits = self.digits(terms, total);
        let width = digits.width() + 1;
        for (n, &term) in terms.iter().enumerate() {
            let sign = if n == 0 { ' ' } else { '+' };
            let term = digits.text(term);
            writeln!(out, "  {sign} {term:>width$}  = {}", whence(n))?;
        }
        let total = self.text(total);
        writeln!(out, "  = {BOLD}{total:>width$}{BOLD:#}  = {name}")
    }

    /// All of it for programs.
    fn json(&self, (split, picked): (&str, &[usize]), step: &Step, after_all: f64) -> Value {
        let trace = self.trace;
        let modules = trace.modules.iter().enumerate().map(|(m, passed)| {
            json!({
                "name": passed.kind.name(), "x": pass::rows(&passed.x), "y": pass::rows(&passed.y),
                "dy": pass::rows(&passed.dy), "dx": passed.dx.as_ref().map(pass::rows),
                "gradients": pass::gradients(&trace.network, m),
            })
        });
        let images = picked.iter().enumerate().map(|(n, index)| {
            json!({
                "image": self.names[n], "split": split, "index": index, "target": trace.targets[n],
                "loss": trace.losses[n], "predictions": trace.predictions.row(n).to_vec(),
                "outputs": trace.outputs().row(n).to_vec(), "doutputs": trace.doutputs().row(n).to_vec(),
            })
        });
        let mut step = step.json();
        step["loss_after_all"] = json!(after_all);
        json!({
            "batch": images.collect::<Vec<_>>(), "loss": trace.loss,
            "modules": modules.collect::<Vec<_>>(), "step": step,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_ranges_and_lists() {
        for (text, expected) in [
            ("0..3", &[0, 1, 2][..]),
            ("0..=2", &[0, 1, 2]),
            ("4,7,9", &[4, 7, 9]),
            ("5", &[5]),
            ("0..2, 9", &[0, 1, 9]),
            ("4294967295", &[4294967295]),
        ] {
            assert_eq!(text.parse(), Ok(Picked(expected.to_vec())), "{text}");
        }
        assert_eq!("0..16".parse::<Picked>().unwrap().0.len(), 16);
        for (bad, word) in [
            ("", "expected images"),
            ("-1", "expected images"),
            ("1,", "expected images"),
            ("..3", "expected images"),
            ("3..", "expected images"),
            ("4294967296", "expected images"),
            ("3..3", "no image"),
            ("5..=3", "no image"),
            ("0..17", "at most 16"),
            ("0..=4294967295", "at most 16"),
            ("0..16,20", "at most 16"),
        ] {
            let error = bad.parse::<Picked>().unwrap_err();
            assert!(error.contains(word), "{bad}: {error}");
        }
    }
}
