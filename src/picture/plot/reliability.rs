//! How often a network is right against how sure it is.

use super::{
    Anchor, Picture, Shape,
    shapes::{MARGIN, SMALL},
};
use crate::{picture::palette::Ink, train::calibration::Bin};

/// The side of the square.
const SIDE: f64 = 320.0;

/// A reliability diagram: a bar a bin, as high as its accuracy, and the line on which a calibrated network lies.
pub fn reliability(bins: &[Bin], title: &str) -> Picture {
    let mut picture = Picture::new((SIDE + 2.0 * MARGIN + 60.0, SIDE + 150.0), title);
    let below = "bars on the dashed line: as often right as it is sure";
    picture.headline(title, below);
    let (left, top) = (MARGIN + 48.0, 78.0);
    let bottom = top + SIDE;
    let at = |x: f64, y: f64| (left + SIDE * x, bottom - SIDE * y);
    for tick in (0..=5).map(|n| f64::from(n) / 5.0) {
        let words = format!("{:.0} %", 100.0 * tick);
        picture.line(vec![at(0.0, tick), at(1.0, tick)], Ink::Grid, 1.0, false);
        let (x, y) = at(0.0, tick);
        picture.text((x - 7.0, y + 4.0), SMALL, (Anchor::End, Ink::Dim), &words);
        let (x, y) = at(tick, 0.0);
        picture.text((x, y + 17.0), SMALL, (Anchor::Middle, Ink::Dim), &words);
    }
    let all: usize = bins.iter().map(|bin| bin.images).sum();
    for bin in bins {
        let Some(accuracy) = bin.accuracy else {
            continue;
        };
        let (x, y) = at(bin.above, accuracy);
        let width = SIDE * (bin.up_to - bin.above) - 1.0;
        let ink = Ink::Series(0);
        // Few images say little: their bars are pale.
        let share = bin.images as f64 / all as f64;
        let opacity = 0.35 + 0.65 * share.sqrt().min(1.0);
        let bar = [x + 0.5, y, width, bottom - y];
        picture.shapes.push(Shape::Rect(bar, ink, opacity));
    }
    picture.line(vec![at(0.0, 0.0), at(1.0, 1.0)], Ink::Text, 1.5, true);
    picture.line(vec![at(0.0, 0.0), at(1.0, 0.0)], Ink::Dim, 1.0, false);
    let end = (Anchor::End, Ink::Dim);
    picture.text((left + SIDE, bottom + 34.0), SMALL, end, "confidence");
    let start = (Anchor::Start, Ink::Dim);
    let words = "upwards: accuracy; pale bars have few images";
    picture.text((left, bottom + 52.0), SMALL, start, words);
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::calibration::{Answer, bins};

    #[test]
    fn a_bin_with_images_has_a_bar_as_high_as_its_accuracy() {
        let answer = |right| Answer {
            confidence: 0.99,
            right,
        };
        let picture = reliability(&bins(&[answer(true), answer(false)]), "title");
        let bars: Vec<_> = picture
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Rect([_, _, _, height], ..) => Some(*height),
                _ => None,
            })
            .collect();
        assert_eq!(bars, [SIDE / 2.0]);
        assert!(picture.svg().contains("confidence"));
    }
}
