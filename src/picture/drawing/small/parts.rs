//! What stands in the columns, the gaps between them and beside the outputs, before it has a place.

use super::{
    SmallNet,
    layout::{Column, Gap, Line, LossPart, RADIUS},
};
use crate::{
    check::mistakes::Objective,
    nn::{Kind, renamed},
    picture::{drawing::layout::Layer, font::text_width, names::of_layer},
};

/// The radius of a unit without its name inside.
const SMALL_RADIUS: f64 = 7.0;
/// More units than this have one line of numbers each.
const WITH_LINES: usize = 16;
/// The most weights that stand on their lines, and the most that lead to one unit.
const MOST_NAMED: (usize, usize) = (24, 6);
/// The formula of a column that is longer is written with the name of its function.
const FORMULA: f64 = 230.0;

/// The column of the inputs.
pub(super) fn inputs(net: &SmallNet<'_>) -> Column {
    let (x, dx) = (net.pass.x[0].row(net.row), net.pass.dx[0].row(net.row));
    let lines = x.iter().zip(dx).enumerate().map(|(p, (&x, &dx))| {
        vec![Line {
            name: "x",
            keys: [format!("x:{p}"), format!("dx:{p}")],
            values: [x, dx],
        }]
    });
    with(None, "x".into(), lines.collect(), String::new(), vec![])
}

/// The column of a layer.
pub(super) fn column(net: &SmallNet<'_>, layer: Layer) -> Column {
    let letter = |name: &str| of_layer(name, layer.number);
    let (z, dz) = (letter("z"), letter("dz"));
    let large = net.pass.x[layer.linear + 1].ncols() <= WITH_LINES;
    let mut lines = Vec::new();
    for u in 0..net.pass.x[layer.linear + 1].ncols() {
        let line = |name, m: usize| Line {
            name,
            keys: [format!("y:{m}:{u}"), format!("dy:{m}:{u}")],
            values: [
                net.pass.x[m + 1][[net.row, u]],
                net.pass.dx[m + 1][[net.row, u]],
            ],
        };
        let z = line("z", layer.linear);
        let h = layer.activation.map(|m| line("h", m));
        let b = net.pass.network.param(layer.linear, 1);
        let b = Line {
            name: "b",
            keys: ["b", "db"].map(|name| format!("{name}:{}:{u}", layer.linear)),
            values: [b.value[[0, u]], b.grad[[0, u]]],
        };
        lines.push(match (large, h) {
            (true, h) => [z].into_iter().chain(h).chain([b]).collect(),
            (false, h) => vec![h.unwrap_or(z)],
        });
    }
    let Some(activation) = layer.activation else {
        return with(Some(layer), z, lines, String::new(), vec![]);
    };
    let (h, dh) = (letter("h"), letter("dh"));
    let kind = net.pass.network.modules()[activation].kind();
    let [forward, back] = activation_texts(kind, [&z, &h, &dz, &dh]);
    with(Some(layer), h, lines, forward, vec![back])
}

/// `h₁ = max(z₁, 0)` and `dz₁ = dh₁ where z₁ > 0, else 0`; with the function's name where these are long.
fn activation_texts(kind: Kind, [z, h, dz, dh]: [&str; 4]) -> [String; 2] {
    let letters = [("x", z), ("y", h), ("dy", dh)];
    let formula = kind.formula();
    let whole = [
        format!("{h} = {}", renamed(formula.y, &letters)),
        format!("{dz} = {}", renamed(formula.dx, &letters)),
    ];
    match whole.iter().all(|text| text_width(text, 12.0) <= FORMULA) {
        true => whole,
        false => [
            format!("{h} = {}({z})", kind.name()),
            format!("{dz} = {dh}·{}′({z})", kind.name()),
        ],
    }
}

fn with(
    layer: Option<Layer>,
    letter: String,
    lines: Vec<Vec<Line>>,
    above: String,
    below: Vec<String>,
) -> Column {
    let large = lines.len() <= WITH_LINES;
    Column {
        layer,
        letter,
        large,
        rows: vec![0.0; lines.len()],
        lines,
        circle: 0.0,
        radius: if large { RADIUS } else { SMALL_RADIUS },
        at: [0.0; 4],
        above,
        below,
    }
}

/// The lines before a layer, whose inputs are called x.
pub(super) fn gap(net: &SmallNet<'_>, layer: Layer, x: &str) -> Gap {
    let w = &net.pass.network.param(layer.linear, 0).value;
    let (i, o) = w.dim();
    let [z, w, b, dz] = ["z", "w", "b", "dz"].map(|letter| of_layer(letter, layer.number));
    let named = i * o <= MOST_NAMED.0 && i <= MOST_NAMED.1;
    Gap {
        layer,
        x: (0.0, 0.0),
        numbers: named.then_some([0.0; 3]),
        words: [
            format!("layer {}", layer.number),
            format!("{z} = {x}·{w} + {b}"),
            format!("{i}×{o} + 1×{o}"),
        ],
        below: [format!("d{w} = {x}ᵀ·{dz}"), format!("d{b} = Σₙ {dz}")],
    }
}

/// What the loss makes of outputs that are called y.
pub(super) fn loss(net: &SmallNet<'_>, y: &str) -> LossPart {
    let objective = net.problem.objective;
    let (n, c) = net.problem.t.dim();
    let (l, dz) = objective.formulas(n, c);
    let dy = format!("d{y}");
    let letters = [("z", y), ("dz", &dy[..])];
    let [l, below] = [l, dz].map(|formula| renamed(formula, &letters));
    let of_p = match objective {
        Objective::Ce(_) => Some(format!("p = softmax({y})")),
        Objective::Bce(_) => Some(format!("p = σ({y})")),
        Objective::Mse(_) => None,
    };
    let words: Vec<_> = of_p.into_iter().chain([l]).collect();
    LossPart {
        at: [0.0; 2],
        circle: 0.0,
        words,
        below,
    }
}
