//! The Python literals that NumPy's headers are made of.

use std::{iter::Peekable, str::Chars};

/// The deepest nesting; a header has two, one of records three.
const MAX_DEPTH: usize = 16;

/// A value as Python writes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(String),
    Bool(bool),
    None,
    /// A list or a tuple.
    List(Vec<Literal>),
    Dictionary(Vec<(Literal, Literal)>),
}

impl Literal {
    /// The literal that a text consists of.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.chars().peekable());
        let value = reader.value(MAX_DEPTH)?;
        reader.skip_spaces();
        reader.0.next().is_none().then_some(value)
    }

    /// What a dictionary has under this key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dictionary(entries) = self else {
            return None;
        };
        let mut entries = entries.iter();
        let found = entries.find(|(name, _)| matches!(name, Self::Text(name) if name == key));
        found.map(|(_, value)| value)
    }

    /// The number, if it can be the size of an axis.
    pub(super) fn size(&self) -> Option<usize> {
        match self {
            // Python 2 wrote 3L.
            Self::Number(digits) => digits.trim_end_matches('L').parse().ok(),
            _ => None,
        }
    }
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn skip_spaces(&mut self) {
        // Some writers fill the header with zeros instead of spaces.
        while self
            .0
            .next_if(|c| c.is_whitespace() || *c == '\0')
            .is_some()
        {}
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        self.skip_spaces();
        match self.0.next()? {
            quote @ ('\'' | '"') => self.text(quote),
            '(' => self.list(')', depth),
            '[' => self.list(']', depth),
            '{' => self.dictionary(depth),
            first if first.is_ascii_alphanumeric() || first == '-' => {
                let mut word = String::from(first);
                while let Some(c) = self.0.next_if(char::is_ascii_alphanumeric) {
                    word.push(c);
                }
                match &word[..] {
                    "True" => Some(Literal::Bool(true)),
                    "False" => Some(Literal::Bool(false)),
                    "None" => Some(Literal::None),
                    _ if first.is_ascii_alphabetic() => self.prefixed(&word),
                    _ => Some(Literal::Number(word)),
                }
            }
            _ => None,
        }
    }

    /// A string behind a letter, such as `u'<f4'`.
    fn prefixed(&mut self, word: &str) -> Option<Literal> {
        let quote = self.0.next_if(|c| matches!(c, '\'' | '"'))?;
        matches!(word, "u" | "b").then(|| self.text(quote))?
    }

    fn text(&mut self, quote: char) -> Option<Literal> {
        let mut text = String::new();
        loop {
            match self.0.next()? {
                '\\' => text.push(self.0.next()?),
                c if c == quote => return Some(Literal::Text(text)),
                c => text.push(c),
            }
        }
    }

    /// Whether the end or one more element follows; none if neither does.
    fn ends(&mut self, end: char, first: bool) -> Option<bool> {
        self.skip_spaces();
        if self.0.next_if_eq(&end).is_some() {
            return Some(true);
        }
        if first {
            return Some(false);
        }
        self.0.next_if_eq(&',')?;
        self.skip_spaces();
        Some(self.0.next_if_eq(&end).is_some())
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Literal> {
        let mut values = Vec::new();
        while !self.ends(end, values.is_empty())? {
            values.push(self.value(depth)?);
        }
        Some(Literal::List(values))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Literal> {
        let mut entries = Vec::new();
        while !self.ends('}', entries.is_empty())? {
            let key = self.value(depth)?;
            self.skip_spaces();
            self.0.next_if_eq(&':')?;
            entries.push((key, self.value(depth)?));
        }
        Some(Literal::Dictionary(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_however_they_are_written() {
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n",
            "{\"shape\":(2,3),\"descr\":\"<f4\",\"fortran_order\":False}",
            " { 'fortran_order' : False , 'shape' : [ 2L , 3L ] , 'descr' : u'<f4' }\0\0",
        ] {
            let header = Literal::parse(text).unwrap();
            assert_eq!(header.get("descr"), Some(&Literal::Text("<f4".to_owned())));
            assert_eq!(header.get("fortran_order"), Some(&Literal::Bool(false)));
            let Some(Literal::List(sizes)) = header.get("shape") else {
                panic!("{text}");
            };
            let sizes: Vec<_> = sizes.iter().map(Literal::size).collect();
            assert_eq!(sizes, [Some(2), Some(3)]);
        }
        let records = Literal::parse("{'descr': [('a', '<f4'), ('b', '<i8', (2,))]}").unwrap();
        assert!(matches!(records.get("descr"), Some(Literal::List(fields)) if fields.len() == 2));
        assert_eq!(Literal::parse("()"), Some(Literal::List(vec![])));
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for text in [
            "",
            "{",
            "{'a'}",
            "{'a': }",
            "(1 2)",
            "(,)",
            "'a",
            "{'a': 1} 2",
            "f(1)",
            "{'a': 1,, }",
        ] {
            assert_eq!(Literal::parse(text), None, "{text}");
        }
        assert_eq!(Literal::parse(&"(".repeat(100_000)), None);
        assert_eq!(Literal::Number("-2".to_owned()).size(), None);
    }
}
