//! Arrays of others, and what was meant by their shapes.

use ndarray::{Array2, Axis};

/// How precise the numbers of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Double: 53 bits
    F64,
    /// Single: 24 bits
    F32,
    /// Half: 11 bits
    F16,
    /// A half with the range of a single: 8 bits
    Bf16,
    /// Integers and booleans, which are exact
    Integer,
}

impl Precision {
    /// The most by which rounding changes a number, as a share of it.
    pub fn unit_roundoff(self) -> f64 {
        match self {
            Self::F64 => 2.0_f64.powi(-53),
            Self::F32 => 2.0_f64.powi(-24),
            Self::F16 => 2.0_f64.powi(-11),
            Self::Bf16 => 2.0_f64.powi(-8),
            Self::Integer => 0.0,
        }
    }

    /// Its name in NumPy and PyTorch.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::Integer => "integers",
        }
    }
}

/// An array of numbers, stored row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements, as many as the shape says.
    pub values: Vec<f64>,
    /// The precision in which the file has them.
    pub precision: Precision,
}

impl NamedArray {
    /// The elements as a matrix. Panics if there are not as many.
    fn matrix(&self, shape: (usize, usize)) -> Array2<f64> {
        Array2::from_shape_vec(shape, self.values.clone()).expect("as many elements")
    }

    /// The sum over the first of three axes; the other two have this shape.
    fn summed(&self, shape: (usize, usize)) -> Array2<f64> {
        let mut sum = Array2::zeros(shape);
        for image in self.values.chunks_exact((shape.0 * shape.1).max(1)) {
            sum.iter_mut().zip(image).for_each(|(sum, v)| *sum += v);
        }
        sum
    }
}

/// What an array can have been meant as, in our shape: (I, O) for a weight, (1, O) for a bias.
pub(super) struct Reading {
    pub array: Array2<f64>,
    /// Whether it stood as (I, O), as in the lesson.
    pub turned: bool,
    /// What is wrong with the shape; none if nothing is.
    pub fault: Option<String>,
    /// What is worth saying although nothing is wrong.
    pub note: Option<&'static str>,
    /// Whether it was not yet summed over the images.
    pub unsummed: bool,
}

impl Reading {
    fn of(array: Array2<f64>) -> Self {
        Self {
            array,
            turned: false,
            fault: None,
            note: None,
            unsummed: false,
        }
    }
}

/// A shape as Python writes it.
pub fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("({})", sizes.join(", "))
}

fn fault(array: &NamedArray, expected: &[usize], hint: &str) -> String {
    let (yours, expected) = (shape_text(&array.shape), shape_text(expected));
    format!("yours is {yours}, expected {expected}: {hint}")
}

/// What a weight (I, O) can have been meant as, the likeliest first; an error says what is wrong.
pub(super) fn weight(
    theirs: &NamedArray,
    (i, o): (usize, usize),
    n: usize,
) -> Result<Vec<Reading>, String> {
    let expected = [o, i];
    let lesson = |array| Reading {
        turned: true,
        ..Reading::of(array)
    };
    let unsummed = |array, hint: &str, turned| Reading {
        fault: Some(fault(theirs, &expected, hint)),
        unsummed: true,
        turned,
        ..Reading::of(array)
    };
    let sum_first = "sum over axis 0, the images of the batch";
    match theirs.shape[..] {
        [a, b] if (a, b) == (o, i) && i == o => Ok(vec![
            Reading::of(theirs.matrix((o, i)).reversed_axes()),
            lesson(theirs.matrix((i, o))),
        ]),
        [a, b] if (a, b) == (o, i) => Ok(vec![Reading::of(theirs.matrix((o, i)).reversed_axes())]),
        [a, b] if (a, b) == (i, o) => Ok(vec![lesson(theirs.matrix((i, o)))]),
        // A single unit: a vector is a column or a row.
        [a] if a == i * o && (i == 1 || o == 1) => Ok(vec![Reading {
            note: Some("a vector; a weight has two axes"),
            ..Reading::of(theirs.matrix((o, i)).reversed_axes())
        }]),
        [_, a, b] if (a, b) == (o, i) => Ok(vec![unsummed(
            theirs.summed((o, i)).reversed_axes(),
            sum_first,
            false,
        )]),
        [_, a, b] if (a, b) == (i, o) => Ok(vec![unsummed(theirs.summed((i, o)), sum_first, true)]),
        [a, b] if n > 1 && ((a, b) == (i, n) || (a, b) == (n, i)) && o == 1 => Err(fault(
            theirs,
            &expected,
            "N columns where one output has one: z (N, 1) minus t (N) was broadcast to (N, N); take z[:, 0] − t",
        )),
        [a] if a == i * o => Err(fault(
            theirs,
            &expected,
            "it is flattened: .reshape it to the shape of the weight",
        )),
        _ => Err(fault(
            theirs,
            &expected,
            "another network, or another tensor",
        )),
    }
}

/// What a bias (1, O) can have been meant as; an error says what is wrong.
pub(super) fn bias(theirs: &NamedArray, o: usize, n: usize) -> Result<Vec<Reading>, String> {
    let expected = [o];
    match theirs.shape[..] {
        [] if o == 1 => Ok(vec![Reading::of(theirs.matrix((1, 1)))]),
        [a] if a == o => Ok(vec![Reading::of(theirs.matrix((1, o)))]),
        [1, a] if a == o => Ok(vec![Reading::of(theirs.matrix((1, o)))]),
        // (N, 1) of a single unit is a matrix with one row an image, and no column.
        [a, 1] if a == o && (o > 1 || n == 1) => Ok(vec![Reading {
            note: Some("it is a column (.ravel() makes it the vector that PyTorch has)"),
            ..Reading::of(theirs.matrix((1, o)))
        }]),
        [rows, a] if a == o => {
            let summed = theirs.matrix((rows, o)).sum_axis(Axis(0));
            Ok(vec![Reading {
                fault: Some(fault(
                    theirs,
                    &expected,
                    "sum over axis 0, the images of the batch",
                )),
                unsummed: true,
                ..Reading::of(summed.insert_axis(Axis(0)))
            }])
        }
        [] | [1] | [1, 1] => Err(fault(
            theirs,
            &expected,
            "summed over too many axes: sum over axis 0 only, the images of the batch",
        )),
        [a] if a == n && n > 1 => Err(fault(
            theirs,
            &expected,
            "one number an image: summed over the units; sum over axis 0, the images of the batch",
        )),
        _ => Err(fault(
            theirs,
            &expected,
            "another network, or another tensor",
        )),
    }
}

/// A number of the passes, (N, O); an error says what is wrong.
pub(super) fn rows(theirs: &NamedArray, shape: (usize, usize)) -> Result<Array2<f64>, String> {
    let (n, o) = shape;
    match theirs.shape[..] {
        [a, b] if (a, b) == (n, o) => Ok(theirs.matrix(shape)),
        [a] if n == 1 && a == o => Ok(theirs.matrix(shape)),
        [a] if o == 1 && a == n => Ok(theirs.matrix(shape)),
        [] if n * o == 1 => Ok(theirs.matrix(shape)),
        [1] if n * o == 1 => Ok(theirs.matrix(shape)),
        // Columns are images where others write x as columns.
        [a, b] if (a, b) == (o, n) => Ok(theirs.matrix((o, n)).reversed_axes()),
        [a, b] if a == n && b == n && o == 1 => Err(fault(
            theirs,
            &[n, o],
            "every output against every target: z (N, 1) minus t (N) was broadcast to (N, N); take z[:, 0] − t",
        )),
        _ => Err(fault(theirs, &[n, o], "another number, or another batch")),
    }
}
