//! The command line: one file a command. All printing lives here.

mod data;
mod eval;
mod gradcheck;
mod interrupt;
mod network;
mod output;
mod train;

use std::{io::Write, process::ExitCode};

use clap::{ColorChoice, CommandFactory, Parser, Subcommand};

use interrupt::Interrupted;
use output::{BAD, Output};

/// Train, evaluate and gradient-check an MLP on MNIST, with a backward pass you can read.
#[derive(Parser)]
#[command(name = "mlp", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to colour the output (NO_COLOR is obeyed by auto)
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: ColorChoice,
}

#[derive(Subcommand)]
enum Command {
    Train(train::Train),
    Eval(eval::Eval),
    Gradcheck(gradcheck::Gradcheck),
    Data(data::Data),
}

/// How a command that ran to its end ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done: exit code 0.
    Done,
    /// A check found something wrong, and the report says what: exit code 1.
    Failed,
}

/// Runs the command line and returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let mut out = Output::stdout();
    let result = match cli.command {
        Command::Train(command) => command.run(&mut out),
        Command::Eval(command) => command.run(&mut out),
        Command::Gradcheck(command) => command.run(&mut out),
        Command::Data(command) => command.run(&mut out),
    };
    let result = result.and_then(|outcome| Ok(out.flush().map(|()| outcome)?));
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) if error.is::<clap::Error>() => {
            // Usage that the parser alone could not judge: same words, same exit code.
            let error: clap::Error = error.downcast().expect("just asked");
            error.format(&mut Cli::command()).exit()
        }
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "{BAD}error:{BAD:#} {error:#}");
            if error.is::<Interrupted>() {
                ExitCode::from(interrupt::EXIT_CODE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
