//! Flags that most commands have: `--json` and `--threads`.

use std::sync::Once;

use mlp::linalg::team::Team;

use crate::cli::{
    args::{available::threads_that_fit, number},
    terminal::output::note,
};

/// The most threads that are asked for.
const MOST_THREADS: u16 = 256;

/// How many threads to use.
#[derive(clap::Args, Clone, Copy)]
#[command(next_help_heading = "Machine")]
pub struct ThreadArgs {
    /// Threads; the result is the same with any number [default: OMP_NUM_THREADS, or one for each processor]
    #[arg(long, value_name = "N", value_parser = number::whole(1..=MOST_THREADS))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// A team of so many.
    pub fn team(self) -> Team {
        team_of(self.count())
    }

    /// Their number.
    pub fn count(self) -> usize {
        let said = || from_environment(std::env::var("OMP_NUM_THREADS").ok().as_deref());
        let threads = self.threads.or_else(said);
        threads.map_or_else(Team::processors, usize::from)
    }
}

/// A team of so many threads, with a note if the system allows fewer.
pub fn team_of(asked: usize) -> Team {
    // A command that classifies in blocks asks for several teams.
    static NOTED: Once = Once::new();
    let team = Team::new(asked.min(threads_that_fit()));
    let got = team.threads();
    if got < asked {
        NOTED.call_once(|| {
            note(format_args!(
                "{got} of the {asked} threads asked for: a limit on processes (ulimit -u, the container's) or on \
                 memory (ulimit -v) allows no more; the result is the same"
            ));
        });
    }
    team
}

/// What the variable of OpenMP says, which schedulers of clusters set; a list of numbers, or nonsense, is not heeded.
fn from_environment(text: Option<&str>) -> Option<u16> {
    let threads = text?.trim().parse().ok()?;
    (1..=MOST_THREADS).contains(&threads).then_some(threads)
}

/// Whether to print for a program, of a command with one result.
#[derive(clap::Args, Clone, Copy)]
pub struct JsonArg {
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::from_environment;

    #[test]
    fn a_number_of_threads_in_the_environment_is_heeded_if_it_is_one() {
        assert_eq!(from_environment(Some("4")), Some(4));
        assert_eq!(from_environment(Some(" 256\n")), Some(256));
        for text in ["", "0", "-1", "257", "4,2", "true", "1e3"] {
            assert_eq!(from_environment(Some(text)), None, "{text}");
        }
        assert_eq!(from_environment(None), None);
    }
}
