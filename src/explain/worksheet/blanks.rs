//! What a worksheet leaves blank.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::{Line, Part};

/// What is left blank: parts of the passes, and the lines that a pass ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blanks {
    parts: BTreeSet<Part>,
    ends: bool,
}

impl Blanks {
    /// Whether a line is left blank. What is given never is.
    pub fn has(&self, line: &Line) -> bool {
        line.part
            .is_some_and(|part| self.parts.contains(&part) || (self.ends && line.last))
    }
}

/// Everything but what is given.
impl Default for Blanks {
    fn default() -> Self {
        Self {
            parts: Part::ALL.into(),
            ends: false,
        }
    }
}

impl FromStr for Blanks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut blanks = Self {
            parts: BTreeSet::new(),
            ends: false,
        };
        for word in text.split(',') {
            match word.trim().to_ascii_lowercase().as_str() {
                "all" | "3" => blanks.parts.extend(Part::ALL),
                // A step that is printed would tell the gradients.
                "2" => blanks
                    .parts
                    .extend(Part::ALL.into_iter().filter(|part| *part >= Part::Dz)),
                "1" => blanks.ends = true,
                "none" => {}
                name => match Part::ALL.into_iter().find(|part| part.name() == name) {
                    Some(part) => drop(blanks.parts.insert(part)),
                    None => {
                        let names = Part::ALL.map(Part::name).join(", ");
                        return Err(format!(
                            "expected some of {names}, such as z,dz; or all, none, or a degree from 1 to 3"
                        ));
                    }
                },
            }
        }
        // Where everything is blank, the ends are.
        blanks.ends &= blanks.parts.len() < Part::ALL.len();
        Ok(blanks)
    }
}

impl fmt::Display for Blanks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parts.len() == Part::ALL.len() {
            return f.write_str("all");
        }
        let ends = self.ends.then_some("1");
        let words: Vec<_> = ends
            .into_iter()
            .chain(self.parts.iter().map(|part| part.name()))
            .collect();
        match words.is_empty() {
            true => f.write_str("none"),
            false => f.write_str(&words.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_read_as_they_are_written() {
        for (text, written) in [
            ("all", "all"),
            ("3", "all"),
            ("none", "none"),
            ("1", "1"),
            ("2", "dz,dw,db,dh,step"),
            ("dw, z,z", "z,dw"),
            ("Loss,1", "1,loss"),
            ("1,all", "all"),
        ] {
            let blanks: Blanks = text.parse().unwrap();
            assert_eq!(blanks.to_string(), written);
            assert_eq!(written.parse(), Ok(blanks), "{text}");
        }
        assert_eq!("all".parse(), Ok(Blanks::default()));
        for bad in ["", "4", "0", "dx", "z;p", "z,,p"] {
            assert!(bad.parse::<Blanks>().is_err(), "{bad}");
        }
    }
}
