//! What a model takes for what.

use ndarray::{Array2, ArrayView1};

use super::{
    Anchor, Picture, Pixels, Shape,
    shapes::{HEAD, MARGIN, SMALL},
};
use crate::picture::{
    font::{shortened, text_width},
    palette::Ink,
};

/// The longest name of a class that fits a cell, in characters.
const SHORT: usize = 5;
/// The most classes that have a bar each.
const BARS: usize = 16;

/// How many images of each class were taken for which, as a heat map: the more mistakes, the stronger.
///
/// Columns have the names of the classes too, or their numbers if a name is too long for a cell.
pub fn confusion(confusion: &Array2<u32>, names: &[String], title: &str) -> Picture {
    let classes = confusion.nrows();
    let cell = 48.0;
    let short = names.iter().all(|name| name.chars().count() <= SHORT);
    let row_name = |class: usize| match short {
        true => names[class].clone(),
        false => format!("{}  {class}", names[class]),
    };
    let widths = (0..classes).map(|class| text_width(&row_name(class), 13.0));
    let (left, top) = ((widths.fold(0.0, f64::max) + 40.0).max(90.0).ceil(), 116.0);
    let side = cell * classes as f64;
    let below = "grey: right; blue: mistakes, the more the stronger";
    let words = text_width(title, HEAD).max(text_width(below, SMALL)) + 2.0 * MARGIN + 1.0;
    let size = ((left + side + 30.0).max(words), top + side + 30.0);
    let mut picture = Picture::new(size, "confusion");
    picture.headline(title, below);
    let dim = (Anchor::Start, Ink::Dim);
    picture.text((left, top - 32.0), SMALL, dim, "taken for");
    picture.text((MARGIN, top - 10.0), SMALL, dim, "label");
    let wrong = confusion.indexed_iter().filter(|((t, p), _)| t != p);
    let most = wrong.map(|(_, &count)| count).max().unwrap_or(0).max(1);
    for (class, name) in names.iter().enumerate() {
        let middle = cell * (class as f64 + 0.5);
        let words = match short {
            true => name.clone(),
            false => class.to_string(),
        };
        picture.text(
            (left + middle, top - 10.0),
            13.0,
            (Anchor::Middle, Ink::Text),
            &words,
        );
        let row = (left - 16.0, top + middle + 5.0);
        picture.text(row, 13.0, (Anchor::End, Ink::Text), &row_name(class));
    }
    for ((t, p), &count) in confusion.indexed_iter() {
        let (x, y) = (left + cell * p as f64, top + cell * t as f64);
        let (ink, opacity) = match t == p {
            true => (Ink::Rule, 0.5),
            // The square root, so that single mistakes can be seen beside many.
            false => (
                Ink::Above,
                0.6 * (f64::from(count) / f64::from(most)).sqrt(),
            ),
        };
        let square = [x + 1.0, y + 1.0, cell - 2.0, cell - 2.0];
        picture.shapes.push(Shape::Rect(square, Ink::Grid, 0.35));
        picture.shapes.push(Shape::Rect(square, ink, opacity));
        let (words, ink) = match count {
            0 => ("·".into(), Ink::Dim),
            _ => (count.to_string(), Ink::Text),
        };
        let middle = (x + cell / 2.0, y + cell / 2.0 + 5.0);
        picture.text(middle, 13.0, (Anchor::Middle, ink), &words);
    }
    picture
}

/// An image that the network got wrong.
pub struct Wrong<'a> {
    /// Which of the images measured, from 0.
    pub index: usize,
    /// Its pixels, row by row.
    pub pixels: ArrayView1<'a, u8>,
    /// What it is.
    pub label: u8,
    /// What it was taken for.
    pub class: u8,
    /// Its loss.
    pub loss: f64,
    /// The probability of every class, or what the outputs are where they are none.
    pub outputs: Vec<f64>,
}

/// Images with their labels, what they were taken for, and the probability of every class as a bar.
pub fn worst(
    images: &[Wrong<'_>],
    names: &[String],
    probabilities: bool,
    title: &str,
    cols: usize,
) -> Picture {
    let (across, cell, pitch) = (6, 92.0, (156.0, 166.0));
    let lines = images.len().div_ceil(across) as f64;
    let size = (across as f64 * pitch.0 + 36.0, 84.0 + lines * pitch.1);
    let mut picture = Picture::new(size, "the most wrong images");
    let bars = match (probabilities, images.first().map_or(0, |i| i.outputs.len())) {
        (_, 0 | 1) => "",
        (true, _) => "bars: the probability of every class; that of the label is on grey",
        (false, _) => {
            "bars: the output of every class, blue above 0, orange below; that of the label is on grey"
        }
    };
    picture.headline(title, bars);
    for (n, image) in images.iter().enumerate() {
        let left = MARGIN + pitch.0 * (n % across) as f64;
        let top = 72.0 + pitch.1 * (n / across) as f64;
        let rows = image.pixels.len() / cols;
        let greys = Array2::from_shape_fn((rows, cols), |(r, c)| image.pixels[r * cols + c]);
        picture.framed([left, top, cell, cell], Pixels::Ink(greys));
        let output = |class: u8| match (image.outputs.get(usize::from(class)), probabilities) {
            (Some(0.0..1e-4), true) => ": below 0.01 %".into(),
            (Some(p), true) => format!(": {:.2} %", 100.0 * p),
            (Some(y), false) if image.outputs.len() > 1 => format!(": {y:.3}"),
            _ => String::new(),
        };
        let text = |words: &str, y: f64, ink| ((left, top + cell + y), words.to_owned(), ink);
        let taken = format!(
            "taken for {}{}",
            names[usize::from(image.class)],
            output(image.class)
        );
        let label = format!(
            "label {}{}",
            names[usize::from(image.label)],
            output(image.label)
        );
        let loss = format!("image {}, loss {:.2}", image.index, image.loss);
        for (at, words, ink) in [
            text(&label, 16.0, Ink::Text),
            text(&taken, 32.0, Ink::Text),
            text(&loss, 48.0, Ink::Dim),
        ] {
            let words = shortened(&words, 11.5, pitch.0 - 8.0);
            picture.text(at, 11.5, (Anchor::Start, ink), &words);
        }
        if image.outputs.len() < 2 {
            continue;
        }
        let bars = with_bars(image);
        let step = cell / bars.len() as f64;
        let zero = left + cell + 17.0;
        for (row, &(class, output)) in bars.iter().enumerate() {
            let y = top + step * row as f64;
            let ink = if output < 0.0 { Ink::Below } else { Ink::Above };
            let long = 34.0 * output.abs().min(1.0);
            let is_label = class == usize::from(image.label);
            if is_label {
                let row = [left + cell + 5.0, y, 48.0, step];
                picture.shapes.push(Shape::Rect(row, Ink::Grid, 1.0));
            }
            let name = if is_label { Ink::Text } else { Ink::Dim };
            let words = match names[class].chars().count() {
                ..=2 => names[class].clone(),
                _ => class.to_string(),
            };
            let at = (left + cell + 13.0, y + step / 2.0 + 3.0);
            picture.text(at, 8.5, (Anchor::End, name), &words);
            let bar = [zero, y + 1.5, long, step - 3.0];
            picture.shapes.push(Shape::Rect(bar, ink, 1.0));
        }
        picture.line(vec![(zero, top), (zero, top + cell)], Ink::Rule, 1.0, false);
    }
    picture
}

/// The classes with a bar, each with its output: all, or of many the label and those with the largest.
fn with_bars(image: &Wrong<'_>) -> Vec<(usize, f64)> {
    let mut bars: Vec<_> = image.outputs.iter().copied().enumerate().collect();
    if bars.len() > BARS {
        let label = usize::from(image.label);
        bars.sort_by(|a, b| {
            let first = (b.0 == label).cmp(&(a.0 == label));
            first.then(b.1.abs().total_cmp(&a.1.abs()))
        });
        bars.truncate(BARS);
        bars.sort_by_key(|&(class, _)| class);
    }
    bars
}
