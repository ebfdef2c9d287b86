//! Files that outlive a run, and what the reader of each believes: nothing that it has not checked.

pub mod arrays;
pub mod checkpoint;
pub mod model;
pub mod run;
