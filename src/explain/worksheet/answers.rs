//! The file that answers are written in: a table of names and answers, as people and spreadsheets save it.

use super::Sheet;

/// The names of the columns.
pub const COLUMNS: [&str; 2] = ["name", "answer"];

/// The most bytes of a file.
pub const MAX_BYTES: usize = 1 << 20;
/// The most lines of a file.
const MAX_LINES: usize = 2000;

/// One answer as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number of its line, from 1.
    pub line: usize,
    /// What it is the answer to.
    pub name: String,
    /// The answer; empty if there is none.
    pub text: String,
}

/// What stands in a file of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The lines above the table, without the `#` that they begin with.
    pub head: Vec<String>,
    /// The table.
    pub answers: Vec<Answer>,
}

impl Sheet {
    /// A table of all blanks to fill in, below these lines.
    pub fn answer_form(&self, head: &[String]) -> String {
        let mut text = String::new();
        for line in head {
            text += &format!("# {line}\n");
        }
        text += &format!("{}\n", COLUMNS.join(","));
        for (name, _) in self.blanks() {
            text += &format!("{name},\n");
        }
        text
    }
}

/// Reads a file of answers. An error says what it is instead, and what to do.
pub fn read_answers(bytes: &[u8]) -> Result<Answers, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "more than {MAX_BYTES} bytes, expected a table of answers"
        ));
    }
    let text = decoded(bytes)?;
    let lines: Vec<_> = text.lines().collect();
    if lines.len() > MAX_LINES {
        return Err(format!(
            "more than {MAX_LINES} lines, expected a table of answers"
        ));
    }
    let columns = lines.iter().position(|line| is_columns(line));
    let Some(columns) = columns else {
        return Err(
            "no line `name,answer`, expected the table that mlp worksheet writes, filled in".into(),
        );
    };
    let separator = separator(lines[columns]);
    let names = fields(lines[columns], separator);
    let place = |wanted: &str| names.iter().position(|name| is_name(name, wanted));
    let (Some(name), Some(answer)) = (place(COLUMNS[0]), place(COLUMNS[1])) else {
        return Err("no columns `name` and `answer`, expected both".into());
    };
    let others = names.iter().filter(|name| !name.trim().is_empty()).count() > COLUMNS.len();
    // A spreadsheet takes what stands before the table apart as well.
    let head = lines[..columns].iter().filter_map(|line| {
        let line = fields(line, separator).join(",");
        let line = line.trim_end_matches([',', ' ']);
        Some(line.trim_start().strip_prefix('#')?.trim().to_owned())
    });
    let rows = lines.iter().enumerate().skip(columns + 1);
    let answers = rows.filter_map(|(index, line)| {
        let fields = fields(line, separator);
        let name = fields.get(name)?.trim();
        if name.is_empty() || name.starts_with('#') {
            return None;
        }
        let given = fields.get(answer..).unwrap_or_default();
        Some(Answer {
            line: index + 1,
            name: name.to_owned(),
            text: match (given, others) {
                ([], _) => String::new(),
                ([answer, ..], true) => answer.trim().to_owned(),
                (answer, false) => whole(answer),
            },
        })
    });
    Ok(Answers {
        head: head.collect(),
        answers: answers.collect(),
    })
}

/// An answer with a decimal comma, which the table takes for a separator, as one again.
fn whole(fields: &[String]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| field.trim()).collect();
    let is_decimals = |field: &&str| field.starts_with(|c: char| c.is_ascii_digit());
    match fields[..] {
        [answer, decimals, ..] if is_decimals(&decimals) => format!("{answer},{decimals}"),
        _ => fields[0].to_owned(),
    }
}

/// The text of a file, with one kind of line end.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let text = match bytes {
        [] => return Err("an empty file, expected a table of answers".into()),
        [b'P', b'K', 3, 4, ..] => {
            return Err(
                "a spreadsheet, expected CSV: save it as CSV, with `Save as` or `Download`".into(),
            );
        }
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            if text.contains(&0) {
                return Err("not a text file, expected a table of answers as CSV".into());
            }
            String::from_utf8_lossy(text).into_owned()
        }
    };
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    String::from_utf16_lossy(&units.collect::<Vec<_>>())
}

fn is_columns(line: &str) -> bool {
    let names = fields(line, separator(line));
    COLUMNS
        .iter()
        .all(|wanted| names.iter().any(|name| is_name(name, wanted)))
}

fn is_name(text: &str, wanted: &str) -> bool {
    text.trim().eq_ignore_ascii_case(wanted)
}

/// The separator of the line of names, which has no other signs.
fn separator(line: &str) -> char {
    let found = line.chars().find(|c| ",;\t".contains(*c));
    found.unwrap_or(',')
}

/// The fields of a line, without the quotes around them.
fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        let field = fields.last_mut().expect("one at least");
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.trim().is_empty() => {
                field.clear();
                quoted = true;
            }
            sign if sign == separator && !quoted => fields.push(String::new()),
            sign => field.push(sign),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let answers = read_answers(text.as_bytes()).unwrap().answers;
        let pair = |answer: Answer| (answer.name, answer.text);
        answers.into_iter().map(pair).collect()
    }

    #[test]
    fn a_table_is_read_as_spreadsheets_save_it() {
        let expected = [("z1[0][0]", "0,5"), ("L", "1/3"), ("p[0][0]", "")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        for text in [
            "name,answer\nz1[0][0],\"0,5\"\nL,1/3\np[0][0],\n",
            "name,answer\nz1[0][0],0,5\nL,1/3\np[0][0]\n",
            "\u{feff}name;answer\r\nz1[0][0];0,5\r\nL;1/3\r\np[0][0];\r\n",
            "Name\tAnswer\nz1[0][0]\t0,5\nL\t1/3\np[0][0]\t",
            "\"name\",\"answer\"\r\"z1[0][0]\",\"0,5\"\r\"L\",\"1/3\"\r\"p[0][0]\",\"\"\r",
            "# a\nname,answer,,\nz1[0][0],0,5,\n,,\n\nL, 1/3 ,,\np[0][0],,,",
            "note,name,answer\n1,z1[0][0],\"0,5\"\n2,L,1/3\n,p[0][0],\n",
            "name;answer;points\nz1[0][0];0,5;7\nL;1/3;7\np[0][0];;7\n",
        ] {
            assert_eq!(pairs(text), expected, "{text:?}");
        }
        let wide = "name,answer\nL,1/3\n";
        let units = wide.encode_utf16().flat_map(u16::to_le_bytes);
        let bytes: Vec<_> = [0xff, 0xfe].into_iter().chain(units).collect();
        assert_eq!(read_answers(&bytes).unwrap().answers[0].text, "1/3");
    }

    #[test]
    fn the_lines_above_the_table_survive_a_spreadsheet() {
        for text in [
            "# mlp worksheet --blank z,p\n# more\nname,answer\n",
            "\"# mlp worksheet --blank z,p\";\n# more;\nname;answer\n",
            "# mlp worksheet --blank z;p\n# more;\nname;answer\n",
            "# mlp worksheet --blank z,p,,,\n\"# more\"\nname,answer\n",
        ] {
            let head = read_answers(text.as_bytes()).unwrap().head;
            assert_eq!(head, ["mlp worksheet --blank z,p", "more"], "{text}");
        }
    }

    #[test]
    fn what_is_no_table_of_answers_is_refused() {
        for (bytes, why) in [
            (&b""[..], "empty"),
            (b"PK\x03\x04...", "save it as CSV"),
            (b"label,pixel\n1,2\n", "name,answer"),
            (b"name\nanswer\n", "name,answer"),
            (b"a\0b", "not a text file"),
            (b"\xff\xfe", "name,answer"),
            (b"\x89PNG\r\n\x1a\n\0\0", "not a text file"),
            (b"\xff\xff\xff", "name,answer"),
            (b"\"name,answer", "name,answer"),
        ] {
            let error = read_answers(bytes).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(read_answers(&vec![b'a'; MAX_BYTES + 1]).is_err());
        assert!(read_answers("a\n".repeat(MAX_LINES + 1).as_bytes()).is_err());
    }
}
