//! Uneven light taken out: how much of the paper's light each pixel swallows.

use super::plane::{Plane, quantile};

/// Ink, from 0 (as the paper) to about 1 (all light swallowed, or on dark paper given back).
pub struct Ink {
    /// How much ink.
    pub amount: Plane,
    /// The standard deviation of the paper: 1.4826 times the median of how much lighter than the paper pixels are
    /// that are lighter. No ink is.
    pub noise: f32,
    /// Whether the paper is lighter than the ink.
    pub light_paper: bool,
    /// How uneven the light on the paper was: the paper's range as a share of its highest value, 0 to 1.
    pub uneven: f32,
    /// The radius of the blur that noise made necessary; 0 for none.
    pub blur: usize,
}

/// The standard deviation of noise that differs from pixel to pixel, in grey values: the median of |picture ∗ mask|
/// is 0.6745·6 σ. Half of the picture may be anything else.
///
/// Source: J. Immerkær, "Fast noise variance estimation", 1996; the median in place of the mean.
pub fn noise(picture: &Plane) -> f32 {
    let (rows, cols) = (picture.rows, picture.cols);
    if rows < 3 || cols < 3 {
        return 0.0;
    }
    let at = |row: usize, col: usize| picture.at(row, col);
    let differences = (1..rows - 1).flat_map(|row| {
        (1..cols - 1).map(move |col| {
            let corners = at(row - 1, col - 1)
                + at(row - 1, col + 1)
                + at(row + 1, col - 1)
                + at(row + 1, col + 1);
            let edges = at(row - 1, col) + at(row + 1, col) + at(row, col - 1) + at(row, col + 1);
            (corners - 2.0 * edges + 4.0 * at(row, col)).abs()
        })
    });
    quantile(differences, 0.5, 2040.0).unwrap_or(0.0) / (0.6745 * 6.0)
}

/// The radius of the blur that the picture's noise makes necessary; 0 for none.
pub fn blur(picture: &Plane) -> usize {
    let sigma = noise(picture);
    let most = (picture.side() / 150).max(1);
    match sigma {
        s if s < 5.0 => 0,
        s if s < 14.0 => 1,
        s if s < 28.0 => 2,
        _ => 3,
    }
    .min(most)
}

/// Finds the paper, takes its light out and tells which side the ink is on.
pub fn ink(picture: &Plane) -> Ink {
    let blur = blur(picture);
    let picture = &picture.blurred(blur).blurred(blur);
    let paper = median_paper(picture);
    let light_paper = is_paper_light(picture, &paper);
    let rough = amount(picture, &paper, light_paper);
    let paper = paper_between(picture, &paper, &rough);
    let (low, high) = paper
        .values
        .iter()
        .fold((255.0_f32, 0.0_f32), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
    let mut amount = amount(picture, &paper, light_paper);
    let lighter = amount.values.iter().filter(|&&v| v < 0.0).map(|&v| -v);
    let count = lighter.clone().count();
    // A few pixels lighter than the paper are no noise, but the edge of a shadow.
    let noise = match 20 * count < amount.values.len() {
        true => 0.0,
        false => 1.4826 * quantile(lighter, 0.5, 1.0).unwrap_or(0.0),
    };
    amount.values.iter_mut().for_each(|v| *v = v.max(0.0));
    Ink {
        amount,
        noise,
        light_paper,
        uneven: (high - low).max(0.0) / high.max(1.0),
        blur,
    }
}

/// How much ink, below 0 where it is lighter than the paper: 1 − picture/paper on light paper; on dark paper the same for the negatives.
fn amount(picture: &Plane, paper: &Plane, light_paper: bool) -> Plane {
    // Paper darker than this is shadow or dirt: noise would count for too much.
    const LEAST: f32 = 32.0;
    let pairs = picture.values.iter().zip(&paper.values);
    let values = pairs.map(|(&v, &paper)| {
        let (v, paper) = if light_paper {
            (v, paper)
        } else {
            (255.0 - v, 255.0 - paper)
        };
        (paper - v) / paper.max(LEAST)
    });
    Plane {
        rows: picture.rows,
        cols: picture.cols,
        values: values.collect(),
    }
}

/// A first idea of the paper: the median over half of the picture around each pixel, from a small copy.
fn median_paper(picture: &Plane) -> Plane {
    let small = Plane::shrunk(&picture.gray(255.0), 64);
    let radius = (small.side() / 4).max(1);
    let mut medians = Vec::with_capacity(small.values.len());
    for row in 0..small.rows {
        let window = row.saturating_sub(radius)..(row + radius + 1).min(small.rows);
        let mut counts = [0_u32; 256];
        let mut total = 0;
        let column = |col: usize| window.clone().map(move |row| (row, col));
        for col in (0..radius.min(small.cols)).flat_map(column) {
            counts[small.at(col.0, col.1) as usize & 255] += 1;
            total += 1;
        }
        for col in 0..small.cols {
            if col + radius < small.cols {
                for (r, c) in column(col + radius) {
                    counts[small.at(r, c) as usize & 255] += 1;
                    total += 1;
                }
            }
            if col > radius {
                for (r, c) in column(col - radius - 1) {
                    counts[small.at(r, c) as usize & 255] -= 1;
                    total -= 1;
                }
            }
            let mut seen = 0;
            let middle = counts.iter().position(|&count| {
                seen += count;
                2 * seen > total
            });
            medians.push(middle.unwrap_or(255) as f32);
        }
    }
    let medians = Plane {
        values: medians,
        ..small
    };
    enlarged(&medians.blurred(1), picture.rows, picture.cols)
}

/// Ink differs from the paper more than noise and shadows do: the side with the larger sum of cubes has it.
fn is_paper_light(picture: &Plane, paper: &Plane) -> bool {
    let pairs = picture.values.iter().zip(&paper.values);
    let skew: f64 = pairs.map(|(&v, &paper)| f64::from(v - paper).powi(3)).sum();
    if skew != 0.0 {
        return skew < 0.0;
    }
    picture.values.first().is_some_and(|&v| v > 127.0)
}

/// The paper in detail: the mean of what is not ink nearby, and farther away where there is only ink.
fn paper_between(picture: &Plane, paper: &Plane, rough: &Plane) -> Plane {
    let peak = quantile(rough.values.iter().copied(), 0.995, 1.5).unwrap_or(0.0);
    let middle = quantile(rough.values.iter().copied(), 0.5, 1.5).unwrap_or(0.0);
    let limit = (0.25 * peak).max(3.0 * middle).max(0.02);
    // Blocks of k×k pixels: the sum of their paper and how many pixels of it they have.
    let k = picture.side().div_ceil(250).max(1);
    let (rows, cols) = (picture.rows.div_ceil(k), picture.cols.div_ceil(k));
    let blocks = || Plane {
        rows,
        cols,
        values: vec![0.0; rows * cols],
    };
    let (mut sums, mut counts) = (blocks(), blocks());
    let near_ink = rough.blurred(k);
    for row in 0..picture.rows {
        for col in 0..picture.cols {
            if rough.at(row, col) < limit && near_ink.at(row, col) < limit {
                let block = row / k * cols + col / k;
                sums.values[block] += picture.at(row, col);
                counts.values[block] += 1.0;
            }
        }
    }
    let mut fine = blocks();
    let mut left: Vec<usize> = (0..rows * cols).collect();
    let side = rows.max(cols);
    for share in [16, 8, 4, 2, 1] {
        let radius = (side / share).max(1);
        let (sum, count) = (sums.blurred(radius), counts.blurred(radius));
        // A twentieth of the window must be paper.
        let least = 0.05 * (k * k) as f32;
        left.retain(|&i| {
            let found = count.values[i] > least;
            if found {
                fine.values[i] = sum.values[i] / count.values[i];
            }
            !found
        });
        if left.is_empty() {
            break;
        }
    }
    for i in left {
        let (row, col) = (i / cols * k, i % cols * k);
        fine.values[i] = paper.at(row, col);
    }
    let fine = fine.blurred((side / 40).max(1));
    enlarged(&fine, picture.rows, picture.cols)
}

/// The picture at another size, linear between the centres of its pixels.
fn enlarged(small: &Plane, rows: usize, cols: usize) -> Plane {
    let places = |from: usize, to: usize| -> Vec<(usize, usize, f32)> {
        let scale = from as f32 / to as f32;
        let place = |i: usize| {
            let at = ((i as f32 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f32);
            let low = at as usize;
            (low, (low + 1).min(from - 1), at - low as f32)
        };
        (0..to).map(place).collect()
    };
    let across = places(small.cols, cols);
    let mut values = Vec::with_capacity(rows * cols);
    for (above, below, down) in places(small.rows, rows) {
        let line: Vec<f32> = (0..small.cols)
            .map(|col| small.at(above, col) * (1.0 - down) + small.at(below, col) * down)
            .collect();
        values.extend(
            across
                .iter()
                .map(|&(left, right, t)| line[left] * (1.0 - t) + line[right] * t),
        );
    }
    Plane { rows, cols, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of these grey values.
    fn picture(rows: usize, cols: usize, f: impl Fn(usize, usize) -> f32) -> Plane {
        let values = (0..rows * cols).map(|i| f(i / cols, i % cols)).collect();
        Plane { rows, cols, values }
    }

    fn is_bar(row: usize, col: usize) -> bool {
        (40..60).contains(&col) && (20..100).contains(&row)
    }

    #[test]
    fn a_slope_of_light_disappears_and_the_ink_keeps_its_amount() {
        let ink = ink(&picture(120, 120, |row, col| {
            let paper = 100.0 + row as f32;
            if is_bar(row, col) { paper * 0.2 } else { paper }
        }));
        assert!(ink.light_paper && ink.uneven > 0.3 && ink.blur == 0);
        for row in 0..120 {
            for col in (0..35).chain(45..55).chain(65..120) {
                let inside = is_bar(row, col);
                if inside != is_bar(row.saturating_sub(5), col) || inside != is_bar(row + 5, col) {
                    continue;
                }
                let expected = if inside { 0.8 } else { 0.0 };
                let found = ink.amount.at(row, col);
                assert!((found - expected).abs() < 0.08, "{row}, {col}: {found}");
            }
        }
    }

    #[test]
    fn the_paper_is_dark_where_the_ink_is_chalk() {
        let chalk = |row, col| if is_bar(row, col) { 230.0 } else { 30.0 };
        let ink = ink(&picture(120, 120, chalk));
        assert!(!ink.light_paper);
        assert!(ink.amount.at(60, 50) > 0.7 && ink.amount.at(60, 90) < 0.05);
    }

    #[test]
    fn noise_is_measured() {
        // Uniform over ±20: σ = 40/√12 = 11.5.
        let mut state = 1_u32;
        let values = (0..100 * 100).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            128.0 + (state >> 16) as f32 / 65536.0 * 40.0 - 20.0
        });
        let noisy = Plane {
            rows: 100,
            cols: 100,
            values: values.collect(),
        };
        assert!((noise(&noisy) - 11.5).abs() < 1.0, "{}", noise(&noisy));
        assert!(noise(&picture(50, 50, |row, _| row as f32)) < 0.2);
    }
}
