//! What the terminal shows and takes: output, signals, files that the user named.

pub mod interrupt;
pub mod output;
pub mod own_file;
