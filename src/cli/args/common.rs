//! Flags that most commands have: `--json` and `--threads`.

use mlp::linalg::team::Team;

/// How many threads to use.
#[derive(clap::Args, Clone, Copy)]
#[command(next_help_heading = "Machine")]
pub struct ThreadArgs {
    /// Threads; the result is the same with any number [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// A team of so many.
    pub fn team(self) -> Team {
        Team::new(self.count())
    }

    /// Their number.
    pub fn count(self) -> usize {
        self.threads.map_or_else(Team::processors, usize::from)
    }
}

/// Whether to print for a program, of a command with one result.
#[derive(clap::Args, Clone, Copy)]
pub struct JsonArg {
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}
