//! Numbers as shades of the two colours of the [palette](crate::picture::palette), and units as shapes.

use std::fmt::Write;

use ndarray::{Array2, ArrayView2};

use crate::picture::{
    palette::full_strength,
    svg::{Px, Svg},
};

/// Steps between nothing and full strength.
const STEPS: f64 = 8.0;

/// The class of the style sheet for `value`, where `most` has full strength.
pub(super) fn class(value: f64, most: f64) -> String {
    let sign = if value < 0.0 { 'n' } else { 'p' };
    // What is not 0 is seen.
    match (STEPS * value.abs() / most).ceil().min(STEPS) as u8 {
        0 => "z".to_owned(),
        8 => sign.to_string(),
        step => format!("{sign} o{step}"),
    }
}

/// A matrix as a picture, one path for each shade, at (x, y) with cells of `cell` = (width, height).
pub(super) fn picture(
    svg: &mut Svg,
    (x, y): (f64, f64),
    cell: (f64, f64),
    values: ArrayView2<'_, f64>,
) {
    let most = full_strength(values.iter().copied());
    let mut paths = std::collections::BTreeMap::<String, String>::new();
    for (row, values) in values.rows().into_iter().enumerate() {
        let classes: Vec<_> = values.iter().map(|&v| class(v, most)).collect();
        let mut column = 0;
        for run in classes.chunk_by(|a, b| a == b) {
            if run[0] != "z" {
                let path = paths.entry(run[0].clone()).or_default();
                let n = run.len();
                write!(path, "M{column} {row}h{n}v1h-{n}z").expect("a string takes all");
            }
            column += run.len();
        }
    }
    let transform = format!(
        "translate({} {}) scale({} {})",
        Px(x),
        Px(y),
        Px(cell.0),
        Px(cell.1)
    );
    svg.open(
        "g",
        &[
            ("transform", &transform),
            ("shape-rendering", &"crispEdges"),
        ],
    );
    for (class, path) in paths {
        svg.leaf("path", &[("class", &class), ("d", &path)]);
    }
    svg.close();
}

/// A matrix made smaller: each cell is the mean of the elements it stands for.
pub(super) fn reduced(matrix: &Array2<f64>, (rows, columns): (usize, usize)) -> Array2<f64> {
    let (rows, columns) = (rows.min(matrix.nrows()), columns.min(matrix.ncols()));
    let mut sums = Array2::<f64>::zeros((rows, columns));
    let mut counts = Array2::<f64>::zeros((rows, columns));
    for ((r, c), &value) in matrix.indexed_iter() {
        let cell = [r * rows / matrix.nrows(), c * columns / matrix.ncols()];
        sums[cell] += value;
        counts[cell] += 1.0;
    }
    sums / counts // each cell has an element: there are no more cells than elements
}

/// The outline of a unit in column c and row r of a grid with cells of side 1.
pub(super) fn outline(circle: bool, (c, r): (usize, usize)) -> String {
    let (x, y) = (c as f64, r as f64);
    match circle {
        true => format!(
            "M{} {}a.42 .42 0 1 1-.84 0a.42 .42 0 1 1 .84 0z",
            Px(x + 0.92),
            Px(y + 0.5)
        ),
        false => format!("M{c} {r}h.86v.86h-.86z"),
    }
}

/// What crosses it out: two lines, or one where there is little room.
pub(super) fn cross(circle: bool, small: bool, (c, r): (usize, usize)) -> String {
    let (start, length) = if circle { (0.22, 0.56) } else { (0.0, 0.86) };
    let (x, y) = (c as f64 + start, r as f64 + start);
    let up = format!("M{} {}l{length}-{length}", Px(x), Px(y + length));
    match small {
        true => up,
        false => format!("{up}M{} {}l{length} {length}", Px(x), Px(y)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_shade_and_all_else_has_one() {
        let classes = [0.0, -0.0, 1e-9, -0.5, 2.0, 3.0].map(|v| class(v, 2.0));
        assert_eq!(classes, ["z", "z", "p o1", "n o2", "p", "p"]);
    }

    #[test]
    fn a_smaller_matrix_has_means() {
        let matrix = ndarray::array![[1., -2., 0.], [3., 0., 0.], [0., 0., -4.]];
        assert_eq!(
            reduced(&matrix, (2, 9)),
            ndarray::array![[2., -1., 0.], [0., 0., -4.]]
        );
    }
}
