//! How wide the strokes are, and strokes as wide as MNIST's where a pen was much thinner or thicker.

use super::plane::Plane;

/// The narrowest and the widest strokes that stay as they are, in pixels of an image whose box is 20 pixels. Of every
/// sixth of MNIST's training images, enlarged 8 times, 9,822 of 10,000 lie between.
pub const USUAL: (f32, f32) = (1.3, 5.0);

/// The distance from each pixel to the nearest where `inside` is false, about in pixels, from centre to centre.
/// Beyond the border of the picture is what `beyond` says.
///
/// Chamfer distances with 3 for a step and 4 for a diagonal one. Source: G. Borgefors, "Distance transformations in
/// digital images", 1986.
fn distances(inside: &[bool], beyond: bool, rows: usize, cols: usize) -> Vec<f32> {
    // One pixel more on each side.
    let wide = cols + 2;
    let far = u32::MAX / 2;
    let mut steps = vec![if beyond { far } else { 0 }; (rows + 2) * wide];
    for row in 0..rows {
        for col in 0..cols {
            let inside = inside[row * cols + col];
            steps[(row + 1) * wide + col + 1] = if inside { far } else { 0 };
        }
    }
    for row in 1..=rows {
        for at in row * wide + 1..=row * wide + cols {
            let up = at - wide;
            let near = (steps[up].min(steps[at - 1]) + 3).min(steps[up - 1].min(steps[up + 1]) + 4);
            steps[at] = steps[at].min(near);
        }
    }
    for row in (1..=rows).rev() {
        for at in (row * wide + 1..=row * wide + cols).rev() {
            let down = at + wide;
            let near =
                (steps[down].min(steps[at + 1]) + 3).min(steps[down - 1].min(steps[down + 1]) + 4);
            steps[at] = steps[at].min(near);
        }
    }
    let lines = (1..=rows).flat_map(|row| row * wide + 1..=row * wide + cols);
    lines.map(|at| steps[at] as f32 / 3.0).collect()
}

/// The mean width of the strokes in pixels: four times the mean distance to the nearest pixel's edge without ink.
pub fn stroke(ink: &Plane) -> f32 {
    let inside: Vec<bool> = ink.values.iter().map(|&v| v >= 0.5).collect();
    let distances = distances(&inside, false, ink.rows, ink.cols);
    let (mut sum, mut count) = (0.0_f64, 0_u32);
    for distance in distances.into_iter().filter(|&d| d > 0.0) {
        sum += f64::from(distance) - 0.5;
        count += 1;
    }
    if count == 0 {
        return 0.0;
    }
    4.0 * (sum / f64::from(count)) as f32
}

/// The ink (0 to 1) with `by` pixels more on each side of a stroke, or fewer if negative.
pub fn widened(ink: &Plane, by: f32) -> Plane {
    let wide = by > 0.0;
    let inside: Vec<bool> = ink.values.iter().map(|&v| (v >= 0.5) != wide).collect();
    let distances = distances(&inside, wide, ink.rows, ink.cols);
    let pairs = ink.values.iter().zip(&distances);
    let values = pairs.map(|(&v, &distance)| {
        if wide {
            v.max((by + 1.0 - distance).clamp(0.0, 1.0))
        } else {
            v.min((distance + by).clamp(0.0, 1.0))
        }
    });
    Plane {
        rows: ink.rows,
        cols: ink.cols,
        values: values.collect(),
    }
}

/// The ink without what is thinner than twice `half` pixels: what lies no farther than that from a thicker place
/// stays. `seed` is what a stroke has.
pub fn without_thin(ink: &Plane, seed: f32, half: f32) -> Plane {
    let inside: Vec<bool> = ink.values.iter().map(|&v| v >= seed).collect();
    let depth = distances(&inside, true, ink.rows, ink.cols);
    let shallow: Vec<bool> = depth.iter().map(|&depth| depth <= half).collect();
    let away = distances(&shallow, true, ink.rows, ink.cols);
    let pairs = ink.values.iter().zip(&away);
    let values = pairs.map(|(&v, &away)| if away <= half + 2.0 { v } else { 0.0 });
    Plane {
        rows: ink.rows,
        cols: ink.cols,
        values: values.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(width: usize) -> Plane {
        let inside = |i: usize| (20..20 + width).contains(&(i % 60)) && (5..95).contains(&(i / 60));
        Plane {
            rows: 100,
            cols: 60,
            values: (0..6000).map(|i| f32::from(u8::from(inside(i)))).collect(),
        }
    }

    #[test]
    fn the_width_of_a_bar_is_found_and_changed() {
        for width in [2, 6, 12, 20] {
            let found = stroke(&bar(width));
            assert!(
                (found - width as f32).abs() < 0.15 * width as f32 + 0.5,
                "{width}: {found}"
            );
        }
        let middle = |plane: &Plane| plane.values[50 * 60..51 * 60].iter().sum::<f32>();
        assert_eq!(middle(&widened(&bar(6), 3.0)), 12.0);
        assert_eq!(middle(&widened(&bar(12), -3.0)), 6.0);
    }
}
