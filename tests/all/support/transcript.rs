//! Documents with commands in them, and whether what a document shows is what the program prints.
//!
//! A line of `…` stands for any lines, and `…` at the end of a line for the rest of it. Everything else must be
//! there, in order, to the letter, but for what differs between two runs or two machines: durations, speeds and
//! threads are left out, losses and accuracies of a trained network and rounding errors may differ a little.

/// A command, and the lines that a document says it prints.
pub struct Shown {
    /// Where the command stands.
    pub line: usize,
    pub command: String,
    pub lines: Vec<String>,
}

/// The commands of the program in blocks marked as console: what is behind `$ `, and what follows each.
pub fn commands(document: &str) -> Vec<Shown> {
    let mut inside = false;
    let mut commands: Vec<Shown> = Vec::new();
    for (number, line) in document.lines().enumerate() {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            commands.push(Shown {
                line: number + 1,
                command: command.to_owned(),
                lines: Vec::new(),
            });
        } else if let (true, Some(shown)) = (inside, commands.last_mut()) {
            shown.lines.push(line.to_owned());
        }
    }
    commands.retain(|shown| shown.command.starts_with("mlp "));
    commands
}

/// The first line of a document that is not what was printed, if any. Where the document shows nothing, it
/// claims nothing.
pub fn stale<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    if shown.is_empty() {
        return None;
    }
    let mut rest: Vec<_> = printed.trim_end().lines().collect();
    let stretches: Vec<_> = shown.split(|line| line.trim() == "…").collect();
    let last = stretches.len() - 1;
    for (i, stretch) in stretches.into_iter().enumerate() {
        let alike = |at: usize| {
            let lines = stretch.iter().zip(&rest[at..]);
            lines.take_while(|(s, p)| same(s, p)).count()
        };
        let room = rest.len().checked_sub(stretch.len());
        let mut places = match (i, room) {
            (_, None) => 0..0,
            (0, Some(room)) if last == 0 && room > 0 => 0..0,
            (0, Some(_)) => 0..1,
            (_, Some(room)) if i == last => room..room + 1,
            (_, Some(room)) => 0..room + 1,
        };
        let Some(at) = places.find(|&at| alike(at) == stretch.len()) else {
            let nearest = (0..=rest.len()).map(alike).max().unwrap_or(0);
            let wrong = stretch.get(nearest).map(String::as_str);
            return wrong.or(Some("the end, where more is printed"));
        };
        rest.drain(..at + stretch.len());
    }
    None
}

/// Whether a line of a document is the printed one.
fn same(shown: &str, printed: &str) -> bool {
    let (shown, cut) = match shown.strip_suffix('…') {
        Some(shown) => (shown, true),
        None => (shown, false),
    };
    let (shown, mut printed) = (comparable(shown), comparable(printed));
    if cut {
        printed.truncate(shown.len());
    }
    shown.len() == printed.len() && shown.iter().zip(&printed).all(|(a, b)| a.like(b))
}

/// A word of a line, or what is compared in its place.
#[derive(Debug, PartialEq)]
enum Word {
    Text(String),
    /// A figure of a trained network: a number, and how far from it another may be.
    Figure(f64, f64),
    /// A rounding error: its size counts.
    Error(f64),
    /// The bars of a sparkline.
    Bars(Vec<u32>),
}

impl Word {
    fn like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Figure(a, tolerance), Self::Figure(b, _)) => (a - b).abs() <= *tolerance,
            (Self::Error(a), Self::Error(b)) => *a == *b || (a / b).log10().abs() < 1.0,
            (Self::Bars(a), Self::Bars(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1)
            }
            _ => self == other,
        }
    }
}

/// A number as it is printed, such as 1,203 or 0.0278 or 1.3e-11; a dot in the middle is a zero of a table.
fn number(word: &str) -> Option<f64> {
    let plain = word.replace(',', "");
    let digits = plain.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match plain.as_str() {
        "·" => Some(0.0),
        _ if digits => plain.parse().ok(),
        _ => None,
    }
}

/// Units of what no two runs have in common.
const OF_THE_MOMENT: [&str; 9] = [
    "ms", "µs", "s", "seconds", "minutes", "images/s", "GFLOP/s", "thread", "threads",
];

fn comparable(line: &str) -> Vec<Word> {
    let words: Vec<_> = line.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    let is_whole = |word: &&&str| word.bytes().all(|b| b.is_ascii_digit());
    // A row of epochs ends with seconds and images/s, that of a check with the place of the worst element.
    let row = words.first().filter(is_whole).is_some();
    let confusion = row && words.len() > 12;
    let epoch = row && !confusion && has("%");
    let scientific = |word: &&str| word.contains('e') && number(word).is_some();
    let check = words.last().is_some_and(|&w| w == "ok" || w == "WRONG")
        && words.iter().filter(|word| scientific(word)).count() >= 2;
    if check {
        let first = words.iter().position(scientific).unwrap_or(0);
        let (names, rest) = words.split_at(first);
        let text = |word: &&str| Word::Text((*word).to_owned());
        let errors = rest.iter().take(2).filter_map(|word| number(word));
        return (names.iter().map(text))
            .chain(errors.map(Word::Error))
            .chain(words.last().map(text))
            .collect();
    }
    let last_percent = words.iter().rposition(|&word| word == "%");
    let until = match last_percent {
        Some(last) if epoch => last + 1,
        _ => words.len(),
    };
    let trained = row
        || ["loss", "accuracy", "wrong"]
            .iter()
            .any(|&w| words.first() == Some(&w));
    let compared = words[..until].iter().enumerate().map(|(n, &word)| {
        let unit = words
            .get(n + 1)
            .map_or("", |unit| unit.trim_end_matches([',', ')', ':']));
        let text = || Word::Text(word.to_owned());
        let bars = || word.chars().map(u32::from).collect();
        match number(word) {
            None if word.chars().all(|c| ('▁'..='█').contains(&c)) => Word::Bars(bars()),
            None => text(),
            Some(_) if OF_THE_MOMENT.contains(&unit) => Word::Text("…".to_owned()),
            // Of about 1,000 images of a class, and of 10,000 in all, 30.
            Some(value) if confusion && unit == "%" => Word::Figure(value, 3.0),
            Some(value) if confusion && n > 0 => Word::Figure(value, 30.0),
            Some(value) if n == 1 && has("wrong") => Word::Figure(value, 30.0),
            Some(value) if trained && (unit == "%" || has("accuracy")) => Word::Figure(value, 0.3),
            Some(value) if trained && word.contains('.') => {
                Word::Figure(value, (0.02 * value.abs()).max(0.002))
            }
            Some(_) => text(),
        }
    });
    let compared = compared.map(|word| match word {
        // One thread, or several.
        Word::Text(text) if text == "thread" => Word::Text("threads".to_owned()),
        word => word,
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fits(shown: &str, printed: &str, expected: bool) {
        let shown: Vec<_> = shown.lines().map(ToOwned::to_owned).collect();
        let stale = stale(&shown, printed);
        assert_eq!(stale.is_none(), expected, "{shown:?}\n{printed}\n{stale:?}");
    }

    #[test]
    fn only_blocks_marked_as_console_have_commands() {
        let document = "```sh\n$ mlp no\n```\n$ mlp no\n```console\n$ mlp a\nb\n\n$ cargo no\nc\n$ mlp d\n```\ne\n";
        let found = commands(document);
        let found: Vec<_> = found
            .iter()
            .map(|s| (s.line, &*s.command, s.lines.join("|")))
            .collect();
        assert_eq!(
            found,
            [(6, "mlp a", "b|".to_owned()), (11, "mlp d", String::new())]
        );
    }

    #[test]
    fn lines_must_follow_each_other_except_where_some_are_left_out() {
        let printed = "a\nb\n\nc\nd\n";
        for shown in [
            "a\nb\n\nc\nd",
            "…\nd",
            "a\n…",
            "a\n…\nc\n…",
            "…",
            "…\nb\n\nc\n…",
            "a\n  …\nd",
            "a\n…\nc\nd",
        ] {
            fits(shown, printed, true);
        }
        for shown in [
            "a\nb\nc\nd",
            "d",
            "a",
            "a\nb",
            "…\nc",
            "a\n…\nd\n…\nc\n…",
            "…\nx\n…",
            "a\n…\na\n…",
        ] {
            fits(shown, printed, false);
        }
        fits("one two …", "one two three", true);
        fits("one two …", "one to three", false);
        fits("one two", "one two three", false);
    }

    #[test]
    fn numbers_count_but_for_durations_threads_and_a_little_of_what_was_learned() {
        let gradients = "all 96 gradients are right: 3652 elements within 1e-6";
        fits(gradients, gradients, true);
        fits(
            "all 67 gradients are right: 2511 elements within 1e-6",
            gradients,
            false,
        );
        let settings = "settings  20 epochs, batches of 16, lr 0.1, seed 1, 2 threads";
        fits(settings, &settings.replace("2 threads", "1 thread"), true);
        fits(settings, &settings.replace("lr 0.1", "lr 0.101"), false);
        fits(settings, &settings.replace("20 epochs", "21 epochs"), false);
        let epoch =
            "    1      0.2778    91.79 %      0.1480    95.79 %  95.79 %    0.135    371,300";
        fits(
            epoch,
            "    1      0.2779    91.80 %      0.1481    95.78 %  95.78 %    9.35    71,300",
            true,
        );
        fits(epoch, &epoch.replace("0.2778", "0.2878"), false);
        fits(epoch, &epoch.replace("91.79", "92.19"), false);
        fits(epoch, &epoch.replace("    1  ", "    2  "), false);
        fits(
            epoch,
            "    1      0.2778    91.79 %      0.1480    95.79 %    0.135    371,300",
            false,
        );
        fits(
            "accuracy  97.38 %  95 % interval 97.05 to 97.68 %",
            "accuracy  97.40 %  95 % interval 97.07 to 97.70 %",
            true,
        );
        fits(
            "accuracy  97.38 %  95 % interval 97.05 to 97.68 %",
            "accuracy  98.40 %  95 % interval 98.05 to 98.68 %",
            false,
        );
        fits(
            "wrong     262 of 10,000 test images",
            "wrong     270 of 10,000 test images",
            true,
        );
        fits(
            "wrong     262 of 10,000 test images",
            "wrong     262 of 10,001 test images",
            false,
        );
        fits(
            "wrong     262 of 10,000 test images",
            "wrong     362 of 10,000 test images",
            false,
        );
        let label = "    0  966    ·    2    1    ·    1    4    1    3    2    98.6 %     98.5 %";
        fits(label, &label.replace("966    ·", "965    1"), true);
        fits(label, &label.replace("966", "900"), false);
        fits("train loss  █▇▆▁", "train loss  █▇▇▁", true);
        fits("train loss  █▇▆▁", "train loss  █▇▁▁", false);
        fits(
            "saved model.bin (159,704 bytes)",
            "saved model.bin (159,705 bytes)",
            false,
        );
        let check =
            "0.weight  (784, 50)  60  0  1.3e-11  1.5e-09  (181, 37)  -5.356e-03  -5.356e-03  ok";
        fits(
            check,
            "0.weight  (784, 50)  60  0  2.3e-11  1.1e-09  (1, 3)  5.3e-03  5.3e-03  ok",
            true,
        );
        fits(check, &check.replace("1.5e-09", "1.5e-07"), false);
        fits(check, &check.replace("60", "61"), false);
        fits(check, &check.replace("ok", "WRONG"), false);
    }
}
