//! Strokes told by being thin, whatever the light does: for hard shadows, and for a sheet on a table.

use super::light::Ink;
use super::plane::{Plane, quantile};

/// Paper darker than this is shadow or dirt: noise would count for too much.
const LEAST: f32 = 64.0;

/// How much darker (or on dark paper lighter) each pixel is than anything as wide as `width` pixels around it.
///
/// The paper is the closing: the lightest value of each window, then the darkest of those. It fills what is narrower
/// than the window and keeps the edges of what is wider, such as a shadow.
///
/// Source: J. Serra, "Image Analysis and Mathematical Morphology", 1982.
pub fn thin(picture: &Plane, width: usize, light_paper: bool, blur: usize) -> Ink {
    let picture = picture.blurred(blur);
    let picture = match light_paper {
        true => picture,
        false => picture.map(|v| 255.0 - v),
    };
    let paper = closed(&picture, (width / 2).max(1));
    let (low, high) = paper
        .values
        .iter()
        .fold((255.0_f32, 0.0_f32), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
    let pairs = picture.values.iter().zip(&paper.values);
    let mut amount = Plane {
        rows: picture.rows,
        cols: picture.cols,
        values: pairs
            .map(|(&v, &paper)| (paper - v) / paper.max(LEAST))
            .collect(),
    };
    // Noise lifts the closing: the paper is where most pixels are, and its noise is what lies above.
    let middle = quantile_of(&amount, 0.5);
    let noise = 1.4826 * (middle - quantile_of(&amount, 0.25));
    amount
        .values
        .iter_mut()
        .for_each(|v| *v = (*v - middle).max(0.0));
    Ink {
        amount,
        noise,
        light_paper,
        uneven: (high - low).max(0.0) / high.max(1.0),
        blur,
    }
}

fn quantile_of(plane: &Plane, share: f64) -> f32 {
    quantile(plane.values.iter().copied(), share, 1.0).unwrap_or(0.0)
}

/// The closing with squares of 2r+1 pixels. Beyond the border nothing is known, so nothing is filled from there.
fn closed(picture: &Plane, radius: usize) -> Plane {
    let along = |plane: &Plane, wider: bool| extremes(plane, radius, wider).transposed();
    let lightest = along(&along(picture, true), true);
    along(&along(&lightest, false), false)
}

/// Along each row: the largest of 2r+1 values, for r places more at each end; or the smallest, for r fewer.
fn extremes(plane: &Plane, radius: usize, wider: bool) -> Plane {
    let cols = match wider {
        true => plane.cols + 2 * radius,
        false => plane.cols - 2 * radius,
    };
    let window = 2 * radius + 1;
    let mut values = Vec::with_capacity(plane.rows * cols);
    // Blocks of a window each: of every place, the extreme from its block's start and to its block's end.
    let (outside, pick): (f32, fn(f32, f32) -> f32) = match wider {
        true => (f32::MIN, f32::max),
        false => (f32::MAX, f32::min),
    };
    let pad = if wider { 2 * radius } else { 0 };
    let length = plane.cols + 2 * pad;
    let mut line = vec![outside; length];
    let (mut from_start, mut to_end) = (line.clone(), line.clone());
    for row in plane.values.chunks_exact(plane.cols) {
        line[pad..pad + plane.cols].copy_from_slice(row);
        for i in 0..length {
            from_start[i] = match i % window {
                0 => line[i],
                _ => pick(from_start[i - 1], line[i]),
            };
        }
        for i in (0..length).rev() {
            to_end[i] = match i % window == window - 1 || i + 1 == length {
                true => line[i],
                false => pick(to_end[i + 1], line[i]),
            };
        }
        values.extend((0..cols).map(|i| pick(to_end[i], from_start[i + window - 1])));
    }
    Plane {
        rows: plane.rows,
        cols,
        values,
    }
}

/// A sheet of paper in a picture.
pub struct Sheet {
    /// The part of the picture that it is in, all around it as light as the sheet.
    pub part: Plane,
    /// The part's first row and column.
    pub at: (usize, usize),
    /// Which pixels of the part are on it, a little inside its edge.
    pub mask: Vec<bool>,
}

/// The sheet of paper that is lighter than what is around it, if there is one.
pub fn sheet(picture: &Plane) -> Option<Sheet> {
    let small = Plane::shrunk(&picture.gray(255.0), 200);
    let (rows, cols) = (small.rows, small.cols);
    let small = small.blurred(1);
    let limit = otsu(&small);
    // The largest light region.
    let mut seen = vec![false; rows * cols];
    let mut largest = Vec::new();
    for start in 0..seen.len() {
        if seen[start] || small.values[start] < limit {
            continue;
        }
        seen[start] = true;
        let mut region = vec![start];
        let mut next = 0;
        while let Some(&at) = region.get(next) {
            next += 1;
            let (row, col) = (at / cols, at % cols);
            let near = [
                (row > 0).then(|| at - cols),
                (row + 1 < rows).then(|| at + cols),
                (col > 0).then(|| at - 1),
                (col + 1 < cols).then(|| at + 1),
            ];
            for at in near.into_iter().flatten() {
                if !seen[at] && small.values[at] >= limit {
                    seen[at] = true;
                    region.push(at);
                }
            }
        }
        if region.len() > largest.len() {
            largest = region;
        }
    }
    let area = largest.len();
    if 8 * area < rows * cols || 20 * area > 19 * rows * cols {
        return None;
    }
    let mut light = vec![false; rows * cols];
    for &at in &largest {
        light[at] = true;
    }
    // Writing leaves holes in it: whole is what has light on all four sides.
    let sides = |along: &mut dyn Iterator<Item = usize>, whole: &mut [u8]| {
        let mut met = false;
        for at in along {
            met |= light[at];
            whole[at] += u8::from(met);
        }
    };
    let mut whole = vec![0_u8; rows * cols];
    for row in 0..rows {
        sides(&mut (row * cols..(row + 1) * cols), &mut whole);
        sides(&mut (row * cols..(row + 1) * cols).rev(), &mut whole);
    }
    for col in 0..cols {
        sides(&mut (0..rows).map(|row| row * cols + col), &mut whole);
        sides(&mut (0..rows).rev().map(|row| row * cols + col), &mut whole);
    }
    let filled = whole.iter().filter(|&&sides| sides == 4).count();
    let on = |&i: &usize| whole[i] == 4;
    let (low, high) = ends((0..rows * cols).filter(on).map(|i| i / cols))?;
    let mut across: Vec<usize> = (0..rows * cols).filter(on).map(|i| i % cols).collect();
    across.sort_unstable();
    let (first, last) = ends(across.into_iter())?;
    let around = (high - low + 1) * (last - first + 1);
    if 4 * area < 3 * filled || 5 * filled < 3 * around {
        return None; // no sheet: light between other things, or light strokes
    }
    let inside = Plane {
        rows,
        cols,
        values: whole
            .iter()
            .map(|&sides| f32::from(u8::from(sides == 4)))
            .collect(),
    };
    let deep = inside.blurred(rows.max(cols) / 60);
    let k = picture.side().div_ceil(200).max(1);
    let on_it = |row: usize, col: usize| deep.at(row / k, col / k) > 0.99;
    let rows_of_it = |&row: &usize| (0..picture.cols).any(|col| on_it(row, col));
    let cols_of_it = |&col: &usize| (0..picture.rows).any(|row| on_it(row, col));
    let (top, bottom) = ends((0..picture.rows).filter(rows_of_it))?;
    let (left, right) = ends((0..picture.cols).filter(cols_of_it))?;
    let place = |i: usize| {
        let cols = right - left + 1;
        (top + i / cols, left + i % cols)
    };
    let count = (bottom - top + 1) * (right - left + 1);
    let mask: Vec<bool> = (0..count).map(place).map(|at| on_it(at.0, at.1)).collect();
    let values: Vec<f32> = (0..count)
        .map(place)
        .map(|at| picture.at(at.0, at.1))
        .collect();
    let on_sheet = values.iter().zip(&mask).filter(|(_, on)| **on);
    let light = quantile(on_sheet.map(|(&v, _)| v), 0.5, 255.0)?;
    let pairs = values.iter().zip(&mask);
    let part = Plane {
        rows: bottom - top + 1,
        cols: right - left + 1,
        values: pairs.map(|(&v, &on)| if on { v } else { light }).collect(),
    };
    Some(Sheet {
        part,
        at: (top, left),
        mask,
    })
}

fn ends(mut places: impl Iterator<Item = usize>) -> Option<(usize, usize)> {
    let first = places.next()?;
    Some((first, places.last().unwrap_or(first)))
}

/// The limit between dark and light that makes the two most alike in themselves.
///
/// Source: N. Otsu, "A threshold selection method from gray-level histograms", 1979.
fn otsu(picture: &Plane) -> f32 {
    let mut counts = [0_u32; 256];
    for &v in &picture.values {
        counts[v as usize & 255] += 1;
    }
    let total = picture.values.len() as f64;
    let sum: f64 = (0_u32..).zip(counts).map(|(v, n)| f64::from(v * n)).sum();
    let (mut below, mut sum_below, mut best) = (0.0, 0.0, (0.0, 0));
    for (v, &count) in (0_u32..).zip(&counts) {
        below += f64::from(count);
        sum_below += f64::from(v * count);
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = sum_below / below - (sum - sum_below) / above;
        let between = below * above * apart * apart;
        if between > best.0 {
            best = (between, v + 1);
        }
    }
    best.1 as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(light: impl Fn(usize, usize) -> f32) -> Plane {
        Plane {
            rows: 150,
            cols: 150,
            values: (0..150 * 150).map(|i| light(i / 150, i % 150)).collect(),
        }
    }

    #[test]
    fn a_stroke_is_found_and_the_edge_of_a_shadow_is_not() {
        let shadow = |col: usize| if col < 60 { 110.0 } else { 220.0 };
        let stroke = |row: usize, col: usize| (40..46).contains(&row) && (30..120).contains(&col);
        let ink = thin(
            &picture(|row, col| shadow(col) * if stroke(row, col) { 0.2 } else { 1.0 }),
            12,
            true,
            0,
        );
        for row in 0..150 {
            for col in 0..150 {
                let expected = if stroke(row, col) { 0.8 } else { 0.0 };
                let found = ink.amount.at(row, col);
                assert!((found - expected).abs() < 0.01, "{row}, {col}: {found}");
            }
        }
    }

    #[test]
    fn a_sheet_on_a_table_is_found() {
        let on = |row: usize, col: usize| (30..120).contains(&row) && (20..140).contains(&col);
        let digit = |row: usize, col: usize| (60..90).contains(&row) && col == 70;
        let table = picture(|row, col| match (on(row, col), digit(row, col)) {
            (true, false) => 230.0,
            (true, true) => 30.0,
            _ => 60.0 + (col % 9) as f32 * 5.0,
        });
        let Sheet { part, mask, .. } = sheet(&table).unwrap();
        assert!((80..=90).contains(&part.rows) && (110..=120).contains(&part.cols));
        assert_eq!(mask.len(), part.values.len());
        let on_it = part.values.iter().zip(&mask).filter(|(_, on)| **on);
        let odd: Vec<_> = on_it
            .map(|(v, _)| *v)
            .filter(|v| ![230.0, 30.0].contains(v))
            .collect();
        assert!(odd.is_empty(), "{odd:?}");
        assert_eq!(part.values.iter().filter(|&&v| v == 30.0).count(), 30);
        assert!(sheet(&picture(|_, _| 200.0)).is_none());
    }
}
