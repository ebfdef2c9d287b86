//! The units: a circle each, with its numbers and their gradients beside it.

use super::{
    Board,
    layout::{Column, LINE},
};
use crate::{
    nn::Kind,
    picture::{
        drawing::shade,
        palette::full_strength,
        svg::{Attributes, Px},
    },
};

impl Board<'_> {
    pub(super) fn units(&mut self) {
        let columns = std::mem::take(&mut self.layout.columns);
        for column in &columns {
            self.words_above(column);
            // Half the strength, so that names can be read on it.
            let outputs = column.lines.iter().filter_map(|lines| output(lines));
            let most = 2.0 * full_strength(outputs);
            for unit in 0..column.lines.len() {
                self.unit(column, unit, most);
            }
        }
        self.layout.columns = columns;
    }

    fn words_above(&mut self, column: &Column) {
        let (x, top) = (column.middle(), self.layout.top());
        let name = match column.layer {
            None => "inputs x",
            Some(_) => "",
        };
        self.svg.label((x, top - 46.0), "dim mid", name);
        self.svg.label((x, top - 30.0), "mid", &column.above);
        let shape = format!("1×{}", column.rows.len());
        self.svg.label((x, top - 14.0), "num dim mid", &shape);
        for (line, words) in column.below.iter().enumerate() {
            let y = self.layout.bottom() + 32.0 + 18.0 * line as f64;
            self.svg.label((x, y), "mid", words);
        }
    }

    fn unit(&mut self, column: &Column, unit: usize, most: f64) {
        let y = column.rows[unit];
        let lines = &column.lines[unit];
        let thing = match column.layer {
            None => format!("input:{unit}"),
            Some(layer) => format!("unit:{}:{unit}", layer.linear),
        };
        self.svg.open("g", &[("data-thing", &thing)]);
        self.circle(column, unit, (output(lines).unwrap_or(0.0), most));
        if column.large {
            let name = column.name(unit);
            self.svg.label((column.circle, y + 4.0), "mid", &name);
        }
        let first = y + 4.0 - LINE * (lines.len() as f64 - 1.0) / 2.0;
        for (i, line) in lines.iter().enumerate() {
            let y = first + LINE * i as f64;
            let [name_x, value_x, gradient_name_x, gradient_x] = column.at;
            let name = match column.large {
                true => line.name.to_owned(),
                false => column.name(unit),
            };
            self.svg.label((name_x, y), "num", &name);
            let [value, gradient] = &line.keys;
            self.number((value_x, y), "num end", value, line.values[0]);
            let name = format!("d{}", line.name);
            self.svg.label((gradient_name_x, y), "num dim", &name);
            self.number((gradient_x, y), "num dim end", gradient, line.values[1]);
        }
        self.svg.close();
    }

    fn circle(&mut self, column: &Column, unit: usize, (value, most): (f64, f64)) {
        let circle = |class: &str, more: &[(&str, String)], board: &mut Self| {
            let (cx, cy, r) = (Px(column.circle), Px(column.rows[unit]), Px(column.radius));
            let mut attributes: Vec<(&str, &dyn std::fmt::Display)> =
                vec![("class", &class), ("cx", &cx), ("cy", &cy), ("r", &r)];
            attributes.extend(more.iter().map(|(name, value)| {
                let value: &dyn std::fmt::Display = value;
                (*name, value)
            }));
            let attributes: Attributes<'_> = &attributes;
            board.svg.leaf("circle", attributes);
        };
        let off = self.is_off(column, unit);
        circle(if off { "rim dashed" } else { "rim" }, &[], self);
        let name = match column.layer {
            None => ("data-input", unit.to_string()),
            Some(layer) => ("data-unit", format!("{}:{unit}", layer.linear)),
        };
        circle(&shade::class(value, most), &[name], self);
    }

    /// Whether the activation holds back what a unit sums up.
    fn is_off(&self, column: &Column, unit: usize) -> bool {
        let Some(layer) = column.layer else {
            return false;
        };
        let modules = self.net.pass.network.modules();
        let kind = layer.activation.map(|m| modules[m].kind());
        kind.is_some_and(Kind::switches_off)
            && self.net.pass.x[layer.linear + 1][[self.net.row, unit]] <= 0.0
    }
}

/// What a unit passes on.
fn output(lines: &[super::layout::Line]) -> Option<f64> {
    let passed_on = lines.iter().rfind(|line| line.name != "b");
    passed_on.map(|line| line.values[0])
}
