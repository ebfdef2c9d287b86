//! Flags that several commands share, and how their values are read: one file a job.

pub mod architecture;
pub mod augment;
pub mod available;
pub mod brief;
pub mod common;
pub mod data;
pub mod given;
pub mod hidden;
pub mod loss;
pub mod memory;
pub mod mistake;
pub mod model;
pub mod net;
pub mod number;
pub mod optim;
pub mod recipe;
pub mod remembered;
pub mod run;
pub mod settings;
pub mod split;
pub mod synonyms;

/// What is wrong with the flags together, which the parser alone cannot judge. The program shows the usage
/// of the command with it and exits with 2, as after an error of the parser.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

impl From<&str> for Usage {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
