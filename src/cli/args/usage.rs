//! Wrong usage that the parser alone cannot judge.

/// What is wrong with the flags together. The program shows the usage of the command with it and exits
/// with 2, as after an error of the parser.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

impl From<&str> for Usage {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
