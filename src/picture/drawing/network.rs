//! The drawing of a network as one would make it on the board: forward on top, gradients below.

use super::{
    layout::{AREA, IMAGE, Layer, Layout, WIDTH},
    shade,
    svg::{Px, Svg},
    units::{cross, outline},
};
use crate::{
    explain::{Numbers, Trace},
    loss::LossKind,
};

/// What the drawing of a network shows besides its numbers.
pub struct Options<'a> {
    /// Which network and which image, in words.
    pub title: &'a str,
    /// The loss that the trace was made with.
    pub kind: LossKind,
    /// How numbers are written.
    pub numbers: Numbers,
    /// Rows and columns of the image.
    pub pixels: (usize, usize),
    /// Units to follow: module and unit.
    pub units: &'a [(usize, usize)],
}

/// What every drawing of a network begins with.
pub const BEGIN: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mlp-net\"";

/// Height of the headline, of what stands above a column, and of what stands below it.
const HEADLINE: f64 = 52.0;
const STRIP: f64 = 144.0;
const BACK_STRIP: f64 = 66.0;
const FOOT: f64 = 44.0;

/// A network, and what one image makes of it, as an SVG file for a screen of 1200 pixels and for paper.
///
/// The image as pixels, the matrices as blocks with their shapes, the units with their activations as
/// shade, the largest products x·w as lines, the outputs beside the target, the loss; below, the
/// gradients. The same trace gives the same bytes. What a page may take hold of:
///
/// | attribute | on |
/// |---|---|
/// | `data-pass` = `forward`, `backward` | the two halves |
/// | `data-part` = `image`, `units`, `weights`, `outputs`, `loss`, `edges` | the groups in them |
/// | `data-layer` | groups of a layer: the index of its linear module, as in `2.weight` |
/// | `data-unit` = `module:unit` | hidden units and outputs, by the linear module |
/// | `data-pixel` = `row,column` | pixels that are not the darkest; the image's group has the geometry of all in `data-x`, `data-y` and `data-cell` |
/// | `data-edge` = `module:input:unit` | lines |
/// | `data-class` | rows of outputs |
///
/// Panics if the pixels are not as many as the inputs.
pub fn network(trace: &Trace, options: &Options<'_>) -> String {
    let (rows, columns) = options.pixels;
    let inputs = trace.modules[0].x.len();
    assert_eq!(rows * columns, inputs, "pixels against inputs");
    let layout = Layout::new(trace, options);
    let height = HEADLINE + STRIP + AREA + FOOT + BACK_STRIP + AREA + FOOT + 34.0;
    let title = format!("Network {}: {}", widths(trace), options.title);
    let description = format!(
        "Forward: {inputs} pixels, {} linear layers, {} outputs; the class is {}, the loss is {}. \
         Backward: the gradients of outputs, units and weights.",
        layout.layers.len(),
        trace.outputs().len(),
        trace.target,
        options.numbers.text(trace.loss),
    );
    let svg = Svg::new(
        (WIDTH, height),
        "mlp-net",
        (&title, &description),
        include_str!("network.css"),
    );
    let mut drawing = Drawing {
        svg,
        trace,
        options,
        layout,
        top: 0.0,
    };
    drawing.paper(height);
    drawing.headline();
    drawing.top = HEADLINE + STRIP;
    drawing.forward();
    drawing.top = HEADLINE + STRIP + AREA + FOOT + BACK_STRIP;
    drawing.backward();
    drawing.legend(height - 14.0);
    drawing.svg.finish()
}

/// The widths of the layers, such as 784-50-10.
fn widths(trace: &Trace) -> String {
    let widths = trace.network.layers();
    let widths: Vec<_> = widths.iter().map(usize::to_string).collect();
    widths.join("-")
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

    fn paper(&mut self, height: f64) {
        let mut rect = |class: &str, y: f64, h: f64| {
            self.svg.leaf(
                "rect",
                &[
                    ("class", &class),
                    ("y", &Px(y)),
                    ("width", &Px(WIDTH)),
                    ("height", &Px(h)),
                ],
            );
        };
        rect("paper", 0.0, height);
        let below = HEADLINE + STRIP + AREA + FOOT;
        rect("band", below, BACK_STRIP + AREA + FOOT);
    }

    fn headline(&mut self) {
        let trace = self.trace;
        let loss = self.options.kind.build::<f64>();
        let read = loss.decoding().class(
            trace.outputs().view(),
            10.max(usize::from(trace.target) + 1),
        );
        self.svg
            .label((24.0, 30.0), "big", &shortened(self.options.title, 52));
        let below = format!("{}, {}", widths(trace), self.options.kind);
        self.svg.label((24.0, 50.0), "dim", &shortened(&below, 120));
        let words = format!(
            "target {}, read as {read}, L = {}",
            trace.target,
            self.text(trace.loss)
        );
        self.svg.label((WIDTH - 24.0, 30.0), "big end", &words);
    }

    fn legend(&mut self, y: f64) {
        let mut x = 24.0;
        let mut item = |svg: &mut Svg, class: &str, words: &str| {
            svg.leaf(
                "rect",
                &[
                    ("class", &class),
                    ("x", &Px(x)),
                    ("y", &Px(y - 10.0)),
                    ("width", &Px(12.0)),
                    ("height", &Px(12.0)),
                ],
            );
            svg.label((x + 18.0, y), "dim", words);
            x += 34.0 + 5.8 * words.chars().count() as f64;
        };
        let svg = &mut self.svg;
        item(svg, "p", "above 0");
        item(svg, "n", "below 0");
        item(
            svg,
            "p o3",
            "the stronger, the further from 0, in each layer and matrix for itself",
        );
        let relu = self.trace.modules.iter().any(|m| m.kind.switches_off());
        if relu {
            let transform = format!("translate({} {}) scale(12)", Px(x), Px(y - 10.0));
            svg.leaf(
                "path",
                &[
                    ("class", &"off"),
                    ("transform", &transform),
                    (
                        "d",
                        &(outline(false, (0, 0)) + &cross(false, false, (0, 0))),
                    ),
                ],
            );
            svg.label(
                (x + 18.0, y),
                "dim",
                "off: ReLU holds it back, and no gradient passes",
            );
            x += 330.0;
        }
        svg.label((x, y), "dim", "lines: the largest products x·w");
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
        shade::picture(&mut self.svg, (left, top), cell, cells.view(), false);
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
}

/// The end of a text that is longer than `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let characters = text.chars().count();
    match characters > most {
        true => "…"
            .chars()
            .chain(text.chars().skip(characters + 1 - most))
            .collect(),
        false => text.to_owned(),
    }
}

/// `₁₂`
pub(super) fn sub(number: usize) -> String {
    let digits = number.to_string();
    let low = digits
        .bytes()
        .map(|d| char::from_u32(0x2080 + u32::from(d - b'0')));
    low.map(|c| c.expect("a subscript digit")).collect()
}
