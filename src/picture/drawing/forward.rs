//! The upper half: image, weights, units, outputs, loss.

use ndarray::{Array2, ArrayView1};

use super::{
    layout::{AREA, Gap, IMAGE, Layer},
    network::{Drawing, sub},
    shade,
    svg::{Px, Svg},
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
        let Some([w, b]) = self.trace.network.modules()[linear].params() else {
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
        let mut shapes = format!("{i}×{o} + 1×{}", b.value.len());
        if self.is_narrow() && i.max(o) > 999 {
            shapes = format!("{i}×{o}");
        }
        self.svg.label((x, self.top - 42.0), "num dim mid", &shapes);
    }
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
