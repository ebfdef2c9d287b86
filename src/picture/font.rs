//! The letters that are painted, and how wide a text is in them.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};

/// DejaVu Sans.
pub(super) fn font() -> FontRef<'static> {
    FontRef::try_from_slice(dejavu::sans::regular()).expect("the font is part of the program")
}

/// The font's height for letters of `size`: an em, as CSS counts.
pub(super) fn scale(font: &FontRef<'_>, size: f64) -> PxScale {
    let units = font.units_per_em().unwrap_or(1.0);
    PxScale::from(size as f32 * font.height_unscaled() / units)
}

/// How wide a line of text is.
pub fn text_width(words: &str, size: f64) -> f64 {
    let font = font();
    let scaled = font.as_scaled(scale(&font, size));
    let advances = words.chars().map(|c| scaled.h_advance(scaled.glyph_id(c)));
    f64::from(advances.sum::<f32>())
}

/// Text that fits `width`, its end cut if need be.
pub fn shortened(words: &str, size: f64, width: f64) -> String {
    if text_width(words, size) <= width {
        return words.into();
    }
    let mut kept: Vec<_> = words.chars().take(200).collect();
    loop {
        let text: String = kept.iter().collect::<String>() + "…";
        if kept.pop().is_none() || text_width(&text, size) <= width {
            return text;
        }
    }
}
