//! The upper half: image, weights, units, outputs, loss.

use ndarray::{Array2, ArrayView1};

use super::{
    layout::{AREA, Column, Gap, IMAGE, Layer},
    network::{Drawing, OFF_CELL, sub},
    shade,
    svg::{Attributes, Px, Svg},
};
use crate::model_file::LossKind;

/// Lines between two columns.
const LINES: usize = 48;
/// Lines of a unit that is followed.
const FOLLOWED: usize = 16;

/// A line: input, unit, x·w, and its two ends.
struct Edge {
    input: usize,
    unit: usize,
    product: f64,
    ends: [(f64, f64); 2],
}

impl Drawing<'_> {
    pub(super) fn forward(&mut self) {
        self.svg.open("g", &[("data-pass", &"forward")]);
        let ((x, y), cell) = self.image();
        frame(&mut self.svg, (x, y), cell, self.options.pixels);
        for gap in self.layout.gaps.clone() {
            self.edges(&gap);
        }
        self.picture_of_image();
        for gap in self.layout.gaps.clone() {
            self.weights(&gap);
        }
        for column in self.layout.columns.clone() {
            self.units(&column);
        }
        if let Some((x, layers)) = self.layout.left_out {
            let y = self.top + AREA / 2.0;
            self.svg.label((x, y), "head mid", "⋯");
            self.svg
                .label((x, y + 20.0), "dim mid", &format!("{layers} more"));
            self.svg.label((x, y + 36.0), "dim mid", "layers");
        }
        self.outputs();
        self.svg.close();
    }

    /// The pixels, and below them the weights of a unit and what they make of the pixels.
    fn picture_of_image(&mut self) {
        let ((x0, y0), cell) = self.image();
        let columns = self.options.pixels.1;
        let x = &self.trace.modules[0].x;
        let least = x.fold(f64::INFINITY, |m, &v| m.min(v));
        let span = x.fold(f64::NEG_INFINITY, |m, &v| m.max(v)) - least;
        let middle = x0 + IMAGE / 2.0;
        self.svg.label((x0, y0 - 108.0), "head", "forward →");
        self.svg
            .label((middle, y0 - 26.0), "mid", "the image as a row x");
        self.svg.label(
            (middle, y0 - 10.0),
            "num dim mid",
            &format!("1×{}", x.len()),
        );
        self.svg.open(
            "g",
            &[
                ("data-part", &"image"),
                ("data-x", &Px(x0)),
                ("data-y", &Px(y0)),
                ("data-cell", &Px(cell)),
            ],
        );
        let transform = format!("translate({} {}) scale({})", Px(x0), Px(y0), Px(cell));
        self.svg.open(
            "g",
            &[
                ("transform", &transform),
                ("shape-rendering", &"crispEdges"),
            ],
        );
        for (p, &value) in x.iter().enumerate().filter(|(_, v)| **v > least) {
            let (r, c) = (p / columns, p % columns);
            let class = shade::class((value - least) / span, 1.0).replace('p', "i");
            let path = format!("M{c} {r}h1v1h-1z");
            let pixel = format!("{r},{c}");
            let title = format!("x[{p}] = {}, pixel ({r}, {c})", self.text(value));
            self.svg.titled(
                "path",
                &[("class", &class), ("data-pixel", &pixel), ("d", &path)],
                &title,
            );
        }
        self.svg.close();
        self.svg.close();

        let (layer, unit) = self.pictured();
        let w = &self.trace.network.modules()[layer.linear].params()[0].value;
        let side = (IMAGE - 8.0) / 2.0;
        let y = y0 + IMAGE + 28.0;
        let small = side * cell / IMAGE;
        let product = x * &w.column(unit);
        for (i, (name, values)) in [
            (format!("w₁, unit {unit}"), w.column(unit)),
            ("x·w₁".to_owned(), product.view()),
        ]
        .into_iter()
        .enumerate()
        {
            let left = x0 + i as f64 * (side + 8.0);
            self.svg
                .label((left + side / 2.0, y - 7.0), "dim mid", &name);
            self.small_picture((left, y), small, values);
        }
    }

    /// A vector of the inputs' shape as a picture.
    pub(super) fn small_picture(
        &mut self,
        corner: (f64, f64),
        cell: f64,
        values: ArrayView1<'_, f64>,
    ) {
        let values = Array2::from_shape_vec(self.options.pixels, values.to_vec());
        let values = values.expect("as many inputs as pixels");
        frame(&mut self.svg, corner, cell, self.options.pixels);
        shade::picture(&mut self.svg, corner, (cell, cell), values.view(), false);
    }

    /// A weight matrix above its gap.
    fn weights(&mut self, gap: &Gap) {
        let Layer { linear, number, .. } = gap.layer;
        let [w, b] = self.trace.network.modules()[linear].params() else {
            return;
        };
        let (i, o) = w.value.dim();
        let (x, n) = (gap.middle(), sub(number));
        let input = match number {
            1 => "x".to_owned(),
            _ => format!("h{}", sub(number - 1)),
        };
        self.svg.label(
            (x, self.top - 126.0),
            "mid",
            &format!("z{n} = {input}·w{n} + b{n}"),
        );
        let scale = (gap.width() / 84.0).min(1.0);
        self.block((x, self.top - 85.0), scale, &w.value, ("weights", linear));
        let shapes = format!("{i}×{o} + 1×{}", b.value.len());
        self.svg.label((x, self.top - 42.0), "num dim mid", &shapes);
    }

    /// The largest products between two columns, as lines.
    fn edges(&mut self, gap: &Gap) {
        let mut edges = self.largest(gap);
        let most = shade::most(edges.iter().map(|e| &e.product));
        let asked = |e: &Edge| {
            let units = self.options.units.iter();
            units
                .filter_map(|&unit| self.layout.find(unit))
                .any(|(column, place)| {
                    let unit = self.layout.columns[column].shown[place];
                    gap.to == Some(column) && e.unit == unit
                        || gap.from == Some(column) && e.input == unit
                })
        };
        let mut followed: Vec<_> = edges.extract_if(.., |e| asked(e)).collect();
        followed.truncate(FOLLOWED);
        edges.truncate(LINES);
        let faint = if followed.is_empty() { 0.6 } else { 0.2 };
        let linear = gap.layer.linear;
        for (edges, opacity) in [(edges, faint), (followed, 0.9)] {
            self.svg.open(
                "g",
                &[
                    ("data-part", &"edges"),
                    ("data-layer", &linear),
                    ("stroke-opacity", &opacity),
                ],
            );
            for Edge {
                input,
                unit,
                product,
                ends: [a, b],
            } in edges
            {
                let class = if product < 0.0 { "edge n" } else { "edge p" };
                let width = Px(0.4 + 3.6 * product.abs() / most);
                let bend = 0.4 * (b.0 - a.0);
                let path = format!(
                    "M{} {}C{} {} {} {} {} {}",
                    Px(a.0),
                    Px(a.1),
                    Px(a.0 + bend),
                    Px(a.1),
                    Px(b.0 - bend),
                    Px(b.1),
                    Px(b.0),
                    Px(b.1)
                );
                let name = format!("{linear}:{input}:{unit}");
                let title = format!("x[{input}]·w[{input}][{unit}] = {}", self.text(product));
                self.svg.titled(
                    "path",
                    &[
                        ("class", &class),
                        ("data-edge", &name),
                        ("stroke-width", &width),
                        ("d", &path),
                    ],
                    &title,
                );
            }
            self.svg.close();
        }
    }

    /// The products between the units that are drawn on both sides of a gap, the largest first.
    fn largest(&self, gap: &Gap) -> Vec<Edge> {
        let (layout, top) = (&self.layout, self.top);
        let ((x0, y0), cell) = self.image();
        let columns = self.options.pixels.1;
        let units = |c: &Column| -> Vec<_> {
            let places = c.shown.iter().enumerate();
            places
                .map(|(i, &u)| (u, c.centre(i)))
                .map(|(u, (x, y))| (u, (x, y + top)))
                .collect()
        };
        let pixel = |p: usize| {
            let (r, c) = (p / columns, p % columns);
            (
                p,
                (x0 + (c as f64 + 0.5) * cell, y0 + (r as f64 + 0.5) * cell),
            )
        };
        let x = &self.trace.modules[gap.layer.linear].x;
        let from = match gap.from {
            Some(column) => units(&layout.columns[column]),
            None => (0..x.len()).map(pixel).collect(),
        };
        let to = match gap.to {
            Some(column) => units(&layout.columns[column]),
            None => (0..layout.outputs.count)
                .map(|c| (c, (layout.outputs.x + 9.0, top + layout.outputs.row(c))))
                .collect(),
        };
        let w = &self.trace.network.modules()[gap.layer.linear].params()[0].value;
        let mut edges = Vec::new();
        for &(input, a) in from.iter().filter(|(input, _)| x[*input] != 0.0) {
            let lines = to.iter().map(|&(unit, b)| Edge {
                input,
                unit,
                product: x[input] * w[[input, unit]],
                ends: [a, b],
            });
            edges.extend(lines.filter(|e| e.product != 0.0));
        }
        edges.sort_by(|a, b| b.product.abs().total_cmp(&a.product.abs()));
        edges
    }

    /// A hidden layer.
    fn units(&mut self, column: &Column) {
        let trace = self.trace;
        let layer = column.layer;
        let (n, x) = (sub(layer.number), column.middle());
        let activation = layer.activation.map_or("", |a| trace.modules[a].name);
        let formula = match activation {
            "ReLU" => format!("h{n} = max(0, z{n})"),
            "Tanh" => format!("h{n} = tanh z{n}"),
            "ScaledTanh" => format!("h{n} = 1.7159 tanh ⅔z{n}"),
            "Sigmoid" => format!("h{n} = σ(z{n})"),
            _ => format!("h{n} = z{n}"),
        };
        self.svg.label((x, self.top - 26.0), "mid halo", &formula);
        self.svg.label(
            (x, self.top - 10.0),
            "num dim mid halo",
            &format!("1×{}", column.units),
        );
        let (y, z) = (layer.y(trace), &trace.modules[layer.linear].y);
        let title = |drawing: &Self, u: usize| {
            let z = drawing.text(z[u]);
            Some(match layer.is_off(trace, u) {
                true => format!("unit {u}: z = {z}, off"),
                false => format!("unit {u}: z = {z}, h = {}", drawing.text(y[u])),
            })
        };
        let (w, h) = column.size();
        let note = match activation {
            "ReLU" => {
                let on = (0..y.len()).filter(|&u| !layer.is_off(trace, u)).count();
                format!("{on} of {} on", y.len())
            }
            _ => format!("{} units", y.len()),
        };
        let below = self.top + column.corner.1 + h + 16.0;
        self.svg.label((x, below), "dim mid halo", &note);
        if column.shown.len() < column.units {
            let note = format!("{} largest shown", column.shown.len());
            self.svg.label((x, below + 15.0), "dim mid halo", &note);
        }
        self.cells(column, "units", y, &title);
        if column.circles() && self.room_for_numbers() {
            for (i, &u) in column.shown.iter().enumerate() {
                let (_, cy) = column.centre(i);
                let at = (column.corner.0 + w + 5.0, self.top + cy + 4.0);
                let number = self.text(y[u]);
                self.svg.label(at, "num halo", &number);
            }
        }
    }

    /// Whether a number fits between two columns.
    pub(super) fn room_for_numbers(&self) -> bool {
        self.layout.gaps[0].width() > 100.0 + self.layout.outputs.number
    }

    /// The units of a column, shaded by `values`.
    pub(super) fn cells(
        &mut self,
        column: &Column,
        part: &str,
        values: &ndarray::Array1<f64>,
        title: &dyn Fn(&Self, usize) -> Option<String>,
    ) {
        let layer = column.layer;
        let most = shade::most(values);
        let (x, y) = (column.corner.0, self.top + column.corner.1);
        let (w, h) = column.size();
        let circles = column.circles();
        self.svg
            .open("g", &[("data-part", &part), ("data-layer", &layer.linear)]);
        if !circles {
            self.svg.leaf(
                "rect",
                &[
                    ("class", &"base"),
                    ("x", &Px(x - 2.0)),
                    ("y", &Px(y - 2.0)),
                    ("width", &Px(w + 4.0)),
                    ("height", &Px(h + 4.0)),
                ],
            );
        }
        let transform = format!("translate({} {}) scale({})", Px(x), Px(y), Px(column.cell));
        self.svg.open("g", &[("transform", &transform)]);
        for (i, &u) in column.shown.iter().enumerate() {
            let (c, r) = column.place(i);
            let off = layer.is_off(self.trace, u);
            let class = match off {
                true => "off".to_owned(),
                false => shade::class(values[u], most),
            };
            let shape = match (circles, off) {
                (true, false) => CIRCLE,
                (true, true) => OFF_CIRCLE,
                (false, false) => CELL,
                (false, true) if column.cell < 14.0 => SMALL_OFF_CELL,
                (false, true) => OFF_CELL,
            };
            let name = format!("{}:{u}", layer.linear);
            if circles {
                let path = shape_at(CIRCLE, (c, r));
                self.svg.leaf("path", &[("class", &"disc"), ("d", &path)]);
            }
            let path = shape_at(shape, (c, r));
            let attributes: Attributes<'_> =
                &[("class", &class), ("data-unit", &name), ("d", &path)];
            match title(self, u) {
                Some(title) => self.svg.titled("path", attributes, &title),
                None => self.svg.leaf("path", attributes),
            }
        }
        self.svg.close();
        self.svg.close();
        let (first, pictured) = self.pictured();
        let rings = self.options.units.iter().map(|&unit| (unit, "ring"));
        for (unit, class) in std::iter::once(((first.linear, pictured), "ring thin")).chain(rings) {
            let Some((found, place)) = self.layout.find(unit) else {
                continue;
            };
            if self.layout.columns[found].layer == layer {
                let (cx, cy) = column.centre(place);
                let r = Px(0.5 * column.cell + if circles { 0.0 } else { 3.0 });
                self.svg.leaf(
                    "circle",
                    &[
                        ("class", &class),
                        ("cx", &Px(cx)),
                        ("cy", &Px(self.top + cy)),
                        ("r", &r),
                    ],
                );
            }
        }
    }

    /// The outputs beside the target, and the loss.
    fn outputs(&mut self) {
        let trace = self.trace;
        let (outputs, top) = (self.layout.outputs, self.top);
        let last = self.layout.layers[self.layout.layers.len() - 1];
        let (z, p, t) = (
            trace.outputs(),
            &trace.predictions,
            targets(self.options.kind, trace.target, outputs.count),
        );
        let n = sub(last.number);
        let softmax = matches!(self.options.kind, LossKind::Ce | LossKind::SmoothedCe(_));
        let columns = Columns::new(outputs.x, outputs.number, outputs.bar);
        let head = top + outputs.row(0) - outputs.pitch() / 2.0 - 6.0;
        self.svg.label((columns.z, head), "end", &format!("z{n}"));
        let name = if softmax {
            format!("p = softmax(z{n})")
        } else {
            format!("y = z{n}")
        };
        self.svg.label((columns.bar, head), "", &name);
        self.svg.label(
            (columns.target, head),
            "end",
            if softmax { "target q" } else { "target t" },
        );
        self.svg.label(
            (columns.z, head - 16.0),
            "num dim end",
            &format!("1×{}", outputs.count),
        );
        let most = shade::most(z);
        let (low, high) = if softmax {
            (0.0, 1.0)
        } else {
            range(p.iter().chain(&t))
        };
        let at = |v: f64| columns.bar + outputs.bar * (v - low) / (high - low);
        self.svg.open(
            "g",
            &[("data-part", &"outputs"), ("data-layer", &last.linear)],
        );
        for c in 0..outputs.count {
            let y = top + outputs.row(c);
            let h = (outputs.pitch() * 0.56).min(15.0);
            let bold = if t[c] > 0.5 { " bold" } else { "" };
            let unit = format!("{}:{c}", last.linear);
            self.svg.open("g", &[("data-class", &c)]);
            let r = Px((outputs.pitch() * 0.4).min(9.0));
            let circle: [(&str, &dyn std::fmt::Display); 3] =
                [("cx", &Px(outputs.x + 9.0)), ("cy", &Px(y)), ("r", &r)];
            self.svg
                .leaf("circle", &[&circle[..], &[("class", &"base")]].concat());
            let class = shade::class(z[c], most);
            let title = format!(
                "output {c}: z = {}, p = {}",
                self.text(z[c]),
                self.text(p[c])
            );
            self.svg.titled(
                "circle",
                &[&circle[..], &[("class", &class), ("data-unit", &unit)]].concat(),
                &title,
            );
            if outputs.count > 1 {
                self.svg.label(
                    (columns.class, y + 4.5),
                    &format!("head mid{bold}"),
                    &c.to_string(),
                );
            }
            let texts = [self.text(z[c]), self.text(p[c]), target_text(t[c])];
            self.svg.label((columns.z, y + 4.0), "num end", &texts[0]);
            bar(&mut self.svg, (at(0.0), at(p[c])), (y, h), p[c]);
            self.svg
                .label((columns.p, y + 4.0), &format!("num end{bold}"), &texts[1]);
            self.svg.label(
                (columns.target, y + 4.0),
                &format!("num end{bold}"),
                &texts[2],
            );
            let path = format!(
                "M{} {}v{}",
                Px(at(t[c])),
                Px(y - h / 2.0 - 2.0),
                Px(h + 4.0)
            );
            if t[c] != 0.0 {
                self.svg.leaf("path", &[("class", &"tick"), ("d", &path)]);
            }
            self.svg.close();
        }
        let path = format!(
            "M{} {}V{}",
            Px(at(0.0)),
            Px(top + outputs.row(0) - outputs.pitch() / 2.0),
            Px(top + outputs.row(outputs.count - 1) + outputs.pitch() / 2.0)
        );
        self.svg.leaf("path", &[("class", &"rule"), ("d", &path)]);
        self.svg.close();
        let words = format!("{} = {}", self.loss_formula(), self.text(trace.loss));
        self.svg.open("g", &[("data-part", &"loss")]);
        let y = top + outputs.row(outputs.count - 1) + outputs.pitch() / 2.0 + 20.0;
        self.svg.label((columns.target, y), "head end", &words);
        self.svg.close();
    }

    fn loss_formula(&self) -> String {
        let c = self.layout.outputs.count;
        match self.options.kind {
            LossKind::Ce => format!("L = −ln p[{}]", self.trace.target),
            LossKind::SmoothedCe(_) => "L = −Σ q·ln p".to_owned(),
            LossKind::MseOnehot => format!("L = Σ(y − t)²/{c}"),
            LossKind::MseDigit => "L = (y − t)²".to_owned(),
        }
    }
}

/// Where the columns of the outputs' table stand.
pub(super) struct Columns {
    pub(super) class: f64,
    pub(super) z: f64,
    pub(super) bar: f64,
    pub(super) p: f64,
    pub(super) target: f64,
}

impl Columns {
    pub(super) fn new(x: f64, number: f64, bar: f64) -> Self {
        let (class, z) = (x + 29.0, x + 48.0 + number);
        let left = z + 10.0;
        let p = left + bar + 12.0 + number;
        Self {
            class,
            z,
            bar: left,
            p,
            target: p + 42.0,
        }
    }
}

/// What the outputs shall be.
pub(super) fn targets(kind: LossKind, target: u8, outputs: usize) -> Vec<f64> {
    let one_hot = |c: usize| f64::from(u8::from(c == usize::from(target)));
    let value = |c| match kind {
        LossKind::Ce | LossKind::MseOnehot => one_hot(c),
        LossKind::SmoothedCe(s) => (1.0 - s) * one_hot(c) + s / outputs as f64,
        LossKind::MseDigit => target.into(),
    };
    (0..outputs).map(value).collect()
}

/// The shortest text of a target, to four digits.
fn target_text(t: f64) -> String {
    ((t * 1e4).round() / 1e4).to_string()
}

/// From the least to the largest, with 0 between them.
pub(super) fn range<'a>(values: impl Iterator<Item = &'a f64>) -> (f64, f64) {
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), &v| {
        (low.min(v), high.max(v))
    });
    if high > low { (low, high) } else { (0.0, 1.0) }
}

/// A bar from one place to another, of the sign of `value`.
pub(super) fn bar(svg: &mut Svg, (from, to): (f64, f64), (y, h): (f64, f64), value: f64) {
    let class = if value < 0.0 { "n" } else { "p" };
    svg.leaf(
        "rect",
        &[
            ("class", &class),
            ("x", &Px(from.min(to))),
            ("y", &Px(y - h / 2.0)),
            ("width", &Px((to - from).abs())),
            ("height", &Px(h)),
        ],
    );
}

/// What a picture of the image's shape stands on.
fn frame(svg: &mut Svg, (x, y): (f64, f64), cell: f64, (rows, columns): (usize, usize)) {
    let (w, h) = (Px(cell * columns as f64), Px(cell * rows as f64));
    svg.leaf(
        "rect",
        &[
            ("class", &"base"),
            ("x", &Px(x)),
            ("y", &Px(y)),
            ("width", &w),
            ("height", &h),
        ],
    );
}

const CELL: &str = "M0 0h.86v.86h-.86z";
/// A cell too small for a cross.
const SMALL_OFF_CELL: &str = "M0 0h.86v.86h-.86zM0 .86l.86-.86";
const CIRCLE: &str = "M.92 .5a.42 .42 0 1 1-.84 0a.42 .42 0 1 1 .84 0z";
const OFF_CIRCLE: &str =
    "M.92 .5a.42 .42 0 1 1-.84 0a.42 .42 0 1 1 .84 0zM.22 .22l.56 .56M.22 .78l.56-.56";

/// A path of a cell moved to column c and row r.
fn shape_at(shape: &str, (c, r): (usize, usize)) -> String {
    let parts = shape.split('M').skip(1).map(|part| {
        let end = part
            .find(|ch: char| ch.is_ascii_alphabetic())
            .unwrap_or(part.len());
        let (start, rest) = part.split_at(end);
        let mut xy = start.split(' ').map(|v| v.parse::<f64>().unwrap_or(0.0));
        let (x, y) = (xy.next().unwrap_or(0.0), xy.next().unwrap_or(0.0));
        format!("M{} {}{rest}", Px(x + c as f64), Px(y + r as f64))
    });
    parts.collect()
}
