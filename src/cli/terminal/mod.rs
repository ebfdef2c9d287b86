//! What the terminal shows and takes: output, signals, files that the user named, what to type next.

pub mod charset;
pub mod describe;
pub mod hints;
pub mod interrupt;
pub mod json;
pub mod output;
pub mod own_file;
pub mod paths;
pub mod progress;
pub mod shades;
pub mod shell;
pub mod wrap;

/// How a command that ran to its end ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done: exit code 0.
    Done,
    /// A check found something wrong, and the report says what: exit code 1.
    Failed,
    /// There was nothing that could be judged, right or wrong: exit code 3.
    Unjudged,
}
