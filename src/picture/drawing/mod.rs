//! Drawings: a network and what one image makes of it, as SVG.
//!
//! A drawing needs nothing else: its style sheet is inside, with the [palette](super::palette) of both themes. Its
//! elements say what they are (`data-layer`, `data-unit`, `data-pixel`, `data-edge`, `data-class`), so
//! that a page that holds it can bring them to life; see [`network()`]. A [`small_net`] of any inputs, from a file, has
//! each of its units, weights and gradients in numbers.

mod backward;
mod canvas;
mod edges;
mod forward;
mod layout;
mod network;
mod options;
mod outputs;
mod shade;
mod small;
#[cfg(test)]
mod tests;
mod units;

pub use network::{BEGIN, network};
pub use options::Options;
pub use small::{SmallNet, TooLarge, check_size, small_net};
