//! Many small images side by side.

use ndarray::{Array2, ArrayView2};

use super::{
    Anchor, Picture, Pixels,
    shapes::{HEAD, MARGIN},
};
use crate::picture::{
    font::text_width,
    names,
    palette::{Ink, Theme, full_strength},
    png::encoded,
};

/// The most units that are drawn.
const UNITS: usize = 64;
const ACROSS: usize = 10;

/// The weights into the units of the first of `layers` layers, w (rows·cols, O), as images; the longest first.
pub fn weights(w: &Array2<f32>, layers: usize, (rows, cols): (usize, usize)) -> Picture {
    let norm = |o: usize| {
        let squares = w.column(o).mapv(|v| f64::from(v).powi(2));
        squares.sum().sqrt()
    };
    let mut units: Vec<_> = (0..w.ncols()).map(|o| (o, norm(o))).collect();
    units.sort_by(|a, b| b.1.total_cmp(&a.1));
    units.truncate(UNITS);
    let shown = units.iter().flat_map(|&(o, _)| w.column(o));
    let most = full_strength(shown.map(|&v| f64::from(v)));
    let (cell, pitch) = (84.0, (90.0, 112.0));
    let lines = units.len().div_ceil(ACROSS) as f64;
    let size = (ACROSS as f64 * pitch.0 + 42.0, 106.0 + lines * pitch.1);
    let mut picture = Picture::new(size, "weights of the first layer as images");
    let words = format!(
        "{}: the weights w₁ into {} of its units",
        names::layer(1, layers, Some(w.dim())),
        match units.len() == w.ncols() {
            true => "each".into(),
            false => units.len().to_string(),
        }
    );
    picture.headline(
        &words,
        "below each its number and ‖w₁‖, the norm of its weights; the largest first",
    );
    picture.signed_legend(74.0, most);
    for (n, (o, norm)) in units.into_iter().enumerate() {
        let left = MARGIN + pitch.0 * (n % ACROSS) as f64;
        let top = 92.0 + pitch.1 * (n / ACROSS) as f64;
        let pixel = |(r, c)| (f64::from(w[[r * cols + c, o]]) / most) as f32;
        let pixels = Pixels::Signed(Array2::from_shape_fn((rows, cols), pixel));
        picture.framed([left, top, cell, cell], pixels);
        let under = (left + cell / 2.0, top + cell + 14.0);
        let words = format!("{o}: {norm:.2}");
        picture.text(under, 11.0, (Anchor::Middle, Ink::Dim), &words);
    }
    picture
}

/// Units in a row of [`weights_png`], and the most pixels of the row.
const ROW: (usize, usize) = (8, 2048);

/// The same as a plain PNG of one pixel a weight, and its rows and columns: a square a unit in the order of the units, so
/// that each keeps its place while the network is trained. Of many units the first.
pub fn weights_png(w: &Array2<f32>, (rows, cols): (usize, usize)) -> ((usize, usize), Vec<u8>) {
    let across = (ROW.1 / (cols + 1)).clamp(1, ROW.0);
    let units = w.ncols().min(across * ROW.0);
    let (lines, across) = (units.div_ceil(across), across.min(units));
    let shown = (0..units).flat_map(|o| w.column(o));
    let most = full_strength(shown.map(|&v| f64::from(v)));
    let size = (lines * (rows + 1) - 1, across * (cols + 1) - 1);
    let pixels = Array2::from_shape_fn(size, |(y, x)| {
        let unit = y / (rows + 1) * across + x / (cols + 1);
        match (y % (rows + 1), x % (cols + 1)) {
            (r, c) if r < rows && c < cols && unit < units => {
                signed(f64::from(w[[r * cols + c, unit]]) / most)
            }
            _ => Ink::Grid.rgb(Theme::Light),
        }
    });
    let png = encoded(&pixels).expect("memory takes all that is written");
    (size, png)
}

/// The colour on white paper of a value whose full strength is 1.
fn signed(v: f64) -> [u8; 3] {
    let ink = if v < 0.0 { Ink::Below } else { Ink::Above };
    let strength = v.abs().min(1.0);
    let mut rgb = Ink::Paper.rgb(Theme::Light);
    for (paper, ink) in rgb.iter_mut().zip(ink.rgb(Theme::Light)) {
        let mixed = f64::from(*paper) * (1.0 - strength) + f64::from(ink) * strength;
        *paper = mixed.round() as u8;
    }
    rgb
}

/// Images, and what augmentation makes of them.
pub struct Augmented<'a> {
    /// What was done to them, in words.
    pub title: &'a str,
    /// The number and the label of every image.
    pub images: &'a [(u32, u8)],
    /// Grey values: the images one below the other as they are, then those of every epoch.
    pub epochs: &'a [Array2<f32>],
    /// Rows and columns of an image.
    pub pixels: (usize, usize),
}

/// A row an image: as it is, then as every epoch sees it.
pub fn augmented(grid: &Augmented<'_>) -> Picture {
    // Two pixels of the PNG for one of the picture: three for one of the image.
    let zoom = 1.5;
    let (rows, cols) = grid.pixels;
    let (high, wide) = (zoom * rows as f64, zoom * cols as f64);
    let (gap, apart) = (3.0, 12.0);
    let label = |(index, label): (u32, u8)| format!("image {index}, label {label}");
    let widths = grid
        .images
        .iter()
        .map(|&image| text_width(&label(image), 12.0));
    // A whole number, so that pixels are sharp.
    let left = (MARGIN + widths.fold(0.0, f64::max) + 10.0).ceil();
    let (columns, lines) = (grid.epochs.len() as f64, grid.images.len() as f64);
    let top = 82.0;
    let right = left + columns * (wide + gap) + apart + MARGIN - gap;
    let size = (
        right.max(text_width(grid.title, HEAD) + 2.0 * MARGIN + 1.0),
        top + lines * (high + gap) + 18.0,
    );
    let mut picture = Picture::new(size, "augmented images");
    let below = "one image per row: as it is, then as each epoch sees it";
    picture.headline(grid.title, below);
    for (epoch, images) in grid.epochs.iter().enumerate() {
        let x = left + epoch as f64 * (wide + gap) + if epoch > 0 { apart } else { 0.0 };
        let words = match epoch {
            0 => "original".into(),
            1 => "epoch 1".into(),
            _ => epoch.to_string(),
        };
        let at = (x + wide / 2.0, top - 8.0);
        picture.text(
            at,
            if epoch < 2 { 10.0 } else { 12.0 },
            (Anchor::Middle, Ink::Dim),
            &words,
        );
        for (n, image) in images.rows().into_iter().enumerate() {
            let y = top + n as f64 * (high + gap);
            if epoch == 0 {
                let at = (left - 10.0, y + high / 2.0 + 4.0);
                picture.text(at, 12.0, (Anchor::End, Ink::Text), &label(grid.images[n]));
            }
            let greys = image.mapv(|grey| grey.round() as u8);
            let greys =
                ArrayView2::from_shape(grid.pixels, greys.as_slice().expect("a row is one piece"));
            let greys = greys.expect("as many pixels as the images have").to_owned();
            picture.framed([x, y, wide, high], Pixels::Ink(greys));
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::plot::Shape;

    fn images(picture: &Picture) -> Vec<&Pixels> {
        let images = picture.shapes.iter().filter_map(|shape| match shape {
            Shape::Image(_, pixels) => Some(pixels),
            _ => None,
        });
        images.collect()
    }

    fn says(picture: &Picture, text: &str) -> bool {
        let says = |shape: &Shape| matches!(shape, Shape::Text { words, .. } if words == text);
        picture.shapes.iter().any(says)
    }

    #[test]
    fn one_outlier_does_not_pale_the_other_weights() {
        let mut w = Array2::from_elem((400, 2), 0.5);
        w[[0, 1]] = -100.0;
        let picture = weights(&w, 3, (20, 20));
        assert!(says(
            &picture,
            "layer 1 of 3 (400 → 2): the weights w₁ into each of its units"
        ));
        // The longest first.
        let [Pixels::Signed(first), Pixels::Signed(second)] = images(&picture)[..] else {
            panic!("two signed images")
        };
        assert_eq!((first[[0, 0]], first[[1, 1]]), (-200.0, 1.0));
        assert!(second.iter().all(|&v| v == 1.0));
    }

    #[test]
    fn a_plain_image_of_weights_keeps_the_place_of_every_unit() {
        let mut w = Array2::zeros((6, 9));
        (w[[0, 0]], w[[5, 8]]) = (1.0, -0.5);
        let ((rows, cols), png) = weights_png(&w, (2, 3));
        assert_eq!((rows, cols), (5, 31));
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        let at = |row, col| image.get_pixel(col, row).0;
        assert_eq!(image.dimensions(), (31, 5));
        assert_eq!(at(0, 0), Ink::Above.rgb(Theme::Light));
        assert_eq!(at(0, 1), [255; 3]);
        // Unit 8 is the first of the second row: half of the orange d55e00 on white.
        assert_eq!(at(4, 2), [234, 175, 128]);
        for (row, col) in [(0, 3), (2, 0), (4, 4)] {
            assert_eq!(at(row, col), Ink::Grid.rgb(Theme::Light), "{row}, {col}");
        }
    }

    #[test]
    fn augmented_images_stand_beside_their_names() {
        let epochs = [7.0, 8.0].map(|grey| Array2::from_elem((3, 4), grey));
        let picture = augmented(&Augmented {
            title: "rotation 3°",
            images: &[(5, 2), (6, 0), (7, 9)],
            epochs: &epochs,
            pixels: (2, 2),
        });
        for text in ["rotation 3°", "image 6, label 0", "original", "epoch 1"] {
            assert!(says(&picture, text), "{text}");
        }
        let greys = images(&picture).into_iter().map(|pixels| match pixels {
            Pixels::Ink(greys) => greys[[1, 1]],
            Pixels::Grey(_) | Pixels::Signed(_) => panic!("a digit is ink"),
        });
        assert_eq!(greys.collect::<Vec<_>>(), [7, 7, 7, 8, 8, 8]);
    }
}
