//! An image in a terminal.

use std::io::{self, Write};

use crate::cli::terminal::output::{DIM, Output};

const SHADES: [&str; 5] = ["  ", "░░", "▒▒", "▓▓", "██"];

/// The most columns of pixels that 80 columns of a terminal hold.
const MOST: usize = 37;

/// Prints an image, two characters a pixel, without its empty rows above and below; false if it is of one shade.
///
/// `value` gives a pixel's row and column a number from 0 to 1.
pub fn image(
    (rows, columns): (usize, usize),
    value: impl Fn(usize, usize) -> f64,
    out: &mut Output,
) -> io::Result<bool> {
    // What is too wide for a terminal is shown in blocks of several pixels.
    let by = columns.div_ceil(MOST).max(1);
    let mean = |row: usize, column: usize| {
        let rows = row * by..(row * by + by).min(rows);
        let block =
            rows.flat_map(|r| (column * by..(column * by + by).min(columns)).map(move |c| (r, c)));
        let values = block.map(|(r, c)| value(r, c));
        let (sum, count) = values.fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
        sum / f64::from(count.max(1))
    };
    let (all_rows, columns) = (rows.div_ceil(by), columns.div_ceil(by));
    let shade = |row: usize, column: usize| (mean(row, column) * 4.0).ceil() as usize;
    let is_filled = |&row: &usize| (0..columns).any(|c| shade(row, c) > 0);
    let filled: Vec<_> = (0..all_rows).filter(is_filled).collect();
    let (Some(&first), Some(&last)) = (filled.first(), filled.last()) else {
        return Ok(false);
    };
    for row in first..=last {
        let line: String = (0..columns)
            .map(|column| SHADES[shade(row, column).min(4)])
            .collect();
        writeln!(out, "{DIM}{:>4}{DIM:#}  {}", row * by, line.trim_end())?;
    }
    Ok(true)
}
