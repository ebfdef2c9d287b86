//! Batches: the order of the images, and their pixels turned into the inputs of a network.

use ndarray::{Array2, ArrayRef2};
use ndarray_rand::rand::{RngCore, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use super::{Dataset, deslant::deslant};
use crate::linalg::{Float, gather_rows};

/// A batch to check or explain a network on: inputs and their classes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// x (N, I).
    pub x: Array2<f64>,
    /// Classes (N).
    pub targets: Vec<u8>,
}

/// From grey values (0 to 255) to the inputs of a network: x = scale·pixel + shift. Stored in the model file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Units of x per grey value.
    #[serde(rename = "input_scale")]
    pub scale: f64,
    /// x of a black pixel.
    #[serde(rename = "input_shift")]
    pub shift: f64,
    /// Whether every image is set upright, see [`deslant`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deslant: bool,
}

impl Preprocessing {
    /// Scales pixels to 0..1.
    pub const UNIT: Self = Self {
        scale: 1.0 / 255.0,
        shift: 0.0,
        deslant: false,
    };

    /// Fills x (N, pixels) with the images `order[0]`, `order[1]`, …. Panics if the shapes do not fit.
    pub fn gather<F: Float>(&self, data: &Dataset, order: &[u32], x: &mut ArrayRef2<F>) {
        let cast = |v: f64| F::from(v).expect("f64 converts to any float");
        let (scale, shift) = (cast(self.scale), cast(self.shift));
        gather_rows(&data.images, order, scale, shift, x, |image| {
            self.deslant(image, data.cols());
        });
    }

    /// Deslants an image x, of rows of `cols` inputs, if the network expects it.
    pub(crate) fn deslant<F: Float>(&self, x: &mut [F], cols: usize) {
        if self.deslant {
            deslant(
                x,
                cols,
                F::from(self.shift).expect("f64 converts to any float"),
            );
        }
    }
}

/// 0, 1, … `len` − 1: the images in the order of the file. Panics above 2³² images.
pub fn in_order(len: usize) -> Vec<u32> {
    (0..u32::try_from(len).expect("at most 2³² images")).collect()
}

/// Shuffles `order`: every order is equally likely (Fisher–Yates).
pub fn shuffle(order: &mut [u32], rng: &mut impl RngCore) {
    order.shuffle(rng);
}
