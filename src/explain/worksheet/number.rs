//! Numbers as people write them.

/// A number that somebody wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its value.
    pub value: f64,
    /// Its decimal places; none of a fraction, which is exact.
    pub places: Option<i32>,
    /// Whether it was written otherwise than as a decimal number, so that what was read is worth saying.
    pub unusual: bool,
}

/// The most characters of a number.
const MOST: usize = 100;

/// Reads a number: with a decimal point or comma, any minus sign, an exponent, as a fraction or with a percent sign.
///
/// An error says why it cannot be read. Whether a comma groups thousands is not asked: 1,234 is 1.234.
pub fn read_number(text: &str) -> Result<Written, String> {
    if text.chars().count() > MOST {
        return Err(format!("more than {MOST} characters, expected a number"));
    }
    let text = plain(text);
    let (text, percent) = match text.strip_suffix('%') {
        Some(text) => (text.trim_end(), true),
        None => (&*text, false),
    };
    let mut written = match text.split_once('/') {
        Some((above, below)) => fraction(above, below)?,
        None => decimal(&text.replace(' ', ""))?,
    };
    if percent {
        written.value /= 100.0;
        written.places = written.places.map(|places| places + 2);
        written.unusual = true;
    }
    match written.value.is_finite() {
        true => Ok(written),
        false => Err("too large for a number".into()),
    }
}

/// The text with the usual signs, without what stands around a number.
fn plain(text: &str) -> String {
    let signs = text.chars().map(|c| match c {
        '−' | '–' | '—' | '‐' | '‑' | '﹣' | '－' => '-',
        '＋' => '+',
        '⁄' | '∕' => '/',
        '×' | '⋅' | '∙' => '·',
        c if c.is_whitespace() => ' ',
        c => c,
    });
    let signs: String = signs.collect();
    let around = |c: char| " \"'=≈~".contains(c);
    let text = signs.trim_matches(around);
    // 0.333…
    let text = text.trim_end_matches('…');
    text.strip_suffix("...").unwrap_or(text).to_owned()
}

/// a/b, or c a/b.
fn fraction(above: &str, below: &str) -> Result<Written, String> {
    let (above, below) = (above.trim(), below.trim());
    // 1 1/2 is three halves, and no eleven.
    let (whole, above) = match above.split_once(' ') {
        Some((whole, above)) if whole.ends_with(|c: char| c.is_ascii_digit()) => (whole, above),
        _ => ("0", above),
    };
    let part = |text: &str| decimal(&text.replace(' ', "")).map(|written| written.value);
    let (whole_value, above, below) = (part(whole)?, part(above)?, part(below)?);
    if below == 0.0 {
        return Err("a division by 0".into());
    }
    let sign = match whole.starts_with('-') {
        true => -1.0,
        false => 1.0,
    };
    Ok(Written {
        value: whole_value + sign * above / below,
        places: None,
        unusual: true,
    })
}

/// A decimal number without blanks.
fn decimal(text: &str) -> Result<Written, String> {
    let (mantissa, exponent) = exponent(text)?;
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let points = unsigned.matches(['.', ',']).count();
    let digits = unsigned.chars().filter(char::is_ascii_digit).count();
    if digits == 0 || digits + points != unsigned.chars().count() {
        return Err(no_number(text));
    }
    if points > 1 {
        return Err("several points or commas, expected one before the decimals".into());
    }
    let text = format!("{}e{exponent}", mantissa.replace(',', "."));
    let value = text.parse().map_err(|_| no_number(&text))?;
    let decimals = unsigned
        .split_once(['.', ','])
        .map_or(0, |(_, decimals)| decimals.len());
    let decimals = i32::try_from(decimals).unwrap_or(i32::MAX);
    Ok(Written {
        value,
        places: Some(decimals.saturating_sub(exponent)),
        unusual: exponent != 0,
    })
}

/// What stands before the exponent, and the exponent: of 1e-3, 1·10^-3 or 1·10⁻³.
fn exponent(text: &str) -> Result<(&str, i32), String> {
    const RAISED: [(char, char); 11] = [
        ('⁰', '0'),
        ('¹', '1'),
        ('²', '2'),
        ('³', '3'),
        ('⁴', '4'),
        ('⁵', '5'),
        ('⁶', '6'),
        ('⁷', '7'),
        ('⁸', '8'),
        ('⁹', '9'),
        ('⁻', '-'),
    ];
    let power = |marks: [&'static str; 3]| marks.into_iter().find_map(|mark| text.split_once(mark));
    let found = text
        .split_once(['e', 'E'])
        .or_else(|| power(["·10^", "*10^", "x10^"]))
        .or_else(|| power(["·10", "*10", "x10"]));
    let Some((mantissa, exponent)) = found else {
        return Ok((text, 0));
    };
    let lowered = exponent.chars().map(|c| {
        let raised = RAISED.iter().find(|(raised, _)| *raised == c);
        raised.map_or(c, |(_, digit)| *digit)
    });
    let lowered: String = lowered.filter(|c| !"()".contains(*c)).collect();
    match lowered.parse() {
        Ok(exponent @ -300..=300) => Ok((mantissa, exponent)),
        _ => Err(no_number(text)),
    }
}

/// Why a text is no number.
fn no_number(text: &str) -> String {
    if text.starts_with('#') {
        return "an error of a spreadsheet, expected a number".into();
    }
    let dots = text.matches(['.', '-', '/']).count();
    match text.contains(char::is_alphabetic) && text.contains(|c: char| c.is_ascii_digit())
        || dots > 1
    {
        true => "no number: if a spreadsheet has made a date of a fraction, write it as a decimal"
            .into(),
        false => "no number, expected one such as -0.1234".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_however_people_write_them() {
        for (text, value, places) in [
            ("0.1234", 0.1234, Some(4)),
            (" 0,1234 ", 0.1234, Some(4)),
            ("+0.5", 0.5, Some(1)),
            ("-.5", -0.5, Some(1)),
            (",5", 0.5, Some(1)),
            ("5.", 5.0, Some(0)),
            ("−0.25", -0.25, Some(2)),
            ("– 0,25", -0.25, Some(2)),
            ("-\u{a0}0.25", -0.25, Some(2)),
            ("1e-3", 0.001, Some(3)),
            ("1,2E−3", 0.0012, Some(4)),
            ("1.2·10^-3", 0.0012, Some(4)),
            ("1.2 × 10⁻³", 0.0012, Some(4)),
            ("1.2*10^(-3)", 0.0012, Some(4)),
            ("2e2", 200.0, Some(-2)),
            ("1/4", 0.25, None),
            ("-1/4", -0.25, None),
            ("1 1/2", 1.5, None),
            ("-1 1/2", -1.5, None),
            ("1⁄4", 0.25, None),
            ("0,5/2", 0.25, None),
            ("12 %", 0.12, Some(2)),
            ("12.34%", 0.1234, Some(4)),
            ("=0.5", 0.5, Some(1)),
            ("=\"0.5\"", 0.5, Some(1)),
            ("'0.5", 0.5, Some(1)),
            ("≈ 0.3333…", 0.3333, Some(4)),
            ("0.3333...", 0.3333, Some(4)),
            ("0.123 456", 0.123456, Some(6)),
            ("1,234", 1.234, Some(3)),
            ("-0", 0.0, Some(0)),
        ] {
            let written = read_number(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!((written.value - value).abs() < 1e-15, "{text}: {written:?}");
            assert_eq!(written.places, places, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_said_to_be_none() {
        let long = "1".repeat(1000);
        for text in [
            "",
            "-",
            ".",
            "abc",
            "nan",
            "inf",
            "1.2.3",
            "1.234,5",
            "1/0",
            "1/2/3",
            "1//2",
            "--1",
            "1e",
            "1e999999999999",
            "1e400",
            "e5",
            "%",
            "0x10",
            "3-Jan",
            "01. Mrz",
            "#DIV/0!",
            "?",
            "1e-3e-3",
            "·10^2",
            &long,
            "\u{661}",
            "1/",
        ] {
            assert!(read_number(text).is_err(), "{text}");
        }
        assert!(read_number("3-Jan").unwrap_err().contains("a date"));
        assert!(read_number("#DIV/0!").unwrap_err().contains("spreadsheet"));
    }
}
