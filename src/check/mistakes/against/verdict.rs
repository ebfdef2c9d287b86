//! What is said about a tensor and about a file.

use crate::check::mistakes::Explanation;

/// What is right or wrong with one tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Right: what is off is rounding.
    Right,
    /// Right, as (I, O) in the lesson's orientation.
    Transposed,
    /// Not in the file.
    Missing,
    /// The wrong shape, and what to do about it.
    Shape(String),
    /// Some elements are NaN or infinite.
    NotFinite,
    /// Wrong.
    Wrong,
    /// In the precision of the file right and wrong cannot be told apart.
    Unsure,
}

/// The verdict on one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its name: that of a parameter, such as `2.weight`; for other numbers of the passes that of the file.
    pub name: String,
    /// What it is: `2.weight`, or `1.dy` for what the file calls `dl2`.
    pub place: String,
    /// Whether it is the gradient of a parameter.
    pub parameter: bool,
    /// Its name in the file, if it has another one.
    pub alias: Option<String>,
    /// Its shape, if the file has it.
    pub yours: Option<Vec<usize>>,
    /// The shape it should have: a weight (O, I), a bias (O), as in PyTorch.
    pub expected: Vec<usize>,
    /// The largest difference, as a share of the largest right element; none if they cannot be compared.
    pub error: Option<f64>,
    /// What is right or wrong with it.
    pub verdict: Verdict,
    /// What is worth saying besides.
    pub note: Option<String>,
    /// The smallest sets of mistakes that give its numbers. If there are several, the numbers cannot tell
    /// them apart.
    pub looks_like: Vec<Explanation>,
    /// The right one times this factor, if no known mistake fits.
    pub ratio: Option<f64>,
    /// The number of the file that it follows rightly from, itself wrong.
    pub follows: Option<String>,
    /// The largest set of mistakes of which all were tried.
    pub tried: usize,
    /// Whether other gradients take the same lines rightly.
    pub alone: bool,
    /// Whether it is one number in all its elements.
    pub(super) one: bool,
}

impl Judged {
    /// Whether it is there and wrong.
    pub fn wrong(&self) -> bool {
        matches!(
            self.verdict,
            Verdict::Wrong | Verdict::NotFinite | Verdict::Shape(_)
        )
    }

    /// Whether it is the parameter itself and no gradient.
    pub fn is_the_parameter(&self) -> bool {
        self.note.as_deref() == Some(THE_PARAMETER)
    }

    /// Whether it is there and right.
    pub fn right(&self) -> bool {
        matches!(self.verdict, Verdict::Right | Verdict::Transposed)
    }
}

pub(super) const THE_PARAMETER: &str = "this is the parameter itself, not its gradient";

/// The verdict on a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Every parameter's gradient, then the other numbers of the passes that the file has.
    pub tensors: Vec<Judged>,
    /// What else is in the file, and why it was not judged.
    pub ignored: Vec<(String, String)>,
    /// The last number, in the order in which one computes them, before the first that is wrong.
    pub right_as_far_as: Option<String>,
    /// The first that is wrong.
    pub wrong_from: Option<String>,
}

impl Judgement {
    /// Whether anything in the file could be told to be right or wrong.
    pub fn judged(&self) -> bool {
        let told = |tensor: &Judged| tensor.right() || tensor.wrong();
        self.tensors.iter().any(told)
    }

    /// Whether nothing in the file is wrong.
    pub fn passed(&self) -> bool {
        !self.tensors.iter().any(Judged::wrong)
    }
}
