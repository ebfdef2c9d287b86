//! The units of a hidden layer, as circles or as a grid of cells.

use crate::nn::renamed;

use super::{
    layout::Column,
    network::{Drawing, sub},
    shade,
    svg::{Attributes, Px},
};

impl Drawing<'_> {
    /// A hidden layer.
    pub(super) fn units(&mut self, column: &Column) {
        let trace = self.trace;
        let layer = column.layer;
        let (n, x) = (sub(layer.number), column.middle());
        let kind = layer.kind(trace);
        let formula = match kind {
            Some(kind) => renamed(kind.formula().y, &[("x", &format!("z{n}"))]),
            None => format!("z{n}"),
        };
        let formula = format!("h{n} = {formula}");
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
        let note = match kind {
            Some(kind) if kind.switches_off() => {
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
            let name = format!("{}:{u}", layer.linear);
            if circles {
                let path = outline(true, (c, r));
                self.svg.leaf("path", &[("class", &"disc"), ("d", &path)]);
            }
            let mut path = outline(circles, (c, r));
            if off {
                path += &cross(circles, column.cell < 14.0, (c, r));
            }
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
}

/// The outline of a unit in column c and row r of a grid with cells of side 1.
pub(super) fn outline(circle: bool, (c, r): (usize, usize)) -> String {
    let (x, y) = (c as f64, r as f64);
    match circle {
        true => format!(
            "M{} {}a.42 .42 0 1 1-.84 0a.42 .42 0 1 1 .84 0z",
            Px(x + 0.92),
            Px(y + 0.5)
        ),
        false => format!("M{c} {r}h.86v.86h-.86z"),
    }
}

/// What crosses it out: two lines, or one where there is little room.
pub(super) fn cross(circle: bool, small: bool, (c, r): (usize, usize)) -> String {
    let (start, length) = if circle { (0.22, 0.56) } else { (0.0, 0.86) };
    let (x, y) = (c as f64 + start, r as f64 + start);
    let up = format!("M{} {}l{length}-{length}", Px(x), Px(y + length));
    match small {
        true => up,
        false => format!("{up}M{} {}l{length} {length}", Px(x), Px(y)),
    }
}
