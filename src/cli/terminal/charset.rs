//! Whether the reader sees more than ASCII, and what stands in for it where not.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
};

/// Whether symbols beyond ASCII can be shown, on a terminal or to whoever reads a pipe.
///
/// On Unix the locale says so. Where none is set, a terminal is not trusted with it, and a pipe is. On Windows
/// the standard library hands the console its own encoding.
pub fn symbols(terminal: bool) -> bool {
    cfg!(windows) || locale_has_symbols(|name| env::var_os(name)).unwrap_or(!terminal)
}

/// What the locale says: the first that is set of the three variables counts.
fn locale_has_symbols(variable: impl Fn(&str) -> Option<OsString>) -> Option<bool> {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(variable);
    let locale = set.flatten().find(|locale| !locale.is_empty())?;
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    Some(locale.contains("utf-8") || locale.contains("utf8"))
}

/// What is shown instead of a symbol. Letters stay as they are but for the one that names of ours have:
/// others come from names of files.
fn stand_in(symbol: char) -> Option<&'static str> {
    Some(match symbol {
        '·' => "*",
        '≥' => ">=",
        '½' => "1/2",
        '−' | '–' => "-",
        '×' => "x",
        '…' => "...",
        '→' => "->",
        '←' => "<-",
        '±' => "+-",
        '°' => " deg",
        'µ' => "u",
        'ş' => "s",
        'ᵀ' => "^T",
        '²' => "^2",
        '³' => "^3",
        '∂' => "d",
        'Σ' => "sum",
        'ₙ' => "_n",
        '√' => "sqrt",
        'π' => "pi",
        '≤' => "<=",
        '≈' => "~",
        'σ' => "sigma",
        'α' => "alpha",
        'λ' => "lambda",
        '‖' => "||",
        '●' => "o",
        '○' => ".",
        // Shades and blocks, from light to dark and from low to high.
        '░' => ".",
        '▒' => "+",
        '▓' => "%",
        '█' => "#",
        '▁' => "_",
        '▂' => ".",
        '▃' => ":",
        '▄' => "-",
        '▅' => "=",
        '▆' => "+",
        '▇' => "*",
        '━' => "=",
        '\u{2800}' => " ",
        '\u{2801}'..='\u{28ff}' => "*",
        _ => return None,
    })
}

/// A text as it is shown.
pub fn plain(text: &str, symbols: bool) -> String {
    match symbols || text.is_ascii() {
        true => text.to_owned(),
        false => {
            let mut plain = String::new();
            for c in text.chars() {
                match stand_in(c) {
                    Some(text) => plain.push_str(text),
                    None => plain.push(c),
                }
            }
            plain
        }
    }
}

/// Passes text on, with stand-ins where symbols cannot be shown.
pub struct Plain<W> {
    pub inner: W,
    /// Whether symbols can be shown.
    pub symbols: bool,
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match str::from_utf8(bytes) {
            Ok(text) if !self.symbols && !text.is_ascii() => {
                self.inner.write_all(plain(text, false).as_bytes())?;
                Ok(bytes.len())
            }
            _ => self.inner.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let locale = |set: [&'static str; 3]| {
            let variable = move |name: &str| match (name, set) {
                ("LC_ALL", [value, ..]) | ("LC_CTYPE", [_, value, _]) | (_, [.., value]) => {
                    Some(OsString::from(value))
                }
            };
            locale_has_symbols(variable)
        };
        assert_eq!(locale(["", "", "en_GB.UTF-8"]), Some(true));
        assert_eq!(locale(["C", "", "en_GB.UTF-8"]), Some(false));
        assert_eq!(locale(["", "C.utf8", "C"]), Some(true));
        assert_eq!(locale(["", "", "POSIX"]), Some(false));
        assert_eq!(locale(["", "", ""]), None);
    }

    #[test]
    fn symbols_have_stand_ins_and_letters_stay() {
        let mut shown = Plain {
            inner: Vec::new(),
            symbols: false,
        };
        shown.write_all("x·w − b² → größe▁█".as_bytes()).unwrap();
        let text = String::from_utf8(shown.inner).unwrap();
        assert_eq!(text, "x*w - b^2 -> größe_#");
        assert_eq!(plain("x·w", true), "x·w");
    }

    /// Symbols that a later change prints must have a stand-in, too.
    #[test]
    fn no_symbol_of_ours_is_left_without_a_stand_in() {
        fn sources(folder: &std::path::Path, texts: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => sources(&path, texts),
                    false => texts.push(std::fs::read_to_string(path).unwrap()),
                }
            }
        }
        let mut texts = Vec::new();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli");
        sources(folder.as_ref(), &mut texts);
        let printed = texts.iter().flat_map(|text| text.lines());
        let printed = printed.filter(|line| !line.trim_start().starts_with("//"));
        for line in printed.filter(|line| !line.contains("größe")) {
            let left = plain(line, false);
            assert!(left.is_ascii(), "{line}");
        }
    }
}
