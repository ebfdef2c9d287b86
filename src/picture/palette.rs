//! What a colour means, in every picture: drawings, plots and the page.
//!
//! * **Blue is above zero, orange below**, and the further from zero the stronger; 0 has the colour of the paper.
//!   Full strength is the 99th percentile of the distances from zero ([`full_strength`]), so that one outlier
//!   does not pale all others.
//! * **A digit is ink on paper**: dark on light in the light theme, light on dark in the dark one. Printed, it
//!   looks as it was written, and no black square eats the toner.
//! * Series, such as the runs of a plot, are told apart by colour, and a picture of them has no signed colours. All
//!   colours are those of M. Okabe and K. Ito, "Color universal design", 2008, which can be told apart with any
//!   colour vision. Their order differs between the themes, for contrast.

/// Which colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on nearly black.
    Dark,
}

/// What a shape is coloured as; the theme says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The background.
    Paper,
    /// A part of the background that is set off.
    Band,
    /// Words and digits.
    Text,
    /// Words of less weight, axes.
    Dim,
    /// Outlines.
    Rule,
    /// Lines in the background.
    Grid,
    /// What is above zero.
    Above,
    /// What is below zero.
    Below,
    /// One of [`SERIES`] colours.
    Series(usize),
}

/// Colours of series that can be told apart.
pub const SERIES: usize = 7;

const BLUE: [u8; 3] = [0x00, 0x72, 0xb2];
const VERMILION: [u8; 3] = [0xd5, 0x5e, 0x00];
const GREEN: [u8; 3] = [0x00, 0x9e, 0x73];
const PURPLE: [u8; 3] = [0xcc, 0x79, 0xa7];
const ORANGE: [u8; 3] = [0xe6, 0x9f, 0x00];
const SKY: [u8; 3] = [0x56, 0xb4, 0xe9];
const YELLOW: [u8; 3] = [0xf0, 0xe4, 0x42];

impl Ink {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        use Ink::{Above, Band, Below, Dim, Grid, Paper, Rule, Text};
        let plain = [Paper, Band, Text, Dim, Rule, Grid, Above, Below];
        plain.into_iter().chain((0..SERIES).map(Self::Series))
    }

    /// Red, green and blue.
    pub fn rgb(self, theme: Theme) -> [u8; 3] {
        let light = theme == Theme::Light;
        match self {
            Self::Paper if light => [0xff; 3],
            Self::Paper => [0x14, 0x17, 0x1c],
            Self::Band if light => [0xf3, 0xf5, 0xf8],
            Self::Band => [0x1d, 0x22, 0x29],
            Self::Text if light => [0x1b, 0x1f, 0x24],
            Self::Text => [0xe8, 0xea, 0xed],
            Self::Dim if light => [0x56, 0x5f, 0x6a],
            Self::Dim => [0xa3, 0xac, 0xb7],
            Self::Rule if light => [0xb1, 0xb8, 0xc2],
            Self::Rule => [0x54, 0x5d, 0x69],
            Self::Grid if light => [0xdd, 0xe1, 0xe6],
            Self::Grid => [0x33, 0x3a, 0x44],
            Self::Above if light => BLUE,
            Self::Above => SKY,
            Self::Below if light => VERMILION,
            Self::Below => ORANGE,
            Self::Series(n) => {
                let series: [_; SERIES] = match light {
                    true => [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, [0; 3]],
                    false => [SKY, ORANGE, GREEN, PURPLE, YELLOW, VERMILION, [0xff; 3]],
                };
                series[n % SERIES]
            }
        }
    }

    /// The colour as CSS writes it, such as `#0072b2`.
    pub fn hex(self, theme: Theme) -> String {
        let [r, g, b] = self.rgb(theme);
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    /// Its name in style sheets, such as `above`.
    pub fn name(self) -> String {
        match self {
            Self::Paper => "paper".into(),
            Self::Band => "band".into(),
            Self::Text => "text".into(),
            Self::Dim => "dim".into(),
            Self::Rule => "rule".into(),
            Self::Grid => "grid".into(),
            Self::Above => "above".into(),
            Self::Below => "below".into(),
            Self::Series(n) => format!("series-{}", n % SERIES),
        }
    }
}

/// A style sheet for both themes: in `rules`, `$above` and the other [names](Ink::name) become colours.
///
/// On paper the light theme holds, whatever the screen's is.
pub fn themed(rules: &str) -> String {
    let [light, dark] = [Theme::Light, Theme::Dark].map(|theme| {
        Ink::all().fold(rules.to_owned(), |rules, ink| {
            rules.replace(&format!("${}", ink.name()), &ink.hex(theme))
        })
    });
    format!("{light}\n@media screen and (prefers-color-scheme:dark){{\n{dark}\n}}\n")
}

/// The palette as custom properties of a style sheet, for both themes: `--paper`, `--band`, `--text`, `--dim`,
/// `--rule`, `--grid`, `--above`, `--below`, and `--series-0` to `--series-6`.
pub fn css() -> String {
    let properties = Ink::all().map(|ink| format!("--{0}:${0};", ink.name()));
    themed(&format!(":root{{{}}}", properties.collect::<String>()))
}

/// The distance from zero that has a colour's full strength: the 99th percentile of the distances of what is not
/// 0, and 1 where all is. Of fewer than 100 numbers that is the largest. What lies beyond looks the same.
pub fn full_strength(values: impl IntoIterator<Item = f64>) -> f64 {
    let distances = values.into_iter().map(f64::abs);
    let mut distances: Vec<_> = distances.filter(|v| *v > 0.0).collect();
    if distances.is_empty() {
        return 1.0;
    }
    let rank = (0.99 * distances.len() as f64).ceil() as usize - 1;
    *distances.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// What a legend says of the strength of the two colours.
pub const STRENGTH: &str = "stronger further from 0, full strength from the 99th percentile on";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_does_not_pale_the_rest() {
        let values = (1..=200).map(f64::from).chain([-1e6, 0.0]);
        assert_eq!(full_strength(values), 199.0);
        assert_eq!(full_strength([0.5, -2.0]), 2.0);
        assert_eq!(full_strength([0.0, -0.0]), 1.0);
    }

    #[test]
    fn the_style_sheet_has_both_themes() {
        let sheet = css();
        let (light, dark) = sheet.split_once("@media").unwrap();
        assert!(light.contains("--above:#0072b2;--below:#d55e00;"));
        assert!(dark.contains("--above:#56b4e9;--below:#e69f00;"));
    }
}
