//! What the loss makes of the outputs, at the right.

use super::{
    Board,
    layout::{LINE, RADIUS},
};
use crate::picture::svg::{Attributes, Px};

impl Board<'_> {
    pub(super) fn loss(&mut self) {
        let (top, bottom) = (self.layout.top(), self.layout.bottom());
        let [left, _] = self.layout.loss.at;
        let words = self.layout.loss.words.clone();
        let first = top - 14.0 - 16.0 * words.len() as f64;
        self.svg.label((left, first), "dim", "loss");
        for (line, words) in words.iter().enumerate() {
            let y = first + 16.0 * (line + 1) as f64;
            self.svg.label((left, y), "", words);
        }
        let below = self.layout.loss.below.clone();
        self.svg.label((left, bottom + 32.0), "", &below);
        self.outputs();
        let (x, y) = (self.layout.loss.circle, top + self.layout.area / 2.0);
        self.svg.open("g", &[("data-thing", &"loss")]);
        let rim: Attributes<'_> = &[
            ("class", &"rim"),
            ("cx", &Px(x)),
            ("cy", &Px(y)),
            ("r", &Px(RADIUS)),
        ];
        self.svg.leaf("circle", rim);
        self.svg.label((x, y + 5.0), "head mid", "L");
        let number = (x + RADIUS + 8.0, y + 4.0);
        self.number(number, "num bold", "loss", self.net.pass.loss);
        self.svg.close();
    }

    /// For each output p, if the loss has such, the target, and its part of L.
    fn outputs(&mut self) {
        let (net, [left, right]) = (self.net, self.layout.loss.at);
        let row = net.row;
        let objective = net.problem.objective;
        let z = net.pass.outputs();
        let p = objective
            .probabilities()
            .then(|| net.pass.predictions(objective));
        let parts = objective.parts(z, &net.problem.t);
        let column = self.layout.columns.last().expect("the outputs");
        let (from, rows) = (column.edges().1, column.rows.clone());
        let l = (
            self.layout.loss.circle,
            self.layout.top() + self.layout.area / 2.0,
        );
        for (c, &y) in rows.iter().enumerate() {
            self.svg
                .open("g", &[("data-thing", &format!("output:{c}"))]);
            self.rule((from + 6.0, y), (left - 6.0, y));
            let (dx, dy) = (l.0 - right - 6.0, l.1 - y);
            let rim = 1.0 - RADIUS / dx.hypot(dy);
            let end = (right + 6.0 + rim * dx, y + rim * dy);
            self.rule((right + 6.0, y), end);
            let p = p.as_ref().map(|p| ("p", p[[row, c]]));
            let t = ("t", net.problem.t[[row, c]]);
            let lines: Vec<_> = match self.layout.columns.last().is_some_and(|c| c.large) {
                true => p
                    .into_iter()
                    .chain([t, ("part", parts[[row, c]])])
                    .collect(),
                false => vec![t],
            };
            let first = y + 4.0 - LINE * (lines.len() as f64 - 1.0) / 2.0;
            for (i, (name, value)) in lines.into_iter().enumerate() {
                let y = first + LINE * i as f64;
                self.svg.label((left, y), "num", name);
                self.number((right, y), "num end", &format!("{name}:{c}"), value);
            }
            self.svg.close();
        }
    }

    fn rule(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let attributes: Attributes<'_> = &[
            ("class", &"rule"),
            ("x1", &Px(x1)),
            ("y1", &Px(y1)),
            ("x2", &Px(x2)),
            ("y2", &Px(y2)),
        ];
        self.svg.leaf("line", attributes);
    }
}
