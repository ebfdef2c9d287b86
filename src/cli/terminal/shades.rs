//! An image in a terminal.

use std::io::{self, Write};

use crate::cli::terminal::output::{DIM, Output};

const SHADES: [&str; 5] = ["  ", "░░", "▒▒", "▓▓", "██"];

/// Prints an image, two characters a pixel, without its empty rows above and below; false if it is of one shade.
///
/// `value` gives a pixel's row and column a number from 0 to 1.
pub fn image(
    (rows, columns): (usize, usize),
    value: impl Fn(usize, usize) -> f64,
    out: &mut Output,
) -> io::Result<bool> {
    let shade = |row: usize, column: usize| (value(row, column) * 4.0).ceil() as usize;
    let is_filled = |&row: &usize| (0..columns).any(|c| shade(row, c) > 0);
    let filled: Vec<_> = (0..rows).filter(is_filled).collect();
    let (Some(&first), Some(&last)) = (filled.first(), filled.last()) else {
        return Ok(false);
    };
    for row in first..=last {
        let line: String = (0..columns)
            .map(|column| SHADES[shade(row, column).min(4)])
            .collect();
        writeln!(out, "{DIM}{row:>4}{DIM:#}  {}", line.trim_end())?;
    }
    Ok(true)
}
