//! The `mlp` command: parse, run, print the error chain, exit.

mod cli;
mod out_of_memory;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: out_of_memory::OrExit = out_of_memory::OrExit;

fn main() -> ExitCode {
    cli::run()
}
