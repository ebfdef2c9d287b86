//! Box and centre: the last part, which a pad on a page can do the same to the bit.
//!
//! Only +, −, ·, / and rounding of f64 are used, in the order written here.

use super::{Frame, Gray};

/// Ink below this share of the largest value does not count for the box.
const EDGE: f64 = 0.25;

/// Scales the ink's box to fit 20/28 of the frame, its shape kept, and moves its centre of mass to the middle.
///
/// `ink` is bright on black. Returns grey values (rows·cols of the frame), the largest 255; all 0 if there is no ink.
pub fn fit(ink: &Gray, frame: Frame) -> Vec<u8> {
    fitted(ink, frame).pixels
}

/// The image and what was done.
pub(super) struct Fitted {
    pub pixels: Vec<u8>,
    /// The image before it was centred.
    pub boxed: Vec<u8>,
    /// Height and width of the box.
    pub from: (usize, usize),
    /// Height and width of the box in the frame.
    pub to: (usize, usize),
    /// Rows and columns that centring moved it.
    pub moved: (i64, i64),
}

pub(super) fn fitted(ink: &Gray, frame: Frame) -> Fitted {
    let empty = || vec![0; frame.rows * frame.cols];
    let Some((top, left, rows, cols)) = ink_box(ink) else {
        return Fitted {
            pixels: empty(),
            boxed: empty(),
            from: (0, 0),
            to: (0, 0),
            moved: (0, 0),
        };
    };
    // 20/28 of each side, rounded; the ink may use all of one side.
    let most = |side: usize| ((side * 20 + 14) / 28).max(1);
    let (most_rows, most_cols) = (most(frame.rows), most(frame.cols));
    // Pixels of the picture that make one of the image, along either side.
    let step = (rows as f64 / most_rows as f64).max(cols as f64 / most_cols as f64);
    let to_rows = ((rows as f64 / step).ceil() as usize).clamp(1, most_rows);
    let to_cols = ((cols as f64 / step).ceil() as usize).clamp(1, most_cols);
    // The box is in the middle of what its whole pixels cover.
    let first_row = top as f64 + (rows as f64 - to_rows as f64 * step) / 2.0;
    let first_col = left as f64 + (cols as f64 - to_cols as f64 * step) / 2.0;

    // One more pixel on each side, for ink too weak for the box.
    let (out_rows, out_cols) = (to_rows + 2, to_cols + 2);
    let down = averages(ink.rows, first_row - step, step, out_rows);
    let across = averages(ink.cols, first_col - step, step, out_cols);
    let mut small = vec![0.0; out_rows * out_cols];
    for (row, weights) in down.iter().enumerate() {
        let mut line = vec![0.0; ink.cols];
        for &(from, weight) in weights {
            let pixels = &ink.pixels[from * ink.cols..(from + 1) * ink.cols];
            for (sum, &pixel) in line.iter_mut().zip(pixels) {
                *sum += weight * f64::from(pixel);
            }
        }
        for (col, weights) in across.iter().enumerate() {
            let mut sum = 0.0;
            for &(from, weight) in weights {
                sum += weight * line[from];
            }
            small[row * out_cols + col] = sum;
        }
    }

    let mut largest = 0.0_f64;
    let (mut mass, mut mass_rows, mut mass_cols) = (0.0, 0.0, 0.0);
    for row in 0..out_rows {
        for col in 0..out_cols {
            let value = small[row * out_cols + col];
            largest = largest.max(value);
            mass += value;
            mass_rows += value * row as f64;
            mass_cols += value * col as f64;
        }
    }
    if largest <= 0.0 {
        return Fitted {
            pixels: empty(),
            boxed: empty(),
            from: (rows, cols),
            to: (to_rows, to_cols),
            moved: (0, 0),
        };
    }
    // By whole pixels, to index 14 of 28: of MNIST's images, the mean index is 14.0, evenly within ±0.5.
    let shift = |side: usize, centre: f64| (side as f64 / 2.0 - centre + 0.5).floor() as i64;
    let by = (
        shift(frame.rows, mass_rows / mass),
        shift(frame.cols, mass_cols / mass),
    );
    let middle = |side: usize, of: usize| (side as i64 - of as i64).div_euclid(2);
    let unmoved = (middle(frame.rows, out_rows), middle(frame.cols, out_cols));

    let paste = |(down, across): (i64, i64)| {
        let mut pixels = empty();
        for row in 0..out_rows {
            for col in 0..out_cols {
                let (r, c) = (row as i64 + down, col as i64 + across);
                if r < 0 || c < 0 || r >= frame.rows as i64 || c >= frame.cols as i64 {
                    continue;
                }
                let value = small[row * out_cols + col] * 255.0 / largest;
                pixels[r as usize * frame.cols + c as usize] = (value + 0.5).floor() as u8;
            }
        }
        pixels
    };
    Fitted {
        pixels: paste(by),
        boxed: paste(unmoved),
        from: (rows, cols),
        to: (to_rows, to_cols),
        moved: (by.0 - unmoved.0, by.1 - unmoved.1),
    }
}

/// Top, left, rows and columns of the ink.
fn ink_box(ink: &Gray) -> Option<(usize, usize, usize, usize)> {
    let largest = ink.pixels.iter().copied().max().filter(|&v| v > 0)?;
    if !ink.is_sound() {
        return None;
    }
    let least = EDGE * f64::from(largest);
    let counts = |&pixel: &u8| f64::from(pixel) >= least;
    let lines = || ink.pixels.chunks_exact(ink.cols);
    let top = lines().position(|line| line.iter().any(counts))?;
    let bottom = lines().rposition(|line| line.iter().any(counts))?;
    let left = lines()
        .filter_map(|line| line.iter().position(counts))
        .min()?;
    let right = lines()
        .filter_map(|line| line.iter().rposition(counts))
        .max()?;
    Some((top, left, bottom - top + 1, right - left + 1))
}

/// For each of `count` intervals of length `step` from `first` on: which pixels of 0..`side` it covers, and the
/// share of it that each covers.
fn averages(side: usize, first: f64, step: f64, count: usize) -> Vec<Vec<(usize, f64)>> {
    let interval = |i: usize| {
        let (start, end) = (first + i as f64 * step, first + (i + 1) as f64 * step);
        let from = start.floor().max(0.0) as usize;
        let to = (end.ceil().max(0.0) as usize).min(side);
        let pixels = from..to;
        let share = |pixel: usize| {
            let covered = end.min((pixel + 1) as f64) - start.max(pixel as f64);
            (pixel, covered.max(0.0) / step)
        };
        pixels.map(share).collect()
    };
    (0..count).map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_the_box_and_lies_in_the_middle() {
        // 80×40 of 100×100: twice as high as wide, so 20×10.
        let mut ink = Gray::new(100, 100, vec![0; 10_000]);
        for row in 5..85 {
            ink.pixels[row * 100 + 50..row * 100 + 90].fill(200);
        }
        let pixels = fit(&ink, Frame::MNIST);
        for row in 0..28 {
            for col in 0..28 {
                let inside = (5..25).contains(&row) && (10..20).contains(&col);
                let expected = if inside { 255 } else { 0 };
                assert_eq!(pixels[row * 28 + col], expected, "{row}, {col}");
            }
        }
    }

    #[test]
    fn nothing_and_a_picture_with_missing_pixels_are_black() {
        let frame = Frame { rows: 3, cols: 2 };
        for ink in [
            Gray::default(),
            Gray::new(2, 2, vec![0; 4]),
            Gray::new(2, 2, vec![9; 3]),
        ] {
            assert_eq!(fit(&ink, frame), [0; 6]);
        }
    }

    /// A drawing on the pad of a page, what its ink is and what becomes of it. `scripts/check_page.py` holds the page
    /// to the same file.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Drawing {
        /// Rows and columns of the image.
        frame: [usize; 2],
        /// Rows and columns of the pad, and half the width of the pen.
        pad: [usize; 2],
        pen: f64,
        /// Points (x, y).
        strokes: Vec<Vec<[f64; 2]>>,
        /// Σ v and Σ i·v of the ink.
        ink: [u64; 2],
        pixels: Vec<u8>,
        from: (usize, usize),
        to: (usize, usize),
        moved: (i64, i64),
    }

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/fit.json");

    /// `padOf` of `ink.js`.
    fn pad(rows: usize, cols: usize) -> ([usize; 2], f64) {
        let fine = (280.0 / rows.max(cols) as f64).round().max(1.0);
        let pen = (1.15 / 28.0 * rows.min(cols) as f64).max(0.5) * fine;
        ([rows * fine as usize, cols * fine as usize], pen)
    }

    /// `inkOf` of `ink.js`, without looking where a stroke cannot be.
    fn ink(strokes: &[Vec<[f64; 2]>], [rows, cols]: [usize; 2], pen: f64) -> Gray {
        let squared = |x: f64, y: f64, [ax, ay]: [f64; 2], [bx, by]: [f64; 2]| {
            let (dx, dy) = (bx - ax, by - ay);
            let length = dx * dx + dy * dy;
            let t = match length {
                0.0 => 0.0,
                _ => (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0),
            };
            let (across, down) = (x - ax - t * dx, y - ay - t * dy);
            across * across + down * down
        };
        let pixel = |p: usize| {
            let (x, y) = ((p % cols) as f64 + 0.5, (p / cols) as f64 + 0.5);
            let lines = strokes.iter().flat_map(|stroke| {
                let lines = stroke.iter().enumerate();
                lines.map(|(i, &b)| squared(x, y, stroke[i.saturating_sub(1)], b))
            });
            let nearest = lines.fold(f64::INFINITY, f64::min);
            (255.0 * (pen + 0.5 - nearest.sqrt()).clamp(0.0, 1.0) + 0.5).floor() as u8
        };
        Gray::new(rows, cols, (0..rows * cols).map(pixel).collect())
    }

    fn drawing(frame: [usize; 2], strokes: Vec<Vec<[f64; 2]>>) -> Drawing {
        let [rows, cols] = frame;
        let (pad, pen) = pad(rows, cols);
        let ink = ink(&strokes, pad, pen);
        let values = || ink.pixels.iter().map(|&v| u64::from(v));
        let fitted = fitted(&ink, Frame { rows, cols });
        Drawing {
            frame,
            pad,
            pen,
            strokes,
            ink: [
                values().sum(),
                (0..).zip(values()).map(|(i, v)| i * v).sum(),
            ],
            pixels: fitted.pixels,
            from: fitted.from,
            to: fitted.to,
            moved: fitted.moved,
        }
    }

    #[test]
    fn a_drawing_on_a_page_becomes_the_image_that_is_written_down() {
        let golden: Vec<Drawing> =
            serde_json::from_str(&std::fs::read_to_string(GOLDEN).unwrap()).unwrap();
        assert!(golden.len() >= 10);
        for expected in golden {
            let found = drawing(expected.frame, expected.strokes);
            assert_eq!((found.pad, found.pen), (expected.pad, expected.pen));
            assert_eq!(found.ink, expected.ink);
            assert_eq!((found.from, found.to), (expected.from, expected.to));
            assert_eq!(found.moved, expected.moved);
            assert!(found.pixels == expected.pixels, "{:?}", expected.frame);
        }
    }

    /// Writes the file: `cargo test --lib write_the_golden -- --ignored`.
    #[test]
    #[ignore = "writes tests/golden/fit.json"]
    fn write_the_golden_drawings() {
        let seven = vec![vec![[0.3, 0.25], [0.7, 0.24], [0.45, 0.8]]];
        let arc = |turns: f64, wide: f64| -> Vec<[f64; 2]> {
            let angle = |i: i32| f64::from(i) * turns * std::f64::consts::TAU / 40.0;
            let point = |i: i32| [0.5 + wide * angle(i).cos(), 0.5 + 0.31 * angle(i).sin()];
            (0..=40).map(point).collect()
        };
        let four = vec![
            vec![[0.4, 0.1], [0.2, 0.55], [0.8, 0.5]],
            vec![[0.65, 0.3], [0.61, 0.93]],
        ];
        let frames = [
            [28, 28],
            [8, 8],
            [16, 16],
            [20, 60],
            [64, 13],
            [32, 32],
            [288, 12],
        ];
        let shapes = [
            seven,
            vec![arc(1.0, 0.2)],
            four,
            vec![vec![[0.12, 0.9]]],                // a dot
            vec![vec![[0.02, 0.03], [0.99, 0.98]]], // beyond the corners
            vec![vec![[0.5, 0.4], [0.5, 0.6]], arc(0.4, 0.45)],
        ];
        let mut drawings = Vec::new();
        for (f, [rows, cols]) in frames.into_iter().enumerate() {
            // All of them as MNIST's, and one of each other size.
            let shapes = shapes
                .iter()
                .enumerate()
                .filter(|&(s, _)| f == 0 || f % shapes.len() == s);
            for (_, shape) in shapes {
                let ([high, wide], _) = pad(rows, cols);
                // To a 1/64 of a pixel, so that a decimal number says it exactly.
                let place = |v: f64, side: usize| (v * side as f64 * 64.0).round() / 64.0;
                let point = |&[x, y]: &[f64; 2]| [place(x, wide), place(y, high)];
                let strokes = shape
                    .iter()
                    .map(|stroke| stroke.iter().map(point).collect());
                drawings.push(drawing([rows, cols], strokes.collect()));
            }
        }
        let lines: Vec<_> = drawings
            .iter()
            .map(|d| serde_json::to_string(d).unwrap())
            .collect();
        std::fs::write(GOLDEN, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
}
