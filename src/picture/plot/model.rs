use ndarray::{Array2, ArrayView1};

use super::{Anchor, Ink, Picture, Shape};

/// The most units that are drawn.
const UNITS: usize = 64;
const ACROSS: usize = 10;

/// The weights into the units of the first layer, w (rows·cols, O), as images; the longest first.
///
/// Blue is negative, vermilion positive, nothing 0; opaque is the largest of all.
pub fn weights(w: &Array2<f32>, (rows, cols): (usize, usize)) -> Picture {
    let norm = |o: usize| {
        w.column(o)
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
    };
    let mut units: Vec<_> = (0..w.ncols()).map(|o| (o, norm(o).sqrt())).collect();
    units.sort_by(|a, b| b.1.total_cmp(&a.1));
    units.truncate(UNITS);
    let most = units.iter().flat_map(|&(o, _)| w.column(o));
    let most = most.fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
    let (cell, pitch) = (84.0, (90.0, 112.0));
    let lines = units.len().div_ceil(ACROSS) as f64;
    let size = (ACROSS as f64 * pitch.0 + 42.0, 84.0 + lines * pitch.1);
    let mut picture = Picture::new(size, "weights of the first layer as images");
    let words = format!(
        "weights into {} of {} units of the first layer, the longest first",
        units.len(),
        w.ncols()
    );
    picture.text((24.0, 32.0), 14.0, (Anchor::Start, Ink::Text), &words);
    let scale = format!("blue −{most:.2}, none 0, vermilion +{most:.2}; beside the unit its norm");
    picture.text((24.0, 52.0), 12.0, (Anchor::Start, Ink::Dim), &scale);
    for (n, (o, norm)) in units.into_iter().enumerate() {
        let left = 24.0 + pitch.0 * (n % ACROSS) as f64;
        let top = 70.0 + pitch.1 * (n / ACROSS) as f64;
        let pixels = Array2::from_shape_fn((rows, cols), |(r, c)| {
            let v = w[[r * cols + c, o]] / most;
            let opacity = (255.0 * v.abs()).round() as u8;
            match v < 0.0 {
                true => [0x1f, 0x86, 0xd0, opacity],
                false => [0xd5, 0x5e, 0x00, opacity],
            }
        });
        let frame = [
            (left, top),
            (left + cell, top),
            (left + cell, top + cell),
            (left, top + cell),
            (left, top),
        ];
        picture
            .shapes
            .push(Shape::Image([left, top, cell, cell], pixels));
        picture.line(frame.to_vec(), Ink::Grid, 1.0, false);
        let under = (left + cell / 2.0, top + cell + 14.0);
        let words = format!("{o}: {norm:.2}");
        picture.text(under, 11.0, (Anchor::Middle, Ink::Dim), &words);
    }
    picture
}

/// How many images of each class were taken for which, as a heat map: the more mistakes, the darker.
pub fn confusion(confusion: &Array2<u32>, title: &str) -> Picture {
    let classes = confusion.nrows();
    let cell = 48.0;
    let (left, top) = (90.0, 96.0);
    let side = cell * classes as f64;
    let mut picture = Picture::new((left + side + 30.0, top + side + 30.0), "confusion");
    picture.text((24.0, 32.0), 14.0, (Anchor::Start, Ink::Text), title);
    picture.text((left, 64.0), 12.0, (Anchor::Start, Ink::Dim), "taken for");
    picture.text((24.0, 86.0), 12.0, (Anchor::Start, Ink::Dim), "label");
    let wrong = confusion.indexed_iter().filter(|((t, p), _)| t != p);
    let most = wrong.map(|(_, &count)| count).max().unwrap_or(0).max(1);
    for class in 0..classes {
        let (middle, words) = (cell * (class as f64 + 0.5), class.to_string());
        picture.text(
            (left + middle, 86.0),
            13.0,
            (Anchor::Middle, Ink::Text),
            &words,
        );
        let row = (left - 16.0, top + middle + 5.0);
        picture.text(row, 13.0, (Anchor::End, Ink::Text), &words);
    }
    for ((t, p), &count) in confusion.indexed_iter() {
        let (x, y) = (left + cell * p as f64, top + cell * t as f64);
        let (ink, opacity) = match t == p {
            true => (Ink::Series(0), 0.2),
            // The square root, so that single mistakes can be seen beside many.
            false => (
                Ink::Series(1),
                0.6 * f64::from(count).sqrt() / f64::from(most).sqrt(),
            ),
        };
        let square = [x + 1.0, y + 1.0, cell - 2.0, cell - 2.0];
        picture.shapes.push(Shape::Rect(square, Ink::Grid, 0.35));
        picture.shapes.push(Shape::Rect(square, ink, opacity));
        let (words, ink) = match count {
            0 => ("·".into(), Ink::Dim),
            _ => (count.to_string(), Ink::Text),
        };
        let middle = (x + cell / 2.0, y + cell / 2.0 + 5.0);
        picture.text(middle, 13.0, (Anchor::Middle, ink), &words);
    }
    picture
}

/// An image that the network got wrong.
pub struct Wrong<'a> {
    /// Which of the images measured, from 0.
    pub index: usize,
    /// Its pixels, row by row.
    pub pixels: ArrayView1<'a, u8>,
    /// What it is.
    pub label: u8,
    /// What it was taken for.
    pub class: u8,
    /// Its loss.
    pub loss: f64,
    /// The probability of every class, or what the outputs are where they are none.
    pub outputs: Vec<f64>,
}

/// Images with their labels, what they were taken for, and the probability of every class as a bar.
pub fn worst(images: &[Wrong<'_>], probabilities: bool, title: &str, cols: usize) -> Picture {
    let (across, cell, pitch) = (6, 92.0, (156.0, 166.0));
    let lines = images.len().div_ceil(across) as f64;
    let size = (across as f64 * pitch.0 + 36.0, 64.0 + lines * pitch.1);
    let mut picture = Picture::new(size, "the most wrong images");
    picture.text((24.0, 32.0), 14.0, (Anchor::Start, Ink::Text), title);
    for (n, image) in images.iter().enumerate() {
        let left = 24.0 + pitch.0 * (n % across) as f64;
        let top = 52.0 + pitch.1 * (n / across) as f64;
        let rows = image.pixels.len() / cols;
        let pixels = Array2::from_shape_fn((rows, cols), |(r, c)| {
            let grey = image.pixels[r * cols + c];
            [grey, grey, grey, 255]
        });
        picture
            .shapes
            .push(Shape::Image([left, top, cell, cell], pixels));
        let output = |class: u8| match (image.outputs.get(usize::from(class)), probabilities) {
            (Some(0.0..1e-4), true) => ": below 0.01 %".into(),
            (Some(p), true) => format!(": {:.2} %", 100.0 * p),
            (Some(y), false) if image.outputs.len() > 1 => format!(": {y:.3}"),
            _ => String::new(),
        };
        let text = |words: &str, y: f64, ink| ((left, top + cell + y), words.to_owned(), ink);
        let taken = format!("taken for {}{}", image.class, output(image.class));
        let label = format!("label {}{}", image.label, output(image.label));
        let loss = format!("image {}, loss {:.2}", image.index, image.loss);
        for (at, words, ink) in [
            text(&label, 16.0, Ink::Text),
            text(&taken, 32.0, Ink::Text),
            text(&loss, 48.0, Ink::Dim),
        ] {
            picture.text(at, 11.5, (Anchor::Start, ink), &words);
        }
        if image.outputs.len() < 2 {
            continue;
        }
        let step = cell / image.outputs.len() as f64;
        for (class, &output) in image.outputs.iter().enumerate() {
            let y = top + step * class as f64;
            let ink = match class == usize::from(image.label) {
                true => Ink::Series(0),
                false => Ink::Series(1),
            };
            let long = 34.0 * output.clamp(0.0, 1.0);
            let words = class.to_string();
            let at = (left + cell + 13.0, y + step / 2.0 + 3.0);
            picture.text(at, 8.5, (Anchor::End, Ink::Dim), &words);
            let bar = [left + cell + 17.0, y + 1.5, long.max(0.6), step - 3.0];
            picture.shapes.push(Shape::Rect(bar, ink, 1.0));
        }
    }
    picture
}
