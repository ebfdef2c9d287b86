//! Ruled and squared paper: thin straight lines across the whole picture are taken off.

use super::plane::Plane;

/// Slopes that are tried, each way from level: ±5°.
const SLOPES: i32 = 24;
/// From one slope to the next.
const SLOPE: f32 = 0.004;
/// Columns that are looked at, at most.
const SAMPLES: usize = 160;
/// The share of a line that must be seen; a large digit hides most of the rest.
const SHARE: f32 = 0.2;
/// Pieces in which a line's exact place is followed.
const PIECES: usize = 16;

/// A line across the picture.
struct Line {
    /// Its centre's row in each column.
    rows: Vec<f32>,
    /// Half of its thickness in pixels.
    half: usize,
    /// How much ink it has.
    level: f32,
}

/// What was taken off.
pub struct Lines {
    /// The ink without the lines.
    pub amount: Plane,
    /// How many level lines.
    pub level: usize,
    /// How many upright lines.
    pub upright: usize,
    /// Half of the thickness of the thickest; 0 if there are none.
    pub half: usize,
}

/// Finds the lines and takes them off. `noise` is the paper's standard deviation, `stroke` what a full stroke has
/// where no line is, given what they cover.
///
/// A stroke that crosses a line is kept whole: where there is ink above and below, what lies between is filled.
pub fn without_lines(
    amount: &Plane,
    noise: f32,
    stroke: impl Fn(&Plane, &[bool]) -> Option<f32>,
) -> Lines {
    let mut covered = vec![false; amount.values.len()];
    let level = found(amount, noise);
    let turned = amount.transposed();
    let upright = found(&turned, noise);
    if level.is_empty() && upright.is_empty() {
        return Lines {
            amount: amount.clone(),
            level: 0,
            upright: 0,
            half: 0,
        };
    }
    cover(&level, amount.cols, amount.rows, |row, col| {
        covered[row * amount.cols + col] = true;
    });
    cover(&upright, amount.rows, amount.cols, |row, col| {
        covered[col * amount.cols + row] = true;
    });
    let full = stroke(amount, &covered).unwrap_or(1.0);
    let mut amount = amount.clone();
    for line in &level {
        erase(&mut amount, line, full);
    }
    let mut turned = amount.transposed();
    for line in &upright {
        erase(&mut turned, line, full);
    }
    Lines {
        amount: turned.transposed(),
        level: level.len(),
        upright: upright.len(),
        half: level
            .iter()
            .chain(&upright)
            .map(|line| line.half)
            .max()
            .unwrap_or(0),
    }
}

/// The thickest that a line may be, in pixels.
fn thickest(side: usize) -> usize {
    side / 70 + 3
}

/// Level lines, from the top to the bottom.
fn found(amount: &Plane, noise: f32) -> Vec<Line> {
    let (rows, cols) = (amount.rows, amount.cols);
    if rows < 40 || cols < 40 {
        return Vec::new();
    }
    let reach = thickest(amount.side());
    let least = (2.0 * noise).max(0.02);
    let count = SAMPLES.min(cols);
    let sampled: Vec<usize> = (0..count)
        .map(|i| (2 * i + 1) * cols / (2 * count))
        .collect();
    // Where a thin ridge is near, for each sampled column.
    let ridges: Vec<Vec<u8>> = sampled
        .iter()
        .map(|&col| {
            let at = |row: usize| amount.at(row, col);
            let ridge = |row: usize| {
                let sides = at(row.saturating_sub(reach)).max(at((row + reach).min(rows - 1)));
                at(row) > least && at(row) - sides > (0.5 * at(row)).max(least)
            };
            let exact: Vec<bool> = (0..rows).map(ridge).collect();
            let near = |row: usize| {
                exact[row.saturating_sub(1)..(row + 2).min(rows)]
                    .iter()
                    .any(|&ridge| ridge)
            };
            (0..rows).map(|row| u8::from(near(row))).collect()
        })
        .collect();

    // Lines are told apart by their row in the middle column, which may be above or below the picture.
    let middle = cols as f32 / 2.0;
    let pad = (SLOPES as f32 * SLOPE * middle) as usize + 2;
    let padded = rows + 2 * pad;
    // For each line of this slope, the share of the sampled columns where a ridge is; none where it is outside in
    // nearly all of them.
    let profile = |slope: f32, samples: std::ops::Range<usize>| {
        let least = (samples.len() / 8).max(1);
        let mut hits = vec![0_u16; padded];
        let mut tried = vec![0_u16; padded];
        for (ridges, &col) in ridges[samples.clone()].iter().zip(&sampled[samples]) {
            let shift = (slope * (col as f32 - middle)).round() as isize;
            let Some(from) = pad.checked_add_signed(-shift) else {
                continue;
            };
            let window = from.min(padded)..(from + rows).min(padded);
            for (hit, &ridge) in hits[window.clone()].iter_mut().zip(ridges) {
                *hit += u16::from(ridge);
            }
            for tried in &mut tried[window] {
                *tried += 1;
            }
        }
        let shares = hits.into_iter().zip(tried);
        shares
            .map(|(hits, tried)| {
                (usize::from(tried) >= least).then(|| f32::from(hits) / f32::from(tried))
            })
            .collect::<Vec<Option<f32>>>()
    };
    let mut best = (0.0, 0.0, Vec::new());
    for i in 0..=2 * SLOPES {
        // Level first, so that of equals it is taken.
        let slope = if i % 2 == 0 { i / 2 } else { -(i + 1) / 2 } as f32 * SLOPE;
        let shares = profile(slope, 0..count);
        let above = shares.iter().flatten().map(|s| (s - 0.4).max(0.0));
        let score: f32 = above.map(|s| s * s).sum();
        if score > best.0 {
            best = (score, slope, shares);
        }
    }
    let (score, slope, shares) = best;
    if score == 0.0 {
        return Vec::new();
    }
    let end = (count / 8).max(1);
    let (first, last) = (profile(slope, 0..end), profile(slope, count - end..count));
    // Whether the line is seen at one end; what leaves the picture elsewhere has none there.
    let reaches = |shares: &[Option<f32>], row: usize| {
        let mut window = shares[row.saturating_sub(2)..(row + 3).min(padded)].iter();
        shares[row].is_none() || window.any(|share| share.is_some_and(|share| share >= 0.5))
    };
    let share = |row: usize| shares[row].unwrap_or(0.0);
    // Of neighbouring rows, the line is where most of it is seen, above all at its ends.
    let ends = |row: usize| share(row) + first[row].unwrap_or(0.0) + last[row].unwrap_or(0.0);
    let mut lines = Vec::new();
    let mut row = 0;
    while row < padded {
        if share(row) < SHARE {
            row += 1;
            continue;
        }
        // A peak that is higher than what lies within a line's thickness; strokes of a digit lie beside it.
        let end = (row + reach + 2).min(padded);
        let end = (row..end).find(|&r| share(r) < SHARE).unwrap_or(end);
        let peak = (row..end).fold(row, |best, r| if ends(r) > ends(best) { r } else { best });
        // A line on paper reaches both borders; the bar of a digit does not.
        let leaves = first[peak].is_none() || last[peak].is_none();
        let seen = !leaves || share(peak) >= 2.0 * SHARE;
        if seen && reaches(&first, peak) && reaches(&last, peak) {
            let wide = (row..end).filter(|&r| ends(r) >= 0.9 * ends(peak));
            let (sum, count) = wide.fold((0, 0), |(sum, count), r| (sum + r, count + 1));
            let centre = sum as f32 / count as f32 - pad as f32;
            lines.push(followed(amount, centre, slope, reach, noise));
        }
        row = end;
    }
    lines
}

/// The exact place, thickness and level of the line that is near `row` in the middle.
fn followed(amount: &Plane, row: f32, slope: f32, reach: usize, noise: f32) -> Line {
    let (rows, cols) = (amount.rows, amount.cols);
    let expected = |col: usize| row + slope * (col as f32 - cols as f32 / 2.0);
    let reach = reach as isize;
    let width = (2 * reach + 1) as usize;
    // The middle value of the ink beside the expected centre, for each piece: strokes that cross do not count.
    let mut pieces = Vec::new();
    for piece in 0..PIECES {
        let columns = piece * cols / PIECES..(piece + 1) * cols / PIECES;
        let across: Vec<f32> = (-reach..=reach)
            .map(|away| {
                let mut values: Vec<f32> = columns
                    .clone()
                    .filter_map(|col| {
                        let at = expected(col).round() as isize + away;
                        let at = usize::try_from(at).ok().filter(|&at| at < rows)?;
                        Some(amount.at(at, col))
                    })
                    .collect();
                values.sort_by(f32::total_cmp);
                values.get(values.len() / 2).copied().unwrap_or(0.0)
            })
            .collect();
        pieces.push(across);
    }
    let peak_of = |across: &[f32]| {
        let near = reach - reach / 2..=reach + reach / 2;
        let best = near.fold(reach, |best, i| {
            if across[i as usize] > across[best as usize] {
                i
            } else {
                best
            }
        });
        best - reach
    };
    let peaks: Vec<isize> = pieces.iter().map(|across| peak_of(across)).collect();
    let smooth = |i: usize| {
        let mut near: Vec<isize> = peaks[i.saturating_sub(2)..(i + 3).min(PIECES)].to_vec();
        near.sort_unstable();
        near[near.len() / 2]
    };
    let moved: Vec<isize> = (0..PIECES).map(smooth).collect();
    let mut profile = vec![0.0_f32; width];
    for (away, sum) in profile.iter_mut().enumerate() {
        let mut values: Vec<f32> = pieces
            .iter()
            .zip(&moved)
            .filter_map(|(across, &moved)| {
                let i = away as isize + moved;
                usize::try_from(i).ok().and_then(|i| across.get(i)).copied()
            })
            .collect();
        values.sort_by(f32::total_cmp);
        // Not the middle one: a stroke may lie along most of the line.
        *sum = values.get(values.len() / 6).copied().unwrap_or(0.0);
    }
    let level = profile[reach as usize];
    let limit = (0.15 * level).max(noise).max(0.01);
    let half = (1..=reach as usize)
        .find(|&away| profile[reach as usize - away].max(profile[reach as usize + away]) < limit)
        .unwrap_or(reach as usize);
    let place = |col: usize| {
        // Linear between the middles of the pieces.
        let at = (col as f32 + 0.5) * PIECES as f32 / cols as f32 - 0.5;
        let at = at.clamp(0.0, (PIECES - 1) as f32);
        let low = at as usize;
        let high = (low + 1).min(PIECES - 1);
        let t = at - low as f32;
        expected(col) + moved[low] as f32 * (1.0 - t) + moved[high] as f32 * t
    };
    Line {
        rows: (0..cols).map(place).collect(),
        half,
        level,
    }
}

/// Calls `mark` for every pixel of the lines.
fn cover(lines: &[Line], cols: usize, rows: usize, mut mark: impl FnMut(usize, usize)) {
    for line in lines {
        for col in 0..cols {
            for row in band(line, col, rows) {
                mark(row, col);
            }
        }
    }
}

fn band(line: &Line, col: usize, rows: usize) -> std::ops::Range<usize> {
    let centre = line.rows[col].round() as isize;
    let half = line.half as isize;
    let clamp = |row: isize| row.clamp(0, rows as isize) as usize;
    clamp(centre - half)..clamp(centre + half + 1)
}

/// Takes a line off. `full` is the ink of a full stroke.
fn erase(amount: &mut Plane, line: &Line, full: f32) {
    let (rows, cols) = (amount.rows, amount.cols);
    // A line paler than strokes gives strokes away, even along it.
    let pale = line.level < 0.6 * full;
    let stroke = line.level + 0.6 * (full - line.level);
    let bands: Vec<_> = (0..cols).map(|col| band(line, col, rows)).collect();
    let above: Vec<f32> = (0..cols)
        .map(|col| match bands[col].start {
            0 => 0.0,
            start => amount.at(start - 1, col),
        })
        .collect();
    let below: Vec<f32> = (0..cols)
        .map(|col| match bands[col].end {
            end if end < rows => amount.at(end, col),
            _ => 0.0,
        })
        .collect();
    let lean = (2 * line.half + 1) as isize;
    let beside = |side: &[f32], col: isize| {
        let col = usize::try_from(col).ok();
        col.and_then(|col| side.get(col)).copied().unwrap_or(0.0)
    };
    for (col, band) in bands.iter().enumerate() {
        let thickness = band.len() as f32 + 1.0;
        let at = col as isize;
        let empty = |side: &[f32]| (-lean..=lean).all(|d| beside(side, at + d) < 0.02);
        let nothing = empty(&above) || empty(&below);
        for (i, row) in band.clone().enumerate() {
            let down = (i + 1) as f32 / thickness;
            let mut value = 0.0_f32;
            if !nothing {
                for slant in -lean..=lean {
                    let slant = slant as f32;
                    let over = beside(&above, at + (slant * down).round() as isize);
                    let under = beside(&below, at - (slant * (1.0 - down)).round() as isize);
                    value = value.max(over.min(under));
                }
            }
            let here = &mut amount.values[row * cols + col];
            if !(pale && *here > stroke) {
                *here = value.min(*here);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squared paper with a bar from row 30 to 170 and column 95 to 105, all of the same ink.
    fn squared(line: f32) -> Plane {
        let ink = |row: usize, col: usize| {
            if (30..170).contains(&row) && (92..106).contains(&col) {
                return 0.9;
            }
            if row % 40 == 20 || col % 40 == 20 {
                line
            } else {
                0.0
            }
        };
        Plane {
            rows: 200,
            cols: 200,
            values: (0..40_000).map(|i| ink(i / 200, i % 200)).collect(),
        }
    }

    #[test]
    fn lines_go_and_a_stroke_that_crosses_them_stays() {
        for level in [0.3, 0.9] {
            let lines = without_lines(&squared(level), 0.0, |_, _| Some(0.9));
            assert_eq!((lines.level, lines.upright), (5, 5), "{level}");
            for row in 0..200 {
                for col in 0..200 {
                    let bar = (30..170).contains(&row) && (92..106).contains(&col);
                    let found = lines.amount.at(row, col);
                    let expected = if bar { 0.9 } else { 0.0 };
                    let edge = (85..112).contains(&col) && !(96..102).contains(&col);
                    assert!(
                        edge || (found - expected).abs() < 0.02,
                        "{level}: {row}, {col}: {found}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_digit_without_lines_is_untouched() {
        let mut plane = squared(0.0);
        for row in 95..100 {
            plane.values[row * 200 + 20..row * 200 + 180].fill(0.9);
        }
        let lines = without_lines(&plane, 0.0, |_, _| Some(0.9));
        assert_eq!((lines.level, lines.upright), (0, 0));
        assert_eq!(lines.amount, plane);
    }
}
