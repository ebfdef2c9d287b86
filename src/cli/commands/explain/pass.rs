//! The way through the network and back, as text and as JSON.

use std::io::{self, Write};

use mlp::{
    explain::{Numbers, Term, Trace, judge, shown, terms},
    loss::{Loss, LossKind},
    nn::{Activation, Kind, Mlp},
};
use ndarray::{Array1, Array2};
use serde_json::{Map, Value, json};

use crate::cli::{
    commands::explain::{Unit, table},
    terminal::{
        output::{BOLD, DIM, Output},
        shades,
    },
};

/// Units and products that are shown where nobody asks for one.
const SHOWN: usize = 4;
/// Rows of a dw that are all shown.
pub(super) const MOST_ROWS: usize = 10;
/// Products of a unit that is followed.
const FOLLOWED: usize = 8;

/// One step of SGD of one weight.
pub(super) struct Step {
    module: usize,
    element: (usize, usize),
    rate: f64,
    w: f64,
    dw: f64,
    loss: f64,
    loss_after: f64,
}

impl Step {
    /// The step of an element of the weight of a module, with the loss before and after it.
    pub(super) fn of(
        (module, element): (usize, (usize, usize)),
        rate: f64,
        (w, dw): (f64, f64),
        (loss, loss_after): (f64, f64),
    ) -> Self {
        Self {
            module,
            element,
            rate,
            w,
            dw,
            loss,
            loss_after,
        }
    }

    pub(super) fn new(
        trace: &mut Trace,
        loss: &dyn Loss<f64>,
        (module, param, element): (usize, usize, (usize, usize)),
        rate: f64,
    ) -> Self {
        let weight = &trace.network.param(module, param);
        let (w, dw) = (weight.value[element], weight.grad[element]);
        let loss_after = trace.loss_with(loss, (module, param, element), w - rate * dw);
        Self::of((module, element), rate, (w, dw), (trace.loss, loss_after))
    }

    fn after(&self) -> f64 {
        self.w - self.rate * self.dw
    }

    /// Whether the loss changes by far less or more than its slope says, as far as so many digits show it.
    fn is_long(&self, digits: usize) -> bool {
        let promised = -self.rate * self.dw * self.dw;
        let change = self.loss_after - self.loss;
        let shown = 0.1_f64.powi(digits as i32);
        (change - promised).abs() > (promised.abs() / 2.0).max(shown)
    }

    pub(super) fn write(&self, numbers: Numbers, out: &mut Output) -> io::Result<()> {
        let Step {
            module,
            element: (p, u),
            rate,
            w,
            dw,
            loss,
            loss_after,
        } = self;
        // What a step changes stands far behind the point.
        let numbers = Numbers(numbers.0 + 4);
        let text = |number| numbers.text(number);
        let [w_text, dw_text] = numbers.worked([*w, *dw], |[w, dw]| text(w - rate * dw));
        writeln!(
            out,
            "\n{BOLD}one step of SGD{BOLD:#} of the weight with the largest gradient\n\n  \
             w ← w − lr·dw: {module}.weight[{p}][{u}] = {w_text} − {rate} · {dw_text} = {}\n  \
             L = {} before, {BOLD}{}{BOLD:#} after; the gradient promises about −lr·dw² = {}{}",
            text(self.after()),
            text(*loss),
            text(*loss_after),
            text(-rate * dw * dw),
            match self.is_long(numbers.0) {
                true =>
                    ",\n  \
                    and is far off: over a step as long as this the loss is no straight line",
                false => "",
            },
        )
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "parameter": format!("{}.weight", self.module), "element": [self.element.0, self.element.1],
            "learning_rate": self.rate, "before": self.w, "gradient": self.dw, "after": self.after(),
            "loss_after": self.loss_after,
        })
    }
}

/// The formula of y of a module.
pub(super) fn forward_formula(kind: Kind) -> String {
    match kind {
        Kind::Dropout => format!("{}, as when the network is used", kind.formula().y),
        _ => kind.formula().y.to_owned(),
    }
}

/// A row of numbers; of a long one the first.
pub(super) fn vector(
    name: &str,
    values: &Array1<f64>,
    numbers: Numbers,
    out: &mut Output,
) -> io::Result<()> {
    const MOST: usize = 10;
    let texts: Vec<_> = values.iter().take(MOST).map(|&v| numbers.text(v)).collect();
    let more = match values.len() > MOST {
        true => format!(", … {} more", values.len() - MOST),
        false => String::new(),
    };
    writeln!(out, "  {name} = [{}{more}]", texts.join(", "))
}

/// Why the first weights pass nothing down.
pub(super) fn no_dx(out: &mut Output) -> io::Result<()> {
    writeln!(
        out,
        "  {DIM}dx is not needed: the pixels do not learn{DIM:#}"
    )
}

/// Says of a network of several linear layers without an activation that they are one.
pub(super) fn one_layer(network: &Mlp<f64>, out: &mut Output) -> io::Result<()> {
    let bends = |kind: Kind| matches!(kind, Kind::Activation(a) if a != Activation::Identity);
    let layers = network.layers();
    let linears = layers.len() - 1;
    if linears < 2 || network.modules().iter().any(|module| bends(module.kind())) {
        return Ok(());
    }
    let shapes: Vec<_> = layers
        .windows(2)
        .map(|io| format!("({}, {})", io[0], io[1]))
        .collect();
    let (w, b, shapes) = match linears {
        2 => (
            "w1·w2".to_owned(),
            "b1·w2 + b2".to_owned(),
            shapes.join("·"),
        ),
        3 => (
            "w1·w2·w3".to_owned(),
            "(b1·w2 + b2)·w3 + b3".to_owned(),
            shapes.join("·"),
        ),
        n => (
            format!("w1·w2·…·w{n}"),
            format!("(…(b1·w2 + b2)·…)·w{n} + b{n}"),
            format!("{}·{}·…·{}", shapes[0], shapes[1], shapes[n - 1]),
        ),
    };
    let (i, o) = (layers[0], layers[linears]);
    writeln!(
        out,
        "\n{BOLD}{linears} layers are one{BOLD:#}: without an activation between them, y = x·w + b with b = {b} and\n  \
         w = {w}   {DIM}{shapes} = ({i}, {o}){DIM:#}"
    )
}

/// The rows of a matrix for programs.
pub(super) fn rows(values: &Array2<f64>) -> Value {
    let rows = values.rows().into_iter().map(|row| row.to_vec());
    json!(rows.collect::<Vec<_>>())
}

/// The gradients of the parameters of a module, for programs.
pub(super) fn gradients(network: &Mlp<f64>, module: usize) -> Map<String, Value> {
    let params = network.modules()[module].params().into_iter().flatten();
    params
        .map(|param| (param.name.to_owned(), rows(&param.grad)))
        .collect()
}

/// What is to be written down.
pub(super) struct Page<'a> {
    pub(super) trace: &'a Trace,
    pub(super) kind: LossKind,
    pub(super) numbers: Numbers,
    pub(super) units: &'a [Unit],
    pub(super) pixels: (usize, usize),
    /// What the classes are called.
    pub(super) classes: &'a [String],
}

impl Page<'_> {
    fn text(&self, number: f64) -> String {
        self.numbers.text(number)
    }

    /// The image, two characters a pixel, without the empty border.
    pub(super) fn digit(&self, out: &mut Output) -> io::Result<()> {
        let x = &self.trace.modules[0].x;
        let (rows, columns) = self.pixels;
        let least = x.fold(f64::INFINITY, |m, &v| m.min(v));
        let span = x.fold(f64::NEG_INFINITY, |m, &v| m.max(v)) - least;
        let value = |row: usize, column: usize| {
            (x[row * columns + column] - least) / span.max(f64::MIN_POSITIVE)
        };
        writeln!(out)?;
        if !shades::image((rows, columns), value, out)? {
            return writeln!(out, "an image of one shade");
        }
        let on = x.iter().filter(|&&v| v != 0.0).count();
        writeln!(
            out,
            "{DIM}x (1, {}): {on} inputs are not 0; input p is the pixel in row p / {columns}, column p mod {columns}{DIM:#}",
            x.len()
        )
    }

    pub(super) fn forward(&self, out: &mut Output) -> io::Result<()> {
        writeln!(out, "\n{BOLD}forward{BOLD:#}")?;
        for (m, passed) in self.trace.modules.iter().enumerate() {
            let (i, o) = (passed.x.len(), passed.y.len());
            writeln!(out)?;
            match self.trace.network.modules()[m].params() {
                Some([w, b]) => {
                    writeln!(
                        out,
                        "{BOLD}{m} {}{BOLD:#}  y = x·w + b   {DIM}(1, {i})·({i}, {o}) + (1, {o}) = (1, {o}){DIM:#}",
                        passed.name()
                    )?;
                    for unit in self.units_of(m, &passed.y) {
                        self.unit(m, unit, (&w.value, b.value[[0, unit]]), out)?;
                    }
                }
                None => {
                    let formula = forward_formula(passed.kind);
                    writeln!(
                        out,
                        "{BOLD}{m} {}{BOLD:#}  y = {formula}   {DIM}(1, {o}){DIM:#}",
                        passed.name()
                    )?;
                    if passed.kind.switches_off() {
                        self.mask(&passed.x, out)?;
                    }
                    for Unit { unit, .. } in self.units.iter().filter(|unit| unit.module == m) {
                        writeln!(
                            out,
                            "  unit {unit}, x[{unit}] = {}, y[{unit}] = {}",
                            self.text(passed.x[*unit]),
                            self.text(passed.y[*unit])
                        )?;
                    }
                    self.vector("x", &passed.x, out)?;
                }
            }
            self.vector("y", &passed.y, out)?;
        }
        one_layer(&self.trace.network, out)
    }

    /// The units to follow through a module: those asked for, else, if none is at all, the largest.
    fn units_of(&self, module: usize, y: &Array1<f64>) -> Vec<usize> {
        if !self.units.is_empty() {
            let here = self.units.iter().filter(|unit| unit.module == module);
            return here.map(|unit| unit.unit).collect();
        }
        let largest = (0..y.len()).max_by(|&a, &b| y[a].total_cmp(&y[b]));
        largest.into_iter().collect()
    }

    /// A unit as the sum of its largest products, the rest, and the bias; the numbers shown sum up to the
    /// last digit.
    fn unit(
        &self,
        m: usize,
        unit: usize,
        (w, b): (&Array2<f64>, f64),
        out: &mut Output,
    ) -> io::Result<()> {
        let passed = &self.trace.modules[m];
        let terms = terms(&passed.x, w, unit);
        let most = match self.units.is_empty() {
            true => SHOWN,
            false => FOLLOWED,
        };
        let (first, rest) = terms.split_at(most.min(terms.len()));
        let sum = |terms: &[Term]| terms.iter().map(|term| term.product()).sum::<f64>();
        let fixed = |number| self.numbers.fixed(number);
        let width = self.numbers.width() + 1;
        writeln!(
            out,
            "  unit {unit}, y[{unit}] = Σ x[p]·w[p][{unit}] + b[{unit}]"
        )?;
        for term in first {
            let p = term.input;
            let pixel = match m {
                0 => format!(
                    "   {DIM}pixel ({}, {}){DIM:#}",
                    p / self.pixels.1,
                    p % self.pixels.1
                ),
                _ => String::new(),
            };
            let product = fixed(term.product());
            let [x, w] = self.numbers.worked([term.x, term.w], |[x, w]| fixed(x * w));
            writeln!(
                out,
                "    {product:>width$}  = x[{p}]·w[{p}][{unit}] = {x} · {w}{pixel}"
            )?;
        }
        let (rest_sum, b, y) = (fixed(sum(rest)), fixed(b), fixed(passed.y[unit]));
        if !rest.is_empty() {
            writeln!(
                out,
                "  + {rest_sum:>width$}  {DIM}from {} more inputs that are not 0{DIM:#}",
                rest.len()
            )?;
        }
        writeln!(out, "  + {b:>width$}  = b[{unit}]")?;
        let products: f64 = first.iter().map(|term| shown(&fixed(term.product()))).sum();
        let rounding = fixed(shown(&y) - products - shown(&rest_sum) - shown(&b));
        if shown(&rounding) != 0.0 {
            writeln!(
                out,
                "  + {rounding:>width$}  {DIM}from rounding the numbers above{DIM:#}"
            )?;
        }
        writeln!(out, "  = {BOLD}{y:>width$}{BOLD:#}  = y[{unit}]")
    }

    /// Which units are on.
    fn mask(&self, x: &Array1<f64>, out: &mut Output) -> io::Result<()> {
        const MOST: usize = 64;
        let on = x.iter().filter(|&&x| x > 0.0).count();
        let lights = x
            .iter()
            .take(MOST)
            .map(|&x| if x > 0.0 { '●' } else { '○' });
        let more = if x.len() > MOST { "…" } else { "" };
        writeln!(
            out,
            "  {}{more}  {on} of {} on",
            lights.collect::<String>(),
            x.len()
        )
    }

    fn vector(&self, name: &str, values: &Array1<f64>, out: &mut Output) -> io::Result<()> {
        vector(name, values, self.numbers, out)
    }

    pub(super) fn judgement(&self, out: &mut Output) -> io::Result<()> {
        let (z, target) = (self.trace.outputs(), self.trace.target);
        writeln!(
            out,
            "\n{BOLD}loss{BOLD:#}: {}, target {}\n",
            self.kind,
            table::class(target.into(), self.classes)
        )?;
        match self.kind {
            LossKind::Ce | LossKind::SmoothedCe(_) => {
                table::cross_entropy(z, target, self.kind, (self.numbers, self.classes), out)
            }
            LossKind::MseOnehot | LossKind::MseDigit => {
                table::both_mse(z, target, (self.numbers, self.classes), out)
            }
            LossKind::Bce => {
                table::binary_cross_entropy(z, target, (self.numbers, self.classes), out)
            }
        }
    }

    pub(super) fn backward(&self, out: &mut Output) -> io::Result<()> {
        writeln!(
            out,
            "\n{BOLD}backward{BOLD:#}, from the last module to the first"
        )?;
        for (m, passed) in self.trace.modules.iter().enumerate().rev() {
            let (i, o) = (passed.x.len(), passed.y.len());
            writeln!(out, "\n{BOLD}{m} {}{BOLD:#}", passed.name())?;
            self.vector("dy", &passed.dy, out)?;
            if let Some([w, b]) = self.trace.network.modules()[m].params() {
                writeln!(
                    out,
                    "  dw = xᵀ·dy   {DIM}({i}, 1)·(1, {o}) = ({i}, {o}){DIM:#}"
                )?;
                self.weights(m, &w.grad, out)?;
                self.vector("db = Σₙ dy", &b.grad.row(0).to_owned(), out)?;
                match &passed.dx {
                    Some(dx) => {
                        writeln!(
                            out,
                            "  dx = dy·wᵀ   {DIM}(1, {o})·({o}, {i}) = (1, {i}){DIM:#}"
                        )?;
                        self.vector("dx", dx, out)?;
                    }
                    None => no_dx(out)?,
                }
            } else if let Some(dx) = &passed.dx {
                writeln!(out, "  dx = {}", passed.kind.formula().dx)?;
                self.vector("dx", dx, out)?;
            }
        }
        Ok(())
    }

    /// The gradient dw of a weight: all of a small one; and how the largest comes about, of all units or of
    /// each that is followed.
    fn weights(&self, m: usize, dw: &Array2<f64>, out: &mut Output) -> io::Result<()> {
        let passed = &self.trace.modules[m];
        if dw.nrows() <= MOST_ROWS {
            for (p, row) in dw.rows().into_iter().enumerate() {
                self.vector(&format!("dw[{p}]"), &row.to_owned(), out)?;
            }
        }
        let followed = self.units.iter().filter(|unit| unit.module == m);
        let followed: Vec<_> = followed.map(|unit| unit.unit).collect();
        let largest = |unit: Option<usize>| {
            let here = |u| unit.is_none_or(|unit| unit == u);
            let elements = dw.indexed_iter().filter(|((_, u), _)| here(*u));
            elements.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        };
        let groups = match followed.is_empty() {
            true => vec![largest(None)],
            false => followed.iter().map(|&unit| largest(Some(unit))).collect(),
        };
        for ((p, u), dw) in groups.into_iter().flatten() {
            let dw_text = self.text(*dw);
            let (x, dy) = (passed.x[p], passed.dy[u]);
            let [x, dy] = self.numbers.worked([x, dy], |[x, dy]| self.text(x * dy));
            let whose = match followed.is_empty() {
                true => String::new(),
                false => format!(" of unit {u}"),
            };
            writeln!(
                out,
                "  the largest{whose}: dw[{p}][{u}] = x[{p}]·dy[{u}] = {x} · {dy} = {dw_text}"
            )?;
        }
        Ok(())
    }
}

/// All of it for programs.
pub(super) fn json(
    trace: &Trace,
    loss: &dyn Loss<f64>,
    (split, index, image): (Option<&str>, Option<usize>, &str),
    step: &Step,
    units: &[Unit],
) -> Value {
    let modules = trace.modules.iter().enumerate().map(|(m, passed)| {
        json!({
            "name": passed.name(), "x": passed.x.to_vec(), "y": passed.y.to_vec(),
            "dy": passed.dy.to_vec(), "dx": passed.dx.as_ref().map(|dx| dx.to_vec()),
            "gradients": gradients(&trace.network, m),
        })
    });
    let followed = units.iter().map(|&Unit { module, unit }| {
        let passed = &trace.modules[module];
        let Some([w, b]) = trace.network.modules()[module].params() else {
            return json!({"module": module, "unit": unit, "x": passed.x[unit], "y": passed.y[unit]});
        };
        let terms = terms(&passed.x, &w.value, unit);
        let terms = terms
            .iter()
            .map(|t| json!({"input": t.input, "x": t.x, "w": t.w, "product": t.product()}));
        json!({
            "module": module, "unit": unit, "terms": terms.collect::<Vec<_>>(),
            "bias": b.value[[0, unit]], "y": passed.y[unit],
        })
    });
    let judged = judge(loss, trace.outputs(), trace.target);
    json!({
        "image": image, "split": split, "index": index, "target": trace.target, "loss": trace.loss,
        "predictions": trace.predictions.to_vec(),
        "modules": modules.collect::<Vec<_>>(), "followed": followed.collect::<Vec<_>>(),
        "losses": table::json(trace.outputs(), trace.target, &judged),
        "step": step.json(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_long_where_the_loss_does_not_keep_what_its_slope_promises() {
        let step = |rate, dw, after| Step::of((0, (0, 0)), rate, (0.5, dw), (2.0, after));
        // Promised is 0.1.
        assert!(!step(0.1, 1.0, 1.9).is_long(8));
        assert!(!step(0.1, 1.0, 1.94).is_long(8));
        assert!(step(0.1, 1.0, 1.96).is_long(8));
        assert!(step(0.1, 1.0, 2.3).is_long(8));
        // Nothing is promised, and nothing else is shown.
        assert!(!step(0.1, 1e-9, 2.0).is_long(8));
        assert!(!step(0.1, 0.0, 2.0 + 1e-12).is_long(8));
    }
}
