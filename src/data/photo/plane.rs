//! A picture of real numbers while it is being worked on.

use super::Gray;

/// Numbers (rows, cols), row by row; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub rows: usize,
    pub cols: usize,
    pub values: Vec<f32>,
}

impl Plane {
    /// The picture averaged over squares of k×k pixels, k the smallest with no side above `most`; those at the
    /// right and the bottom take what is left.
    pub fn shrunk(gray: &Gray, most: usize) -> Self {
        let k = gray.rows.max(gray.cols).div_ceil(most).max(1);
        let (rows, cols) = (gray.rows.div_ceil(k), gray.cols.div_ceil(k));
        let mut values = Vec::with_capacity(rows * cols);
        for band in gray.pixels.chunks(k * gray.cols) {
            let lines = (band.len() / gray.cols) as u32;
            let mut sums = vec![0_u32; cols];
            for line in band.chunks_exact(gray.cols) {
                for (sum, square) in sums.iter_mut().zip(line.chunks(k)) {
                    *sum += square.iter().map(|&v| u32::from(v)).sum::<u32>();
                }
            }
            for (i, sum) in sums.into_iter().enumerate() {
                let across = k.min(gray.cols - i * k) as u32;
                values.push(sum as f32 / (lines * across) as f32);
            }
        }
        Self { rows, cols, values }
    }

    pub fn at(&self, row: usize, col: usize) -> f32 {
        self.values[row * self.cols + col]
    }

    /// The longer side.
    pub fn side(&self) -> usize {
        self.rows.max(self.cols)
    }

    pub fn transposed(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for col in 0..self.cols {
            values.extend((0..self.rows).map(|row| self.at(row, col)));
        }
        Self {
            rows: self.cols,
            cols: self.rows,
            values,
        }
    }

    /// The mean over windows of 2r+1 pixels each way, cut at the border.
    pub fn blurred(&self, radius: usize) -> Self {
        if radius == 0 {
            return self.clone();
        }
        let once = |plane: &Self| {
            let mut values = Vec::with_capacity(plane.values.len());
            for line in plane.values.chunks_exact(plane.cols) {
                // In f64, so that what was added is taken off again to the last bit that shows.
                let mut sum: f64 = line.iter().take(radius).map(|&v| f64::from(v)).sum();
                for i in 0..line.len() {
                    if let Some(&entering) = line.get(i + radius) {
                        sum += f64::from(entering);
                    }
                    if i > radius {
                        sum -= f64::from(line[i - radius - 1]);
                    }
                    let window = (i + radius).min(line.len() - 1) - i.saturating_sub(radius) + 1;
                    values.push((sum / window as f64) as f32);
                }
            }
            Self {
                values,
                ..plane.shape()
            }
        };
        once(&once(self).transposed()).transposed()
    }

    fn shape(&self) -> Self {
        Self {
            rows: self.rows,
            cols: self.cols,
            values: Vec::new(),
        }
    }

    /// The same shape with other values, one for each.
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Self {
            values: self.values.iter().map(|&v| f(v)).collect(),
            ..self.shape()
        }
    }

    /// Grey values of numbers from 0 to `white`.
    pub fn gray(&self, white: f32) -> Gray {
        let pixels = self.values.iter().map(|&v| (v / white * 255.0 + 0.5) as u8);
        Gray::new(self.rows, self.cols, pixels.collect())
    }
}

/// The value that a share of the numbers is below, each first rounded down to one of 4,096 steps of 0 to `top`.
/// None if there are no numbers.
pub fn quantile(values: impl Iterator<Item = f32>, share: f64, top: f32) -> Option<f32> {
    const STEPS: usize = 4096;
    let mut counts = vec![0_u32; STEPS];
    let mut total = 0_u64;
    for value in values {
        let step = (value / top * STEPS as f32) as usize; // negative and NaN: 0
        counts[step.min(STEPS - 1)] += 1;
        total += 1;
    }
    if total == 0 {
        return None;
    }
    let wanted = (total as f64 * share) as u64;
    let mut seen = 0;
    for (step, &count) in counts.iter().enumerate() {
        seen += u64::from(count);
        if seen > wanted {
            return Some(step as f32 / STEPS as f32 * top);
        }
    }
    Some(top)
}
