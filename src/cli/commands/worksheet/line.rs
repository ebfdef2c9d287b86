//! The line that says which sheet a table of answers belongs to: the command that makes it.

use clap::Parser;

use super::Worksheet;

/// How the line begins.
pub(super) const BEGINNING: &str = "mlp worksheet";

/// How the line with the checksum of a network begins.
pub(super) const CHECKSUM: &str = "sha256 of the network: ";

/// The flags alone.
#[derive(Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Alone {
    #[command(flatten)]
    worksheet: Worksheet,
}

/// The worksheet of a line, which may come from anywhere: it can only say which sheet it is.
pub(super) fn worksheet(line: &str) -> Result<Worksheet, String> {
    let fault = || {
        format!(
            "the line `# {}` is not one that mlp worksheet has written: copy it from the top of the sheet",
            line.chars().take(200).collect::<String>()
        )
    };
    let flags = line.strip_prefix(BEGINNING).ok_or_else(fault)?;
    let words = words(flags).ok_or_else(fault)?;
    let alone = Alone::try_parse_from(words).map_err(|_| fault())?;
    let worksheet = alone.worksheet;
    let does_more = worksheet.check.is_some()
        || worksheet.out.is_some()
        || worksheet.answer_form.is_some()
        || worksheet.force
        || worksheet.no_answers;
    match does_more {
        true => Err(fault()),
        false => Ok(worksheet),
    }
}

/// The words of a command, as a shell reads plain ones and those in single quotes.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match sign {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match signs.next()? {
                        '\'' => break,
                        sign => word.push(sign),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(signs.next()?),
            sign => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::terminal::shell::shell_quote;

    #[test]
    fn words_are_those_of_a_shell() {
        for path in [
            "net.json",
            "my net.json",
            "it's.json",
            "a\\b.json",
            "a,x.json",
        ] {
            let line = format!(" --net  {}", shell_quote(Path::new(path)));
            assert_eq!(words(&line).unwrap(), ["--net", path]);
        }
        assert_eq!(words("'open"), None);
        assert_eq!(words("open\\"), None);
    }

    #[test]
    fn a_line_says_which_sheet_it_is_and_nothing_else() {
        let read = worksheet("mlp worksheet --hidden 2,3 --seed 7 --blank z,dz --precision 3");
        let read = read.ok().unwrap();
        assert_eq!((read.network.seed, read.precision), (Some(7), Some(3)));
        for line in [
            "mlp train",
            "mlp worksheet --seed",
            "mlp worksheet --seed x",
            "mlp worksheet --out x.html",
            "mlp worksheet --seed 1 --force",
            "mlp worksheet --check answers.csv",
            "mlp worksheet --help",
            "mlp worksheet --net 'open",
            "mlp worksheet file",
        ] {
            let error = worksheet(line).err().unwrap();
            assert!(error.contains("top of the sheet"), "{error}");
        }
    }
}
