//! Small data sets of one's own, made on the spot.

use std::{fs, path::Path};

use tempfile::TempDir;

/// An IDX file of unsigned bytes.
pub fn idx(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    for &size in shape {
        file.extend((size as u32).to_be_bytes());
    }
    file.extend(bytes);
    file
}

/// Pixels of an 8x8 image of class `class` of four: a bright quarter, with noise that depends on `n`.
pub fn quarter(class: usize, n: usize) -> Vec<u8> {
    let pixel = |p: usize| {
        let (row, col) = (p / 8, p % 8);
        let here = (row / 4) * 2 + col / 4 == class;
        let noise = (n * 31 + p * 17) % 40;
        (if here { 200 } else { 0 } + noise) as u8
    };
    (0..64).map(pixel).collect()
}

/// Images and labels of four classes in turn, `n` of them, as two IDX files.
pub fn quarters(n: usize, first: usize) -> (Vec<u8>, Vec<u8>) {
    let images: Vec<u8> = (0..n).flat_map(|i| quarter(i % 4, i + first)).collect();
    let labels: Vec<u8> = (0..n).map(|i| (i % 4) as u8).collect();
    (idx(&[n, 8, 8], &images), idx(&[n], &labels))
}

pub fn write(dir: &Path, name: &str, bytes: &[u8]) {
    fs::write(dir.join(name), bytes).unwrap();
}

/// A folder `own` with 8x8 images of four classes: 600 to train on, 120 to test on.
pub fn folder_of_quarters() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    for (part, n, first) in [("train", 600, 0), ("t10k", 120, 5000)] {
        let (images, labels) = quarters(n, first);
        write(&own, &format!("{part}-images-idx3-ubyte"), &images);
        write(&own, &format!("{part}-labels-idx1-ubyte"), &labels);
    }
    folder
}

/// A grey picture as a PNG.
pub fn png(rows: usize, cols: usize, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, cols as u32, rows as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}
