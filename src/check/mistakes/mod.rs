//! The known mistakes of hand-written backpropagation: what each does, where it comes from, and the formula
//! that fixes it.
//!
//! Each is written down twice, independently:
//!
//! - [`plant`] puts it into a running network, so that one can watch it train and see it caught;
//! - [`against()`] and [`diagnose`] compare gradients with what each makes of the formulas on the board, alone
//!   and with others, tensor by tensor, and name the smallest sets that fit.

mod against;
mod board;
mod estimate;
mod faulty;
mod lines;
mod list;
mod names;
mod places;
mod problem;
mod search;
mod shape;
mod slip;
mod stumbles;

pub use against::{Judged, Judgement, Verdict, against, diagnose};
pub use faulty::plant;
pub use list::{Mistake, UnknownMistake};
pub use names::{How, What};
pub use problem::{Objective, Problem, Reduction, Step, right_gradients};
pub use search::Explanation;
pub use shape::{NamedArray, Precision, shape_text};
pub use slip::Slip;
pub use stumbles::{STUMBLES, Stumble};

use ndarray::Array2;

/// The gradient of every parameter, module by module, with its name, such as `2.weight`.
pub type Gradients = Vec<(String, Array2<f64>)>;
