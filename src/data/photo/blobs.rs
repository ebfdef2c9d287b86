//! Connected ink: which pieces are the digit, which belong to it, and which are something else.

use super::plane::Plane;
use super::threshold::Levels;

/// Pieces of ink of which each pixel touches another, also at a corner.
#[derive(Clone, Debug)]
struct Blob {
    top: usize,
    left: usize,
    /// The last row and column.
    bottom: usize,
    right: usize,
    pixels: Vec<usize>,
}

impl Blob {
    fn rows(&self) -> usize {
        self.bottom - self.top + 1
    }

    fn cols(&self) -> usize {
        self.right - self.left + 1
    }

    fn side(&self) -> usize {
        self.rows().max(self.cols())
    }

    /// How many borders of the picture it touches.
    fn borders(&self, of: &Plane) -> usize {
        let touched = [
            self.top == 0,
            self.left == 0,
            self.bottom + 1 == of.rows,
            self.right + 1 == of.cols,
        ];
        touched.into_iter().filter(|&touched| touched).count()
    }

    /// Rows and columns between the boxes of two blobs; 0 if they overlap.
    fn gaps(&self, other: &Self) -> (usize, usize) {
        let gap = |a: (usize, usize), b: (usize, usize)| {
            a.0.max(b.0).saturating_sub(a.1.min(b.1)).saturating_sub(1)
        };
        (
            gap((self.top, self.bottom), (other.top, other.bottom)),
            gap((self.left, self.right), (other.left, other.right)),
        )
    }
}

/// The pieces that make the digit.
pub struct Kept {
    /// Its pixels.
    pub mask: Vec<bool>,
    /// Height and width of its box.
    pub size: (usize, usize),
    /// Pieces of ink in all, specks not counted.
    pub found: usize,
    /// Pieces of it.
    pub kept: usize,
    /// Pieces of which each could be a digit, with the one that is kept.
    pub digits: usize,
    /// Borders of the picture that it touches.
    pub borders: usize,
    /// The share of the picture that is ink, 0 to 1.
    pub ink: f32,
    /// The share of all ink that is in the digit, 0 to 1.
    pub share: f32,
    /// Pixels of it.
    pub area: usize,
}

/// Chooses the digit: the largest blob, if it can be one that does not touch the border, and what belongs to it.
/// None if there is no ink.
pub fn digit(amount: &Plane, levels: &Levels) -> Option<Kept> {
    levels.peak?;
    let mut blobs = found(amount, levels);
    let largest = blobs.iter().map(|blob| blob.pixels.len()).max()?;
    let least_side = amount.side() / 12;
    let ink: usize = blobs.iter().map(|blob| blob.pixels.len()).sum();
    // Of equals the first.
    let best = |candidates: &mut dyn Iterator<Item = (usize, &Blob)>| {
        candidates.fold(None, |best: Option<(usize, usize)>, (i, blob)| {
            let area = blob.pixels.len();
            match best {
                Some((_, most)) if most >= area => best,
                _ => Some((i, area)),
            }
        })
    };
    let inside = best(&mut blobs.iter().enumerate().filter(|(_, blob)| {
        blob.borders(amount) == 0 && blob.side() >= least_side && 20 * blob.pixels.len() >= largest
    }));
    let (main, _) = inside.or_else(|| best(&mut blobs.iter().enumerate()))?;
    let main = blobs.swap_remove(main);
    let side = main.side();
    if side < 4.max(amount.side() / 60) && amount.side() > 60 {
        return None;
    }
    // Specks: no part of a digit is as small.
    blobs.retain(|blob| 14 * blob.side() >= side && 250 * blob.pixels.len() >= main.pixels.len());

    let found = blobs.len() + 1;
    let borders = main.borders(amount);
    let mut members = vec![main];
    let mut digits = 1;
    loop {
        let joins = |blob: &Blob| {
            (borders > 0 || blob.borders(amount) == 0)
                && members.iter().any(|member| belongs(blob, member, side))
        };
        match blobs.iter().position(joins) {
            Some(i) => members.push(blobs.remove(i)),
            None => break,
        }
    }
    digits += blobs
        .iter()
        .filter(|blob| {
            blob.borders(amount) == 0
                && 2 * blob.rows() >= members[0].rows()
                && 5 * blob.side() >= 2 * side
        })
        .count();

    let mut mask = vec![false; amount.values.len()];
    let (mut top, mut left, mut bottom, mut right) = (usize::MAX, usize::MAX, 0, 0);
    let mut area = 0;
    for member in &members {
        (top, left) = (top.min(member.top), left.min(member.left));
        (bottom, right) = (bottom.max(member.bottom), right.max(member.right));
        area += member.pixels.len();
        for &pixel in &member.pixels {
            mask[pixel] = true;
        }
    }
    let size = (bottom - top + 1, right - left + 1);
    if 10 * size.1 > 18 * size.0 && size.0 > 3 {
        // Wider than any digit: several that touch.
        digits = digits.max((size.1 as f32 / size.0 as f32 / 0.8).round() as usize);
    }
    Some(Kept {
        mask,
        size,
        found,
        kept: members.len(),
        digits,
        borders,
        ink: ink as f32 / amount.values.len() as f32,
        share: area as f32 / ink as f32,
        area,
    })
}

/// Whether a blob is part of the digit that another is part of, which is `side` large.
fn belongs(blob: &Blob, member: &Blob, side: usize) -> bool {
    let (down, across) = blob.gaps(member);
    let gap = down.max(across);
    if 16 * gap <= side {
        return true; // a stroke that broke
    }
    let like_a_digit = 5 * blob.rows() >= 3 * member.rows() && across > 0;
    if like_a_digit {
        return false;
    }
    // The farther away, the larger it must be: the bar of a 5, not dirt.
    4 * gap <= side && 2 * blob.side() >= side / 3 + gap
}

/// Every blob with a pixel that is surely ink.
fn found(amount: &Plane, levels: &Levels) -> Vec<Blob> {
    let (rows, cols) = (amount.rows, amount.cols);
    let (seed, edge) = (levels.seed(), levels.edge());
    let mut seen = vec![false; amount.values.len()];
    let mut blobs = Vec::new();
    let mut stack = Vec::new();
    for start in 0..amount.values.len() {
        if seen[start] || amount.values[start] < seed {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let mut blob = Blob {
            top: rows,
            left: cols,
            bottom: 0,
            right: 0,
            pixels: Vec::new(),
        };
        while let Some(pixel) = stack.pop() {
            let (row, col) = (pixel / cols, pixel % cols);
            blob.top = blob.top.min(row);
            blob.left = blob.left.min(col);
            blob.bottom = blob.bottom.max(row);
            blob.right = blob.right.max(col);
            blob.pixels.push(pixel);
            for r in row.saturating_sub(1)..(row + 2).min(rows) {
                for c in col.saturating_sub(1)..(col + 2).min(cols) {
                    let next = r * cols + c;
                    if !seen[next] && amount.values[next] >= edge {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        blobs.push(blob);
    }
    blobs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100×100 with these boxes (top, left, rows, cols) of ink.
    fn with(boxes: &[(usize, usize, usize, usize)]) -> Kept {
        let mut plane = Plane {
            rows: 100,
            cols: 100,
            values: vec![0.0; 10_000],
        };
        for &(top, left, rows, cols) in boxes {
            for row in top..top + rows {
                plane.values[row * 100 + left..row * 100 + left + cols].fill(0.8);
            }
        }
        let levels = Levels {
            noise: 0.0,
            floor: 0.03,
            peak: Some(0.8),
        };
        digit(&plane, &levels).unwrap()
    }

    #[test]
    fn a_broken_stroke_is_joined_and_specks_are_not() {
        // A bar, its top three pixels away, and two specks.
        let kept = with(&[
            (40, 40, 40, 6),
            (33, 46, 4, 14),
            (10, 10, 1, 1),
            (90, 80, 2, 2),
        ]);
        assert_eq!((kept.found, kept.kept, kept.digits), (2, 2, 1));
        assert_eq!(kept.size, (47, 20));
    }

    #[test]
    fn two_digits_side_by_side_are_two() {
        let kept = with(&[(30, 20, 40, 8), (32, 50, 36, 8)]);
        assert_eq!((kept.kept, kept.digits), (1, 2));
        assert_eq!(kept.size, (40, 8));
    }

    #[test]
    fn ink_inside_is_preferred_to_ink_at_the_border() {
        let kept = with(&[(0, 0, 100, 12), (30, 50, 40, 6)]);
        assert_eq!((kept.size, kept.borders), ((40, 6), 0));
        assert_eq!(with(&[(50, 40, 50, 6)]).borders, 1);
    }
}
