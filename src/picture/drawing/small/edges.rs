//! The weights: a line each, with its number where there are few.

use super::{
    Board,
    layout::{Gap, PORT},
};
use crate::picture::svg::{Attributes, Px};

/// The most lines of a gap: of more, those of the largest products.
pub(super) const MOST_LINES: usize = 256;

/// Where a line runs: from a unit, level along its numbers if it has some, to a unit.
struct Way {
    from: (f64, f64),
    port: f64,
    to: (f64, f64),
}

impl Board<'_> {
    pub(super) fn edges(&mut self) {
        let gaps = std::mem::take(&mut self.layout.gaps);
        for (i, gap) in gaps.iter().enumerate() {
            self.words_of(gap);
            self.svg.open(
                "g",
                &[("data-part", &"edges"), ("data-layer", &gap.layer.linear)],
            );
            self.lines(i, gap);
            self.svg.close();
        }
        self.layout.gaps = gaps;
    }

    fn words_of(&mut self, gap: &Gap) {
        let (x, top) = (gap.middle(), self.layout.top());
        let [name, formula, shapes] = &gap.words;
        self.svg.label((x, top - 46.0), "dim mid", name);
        self.svg.label((x, top - 30.0), "mid", formula);
        self.svg.label((x, top - 14.0), "num dim mid", shapes);
        let bottom = self.layout.bottom();
        for (line, words) in gap.below.iter().enumerate() {
            let y = bottom + 32.0 + 18.0 * line as f64;
            self.svg.label((x, y), "mid", words);
        }
    }

    fn lines(&mut self, i: usize, gap: &Gap) {
        let m = gap.layer.linear;
        let x = self.net.pass.x[m].row(self.net.row);
        let param = self.net.pass.network.param(m, 0);
        let mut edges: Vec<_> = param
            .value
            .indexed_iter()
            .map(|((p, u), &w)| (p, u, x[p] * w))
            .collect();
        edges.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        edges.truncate(MOST_LINES);
        let most = edges.first().map_or(0.0, |edge| edge.2.abs());
        // The largest lie on top.
        for (p, u, product) in edges.into_iter().rev() {
            self.svg
                .open("g", &[("data-thing", &format!("weight:{m}:{p}:{u}"))]);
            let way = self.way(i, gap, (p, u));
            self.line(gap, &way, (p, u), (product, most));
            if let Some([_, w_end, dw_end]) = gap.numbers {
                let y = way.port + 4.0;
                let [w, dw] = ["w", "dw"].map(|name| format!("{name}:{m}:{p}:{u}"));
                self.number((w_end, y), "num end halo on-line", &w, param.value[[p, u]]);
                self.number(
                    (dw_end, y),
                    "num dim end halo on-line",
                    &dw,
                    param.grad[[p, u]],
                );
            }
            self.svg.close();
        }
    }

    fn way(&self, i: usize, gap: &Gap, (p, u): (usize, usize)) -> Way {
        let [before, after] = [&self.layout.columns[i], &self.layout.columns[i + 1]];
        let count = before.rows.len() as f64;
        let y = after.rows[u];
        let port = match gap.numbers {
            Some(_) => y + PORT * (p as f64 - (count - 1.0) / 2.0),
            None => y,
        };
        // Towards the middle of the circle, up to its rim.
        let (dx, dy) = (22.0 + after.radius, port - y);
        let rim = after.radius / dx.hypot(dy);
        Way {
            from: (gap.x.0, before.rows[p]),
            port,
            to: (after.circle - rim * dx, y + rim * dy),
        }
    }

    fn line(&mut self, gap: &Gap, way: &Way, (p, u): (usize, usize), (product, most): (f64, f64)) {
        let end = match gap.numbers {
            Some([left, ..]) => left - 4.0,
            None => way.to.0,
        };
        let bend = 0.5 * (end - way.from.0);
        let mut path = format!(
            "M{} {}C{} {} {} {} {} {}",
            Px(way.from.0),
            Px(way.from.1),
            Px(way.from.0 + bend),
            Px(way.from.1),
            Px(end - bend),
            Px(way.port),
            Px(end),
            Px(way.port)
        );
        if let Some([_, _, right]) = gap.numbers {
            // Not between the two numbers, where it would be read as a minus.
            path += &format!(
                "M{} {}L{} {}",
                Px(right + 4.0),
                Px(way.port),
                Px(way.to.0),
                Px(way.to.1)
            );
        }
        let class = if product < 0.0 { "edge n" } else { "edge p" };
        let share = if most > 0.0 {
            product.abs() / most
        } else {
            0.0
        };
        let name = format!("{}:{p}:{u}", gap.layer.linear);
        let title = format!(
            "weight [{p}][{u}]: x·w = {}",
            super::text(self.net.numbers, product)
        );
        let attributes: Attributes<'_> = &[
            ("class", &class),
            ("data-edge", &name),
            ("stroke-width", &Px(0.6 + 2.8 * share)),
            ("d", &path),
        ];
        self.svg.titled("path", attributes, &title);
    }
}
