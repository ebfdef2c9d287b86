//! The page.

use std::fmt::Write;

use ndarray::Array2;

use super::{BEGINNING_HTML, Page, Section, TITLE, command, given_text, minus, network};
use crate::{explain::worksheet::Line, picture::svg::escape};

const STYLE: &str = include_str!("page.css");

impl Page<'_> {
    /// The page, complete in itself.
    pub fn html(&self) -> String {
        let mut page = format!(
            "{BEGINNING_HTML}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{TITLE}: {}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n",
            escaped(self.network)
        );
        self.heading(&mut page);
        self.given_section(&mut page);
        for section in self.sections() {
            self.section(&section, &mut page);
        }
        if self.answers && !self.sheet.blanks().is_empty() {
            self.answer_section(&mut page);
        }
        page + "</body>\n</html>\n"
    }

    fn heading(&self, page: &mut String) {
        *page += &format!(
            "<header>\n<h1>{TITLE}</h1>\n<p class=\"who\"><span>Name</span><i></i><span>Date</span><i></i></p>\n\
             </header>\n<p class=\"what\">{}</p>\n<ul class=\"how\">\n",
            escaped(self.network)
        );
        for direction in self.directions() {
            *page += &format!("<li>{}</li>\n", escaped(&direction));
        }
        *page += "</ul>\n<p class=\"made\">";
        for line in self.head {
            *page += &format!("<code>{}</code><br>", escaped(line));
        }
        if !self.sheet.blanks().is_empty() {
            *page += &format!(
                "Marked by <code>{}</code>, once the table of <code>--answer-form</code> is filled in.",
                escaped(self.check)
            );
        }
        *page += "</p>\n";
    }

    fn given_section(&self, page: &mut String) {
        *page += "<section>\n<h2>Given</h2>\n<div class=\"given\">\n";
        *page += &network::drawing(self.sheet);
        *page += "<div class=\"tables\">\n";
        for (line, values) in self.given() {
            *page += &matrix(line, values);
        }
        let rate = given_text(self.sheet.learning_rate());
        *page += &format!("<p class=\"rate\">learning rate <b>lr = {rate}</b></p>\n");
        *page += "</div>\n</div>\n</section>\n";
    }

    fn section(&self, section: &Section<'_>, page: &mut String) {
        *page += &format!("<section>\n<h2>{}</h2>\n", section.title);
        for (line, values) in &section.lines {
            let formula = minus(&escaped(&line.formula));
            *page += &format!(
                "<div class=\"line\">\n<p><b>{formula}</b><span>{}</span></p>\n",
                escaped(&line.shapes)
            );
            match self.sheet.is_blank(line) {
                true => blanks(line, values, page),
                false => self.numbers(line, values, page),
            }
            *page += "</div>\n";
        }
        *page += "</section>\n";
    }

    /// Numbers that are not asked for, and answers.
    fn numbers(&self, line: &Line, values: &Array2<f64>, page: &mut String) {
        let columns = values.ncols();
        *page += &format!(
            "<div class=\"numbers\" style=\"grid-template-columns: repeat({columns}, auto)\">\n"
        );
        for (at, &value) in values.indexed_iter() {
            let (name, text) = (line.element(at), minus(&self.sheet.text(value)));
            let _ = writeln!(page, "<span>{name} = <b>{text}</b></span>");
        }
        *page += "</div>\n";
    }

    fn answer_section(&self, page: &mut String) {
        *page += &format!(
            "<section class=\"answers\">\n<h2>Answers</h2>\n<p class=\"made\"><code>{}</code></p>\n",
            escaped(command(self.head))
        );
        for (line, values) in self.sheet.lines() {
            if self.sheet.is_blank(line) {
                let formula = escaped(&line.formula);
                *page += &format!("<div class=\"line\">\n<p>{formula}</p>\n");
                self.numbers(line, values, page);
                *page += "</div>\n";
            }
        }
        *page += "</section>\n";
    }
}

/// Room to work, and a box for each number.
fn blanks(line: &Line, values: &Array2<f64>, page: &mut String) {
    // A row of three stays one; of four, two below each other.
    let columns = match values.dim() {
        (1, 1) => 1,
        (_, 3) => 3,
        _ => 2,
    };
    *page += &format!(
        "<div class=\"blanks\" style=\"grid-template-columns: repeat({columns}, 1fr)\">\n"
    );
    for (at, _) in values.indexed_iter() {
        let name = line.element(at);
        *page += &format!("<p class=\"blank\"><span>{name} =</span><i></i><b></b></p>\n");
    }
    *page += "</div>\n";
}

/// A matrix with its name and the numbers of its rows and columns.
fn matrix(line: &Line, values: &Array2<f64>) -> String {
    let mut text = format!("<table>\n<tr><th>{}</th>", line.name);
    for column in 0..values.ncols() {
        text += &format!("<th>[{column}]</th>");
    }
    text += "</tr>\n";
    for (row, numbers) in values.rows().into_iter().enumerate() {
        let name = match line.name.starts_with('b') {
            true => String::new(),
            false => format!("[{row}]"),
        };
        text += &format!("<tr><th>{name}</th>");
        for &number in numbers {
            text += &format!("<td>{}</td>", given_text(number));
        }
        text += "</tr>\n";
    }
    text + "</table>\n"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    escape(&mut escaped, &text);
    escaped
}
