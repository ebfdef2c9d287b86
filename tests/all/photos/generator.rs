//! Pictures of MNIST's digits as people take them, and of what is no digit. The same seed gives the same bytes.

use std::io::Cursor;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::{
    ColorType, ImageEncoder,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
};
use ndarray_rand::rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How a digit is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Large,
    Inverted,
    OffCentre,
    Rotated,
    Lined,
    Squared,
    Shaded,
    Noisy,
    Jpg,
    Everything,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Large,
        Self::Inverted,
        Self::OffCentre,
        Self::Rotated,
        Self::Lined,
        Self::Squared,
        Self::Shaded,
        Self::Noisy,
        Self::Jpg,
        Self::Everything,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Inverted => "dark ink on light paper",
            Self::OffCentre => "off centre",
            Self::Rotated => "rotated by up to 10°",
            Self::Lined => "lined paper",
            Self::Squared => "squared paper",
            Self::Shaded => "shaded paper",
            Self::Noisy => "noisy",
            Self::Jpg => "jpg of quality 60",
            Self::Everything => "all together",
        }
    }
}

/// What is no digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Noise,
    Letter,
    Word,
    Blank,
    Texture,
}

impl Other {
    pub const ALL: [Self; 5] = [
        Self::Noise,
        Self::Letter,
        Self::Word,
        Self::Blank,
        Self::Texture,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Noise => "uniform noise",
            Self::Letter => "one letter",
            Self::Word => "a word",
            Self::Blank => "blank paper",
            Self::Texture => "textures and landscapes",
        }
    }
}

/// A square picture of light, 0 to 1.
struct Scene {
    side: usize,
    light: Vec<f32>,
}

/// Ink (0 to 1) of a picture by its place, linear between the centres of pixels; none outside.
fn sampled(ink: &[u8], rows: usize, cols: usize, row: f32, col: f32) -> f32 {
    let (row, col) = (row - 0.5, col - 0.5);
    if row < -1.0 || col < -1.0 || row > rows as f32 || col > cols as f32 {
        return 0.0;
    }
    let (top, left) = (row.floor(), col.floor());
    let (down, right) = (row - top, col - left);
    let at = |row: f32, col: f32| {
        let inside = row >= 0.0 && col >= 0.0 && row < rows as f32 && col < cols as f32;
        if inside {
            f32::from(ink[row as usize * cols + col as usize])
        } else {
            0.0
        }
    };
    let upper = at(top, left) * (1.0 - right) + at(top, left + 1.0) * right;
    let lower = at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right;
    (upper * (1.0 - down) + lower * down) / 255.0
}

/// A number that looks random, 0 to 1.
fn hash(x: usize, seed: u64) -> f32 {
    let z = (x as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(seed);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
}

impl Scene {
    fn paper(side: usize, light: f32) -> Self {
        Self {
            side,
            light: vec![light; side * side],
        }
    }

    fn each(&mut self, f: impl Fn(f32, f32, f32) -> f32) {
        for (row, line) in self.light.chunks_exact_mut(self.side).enumerate() {
            for (col, light) in line.iter_mut().enumerate() {
                *light = f(row as f32 + 0.5, col as f32 + 0.5, *light);
            }
        }
    }

    /// Draws ink (28×28 or other), its picture `size` high, its centre at (row, col), turned by `angle`, slanted.
    fn draw(&mut self, ink: &Ink<'_>, size: f32, centre: (f32, f32), turn: (f32, f32), light: f32) {
        let scale = ink.rows as f32 / size;
        let (sin, cos) = turn.0.sin_cos();
        let (middle_row, middle_col) = (ink.rows as f32 / 2.0, ink.cols as f32 / 2.0);
        self.each(|row, col, paper| {
            let (y, x) = (row - centre.0, col - centre.1);
            let (y, x) = ((y * cos - x * sin) * scale, (x * cos + y * sin) * scale);
            let x = x + turn.1 * y;
            let v = sampled(
                ink.pixels,
                ink.rows,
                ink.cols,
                y + middle_row,
                x + middle_col,
            );
            paper * (1.0 - v) + light * v
        });
    }

    /// Lines every `gap` pixels, `thick` pixels thick, nearly level or upright.
    fn rule(
        &mut self,
        rng: &mut ChaCha8Rng,
        gap: f32,
        thick: f32,
        light: f32,
        slope: f32,
        upright: bool,
    ) {
        let start = rng.random::<f32>() * gap;
        self.each(|row, col, paper| {
            let at = if upright {
                col + slope * row
            } else {
                row + slope * col
            };
            let away = (at + start + 10.0 * gap).rem_euclid(gap);
            let away = away.min(gap - away);
            let cover = (thick / 2.0 + 0.5 - away).clamp(0.0, 1.0);
            paper.min(paper * (1.0 - cover) + light * cover)
        });
    }

    /// Light that falls off to one side, and a soft shadow.
    fn shade(&mut self, rng: &mut ChaCha8Rng) {
        let side = self.side as f32;
        let (sin, cos) = (rng.random::<f32>() * std::f32::consts::TAU).sin_cos();
        let depth = rng.random_range(0.2..0.5);
        let (shadow_sin, shadow_cos) = (rng.random::<f32>() * std::f32::consts::TAU).sin_cos();
        let edge = rng.random_range(-0.25..0.25) * side;
        let soft = rng.random_range(0.04..0.2) * side;
        let dark = rng.random_range(0.1..0.4);
        self.each(|row, col, light| {
            let (y, x) = (row - side / 2.0, col - side / 2.0);
            let fall = 1.0 - depth * ((x * cos + y * sin) / side + 0.5).clamp(0.0, 1.0);
            let shadow = 0.5 + 0.5 * ((x * shadow_cos + y * shadow_sin - edge) / soft).tanh();
            light * fall * (1.0 - dark * shadow)
        });
    }

    /// Noise of every pixel, about normal, its standard deviation in grey values.
    fn noise(&mut self, rng: &mut ChaCha8Rng, sigma: f32) {
        let seed: u64 = rng.random();
        // Four uniform numbers have a variance of 4/12.
        let scale = sigma / 255.0 * 3.0_f32.sqrt();
        for (i, light) in self.light.iter_mut().enumerate() {
            let sum: f32 = (0..4).map(|n| hash(4 * i + n, seed) - 0.5).sum();
            *light += sum * scale;
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let light = self.light.iter();
        light
            .map(|&v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
            .collect()
    }

    fn png(&self) -> Vec<u8> {
        png(&self.bytes(), self.side, self.side)
    }

    fn jpg(&self, quality: u8) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let side = self.side as u32;
        JpegEncoder::new_with_quality(&mut file, quality)
            .write_image(&self.bytes(), side, side, ColorType::L8.into())
            .unwrap();
        file.into_inner()
    }
}

/// Ink on nothing, bright on black.
pub struct Ink<'a> {
    pub pixels: &'a [u8],
    pub rows: usize,
    pub cols: usize,
}

/// A grey png.
pub fn png(pixels: &[u8], rows: usize, cols: usize) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Sub)
        .write_image(pixels, cols as u32, rows as u32, ColorType::L8.into())
        .unwrap();
    file
}

/// The file of a picture of this 28×28 image; the side of the picture is within `sides`.
pub fn digit(image: &[u8], kind: Kind, sides: (f32, f32), rng: &mut ChaCha8Rng) -> Vec<u8> {
    let side = side(sides, rng);
    let (length, all) = (side as f32, kind == Kind::Everything);
    let on_paper = !matches!(
        kind,
        Kind::Large | Kind::OffCentre | Kind::Rotated | Kind::Noisy | Kind::Jpg
    ) || (kind == Kind::Noisy && rng.random());
    let (paper, ink) = match on_paper {
        true => (rng.random_range(0.75..1.0), rng.random_range(0.05..0.35)),
        false => (rng.random_range(0.0..0.1), rng.random_range(0.75..1.0)),
    };
    let mut scene = Scene::paper(side, paper);
    // The digit is at most 20/28 of it.
    let (mut size, mut centre) = (
        rng.random_range(0.55..1.1) * length,
        (length / 2.0, length / 2.0),
    );
    if matches!(kind, Kind::OffCentre) || all {
        size = rng.random_range(0.35..0.7) * length;
        let room = (length - size * 0.85) / 2.0;
        centre.0 += room * rng.random_range(-1.0..1.0);
        centre.1 += room * rng.random_range(-1.0..1.0);
    }
    if matches!(kind, Kind::Lined | Kind::Squared) || all {
        let gap = size * rng.random_range(0.14..0.5);
        let thick = (length * rng.random_range(0.002..0.006)).max(1.0);
        let light = paper - (paper - ink) * rng.random_range(0.25..0.75);
        let slope = rng.random_range(-0.05..0.05);
        scene.rule(rng, gap, thick, light, slope, false);
        if kind == Kind::Squared || (all && rng.random()) {
            scene.rule(rng, gap, thick, light, -slope, true);
        }
    }
    let angle = match kind {
        Kind::Rotated => rng.random_range(-10.0..10.0_f32),
        Kind::Everything => rng.random_range(-5.0..5.0),
        _ => 0.0,
    };
    let drawn = Ink {
        pixels: image,
        rows: 28,
        cols: 28,
    };
    scene.draw(&drawn, size, centre, (angle.to_radians(), 0.0), ink);
    if kind == Kind::Shaded || all {
        scene.shade(rng);
    }
    if kind == Kind::Noisy {
        let sigma = rng.random_range(5.0..30.0);
        scene.noise(rng, sigma);
    }
    if all {
        let sigma = rng.random_range(2.0..8.0);
        scene.noise(rng, sigma);
    }
    if kind == Kind::Jpg || all {
        scene.jpg(60)
    } else {
        scene.png()
    }
}

/// A length within these, small ones as likely as large ones on a scale of ratios.
fn side(sides: (f32, f32), rng: &mut ChaCha8Rng) -> usize {
    (sides.0 * (sides.1 / sides.0).powf(rng.random::<f32>())).round() as usize
}

/// The file of a picture without a digit.
pub fn other(kind: Other, sides: (f32, f32), rng: &mut ChaCha8Rng) -> Vec<u8> {
    let side = side(sides, rng);
    let length = side as f32;
    let mut scene = Scene::paper(side, rng.random_range(0.75..1.0));
    match kind {
        Other::Noise => {
            let seed: u64 = rng.random();
            for (i, light) in scene.light.iter_mut().enumerate() {
                *light = hash(i, seed);
            }
        }
        Other::Blank => {
            if rng.random() {
                scene.shade(rng);
            }
            let sigma = rng.random_range(0.0..6.0);
            scene.noise(rng, sigma);
            if rng.random() {
                return scene.jpg(60);
            }
        }
        Other::Letter | Other::Word => {
            let count = if kind == Other::Letter {
                1
            } else {
                rng.random_range(2..6)
            };
            let letters = b"ABCDEFGHJKLMNPQRTUVWXYabdefghkmnprtwxy";
            let text: String = (0..count)
                .map(|_| char::from(letters[rng.random_range(0..letters.len())]))
                .collect();
            let bold = rng.random();
            let (pixels, rows, cols) = text_ink(&text, bold);
            let ink = Ink {
                pixels: &pixels,
                rows,
                cols,
            };
            let wide = (cols as f32 / rows as f32).max(1.0);
            let size = length * rng.random_range(0.5..0.85) / wide;
            let turn = (rng.random_range(-0.1..0.1), rng.random_range(-0.2..0.3));
            let light = rng.random_range(0.05..0.35);
            scene.draw(&ink, size, (length / 2.0, length / 2.0), turn, light);
        }
        Other::Texture => {
            // Smooth noise of several sizes; a horizon in half of them.
            let seed: u64 = rng.random();
            let coarse = rng.random_range(2.0..9.0_f32);
            let horizon = rng
                .random::<bool>()
                .then(|| rng.random_range(0.3..0.7) * length);
            let lattice = |y: f32, x: f32, octave: u64| {
                let (top, left) = (y.floor(), x.floor());
                let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
                let (down, right) = (smooth(y - top), smooth(x - left));
                let at =
                    |row: f32, col: f32| hash(row as usize * 4099 + col as usize, seed + octave);
                (at(top, left) * (1.0 - right) + at(top, left + 1.0) * right) * (1.0 - down)
                    + (at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right)
                        * down
            };
            scene.each(|row, col, _| {
                let value: f32 = (0..5)
                    .map(|octave| {
                        let scale = coarse * (1 << octave) as f32 / length;
                        lattice(row * scale, col * scale, octave) / (1 << octave) as f32
                    })
                    .sum();
                let sky = horizon.is_some_and(|horizon| row < horizon);
                if sky {
                    0.8 + 0.05 * value
                } else {
                    value / 1.94
                }
            });
        }
    }
    if rng.random() {
        scene.png()
    } else {
        scene.jpg(80)
    }
}

/// A text in the program's font, in a box without margins.
fn text_ink(text: &str, bold: bool) -> (Vec<u8>, usize, usize) {
    let font = if bold {
        dejavu::sans::bold()
    } else {
        dejavu::sans::regular()
    };
    let font = FontRef::try_from_slice(font).unwrap();
    let scaled = font.as_scaled(PxScale::from(120.0));
    let (rows, mut cols) = (130, 0.0);
    let mut placed = Vec::new();
    for c in text.chars() {
        let id = scaled.glyph_id(c);
        placed.push(id.with_scale_and_position(120.0, point(cols, 100.0)));
        cols += scaled.h_advance(id) * 1.1;
    }
    let cols = cols.ceil() as usize + 4;
    let mut pixels = vec![0_u8; rows * cols];
    for glyph in placed {
        let Some(outline) = font.outline_glyph(glyph) else {
            continue;
        };
        let bounds = outline.px_bounds();
        outline.draw(|x, y, v| {
            let (row, col) = (
                y as i32 + bounds.min.y as i32,
                x as i32 + bounds.min.x as i32,
            );
            if (0..rows as i32).contains(&row) && (0..cols as i32).contains(&col) {
                let pixel = &mut pixels[row as usize * cols + col as usize];
                *pixel = (*pixel).max((v * 255.0) as u8);
            }
        });
    }
    (pixels, rows, cols)
}
