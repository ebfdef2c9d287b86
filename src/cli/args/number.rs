//! How the numbers behind flags are read: one range for each kind of quantity, whatever the flag.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

fn number<T: FromStr + Copy + Into<f64>>(
    text: &str,
    fits: impl Fn(f64) -> bool,
    expected: &str,
) -> Result<T, String> {
    match text.trim().parse::<T>() {
        Ok(number) if number.into().is_finite() && fits(number.into()) => Ok(number),
        Ok(number) if number.into().is_infinite() => Err(format!(
            "expected {expected}; this one is infinite, or too large to be kept"
        )),
        _ => Err(format!("expected {expected}")),
    }
}

/// A whole number: a count, a seed, a position.
pub fn whole<T: FromStr + PartialOrd + Display + Clone + Send + Sync>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync {
    move |text| match text.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "expected a whole number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}

/// A number of images. Other programs take a share of them.
pub fn images(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let text = text.trim();
        match text.parse() {
            Ok(number) if range.contains(&number) => return Ok(number),
            _ => {}
        }
        let part = match text.strip_suffix('%') {
            Some(percents) => percents.trim_end().parse().map(|part: f64| part / 100.0),
            None => text.parse(),
        };
        let share = part.ok().filter(|part| (1e-4..1.0).contains(part));
        let share = share.map(|part| {
            let images = (part * 60_000.0).round();
            format!(", not a share of them: {text} of MNIST's 60,000 are {images}")
        });
        Err(format!(
            "expected a number of images, such as 10000{}",
            share.unwrap_or_default()
        ))
    }
}

/// Any number, whose range is judged where it is known.
pub fn any(text: &str) -> Result<f64, String> {
    let number = text.trim().parse();
    number.map_err(|_| "expected a number, such as 0.5".to_owned())
}

/// Any number that is one.
pub fn finite(text: &str) -> Result<f64, String> {
    number(text, |_| true, "a number, such as -0.5")
}

/// A learning rate that is taken as it is, by every command: above 0, in the range of `f32`.
pub fn learning_rate<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    let trained = |rate: f64| rate as f32 > 0.0 && (rate as f32).is_finite();
    number(text, trained, "a number above 0, up to 3.4e38, such as 0.1")
}

/// A size, a norm, a factor, a tolerance.
pub fn above_0<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    number(text, |x| x > 0.0, "a number above 0, such as 1e-5")
}

/// A strength that may be off, and the rate that a schedule ends at.
pub fn at_least_0<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    number(text, |x| x >= 0.0, "a number of at least 0, such as 1e-5")
}

/// A share of a whole that is never all of it: dropout, momentum, label smoothing.
pub fn share<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    let expected = "a share from 0 to below 1, such as 0.1";
    number(text, |x| (0.0..1.0).contains(&x), expected)
}

/// An accuracy to reach.
pub fn accuracy(text: &str) -> Result<f64, String> {
    let expected = "a number above 0, up to 1, such as 0.98 for 98 %";
    number(text, |x| x > 0.0 && x <= 1.0, expected)
}

/// A time in epochs.
pub fn epochs(text: &str) -> Result<f64, String> {
    let expected = "a number of epochs above 0, such as 1 or 0.5";
    number(text, |x| x > 0.0 && x <= 1e6, expected)
}

/// A time in epochs, or none.
pub fn epochs_or_0(text: &str) -> Result<f64, String> {
    let expected = "a number of epochs of at least 0, such as 1 or 0.5";
    number(text, |x| (0.0..=1e6).contains(&x), expected)
}

/// A time to work in.
pub fn minutes(text: &str) -> Result<f64, String> {
    let expected = "minutes above 0, up to 100000, such as 5";
    number(text, |x| x > 0.0 && x <= 1e5, expected)
}

/// A time to measure in.
pub fn seconds(text: &str) -> Result<f64, String> {
    let expected = "seconds from 0.01 to 3600";
    number(text, |x| (0.01..=3600.0).contains(&x), expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learning_rate_is_finite_and_above_0_in_single_precision() {
        for (text, rate) in [("0.1", 0.1), ("1e-45", 1e-45), (" 3e38", 3e38)] {
            assert_eq!(learning_rate(text), Ok(rate), "{text}");
            assert!(learning_rate::<f32>(text).is_ok(), "{text}");
        }
        for text in ["0", "-1", "1e-60", "1e39", "inf", "nan", "", "0.1x", "0,1"] {
            assert!(learning_rate::<f64>(text).is_err(), "{text}");
            assert!(learning_rate::<f32>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_whole_number_that_does_not_fit_is_answered_with_the_range() {
        let threads = whole(1..=256_u16);
        assert_eq!((threads("1"), threads(" 256")), (Ok(1), Ok(256)));
        let huge = format!("1{}", "0".repeat(30));
        for text in [
            "0", "257", "-1", "1.5", "1e2", "", "nan", "65536", &huge, "\u{661}",
        ] {
            let expected = "expected a whole number from 1 to 256";
            assert_eq!(threads(text), Err(expected.into()), "{text}");
        }
    }

    #[test]
    fn a_share_is_no_number_of_images() {
        let valid = images(0..=u32::MAX);
        assert_eq!((valid("0"), valid(" 10000")), (Ok(0), Ok(10_000)));
        let expected = "expected a number of images, such as 10000";
        for text in ["-1", "1.5", "", "nan", "4294967296", "0.0", "x%"] {
            assert_eq!(valid(text), Err(expected.into()), "{text}");
        }
        for (text, of_mnist) in [("0.1", 6_000), (".25", 15_000), ("20 %", 12_000)] {
            let share = format!("not a share of them: {text} of MNIST's 60,000 are {of_mnist}");
            assert_eq!(valid(text), Err(format!("{expected}, {share}")));
        }
        assert!(images(1..=u32::MAX)("0").is_err());
    }

    #[test]
    fn ranges_end_where_they_say() {
        assert!(share::<f32>("0").is_ok() && share::<f32>("1").is_err());
        assert!(accuracy("0").is_err() && accuracy("1").is_ok());
        assert!(epochs("0").is_err() && epochs_or_0("0").is_ok());
        assert!(at_least_0::<f32>("0").is_ok() && above_0::<f32>("0").is_err());
        assert!(any("-1e400").is_ok() && any("1,5").is_err());
        assert!(finite("-1e308").is_ok() && finite("-inf").is_err());
        assert!(seconds("0.001").is_err() && seconds("1e4").is_err());
    }
}
