//! Pixels from 0 to 255 and labels from 0, from numbers as files have them.

use std::path::PathBuf;

use ndarray::Array2;
use sha2::{Digest, Sha256};

use super::{
    DatasetError, Labels,
    names::{Known, capitals},
    numbers::{ImageShape, Numbers, Range},
    pictures,
};
use crate::data::{Dataset, MAX_CLASSES, Spec, Splits, idx::hex};

/// Images as a file has them.
#[derive(Debug)]
pub(super) struct Images {
    /// The file, for messages.
    pub(super) path: PathBuf,
    pub(super) shape: ImageShape,
    pub(super) numbers: Numbers,
    /// Whether the numbers are known to be grey values from 0 to 255.
    pub(super) are_levels: bool,
}

/// Images with their labels.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) images: Images,
    pub(super) labels: Labels,
    /// The file of the labels, for messages.
    pub(super) labels_path: PathBuf,
}

impl Half {
    fn check(&self) -> Result<(), DatasetError> {
        let (images, labels) = (self.images.shape.count, self.labels.len());
        if images != labels {
            return Err(DatasetError::Mismatch {
                images: self.images.path.clone(),
                image_count: images,
                labels: self.labels_path.clone(),
                label_count: labels,
            });
        }
        if images == 0 {
            return Err(DatasetError::fault(&self.images.path, "no images in it"));
        }
        Ok(())
    }
}

/// The data set of a training set and a test set.
pub(super) fn assemble(
    train: Half,
    test: Option<Half>,
    known: Option<Known>,
    is_transposed: bool,
    mut notes: Vec<String>,
) -> Result<Splits, DatasetError> {
    for half in [Some(&train), test.as_ref()].into_iter().flatten() {
        half.check()?;
    }
    let shape = train.images.shape;
    if let Some(test) = &test
        && (test.images.shape.rows, test.images.shape.cols) != (shape.rows, shape.cols)
    {
        return Err(DatasetError::fault(
            &test.images.path,
            format!(
                "images of {}x{}, but those of {} are {}x{}: all images of a data set have one size",
                test.images.shape.rows,
                test.images.shape.cols,
                train.images.path.display(),
                shape.rows,
                shape.cols
            ),
        ));
    }
    let scale = scale(
        &train.images,
        test.as_ref().map(|half| &half.images),
        &mut notes,
    )?;
    let classes = classes(&train, test.as_ref(), known, &mut notes)?;
    let spec = Spec {
        rows: shape.rows,
        cols: shape.cols,
        classes: classes.names,
    };
    let is_transposed = is_transposed && shape.rows == shape.cols;
    if is_transposed {
        notes.push(format!(
            "{}: EMNIST's images lie on their side: turned upright",
            train.images.path.display()
        ));
    }
    let dataset = |half: Half, labels: Vec<u8>| {
        let shape = half.images.shape;
        let path = half.images.path;
        let mut pixels = scale.apply(half.images.numbers);
        if is_transposed {
            transpose(&mut pixels, shape.rows);
        }
        let images = Array2::from_shape_vec((shape.count, shape.pixels()), pixels)
            .map_err(|error| DatasetError::fault(path, error.to_string()))?;
        Ok::<_, DatasetError>(Dataset::new(images, labels, spec.clone()))
    };
    let train = dataset(train, classes.train)?;
    let test = match test {
        Some(test) => dataset(test, classes.test)?,
        None => Dataset::empty(spec),
    };
    let without: Vec<_> = train
        .histogram()
        .iter()
        .zip(&train.spec.classes)
        .filter(|(count, _)| **count == 0)
        .map(|(_, name)| name.clone())
        .collect();
    if !without.is_empty() {
        let more = if without.len() > 5 { ", …" } else { "" };
        notes.push(format!(
            "{} of {} classes have no image to train on: {}{more}",
            without.len(),
            train.classes(),
            without[..without.len().min(5)].join(", ")
        ));
    }
    Ok(Splits {
        checksum: checksum(&train, &test),
        train,
        test,
        official: false,
        notes,
    })
}

/// One SHA-256 in hex over all that a network sees.
fn checksum(train: &Dataset, test: &Dataset) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(&(train.rows() as u64).to_le_bytes());
    for class in &train.spec.classes {
        add(class.as_bytes());
    }
    for part in [train, test] {
        add(part.images.as_slice().unwrap_or_default());
        add(&part.labels);
    }
    hex(&hash.finalize())
}

/// Exchanges the rows and columns of square images.
fn transpose(pixels: &mut [u8], side: usize) {
    for image in pixels.chunks_exact_mut(side * side) {
        for row in 0..side {
            for col in 0..row {
                image.swap(row * side + col, col * side + row);
            }
        }
    }
}

/// How grey values are made of numbers: (v + shift)·factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    shift: f64,
    factor: f64,
}

impl Scale {
    pub(super) fn apply(self, numbers: Numbers) -> Vec<u8> {
        if numbers.are_bytes() && self.factor == 1.0 && self.shift == 0.0 {
            return numbers.bytes;
        }
        let mut pixels = Vec::with_capacity(numbers.len());
        numbers.each(|value| pixels.push(((value + self.shift) * self.factor).round() as u8));
        pixels
    }
}

/// How the numbers of all images are to be scaled, judged by the least and the greatest.
pub(super) fn scale(
    train: &Images,
    test: Option<&Images>,
    notes: &mut Vec<String>,
) -> Result<Scale, DatasetError> {
    let same = Scale {
        shift: 0.0,
        factor: 1.0,
    };
    if train.are_levels {
        return Ok(same);
    }
    let range = |images: &Images| {
        let range = images.numbers.range();
        range.map_err(|fault| DatasetError::fault(&images.path, fault))
    };
    let Some(mut all) = range(train)? else {
        return Ok(same);
    };
    if let Some(test) = test
        && let Some(more) = range(test)?
    {
        all = all.join(more);
    }
    let Range { low, high } = all;
    let is_small = (train.shape.rows, train.shape.cols) == (8, 8);
    let (scale, what) = if low >= 0.0 && high == 0.0 {
        (same, None)
    } else if low >= 0.0 && high <= 1.0 {
        (
            Scale {
                factor: 255.0,
                ..same
            },
            Some("0 to 1"),
        )
    } else if low >= -1.0 && high <= 1.0 {
        let scale = Scale {
            shift: 1.0,
            factor: 127.5,
        };
        (scale, Some("-1 to 1"))
    } else if low >= 0.0 && high <= 16.0 && is_small {
        let factor = 255.0 / 16.0;
        (
            Scale { factor, ..same },
            Some("0 to 16, as in scikit-learn's digits"),
        )
    } else if low >= 0.0 && high <= 255.0 {
        (same, None)
    } else {
        let hint = match train.numbers.are_floats() && low < 0.0 {
            true => ": undo the normalisation, such as x * std + mean",
            false => "",
        };
        return Err(DatasetError::fault(
            &train.path,
            format!("pixels from {low} to {high}, expected 0 to 255, 0 to 1 or -1 to 1{hint}"),
        ));
    };
    if let Some(what) = what {
        notes.push(format!(
            "{}: pixels from {what}: scaled to 0 to 255",
            train.path.display()
        ));
    }
    Ok(scale)
}

/// The names of classes, and labels as their numbers.
struct Classes {
    names: Vec<String>,
    train: Vec<u8>,
    test: Vec<u8>,
}

fn classes(
    train: &Half,
    test: Option<&Half>,
    known: Option<Known>,
    notes: &mut Vec<String>,
) -> Result<Classes, DatasetError> {
    match (&train.labels, test.map(|half| &half.labels)) {
        (Labels::Numbers(_), None | Some(Labels::Numbers(_))) => {
            numbered_classes(train, test, known, notes)
        }
        (Labels::Named { .. }, None | Some(Labels::Named { .. })) => named_classes(train, test),
        _ => Err(DatasetError::fault(
            &train.labels_path,
            "labels are numbers in one of the training and the test set, and words in the other",
        )),
    }
}

fn numbered_classes(
    train: &Half,
    test: Option<&Half>,
    known: Option<Known>,
    notes: &mut Vec<String>,
) -> Result<Classes, DatasetError> {
    let mut present = [false; MAX_CLASSES + 1];
    for half in [Some(train), test].into_iter().flatten() {
        let Labels::Numbers(labels) = &half.labels else {
            continue;
        };
        for (index, &label) in labels.iter().enumerate() {
            let class = usize::try_from(label).ok();
            match class.and_then(|class| present.get_mut(class)) {
                Some(class) => *class = true,
                None => return Err(too_large(half, index, label)),
            }
        }
    }
    let greatest = present.iter().rposition(|&present| present).unwrap_or(0);
    let begins_at_1 = !present[0] && greatest > 0 && present[1..=greatest].iter().all(|&p| p);
    let shift = i64::from(begins_at_1);
    if greatest >= MAX_CLASSES && !begins_at_1 {
        return Err(too_large(train, 0, greatest as i64));
    }
    let count = greatest + 1 - usize::from(begins_at_1);
    let path = train.labels_path.display();
    let known = known.map(|known| (known, known.classes()));
    let names = match known {
        Some((known, names)) if known.has(count) => {
            notes.push(format!("{path}: taken as {}, by its name", known.title()));
            names
        }
        _ if begins_at_1 && count == 26 => {
            notes.push(format!(
                "{path}: labels 1 to 26: EMNIST letters? called A to Z"
            ));
            capitals()
        }
        _ if begins_at_1 => {
            notes.push(format!(
                "{path}: labels 1 to {count}, none 0: counted from 0 here"
            ));
            (1..=count).map(|label| label.to_string()).collect()
        }
        _ => Spec::numbered(0, 0, count).classes,
    };
    let shifted = |half: &Half| match &half.labels {
        Labels::Numbers(labels) => labels.iter().map(|label| (label - shift) as u8).collect(),
        Labels::Named { .. } => Vec::new(),
    };
    Ok(Classes {
        names,
        train: shifted(train),
        test: test.map(shifted).unwrap_or_default(),
    })
}

fn too_large(half: &Half, index: usize, label: i64) -> DatasetError {
    let fault = format!(
        "label {index} is {label}, expected 0 to {}: at most {MAX_CLASSES} classes",
        MAX_CLASSES - 1
    );
    DatasetError::fault(&half.labels_path, fault)
}

fn named_classes(train: &Half, test: Option<&Half>) -> Result<Classes, DatasetError> {
    let mut all = Vec::new();
    for half in [Some(train), test].into_iter().flatten() {
        if let Labels::Named { names, .. } = &half.labels {
            all.extend(names.iter().cloned());
        }
    }
    all.sort_by_cached_key(|name| pictures::sort_key(name));
    all.dedup();
    if all.len() > MAX_CLASSES {
        let fault = format!("{} classes, expected at most {MAX_CLASSES}", all.len());
        return Err(DatasetError::fault(&train.labels_path, fault));
    }
    let numbers = |half: &Half| {
        let Labels::Named { names, indices } = &half.labels else {
            return Vec::new();
        };
        let position = |name: &String| all.iter().position(|class| class == name).unwrap_or(0);
        let classes: Vec<_> = names.iter().map(|name| position(name) as u8).collect();
        let number = |&index: &u16| classes.get(usize::from(index)).copied().unwrap_or(0);
        indices.iter().map(number).collect()
    };
    let (train, test) = (numbers(train), test.map(numbers).unwrap_or_default());
    Ok(Classes {
        names: all,
        train,
        test,
    })
}
