use std::fmt::Write;

use ndarray::Array2;

use super::{Anchor, Ink, Picture, SERIES, Shape, Theme, paint::png_of};

const FONT: &str = "\"DejaVu Sans\",Verdana,sans-serif";

pub(super) fn write(picture: &Picture) -> String {
    let (w, h) = picture.size;
    let title = escaped(&picture.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>\n"
    );
    svg += &format!("text{{font-family:{FONT}}}polyline{{fill:none;stroke-linejoin:round}}\n");
    svg += &rules(Theme::Light);
    let dark = rules(Theme::Dark);
    svg += &format!("@media screen and (prefers-color-scheme:dark){{\n{dark}}}\n</style>\n");
    svg += &format!("<rect class=\"f-paper\" width=\"{w}\" height=\"{h}\"/>\n");
    for shape in &picture.shapes {
        svg += &element(shape);
        svg.push('\n');
    }
    svg + "</svg>\n"
}

fn inks() -> impl Iterator<Item = Ink> {
    let plain = [Ink::Paper, Ink::Text, Ink::Dim, Ink::Grid];
    plain.into_iter().chain((0..SERIES).map(Ink::Series))
}

fn name(ink: Ink) -> String {
    match ink {
        Ink::Paper => "paper".into(),
        Ink::Text => "text".into(),
        Ink::Dim => "dim".into(),
        Ink::Grid => "grid".into(),
        Ink::Series(n) => format!("s{}", n % SERIES),
    }
}

fn rules(theme: Theme) -> String {
    let rule = |ink: Ink| {
        let ([r, g, b], name) = (ink.rgb(theme), name(ink));
        format!(
            ".f-{name}{{fill:#{r:02x}{g:02x}{b:02x}}}.l-{name}{{stroke:#{r:02x}{g:02x}{b:02x}}}\n"
        )
    };
    inks().map(rule).collect()
}

fn element(shape: &Shape) -> String {
    match shape {
        Shape::Line {
            points,
            ink,
            width,
            dashed,
        } => {
            let points: Vec<_> = points
                .iter()
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            let dash = if *dashed {
                " stroke-dasharray=\"5 4\""
            } else {
                ""
            };
            format!(
                "<polyline class=\"l-{}\" stroke-width=\"{width}\"{dash} points=\"{}\"/>",
                name(*ink),
                points.join(" ")
            )
        }
        Shape::Rect([x, y, w, h], ink, opacity) => format!(
            "<rect class=\"f-{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" \
             fill-opacity=\"{opacity:.3}\"/>",
            name(*ink)
        ),
        Shape::Text {
            at: (x, y),
            size,
            anchor,
            ink,
            words,
        } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            format!(
                "<text class=\"f-{}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" \
                 text-anchor=\"{anchor}\">{}</text>",
                name(*ink),
                escaped(words)
            )
        }
        Shape::Image([x, y, w, h], pixels) => format!(
            "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
            base64(&png_bytes(pixels))
        ),
    }
}

fn png_bytes(pixels: &Array2<[u8; 4]>) -> Vec<u8> {
    let bytes: Vec<u8> = pixels.iter().flatten().copied().collect();
    png_of(pixels.dim(), png::ColorType::Rgba, &bytes).expect("memory takes all that is written")
}

/// RFC 4648, 4
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            match digit <= three.len() {
                true => text.push(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize].into()),
                false => text.push('='),
            }
        }
    }
    text
}

fn escaped(text: &str) -> String {
    let mut all = String::new();
    for c in text.chars() {
        match c {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            '"' => all.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => all.push('\u{fffd}'),
            c => write!(all, "{c}").expect("a string takes all that is written"),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let texts = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn words_are_escaped() {
        assert_eq!(
            escaped("<a & \"b\">\u{1b}"),
            "&lt;a &amp; &quot;b&quot;&gt;\u{fffd}"
        );
    }
}
