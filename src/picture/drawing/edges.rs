//! The largest products x·w as lines between the columns.

use super::{
    canvas::Drawing,
    layout::{Column, DIGIT, Gap},
};
use crate::picture::svg::Px;

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
    /// The largest products between two columns, as lines.
    pub(super) fn edges(&mut self, gap: &Gap) {
        let mut edges = self.largest(gap);
        let most = edges.first().map_or(1.0, |e| e.product.abs());
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
        // A line that leaves a unit begins behind its number.
        let behind = |c: &Column| {
            let numbers = c.shown.iter().map(|&u| self.text(x[u]).len());
            match self.has_numbers(c) {
                true => 0.5 * c.cell + 12.0 + DIGIT * numbers.max().unwrap_or(0) as f64,
                false => 0.0,
            }
        };
        let from: Vec<_> = match gap.from {
            Some(column) => {
                let column = &layout.columns[column];
                let behind = behind(column);
                let units = units(column).into_iter();
                units.map(|(u, (x, y))| (u, (x + behind, y))).collect()
            }
            None => (0..x.len()).map(pixel).collect(),
        };
        let to = match gap.to {
            Some(column) => units(&layout.columns[column]),
            None => {
                let outputs = &layout.outputs;
                let places = outputs.shown.iter().enumerate();
                places
                    .map(|(i, &c)| (c, (outputs.x + 9.0, top + outputs.row(i))))
                    .collect()
            }
        };
        let w = &self.trace.network.param(gap.layer.linear, 0).value;
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
}
