//! From grey values to distorted inputs.

use std::cell::RefCell;

use ndarray::ArrayRef2;
use ndarray_rand::rand::RngCore;
use rand_chacha::ChaCha8Rng;

use super::{
    AugmentError, Augmentation,
    elastic::{Fields, Smoothing},
};
use crate::{
    data::{Dataset, batch::Preprocessing},
    linalg::functions::{cos, sin, tan},
    rng::{Purpose, generator},
};

/// Distorts images of one size.
///
/// How an image is distorted depends only on the seed, the epoch and the index of the image: each pair of
/// epoch and index has a ChaCha8 stream to itself, so neither the order nor the threads matter. (ChaCha8
/// because it jumps to any stream at no cost; a pixel takes 4 bytes of it.) Processors with fused
/// multiply-add give the same bits; one without it rounds products differently. Memory is allocated for a thread's first image only.
pub struct Augmenter {
    augmentation: Augmentation,
    size: (usize, usize),
    smoothing: Option<Smoothing>,
    rng: ChaCha8Rng,
}

/// What one thread needs to distort one image at a time.
#[derive(Default)]
struct Scratch {
    fields: Fields,
    canvas: Canvas,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Augmenter {
    /// An augmenter for images of (rows, columns). Errors if the augmentation is not
    /// [valid](Augmentation::validate).
    pub fn new(
        augmentation: Augmentation,
        size: (usize, usize),
        seed: u64,
    ) -> Result<Self, AugmentError> {
        augmentation.validate()?;
        let elastic = augmentation.elastic;
        Ok(Self {
            smoothing: elastic.map(|elastic| Smoothing::new(elastic, size)),
            size,
            augmentation,
            rng: generator(seed, Purpose::Augment),
        })
    }

    /// Fills x (N, pixels) with the images `order[0]`, `order[1]`, …, as they look in this epoch, counted from 1.
    ///
    /// Takes the place of [`Preprocessing::gather`]; without any distortion it gives the same bits. Panics if
    /// the shapes do not fit.
    pub fn gather(
        &self,
        data: &Dataset,
        preprocessing: Preprocessing,
        epoch: usize,
        order: &[u32],
        x: &mut ArrayRef2<f32>,
    ) {
        let (rows, cols) = self.size;
        assert_eq!(
            (x.dim(), data.images.ncols()),
            ((order.len(), rows * cols), rows * cols),
            "x and the data against images to gather of {rows}x{cols}"
        );
        let Preprocessing { scale, shift, .. } = preprocessing;
        let scaling = (scale as f32, shift as f32);
        SCRATCH.with_borrow_mut(|Scratch { fields, canvas }| {
            for (&index, mut x) in order.iter().zip(x.rows_mut()) {
                let image = data.images.row(index as usize);
                let label = data.labels[index as usize];
                let mut rng = self.rng.clone();
                // From 2³² on, since the streams below belong to the purposes.
                rng.set_stream((epoch as u64) << 32 | u64::from(index));
                let affine = Affine::draw(&self.augmentation, label, &mut rng);
                let displacement = self.smoothing.as_ref().map(|smoothing| {
                    smoothing.draw(&mut rng, fields);
                    &fields.displacement[..]
                });
                canvas.paint(image.to_slice().expect("contiguous"), self.size);
                let x = x.as_slice_mut().expect("contiguous");
                canvas.sample(&affine, displacement, scaling, x);
                preprocessing.deslant(x, cols);
            }
        });
    }
}

/// The affine distortion of one image: scaled, then sheared, then rotated, then moved.
#[derive(Clone, Copy, Debug)]
struct Affine {
    /// Radians, counter-clockwise as seen.
    rotation: f64,
    /// Radians by which upright lines lean to the right.
    shear: f64,
    /// Factors of width and height.
    scale: [f64; 2],
    /// Pixels to the right and down.
    translation: [f64; 2],
}

impl Affine {
    fn draw(augmentation: &Augmentation, label: u8, rng: &mut impl RngCore) -> Self {
        // Uniform in (−bound, bound).
        let mut within =
            |bound: f64| bound * ((f64::from(rng.next_u32()) + 0.5) / 2_f64.powi(31) - 1.0);
        let half = augmentation.half_angle_labels.contains(&label);
        let angle = if half { 0.5 } else { 1.0 };
        let mut rotation = within(angle * augmentation.rotation).to_radians();
        let mut shear = within(angle * augmentation.shear).to_radians();
        let heads = within(1.0) < 0.0;
        if augmentation.rotation_or_shear {
            *(if heads { &mut rotation } else { &mut shear }) = 0.0;
        }
        Self {
            rotation,
            shear,
            scale: [(); 2].map(|()| 1.0 + within(augmentation.scale)),
            translation: [(); 2].map(|()| within(augmentation.translation)),
        }
    }

    /// M and o of q = M·p + o, the position that pixel p is taken from: M = A⁻¹, o = −A⁻¹·t.
    fn inverse(&self) -> ([[f32; 2]; 2], [f32; 2]) {
        let (sin, cos) = (sin(self.rotation), cos(self.rotation));
        let (lean, [width, height]) = (tan(self.shear), self.scale);
        // y points down: a counter-clockwise rotation is [cos sin; −sin cos], a lean to the right [1 −lean; 0 1].
        let m = [
            [(cos + lean * sin) / width, (lean * cos - sin) / width],
            [sin / height, cos / height],
        ];
        let [x, y] = self.translation;
        let o = m.map(|[mx, my]| -(mx * x + my * y));
        (m.map(|row| row.map(|v| v as f32)), o.map(|v| v as f32))
    }
}

/// An image in a black frame: 1 pixel on the left and above, 2 on the right and below.
#[derive(Default)]
struct Canvas {
    size: (usize, usize),
    pixels: Vec<f32>,
}

impl Canvas {
    /// Pixels from one row to the next.
    fn stride(&self) -> usize {
        self.size.1 + 3
    }

    fn paint(&mut self, image: &[u8], size: (usize, usize)) {
        let (rows, cols) = size;
        if self.size != size {
            self.size = size;
            self.pixels.clear();
            self.pixels.resize((rows + 3) * self.stride(), 0.0);
        }
        let stride = self.stride();
        let inside = self.pixels[stride..].chunks_exact_mut(stride);
        for (row, image) in inside.zip(image.chunks_exact(cols)) {
            for (pixel, grey) in row[1..].iter_mut().zip(image) {
                *pixel = f32::from(*grey);
            }
        }
    }

    /// `x[p] = scale·image(M·p + o + d[p]) + shift`
    fn sample(
        &self,
        affine: &Affine,
        displacement: Option<&[f32]>,
        (scale, shift): (f32, f32),
        x: &mut [f32],
    ) {
        let ([mx, my], o) = affine.inverse();
        let (rows, cols) = self.size;
        let centre = [cols, rows].map(|n| (n as f32 - 1.0) / 2.0);
        // The frame is black, so a position outside it can be clamped to its edge.
        let (right, bottom) = (cols as f32 + 1.0, rows as f32 + 1.0);
        let stride = self.stride();
        for (r, x) in x.chunks_exact_mut(cols).enumerate() {
            let (dx, dy) = match displacement {
                Some(d) => d[2 * r * cols..2 * (r + 1) * cols].split_at(cols),
                None => (&[][..], &[][..]),
            };
            let py = r as f32 - centre[1];
            let start = [
                mx[1] * py + (o[0] + centre[0]),
                my[1] * py + (o[1] + centre[1]),
            ];
            for (c, x) in x.iter_mut().enumerate() {
                let px = c as f32 - centre[0];
                let (mut qx, mut qy) = (mx[0] * px + start[0], my[0] * px + start[1]);
                if displacement.is_some() {
                    qx += dx[c];
                    qy += dy[c];
                }
                // Positions on the canvas: none is negative, and casts round down.
                let (qx, qy) = ((qx + 1.0).clamp(0.0, right), (qy + 1.0).clamp(0.0, bottom));
                let (left, top) = (qx as u32, qy as u32);
                let (ax, ay) = (qx - left as f32, qy - top as f32);
                let corner = top as usize * stride + left as usize;
                let four = &self.pixels[corner..corner + stride + 2];
                let upper = four[0] + ax * (four[1] - four[0]);
                let lower = four[stride] + ax * (four[stride + 1] - four[stride]);
                *x = scale * (upper + ay * (lower - upper)) + shift;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    const NOTHING: Affine = Affine {
        rotation: 0.0,
        shear: 0.0,
        scale: [1.0, 1.0],
        translation: [0.0, 0.0],
    };

    fn warp(image: &Array2<u8>, affine: &Affine, displacement: Option<&[f32]>) -> Array2<f32> {
        let mut canvas = Canvas::default();
        let mut x = Array2::zeros(image.dim());
        canvas.paint(image.as_slice().unwrap(), image.dim());
        canvas.sample(affine, displacement, (1.0, 0.0), x.as_slice_mut().unwrap());
        x
    }

    fn close(a: &Array2<f32>, b: &Array2<f32>, most: f32) -> bool {
        (a - b).iter().all(|off| off.abs() < most)
    }

    /// A smooth spot off the centre, dark towards the edges, which no small distortion moves out of the image.
    fn spot(rows: usize, cols: usize) -> Array2<u8> {
        Array2::from_shape_fn((rows, cols), |(r, c)| {
            let (y, x) = (r as f64 / rows as f64 - 0.45, c as f64 / cols as f64 - 0.55);
            (250.0 * (-40.0 * (2.0 * x * x + y * y + x * y)).exp()) as u8
        })
    }

    /// The sum of an image, and its centre (x, y) relative to the centre of the image.
    fn mass_and_centre(image: &Array2<f32>) -> (f64, [f64; 2]) {
        let (rows, cols) = image.dim();
        let mass: f64 = image.iter().map(|&v| f64::from(v)).sum();
        let mut centre = [0.0; 2];
        for ((r, c), &v) in image.indexed_iter() {
            centre[0] += f64::from(v) / mass * (c as f64 - (cols as f64 - 1.0) / 2.0);
            centre[1] += f64::from(v) / mass * (r as f64 - (rows as f64 - 1.0) / 2.0);
        }
        (mass, centre)
    }

    #[test]
    fn nothing_changes_nothing() {
        for (rows, cols) in [(28, 28), (5, 4), (1, 1), (1, 7), (7, 1)] {
            let image = spot(rows, cols);
            let still = vec![0.0; 2 * rows * cols];
            assert_eq!(warp(&image, &NOTHING, Some(&still)), image.mapv(f32::from));
        }
    }

    #[test]
    fn a_quarter_turn_is_counter_clockwise() {
        let image = array![[1, 2, 3], [4, 5, 6], [7, 8, 9]];
        let turn = Affine {
            rotation: std::f64::consts::FRAC_PI_2,
            ..NOTHING
        };
        let expected = array![[3.0, 6.0, 9.0], [2.0, 5.0, 8.0], [1.0, 4.0, 7.0]];
        let found = warp(&image, &turn, None);
        assert!(close(&found, &expected, 1e-4), "{found}");
    }

    #[test]
    fn translation_goes_right_and_down_and_lets_black_in() {
        let image = array![[1, 2, 3], [4, 5, 6], [7, 8, 9]];
        let moved = |x, y| {
            let translation = [x, y];
            warp(
                &image,
                &Affine {
                    translation,
                    ..NOTHING
                },
                None,
            )
        };
        let expected = array![[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 4.0, 5.0]];
        assert_eq!(moved(1.0, 1.0), expected);
        let expected = array![[0.5, 1.5, 2.5], [2.0, 4.5, 5.5], [3.5, 7.5, 8.5]];
        assert_eq!(moved(0.5, 0.0), expected);
        for (x, y) in [(3.0, 0.0), (0.0, -3.0), (1000.0, -1000.0)] {
            assert_eq!(moved(x, y).sum(), 0.0, "{x}, {y}: out of the picture");
        }
    }

    #[test]
    fn shear_leans_the_top_to_the_right() {
        let mut upright = Array2::zeros((5, 5));
        upright.column_mut(2).fill(8);
        let shear = 45_f64.to_radians();
        let found = warp(&upright, &Affine { shear, ..NOTHING }, None);
        let expected = Array2::from_shape_fn((5, 5), |(r, c)| if r + c == 4 { 8.0 } else { 0.0 });
        assert!(close(&found, &expected, 1e-4), "{found}");
    }

    #[test]
    fn mass_and_centre_follow_the_matrix() {
        let image = spot(40, 60);
        let (mass, [x, y]) = mass_and_centre(&image.mapv(f32::from));
        for (rotation, shear, scale) in [
            (0.0, 0.0, [1.15, 0.85]),
            (0.3, 0.0, [1.0, 1.0]),
            (0.0, -0.3, [1.0, 1.0]),
            (-0.4, 0.25, [0.8, 1.2]),
        ] {
            let affine = Affine {
                rotation,
                shear,
                scale,
                translation: [1.5, -0.5],
            };
            let (found, centre) = mass_and_centre(&warp(&image, &affine, None));
            let expected = mass * scale[0] * scale[1];
            assert!(
                (found / expected - 1.0).abs() < 0.01,
                "{affine:?}: {found}, not {expected}"
            );
            // Scaled, sheared, rotated, moved: one after the other, as documented.
            let (x, y) = (scale[0] * x, scale[1] * y);
            let x = x - shear.tan() * y;
            let (sin, cos) = rotation.sin_cos();
            let expected = [cos * x + sin * y + 1.5, cos * y - sin * x - 0.5];
            for axis in 0..2 {
                let off = (centre[axis] - expected[axis]).abs();
                assert!(off < 0.1, "{affine:?}: {centre:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn the_inverse_undoes_the_matrix() {
        let affine = Affine {
            rotation: 0.4,
            shear: -0.3,
            scale: [1.2, 0.7],
            translation: [3.0, -2.0],
        };
        let (m, o) = affine.inverse();
        let (sin, cos) = affine.rotation.sin_cos();
        for [x, y] in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-7.0, 11.0]] {
            let (sx, sy) = (1.2 * x, 0.7 * y);
            let sx = sx - affine.shear.tan() * sy;
            let p = [cos * sx + sin * sy + 3.0, cos * sy - sin * sx - 2.0];
            for (m, (o, expected)) in m.iter().zip(o.iter().zip([x, y])) {
                let q = f64::from(m[0]) * p[0] + f64::from(m[1]) * p[1] + f64::from(*o);
                assert!((q - expected).abs() < 1e-5, "{q}, not {expected}");
            }
        }
    }

    #[test]
    fn sampling_is_bilinear_and_black_outside() {
        let image = spot(6, 9).mapv(|v| v.wrapping_mul(37));
        // Up to two pixels outside, by displacing each pixel at will.
        let mut rng = generator(1, Purpose::Check);
        let mut anywhere = |n: usize| {
            let part = f64::from(rng.next_u32()) / 2_f64.powi(32);
            (part * (n as f64 + 3.0) - 2.0) as f32
        };
        let (rows, cols) = image.dim();
        for _ in 0..20 {
            let mut displacement = vec![0.0; 2 * rows * cols];
            let mut expected = Array2::zeros(image.dim());
            for ((r, c), expected) in expected.indexed_iter_mut() {
                let (x, y) = (anywhere(cols), anywhere(rows));
                displacement[2 * r * cols + c] = x - c as f32;
                displacement[(2 * r + 1) * cols + c] = y - r as f32;
                for ((row, col), &v) in image.indexed_iter() {
                    let weight = |a: f32, b: usize| (1.0 - (a - b as f32).abs()).max(0.0);
                    *expected += f32::from(v) * weight(x, col) * weight(y, row);
                }
            }
            let found = warp(&image, &NOTHING, Some(&displacement));
            assert!(close(&found, &expected, 1e-2), "{found}\n{expected}");
        }
    }

    #[test]
    fn strengths_are_bounds_and_a_coin_decides_where_it_should() {
        let augmentation = crate::data::augment::Preset::Ciresan2010.augmentation();
        let mut rng = generator(3, Purpose::Check);
        let (mut most, mut turned, n) = ([0.0_f64; 3], 0, 2_000);
        for label in [3, 7] {
            most[0] = 0.0;
            for _ in 0..n {
                let affine = Affine::draw(&augmentation, label, &mut rng);
                let angles = [affine.rotation, affine.shear].map(|v| v.to_degrees().abs());
                assert_eq!(angles.iter().filter(|&&angle| angle > 0.0).count(), 1);
                turned += usize::from(angles[0] > 0.0);
                most[0] = most[0].max(angles[0]).max(angles[1]);
                for axis in 0..2 {
                    most[1 + axis] = most[1 + axis].max((affine.scale[axis] - 1.0).abs());
                }
                assert_eq!(affine.translation, [0.0; 2]);
            }
            let bound = if label == 7 { 7.5 } else { 15.0 };
            assert!(
                (0.98 * bound..bound).contains(&most[0]),
                "{label}: {most:?}"
            );
        }
        assert!(
            most[1..].iter().all(|v| (0.98 * 0.175..0.175).contains(v)),
            "{most:?}"
        );
        let share = turned as f64 / (2 * n) as f64;
        assert!((0.45..0.55).contains(&share), "{share} are turned");
    }
}
