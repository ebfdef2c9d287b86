//! A drawing in the making, and what all its parts use.

use ndarray::{Array2, ArrayView1};

use super::{
    layout::{Column, IMAGE, Layer, Layout},
    options::Options,
    shade,
};
use crate::{
    explain::{Numbers, Trace},
    nn::renamed,
    picture::{
        font::text_width,
        names::of_layer,
        svg::{Px, Svg},
    },
};

/// Which way a formula goes.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    Forward,
    Backward,
}

/// A drawing in the making.
pub(super) struct Drawing<'a> {
    pub(super) svg: Svg,
    pub(super) trace: &'a Trace,
    pub(super) options: &'a Options<'a>,
    pub(super) layout: Layout,
    /// Where the area of the columns begins.
    pub(super) top: f64,
}

impl Drawing<'_> {
    pub(super) fn text(&self, number: f64) -> String {
        self.options.numbers.text(number)
    }

    /// A number with fewer digits where there is little room.
    pub(super) fn short(&self, number: f64) -> String {
        let Numbers(digits) = self.options.numbers;
        match self.is_narrow() {
            true => Numbers(digits.min(3)).text(number),
            false => self.text(number),
        }
    }

    /// Whether a formula with a number is wider than a gap.
    pub(super) fn is_narrow(&self) -> bool {
        self.layout.gaps[0].width() < 52.0 + self.layout.outputs.number
    }

    /// What the activation of a column does: `h₁ = max(z₁, 0)`, or `dz₁ = dh₁ where z₁ > 0, else 0`. Where there
    /// is no room for that it is called by its name, or else f; the second tells whether it is called f.
    pub(super) fn formula(&self, column: &Column, pass: Pass) -> (String, bool) {
        let [z, h, dz, dh] =
            ["z", "h", "dz", "dh"].map(|letter| of_layer(letter, column.layer.number));
        let letters = [("x", &z[..]), ("y", &h), ("dy", &dh)];
        let Some(kind) = column.layer.kind(self.trace) else {
            let formula = match pass {
                Pass::Forward => format!("{h} = {z}"),
                Pass::Backward => format!("{dz} = {dh}"),
            };
            return (formula, false);
        };
        let whole = match pass {
            Pass::Forward => format!("{h} = {}", renamed(kind.formula().y, &letters)),
            Pass::Backward => format!("{dz} = {}", renamed(kind.formula().dx, &letters)),
        };
        let called = |f: &str| match pass {
            Pass::Forward => format!("{h} = {f}({z})"),
            Pass::Backward => format!("{dz} = {dh}·{f}′({z})"),
        };
        let columns = &self.layout.columns;
        let i = columns.iter().position(|c| c.layer == column.layer);
        let room = i.map_or(0.0, |i| self.layout.room(i));
        let fits = |formula: &String| text_width(formula, 12.0) <= room;
        match [whole, called(kind.name())].into_iter().find(fits) {
            Some(formula) => (formula, false),
            None => (called("f"), true),
        }
    }

    /// Whether the numbers of a column stand beside its units.
    pub(super) fn has_numbers(&self, column: &Column) -> bool {
        column.circles() && self.layout.gaps[0].width() > 100.0 + self.layout.outputs.number
    }

    /// A matrix as a block with its shape below, in the middle of (x, y); as high and wide as there are
    /// tens and hundreds of rows and columns. Returns its upper and lower edge.
    pub(super) fn block(
        &mut self,
        (x, y): (f64, f64),
        scale: f64,
        matrix: &ndarray::Array2<f64>,
        attributes: (&str, usize),
    ) -> (f64, f64) {
        let side = |n: usize| scale * (10.0 + 5.6 * (n as f64).log2()).min(66.0);
        let (w, h) = (side(matrix.ncols()), side(matrix.nrows()));
        let (left, top) = (x - w / 2.0, y - h / 2.0);
        let cells = shade::reduced(matrix, (24, 16));
        let (part, layer) = attributes;
        self.svg
            .open("g", &[("data-part", &part), ("data-layer", &layer)]);
        self.svg.leaf(
            "rect",
            &[
                ("class", &"base"),
                ("x", &Px(left)),
                ("y", &Px(top)),
                ("width", &Px(w)),
                ("height", &Px(h)),
            ],
        );
        let cell = (w / cells.ncols() as f64, h / cells.nrows() as f64);
        shade::picture(&mut self.svg, (left, top), cell, cells.view());
        self.svg.close();
        (top, top + h)
    }

    /// The unit of the first layer whose weights are shown as a picture, and its layer.
    pub(super) fn pictured(&self) -> (Layer, usize) {
        let first = self.layout.layers[0];
        let y = first.y(self.trace);
        let asked = self.options.units.iter();
        let mut asked = asked.filter(|(m, _)| *m == first.linear || Some(*m) == first.activation);
        let unit = match asked.next() {
            Some(&(_, unit)) => unit,
            None if first.activation.is_none() && y.len() > usize::from(self.trace.target) => {
                self.trace.target.into()
            }
            None => (0..y.len())
                .max_by(|&a, &b| y[a].total_cmp(&y[b]))
                .unwrap_or(0),
        };
        (first, unit)
    }

    /// The corner of the image and the side of a pixel.
    pub(super) fn image(&self) -> ((f64, f64), f64) {
        let (rows, columns) = self.options.pixels;
        (
            (self.layout.image_x, self.top),
            IMAGE / rows.max(columns) as f64,
        )
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
        shade::picture(&mut self.svg, corner, (cell, cell), values.view());
    }
}

/// What a picture of the image's shape stands on.
pub(super) fn frame(svg: &mut Svg, (x, y): (f64, f64), cell: f64, (rows, columns): (usize, usize)) {
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
