//! `--json` of the commands that have one result.

/// Whether to print for a program.
#[derive(clap::Args, Clone, Copy)]
pub struct JsonArg {
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}
