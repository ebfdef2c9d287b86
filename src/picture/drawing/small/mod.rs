//! A small network of any inputs as one draws it on the board: every unit, weight and gradient with its number.

mod edges;
mod frame;
mod layout;
mod loss;
mod parts;
#[cfg(test)]
mod tests;
mod units;

use self::layout::Layout;
use crate::{
    check::{Pass, mistakes::Problem},
    explain::Numbers,
    picture::svg::{Attributes, Px, Svg},
};

/// The most units of a layer, inputs included.
const MOST_UNITS: usize = 64;
/// The most linear layers.
const MOST_LAYERS: usize = 8;

/// A small network with its batch, and what its drawing shows of them.
pub struct SmallNet<'a> {
    /// What it is called, such as the name of its file.
    pub title: &'a str,
    /// Its layers and its loss in words.
    pub summary: &'a str,
    /// The network, its batch and its loss.
    pub problem: &'a Problem,
    /// What comes of them.
    pub pass: &'a Pass,
    /// The row of the batch whose numbers stand in the units.
    pub row: usize,
    /// How numbers are written.
    pub numbers: Numbers,
    /// The learning rate of a step.
    pub learning_rate: f64,
    /// Whether a step changes the biases as well.
    pub train_biases: bool,
    /// L after the step.
    pub loss_after: f64,
}

/// Why a network cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TooLarge {
    /// Too many units side by side.
    #[error("{units} {what}, expected at most {MOST_UNITS} for a drawing")]
    Units {
        /// How many there are.
        units: usize,
        /// `inputs`, or `units in layer 2`.
        what: String,
    },
    /// Too many layers.
    #[error("{0} linear layers, expected at most {MOST_LAYERS} for a drawing")]
    Layers(usize),
    /// Numbers that are too large to be numbers.
    #[error("the loss or a gradient is {0}, expected finite numbers for a drawing")]
    Numbers(f64),
}

/// Whether a network is small enough to be drawn unit by unit, and all of its numbers are finite.
pub fn check_size(pass: &Pass) -> Result<(), TooLarge> {
    let widths = pass.network.layers();
    for (layer, &units) in widths.iter().enumerate() {
        if units > MOST_UNITS {
            let what = match layer {
                0 => "inputs".to_owned(),
                layer => format!("units in layer {layer}"),
            };
            return Err(TooLarge::Units { units, what });
        }
    }
    if widths.len() - 1 > MOST_LAYERS {
        return Err(TooLarge::Layers(widths.len() - 1));
    }
    let gradients = pass.network.params().flat_map(|(_, param)| &param.grad);
    let rows = pass.x.iter().chain(&pass.dx).flatten();
    let mut numbers = gradients.chain(rows).chain([&pass.loss]);
    match numbers.find(|number| !number.is_finite()) {
        Some(&number) => Err(TooLarge::Numbers(number)),
        None => Ok(()),
    }
}

/// A small network as an SVG file: forward from left to right, each gradient beside its number.
///
/// A unit has z, what its activation makes of it, and its bias. In a layer of few weights each stands on its line
/// with its gradient. The numbers of units are those of one row of the batch; L and the gradients of weights and
/// biases are those of all rows, as a step uses them. What a page may take hold of:
///
/// | attribute | on |
/// |---|---|
/// | `data-thing` = `input:p`, `unit:module:u`, `weight:module:p:u`, `output:c`, `loss` | groups, by the linear module |
/// | `data-number` = `x:p`, `dx:p`, `y:module:u`, `dy:module:u`, `b:…`, `db:…`, `w:module:p:u`, `dw:…`, `p:c`, `t:c`, `part:c`, `loss` | numbers |
/// | `data-edge` = `module:p:u` | lines |
/// | `data-unit` = `module:u`, `data-input` = `p` | circles |
/// | `data-part` = `row`, `step` | words that name the row, and the step with its losses |
///
/// Panics if the network is too large: see [`check_size`].
pub fn small_net(net: &SmallNet<'_>) -> String {
    assert_eq!(check_size(net.pass), Ok(()));
    let layout = Layout::new(net);
    let mut board = Board {
        svg: frame::begin(net, &layout),
        net,
        layout,
    };
    board.headline();
    board.edges();
    board.units();
    board.loss();
    board.legend();
    board.svg.finish()
}

/// A drawing in the making.
struct Board<'a> {
    svg: Svg,
    net: &'a SmallNet<'a>,
    layout: Layout,
}

impl Board<'_> {
    /// A number that has a name.
    fn number(&mut self, (x, y): (f64, f64), class: &str, name: &str, value: f64) {
        let attributes: Attributes<'_> = &[
            ("x", &Px(x)),
            ("y", &Px(y)),
            ("class", &class),
            ("data-number", &name),
        ];
        let text = text(self.net.numbers, value);
        self.svg.words("text", attributes, &text);
    }
}

/// The text of a number: a very large one with a power of ten, too.
fn text(numbers: Numbers, value: f64) -> String {
    const LARGE: f64 = 1e7;
    match value.abs() < LARGE {
        true => numbers.text(value),
        false => format!("{value:.*e}", numbers.0.saturating_sub(1)),
    }
}
