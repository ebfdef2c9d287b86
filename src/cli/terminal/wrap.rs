//! Prose wrapped between words.

use std::io::{self, IsTerminal};

use anstream::adapter::strip_str;

/// The columns that a terminal surely has.
const COLUMNS: usize = 80;
/// Prose for stdout, which a terminal would divide within words; a file keeps its lines as they are.
pub fn prose(text: &str, indent: usize) -> String {
    match io::stdout().is_terminal() {
        true => wrapped(text, indent),
        false => text.to_owned(),
    }
}

/// A text in lines that end between words; what was one line is indented from its second on.
///
/// Neither a word nor a command in backticks is divided, and colours take no room.
pub fn wrapped(text: &str, indent: usize) -> String {
    let width = |text: &str| {
        strip_str(text)
            .map(|part| part.chars().count())
            .sum::<usize>()
    };
    let mut wrapped = String::new();
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            wrapped.push('\n');
        }
        let own = line.len() - line.trim_start_matches(' ').len();
        let indent = own + indent;
        let (mut column, mut in_command) = (0, false);
        let words = line.split(|c| {
            in_command ^= c == '`';
            c == ' ' && !in_command
        });
        for (n, word) in words.enumerate() {
            if n == 0 || column <= own || column + 1 + width(word) <= COLUMNS {
                wrapped.push_str(if n == 0 { "" } else { " " });
                column += usize::from(n > 0);
            } else {
                wrapped.push_str(&format!("\n{:indent$}", ""));
                column = indent;
            }
            wrapped.push_str(word);
            column += width(word);
        }
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::output::BOLD;

    #[test]
    fn lines_end_between_words_and_colours_take_no_room() {
        let folder = "/a/folder".repeat(10);
        let text = format!("{BOLD}official{BOLD:#} MNIST from {folder}: 50,000 images");
        let lines = format!("{BOLD}official{BOLD:#} MNIST from\n  {folder}:\n  50,000 images");
        assert_eq!(wrapped(&text, 2), lines);
        for n in [40, 41] {
            let text = format!("{BOLD}{}{BOLD:#}", "x ".repeat(n).trim_end());
            assert_eq!(wrapped(&text, 0).lines().count(), n - 39);
        }
    }

    #[test]
    fn commands_and_lines_stay_whole() {
        let text = format!("{} run `mlp data --download`, or", "x".repeat(70));
        let lines = format!("{} run\n  `mlp data --download`, or", "x".repeat(70));
        assert_eq!(wrapped(&text, 2), lines);
        assert_eq!(wrapped("one\n  two", 2), "one\n  two");
        let long = "x".repeat(78);
        assert_eq!(
            wrapped(&format!("  {long} y"), 2),
            format!("  {long}\n    y")
        );
    }
}
