//! `mlp man`: a manual page for every command.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap_mangen::Man;

use crate::cli::terminal::{
    Outcome,
    output::{Output, named},
    own_file::{Kind, begins, check_folder},
};

/// Write the manual pages
///
/// They say what --help says. Pages of an older version are replaced, other files are not.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp man pages && man pages/mlp-train.1
  mlp man ~/.local/share/man/man1       where man finds them by name")]
pub struct Manual {
    /// Folder to write them to
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Replace files that are no manual pages
    #[arg(long, help_heading = "Output")]
    force: bool,
}

impl Manual {
    /// Runs the command, for this parser.
    pub fn run(self, parser: clap::Command, out: &mut Output) -> anyhow::Result<Outcome> {
        check_folder(&self.folder, PAGE.flag)?;
        let pages = pages(parser)?;
        for (name, _) in &pages {
            PAGE.check_writable(&self.folder.join(name), self.force)?;
        }
        for (name, text) in &pages {
            PAGE.save(&self.folder.join(name), text)?;
        }
        let (count, folder) = (pages.len(), named(&self.folder));
        writeln!(out, "saved {count} manual pages in {folder}")?;
        Ok(Outcome::Done)
    }
}

const PAGE: Kind = Kind {
    flag: "DIR",
    example: "mlp.1",
    what: "manual page",
    is_one: |path| begins(path, BEGINS.as_bytes()),
};

/// How clap_mangen begins a page.
const BEGINS: &str = r".ie \n(.g .ds Aq \(aq";

/// The name and the text of every page: `mlp.1`, `mlp-train.1`, `mlp-learn-check.1`, ….
fn pages(parser: clap::Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    // `help` repeats the others.
    let mut parser = parser.disable_help_subcommand(true);
    parser.build();
    let (mut pages, mut commands) = (Vec::new(), vec![parser]);
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().cloned());
        // What the short help leaves out would stand there without a word.
        let command = command.mut_args(|arg| arg.hide_short_help(false));
        let page = Man::new(command).source(concat!("mlp ", env!("CARGO_PKG_VERSION")));
        let mut text = Vec::new();
        page.render(&mut text)?;
        let text =
            String::from_utf8_lossy(&text).replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n");
        pages.push((page.get_filename(), text.into_bytes()));
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_that_is_known_as_one() {
        let sub = |name: &'static str| clap::Command::new(name);
        let parser = sub("mlp").subcommand(sub("learn").subcommand(sub("check")));
        let pages = pages(parser).unwrap();
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["mlp.1", "mlp-learn.1", "mlp-learn-check.1"]);
        for (name, text) in pages {
            assert!(text.starts_with(BEGINS.as_bytes()), "{name}");
        }
    }
}
