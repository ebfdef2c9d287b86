//! Pictures of networks and runs.
//!
//! | file | what it is |
//! |---|---|
//! | `palette.rs` | what a colour means |
//! | `names.rs` | what layers are called |
//! | `svg.rs`, `png.rs`, `font.rs` | how files are written |
//! | [`drawing`] | a network and what one image makes of it |
//! | [`plot`] | runs, models, range tests, augmented images |
//! | [`page`] | a network that explains itself in a browser |
//! | [`worksheet`] | a pass to compute by hand, to print |

pub mod drawing;
mod font;
pub mod names;
pub mod page;
pub mod palette;
pub mod plot;
mod png;
mod svg;
pub mod worksheet;
