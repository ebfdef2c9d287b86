//! The paper, the headline and the legend.

use super::{
    Board, SmallNet,
    edges::MOST_LINES,
    layout::{ABOVE, BELOW, LEGEND, Layout, MARGIN},
    text,
};
use crate::picture::{
    font::{shortened, text_width},
    palette::themed,
    svg::{Attributes, Px, Svg},
};

impl Layout {
    /// Where the area of the units begins.
    pub(super) fn top(&self) -> f64 {
        ABOVE
    }

    /// Where it ends.
    pub(super) fn bottom(&self) -> f64 {
        ABOVE + self.area
    }
}

/// The paper, and what a screen reader says.
pub(super) fn begin(net: &SmallNet<'_>, layout: &Layout) -> Svg {
    let title = format!("{}: {}", net.title, net.summary);
    let description = format!(
        "Forward from left to right: {} inputs, {} linear layers, {} outputs; the loss is {}. \
         The gradients stand beside the numbers.",
        net.problem.x.ncols(),
        layout.gaps.len(),
        net.problem.t.ncols(),
        text(net.numbers, net.pass.loss),
    );
    let colours = include_str!("../colours.css").to_owned() + include_str!("colours.css");
    // A wide drawing is scrolled rather than made too small to read.
    let least = format!(".mlp-net{{min-width:{}px}}\n", Px(0.7 * layout.size.0));
    let style = include_str!("../network.css").to_owned()
        + include_str!("small.css")
        + &least
        + &themed(&colours);
    let mut svg = Svg::new(layout.size, "mlp-net", (&title, &description), &style);
    svg.leaf(
        "rect",
        &[
            ("class", &"band"),
            ("y", &Px(layout.bottom() + 8.0)),
            ("width", &Px(layout.size.0)),
            ("height", &Px(BELOW - 14.0)),
        ],
    );
    svg
}

impl Board<'_> {
    pub(super) fn headline(&mut self) {
        let width = self.layout.size.0 - 2.0 * MARGIN;
        let title = shortened(self.net.title, 20.0, width - 120.0);
        self.svg.label((MARGIN, 32.0), "big", &title);
        let n = self.net.problem.x.nrows();
        let rows = match n {
            1 => String::new(),
            n => format!("; row {} of {n}, counted from 0", self.net.row),
        };
        let words = shortened(&format!("{}{rows}", self.net.summary), 12.0, width);
        self.part((MARGIN, 54.0), "row", &words);
        let right = self.layout.size.0 - MARGIN;
        self.svg.label((right, 32.0), "head end", "forward →");
        let y = self.layout.bottom() + 52.0;
        self.svg.label((right, y), "head end", "← backward");
    }

    pub(super) fn legend(&mut self) {
        let y = self.layout.size.1 - LEGEND + 22.0;
        let mut x = MARGIN;
        for (class, words) in [
            ("p o4", "above 0"),
            ("n o4", "below 0"),
            (
                "",
                "grey: the gradient of L with respect to the number before it",
            ),
        ] {
            if !class.is_empty() {
                self.swatch(class, (x, y));
                x += 18.0;
            }
            self.svg.label((x, y), "dim", words);
            x += 18.0 + text_width(words, 12.0);
        }
        let mut lines = "lines: x·w, the larger the thicker".to_owned();
        if self.layout.gaps.iter().any(|gap| gap.numbers.is_some()) {
            lines += "; on them w and dw";
        }
        if self
            .layout
            .columns
            .windows(2)
            .any(|pair| pair[0].rows.len() * pair[1].rows.len() > MOST_LINES)
        {
            lines += &format!("; the {MOST_LINES} largest of a layer are drawn");
        }
        let modules = self.net.pass.network.modules();
        let kinds = modules.iter().map(|module| module.kind());
        if let Some(kind) = { kinds }.find(|kind| kind.switches_off()) {
            lines += &format!("; dashed: off, {} passes on 0", kind.name());
        }
        self.svg.label((MARGIN, y + 18.0), "dim", &lines);
        let rows = match self.net.problem.x.nrows() {
            1 => String::new(),
            n => format!(
                "units: row {}; L and the gradients of weights and biases: all {n} rows, as a step uses them",
                self.net.row
            ),
        };
        let step = self.step_words();
        let lines = [("row", rows), ("step", step)].into_iter();
        for (line, (part, words)) in lines.filter(|(_, words)| !words.is_empty()).enumerate() {
            self.part((MARGIN, y + 36.0 + 18.0 * line as f64), part, &words);
        }
    }

    /// Words that a page may rewrite.
    fn part(&mut self, (x, y): (f64, f64), part: &str, words: &str) {
        let attributes: Attributes<'_> = &[
            ("x", &Px(x)),
            ("y", &Px(y)),
            ("class", &"dim"),
            ("data-part", &part),
        ];
        self.svg.words("text", attributes, words);
    }

    fn step_words(&self) -> String {
        let net = self.net;
        let numbers = crate::explain::Numbers(net.numbers.0 + 2);
        format!(
            "one step of SGD with lr = {}: L = {} before, {} after{}",
            net.learning_rate,
            text(numbers, net.pass.loss),
            text(numbers, net.loss_after),
            match net.train_biases {
                true => "",
                false => "; the biases are kept",
            }
        )
    }

    fn swatch(&mut self, class: &str, (x, y): (f64, f64)) {
        let attributes: Attributes<'_> = &[
            ("class", &class),
            ("x", &Px(x)),
            ("y", &Px(y - 10.0)),
            ("width", &Px(12.0)),
            ("height", &Px(12.0)),
        ];
        self.svg.leaf("rect", attributes);
    }
}
