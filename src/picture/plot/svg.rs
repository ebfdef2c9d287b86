//! A plot as SVG.

use super::{Anchor, Picture, Pixels, Shape};
use crate::picture::{
    palette::{Ink, Theme, themed},
    png::data_uri,
    svg::{Attributes, Px, Svg},
};

const STYLE: &str = "\
.mlp-plot{max-width:100%;height:auto}
.mlp-plot text{font-family:\"DejaVu Sans\",Verdana,sans-serif}
.mlp-plot polyline{fill:none;stroke-linejoin:round}
.mlp-plot image{image-rendering:pixelated}
.mlp-plot .dark{display:none}
@media screen and (prefers-color-scheme:dark){.mlp-plot .dark{display:inline}.mlp-plot .light{display:none}}
";

impl Picture {
    /// A text file, which follows the theme of whoever looks at it.
    pub fn svg(&self) -> String {
        let rule = |ink: Ink| {
            let name = ink.name();
            format!(".mlp-plot .f-{name}{{fill:${name}}}.mlp-plot .l-{name}{{stroke:${name}}}\n")
        };
        let inks = themed(&Ink::all().map(rule).collect::<String>());
        let style = format!("{STYLE}{inks}");
        let mut svg = Svg::new(self.size, "mlp-plot", (&self.title, ""), &style);
        for shape in &self.shapes {
            draw(&mut svg, shape);
        }
        svg.finish()
    }
}

fn draw(svg: &mut Svg, shape: &Shape) {
    match shape {
        Shape::Line {
            points,
            ink,
            width,
            dashed,
        } => {
            let class = format!("l-{}", ink.name());
            let points = points.iter().map(|&(x, y)| format!("{},{}", Px(x), Px(y)));
            let points = points.collect::<Vec<_>>().join(" ");
            let all: Attributes<'_> = &[
                ("class", &class),
                ("stroke-width", width),
                ("points", &points),
                ("stroke-dasharray", &"5 4"),
            ];
            svg.leaf("polyline", &all[..if *dashed { 4 } else { 3 }]);
        }
        Shape::Rect(place, ink, opacity) => {
            let class = format!("f-{}", ink.name());
            let [x, y, w, h] = place.map(Px);
            svg.leaf(
                "rect",
                &[
                    ("class", &class),
                    ("x", &x),
                    ("y", &y),
                    ("width", &w),
                    ("height", &h),
                    ("fill-opacity", &Px(*opacity)),
                ],
            );
        }
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
            let class = format!("f-{}", ink.name());
            svg.words(
                "text",
                &[
                    ("class", &class),
                    ("x", &Px(*x)),
                    ("y", &Px(*y)),
                    ("font-size", size),
                    ("text-anchor", &anchor),
                ],
                words,
            );
        }
        Shape::Image(place, pixels) => image(svg, place.map(Px), pixels),
    }
}

/// An image for each theme, of which one is seen.
fn image(svg: &mut Svg, [x, y, w, h]: [Px; 4], pixels: &Pixels) {
    for (class, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
        svg.leaf(
            "image",
            &[
                ("class", &class),
                ("x", &x),
                ("y", &y),
                ("width", &w),
                ("height", &h),
                ("href", &data_uri(&pixels.rgba(theme))),
            ],
        );
    }
}
