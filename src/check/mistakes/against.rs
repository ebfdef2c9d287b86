//! Compares somebody else's gradients, from PyTorch, NumPy or a notebook, with the right ones.

use ndarray::Array2;

use super::{Diagnosis, Gradients, diagnose, right_gradients};
use crate::{data::batch::Batch, loss::LossKind, nn::Mlp};

/// An array of numbers, stored row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements, as many as the shape says.
    pub values: Vec<f64>,
}

/// What is right or wrong with one tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Right, within the tolerance.
    Right,
    /// Not in the file.
    Missing,
    /// The wrong shape, and what to do about it.
    Shape(String),
    /// Transposed, although the shape fits.
    Transposed,
    /// The right one times this factor.
    Ratio(f64),
    /// Some elements are NaN or infinite.
    NotFinite,
    /// Wrong in some other way.
    Wrong,
}

/// The verdict on one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its name, such as `2.weight`.
    pub name: String,
    /// Its shape, if the file has it.
    pub yours: Option<Vec<usize>>,
    /// The shape it should have: a weight (O, I), a bias (O), as in PyTorch.
    pub expected: Vec<usize>,
    /// The largest difference, as a share of the largest right element; none if the shapes cannot be compared.
    pub error: Option<f64>,
    /// What is right or wrong with it.
    pub verdict: Verdict,
}

/// Judges the gradient of every parameter. If one is wrong and all can be compared, also names the mistake
/// that they look like together.
///
/// `theirs` must be gradients of the mean loss of these images, without dropout. Panics if the images do not
/// fit the network.
pub fn against(
    theirs: &[NamedArray],
    network: &Mlp<f64>,
    kind: LossKind,
    images: &Batch,
    tolerance: f64,
) -> (Vec<Judged>, Option<Diagnosis>) {
    let right = right_gradients(network, kind, images, None);
    let mut comparable = Gradients::new();
    let mut judged = Vec::new();
    for (name, right) in &right {
        let theirs = theirs.iter().find(|array| array.name == *name);
        let (verdict, found) = match theirs {
            None => (Verdict::Missing, None),
            Some(array) => judge(array, right, tolerance),
        };
        let error = found.as_ref().map(|found| error(found, right));
        comparable.extend(found.map(|found| (name.clone(), found)));
        let expected = expected_shape(name, right);
        let yours = theirs.map(|array| array.shape.clone());
        judged.push(Judged {
            name: name.clone(),
            yours,
            expected,
            error,
            verdict,
        });
    }
    let wrong = judged.iter().any(|tensor| tensor.verdict != Verdict::Right);
    let all = comparable.len() == right.len();
    let diagnosis =
        (wrong && all).then(|| diagnose(&comparable, network, kind, images, None, tolerance));
    (judged, diagnosis)
}

/// PyTorch stores a weight as (O, I) and a bias as (O).
fn expected_shape(name: &str, right: &Array2<f64>) -> Vec<usize> {
    match name.ends_with("bias") {
        true => vec![right.ncols()],
        false => vec![right.ncols(), right.nrows()],
    }
}

/// The verdict, and their array in our shape, as far as one can tell what was meant.
fn judge(
    theirs: &NamedArray,
    right: &Array2<f64>,
    tolerance: f64,
) -> (Verdict, Option<Array2<f64>>) {
    let (rows, columns) = right.dim();
    let as_shape = |shape: (usize, usize)| {
        Array2::from_shape_vec(shape, theirs.values.clone()).expect("as many elements")
    };
    let shape_text = |shape: &[usize]| {
        let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
        format!("({})", sizes.join(", "))
    };
    let expected = expected_shape(&theirs.name, right);
    let differs = |hint: &str| {
        let (yours, expected) = (shape_text(&theirs.shape), shape_text(&expected));
        Verdict::Shape(format!("yours is {yours}, expected {expected}: {hint}"))
    };
    let bias = theirs.name.ends_with("bias");
    let (verdict, found) = match theirs.shape[..] {
        [o] if bias && o == columns => (None, as_shape((1, o))),
        [1, o] if bias && o == columns => (None, as_shape((1, o))),
        [n, o] if bias && o == columns => {
            let summed = as_shape((n, o)).sum_axis(ndarray::Axis(0));
            let hint = differs("sum over axis 0, the images of the batch");
            (Some(hint), summed.insert_axis(ndarray::Axis(0)))
        }
        [o, i] if !bias && (o, i) == (columns, rows) => (None, as_shape((o, i)).reversed_axes()),
        [i, o] if !bias && (o, i) == (columns, rows) => {
            let hint = differs("it is transposed: PyTorch keeps a weight as (outputs, inputs)");
            (Some(hint), as_shape((i, o)))
        }
        [o, 1] if bias && o == columns => {
            let hint = differs("it is a column: flatten it with .ravel()");
            (Some(hint), as_shape((1, o)))
        }
        [] | [1] if bias => {
            let hint = "summed over too many axes: sum over axis 0 only, the images of the batch";
            return (differs(hint), None);
        }
        [_, o, i] if !bias && (o, i) == (columns, rows) => {
            let hint = differs("sum over axis 0, the images of the batch");
            (Some(hint), summed(&theirs.values, (o, i)).reversed_axes())
        }
        [_, i, o] if !bias && (o, i) == (columns, rows) => {
            let hint = differs(
                "sum over axis 0, the images of the batch, and transpose: PyTorch keeps a weight as (outputs, inputs)",
            );
            (Some(hint), summed(&theirs.values, (i, o)))
        }
        _ => return (differs("another network, or another tensor"), None),
    };
    if !found.iter().all(|v| v.is_finite()) {
        return (Verdict::NotFinite, None);
    }
    let verdict = verdict.unwrap_or_else(|| {
        let close = |right: &Array2<f64>| error(&found, right) <= tolerance;
        let ratio = (&found * right).sum() / (right * right).sum();
        if close(right) {
            Verdict::Right
        } else if rows == columns && close(&right.t().to_owned()) {
            Verdict::Transposed
        } else if ratio.is_finite() && ratio != 0.0 && close_ratio(&found, right, ratio, tolerance)
        {
            Verdict::Ratio(ratio)
        } else {
            Verdict::Wrong
        }
    });
    (verdict, Some(found))
}

/// The sum over the first of three axes; the other two have this shape.
fn summed(values: &[f64], shape: (usize, usize)) -> Array2<f64> {
    let mut sum = Array2::zeros(shape);
    for image in values.chunks_exact((shape.0 * shape.1).max(1)) {
        sum.iter_mut().zip(image).for_each(|(sum, v)| *sum += v);
    }
    sum
}

fn close_ratio(found: &Array2<f64>, right: &Array2<f64>, ratio: f64, tolerance: f64) -> bool {
    error(found, &(right * ratio)) <= tolerance
}

/// The largest difference, as a share of the largest element of b.
fn error(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    const LEAST: f64 = 1e-9;
    let largest = b.fold(LEAST, |max, b| max.max(b.abs()));
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max) / largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::random_images,
        rng::{Purpose, generator},
    };

    /// What is said about one array in place of the right gradient of that name, and about all together.
    fn judged(
        name: &str,
        change: impl Fn(&Array2<f64>) -> (Vec<usize>, Vec<f64>),
    ) -> (String, Option<Diagnosis>) {
        let network = Mlp::kaiming(&[6, 4, 3], &mut generator(1, Purpose::Init));
        let mut images = random_images(5, 6, 1);
        images.targets.iter_mut().for_each(|t| *t %= 3);
        let right = right_gradients(&network, LossKind::Ce, &images, None);
        let theirs = right.iter().map(|(tensor, gradient)| {
            let (shape, values) = match tensor == name {
                true => change(gradient),
                false => {
                    let values = gradient.t().iter().copied().collect();
                    (expected_shape(tensor, gradient), values)
                }
            };
            NamedArray {
                name: tensor.clone(),
                shape,
                values,
            }
        });
        let theirs: Vec<_> = theirs.collect();
        let (judged, diagnosis) = against(&theirs, &network, LossKind::Ce, &images, 1e-6);
        let wrong: Vec<_> = judged
            .into_iter()
            .filter(|tensor| tensor.verdict != Verdict::Right)
            .collect();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        match &wrong[0].verdict {
            Verdict::Shape(hint) => (hint.clone(), diagnosis),
            other => panic!("{other:?}"),
        }
    }

    /// Five images, each with a fifth of the gradient.
    fn by_image(values: impl Iterator<Item = f64>) -> Vec<f64> {
        let fifth: Vec<_> = values.map(|v| v / 5.0).collect();
        fifth.repeat(5)
    }

    #[test]
    fn other_shapes_are_told_in_words_and_the_numbers_are_judged_all_the_same() {
        let right = Some(Diagnosis::Right);
        let column = judged("0.bias", |db| (vec![4, 1], db.iter().copied().collect()));
        assert!(
            column
                .0
                .contains("yours is (4, 1), expected (4): it is a column")
        );
        assert_eq!(column.1, right);
        let scalar = judged("2.bias", |db| (vec![], vec![db.sum()]));
        assert!(scalar.0.contains("summed over too many axes"), "{scalar:?}");
        assert_eq!(scalar.1, None);
        let unsummed = judged("0.weight", |dw| {
            (vec![5, 4, 6], by_image(dw.t().iter().copied()))
        });
        assert!(
            unsummed
                .0
                .ends_with("sum over axis 0, the images of the batch")
        );
        assert_eq!(unsummed.1, right);
        let lessons = judged("0.weight", |dw| {
            (vec![5, 6, 4], by_image(dw.iter().copied()))
        });
        assert!(lessons.0.contains("and transpose"), "{lessons:?}");
        assert_eq!(lessons.1, right);
        let other = judged("0.weight", |_| (vec![2, 3], vec![0.0; 6]));
        assert!(other.0.contains("another network"), "{other:?}");
        let empty = judged("0.weight", |_| (vec![0, 4, 6], vec![]));
        assert!(empty.0.contains("sum over axis 0"), "{empty:?}");
    }
}
