//! Where things stand: a column for the inputs and for each layer, gaps of lines between them, the loss at the right.

use super::{SmallNet, parts, text};
use crate::picture::{
    drawing::layout::{DIGIT, Layer},
    font::text_width,
    names::of_layer,
};

/// Height of what stands above the columns, and of what stands below them; its first and last lines are the
/// headline's and the legend's.
pub(super) const ABOVE: f64 = 138.0;
pub(super) const BELOW: f64 = 78.0;
pub(super) const LEGEND: f64 = 92.0;
/// The drawing is as wide as it takes, and at least this.
const LEAST_WIDTH: f64 = 760.0;
pub(super) const MARGIN: f64 = 24.0;
/// The radius of a unit with its name inside.
pub(super) const RADIUS: f64 = 20.0;
/// The height of a line of numbers.
pub(super) const LINE: f64 = 15.0;
/// The distance of weights that stand one below the other.
pub(super) const PORT: f64 = 18.0;
/// The width of lines that cross.
const CROSSING: f64 = 96.0;
/// The way to the circle of L.
const WAY_TO_L: f64 = 34.0;

/// A number of a unit, and its gradient.
pub(super) struct Line {
    /// What it is called: `z`, `h`, `b` or `x`.
    pub(super) name: &'static str,
    /// Their names for a page, such as `y:0:1` and `dy:0:1`.
    pub(super) keys: [String; 2],
    /// The number and its gradient.
    pub(super) values: [f64; 2],
}

/// A column of units.
pub(super) struct Column {
    /// Which layer; none for the inputs.
    pub(super) layer: Option<Layer>,
    /// What its units pass on: `x`, `z₁` or `h₁`.
    pub(super) letter: String,
    /// Whether its units have several lines of numbers, and names in their circles.
    pub(super) large: bool,
    /// The lines of each unit.
    pub(super) lines: Vec<Vec<Line>>,
    /// The middle of each unit.
    pub(super) rows: Vec<f64>,
    /// The middle of the circles, and their radius.
    pub(super) circle: f64,
    pub(super) radius: f64,
    /// Where names, numbers, names of gradients and gradients stand: numbers end there.
    pub(super) at: [f64; 4],
    /// What stands above and below it.
    pub(super) above: String,
    pub(super) below: Vec<String>,
}

impl Column {
    /// Left and right edge.
    pub(super) fn edges(&self) -> (f64, f64) {
        (self.circle - self.radius, self.at[3])
    }

    pub(super) fn middle(&self) -> f64 {
        let (left, right) = self.edges();
        (left + right) / 2.0
    }

    /// What a unit is called, such as `h₁[0]`.
    pub(super) fn name(&self, unit: usize) -> String {
        format!("{}[{unit}]", self.letter)
    }

    /// The height that a unit needs.
    fn unit_height(&self, ports: usize) -> f64 {
        let lines = self.lines[0].len() as f64 * LINE;
        let circle = 2.0 * self.radius;
        circle.max(lines).max(ports as f64 * PORT) + if self.large { 16.0 } else { 3.0 }
    }

    /// The width of the longest number (0) or gradient (1).
    fn longest(&self, k: usize, net: &SmallNet<'_>) -> f64 {
        let values = self.lines.iter().flatten().map(|line| line.values[k]);
        widest(net, values)
    }

    /// The distances from the left edge to the names, the ends of numbers, the names of gradients and their ends.
    fn stops(&self, net: &SmallNet<'_>) -> [f64; 4] {
        let name = match self.large {
            true => 3.0 * DIGIT,
            // `h₁[17]` and a space
            false => (5.0 + self.letter.chars().count() as f64) * DIGIT,
        };
        let names = 2.0 * self.radius + 8.0;
        let numbers = names + name + self.longest(0, net);
        let gradients = numbers + 14.0;
        let end = gradients + 4.0 * DIGIT + self.longest(1, net);
        [names, numbers, gradients, end]
    }

    fn width(&self, net: &SmallNet<'_>) -> f64 {
        self.stops(net)[3]
    }

    /// Puts the column at `left`.
    fn put(&mut self, left: f64, net: &SmallNet<'_>) {
        self.circle = left + self.radius;
        self.at = self.stops(net).map(|stop| left + stop);
    }

    /// The width of what stands above and below.
    fn words_width(&self) -> f64 {
        words_width(self.below.iter().chain([&self.above]))
    }

    /// How far the words stand out over each side.
    fn aside(&self, net: &SmallNet<'_>) -> f64 {
        (self.words_width() - self.width(net)).max(0.0) / 2.0
    }
}

/// The width of the longest of these words.
fn words_width<'a>(words: impl Iterator<Item = &'a String>) -> f64 {
    let widths = words.map(|words| text_width(words, 12.0));
    widths.fold(0.0, f64::max)
}

/// The width of the longest of these numbers; a page with other inputs has room for some more digits.
fn widest(net: &SmallNet<'_>, values: impl Iterator<Item = f64>) -> f64 {
    let lengths = values.map(|value| text(net.numbers, value).chars().count());
    DIGIT * lengths.fold(net.numbers.0 + 4, usize::max) as f64
}

/// The lines before a layer.
pub(super) struct Gap {
    pub(super) layer: Layer,
    /// Where lines begin, and where those end that have no numbers.
    pub(super) x: (f64, f64),
    /// Where the weights on their lines end, and their gradients, if they have numbers; and where both begin.
    pub(super) numbers: Option<[f64; 3]>,
    /// What stands above and below it.
    pub(super) words: [String; 3],
    pub(super) below: [String; 2],
}

impl Gap {
    pub(super) fn middle(&self) -> f64 {
        (self.x.0 + self.x.1) / 2.0
    }

    /// Puts the gap at `left`: as wide as its lines take, and its words beside words that stand out `aside`. Returns
    /// its right edge.
    fn put(&mut self, left: f64, aside: f64, area: f64, net: &SmallNet<'_>) -> f64 {
        let w = net.pass.network.param(self.layer.linear, 0);
        let [w, dw] = [&w.value, &w.grad].map(|values| widest(net, values.iter().copied()));
        let both = w + 12.0 + dw;
        let lines = match self.numbers {
            Some(_) => CROSSING + both + 26.0,
            // Lines to a high column are less steep.
            None => CROSSING + 60.0 + area / 8.0,
        };
        let words = words_width(self.words.iter().chain(&self.below));
        let right = left + lines.max(words + 16.0 + aside);
        self.x = (left + 6.0, right);
        self.numbers = self.numbers.map(|_| {
            let first = right - 22.0 - both;
            [first, first + w, first + both]
        });
        right
    }
}

/// The numbers beside the outputs, and L.
pub(super) struct LossPart {
    /// Where names begin, and where numbers end.
    pub(super) at: [f64; 2],
    /// The middle of the circle of L.
    pub(super) circle: f64,
    /// What stands above and below.
    pub(super) words: Vec<String>,
    pub(super) below: String,
}

impl LossPart {
    /// Puts it at `left`; returns its right edge.
    fn put(&mut self, left: f64, net: &SmallNet<'_>) -> f64 {
        let (z, t) = (net.pass.outputs(), &net.problem.t);
        let objective = net.problem.objective;
        let shown = [t, &net.pass.predictions(objective), &objective.parts(z, t)];
        let widths = shown.map(|values| widest(net, values.row(net.row).iter().copied()));
        let numbers = 5.0 * DIGIT + widths.into_iter().fold(0.0, f64::max);
        self.at = [left, left + numbers];
        self.circle = left + numbers + WAY_TO_L + RADIUS;
        let end = self.circle + RADIUS + 12.0 + widest(net, [net.pass.loss].into_iter());
        let words = words_width(self.words.iter().chain([&self.below]));
        end.max(left + words)
    }
}

/// The whole.
pub(super) struct Layout {
    pub(super) columns: Vec<Column>,
    pub(super) gaps: Vec<Gap>,
    pub(super) loss: LossPart,
    /// The height of the columns.
    pub(super) area: f64,
    /// Width and height of the drawing.
    pub(super) size: (f64, f64),
}

impl Layout {
    pub(super) fn new(net: &SmallNet<'_>) -> Self {
        let layers = Layer::all(&net.pass.network);
        let columns = columns(net, &layers);
        let gaps = layers.iter().zip(&columns);
        let gaps = gaps.map(|(&layer, before)| parts::gap(net, layer, &before.letter));
        let outputs = &columns.last().expect("the outputs").letter;
        let mut layout = Self {
            gaps: gaps.collect(),
            loss: parts::loss(net, outputs),
            columns,
            area: 0.0,
            size: (0.0, 0.0),
        };
        layout.stack();
        let width = layout.put(MARGIN, net);
        if width < LEAST_WIDTH {
            // A narrow network stands in the middle.
            layout.put(MARGIN + (LEAST_WIDTH - width) / 2.0, net);
        }
        let height = ABOVE + layout.area + BELOW + LEGEND;
        layout.size = (width.max(LEAST_WIDTH), height);
        layout
    }

    /// The units of each column one below the other.
    fn stack(&mut self) {
        let ports = |i: usize| match i.checked_sub(1).map(|before| &self.gaps[before].numbers) {
            Some(Some(_)) => self.columns[i - 1].rows.len(),
            _ => 0,
        };
        let columns = self.columns.iter().enumerate();
        let heights: Vec<_> = columns.map(|(i, c)| c.unit_height(ports(i))).collect();
        let columns = self.columns.iter().zip(&heights);
        let areas = columns.map(|(column, height)| column.rows.len() as f64 * height);
        self.area = areas.fold(96.0, f64::max);
        for (column, height) in self.columns.iter_mut().zip(&heights) {
            let count = column.rows.len() as f64;
            let pitch = (self.area / count).min(2.0 * height);
            let first = ABOVE + self.area / 2.0 - pitch * (count - 1.0) / 2.0;
            for (unit, row) in column.rows.iter_mut().enumerate() {
                *row = first + pitch * unit as f64;
            }
        }
    }

    /// Puts everything side by side, from `left` on; returns the right edge of all, with its margin.
    fn put(&mut self, left: f64, net: &SmallNet<'_>) -> f64 {
        let asides: Vec<_> = self.columns.iter().map(|c| c.aside(net)).collect();
        let mut x = left + asides[0];
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.put(x, net);
            x = column.edges().1;
            if let Some(gap) = self.gaps.get_mut(i) {
                x = gap.put(x, asides[i] + asides[i + 1], self.area, net);
            }
        }
        x += asides[asides.len() - 1];
        self.loss.put(x + 40.0, net) + MARGIN
    }
}

/// The inputs and all layers; below each is what comes back to it from the next.
fn columns(net: &SmallNet<'_>, layers: &[Layer]) -> Vec<Column> {
    let mut columns = vec![parts::inputs(net)];
    for &layer in layers {
        let before = columns.last_mut().expect("the inputs");
        let [w, dz] = ["w", "dz"].map(|letter| of_layer(letter, layer.number));
        let words = format!("d{} = {dz}·{w}ᵀ", before.letter);
        before.below.insert(0, words);
        columns.push(parts::column(net, layer));
    }
    columns
}
