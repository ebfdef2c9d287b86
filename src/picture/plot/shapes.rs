//! What a plot consists of.

use ndarray::Array2;

use crate::picture::{
    font::{shortened, text_width},
    palette::{Ink, STRENGTH, Theme},
};

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
    /// A filled rectangle: left, top, width and height; its colour and opacity.
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
    /// An image in a rectangle.
    Image([f64; 4], Pixels),
}

/// An image (rows, columns).
#[derive(Clone, Debug)]
pub enum Pixels {
    /// Grey values of a digit, which are ink on paper.
    Ink(Array2<u8>),
    /// Grey values as they are, whatever the theme: a photograph.
    Grey(Array2<u8>),
    /// Numbers from −1, the full strength below zero, to 1, that above. What is beyond looks like these.
    Signed(Array2<f32>),
}

impl Pixels {
    /// Red, green, blue and opacity.
    pub fn rgba(&self, theme: Theme) -> Array2<[u8; 4]> {
        let pixel = |ink: Ink, opacity| {
            let [r, g, b] = ink.rgb(theme);
            [r, g, b, opacity]
        };
        match self {
            Self::Ink(greys) => greys.mapv(|grey| pixel(Ink::Text, grey)),
            Self::Grey(greys) => greys.mapv(|grey| [grey, grey, grey, 255]),
            Self::Signed(values) => values.mapv(|v| {
                let opacity = (255.0 * v.abs().min(1.0)).round() as u8;
                pixel(if v < 0.0 { Ink::Below } else { Ink::Above }, opacity)
            }),
        }
    }
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

/// Where every picture begins.
pub(super) const MARGIN: f64 = 24.0;
/// The height of letters in headlines and in all else.
pub(super) const HEAD: f64 = 14.0;
pub(super) const SMALL: f64 = 12.0;

impl Picture {
    /// Empty paper.
    pub fn new(size: (f64, f64), title: &str) -> Self {
        Self {
            size,
            title: title.into(),
            shapes: Vec::new(),
        }
    }

    pub(super) fn text(
        &mut self,
        at: (f64, f64),
        size: f64,
        (anchor, ink): (Anchor, Ink),
        words: &str,
    ) {
        self.shapes.push(Shape::Text {
            at,
            size,
            anchor,
            ink,
            words: words.into(),
        });
    }

    pub(super) fn line(&mut self, points: Vec<(f64, f64)>, ink: Ink, width: f64, dashed: bool) {
        self.shapes.push(Shape::Line {
            points,
            ink,
            width,
            dashed,
        });
    }

    /// An image with a line around it.
    pub(super) fn framed(&mut self, place: [f64; 4], pixels: Pixels) {
        let [x, y, w, h] = place;
        self.shapes.push(Shape::Image(place, pixels));
        let corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)];
        self.line(corners.to_vec(), Ink::Rule, 1.0, false);
    }

    /// What the picture shows, and below it, smaller, how to read it.
    pub(super) fn headline(&mut self, words: &str, below: &str) {
        let width = self.size.0 - 2.0 * MARGIN;
        let start = |ink| (Anchor::Start, ink);
        let words = shortened(words, HEAD, width);
        self.text((MARGIN, 32.0), HEAD, start(Ink::Text), &words);
        if !below.is_empty() {
            let below = shortened(below, SMALL, width);
            self.text((MARGIN, 52.0), SMALL, start(Ink::Dim), &below);
        }
    }

    /// The two colours from `−most` over 0 to `most`, where they have their full strength, on the line y.
    pub(super) fn signed_legend(&mut self, y: f64, most: f64) {
        let start = (Anchor::Start, Ink::Dim);
        let low = format!("−{most:.2}");
        self.text((MARGIN, y), SMALL, start, &low);
        let (cell, steps) = (9.0, 6);
        let left = MARGIN + text_width(&low, SMALL) + 8.0;
        for step in -steps..=steps {
            let place = [left + cell * f64::from(step + steps), y - 10.0, cell, 12.0];
            let ink = if step < 0 { Ink::Below } else { Ink::Above };
            let opacity = f64::from(step).abs() / f64::from(steps);
            self.shapes.push(Shape::Rect(place, ink, opacity));
        }
        let bar = cell * f64::from(2 * steps + 1);
        let corners = [
            (left, y - 10.0),
            (left + bar, y - 10.0),
            (left + bar, y + 2.0),
            (left, y + 2.0),
        ];
        let frame = corners.into_iter().chain([corners[0]]).collect();
        self.line(frame, Ink::Rule, 1.0, false);
        let words = format!("{most:.2}; blue is above 0, orange below, {STRENGTH}");
        let right = left + bar + 8.0;
        let words = shortened(&words, SMALL, self.size.0 - MARGIN - right);
        self.text((right, y), SMALL, start, &words);
    }
}
