//! Deslanting: leaning digits are set upright, so that a network need not learn how people slant their writing.

use crate::linalg::{Float, moments};

/// The most columns that an image may lean per row, either way: 45°. Digits lean less, and a stroke that lies
/// flat would be torn apart.
const MOST: f64 = 1.0;

/// Shears an image about its centre until it leans neither way
///
/// The image x has rows of `cols` values, of which `black` is the background.
///
/// ```text
/// v = x − black,   m = Σ v,   (r̄, c̄) = Σ v·(r, c) / m
/// a = Σ v·(r − r̄)·(c − c̄) / Σ v·(r − r̄)²
/// x[r][c] ← x[r][c + a·(r − r̄)]
/// ```
///
/// The sums go over all rows r and columns c. c̄ + a·(r − r̄) is the least-squares line through the digit,
/// which is upright afterwards. Between columns x is interpolated linearly; outside the image it is black. An
/// image without height, or of a single grey value, stays as it is.
///
/// Source: Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998, section III-A.
/// Panics if `cols` is 0.
pub fn deslant<F: Float>(x: &mut [F], cols: usize, black: F) {
    let Some((slope, centre)) = slant(x, cols, black) else {
        return;
    };
    for (r, row) in x.chunks_exact_mut(cols).enumerate() {
        let shift = slope * (float::<F>(r) - centre);
        let whole = shift.floor();
        let columns = whole.abs().to_usize();
        let Some(columns) = columns.filter(|&columns| columns <= cols) else {
            row.fill(black);
            continue;
        };
        // Whole columns first; `beyond` is what lies right of the last column then.
        let mut beyond = black;
        if shift >= F::zero() {
            row.copy_within(columns.., 0);
            row[cols - columns..].fill(black);
        } else {
            beyond = row[cols - columns];
            row.copy_within(..cols - columns, columns);
            row[..columns].fill(black);
        }
        let between = shift - whole;
        let mix = |left: F, right: F| left + between * (right - left);
        for c in 1..cols {
            row[c - 1] = mix(row[c - 1], row[c]);
        }
        row[cols - 1] = mix(row[cols - 1], beyond);
    }
}

/// The slope a, at most [`MOST`] either way, and r̄; none if they are undefined.
fn slant<F: Float>(x: &[F], cols: usize, black: F) -> Option<(F, F)> {
    // Σ v, Σ v·r, Σ v·c, Σ v·r·r, Σ v·r·c
    let mut sums = [F::zero(); 5];
    for (r, row) in x.chunks_exact(cols).enumerate() {
        let [mass, across] = moments(row, black);
        let r = float::<F>(r);
        let of_row = [mass, mass * r, across, mass * r * r, across * r];
        for (sum, of_row) in sums.iter_mut().zip(of_row) {
            *sum += of_row;
        }
    }
    let [mass, down, across, down_down, down_across] = sums;
    let centre = down / mass;
    let slope = (down_across - centre * across) / (down_down - centre * down);
    let most = F::from(MOST).expect("f64 converts to any float");
    slope
        .is_finite()
        .then(|| (slope.max(-most).min(most), centre))
}

fn float<F: Float>(n: usize) -> F {
    F::from(n).expect("a small number converts to any float")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula, written out: m, r̄, c̄, Σ v·(r − r̄)·(c − c̄) and Σ v·(r − r̄)².
    fn moments(x: &[f64], cols: usize, black: f64) -> [f64; 5] {
        let sum = |weight: &dyn Fn(f64, f64) -> f64| -> f64 {
            let pixels = x.iter().enumerate();
            let part =
                |(p, x): (usize, &f64)| (x - black) * weight((p / cols) as f64, (p % cols) as f64);
            pixels.map(part).sum()
        };
        let mass = sum(&|_, _| 1.0);
        let (row, column) = (sum(&|r, _| r) / mass, sum(&|_, c| c) / mass);
        let lean = sum(&|r, c| (r - row) * (c - column));
        [mass, row, column, lean, sum(&|r, _| (r - row) * (r - row))]
    }

    /// A line that leans by `lean` columns per row, brighter the nearer a pixel is to it; `black` elsewhere.
    fn line(rows: usize, cols: usize, lean: f64, black: f64) -> Vec<f64> {
        let pixel = |p: usize| {
            let (r, c) = ((p / cols) as f64, (p % cols) as f64);
            let (high, wide) = (rows as f64 / 2.0, cols as f64 / 2.0);
            let off = (c - wide - lean * (r - high)).abs();
            let inside = (r - high).abs() < high / 2.0;
            black + if inside { (2.0 - off).max(0.0) } else { 0.0 }
        };
        (0..rows * cols).map(pixel).collect()
    }

    #[test]
    fn every_pixel_comes_from_where_the_formula_says() {
        for (rows, cols, lean, black) in [
            (28, 28, 0.4, 0.0),
            (28, 28, -0.7, -0.5),
            (11, 40, 0.9, 3.0),
            (40, 9, -0.2, 0.0),
        ] {
            let image = line(rows, cols, lean, black);
            let [_, row, _, lean, high] = moments(&image, cols, black);
            let mut x = image.clone();
            deslant(&mut x, cols, black);
            for (p, found) in x.iter().enumerate() {
                let from = (p % cols) as f64 + lean / high * ((p / cols) as f64 - row);
                let pixels = image[p / cols * cols..][..cols].iter().enumerate();
                let near =
                    |(c, v): (usize, &f64)| (1.0 - (from - c as f64).abs()).max(0.0) * (v - black);
                let expected = black + pixels.map(near).sum::<f64>();
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{rows}x{cols}, pixel {p}: {found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn what_leans_is_upright_afterwards_where_it_was_and_as_bright() {
        for lean in [-0.8, -0.3, 0.0, 0.25, 0.6] {
            let mut x = line(28, 28, lean, 0.0);
            let before = moments(&x, 28, 0.0);
            deslant(&mut x, 28, 0.0);
            let after = moments(&x, 28, 0.0);
            for i in 0..3 {
                assert!((after[i] - before[i]).abs() < 1e-6, "{before:?} {after:?}");
            }
            let slope = after[3] / after[4];
            assert!(slope.abs() < 1e-3, "{lean}: still leans by {slope}");
        }
    }

    #[test]
    fn f32_is_f64_to_rounding() {
        let wide = line(28, 28, 0.37, 0.1);
        let mut narrow: Vec<f32> = wide.iter().map(|&v| v as f32).collect();
        let mut wide = wide;
        deslant(&mut wide, 28, 0.1);
        deslant(&mut narrow, 28, 0.1);
        for (a, b) in wide.iter().zip(&narrow) {
            assert!((a - f64::from(*b)).abs() < 1e-4, "{a}, {b}");
        }
    }

    #[test]
    fn no_slope_is_no_change_and_no_image_makes_numbers_that_are_none() {
        for image in [
            vec![0.0; 784],
            vec![1.0; 784],
            line(28, 28, 0.0, 0.0),
            [vec![0.0; 28], vec![1.0; 28], vec![0.0; 28]].concat(),
        ] {
            let mut x = image.clone();
            deslant(&mut x, 28, 0.0);
            for (a, b) in x.iter().zip(&image) {
                assert!((a - b).abs() < 1e-9, "{a}, not {b}");
            }
        }
        // Two distant pixels in neighbouring rows lean the most; some rows leave the image altogether.
        let mut flat = vec![0.0_f32; 784];
        (flat[0], flat[28 + 27], flat[27 * 28]) = (1.0, 1.0, 1e-3);
        deslant(&mut flat, 28, 0.0);
        assert!(flat.iter().all(|v| (0.0..=1.0).contains(v)));
        let mut narrow = vec![0.0_f32; 60];
        (narrow[0], narrow[59]) = (1.0, 1.0);
        deslant(&mut narrow, 2, 0.0);
        assert!(narrow.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
