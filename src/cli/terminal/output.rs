//! Where words go: results to stdout, notes and progress to stderr, colours only where wanted.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    path::Path,
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use mlp::data::is_hidden;
use serde_json::Value;

use crate::cli::terminal::{
    charset::{self, Plain},
    json,
    wrap::{prose, wrapped},
};

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

/// Standard output that never stops the work: once it fails, the rest is dropped, and [`finish`](Self::finish)
/// tells. A run is worth more than its table.
pub struct Output {
    stream: Plain<AutoStream<io::Stdout>>,
    failed: Option<io::Error>,
}

impl Output {
    /// Standard output, coloured as `--color` and `NO_COLOR` say.
    pub fn stdout() -> Self {
        let symbols = charset::symbols(io::stdout().is_terminal());
        Self {
            stream: Plain {
                inner: AutoStream::auto(io::stdout()),
                symbols,
            },
            failed: None,
        }
    }

    /// A symbol, or what stands for it in a table of plain ASCII.
    pub fn or_plain(&self, symbol: &'static str, plain: &'static str) -> &'static str {
        match self.stream.symbols {
            true => symbol,
            false => plain,
        }
    }

    /// An object as a line of JSON, which is UTF-8 whatever the locale.
    pub fn json(&mut self, object: Value) -> io::Result<()> {
        self.verbatim(format_args!("{}\n", json::line(object)))
    }

    /// Text for a program.
    pub fn verbatim(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.unless_failed(|stream| stream.inner.write_fmt(text), ())
    }

    /// What went wrong, if anything did. A reader that has seen enough and closed the pipe is no error.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self.failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn unless_failed<T>(
        &mut self,
        act: impl FnOnce(&mut Plain<AutoStream<io::Stdout>>) -> io::Result<T>,
        dropped: T,
    ) -> io::Result<T> {
        if self.failed.is_some() {
            return Ok(dropped);
        }
        match act(&mut self.stream) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failed = Some(error);
                Ok(dropped)
            }
            result => result,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_failed(|s| s.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_failed(|s| s.flush(), ())
    }
}

/// Standard error. It may be closed; then nobody is there to read it, and writing is no error.
pub fn stderr() -> impl Write {
    Plain {
        inner: anstream::stderr(),
        symbols: charset::symbols(io::stderr().is_terminal()),
    }
}

/// The columns of the names of [`named_line`].
const NAMES: usize = 10;

/// A line that begins with a name; what does not fit goes on below, indented.
pub fn named_line(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    let name = format!(
        "{DIM}{name}{DIM:#}{:1$}",
        "",
        NAMES.saturating_sub(name.len())
    );
    writeln!(out, "{}", prose(&format!("{name}{text}"), NAMES))
}

/// `97.60 %`
pub fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

/// Text from outside, such as the name of a file: what a terminal would not show, but act on, is spelled out.
pub fn spelled(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let spell = |c: char| match is_hidden(c) {
        true => c.escape_default().collect::<String>(),
        false => c.to_string(),
    };
    text.chars().map(spell).collect::<String>().into()
}

/// The name of a file, in text for people.
pub fn named(path: &Path) -> String {
    spelled(&path.display().to_string()).into_owned()
}

/// The same of several lines.
fn spelled_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(spelled).collect();
    lines.join("\n")
}

/// A line on stderr that is not an error: `note: …`.
pub fn note(text: impl std::fmt::Display) {
    let text = spelled_lines(&text.to_string());
    say(format!("{WARN}note:{WARN:#} {text}"));
}

/// Why there is no result, on stderr.
pub fn complain(text: impl std::fmt::Display) {
    let text = spelled_lines(&text.to_string());
    say(format!("{BAD}error:{BAD:#} {text}"));
}

/// Prose on stderr, which a terminal would divide within words.
fn say(text: String) {
    let text = match io::stderr().is_terminal() {
        true => wrapped(&text, 2),
        false => text,
    };
    let _ = writeln!(stderr(), "{text}");
}

/// A plain line on stderr: what is going on.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(stderr(), "{text}");
}

/// The next useful command, on stderr so that a piped result stays clean. A program has no use for it.
pub fn next_step(command: impl std::fmt::Display) {
    if json::asked() {
        return;
    }
    let _ = writeln!(stderr(), "{DIM}next:{DIM:#} {command}");
}

/// `digits` after the point and at least two in the exponent, so that columns align: `-1.2e-09`.
pub fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let sign = if exponent.starts_with('-') { '-' } else { '+' };
            format!("{mantissa}e{sign}{:0>2}", exponent.trim_start_matches('-'))
        }
        None => text, // NaN, inf
    }
}

/// A count with thousands separated: `60,000`.
pub fn thousands(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

#[cfg(test)]
mod tests {
    use super::{scientific, thousands};

    #[test]
    fn scientific_numbers_have_exponents_of_two_digits() {
        let texts = [0.0, -1.23e-9, 3.0, 1e100, f64::NAN].map(|n| scientific(n, 1));
        assert_eq!(texts, ["0.0e+00", "-1.2e-09", "3.0e+00", "1.0e+100", "NaN"]);
    }

    #[test]
    fn thousands_are_separated_from_the_right() {
        let texts = [0, 999, 1000, 60_000, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "60,000", "1,234,567"]);
    }
}
