//! `mlp completions`: what a shell needs to complete commands, flags and their values.

use std::io::Write;

use clap_complete::{Shell, generate};

use crate::cli::terminal::{Outcome, output::Output};

/// Print what a shell needs to complete flags and values
///
/// It knows the names of recipes, mistakes, activations and presets. A new version of mlp may have others:
/// print it again then.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp completions bash > ~/.local/share/bash-completion/completions/mlp
  mlp completions zsh > ~/.zfunc/_mlp       a folder of fpath
  mlp completions fish > ~/.config/fish/completions/mlp.fish
  mlp completions powershell >> $PROFILE
  mlp completions elvish >> ~/.config/elvish/rc.elv")]
pub struct Completions {
    /// The shell that is to complete
    shell: Shell,
}

impl Completions {
    /// Runs the command, for this parser.
    pub fn run(self, mut parser: clap::Command, out: &mut Output) -> anyhow::Result<Outcome> {
        // `generate` panics where it cannot write, which a vector always takes.
        let mut script = Vec::new();
        generate(self.shell, &mut parser, "mlp", &mut script);
        out.write_all(&script)?;
        Ok(Outcome::Done)
    }
}
