//! Everything but the count of allocations, in one binary: `cargo test --release --test all cli::` runs one part.

mod cli;
mod data;
mod exercises;
mod files;
mod gradients;
mod learns;
mod photos;
mod readme;
mod repository;
mod support;
