//! The network of a worksheet, drawn small: a circle a unit, an arrow a weight.

use ndarray::Array2;

use super::given_text;
use crate::explain::worksheet::Sheet;

/// From one layer to the next, and from one unit to the next.
const ACROSS: f64 = 150.0;
const DOWN: f64 = 62.0;
const RADIUS: f64 = 17.0;
const EDGE: f64 = 24.0;
/// How far along its arrows the weights of a unit stand, so that none is in the way of another unit's.
const SHARES: [f64; 4] = [0.3, 0.72, 0.3, 0.5];

/// The drawing. Every text in it is our own.
pub(super) fn drawing(sheet: &Sheet) -> String {
    let given = |name: &str| {
        let mut lines = sheet.lines();
        lines.find_map(|(line, values)| (line.name == name).then_some(values))
    };
    let mut layers: Vec<(&Array2<f64>, &Array2<f64>)> = Vec::new();
    while let (Some(w), Some(b)) = (
        given(&format!("w{}", layers.len() + 1)),
        given(&format!("b{}", layers.len() + 1)),
    ) {
        layers.push((w, b));
    }
    let inputs = layers.first().map_or(0, |(w, _)| w.nrows());
    let widths: Vec<_> = std::iter::once(inputs)
        .chain(layers.iter().map(|(w, _)| w.ncols()))
        .collect();
    let most = widths.iter().copied().max().unwrap_or(1);
    let height = DOWN * (most - 1) as f64 + 2.0 * EDGE + 12.0;
    let width = ACROSS * layers.len() as f64 + 2.0 * EDGE;
    let place = |layer: usize, unit: usize| {
        let middle = (unit as f64 - (widths[layer] - 1) as f64 / 2.0) * DOWN;
        (EDGE + ACROSS * layer as f64, height / 2.0 - 6.0 + middle)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"the network\" font-size=\"10\" text-anchor=\"middle\">\n"
    );
    for (layer, (w, _)) in layers.iter().enumerate() {
        for ((i, o), _) in w.indexed_iter() {
            let (from, to) = (place(layer, i), place(layer + 1, o));
            svg += &arrow(from, to);
        }
        for ((i, o), &weight) in w.indexed_iter() {
            let (from, to) = (place(layer, i), place(layer + 1, o));
            let (x, y) = between(from, to, SHARES[i % SHARES.len()]);
            svg += &format!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\">{}</text>\n",
                y + 3.5,
                given_text(weight)
            );
        }
    }
    for (layer, &units) in widths.iter().enumerate() {
        for unit in 0..units {
            let (x, y) = place(layer, unit);
            svg += &format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" fill=\"#fff\" stroke=\"#000\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\">{}[{unit}]</text>\n",
                y + 3.5,
                name(sheet, layer, layers.len())
            );
            if layer > 0 {
                let bias = layers[layer - 1].1[[0, unit]];
                svg += &format!(
                    "<text x=\"{x:.1}\" y=\"{:.1}\">b {}</text>\n",
                    y + RADIUS + 11.0,
                    given_text(bias)
                );
            }
        }
    }
    svg + "</svg>\n"
}

/// What a layer makes: x, h1, …, and the outputs.
fn name(sheet: &Sheet, layer: usize, last: usize) -> String {
    let has = |name: &str| sheet.lines().any(|(line, _)| line.name == name);
    let h = format!("h{layer}");
    match layer {
        0 => "x".into(),
        layer if layer == last && has("p") => "p".into(),
        _ if has(&h) => h,
        layer => format!("z{layer}"),
    }
}

fn between(from: (f64, f64), to: (f64, f64), share: f64) -> (f64, f64) {
    (
        from.0 + share * (to.0 - from.0),
        from.1 + share * (to.1 - from.1),
    )
}

/// A line from circle to circle, with a head.
fn arrow(from: (f64, f64), to: (f64, f64)) -> String {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let (dx, dy) = ((to.0 - from.0) / length, (to.1 - from.1) / length);
    let start = (from.0 + RADIUS * dx, from.1 + RADIUS * dy);
    let end = (to.0 - RADIUS * dx, to.1 - RADIUS * dy);
    let back = (end.0 - 7.0 * dx, end.1 - 7.0 * dy);
    format!(
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#666\"/>\
         <path d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z\" fill=\"#666\"/>\n",
        start.0,
        start.1,
        end.0,
        end.1,
        end.0,
        end.1,
        back.0 - 3.0 * dy,
        back.1 + 3.0 * dx,
        back.0 + 3.0 * dy,
        back.1 - 3.0 * dx,
    )
}
