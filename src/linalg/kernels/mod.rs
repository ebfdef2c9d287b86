//! What goes element by element.

mod elementary;
mod elementwise;
mod gather;
mod moments;
mod random;

pub use elementary::Elementary;
pub use elementwise::{AddRows, AddScaled, Map, ScaleColumns, Update, Update2, ZipMap, ZipMap3};
pub use gather::GatherRows;
pub use moments::moments;
pub use random::MapRandom;
