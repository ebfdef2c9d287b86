//! Images with their labels, and what the images are.

use std::collections::HashSet;

use ndarray::{Array2, Axis};
use ndarray_rand::rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{COLS, DataError, ROWS, one_against_rest};
use crate::rng::{Purpose, generator};

/// The most rows, and the most columns, of an image.
pub const MAX_SIDE: usize = 512;
/// The most classes: labels are bytes.
pub const MAX_CLASSES: usize = 256;
/// The longest name of a class, in bytes.
const MAX_NAME: usize = 100;

/// Whether a character is not seen, or changes how others are seen: a terminal or a page must not get it raw.
pub fn is_hidden(c: char) -> bool {
    let format = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    c.is_control() || format
}

/// What the images of a data set are: their size, and the classes that they are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Rows of an image.
    pub rows: usize,
    /// Columns of an image.
    pub cols: usize,
    /// The name of every class, in the order of the labels 0, 1, …
    pub classes: Vec<String>,
}

impl Spec {
    /// Images of this size, of classes that are called by their numbers.
    pub fn numbered(rows: usize, cols: usize, classes: usize) -> Self {
        Self {
            rows,
            cols,
            classes: (0..classes).map(|class| class.to_string()).collect(),
        }
    }

    /// Pixels of an image: the inputs of a network for it.
    pub fn pixels(&self) -> usize {
        self.rows * self.cols
    }

    /// Whether both are of images of one size, in as many classes.
    pub fn is_like(&self, other: &Self) -> bool {
        let size = |spec: &Self| (spec.rows, spec.cols, spec.classes.len());
        size(self) == size(other)
    }

    /// What the class of a label is called.
    pub fn class(&self, label: u8) -> &str {
        self.classes
            .get(usize::from(label))
            .map_or("?", |name| name)
    }

    /// The same images, told apart by one label alone: class 0 is any other, class 1 is this one.
    pub fn one_against_rest(&self, label: u8) -> Self {
        let name = self.class(label);
        Self {
            classes: vec![format!("not {name}"), name.to_owned()],
            ..self.clone()
        }
    }

    /// Whether an image can be of this kind, or in words why not.
    pub fn check(&self) -> Result<(), String> {
        let side = |side: usize| (1..=MAX_SIDE).contains(&side);
        if !side(self.rows) || !side(self.cols) {
            return Err(format!(
                "images of {}x{}, expected 1 to {MAX_SIDE} rows and columns",
                self.rows, self.cols
            ));
        }
        let classes = self.classes.len();
        if !(1..=MAX_CLASSES).contains(&classes) {
            return Err(format!("{classes} classes, expected 1 to {MAX_CLASSES}"));
        }
        let sound = |name: &&String| {
            !name.is_empty() && name.len() <= MAX_NAME && !name.contains(is_hidden)
        };
        if let Some(class) = self.classes.iter().position(|name| !sound(&name)) {
            let name: String = self.classes[class].chars().take(20).collect();
            return Err(format!(
                "the name of class {class}, {name:?}, is empty, longer than {MAX_NAME} bytes, or has characters \
                 that cannot be shown: rename it"
            ));
        }
        let mut seen = HashSet::new();
        match self.classes.iter().find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(name) => Err(format!("two classes are called {name}")),
        }
    }

    /// The label of the class of this name, or of this number.
    pub fn label(&self, class: &str) -> Option<u8> {
        let named = self.classes.iter().position(|name| name == class);
        let number = || {
            class
                .parse()
                .ok()
                .filter(|&label| label < self.classes.len())
        };
        u8::try_from(named.or_else(number)?).ok()
    }

    /// Whether this is MNIST's: 28×28 and ten digits.
    pub fn is_mnist(&self) -> bool {
        *self == Self::default()
    }
}

/// MNIST's.
impl Default for Spec {
    fn default() -> Self {
        Self::numbered(ROWS, COLS, 10)
    }
}

/// Images and their labels, such as the training set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Grey values (N, rows·cols), 0 to 255, each image row by row.
    pub images: Array2<u8>,
    /// Labels (N), each the number of a class.
    pub labels: Vec<u8>,
    /// What the images are.
    pub spec: Spec,
}

impl Dataset {
    /// Images and labels of a data set. Panics if their numbers differ, the images have another size than the
    /// `spec` says, or a label is no class.
    pub fn new(images: Array2<u8>, labels: Vec<u8>, spec: Spec) -> Self {
        assert_eq!(images.nrows(), labels.len(), "images against labels");
        assert_eq!(images.ncols(), spec.pixels(), "pixels of an image");
        let classes = spec.classes.len();
        assert!(
            labels.iter().all(|&label| usize::from(label) < classes),
            "every label is one of {classes} classes"
        );
        Self {
            images,
            labels,
            spec,
        }
    }

    /// No images of this kind.
    pub fn empty(spec: Spec) -> Self {
        Self {
            images: Array2::zeros((0, spec.pixels())),
            labels: Vec::new(),
            spec,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows of an image.
    pub fn rows(&self) -> usize {
        self.spec.rows
    }

    /// Columns of an image.
    pub fn cols(&self) -> usize {
        self.spec.cols
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.spec.classes.len()
    }

    /// How many images there are of every class.
    pub fn histogram(&self) -> Vec<usize> {
        let mut histogram = vec![0; self.classes()];
        for &label in &self.labels {
            histogram[usize::from(label)] += 1;
        }
        histogram
    }

    /// Whether the images are sorted by class, and there is more than one: the last of them say nothing of the rest.
    pub fn is_sorted(&self) -> bool {
        self.labels.is_sorted() && self.labels.first() != self.labels.last()
    }

    /// A copy of these images, in this order.
    pub fn select(&self, images: &[usize]) -> Self {
        Self {
            images: self.images.select(Axis(0), images),
            labels: images.iter().map(|&image| self.labels[image]).collect(),
            spec: self.spec.clone(),
        }
    }

    /// The images with the labels of [`Spec::one_against_rest`].
    pub fn one_against_rest(mut self, label: u8) -> Self {
        one_against_rest(&mut self.labels, label);
        self.spec = self.spec.one_against_rest(label);
        self
    }

    /// Splits off the last `valid` images: returns the first N − `valid` and the last `valid`. Copies only
    /// the latter.
    ///
    /// Errors if `valid` > N − 1: at least one image must remain to train on.
    pub fn split_last(mut self, valid: usize) -> Result<(Self, Self), DataError> {
        let len = self.len();
        if valid >= len {
            return Err(DataError::Split { valid, len });
        }
        let labels = self.labels.split_off(len - valid);
        let cols = self.images.ncols();
        let (mut pixels, offset) = self.images.into_raw_vec_and_offset();
        pixels.drain(..offset.unwrap_or(0));
        let last = pixels.split_off((len - valid) * cols);
        let part = |pixels, labels: Vec<u8>| Self {
            images: Array2::from_shape_vec((labels.len(), cols), pixels)
                .expect("as many images as labels"),
            labels,
            spec: self.spec.clone(),
        };
        Ok((part(pixels, self.labels), part(last, labels)))
    }

    /// Splits off `valid` images drawn at random by `seed`: returns the others and these, each in the order
    /// that they had. For files that are sorted by class, of which the last are of one class alone.
    ///
    /// Errors like [`split_last`](Self::split_last).
    pub fn split_random(self, valid: usize, seed: u64) -> Result<(Self, Self), DataError> {
        let len = self.len();
        if valid >= len {
            return Err(DataError::Split { valid, len });
        }
        let mut order: Vec<_> = (0..len).collect();
        order.shuffle(&mut generator(seed, Purpose::Split));
        let (drawn, rest) = order.split_at_mut(valid);
        drawn.sort_unstable();
        rest.sort_unstable();
        Ok((self.select(rest), self.select(drawn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five() -> Dataset {
        let spec = Spec::numbered(3, 4, 5);
        let images = Array2::from_shape_fn((5, 12), |(n, _)| n as u8);
        Dataset::new(images, vec![0, 1, 2, 3, 4], spec)
    }

    #[test]
    fn the_split_takes_the_last_images_and_keeps_images_and_labels_together() {
        let (train, valid) = five().split_last(2).unwrap();
        assert_eq!(
            (&train.labels[..], &valid.labels[..]),
            (&[0, 1, 2][..], &[3, 4][..])
        );
        assert_eq!(train, five().select(&[0, 1, 2]));
        assert_eq!(valid, five().select(&[3, 4]));
        let (all, none) = five().split_last(0).unwrap();
        assert_eq!((all.len(), none.is_empty()), (5, true));
    }

    #[test]
    fn a_random_split_depends_on_the_seed_alone_and_loses_nothing() {
        let split = |seed| five().split_random(2, seed).unwrap();
        assert_eq!(split(1), split(1));
        assert!((2..20).any(|seed| split(seed) != split(1)));
        let (train, valid) = split(3);
        let mut all = [train.labels.clone(), valid.labels.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        for part in [train, valid] {
            let rows = part.images.rows().into_iter().zip(&part.labels);
            assert!(
                rows.into_iter()
                    .all(|(row, label)| row.iter().all(|p| p == label))
            );
        }
    }

    #[test]
    fn a_split_that_leaves_nothing_to_train_on_is_an_error() {
        for valid in [5, 6, usize::MAX] {
            for split in [five().split_last(valid), five().split_random(valid, 1)] {
                let error = split.unwrap_err().to_string();
                assert!(
                    error.starts_with(&format!("{valid} validation images asked for, out of 5")),
                    "{error}"
                );
            }
        }
    }
}
