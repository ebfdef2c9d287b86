//! Formulas as on the board: shown in text, drawings and the page, and computed.
//!
//! ```text
//! formula   = sum [ "where" sum ">" sum ", else" sum ] [ "with" name "=" sum ]
//! sum       = product { ("+" | "−") product }
//! product   = power { ("·" | "/") power }
//! power     = ["−"] atom [ "²" | "³" | "^" power ]
//! atom      = number | name | "π" | "√" atom | function "(" sum { "," sum } ")" | "(" sum ")"
//! ```

use std::{iter::Peekable, str::Chars};

/// The two formulas of a module, the right-hand sides of `y = …` and `dx = …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formula {
    /// y in terms of x.
    pub y: &'static str,
    /// dx in terms of dy, x and y.
    pub dx: &'static str,
}

/// A right-hand side with other letters: each name in `names` becomes what stands beside it.
///
/// ```
/// use mlp::nn::renamed;
///
/// assert_eq!(renamed("max(x, 0)", &[("x", "z₁")]), "max(z₁, 0)");
/// ```
pub fn renamed(formula: &str, names: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = formula;
    while let Some(first) = rest.chars().next() {
        let length = match first.is_ascii_alphabetic() {
            true => rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        let name = names.iter().find(|(name, _)| *name == word);
        text += name.map_or(word, |(_, new)| new);
        rest = after;
    }
    text
}

/// A parsed right-hand side.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number as written.
    Number(String),
    /// A letter: x, y, dy, or one that `with` explains.
    Letter(String),
    /// −a
    Minus(Box<Self>),
    /// a + b, a − b, a·b, a / b or a ^ b
    Binary(char, Box<Self>, Box<Self>),
    /// max, tanh or sqrt
    Call(String, Vec<Self>),
    /// `a where b > c, else d`
    Where(Box<[Self; 4]>),
    /// `a with name = b`
    With(Box<Self>, String, Box<Self>),
}

impl Expression {
    /// Parses a right-hand side. An error says where it stops being one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser(text.chars().peekable());
        let parsed = parser.formula();
        let rest: String = parser.0.collect();
        match parsed {
            Some(expression) if rest.is_empty() => Ok(expression),
            _ => Err(format!("not a formula: {text}, at {rest:?}")),
        }
    }

    /// Its value. Panics if a letter has none.
    pub fn value(&self, letter: &dyn Fn(&str) -> Option<f64>) -> f64 {
        let value = |of: &Self| of.value(letter);
        match self {
            Self::Number(number) => number.parse().expect("a number was parsed"),
            Self::Letter(name) => match name.as_str() {
                "e" => std::f64::consts::E,
                "π" => std::f64::consts::PI,
                _ => letter(name).unwrap_or_else(|| panic!("{name} has no value")),
            },
            Self::Minus(a) => -value(a),
            Self::Binary(sign, a, b) => match (sign, value(a), value(b)) {
                ('+', a, b) => a + b,
                ('−', a, b) => a - b,
                ('·', a, b) => a * b,
                ('/', a, b) => a / b,
                (_, a, b) => a.powf(b),
            },
            Self::Call(name, of) => match name.as_str() {
                "max" => value(&of[0]).max(value(&of[1])),
                "tanh" => value(&of[0]).tanh(),
                "sqrt" => value(&of[0]).sqrt(),
                _ => unreachable!("{name} was parsed"),
            },
            Self::Where(parts) => {
                let [then, left, right, otherwise] = &**parts;
                match value(left) > value(right) {
                    true => value(then),
                    false => value(otherwise),
                }
            }
            Self::With(a, name, b) => {
                let b = value(b);
                a.value(&|other| {
                    if other == name {
                        Some(b)
                    } else {
                        letter(other)
                    }
                })
            }
        }
    }

    /// The same expression in JavaScript, with its letters as variables.
    pub fn javascript(&self) -> String {
        match self {
            Self::Number(number) => number.clone(),
            Self::Letter(name) if name == "e" => "Math.E".into(),
            Self::Letter(name) if name == "π" => "Math.PI".into(),
            Self::Letter(name) => name.clone(),
            Self::Minus(a) => format!("(-{})", a.javascript()),
            Self::Binary(sign, a, b) => {
                let sign = match sign {
                    '−' => "-",
                    '·' => "*",
                    '^' => "**",
                    '/' => "/",
                    _ => "+",
                };
                format!("({} {sign} {})", a.javascript(), b.javascript())
            }
            Self::Call(name, of) => {
                let of: Vec<_> = of.iter().map(Self::javascript).collect();
                format!("Math.{name}({})", of.join(", "))
            }
            Self::Where(parts) => {
                let [then, left, right, otherwise] = parts.each_ref().map(Self::javascript);
                format!("({left} > {right} ? {then} : {otherwise})")
            }
            Self::With(a, name, b) => {
                format!("(({name}) => {})({})", a.javascript(), b.javascript())
            }
        }
    }
}

struct Parser<'a>(Peekable<Chars<'a>>);

impl Parser<'_> {
    fn formula(&mut self) -> Option<Expression> {
        let mut formula = self.sum()?;
        if self.word("where") {
            let left = self.sum()?;
            self.sign(&['>'])?;
            let right = self.sum()?;
            self.sign(&[','])?;
            let parts = (self.word("else"), self.sum()?);
            let (true, otherwise) = parts else {
                return None;
            };
            formula = Expression::Where(Box::new([formula, left, right, otherwise]));
        }
        if self.word("with") {
            let Expression::Letter(name) = self.atom()? else {
                return None;
            };
            self.sign(&['='])?;
            formula = Expression::With(Box::new(formula), name, Box::new(self.sum()?));
        }
        Some(formula)
    }

    fn sum(&mut self) -> Option<Expression> {
        self.chain(&['+', '−'], Self::product)
    }

    fn product(&mut self) -> Option<Expression> {
        self.chain(&['·', '/'], Self::power)
    }

    /// Terms joined by these signs, from left to right.
    fn chain(
        &mut self,
        signs: &[char],
        term: fn(&mut Self) -> Option<Expression>,
    ) -> Option<Expression> {
        let mut left = term(self)?;
        while let Some(sign) = self.sign(signs) {
            left = Expression::Binary(sign, Box::new(left), Box::new(term(self)?));
        }
        Some(left)
    }

    fn power(&mut self) -> Option<Expression> {
        if self.sign(&['−']).is_some() {
            return Some(Expression::Minus(Box::new(self.power()?)));
        }
        let base = self.atom()?;
        let exponent = match self.sign(&['²', '³', '^']) {
            None => return Some(base),
            Some('²') => Expression::Number("2".into()),
            Some('³') => Expression::Number("3".into()),
            Some(_) => self.power()?,
        };
        Some(Expression::Binary('^', Box::new(base), Box::new(exponent)))
    }

    fn atom(&mut self) -> Option<Expression> {
        self.space();
        let first = *self.0.peek()?;
        if first.is_ascii_digit() {
            return Some(Expression::Number(
                self.run(|c| c.is_ascii_digit() || c == '.'),
            ));
        }
        if self.sign(&['(']).is_some() {
            let inside = self.sum()?;
            return self.sign(&[')']).map(|_| inside);
        }
        if self.sign(&['√']).is_some() {
            return Some(Expression::Call("sqrt".into(), vec![self.atom()?]));
        }
        if self.sign(&['π']).is_some() {
            return Some(Expression::Letter("π".into()));
        }
        let name = self.run(|c| c.is_ascii_alphabetic());
        let arguments = match name.as_str() {
            "" => return None,
            "max" => 2,
            "tanh" => 1,
            _ => return Some(Expression::Letter(name)),
        };
        self.sign(&['('])?;
        let mut of = vec![self.sum()?];
        while of.len() < arguments {
            self.sign(&[','])?;
            of.push(self.sum()?);
        }
        self.sign(&[')']).map(|_| Expression::Call(name, of))
    }

    fn space(&mut self) {
        self.run(char::is_whitespace);
    }

    fn run(&mut self, belongs: fn(char) -> bool) -> String {
        let mut run = String::new();
        while let Some(next) = self.0.next_if(|&next| belongs(next)) {
            run.push(next);
        }
        run
    }

    /// One of these signs, if it comes next.
    fn sign(&mut self, signs: &[char]) -> Option<char> {
        self.space();
        self.0.next_if(|next| signs.contains(next))
    }

    /// Takes this word if it comes next; returns whether it did.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let mut ahead = self.0.clone();
        let here = word.chars().all(|letter| ahead.next() == Some(letter));
        if here {
            self.0 = ahead;
        }
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        let letters = |name: &str| match name {
            "x" => Some(3.0),
            "y" => Some(-2.0),
            _ => None,
        };
        Expression::parse(text).unwrap().value(&letters)
    }

    #[test]
    fn formulas_have_their_value() {
        for (text, expected) in [
            ("1 + 2·x", 7.0),
            ("1 − 2 − 3", -4.0),
            ("12 / x / 2", 2.0),
            ("−x²", -9.0),
            ("(1 − y²)·x", -9.0),
            ("max(x, 0) + max(y, 0)", 3.0),
            ("e^−x", (-3.0_f64).exp()),
            ("√(x + 1)", 2.0),
            ("√π·√π", std::f64::consts::PI),
            ("1 where x > 0, else 2", 1.0),
            ("1 where y > 0, else 2", 2.0),
            ("t² with t = x + 1", 16.0),
            ("tanh(0)", 0.0),
        ] {
            assert!((value(text) - expected).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn what_is_no_formula_is_an_error() {
        for text in [
            "",
            "1 +",
            "max(1)",
            "(1",
            "1)",
            "1 where x",
            "x with 1 = 2",
            "2 3",
        ] {
            assert!(Expression::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn letters_within_words_keep_their_names() {
        assert_eq!(
            renamed("max(x, 0)·dy", &[("x", "z"), ("y", "h")]),
            "max(z, 0)·dy"
        );
        assert_eq!(renamed("e^−x", &[("x", "z₂")]), "e^−z₂");
    }

    #[test]
    fn javascript_has_the_same_structure() {
        let javascript = |text| Expression::parse(text).unwrap().javascript();
        assert_eq!(javascript("max(x, 0)"), "Math.max(x, 0)");
        assert_eq!(javascript("dy where x > 0, else 0"), "(x > 0 ? dy : 0)");
        assert_eq!(javascript("1 / (1 + e^−x)"), "(1 / (1 + (Math.E ** (-x))))");
        assert_eq!(javascript("t² with t = x"), "((t) => (t ** 2))(x)");
    }
}
