//! Displacement fields: smoothed noise.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use ndarray_rand::rand::RngCore;

use super::Elastic;
use crate::linalg::{functions::exp, matmul};

/// Smooths two fields at a time.
///
/// A Gaussian blur of R × C numbers u is a matrix product from either side, V·u·H. Nothing of the Gaussian is
/// cut off, and at the size of a digit the two products take less time than a kernel of ±3σ would. (They cost
/// R + C multiply-adds per pixel.)
pub(super) struct Smoothing {
    /// α·Gaussian (R, R), along columns.
    vertical: Array2<f32>,
    /// Gaussian (C, C), along rows.
    horizontal: Array2<f32>,
}

/// Buffers for the two fields of one image.
#[derive(Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    noise: Vec<f32>,
    half: Vec<f32>,
    /// Displacements in pixels (R, 2, C): for each row of the image, all x, then all y.
    pub(super) displacement: Vec<f32>,
}

impl Smoothing {
    pub(super) fn new(elastic: Elastic, (rows, cols): (usize, usize)) -> Self {
        let Elastic { sigma, alpha } = elastic;
        Self {
            vertical: gaussian(rows, sigma).mapv(|g| (alpha * g) as f32),
            horizontal: gaussian(cols, sigma).mapv(|g| g as f32),
        }
    }

    /// Draws the displacements of an image from 2·R·C random numbers of 16 bits.
    pub(super) fn draw(&self, rng: &mut impl RngCore, fields: &mut Fields) {
        let (rows, cols) = (self.vertical.nrows(), self.horizontal.ncols());
        let len = 2 * rows * cols;
        fields.bytes.resize(2 * len, 0);
        for field in [
            &mut fields.noise,
            &mut fields.half,
            &mut fields.displacement,
        ] {
            field.resize(len, 0.0);
        }
        rng.fill_bytes(&mut fields.bytes);
        // 65,536 values spread evenly over (−1, 1), of mean 0.
        let (pairs, _) = fields.bytes.as_chunks::<2>();
        for (noise, pair) in fields.noise.iter_mut().zip(pairs) {
            *noise = (f32::from(i16::from_le_bytes(*pair)) + 0.5) / 32768.0;
        }
        // Both fields at once: side by side for the first product, and the same memory as rows for the second.
        let (wide, tall) = ((rows, 2 * cols), (2 * rows, cols));
        matmul(
            &self.vertical,
            &view(wide, &fields.noise),
            &mut view_mut(wide, &mut fields.half),
        );
        matmul(
            &view(tall, &fields.half),
            &self.horizontal,
            &mut view_mut(tall, &mut fields.displacement),
        );
    }
}

fn view(shape: (usize, usize), numbers: &[f32]) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape(shape, numbers).expect("fields have the shape they were made for")
}

fn view_mut(shape: (usize, usize), numbers: &mut [f32]) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape(shape, numbers).expect("fields have the shape they were made for")
}

/// `G[i][j]` = exp(−(i − j)²/2σ²) / Σₖ exp(−k²/2σ²), (n, n), where k runs over all integers.
fn gaussian(n: usize, sigma: f64) -> Array2<f64> {
    let weight = |distance: f64| {
        let deviations = distance / sigma;
        exp(-0.5 * deviations * deviations)
    };
    // From σ = 2 on, the sum equals the integral to 34 digits (Poisson's summation formula).
    let sum = match sigma < 2.0 {
        true => (-20..=20).map(|k| weight(f64::from(k))).sum(),
        false => sigma * std::f64::consts::TAU.sqrt(),
    };
    Array2::from_shape_fn((n, n), |(i, j)| weight(i as f64 - j as f64) / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, generator};

    /// The definition, pixel by pixel in f64.
    fn direct(noise: &[f32], (rows, cols): (usize, usize), elastic: Elastic) -> Vec<f64> {
        let Elastic { sigma, alpha } = elastic;
        let reach = (12.0 * sigma).min(1e4).ceil() as i64;
        let bell = |d: i64| (-0.5 * (d as f64 / sigma).powi(2)).exp();
        let sum: f64 = (-reach..=reach).map(bell).sum();
        let mut smooth = vec![0.0; noise.len()];
        for axis in 0..2 {
            let at = |r, c| (2 * r + axis) * cols + c;
            for (r, c) in (0..rows).flat_map(|r| (0..cols).map(move |c| (r, c))) {
                for (y, x) in (0..rows).flat_map(|y| (0..cols).map(move |x| (y, x))) {
                    let weight = bell(r as i64 - y as i64) * bell(c as i64 - x as i64);
                    smooth[at(r, c)] += alpha * weight / (sum * sum) * f64::from(noise[at(y, x)]);
                }
            }
        }
        smooth
    }

    #[test]
    fn the_fields_are_those_of_a_direct_gaussian_blur() {
        let mut rng = generator(1, Purpose::Check);
        for size in [(28, 28), (1, 1), (1, 9), (9, 1), (5, 17)] {
            for sigma in [1e-3, 0.3, 1.9, 2.0, 4.0, 5.0, 500.0] {
                let elastic = Elastic { sigma, alpha: 37.0 };
                let mut fields = Fields::default();
                Smoothing::new(elastic, size).draw(&mut rng, &mut fields);
                let expected = direct(&fields.noise, size, elastic);
                for (found, expected) in fields.displacement.iter().zip(expected) {
                    let error = (f64::from(*found) - expected).abs();
                    assert!(error < 1e-5, "σ {sigma}, {size:?}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn displacements_have_mean_0_and_the_deviation_of_the_formula() {
        let elastic = Elastic {
            sigma: 2.0,
            alpha: 34.0,
        };
        let smoothing = Smoothing::new(elastic, (28, 28));
        let (mut rng, mut fields) = (generator(2, Purpose::Check), Fields::default());
        let (mut sum, mut squares) = ([0.0; 2], [0.0; 2]);
        let images = 4_000;
        for _ in 0..images {
            smoothing.draw(&mut rng, &mut fields);
            for axis in 0..2 {
                let centre = f64::from(fields.displacement[(2 * 14 + axis) * 28 + 14]);
                sum[axis] += centre;
                squares[axis] += centre * centre;
            }
        }
        let n = f64::from(images);
        let expected = 34.0 / (2.0 * 2.0 * (3.0 * std::f64::consts::PI).sqrt());
        for axis in 0..2 {
            let (mean, deviation) = (sum[axis] / n, (squares[axis] / n).sqrt());
            // Five standard errors, √n and √2n.
            assert!(mean.abs() < 5.0 * expected / n.sqrt(), "{mean}");
            let off = (deviation / expected - 1.0).abs();
            assert!(off < 5.0 / (2.0 * n).sqrt(), "{deviation}, not {expected}");
        }
    }
}
