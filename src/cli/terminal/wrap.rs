//! Lines of a table of names and texts, wrapped between words.

use std::io::{self, Write};

use anstream::adapter::strip_str;

use crate::cli::terminal::output::DIM;

/// The columns that a terminal surely has.
const COLUMNS: usize = 80;
/// The columns of the names.
const INDENT: usize = 10;

/// A line that begins with a name; what does not fit goes on below, indented. A word is never divided.
pub fn named_line(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    let mut lines = wrapped(text).into_iter();
    let first = lines.next().unwrap_or_default();
    writeln!(
        out,
        "{DIM}{name}{DIM:#}{:1$}{first}",
        "",
        INDENT.saturating_sub(name.len())
    )?;
    lines.try_for_each(|line| writeln!(out, "{:INDENT$}{line}", ""))
}

/// The lines of a text that fit beside the names. Colours take no room.
fn wrapped(text: &str) -> Vec<String> {
    let width = |text: &str| {
        strip_str(text)
            .map(|part| part.chars().count())
            .sum::<usize>()
    };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if INDENT + width(line) + 1 + width(word) <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::output::BOLD;

    #[test]
    fn lines_end_between_words_and_colours_take_no_room() {
        let folder = "/a/folder".repeat(10);
        let text = format!("{BOLD}official{BOLD:#} MNIST from {folder}: 50,000 images");
        let lines = wrapped(&text);
        assert_eq!(
            lines[1..],
            [format!("{folder}:"), "50,000 images".to_owned()]
        );
        let text = format!("{BOLD}{}{BOLD:#}", "x ".repeat(35).trim_end());
        assert_eq!(wrapped(&text).len(), 1);
        assert_eq!(wrapped(&"x ".repeat(36)).len(), 2);
    }
}
