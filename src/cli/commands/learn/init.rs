//! `mlp learn init`: the exercises, written into a folder.

use std::{io::Write, path::PathBuf};

use clap::{ValueEnum, builder::PossibleValue};
use mlp::learn::{Language, exercises};

use super::{
    dir_flag,
    folder::{Folder, Progress},
    rust,
};
use crate::cli::terminal::{
    Outcome,
    output::{BOLD, Output, named, next_step},
};

/// Write the exercises into a folder; files that are there are kept
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn init                       in Python, with NumPy
  mlp learn init rusty --language rust
  mlp learn init                       again: adds what was deleted")]
pub(super) struct Init {
    /// The folder
    #[arg(default_value = "learn")]
    dir: PathBuf,

    /// The language of the exercises
    #[arg(long, value_enum, default_value = "python")]
    language: LanguageName,
}

#[derive(Clone, Copy)]
struct LanguageName(Language);

impl ValueEnum for LanguageName {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Language::Python), Self(Language::Rust)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

impl Init {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let Self {
            dir,
            language: LanguageName(language),
        } = self;
        let (folder, kept) = Folder::init(&dir, language)?;
        if language == Language::Rust {
            rust::package(&dir)?;
        }
        let all = exercises();
        let written = all.len() - kept;
        let kept = match kept {
            0 => String::new(),
            kept => format!(", {kept} that were there are as they were"),
        };
        let [first, last] = [&all[0], &all[all.len() - 1]].map(|e| e.file_name(language));
        writeln!(
            out,
            "{written} exercises in {BOLD}{}{BOLD:#}: {first} to {last}{kept}",
            named(&folder.path)
        )?;
        let first = all
            .iter()
            .find(|e| folder.progress(e) != Progress::Passed)
            .unwrap_or(&all[0]);
        writeln!(
            out,
            "begin with {}: its docstring says what to write",
            named(&folder.file(first))
        )?;
        out.flush()?;
        next_step(format_args!(
            "mlp learn check {}{}",
            first.number,
            dir_flag(&folder)
        ));
        Ok(Outcome::Done)
    }
}
