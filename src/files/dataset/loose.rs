//! Images of one file on their own, with or without labels: to classify, not to train on.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::{
    DatasetError, Labels,
    assemble::{Images, scale},
    csv,
    error::unreadable,
    idx, npz,
    numbers::{self, ImageShape, MAX_BYTES, NotImages, Numbers, sizes},
    source,
};

/// Images of one size.
#[derive(Debug)]
pub struct Loose {
    /// Grey values (N, rows·cols), 0 to 255.
    pub images: Array2<u8>,
    /// Rows of an image.
    pub rows: usize,
    /// Columns of an image.
    pub cols: usize,
    /// Their labels as the file has them, if it has them or a file of labels lies beside it.
    pub labels: Option<Vec<u8>>,
}

/// The most pixels that are read at a time.
const MOST: usize = 1 << 29;

/// The images of an IDX, NumPy or CSV file; none if it is no such file.
///
/// Errors if it is one, but damaged, or holds something else than grey images.
pub fn loose(path: &Path) -> Result<Option<Loose>, DatasetError> {
    if !path.is_file() {
        return Ok(None);
    }
    let start = source::start(path).map_err(unreadable(path))?;
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let fault = |why: String| DatasetError::fault(path, why);
    let (numbers, labels) = if idx::is_idx(&start.bytes) {
        let (_, shape) = idx::describe(&start.bytes, None).map_err(fault)?;
        few(&shape).map_err(fault)?;
        let reader = source::open(path).map_err(unreadable(path))?;
        let (numbers, _) = idx::read(reader).map_err(fault)?;
        (numbers, beside(path))
    } else if start.bytes.starts_with(b"\x93NUMPY") {
        let head = npz::head(&start.bytes).map_err(fault)?;
        few(&head.shape).map_err(fault)?;
        (npz::read(path, None).map_err(fault)?, None)
    } else if start.bytes.starts_with(b"PK\x03\x04") && extension == "npz" {
        (first_images(path)?, None)
    } else if csv::is_table(&start.bytes, extension.eq_ignore_ascii_case("csv")) {
        let reader = source::open(path).map_err(unreadable(path))?;
        let bytes = csv::bytes(reader, 0, MAX_BYTES).map_err(unreadable(path))?;
        let table = csv::read(&bytes).map_err(fault)?;
        (table.pixels, table.labels.and_then(small))
    } else {
        return Ok(None);
    };
    let shape = ImageShape::of(&numbers.shape).map_err(|why| match why {
        NotImages::Colour => DatasetError::Colour {
            path: path.to_owned(),
            what: format!("{} numbers", sizes(&numbers.shape)),
        },
        NotImages::Fault(fault) => DatasetError::fault(path, fault),
    })?;
    let images = Images {
        path: path.to_owned(),
        shape,
        numbers,
        are_levels: false,
    };
    let scale = scale(&images, None, &mut Vec::new())?;
    let pixels = scale.apply(images.numbers);
    let images = Array2::from_shape_vec((shape.count, shape.pixels()), pixels);
    Ok(Some(Loose {
        labels: labels.filter(|labels| labels.len() == shape.count),
        images: images.map_err(|error| fault(error.to_string()))?,
        rows: shape.rows,
        cols: shape.cols,
    }))
}

/// An error if an array of this shape has more numbers than are read at a time.
fn few(shape: &[usize]) -> Result<(), String> {
    let mut sides = shape.iter();
    let size = sides.try_fold(1_usize, |all, &side| all.checked_mul(side));
    match size {
        Some(..=MOST) => Ok(()),
        _ => Err(format!(
            "{} numbers, expected at most {MOST} at a time",
            sizes(shape)
        )),
    }
}

/// The first array of an archive that can be images.
fn first_images(path: &Path) -> Result<Numbers, DatasetError> {
    let fault = |why: String| DatasetError::fault(path, why);
    let found = npz::list_file(path).map_err(fault)?;
    let is_images = |shape: &[usize]| shape.len() > 1 && ImageShape::of(shape).is_ok();
    let images = found.iter().find(|(_, head)| {
        let head = head.as_ref();
        head.is_ok_and(|head| is_images(&head.shape))
    });
    match images {
        Some((name, head)) => {
            let shape = head.as_ref().map(|head| &head.shape[..]);
            few(shape.unwrap_or_default()).map_err(fault)?;
            npz::read(path, Some(name)).map_err(fault)
        }
        None => Err(fault(
            "no array of images in it, expected (N, rows, columns)".into(),
        )),
    }
}

/// The labels in the file that is called after this one, as in MNIST.
fn beside(path: &Path) -> Option<Vec<u8>> {
    let name = path.file_name()?.to_str()?;
    let labels = name.replace("images", "labels");
    let names = [
        labels.replace("idx3-ubyte", "idx1-ubyte"),
        labels.replace("idx3-ubyte", "idx2-int"),
    ];
    let mut paths = names.iter().filter(|other| *other != name);
    let found: PathBuf = paths.find_map(|other| {
        let path = path.with_file_name(other);
        path.is_file().then_some(path)
    })?;
    let (numbers, _) = idx::read(source::open(&found).ok()?).ok()?;
    let labels = numbers::labels(&numbers, &mut Vec::new(), "").ok()?;
    small(Labels::Numbers(labels))
}

/// Labels that are bytes.
fn small(labels: Labels) -> Option<Vec<u8>> {
    match labels {
        Labels::Numbers(labels) => labels.into_iter().map(|l| u8::try_from(l).ok()).collect(),
        Labels::Named { .. } => None,
    }
}
