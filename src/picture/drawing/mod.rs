//! Drawings: a network and what one image makes of it, as SVG.
//!
//! A drawing needs nothing else: its style sheet is inside, with colours for light, dark and paper. Its
//! elements say what they are (`data-layer`, `data-unit`, `data-pixel`, `data-edge`, `data-class`), so
//! that a page that holds it can bring them to life; see [`network()`].

mod backward;
mod edges;
mod forward;
mod layout;
mod network;
mod outputs;
mod shade;
pub mod svg;
#[cfg(test)]
mod tests;
mod units;

pub use network::{BEGIN, Options, network};
