//! Where things stand: the image at the left, a column for each hidden layer, the outputs at the right.

use ndarray::Array1;

use super::options::Options;
use crate::{
    explain::Trace,
    nn::{Kind, Mlp, Module},
    picture::font::text_width,
};

/// Everything is drawn in a frame of this width.
pub(super) const WIDTH: f64 = 1200.0;
/// The height of a column of units.
pub(super) const AREA: f64 = 280.0;
/// The side of the image.
pub(super) const IMAGE: f64 = 168.0;
const MARGIN: f64 = 24.0;
/// The width of a digit of a number.
pub(super) const DIGIT: f64 = 6.95;
/// More hidden layers than this, and those in the middle are left out.
const MOST_COLUMNS: usize = 5;
/// Cells of all columns together, and of one.
const MOST_CELLS: (usize, usize) = (1040, 640);
/// Rows of outputs: of more, the largest are drawn, and the target.
const MOST_OUTPUTS: usize = 20;
/// The width of a class beside its output: of a number, and at most; and the size of its letters: bold ones of 14
/// pixels are as wide as others of 16.
const CLASS: (f64, f64) = (18.0, 90.0);
const CLASS_SIZE: f64 = 16.0;
/// Up to so many units are circles, one below the other.
const CIRCLES: usize = 16;

/// A linear module and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layer {
    /// Its number, from 1.
    pub(super) number: usize,
    /// The linear module.
    pub(super) linear: usize,
    /// The activation, if there is one.
    pub(super) activation: Option<usize>,
}

impl Layer {
    /// The layers of a network.
    pub(super) fn all(network: &Mlp<f64>) -> Vec<Self> {
        let modules = network.modules();
        let mut layers = Vec::<Self>::new();
        for (m, module) in modules.iter().enumerate() {
            match layers.last_mut() {
                _ if is_linear(&**module) => layers.push(Self {
                    number: layers.len() + 1,
                    linear: m,
                    activation: None,
                }),
                Some(layer) if module.kind() != Kind::Dropout => layer.activation = Some(m),
                _ => {} // dropout is off
            }
        }
        layers
    }

    /// What the units pass on.
    pub(super) fn y<'a>(&self, trace: &'a Trace) -> &'a Array1<f64> {
        &trace.modules[self.activation.unwrap_or(self.linear)].y
    }

    /// Which activation.
    pub(super) fn kind(&self, trace: &Trace) -> Option<Kind> {
        self.activation.map(|a| trace.modules[a].kind)
    }

    /// Whether the activation holds back what unit `u` sums up.
    pub(super) fn is_off(&self, trace: &Trace, u: usize) -> bool {
        let switches_off = self.kind(trace).is_some_and(Kind::switches_off);
        switches_off && trace.modules[self.linear].y[u] <= 0.0
    }

    /// Whether a unit of a module is one of this layer's.
    fn has(&self, module: usize) -> bool {
        module == self.linear || Some(module) == self.activation
    }
}

fn is_linear(module: &dyn Module<f64>) -> bool {
    module.params().is_some()
}

/// The units of a hidden layer, column by column of a grid.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) layer: Layer,
    /// All units of the layer.
    pub(super) units: usize,
    /// Those that are drawn, in order.
    pub(super) shown: Vec<usize>,
    /// Left edge of the grid, and its top within the area.
    pub(super) corner: (f64, f64),
    /// Cells side by side, and one below the other.
    pub(super) grid: (usize, usize),
    /// The side of a cell.
    pub(super) cell: f64,
}

impl Column {
    /// The units that were asked for are drawn in any case, then those with the largest output.
    fn new(layer: Layer, trace: &Trace, options: &Options<'_>, most: usize) -> Self {
        let y = layer.y(trace);
        let mut order: Vec<_> = (0..y.len()).collect();
        let asked = |u: usize| {
            options
                .units
                .iter()
                .any(|&(m, unit)| layer.has(m) && unit == u)
        };
        order.sort_by(|&a, &b| {
            let by_size = y[b].abs().total_cmp(&y[a].abs());
            asked(b).cmp(&asked(a)).then(by_size).then(a.cmp(&b))
        });
        order.truncate(most);
        order.sort_unstable();
        Self {
            layer,
            units: y.len(),
            shown: order,
            corner: (0.0, 0.0),
            grid: (1, 1),
            cell: 0.0,
        }
    }

    /// Chooses the grid with the largest cells that fit, and stands in the middle of (left, width).
    fn fit(&mut self, left: f64, width: f64) {
        let n = self.shown.len();
        let (widest, largest) = if n <= CIRCLES { (1, 52.0) } else { (n, 32.0) };
        let size = |columns: usize| {
            let rows = n.div_ceil(columns);
            (width / columns as f64)
                .min(AREA / rows as f64)
                .min(largest)
        };
        let columns = (1..=widest).max_by(|&a, &b| size(a).total_cmp(&size(b)).then(b.cmp(&a)));
        let columns = columns.unwrap_or(1);
        self.cell = size(columns);
        self.grid = (columns, n.div_ceil(columns));
        let (w, h) = self.size();
        self.corner = (left + (width - w) / 2.0, (AREA - h) / 2.0);
    }

    /// Width and height.
    pub(super) fn size(&self) -> (f64, f64) {
        let (columns, rows) = self.grid;
        (self.cell * columns as f64, self.cell * rows as f64)
    }

    /// Whether units are drawn as circles.
    pub(super) fn circles(&self) -> bool {
        self.shown.len() <= CIRCLES
    }

    /// Column and row of the cell of the unit at place `i` of those shown.
    pub(super) fn place(&self, i: usize) -> (usize, usize) {
        (i % self.grid.0, i / self.grid.0)
    }

    /// The middle of the cell at place `i`, its height within the area.
    pub(super) fn centre(&self, i: usize) -> (f64, f64) {
        let (column, row) = self.place(i);
        (
            self.corner.0 + (column as f64 + 0.5) * self.cell,
            self.corner.1 + (row as f64 + 0.5) * self.cell,
        )
    }

    /// The middle of the column.
    pub(super) fn middle(&self) -> f64 {
        self.corner.0 + self.size().0 / 2.0
    }
}

/// The space before a layer, where its weights are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// From where to where.
    pub(super) x: (f64, f64),
    /// Which layer.
    pub(super) layer: Layer,
    /// The column it comes from; the image where there is none.
    pub(super) from: Option<usize>,
    /// The column it leads to; the outputs where there is none.
    pub(super) to: Option<usize>,
}

impl Gap {
    pub(super) fn middle(&self) -> f64 {
        (self.x.0 + self.x.1) / 2.0
    }

    pub(super) fn width(&self) -> f64 {
        self.x.1 - self.x.0
    }
}

/// The outputs' part of the frame.
#[derive(Clone, Debug)]
pub(super) struct Outputs {
    /// Left edge.
    pub(super) x: f64,
    /// Their number.
    pub(super) count: usize,
    /// Those that have a row, from top to bottom: all in order, or the largest first.
    pub(super) shown: Vec<usize>,
    /// What their classes are called, cut to the width of their column.
    pub(super) names: Vec<String>,
    /// The width of a class, of a number, and of a bar.
    pub(super) class: f64,
    pub(super) number: f64,
    pub(super) bar: f64,
}

impl Outputs {
    /// The middle of a row within the area.
    pub(super) fn row(&self, place: usize) -> f64 {
        AREA / 2.0 + (place as f64 - (self.shown.len() as f64 - 1.0) / 2.0) * self.pitch()
    }

    pub(super) fn pitch(&self) -> f64 {
        (AREA / self.shown.len() as f64).min(27.0)
    }

    /// The outputs that have a row.
    fn ranked(trace: &Trace) -> Vec<usize> {
        let p = &trace.predictions;
        let mut all: Vec<_> = (0..p.len()).collect();
        if all.len() > MOST_OUTPUTS {
            all.sort_by(|&a, &b| p[b].total_cmp(&p[a]).then(a.cmp(&b)));
            all.truncate(MOST_OUTPUTS);
            let target = trace.target.into();
            if !all.contains(&target) && target < p.len() {
                all[MOST_OUTPUTS - 1] = target;
            }
        }
        all
    }
}

/// The whole.
pub(super) struct Layout {
    pub(super) layers: Vec<Layer>,
    pub(super) columns: Vec<Column>,
    pub(super) gaps: Vec<Gap>,
    /// Where layers are left out, and how many.
    pub(super) left_out: Option<(f64, usize)>,
    pub(super) image_x: f64,
    pub(super) outputs: Outputs,
}

impl Layout {
    pub(super) fn new(trace: &Trace, options: &Options<'_>) -> Self {
        let layers = Layer::all(&trace.network);
        let hidden = layers.len() - 1;
        let numbers = [trace.outputs(), &trace.predictions, trace.doutputs()];
        let numbers = numbers.into_iter().flatten();
        let longest = numbers.map(|&v| options.numbers.text(v).len()).max();
        let number = DIGIT * longest.unwrap_or(0) as f64;
        let shown = Outputs::ranked(trace);
        let names = shown
            .iter()
            .map(|&c| options.short_class(c, CLASS_SIZE, CLASS.1));
        let names: Vec<_> = names.collect();
        let widest = names.iter().map(|name| text_width(name, CLASS_SIZE));
        let class = match shown.len() {
            1 => CLASS.0,
            _ => widest.fold(CLASS.0, f64::max),
        };
        let texts = 94.0 + class + 2.0 * number;
        let outputs_width = (texts + 96.0).min(390.0).max(texts + 40.0);
        let bar = outputs_width - texts;
        let drawn: Vec<_> = match hidden > MOST_COLUMNS {
            true => (0..2).chain(hidden - 2..hidden).collect(),
            false => (0..hidden).collect(),
        };
        // A place more for the dots where layers are left out.
        let places = drawn.len() + usize::from(drawn.len() < hidden);
        let space = WIDTH - 2.0 * MARGIN - IMAGE - outputs_width;
        let width = match places {
            0 | 1 => 170.0,
            2 => 130.0,
            3 => 96.0,
            4 => 72.0,
            _ => 56.0,
        };
        let gap = (space - width * places as f64) / (places as f64 + 1.0);
        let gap = gap.min(330.0);
        // A network without hidden layers needs less than the frame.
        let spare = (space - (width + gap) * places as f64 - gap).max(0.0) / 2.0;
        let image_x = MARGIN + spare;
        let most = (MOST_CELLS.0 / drawn.len().max(1)).min(MOST_CELLS.1);
        let (mut x, mut from) = (image_x + IMAGE, None);
        let (mut columns, mut gaps, mut left_out) = (Vec::new(), Vec::new(), None);
        for (i, &h) in drawn.iter().enumerate() {
            if i > 0 && h > drawn[i - 1] + 1 {
                left_out = Some((x + gap + width / 2.0, hidden - drawn.len()));
                x += 2.0 * gap + width;
            } else {
                gaps.push(Gap {
                    x: (x, x + gap),
                    layer: layers[h],
                    from,
                    to: Some(i),
                });
                x += gap;
            }
            let mut column = Column::new(layers[h], trace, options, most);
            column.fit(x, width);
            columns.push(column);
            (x, from) = (x + width, Some(i));
        }
        gaps.push(Gap {
            x: (x, x + gap),
            layer: layers[hidden],
            from,
            to: None,
        });
        let outputs = Outputs {
            x: x + gap,
            count: trace.outputs().len(),
            shown,
            names,
            class,
            number,
            bar,
        };
        Self {
            layers,
            columns,
            gaps,
            left_out,
            image_x,
            outputs,
        }
    }

    /// The width that a line of text has in the middle of column `i`, up to its neighbours' texts.
    pub(super) fn room(&self, i: usize) -> f64 {
        let middle = self.columns[i].middle();
        let half = |other: Option<&Column>, edge: f64| {
            let between = other.map(|other| (middle + other.middle()) / 2.0);
            (between.unwrap_or(edge) - middle).abs()
        };
        let before = half(
            i.checked_sub(1).map(|i| &self.columns[i]),
            self.image_x + IMAGE,
        );
        let after = half(self.columns.get(i + 1), self.outputs.x);
        2.0 * before.min(after) - 10.0
    }

    /// The column of a hidden layer to which unit (module, unit) belongs, and its place there.
    pub(super) fn find(&self, (module, unit): (usize, usize)) -> Option<(usize, usize)> {
        let column = self.columns.iter().position(|c| c.layer.has(module))?;
        let place = self.columns[column].shown.iter().position(|&u| u == unit)?;
        Some((column, place))
    }
}
