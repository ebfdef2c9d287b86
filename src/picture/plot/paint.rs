//! A plot as PNG.

use ab_glyph::{Font, ScaleFont, point};
use ab_glyph_rasterizer::Rasterizer;
use ndarray::Array2;
use png::EncodingError;

use super::{Anchor, Picture, Shape};
use crate::picture::{
    font::{font, scale, text_width},
    palette::{Ink, Theme},
    png::encoded,
};

/// Pixels of the PNG for one of the picture, along each axis.
const ZOOM: f64 = 2.0;

/// Length of a dash, and of the gap behind it.
const DASH: (f64, f64) = (5.0, 4.0);

impl Picture {
    /// Width and height of its PNG, twice its own.
    pub fn png_size(&self) -> (usize, usize) {
        let size = |length: f64| (length * ZOOM).ceil() as usize;
        (size(self.size.0), size(self.size.1))
    }

    /// The bytes of a PNG.
    pub fn png(&self, theme: Theme) -> Result<Vec<u8>, EncodingError> {
        let (width, height) = self.png_size();
        let paper = Ink::Paper.rgb(theme);
        let mut canvas = Canvas {
            pixels: Array2::from_elem((height, width), paper),
            theme,
        };
        for shape in &self.shapes {
            canvas.draw(shape);
        }
        encoded(&canvas.pixels)
    }
}

struct Canvas {
    pixels: Array2<[u8; 3]>,
    theme: Theme,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Rect([x, y, w, h], ink, opacity) => {
                let corners = [(*x, *y), (x + w, *y), (x + w, y + h), (*x, y + h)];
                self.fill(&corners, ink.rgb(self.theme), *opacity as f32);
            }
            Shape::Line {
                points,
                ink,
                width,
                dashed,
            } => {
                let rgb = ink.rgb(self.theme);
                let mut way = 0.0;
                for ends in points.windows(2) {
                    way = self.segment((ends[0], ends[1]), *width, *dashed, way, rgb);
                }
            }
            Shape::Text {
                at: (x, y),
                size,
                anchor,
                ink,
                words,
            } => {
                let width = text_width(words, *size);
                let left = match anchor {
                    Anchor::Start => *x,
                    Anchor::Middle => x - width / 2.0,
                    Anchor::End => x - width,
                };
                self.text(
                    (left * ZOOM, y * ZOOM),
                    size * ZOOM,
                    ink.rgb(self.theme),
                    words,
                );
            }
            Shape::Image(place, pixels) => {
                self.image(place.map(|v| v * ZOOM), &pixels.rgba(self.theme));
            }
        }
    }

    /// A straight line, or its dashes after `way` of the whole line; returns the way after it.
    fn segment(
        &mut self,
        ((x0, y0), (x1, y1)): ((f64, f64), (f64, f64)),
        width: f64,
        dashed: bool,
        way: f64,
        rgb: [u8; 3],
    ) -> f64 {
        let length = (x1 - x0).hypot(y1 - y0);
        if length < 1e-9 {
            return way;
        }
        let (dx, dy) = ((x1 - x0) / length, (y1 - y0) / length);
        let (nx, ny) = (-dy * width / 2.0, dx * width / 2.0);
        let mut piece = |from: f64, to: f64| {
            let (ax, ay, bx, by) = (x0 + dx * from, y0 + dy * from, x0 + dx * to, y0 + dy * to);
            let corners = [
                (ax + nx, ay + ny),
                (bx + nx, by + ny),
                (bx - nx, by - ny),
                (ax - nx, ay - ny),
            ];
            self.fill(&corners, rgb, 1.0);
        };
        if !dashed {
            // A little longer at both ends, or a gap shows where two pieces meet at an angle.
            piece(-width / 4.0, length + width / 4.0);
            return way + length;
        }
        let (dash, period) = (DASH.0, DASH.0 + DASH.1);
        let mut from = -(way % period);
        while from < length {
            let (start, end) = (from.max(0.0), (from + dash).min(length));
            if end > start {
                piece(start, end);
            }
            from += period;
        }
        way + length
    }

    /// A convex polygon.
    fn fill(&mut self, corners: &[(f64, f64)], rgb: [u8; 3], opacity: f32) {
        let (rows, cols) = self.pixels.dim();
        let within = |v: f64, most: usize| (v * ZOOM).clamp(0.0, most as f64);
        let corners: Vec<_> = corners
            .iter()
            .map(|&(x, y)| (within(x, cols), within(y, rows)))
            .collect();
        let least = |v: &dyn Fn(&(f64, f64)) -> f64| corners.iter().map(v).fold(f64::MAX, f64::min);
        let most = |v: &dyn Fn(&(f64, f64)) -> f64| corners.iter().map(v).fold(0.0, f64::max);
        let (left, top) = (least(&|c| c.0).floor(), least(&|c| c.1).floor());
        let size = |low: f64, high: f64| (high - low).ceil() as usize + 1;
        let (width, height) = (size(left, most(&|c| c.0)), size(top, most(&|c| c.1)));
        let mut raster = Rasterizer::new(width, height);
        let at = |(x, y): (f64, f64)| point((x - left) as f32, (y - top) as f32);
        for (i, &corner) in corners.iter().enumerate() {
            let next = corners[(i + 1) % corners.len()];
            let (from, to) = (at(corner), at(next));
            raster.draw_line(
                ab_glyph_rasterizer::point(from.x, from.y),
                ab_glyph_rasterizer::point(to.x, to.y),
            );
        }
        raster.for_each_pixel_2d(|x, y, cover| {
            let (col, row) = (left as usize + x as usize, top as usize + y as usize);
            self.blend((row, col), rgb, cover.min(1.0) * opacity);
        });
    }

    fn text(&mut self, (x, y): (f64, f64), size: f64, rgb: [u8; 3], words: &str) {
        let font = font();
        let scale = scale(&font, size);
        let scaled = font.as_scaled(scale);
        let mut x = x as f32;
        for c in words.chars() {
            let id = scaled.glyph_id(c);
            let glyph = id.with_scale_and_position(scale, point(x, y as f32));
            x += scaled.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, cover| {
                let (col, row) = (bounds.min.x + dx as f32, bounds.min.y + dy as f32);
                if col >= 0.0 && row >= 0.0 {
                    self.blend((row as usize, col as usize), rgb, cover.min(1.0));
                }
            });
        }
    }

    fn image(&mut self, [x, y, w, h]: [f64; 4], image: &Array2<[u8; 4]>) {
        let (rows, cols) = image.dim();
        for row in 0..h.round() as usize {
            for col in 0..w.round() as usize {
                let place = (
                    ((row as f64 + 0.5) / h * rows as f64) as usize,
                    ((col as f64 + 0.5) / w * cols as f64) as usize,
                );
                if let Some(&[r, g, b, a]) = image.get(place) {
                    let here = (y.round() as usize + row, x.round() as usize + col);
                    self.blend(here, [r, g, b], f32::from(a) / 255.0);
                }
            }
        }
    }

    fn blend(&mut self, place: (usize, usize), rgb: [u8; 3], opacity: f32) {
        if let Some(pixel) = self.pixels.get_mut(place) {
            for (old, new) in pixel.iter_mut().zip(rgb) {
                let mixed = f32::from(*old) * (1.0 - opacity) + f32::from(new) * opacity;
                *old = mixed.round() as u8;
            }
        }
    }
}
