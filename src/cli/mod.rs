//! The command line. All printing lives here.
//!
//! `commands` use `args` and `terminal`, and never each other; `args` use `terminal`.

mod args;
mod commands;
mod terminal;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::{
    ArgMatches, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::ErrorKind,
};
use mlp::linalg;

use args::{Usage, brief, recipe, synonyms};
use commands::{
    augment_preview, bench, compare, completions, data, eval, explain, export, export_batch,
    gradcheck, learn, lr_find, man, plot, predict, recipes, sweep, train, worksheet,
};
use terminal::{
    Outcome, hints,
    interrupt::{self, Interrupted},
    json,
    output::{Output, complain, spelled, stderr},
};

/// Train, evaluate and check an MLP on MNIST, with a backward pass you can read
#[derive(Parser)]
#[command(
    name = "mlp",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  mlp train                 train a network, save it as model.bin
  mlp eval model.bin        measure it on images that it has never seen
  mlp predict model.bin my.png   what it says of your own picture
  mlp explain model.bin     follow one image through it and back, in numbers
  mlp gradcheck             check every gradient against finite differences
  mlp learn init            write them yourself: exercises that name the mistake

`mlp train -h` shows the flags most needed, `mlp help train` all of them.
Exit code: 0 done, 1 failed, 2 wrong usage, 3 nothing to judge, 128 + signal."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to colour the output (NO_COLOR is obeyed by auto)
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_short_help = true,
        help_heading = "Output"
    )]
    color: ColorChoice,
}

#[derive(Subcommand)]
enum Command {
    // Boxed: their flags are many times those of the others.
    Train(Box<train::Train>),
    LrFind(Box<lr_find::LrFind>),
    Sweep(sweep::Sweep),
    Eval(eval::Eval),
    Predict(predict::Predict),
    Compare(compare::Compare),
    Gradcheck(gradcheck::Gradcheck),
    Explain(explain::Explain),
    Learn(learn::Learn),
    Worksheet(worksheet::Worksheet),
    Plot(plot::Plot),
    Export(export::Export),
    ExportBatch(export_batch::ExportBatch),
    Bench(bench::Bench),
    Data(data::Data),
    AugmentPreview(augment_preview::AugmentPreview),
    Recipes(recipes::Recipes),
    Completions(completions::Completions),
    #[command(name = "man")]
    Manual(man::Manual),
}

/// Runs the command line and returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 nothing to judge, 130 or the
/// like interrupted.
pub fn run() -> ExitCode {
    let matches = parse(std::env::args_os().collect()).map_err(synonyms::with_instead);
    let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    if json_asked(std::env::args_os()) {
        json::ask();
    }
    paint(match &parsed {
        _ if json::asked() => ColorChoice::Never,
        Ok(cli) => cli.color,
        Err(_) => colour_asked(std::env::args_os()),
    });
    let mut out = Output::stdout();
    let result = match parsed {
        Ok(cli) => cli.command.run(&mut out),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => version(&mut out),
        Err(error) => Err(error.into()),
    };
    let code = match result {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::Failed) => 1,
        Ok(Outcome::Unjudged) => 3,
        Err(error) => report(&error, &mut out),
    };
    match out.finish() {
        Ok(()) => code.into(),
        Err(error) => {
            complain(format_args!("the results could not be printed: {error}"));
            code.max(1).into()
        }
    }
}

impl Command {
    fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        choose_instructions()?;
        interrupt::listen()?;
        let (name, result) = match self {
            Self::Train(command) => ("train", command.run(out)),
            Self::LrFind(command) => ("lr-find", command.run(out)),
            Self::Sweep(command) => ("sweep", command.run(out)),
            Self::Eval(command) => ("eval", command.run(out)),
            Self::Predict(command) => ("predict", command.run(out)),
            Self::Compare(command) => ("compare", command.run(out)),
            Self::Gradcheck(command) => ("gradcheck", command.run(out)),
            Self::Explain(command) => ("explain", command.run(out)),
            Self::Learn(command) => ("learn", command.run(out)),
            Self::Worksheet(command) => ("worksheet", command.run(out)),
            Self::Plot(command) => ("plot", command.run(out)),
            Self::Export(command) => ("export", command.run(out)),
            Self::ExportBatch(command) => ("export-batch", command.run(out)),
            Self::Bench(command) => ("bench", command.run(out)),
            Self::Data(command) => ("data", command.run(out)),
            Self::AugmentPreview(command) => ("augment-preview", command.run(out)),
            Self::Recipes(command) => ("recipes", command.run(out)),
            Self::Completions(this) => ("completions", this.run(command(), out)),
            Self::Manual(this) => ("man", this.run(command(), out)),
        };
        result.map_err(|error| match error.downcast::<Usage>() {
            // As the parser says it: with the usage of the command, and the same exit code.
            Ok(Usage(text)) => {
                let mut all = command();
                all.build();
                let this = all.find_subcommand_mut(name).expect("it has just run");
                this.error(ErrorKind::ArgumentConflict, text).into()
            }
            Err(error) => error,
        })
    }
}

/// Obeys the variable `MLP_INSTRUCTIONS`, which is for tests and measurements.
fn choose_instructions() -> Result<(), clap::Error> {
    const VARIABLE: &str = "MLP_INSTRUCTIONS";
    let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
        return Ok(());
    };
    linalg::choose_instructions(&name.to_string_lossy()).map_err(|error| {
        let text = format!("{VARIABLE}: {error}; unset it for the fastest");
        command().error(ErrorKind::InvalidValue, text)
    })
}

/// Prints what this build is, which is what a report of a fault begins with.
fn version(out: &mut Output) -> anyhow::Result<Outcome> {
    choose_instructions()?;
    // Only who builds knows the commit: a package and an archive have no history.
    let commit = option_env!("MLP_COMMIT").filter(|commit| !commit.is_empty());
    let commit = commit.map(|commit| format!("commit {commit}, "));
    writeln!(
        out,
        "mlp {} ({}{})",
        env!("CARGO_PKG_VERSION"),
        commit.unwrap_or_default(),
        linalg::instructions()
    )?;
    Ok(Outcome::Done)
}

/// What stands on the command line, and in the recipe that it names.
fn parse(words: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let matches = command().try_get_matches_from(&words)?;
    match recipe::with_recipe(command(), &matches) {
        Some(command) => command.try_get_matches_from(words),
        None => Ok(matches),
    }
}

/// The parser. `--lr -1` is a bad number, not an unknown flag `-1`.
fn command() -> clap::Command {
    let number = |arg: clap::Arg| {
        let takes_values = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes_values)
    };
    let parser = brief::with_brief_help(synonyms::with_synonyms(Cli::command()));
    parser.mut_subcommands(|this| this.mut_args(number))
}

/// Prints why there is no result, or the help asked for; returns the exit code.
fn report(error: &anyhow::Error, out: &mut Output) -> u8 {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        let text = shown(&usage.render().ansi().to_string());
        // Output takes its own failures down, and a closed stderr has no reader to miss it.
        let _ = match usage.use_stderr() {
            true => write!(stderr(), "{text}"),
            false => write!(out, "{text}"),
        };
        return u8::try_from(usage.exit_code()).unwrap_or(2);
    }
    complain(hints::with_advice(error));
    match error.is::<Interrupted>() {
        true => interrupt::exit_code(),
        false => 1,
    }
}

/// What the parser says, in which an argument may stand as it was given: its colours stay, and nothing else that a
/// terminal would act on.
fn shown(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let parts: Vec<_> = line.split('\x1b').map(spelled).collect();
        parts.join("\x1b")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn paint(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// What `--color` says, for help and errors of the parser, which then gives no values.
fn colour_asked(args: impl Iterator<Item = OsString>) -> ColorChoice {
    let args: Vec<_> = args.filter_map(|arg| arg.into_string().ok()).collect();
    let asked = args.iter().enumerate().find_map(|(i, arg)| {
        let value = match arg.as_str() {
            "--color" => args.get(i + 1).map(String::as_str),
            arg => arg.strip_prefix("--color="),
        };
        ColorChoice::from_str(value?, false).ok()
    });
    asked.unwrap_or(ColorChoice::Auto)
}

/// Whether results are printed for a program, even if nothing else parses.
fn json_asked(args: impl Iterator<Item = OsString>) -> bool {
    args.take_while(|arg| arg != "--")
        .any(|arg| arg == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound() {
        command().debug_assert();
    }

    /// What a refused value is answered with, where one was refused.
    fn refusal(words: &[&str]) -> Option<String> {
        let error = command().try_get_matches_from(words).err()?;
        let values = [ErrorKind::ValueValidation, ErrorKind::InvalidValue];
        values.contains(&error.kind()).then(|| error.to_string())
    }

    #[test]
    fn a_bad_number_is_answered_with_what_is_expected() {
        let mut all = command();
        all.build();
        let huge = format!("1{}", "0".repeat(30));
        let values = [
            "0",
            "-1",
            "NaN",
            "inf",
            "-inf",
            "1e308",
            "1e400",
            "",
            "18446744073709551616",
            &huge,
            "\u{661}",
            "1,x",
        ];
        let mut flags = 0;
        for this in all.get_subcommands() {
            let takes_values = |arg: &&clap::Arg| arg.get_action().takes_values();
            for arg in this.get_arguments().filter(takes_values) {
                let Some(long) = arg.get_long() else {
                    continue; // a file
                };
                flags += 1;
                for value in values {
                    let word = format!("--{long}={value}");
                    let Some(text) = refusal(&["mlp", this.get_name(), &word]) else {
                        continue;
                    };
                    let says = ["expected", "possible values", "a value is required"];
                    assert!(
                        says.iter().any(|says| text.contains(says)),
                        "{word}: {text}"
                    );
                }
                let Some(text) = refusal(&["mlp", this.get_name(), &format!("--{long}"), "-1"])
                else {
                    continue;
                };
                assert!(!text.contains("unexpected"), "{long}: {text}");
            }
        }
        assert!(flags > 100, "{flags} flags");
    }

    /// A parser that makes another type than its field panics only when the field is read.
    #[test]
    fn what_is_parsed_has_the_type_of_its_field() {
        for line in [
            "train",
            "train --epochs 1 --patience 1 --hold-test 1 --valid 1 --threads 1",
            "train --optimizer adam --beta1 0.9 --beta2 0.999 --eps 1e-8",
            "lr-find",
            "sweep",
            "sweep --lr 0.03,0.1 --hidden 50,50-20 --seeds 2 --minutes 1 --epochs 1",
            "train --from model.bin --normalize 0.1,0.3",
            "eval model.bin --threads 1",
            "predict model.bin my.png",
            "compare a.bin b.bin",
            "gradcheck",
            "explain",
            "explain --logits 0.5,-1 --target 0",
            "worksheet --hidden 2,2 --seed 1 --blank z,p --precision 3 --lr 0.5",
            "worksheet --check answers.csv --net net.json --json",
            "plot run",
            "export model.bin --to onnx",
            "export-batch model.bin",
            "bench --threads 1,2",
            "bench --hidden 5 --batch-size 3",
            "data",
            "augment-preview --out a.png",
            "augment-preview --out a.png --rotation 1 --shear 1 --scale 0.1 --translation 1 --sigma 1 --alpha 1",
            "recipes",
            "completions bash",
            "man pages",
        ] {
            let words = ["mlp"].into_iter().chain(line.split(' '));
            let matches = command().try_get_matches_from(words).unwrap();
            Cli::from_arg_matches(&matches).unwrap();
        }
    }

    #[test]
    fn no_help_is_wider_than_a_terminal_and_no_example_is_wrapped() {
        let mut all = command().term_width(80);
        all.build();
        let mut commands = vec![all];
        while let Some(mut command) = commands.pop() {
            if command.get_name() == "help" {
                continue; // it repeats the others
            }
            commands.extend(command.get_subcommands().cloned());
            let help = command.render_long_help().to_string();
            // The value of a variable is as long as it is.
            for line in help.lines().filter(|line| !line.contains("[env: ")) {
                assert!(line.chars().count() <= 80, "{line}");
            }
            let examples = command.get_after_long_help();
            let examples = examples.or(command.get_after_help());
            let examples = examples.expect("a command with examples");
            let examples = examples.to_string();
            assert!(examples.starts_with("Examples:\n  mlp "), "{examples}");
            assert!(help.contains(&examples), "{help}\nwraps {examples}");
        }
    }

    #[test]
    fn short_help_fits_on_a_screen_and_begins_with_what_most_runs_need() {
        let mut all = command().term_width(80);
        all.build();
        let flags = "--epochs --lr --batch-size --hidden";
        let train = all.find_subcommand_mut("train").unwrap();
        let short = train.render_help().to_string();
        let places = flags.split(' ').map(|flag| short.find(flag).unwrap());
        assert!(places.is_sorted(), "{short}");
        for (name, first) in brief::FIRST {
            let learn = all.find_subcommand("learn").unwrap();
            let command = all.find_subcommand(name).or(learn.find_subcommand(name));
            let command = command.unwrap_or_else(|| panic!("{name} is a command"));
            for flag in first {
                let mut flags = command.get_arguments().filter_map(|arg| arg.get_long());
                assert!(flags.any(|known| known == *flag), "{name} --{flag}");
            }
        }
        let mut commands = vec![all];
        while let Some(mut command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            let help = command.render_help().to_string();
            let rows = help.lines().count();
            assert!(rows <= brief::SCREEN, "{rows} rows:\n{help}");
        }
    }

    #[test]
    fn the_colour_is_known_even_if_nothing_else_parses() {
        for (line, expected) in [
            ("mlp bogus --color always", ColorChoice::Always),
            ("mlp --color=never --help", ColorChoice::Never),
            ("mlp --color", ColorChoice::Auto),
            ("mlp --color pink", ColorChoice::Auto),
            ("mlp", ColorChoice::Auto),
        ] {
            let args = line.split(' ').map(OsString::from);
            assert_eq!(colour_asked(args), expected, "{line}");
        }
    }
}
