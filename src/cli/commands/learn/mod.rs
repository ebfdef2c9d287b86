//! `mlp learn`: exercises that check themselves, and name the mistake.

mod check;
mod checker;
mod errors;
mod folder;
mod hint;
mod init;
mod print;
mod rust;
mod sandbox;
mod status;
mod watch;
mod words;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use clap::Subcommand;
use mlp::learn::{Exercise, exercise, exercises};

use self::{
    checker::{Checker, Mnist},
    folder::Folder,
    sandbox::Limits,
};
use crate::cli::{
    args::{data::DataArgs, number},
    terminal::{Outcome, output::Output, shell::shell_quote},
};

/// Write the lesson yourself: exercises that name the mistake
///
/// `mlp learn init` writes 24 small files: from a linear layer to a network that trains on MNIST, and the
/// matrix calculus behind it. Each has a docstring and a function that is still to be written. `mlp learn check` runs
/// yours on batches that are new every time, and names the line that is wrong and the mistake that gives these very
/// numbers. The formula is told only by `mlp learn hint`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn init                  the exercises in Python, in the folder learn
  mlp learn check                 yours in turn, up to the first that is wrong
  mlp learn hint 3                what helps with it, a little more every time
  mlp learn watch                 check on every save
  mlp learn check --all --json    for a grader")]
pub struct Learn {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Init(init::Init),
    Check(Box<check::Check>),
    Hint(hint::Hint),
    Status(status::Status),
    Watch(Box<watch::Watch>),
    Errors(errors::Errors),
}

/// Where the exercises are.
#[derive(clap::Args)]
struct DirArg {
    /// The folder of the exercises [default: the current one, or learn in it]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How a student's program is run.
#[derive(clap::Args)]
struct RunArgs {
    /// Seconds that a program may take [default: 10, and 120 for the training loop]
    #[arg(long, value_name = "SECONDS", value_parser = number::above_0::<f64>, help_heading = "Limits")]
    timeout: Option<f64>,

    /// Memory that it may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = number::whole(16..=1_048_576_u32), help_heading = "Limits")]
    memory: u32,

    /// Python's command [default: python3, or python]
    #[arg(long, value_name = "COMMAND", help_heading = "Limits")]
    python: Option<String>,

    /// Of the numbers that the functions are fed [default: another one every time]
    #[arg(long, value_name = "N", value_parser = number::whole(0..=u64::MAX))]
    seed: Option<u64>,

    /// Keep what a program was asked and what it answered, in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    #[command(flatten)]
    data: DataArgs,
}

fn parse_exercise(text: &str) -> Result<&'static Exercise, String> {
    exercise(text).ok_or_else(|| {
        format!(
            "expected a number from 1 to {}, or a name such as lin; mlp learn status lists them",
            exercises().len()
        )
    })
}

impl Learn {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        match self.what {
            What::Init(command) => command.run(out),
            What::Check(command) => command.run(out),
            What::Hint(command) => command.run(out),
            What::Status(command) => command.run(out),
            What::Watch(command) => command.run(out),
            What::Errors(command) => command.run(out),
        }
    }
}

/// The flag that finds this folder again; nothing where it is found without.
fn dir_flag(folder: &Folder) -> String {
    match Folder::find(None) {
        Ok(found) if same(&found.path, &folder.path) => String::new(),
        _ => format!(" --dir {}", shell_quote(&folder.path)),
    }
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok() == other.canonicalize().ok()
}

impl RunArgs {
    /// A seed: that asked for, or one that is new every time.
    fn seed(&self) -> u64 {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH);
        // Short enough to be typed again.
        let new = || now().map_or(0, |now| u64::from(now.subsec_micros()));
        self.seed.unwrap_or_else(new)
    }

    fn limits(&self) -> Limits {
        const USUAL: f64 = 10.0;
        // A day is as good as for ever.
        let seconds = self.timeout.unwrap_or(USUAL).min(86_400.0);
        Limits {
            time: Duration::from_secs_f64(seconds),
            memory: self.memory.into(),
            offline: true,
        }
    }

    fn mnist(&self) -> anyhow::Result<Mnist> {
        const VALID: usize = 10_000;
        let data = self.data.load().context("the training loop needs MNIST")?;
        let (train, valid) = data.train.split_last(VALID)?;
        Ok(Mnist { train, valid })
    }

    fn checker<'a>(
        &self,
        folder: &'a Path,
        mnist: &'a dyn Fn() -> anyhow::Result<Mnist>,
    ) -> Checker<'a> {
        Checker {
            folder,
            python: self.python.clone(),
            seed: self.seed(),
            limits: self.limits(),
            time_given: self.timeout.is_some(),
            keep: self.keep.clone(),
            mnist,
        }
    }
}
