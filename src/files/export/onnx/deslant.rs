//! [`deslant`](crate::data::deslant::deslant) as a graph, by its formula.

use super::{super::plan::Plan, graph::Graph};

/// `images` (N, R, C) to `inputs` (N, I).
///
/// ```text
/// v = images − black,   [Σv, Σv·c, Σv·r, Σv·r², Σv·r·c] = v·moments
/// y[r][c] = black + Σₖ max(0, 1 − |c + a·(r − r̄) − k|)·v[r][k]
/// ```
pub fn write(plan: &Plan, graph: &mut Graph) {
    let (rows, cols) = (plan.spec.rows, plan.spec.cols);
    // Counted from the middle of the image, where fewer digits are lost: a shear does not depend on the origin.
    let middle = |side: usize| (side - 1) as f32 / 2.0;
    let place = |p: usize| {
        (
            (p / cols) as f32 - middle(rows),
            (p % cols) as f32 - middle(cols),
        )
    };
    let moments = (0..rows * cols)
        .map(place)
        .flat_map(|(r, c)| [1.0, c, r, r * r, r * c]);
    graph.floats("moments", &[rows * cols, 5], &Vec::from_iter(moments));
    let numbers: Vec<_> = (0..rows).map(|r| r as f32 - middle(rows)).collect();
    graph.floats("row_numbers", &[1, rows], &numbers);
    let offsets = (0..cols * cols).map(|p| (p / cols) as f32 - (p % cols) as f32);
    graph.floats("offsets", &[cols, cols], &Vec::from_iter(offsets));
    graph.scalar("infinity", f32::INFINITY);
    for (name, value) in [("zero", 0.0), ("one", 1.0), ("minus_one", -1.0)] {
        graph.scalar(name, value);
    }
    graph.ints("last_axes", &[2, 3]);
    graph.ints("last_axis", &[3]);

    graph.node("Sub", &["images", "input_shift"], "ink");
    graph.node_with_int("Flatten", &["ink"], "flat_ink", ("axis", 1));
    slope(graph);
    upright(graph);
}

/// a and r̄, both 0 where they are undefined.
fn slope(graph: &mut Graph) {
    graph.node("MatMul", &["flat_ink", "moments"], "sums");
    let sums = ["mass", "across", "down", "down_down", "down_across"];
    graph.split("sums", &sums, 1);
    graph.node("Div", &["down", "mass"], "any_centre");
    graph.node("Mul", &["any_centre", "across"], "centre_across");
    graph.node("Sub", &["down_across", "centre_across"], "lean");
    graph.node("Mul", &["any_centre", "down"], "centre_down");
    graph.node("Sub", &["down_down", "centre_down"], "height");
    graph.node("Div", &["lean", "height"], "any_slope");
    // NaN is not less either.
    graph.node("Abs", &["any_slope"], "steepness");
    graph.node("Less", &["steepness", "infinity"], "is_defined");
    graph.node("Clip", &["any_slope", "minus_one", "one"], "bounded_slope");
    graph.node("Where", &["is_defined", "bounded_slope", "zero"], "slope");
    graph.node("Where", &["is_defined", "any_centre", "zero"], "centre");
}

/// Every pixel from the two that lie beside the place where it comes from.
fn upright(graph: &mut Graph) {
    graph.node("Sub", &["row_numbers", "centre"], "off_centre");
    graph.node("Mul", &["off_centre", "slope"], "row_shift");
    graph.node("Unsqueeze", &["row_shift", "last_axes"], "shift");
    graph.node("Add", &["shift", "offsets"], "apart");
    graph.node("Abs", &["apart"], "distance");
    graph.node("Sub", &["one", "distance"], "near");
    graph.node("Relu", &["near"], "share");
    graph.node("Unsqueeze", &["ink", "last_axis"], "ink_columns");
    graph.node("MatMul", &["share", "ink_columns"], "upright");
    graph.node_with_int("Flatten", &["upright"], "flat_upright", ("axis", 1));
    graph.node("Add", &["flat_upright", "input_shift"], "inputs");
}
