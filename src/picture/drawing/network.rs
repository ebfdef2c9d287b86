//! The drawing of a network as one would make it on the board: forward on top, gradients below.

use super::{
    canvas::{Drawing, Pass},
    layout::{AREA, Layout, WIDTH},
    options::Options,
    shade::{cross, outline},
};
use crate::{
    explain::Trace,
    picture::{
        font::text_width,
        palette::{STRENGTH, themed},
        svg::{Attributes, Px, Svg},
    },
};

/// What every drawing of a network begins with.
pub const BEGIN: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mlp-net\"";

/// Height of the headline, of what stands above a column, and of what stands below it.
const HEADLINE: f64 = 52.0;
const STRIP: f64 = 164.0;
const BACK_STRIP: f64 = 66.0;
const FOOT: f64 = 44.0;
const LEGEND: f64 = 52.0;

/// The size of the headline's letters, and the width that it has for the name of a class.
const HEAD_SIZE: f64 = 20.0;
const HEAD_CLASS: f64 = 130.0;

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
    let height = HEADLINE + STRIP + AREA + FOOT + BACK_STRIP + AREA + FOOT + LEGEND;
    let title = format!("Network {}: {}", widths(trace), options.title);
    let description = format!(
        "Forward: {inputs} pixels, {} linear layers, {} outputs; the class is {}, the loss is {}. \
         Backward: the gradients of outputs, units and weights.",
        layout.layers.len(),
        trace.outputs().len(),
        options.class(trace.target.into()),
        options.numbers.text(trace.loss),
    );
    let svg = Svg::new(
        (WIDTH, height),
        "mlp-net",
        (&title, &description),
        &(include_str!("network.css").to_owned() + &themed(include_str!("colours.css"))),
    );
    let mut drawing = Drawing {
        svg,
        trace,
        options,
        layout,
        top: 0.0,
    };
    drawing.band();
    drawing.headline();
    drawing.top = HEADLINE + STRIP;
    drawing.forward();
    drawing.top = HEADLINE + STRIP + AREA + FOOT + BACK_STRIP;
    drawing.backward();
    drawing.legend(height - LEGEND + 20.0);
    drawing.svg.finish()
}

/// The widths of the layers, such as 784-50-10.
fn widths(trace: &Trace) -> String {
    let widths = trace.network.layers();
    let widths: Vec<_> = widths.iter().map(usize::to_string).collect();
    widths.join("-")
}

impl Drawing<'_> {
    /// What the lower half stands on.
    fn band(&mut self) {
        let (y, height) = (HEADLINE + STRIP + AREA + FOOT, BACK_STRIP + AREA + FOOT);
        self.svg.leaf(
            "rect",
            &[
                ("class", &"band"),
                ("y", &Px(y)),
                ("width", &Px(WIDTH)),
                ("height", &Px(height)),
            ],
        );
    }

    fn headline(&mut self) {
        let trace = self.trace;
        let loss = self.options.kind.build::<f64>();
        let read = loss.decoding().class(
            trace.outputs().view(),
            self.options
                .classes
                .len()
                .max(usize::from(trace.target) + 1),
        );
        let below = format!("{}, {}", widths(trace), self.options.kind);
        self.svg.label((24.0, 50.0), "dim", &shortened(&below, 120));
        let [target, read] = [trace.target, read].map(|class| {
            self.options
                .short_class(class.into(), HEAD_SIZE, HEAD_CLASS)
        });
        let words = format!(
            "target {target}, read as {read}, L = {}",
            self.text(trace.loss)
        );
        let room = WIDTH - 72.0 - text_width(&words, HEAD_SIZE);
        let title = (1..=52)
            .rev()
            .map(|most| shortened(self.options.title, most));
        let title = { title }.find(|title| text_width(title, HEAD_SIZE) <= room);
        self.svg
            .label((24.0, 30.0), "big", &title.unwrap_or_default());
        self.svg.label((WIDTH - 24.0, 30.0), "big end", &words);
    }

    fn legend(&mut self, y: f64) {
        let mut x = 24.0;
        let mut swatch = |svg: &mut Svg, class: &str, words: &str| {
            let attributes: Attributes<'_> = &[
                ("class", &class),
                ("x", &Px(x)),
                ("y", &Px(y - 10.0)),
                ("width", &Px(12.0)),
                ("height", &Px(12.0)),
            ];
            svg.leaf("rect", attributes);
            svg.label((x + 18.0, y), "dim", words);
            x += 36.0 + text_width(words, 12.0);
        };
        let strength = format!("{STRENGTH}, in each layer and matrix for itself");
        swatch(&mut self.svg, "p", "above 0");
        swatch(&mut self.svg, "n", "below 0");
        swatch(&mut self.svg, "p o3", &strength);
        swatch(&mut self.svg, "i", "ink of the image");

        let (mut x, y) = (24.0, y + 20.0);
        let kinds = || self.trace.modules.iter().map(|m| m.kind);
        if let Some(kind) = kinds().find(|kind| kind.switches_off()) {
            let transform = format!("translate({} {}) scale(14)", Px(x), Px(y - 10.0));
            let path = outline(false, (0, 0)) + &cross(false, false, (0, 0));
            let attributes: Attributes<'_> =
                &[("class", &"off"), ("transform", &transform), ("d", &path)];
            self.svg.leaf("path", attributes);
            let words = format!("off: {} passes on 0, and no gradient", kind.name());
            self.svg.label((x + 18.0, y), "dim", &words);
            x += 36.0 + text_width(&words, 12.0);
        }
        let mut words = "upright stroke: the target; lines: the largest products x·w".to_owned();
        if !self.layout.columns.is_empty() {
            words += "; ring: the unit of the small pictures";
            if !self.options.units.is_empty() {
                words += ", thick: one that is followed";
            }
        }
        let mut columns = self.layout.columns.iter();
        if let Some(kind) = columns.find_map(|column| {
            let called_f = |pass| self.formula(column, pass).1;
            let called_f = called_f(Pass::Forward) || called_f(Pass::Backward);
            called_f.then(|| column.layer.kind(self.trace))?
        }) {
            words += &format!("; f is {}, f′ its slope", kind.name());
        }
        self.svg.label((x, y), "dim", &words);
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
