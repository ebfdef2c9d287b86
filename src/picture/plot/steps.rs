//! How a photograph became an image for a network, step by step.

use ndarray::Array2;

use super::{
    Anchor, Picture, Pixels,
    shapes::{MARGIN, SMALL},
};
use crate::{
    data::photo::{Gray, Prepared},
    picture::{
        font::{shortened, text_width},
        palette::Ink,
    },
};

const ACROSS: usize = 4;
/// The side of the square that a picture is drawn in.
const CELL: f64 = 190.0;
/// The most pixels of a side that are kept.
const MOST: usize = 380;
/// Lines of words below a picture.
const LINES: usize = 3;

/// Every step of a preparation as a picture, with its words below, and the image at the end.
pub fn preparation(title: &str, prepared: &Prepared, (rows, cols): (usize, usize)) -> Picture {
    let last = Gray::new(rows, cols, prepared.pixels.clone());
    let words = format!("{cols}×{rows}, what the network sees");
    let steps = prepared.steps.iter();
    let steps = steps.map(|step| (step.name, step.words.as_str(), &step.picture));
    let steps: Vec<_> = steps.chain([("image", words.as_str(), &last)]).collect();
    let wide = CELL + 20.0;
    // How large a picture is drawn: its longer side fills the cell, if it is of the row's tallest.
    let drawn = |step: &Gray| {
        let scale = CELL / step.rows.max(step.cols).max(1) as f64;
        (step.cols as f64 * scale, step.rows as f64 * scale)
    };
    let rows: Vec<_> = steps.chunks(ACROSS).collect();
    let tallest = |row: &[(&str, &str, &Gray)]| {
        row.iter()
            .map(|(_, _, step)| drawn(step).1)
            .fold(0.0, f64::max)
    };
    let below = 34.0 + 14.0 * LINES as f64;
    let height: f64 = rows.iter().map(|row| tallest(row) + below).sum();
    let size = (2.0 * MARGIN + wide * ACROSS as f64 - 20.0, 76.0 + height);
    let mut picture = Picture::new(size, "from a picture to the image that the network sees");
    let doubts: Vec<_> = prepared.doubts.iter().map(ToString::to_string).collect();
    picture.headline(title, &doubts.join("; "));
    let (mut top, mut number) = (76.0, 0);
    for row in rows {
        let tallest = tallest(row);
        for (n, (name, words, step)) in row.iter().enumerate() {
            number += 1;
            let left = MARGIN + wide * n as f64;
            let name = format!("{number}. {name}");
            let start = |ink| (Anchor::Start, ink);
            picture.text((left, top), SMALL, start(Ink::Text), &name);
            if let Some(small) = thumbnail(step) {
                let (w, h) = drawn(step);
                picture.framed([left, top + 8.0, w, h], Pixels::Grey(small));
            }
            for (line, words) in broken(words).into_iter().enumerate() {
                let base = top + tallest + 23.0 + 14.0 * line as f64;
                picture.text((left, base), 11.0, start(Ink::Dim), &words);
            }
        }
        top += tallest + below;
    }
    picture
}

/// A text in lines of the width of a picture, the last one cut if there are too many.
fn broken(words: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let (full, count) = (lines.len() == LINES, lines.len());
        let line = &mut lines[count - 1];
        let longer = match line.is_empty() {
            true => word.to_owned(),
            false => format!("{line} {word}"),
        };
        match text_width(&longer, 11.0) <= CELL || line.is_empty() || full {
            true => *line = longer,
            false => lines.push(word.to_owned()),
        }
    }
    lines
        .iter()
        .map(|line| shortened(line, 11.0, CELL))
        .collect()
}

/// A picture of at most [`MOST`] pixels a side: every pixel is the mean of those that it stands for.
fn thumbnail(picture: &Gray) -> Option<Array2<u8>> {
    let Gray { rows, cols, .. } = *picture;
    let full = Array2::from_shape_vec((rows, cols), picture.pixels.clone()).ok()?;
    let by = rows.max(cols).div_ceil(MOST);
    if full.is_empty() || by == 1 {
        return (!full.is_empty()).then_some(full);
    }
    let small = (rows.div_ceil(by), cols.div_ceil(by));
    Some(Array2::from_shape_fn(small, |(r, c)| {
        let rows = r * by..(r * by + by).min(rows);
        let cols = c * by..(c * by + by).min(cols);
        let pixels = full.slice(ndarray::s![rows, cols]);
        let sum: u64 = pixels.iter().map(|&grey| u64::from(grey)).sum();
        (sum / pixels.len() as u64) as u8
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_is_averaged_and_words_are_broken_between_words() {
        let picture = Gray::new(2, 1000, [[0_u8; 1000], [200; 1000]].concat());
        let small = thumbnail(&picture).unwrap();
        assert_eq!(small.dim(), (1, 334));
        assert!(small.iter().all(|&grey| grey == 100));
        assert!(thumbnail(&Gray::new(0, 0, Vec::new())).is_none());
        let lines = broken(
            "the paper's light varied by 43 %: evened out, noise smoothed over 3 pixels, and more",
        );
        assert!(lines.len() > 1 && lines.len() <= LINES);
        assert!(lines.iter().all(|line| text_width(line, 11.0) <= CELL));
    }
}
