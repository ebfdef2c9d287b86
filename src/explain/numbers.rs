/// How numbers are written: with this many digits after the point, and small ones with as many significant digits.
#[derive(Clone, Copy, Debug)]
pub struct Numbers(pub usize);

/// From here on a number is written with an exponent.
const LARGE: f64 = 1e9;

impl Numbers {
    /// The text of a number. Small numbers keep their significant digits.
    pub fn text(self, number: f64) -> String {
        let digits = self.0;
        match number.abs() {
            size if size >= LARGE && size.is_finite() => format!("{number:.digits$e}"),
            size if size >= 0.1 || size == 0.0 => self.fixed(number),
            size if size >= 1e-4 => {
                let zeros = (-size.log10()).ceil() as usize - 1;
                format!("{number:.*}", digits + zeros)
            }
            _ => format!("{number:.*e}", digits.saturating_sub(1)),
        }
    }

    /// The text of a number with a fixed number of digits after the point, for sums.
    pub fn fixed(self, number: f64) -> String {
        if number.abs() >= LARGE && number.is_finite() {
            return self.text(number);
        }
        let text = format!("{number:.*}", self.0);
        match text.strip_prefix('-') {
            Some(zero) if !zero.contains(|c: char| c.is_ascii_digit() && c != '0') => zero.into(),
            _ => text,
        }
    }

    /// The width of a column of such numbers.
    pub fn width(self) -> usize {
        (self.0 + 7).max(11)
    }

    /// The texts of the numbers, with as many digits as it takes to get the very same `result` from what is shown.
    pub fn worked<const K: usize>(
        self,
        numbers: [f64; K],
        result: impl Fn([f64; K]) -> String,
    ) -> [String; K] {
        let exact = result(numbers);
        let mut tries = (self.0..16).map(|digits| numbers.map(|v| Numbers(digits).text(v)));
        let fits = |texts: &[String; K]| result(texts.each_ref().map(|text| shown(text))) == exact;
        let found = tries.find(fits);
        found.unwrap_or_else(|| numbers.map(|v| v.to_string()))
    }
}

/// The number in a text written by [`Numbers`]. Panics if it is not a number.
pub fn shown(text: &str) -> f64 {
    text.parse().expect("a number just written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits_however_small() {
        let numbers = Numbers(4);
        for (number, text) in [
            (0.0, "0.0000"),
            (2.12019, "2.1202"),
            (-0.88, "-0.8800"),
            (-0.0105123, "-0.01051"),
            (0.1, "0.1000"),
            (0.01, "0.01000"),
            (1e-4, "0.0001000"),
            (1.2344e-7, "1.234e-7"),
            (-0.0, "0.0000"),
            (123_456_789.0, "123456789.0000"),
            (-1e308, "-1.0000e308"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(numbers.text(number), text);
        }
    }

    #[test]
    fn a_calculator_gets_what_is_shown() {
        let numbers = Numbers(4);
        for i in 1..2000 {
            let (a, b) = ((f64::from(i) * 0.7).sin() * 3.0, (f64::from(i) * 1.3).cos());
            let product = |[a, b]: [f64; 2]| numbers.text(a * b);
            let texts = numbers.worked([a, b], product);
            let again = product(texts.each_ref().map(|text| shown(text)));
            assert_eq!(again, numbers.text(a * b), "{texts:?}");
            assert!(texts.iter().all(|text| text.len() < 12), "{texts:?}");
        }
        assert_eq!(numbers.fixed(-1e-9), "0.0000");
    }
}
