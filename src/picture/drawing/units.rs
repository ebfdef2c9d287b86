//! The units of a hidden layer, as circles or as a grid of cells.

use ndarray::Array1;

use super::{
    canvas::{Drawing, Pass},
    layout::Column,
    shade::{self, cross, outline},
};
use crate::picture::{
    palette::full_strength,
    svg::{Attributes, Px},
};

impl Drawing<'_> {
    /// A hidden layer.
    pub(super) fn units(&mut self, column: &Column) {
        let trace = self.trace;
        let layer = column.layer;
        let (x, kind) = (column.middle(), layer.kind(trace));
        let (formula, _) = self.formula(column, Pass::Forward);
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
        let (_, h) = column.size();
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
        self.numbers(column, y);
    }

    /// Numbers beside the units of a column, where they are few.
    pub(super) fn numbers(&mut self, column: &Column, values: &Array1<f64>) {
        if !self.has_numbers(column) {
            return;
        }
        for (i, &u) in column.shown.iter().enumerate() {
            let (_, y) = column.centre(i);
            let at = (column.corner.0 + column.size().0 + 5.0, self.top + y + 4.0);
            let number = self.text(values[u]);
            self.svg.label(at, "num", &number);
        }
    }

    /// The units of a column, shaded by `values`.
    pub(super) fn cells(
        &mut self,
        column: &Column,
        part: &str,
        values: &Array1<f64>,
        title: &dyn Fn(&Self, usize) -> Option<String>,
    ) {
        let layer = column.layer;
        let most = full_strength(values.iter().copied());
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
