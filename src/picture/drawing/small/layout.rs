//! Where things stand: a column for the inputs and for each layer, gaps of lines between them, the loss at the right.

use ndarray::Array2;

use super::{SmallNet, text};
use crate::{
    nn::{Kind, renamed},
    picture::{
        drawing::layout::{DIGIT, Layer},
        font::text_width,
        names::of_layer,
    },
};

/// Height of what stands above the columns, and of what stands below them; its first and last lines are the
/// headline's and the legend's.
pub(super) const ABOVE: f64 = 138.0;
pub(super) const BELOW: f64 = 78.0;
pub(super) const LEGEND: f64 = 92.0;
/// The drawing is as wide as it takes, and at least this.
const LEAST_WIDTH: f64 = 760.0;
pub(super) const MARGIN: f64 = 24.0;
/// The radius of a unit with its name inside, and of one without.
pub(super) const RADIUS: f64 = 20.0;
const SMALL_RADIUS: f64 = 7.0;
/// More units than this have one line of numbers each.
const WITH_LINES: usize = 16;
/// The height of a line of numbers.
pub(super) const LINE: f64 = 15.0;
/// The distance of weights that stand one below the other.
pub(super) const PORT: f64 = 18.0;
/// The most weights that stand on their lines, and the most that lead to one unit.
const MOST_NAMED: (usize, usize) = (24, 6);
/// The width of lines that cross.
const CROSSING: f64 = 96.0;
/// The formula of a column that is longer is written with the name of its function.
const FORMULA: f64 = 230.0;
/// The circle of L, and the way to it.
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

    /// Puts the column at `left`; returns its right edge.
    fn put(&mut self, left: f64, net: &SmallNet<'_>) -> f64 {
        let longest = |k: usize| {
            let values = self.lines.iter().flatten().map(|line| line.values[k]);
            widest(net, values)
        };
        let name = match self.large {
            true => 3.0 * DIGIT,
            // `h₁[17]` and a space
            false => (5.0 + self.letter.chars().count() as f64) * DIGIT,
        };
        self.circle = left + self.radius;
        let names = self.circle + self.radius + 8.0;
        let numbers = names + name + longest(0);
        let gradients = numbers + 14.0;
        self.at = [
            names,
            numbers,
            gradients,
            gradients + 4.0 * DIGIT + longest(1),
        ];
        self.at[3]
    }

    /// The width of what stands above and below.
    fn words_width(&self) -> f64 {
        let words = self.below.iter().chain([&self.above]);
        words
            .map(|words| text_width(words, 12.0))
            .fold(0.0, f64::max)
    }
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
    pub(super) words: [String; 3],
    pub(super) below: [String; 2],
}

impl Gap {
    pub(super) fn middle(&self) -> f64 {
        (self.x.0 + self.x.1) / 2.0
    }
}

/// The numbers beside the outputs, and L.
pub(super) struct LossPart {
    /// Where names begin, and where numbers end.
    pub(super) at: [f64; 2],
    /// The middle of the circle of L.
    pub(super) circle: f64,
    pub(super) words: Vec<String>,
    pub(super) below: String,
    pub(super) width: f64,
}

/// The whole.
pub(super) struct Layout {
    pub(super) columns: Vec<Column>,
    pub(super) gaps: Vec<Gap>,
    pub(super) loss: LossPart,
    /// The height of the columns.
    pub(super) area: f64,
    pub(super) size: (f64, f64),
}

impl Layout {
    pub(super) fn new(net: &SmallNet<'_>) -> Self {
        let layers = Layer::all(&net.pass.network);
        let mut columns = vec![inputs(net)];
        for &layer in &layers {
            let before = columns.last().expect("the inputs").letter.clone();
            columns.push(column(net, layer));
            let i = columns.len() - 2;
            let [x, w, dz] = [
                before,
                of_layer("w", layer.number),
                of_layer("dz", layer.number),
            ];
            columns[i].below.insert(0, format!("d{x} = {dz}·{w}ᵀ"));
        }
        let mut gaps: Vec<_> = layers
            .iter()
            .zip(&columns)
            .map(|(&layer, before)| gap(net, layer, &before.letter))
            .collect();
        let mut layout = Self {
            loss: loss(net, &columns.last().expect("outputs").letter),
            area: 0.0,
            size: (0.0, 0.0),
            columns: Vec::new(),
            gaps: Vec::new(),
        };
        let needed = |(i, column): (usize, &Column)| {
            let ports = match i.checked_sub(1) {
                Some(gap) if gaps[gap].numbers.is_some() => columns[gap].rows.len(),
                _ => 0,
            };
            column.unit_height(ports)
        };
        let heights: Vec<_> = columns.iter().enumerate().map(needed).collect();
        let area = columns.iter().zip(&heights);
        layout.area = area
            .map(|(column, height)| column.rows.len() as f64 * height)
            .fold(96.0, f64::max);
        for (column, height) in columns.iter_mut().zip(&heights) {
            let count = column.rows.len() as f64;
            let pitch = (layout.area / count).min(2.0 * height);
            let first = ABOVE + layout.area / 2.0 - pitch * (count - 1.0) / 2.0;
            for (unit, row) in column.rows.iter_mut().enumerate() {
                *row = first + pitch * unit as f64;
            }
        }
        let width = layout.put(0.0, &mut columns, &mut gaps, net);
        // A narrow network stands in the middle.
        let spare = ((LEAST_WIDTH - width) / 2.0).max(0.0);
        if spare > 0.0 {
            layout.put(spare, &mut columns, &mut gaps, net);
        }
        layout.size = (width.max(LEAST_WIDTH), ABOVE + layout.area + BELOW + LEGEND);
        (layout.columns, layout.gaps) = (columns, gaps);
        layout
    }

    /// Puts everything side by side, from `MARGIN + spare` on; returns the right edge of all.
    fn put(
        &mut self,
        spare: f64,
        columns: &mut [Column],
        gaps: &mut [Gap],
        net: &SmallNet<'_>,
    ) -> f64 {
        let mut x = MARGIN + spare;
        let count = gaps.len();
        for i in 0..columns.len() {
            // Half of the words that are wider than the column stand over the gaps beside it.
            let aside = (columns[i].words_width() - columns[i].put(0.0, net)).max(0.0) / 2.0;
            x = columns[i].put(x + aside, net);
            if i == count {
                x += aside;
                break;
            }
            let gap = &mut gaps[i];
            let words = gap.words.iter().chain(&gap.below);
            let words = words
                .map(|words| text_width(words, 12.0))
                .fold(0.0, f64::max);
            let w = net.pass.network.param(gap.layer.linear, 0);
            let numbers = gap.numbers.map(|_| {
                let w_width = widest(net, w.value.iter().copied());
                [
                    w_width,
                    w_width + 12.0 + widest(net, w.grad.iter().copied()),
                ]
            });
            let after =
                (columns[i + 1].words_width() - columns[i + 1].put(0.0, net)).max(0.0) / 2.0;
            let least = words + 16.0 + aside + after;
            let lines = match numbers {
                Some([_, both]) => CROSSING + both + 26.0,
                None => CROSSING + 60.0 + self.area / 8.0,
            };
            let width = lines.max(least);
            gap.x = (x + 6.0, x + width);
            gap.numbers = numbers.map(|[w, both]| {
                let left = x + width - 22.0 - both;
                [left, left + w, left + both]
            });
            x += width - after;
        }
        let aside = self.loss.width;
        let left = x + 40.0;
        let lines = [net.pass.outputs(), &net.problem.t];
        let mut longest = lines.map(|values| widest(net, values.row(net.row).iter().copied()));
        longest.sort_by(f64::total_cmp);
        let numbers = 5.0 * DIGIT + longest[1];
        let l = WAY_TO_L + 2.0 * RADIUS + 12.0 + widest(net, [net.pass.loss].into_iter());
        let width = (numbers + l).max(aside);
        self.loss.at = [left, left + numbers];
        self.loss.circle = left + numbers + WAY_TO_L + RADIUS;
        left + width + MARGIN
    }
}

fn inputs(net: &SmallNet<'_>) -> Column {
    let (x, dx) = (net.pass.x[0].row(net.row), net.pass.dx[0].row(net.row));
    let lines = x.iter().zip(dx).enumerate().map(|(p, (&x, &dx))| {
        vec![Line {
            name: "x",
            keys: [format!("x:{p}"), format!("dx:{p}")],
            values: [x, dx],
        }]
    });
    new_column(None, "x".into(), lines.collect(), String::new(), vec![])
}

fn column(net: &SmallNet<'_>, layer: Layer) -> Column {
    let letter = |name: &str| of_layer(name, layer.number);
    let (z, dz) = (letter("z"), letter("dz"));
    let large = net.pass.x[layer.linear + 1].ncols() <= WITH_LINES;
    let mut lines = Vec::new();
    for u in 0..net.pass.x[layer.linear + 1].ncols() {
        let line = |name, m: usize| Line {
            name,
            keys: [format!("y:{m}:{u}"), format!("dy:{m}:{u}")],
            values: [
                net.pass.x[m + 1][[net.row, u]],
                net.pass.dx[m + 1][[net.row, u]],
            ],
        };
        let z = line("z", layer.linear);
        let h = layer.activation.map(|m| line("h", m));
        let b = net.pass.network.param(layer.linear, 1);
        let b = Line {
            name: "b",
            keys: ["b", "db"].map(|name| format!("{name}:{}:{u}", layer.linear)),
            values: [b.value[[0, u]], b.grad[[0, u]]],
        };
        lines.push(match (large, h) {
            (true, h) => [z].into_iter().chain(h).chain([b]).collect(),
            (false, h) => vec![h.unwrap_or(z)],
        });
    }
    let Some(activation) = layer.activation else {
        return new_column(Some(layer), z, lines, String::new(), vec![]);
    };
    let (h, dh) = (letter("h"), letter("dh"));
    let kind = net.pass.network.modules()[activation].kind();
    let [forward, back] = activation_texts(kind, [&z, &h, &dz, &dh]);
    new_column(Some(layer), h, lines, forward, vec![back])
}

/// `h₁ = max(z₁, 0)` and `dz₁ = dh₁ where z₁ > 0, else 0`; with the function's name where these are long.
fn activation_texts(kind: Kind, [z, h, dz, dh]: [&str; 4]) -> [String; 2] {
    let letters = [("x", z), ("y", h), ("dy", dh)];
    let formula = kind.formula();
    let whole = [
        format!("{h} = {}", renamed(formula.y, &letters)),
        format!("{dz} = {}", renamed(formula.dx, &letters)),
    ];
    match whole.iter().all(|text| text_width(text, 12.0) <= FORMULA) {
        true => whole,
        false => [
            format!("{h} = {}({z})", kind.name()),
            format!("{dz} = {dh}·{}′({z})", kind.name()),
        ],
    }
}

fn new_column(
    layer: Option<Layer>,
    letter: String,
    lines: Vec<Vec<Line>>,
    above: String,
    below: Vec<String>,
) -> Column {
    let large = lines.len() <= WITH_LINES;
    Column {
        layer,
        letter,
        large,
        rows: vec![0.0; lines.len()],
        lines,
        circle: 0.0,
        radius: if large { RADIUS } else { SMALL_RADIUS },
        at: [0.0; 4],
        above,
        below,
    }
}

fn gap(net: &SmallNet<'_>, layer: Layer, x: &str) -> Gap {
    let w: &Array2<f64> = &net.pass.network.param(layer.linear, 0).value;
    let (i, o) = w.dim();
    let [z, w, b, dz] = ["z", "w", "b", "dz"].map(|letter| of_layer(letter, layer.number));
    let named = i * o <= MOST_NAMED.0 && i <= MOST_NAMED.1;
    Gap {
        layer,
        x: (0.0, 0.0),
        numbers: named.then_some([0.0; 3]),
        words: [
            format!("layer {}", layer.number),
            format!("{z} = {x}·{w} + {b}"),
            format!("{i}×{o} + 1×{o}"),
        ],
        below: [format!("d{w} = {x}ᵀ·{dz}"), format!("d{b} = Σₙ {dz}")],
    }
}

fn loss(net: &SmallNet<'_>, y: &str) -> LossPart {
    use crate::check::mistakes::Objective;
    let objective = net.problem.objective;
    let (n, c) = net.problem.t.dim();
    let (l, dz) = objective.formulas(n, c);
    let dy = format!("d{y}");
    let letters = [("z", y), ("dz", &dy[..])];
    let [l, below] = [l, dz].map(|formula| renamed(formula, &letters));
    let of_p = match objective {
        Objective::Ce(_) => Some(format!("p = softmax({y})")),
        Objective::Bce(_) => Some(format!("p = σ({y})")),
        Objective::Mse(_) => None,
    };
    let words: Vec<_> = of_p.into_iter().chain([l]).collect();
    let all = words.iter().chain([&below]);
    let width = all.map(|words| text_width(words, 12.0)).fold(0.0, f64::max);
    LossPart {
        at: [0.0; 2],
        circle: 0.0,
        words,
        below,
        width,
    }
}
