//! A small writer of SVG: elements close themselves in order, and whatever is written is escaped.

use std::fmt::{self, Display, Write};

use super::palette::themed;
use crate::data::is_hidden;

/// Attributes of an element: names, and values that are escaped when they are written.
pub type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

/// A drawing in the making.
#[derive(Default)]
pub struct Svg {
    text: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// A drawing of `width` × `height` units with the words a screen reader says, its style sheet, and its paper.
    ///
    /// The sheet's selectors should begin with `.class`: a page may hold several drawings. In a window of its
    /// own, all around the drawing has the colour of the paper too.
    pub fn new(
        (width, height): (f64, f64),
        class: &str,
        (title, description): (&str, &str),
        style: &str,
    ) -> Self {
        let mut svg = Self::default();
        let view = format!("0 0 {} {}", Px(width), Px(height));
        svg.open(
            "svg",
            &[
                ("xmlns", &"http://www.w3.org/2000/svg"),
                ("class", &class),
                ("viewBox", &view),
                ("width", &Px(width)),
                ("height", &Px(height)),
                ("role", &"img"),
                ("aria-label", &title),
            ],
        );
        svg.words("title", &[], title);
        if !description.is_empty() {
            svg.words("desc", &[], description);
        }
        let paper = format!("svg.{class}:root{{background:$paper}}.{class} .paper{{fill:$paper}}");
        svg.words("style", &[], &(themed(&paper) + style));
        let size: Attributes<'_> = &[("width", &Px(width)), ("height", &Px(height))];
        svg.leaf(
            "rect",
            &[&[("class", &"paper" as &dyn Display)], size].concat(),
        );
        svg
    }

    /// Opens an element.
    pub fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Closes the element that was opened last. Panics if none is open.
    pub fn close(&mut self) {
        let name = self.open.pop().expect("an element is open");
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// An element without content.
    pub fn leaf(&mut self, name: &str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element that shows `title` when it is pointed at.
    pub fn titled(&mut self, name: &str, attributes: Attributes<'_>, title: &str) {
        self.start(name, attributes);
        self.text.push_str("><title>");
        escape(&mut self.text, &title);
        self.text.push_str(&format!("</title></{name}>\n"));
    }

    /// An element of words.
    pub fn words(&mut self, name: &str, attributes: Attributes<'_>, words: &str) {
        self.start(name, attributes);
        self.text.push('>');
        escape(&mut self.text, &words);
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// A line of text at (x, y); the class says what it looks like and where it is anchored.
    pub fn label(&mut self, (x, y): (f64, f64), class: &str, words: &str) {
        let attributes: Attributes<'_> = &[("x", &Px(x)), ("y", &Px(y)), ("class", &class)];
        self.words("text", attributes, words);
    }

    /// The file, with all that is open closed.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn start(&mut self, name: &str, attributes: Attributes<'_>) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push_str(&format!(" {name}=\""));
            escape(&mut self.text, value);
            self.text.push('"');
        }
    }
}

/// A coordinate, to a hundredth: `3`, `-0.5`, `12.25`.
#[derive(Clone, Copy)]
pub struct Px(pub f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // + 0.0 makes 0 of −0.
        write!(f, "{}", (self.0 * 100.0).round() / 100.0 + 0.0)
    }
}

/// Adds text to a document, escaped.
pub fn escape(text: &mut String, value: &dyn Display) {
    struct Escaped<'a>(&'a mut String);
    impl Write for Escaped<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            for c in piece.chars() {
                match c {
                    '&' => self.0.push_str("&amp;"),
                    '<' => self.0.push_str("&lt;"),
                    '>' => self.0.push_str("&gt;"),
                    '"' => self.0.push_str("&quot;"),
                    '\n' | '\t' => self.0.push(c),
                    // XML has no place for control characters, not even escaped, and a reader none for what hides.
                    c if is_hidden(c) => self.0.extend(c.escape_default()),
                    '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                    c => self.0.push(c),
                }
            }
            Ok(())
        }
    }
    write!(Escaped(text), "{value}").expect("a string takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_is_escaped_and_all_is_closed() {
        let mut svg = Svg::new((10.0, 5.5), "c", ("a<b", "\"x\" & y"), ".c > g{}");
        svg.open("g", &[("id", &"q\"<")]);
        svg.label((1.0, -0.001), "t", "z > 0\u{7}");
        let text = svg.finish();
        assert!(text.starts_with("<svg xmlns=") && text.ends_with("</g>\n</svg>\n"));
        for part in [
            "viewBox=\"0 0 10 5.5\"",
            "<title>a&lt;b</title>",
            "&quot;x&quot; &amp; y",
            ".c &gt; g",
            "id=\"q&quot;&lt;\"",
            "x=\"1\" y=\"0\" class=\"t\">z &gt; 0\\u{7}<",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
