//! The same in Markdown, with tables.

use ndarray::Array2;

use super::{BEGINNING_MARKDOWN, Page, TITLE, given_text, minus};
use crate::explain::worksheet::Line;

impl Page<'_> {
    /// The worksheet in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "{BEGINNING_MARKDOWN}# {TITLE}\n\nName: ____________________ Date: __________\n\n**{}**\n\n",
            plain(self.network)
        );
        for direction in self.directions() {
            text += &format!("- {}\n", plain(&direction));
        }
        text += "\n```text\n";
        for line in self.head {
            text += &format!("{line}\n");
        }
        text += "```\n";
        if !self.sheet.blanks().is_empty() {
            text += &format!(
                "\nMarked, once the table of `--answer-form` is filled in, by:\n\n```text\n{}\n```\n",
                self.check
            );
        }
        text += "\n## Given\n\n";
        for (line, values) in self.given() {
            text += &matrix(line, values);
        }
        let rate = given_text(self.sheet.learning_rate());
        text += &format!("learning rate **lr = {rate}**\n");
        for section in self.sections() {
            text += &format!("\n## {}\n", section.title);
            for (line, values) in section.lines {
                let blank = self.sheet.is_blank(line);
                text += &format!("\n**{}** {}\n\n", plain(&line.formula), plain(&line.shapes));
                text += &match blank {
                    true => "| | work | answer |\n|---|---|---|\n".to_owned(),
                    false => "| | |\n|---|---:|\n".to_owned(),
                };
                for (at, &value) in values.indexed_iter() {
                    let name = plain(&line.element(at));
                    text += &match blank {
                        true => format!("| {name} | {} | |\n", "&nbsp;".repeat(40)),
                        false => format!("| {name} | {} |\n", minus(&self.sheet.text(value))),
                    };
                }
            }
        }
        if self.answers && !self.sheet.blanks().is_empty() {
            text += "\n<details>\n<summary>Answers</summary>\n\n| | |\n|---|---:|\n";
            for (name, value) in self.sheet.blanks() {
                let value = minus(&self.sheet.text(value));
                text += &format!("| {} | {value} |\n", plain(&name));
            }
            text += "\n</details>\n";
        }
        text
    }
}

fn matrix(line: &Line, values: &Array2<f64>) -> String {
    let mut text = format!("| {} |", line.name);
    for column in 0..values.ncols() {
        text += &format!(" {} |", plain(&format!("[{column}]")));
    }
    text += &format!("\n|---|{}\n", "---:|".repeat(values.ncols()));
    for (row, numbers) in values.rows().into_iter().enumerate() {
        let name = match line.name.starts_with('b') {
            true => String::new(),
            false => plain(&format!("[{row}]")),
        };
        let numbers = numbers
            .iter()
            .map(|&number| format!(" {} |", given_text(number)));
        text += &format!("| {name} |{}\n", numbers.collect::<String>());
    }
    text + "\n"
}

/// Text that Markdown takes for nothing else.
fn plain(text: &str) -> String {
    let signs = text.chars().map(|c| match "\\`*_[]<>|^~#".contains(c) {
        true => format!("\\{c}"),
        false => c.to_string(),
    });
    signs.collect()
}
