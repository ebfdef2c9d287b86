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
    data::{Dataset, batches::Scaling},
    train::{Purpose, generator},
};

/// Distorts images of one size.
///
/// What becomes of an image depends on the seed, the epoch and the index of the image, and on nothing
/// else: each pair of epoch and index has a stream of ChaCha8 to itself, so neither the order nor the
/// threads matter. (A pixel takes 4 bytes of it: less time than smoothing them.) Allocates on a thread's first image only.
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
    /// For images of (rows, columns). Errors if the augmentation is not [valid](Augmentation::validate).
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

    /// x (N, pixels) of the images `order[0]`, `order[1]`, …, as they look in this epoch, counted from 1.
    ///
    /// Takes the place of [`Scaling::gather`], and without any distortion gives the same bits.
    /// Panics if the shapes do not fit.
    pub fn gather(
        &self,
        data: &Dataset,
        scaling: Scaling,
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
        let scaling = (scaling.scale as f32, scaling.shift as f32);
        SCRATCH.with_borrow_mut(|Scratch { fields, canvas }| {
            for (&index, mut x) in order.iter().zip(x.rows_mut()) {
                let image = data.images.row(index as usize);
                let label = data.labels[index as usize];
                let mut rng = self.rng.clone();
                // From 2³² on: the streams below belong to the purposes.
                rng.set_stream((epoch as u64) << 32 | u64::from(index));
                let affine = Affine::draw(&self.augmentation, label, &mut rng);
                let displacement = self.smoothing.as_ref().map(|smoothing| {
                    smoothing.draw(&mut rng, fields);
                    &fields.displacement[..]
                });
                canvas.paint(image.to_slice().expect("contiguous"), self.size);
                let x = x.as_slice_mut().expect("contiguous");
                canvas.sample(&affine, displacement, scaling, x);
            }
        });
    }
}

/// What one image is put through: scaled, then sheared, then turned, then moved.
#[derive(Clone, Copy, Debug)]
struct Affine {
    /// Radians, counter-clockwise as it is seen.
    rotation: f64,
    /// Radians that upright lines lean to the right.
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

    /// M and o of q = M·p + o, the place that a pixel p comes from: M = A⁻¹, o = −A⁻¹·t.
    fn inverse(&self) -> ([[f32; 2]; 2], [f32; 2]) {
        let (sin, cos) = self.rotation.sin_cos();
        let (lean, [width, height]) = (self.shear.tan(), self.scale);
        // y points down: a turn counter-clockwise is [cos sin; −sin cos], a lean to the right [1 −lean; 0 1].
        let m = [
            [(cos + lean * sin) / width, (lean * cos - sin) / width],
            [sin / height, cos / height],
        ];
        let [x, y] = self.translation;
        let o = m.map(|[mx, my]| -(mx * x + my * y));
        (m.map(|row| row.map(|v| v as f32)), o.map(|v| v as f32))
    }
}

/// An image with a black frame, 1 pixel to the left and above, 2 to the right and below.
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

    /// x[p] = scale·image(M·p + o + d[p]) + shift
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
        // The frame is black, so that a place outside may be taken for the nearest one in it.
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
                // As places on the canvas, where none is negative, and casts round down.
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
