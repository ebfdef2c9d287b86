//! Where words go: results to stdout, notes and progress to stderr, colours only where wanted.

use std::{
    io::{self, Write},
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

/// Headings and names of things.
pub const BOLD: Style = Style::new().bold();
/// What is secondary: hints, units.
pub const DIM: Style = Style::new().dimmed();
/// A check passed.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// A check failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Worth a look.
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();

/// Standard output that outlives its reader: when a pipe closes, the rest is dropped and the work goes on.
pub struct Output {
    stream: anstream::AutoStream<io::Stdout>,
    closed: bool,
}

impl Output {
    /// Standard output, coloured as `--color` and `NO_COLOR` say.
    pub fn stdout() -> Self {
        Self {
            stream: anstream::AutoStream::auto(io::stdout()),
            closed: false,
        }
    }

    fn unless_closed<T: Default>(
        &mut self,
        act: impl FnOnce(&mut anstream::AutoStream<io::Stdout>) -> io::Result<T>,
        dropped: T,
    ) -> io::Result<T> {
        if self.closed {
            return Ok(dropped);
        }
        match act(&mut self.stream) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(dropped)
            }
            result => result,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(|s| s.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed(|s| s.flush(), ())
    }
}

/// A line on stderr that is not an error: `note: …`.
pub fn note(text: impl std::fmt::Display) {
    // stderr may be closed; then nobody is there to read the note.
    let _ = writeln!(anstream::stderr(), "{WARN}note:{WARN:#} {text}");
}

/// A plain line on stderr: what is going on.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// The next useful command, on stderr so that a piped result stays clean.
pub fn next_step(command: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{DIM}next:{DIM:#} {command}");
}

/// A progress bar on stderr, drawn only on a terminal.
///
/// `template` is indicatif's; `length` counts whatever the template shows.
pub fn progress_bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    bar.set_style(
        ProgressStyle::with_template(template)
            .expect("progress templates are constants")
            .progress_chars("━━ "),
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A count with thousands separated: `60,000`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_separated_from_the_right() {
        let texts = [0, 999, 1000, 60_000, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "60,000", "1,234,567"]);
    }
}
