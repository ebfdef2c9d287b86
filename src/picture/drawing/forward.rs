//! The upper half: image, weights, units, outputs, loss.

use super::{
    canvas::{Drawing, frame},
    layout::{AREA, Gap, IMAGE, Layer},
    shade,
};
use crate::picture::{
    font::text_width,
    names::{self, input_of_layer, of_layer},
    svg::Px,
};

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
        let w = &self.trace.network.param(layer.linear, 0).value;
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
                .label((left + side / 2.0, y - 7.0), "dim mid halo", &name);
            self.small_picture((left, y), small, values);
        }
    }

    /// A weight matrix above its gap.
    fn weights(&mut self, gap: &Gap) {
        let Layer { linear, number, .. } = gap.layer;
        let Some([w, b]) = self.trace.network.modules()[linear].params() else {
            return;
        };
        let (i, o) = w.value.dim();
        let x = gap.middle();
        let name = self.layer_name(gap);
        self.svg.label((x, self.top - 144.0), "dim mid", &name);
        let [z, w_n, b_n] = ["z", "w", "b"].map(|letter| of_layer(letter, number));
        let formula = format!("{z} = {}·{w_n} + {b_n}", input_of_layer(number));
        self.svg.label((x, self.top - 127.0), "mid", &formula);
        let scale = (gap.width() / 84.0).min(1.0);
        self.block((x, self.top - 85.0), scale, &w.value, ("weights", linear));
        let mut shapes = format!("{i}×{o} + 1×{}", b.value.len());
        if self.is_narrow() && i.max(o) > 999 {
            shapes = format!("{i}×{o}");
        }
        self.svg.label((x, self.top - 40.0), "num dim mid", &shapes);
    }

    /// The name of a layer, with its widths where there is room for those of all.
    fn layer_name(&self, gap: &Gap) -> String {
        let (gaps, count) = (&self.layout.gaps, self.layout.layers.len());
        let long = |gap: &Gap| {
            let w = &self.trace.network.param(gap.layer.linear, 0).value;
            names::layer(gap.layer.number, count, Some(w.dim()))
        };
        let pitch = gaps.windows(2).map(|g| g[1].middle() - g[0].middle());
        let pitch = pitch.fold(f64::INFINITY, f64::min);
        match gaps
            .iter()
            .all(|gap| text_width(&long(gap), 12.0) + 8.0 < pitch)
        {
            true => long(gap),
            false => names::layer(gap.layer.number, count, None),
        }
    }
}
