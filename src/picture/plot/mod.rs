//! Pictures of runs and models: a few shapes, written as SVG or painted as PNG.
//!
//! Colours are those of M. Okabe and K. Ito, "Color universal design", 2008, which can be told apart with any
//! colour vision; the order differs between the themes, for contrast with the paper.

mod chart;
mod model;
mod paint;
mod rates;
mod runs;
mod svg;

use ndarray::Array2;

pub use model::{Wrong, confusion, weights, worst};
pub use paint::text_width;
pub use rates::rates;
pub use runs::{MAX_RUNS, curves, layers};

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
    /// Words.
    Text,
    /// Words of less weight, axes.
    Dim,
    /// Lines in the background.
    Grid,
    /// One of [`SERIES`] colours.
    Series(usize),
}

/// Colours of series that can be told apart.
pub const SERIES: usize = 7;

impl Ink {
    /// Red, green and blue.
    pub fn rgb(self, theme: Theme) -> [u8; 3] {
        const BLUE: [u8; 3] = [0x00, 0x72, 0xb2];
        const VERMILION: [u8; 3] = [0xd5, 0x5e, 0x00];
        const GREEN: [u8; 3] = [0x00, 0x9e, 0x73];
        const PURPLE: [u8; 3] = [0xcc, 0x79, 0xa7];
        const ORANGE: [u8; 3] = [0xe6, 0x9f, 0x00];
        const SKY: [u8; 3] = [0x56, 0xb4, 0xe9];
        const YELLOW: [u8; 3] = [0xf0, 0xe4, 0x42];
        let light = theme == Theme::Light;
        match self {
            Self::Paper if light => [0xff; 3],
            Self::Paper => [0x14, 0x17, 0x1c],
            Self::Text if light => [0x1b, 0x1f, 0x24],
            Self::Text => [0xe8, 0xea, 0xed],
            Self::Dim if light => [0x56, 0x5f, 0x6a],
            Self::Dim => [0xa3, 0xac, 0xb7],
            Self::Grid if light => [0xdd, 0xe1, 0xe6],
            Self::Grid => [0x33, 0x3a, 0x44],
            Self::Series(n) => {
                let series: [_; SERIES] = match light {
                    true => [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, [0; 3]],
                    false => [SKY, ORANGE, GREEN, PURPLE, YELLOW, VERMILION, [0xff; 3]],
                };
                series[n % SERIES]
            }
        }
    }
}

/// Where a text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At x.
    Start,
    /// With its middle at x.
    Middle,
    /// It ends at x.
    End,
}

/// A shape; lengths are in pixels, y grows downwards.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A line through points.
    Line {
        /// The points, in order.
        points: Vec<(f64, f64)>,
        /// Its colour,
        ink: Ink,
        /// and width.
        width: f64,
        /// Whether it is dashed.
        dashed: bool,
    },
    /// A filled rectangle: left, top, width and height.
    Rect([f64; 4], Ink, f64),
    /// A line of text on the base line y.
    Text {
        /// Where.
        at: (f64, f64),
        /// Height of the letters.
        size: f64,
        /// What is at x.
        anchor: Anchor,
        /// Its colour.
        ink: Ink,
        /// What it says.
        words: String,
    },
    /// Pixels (rows, columns), red, green, blue and opacity, in a rectangle.
    Image([f64; 4], Array2<[u8; 4]>),
}

/// Shapes on paper, from back to front.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Width and height.
    pub size: (f64, f64),
    /// What a screen reader says.
    pub title: String,
    /// The shapes.
    pub shapes: Vec<Shape>,
}

impl Picture {
    /// Empty paper.
    pub fn new(size: (f64, f64), title: &str) -> Self {
        Self {
            size,
            title: title.into(),
            shapes: Vec::new(),
        }
    }

    /// A text file, which follows the theme of whoever looks at it.
    pub fn svg(&self) -> String {
        svg::write(self)
    }

    /// The bytes of a PNG at twice the size.
    pub fn png(&self, theme: Theme) -> Result<Vec<u8>, png::EncodingError> {
        paint::png(self, theme)
    }

    fn text(&mut self, at: (f64, f64), size: f64, (anchor, ink): (Anchor, Ink), words: &str) {
        self.shapes.push(Shape::Text {
            at,
            size,
            anchor,
            ink,
            words: words.into(),
        });
    }

    fn line(&mut self, points: Vec<(f64, f64)>, ink: Ink, width: f64, dashed: bool) {
        self.shapes.push(Shape::Line {
            points,
            ink,
            width,
            dashed,
        });
    }
}

/// Text that fits `width`, its end cut if need be.
fn shortened(words: &str, size: f64, width: f64) -> String {
    if text_width(words, size) <= width {
        return words.into();
    }
    let mut kept: Vec<_> = words.chars().take(200).collect();
    loop {
        let text: String = kept.iter().collect::<String>() + "…";
        if kept.pop().is_none() || text_width(&text, size) <= width {
            return text;
        }
    }
}
