//! Whose tensor is whose.

use super::NamedArray;

/// What an array in a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// dw of module m
    Weight(usize),
    /// db of module m
    Bias(usize),
    /// y of module m
    Y(usize),
    /// ∂L/∂y of module m
    Dy(usize),
    /// The predictions
    P,
    /// ln p
    LogP,
    /// The loss
    Loss,
}

/// The shapes of a network.
pub struct Shapes {
    /// N
    pub n: usize,
    /// The inputs of the network.
    pub inputs: usize,
    /// Whether each module is linear, and its outputs.
    pub modules: Vec<(bool, usize)>,
}

/// How a place was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By its name
    Name,
    /// By another usual name
    Alias,
    /// By its place among the others
    Order,
    /// By its shape
    Shape,
}

/// An array and its place.
pub struct Match {
    /// Its place.
    pub what: What,
    /// Which array.
    pub index: usize,
    /// How the place was found.
    pub how: How,
}

/// The places of all arrays.
pub struct Matching {
    /// Sorted by place.
    pub found: Vec<Match>,
    /// Arrays without a place, and why.
    pub ignored: Vec<(usize, String)>,
}

/// Finds the places of arrays.
pub fn matching(arrays: &[NamedArray], shapes: &Shapes) -> Matching {
    let mut matching = Matching { found: Vec::new(), ignored: Vec::new() };
    for (index, array) in arrays.iter().enumerate() {
        let what = array.name.split_once('.').and_then(|(m, rest)| {
            let m: usize = m.parse().ok().filter(|&m| m < shapes.modules.len())?;
            match rest {
                "weight" => Some(What::Weight(m)),
                "bias" => Some(What::Bias(m)),
                "y" => Some(What::Y(m)),
                "dy" => Some(What::Dy(m)),
                _ => None,
            }
        });
        match what {
            Some(what) => matching.found.push(Match { what, index, how: How::Name }),
            None => matching.ignored.push((index, "no known name".into())),
        }
    }
    matching
}
