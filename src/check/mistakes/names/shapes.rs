//! The shapes that the arrays of a network can have.

use super::What;

/// The shapes of a network: what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shapes {
    /// The number of images.
    pub n: usize,
    /// The numbers in an image.
    pub inputs: usize,
    /// Whether each module is a Linear, and its outputs.
    pub modules: Vec<(bool, usize)>,
}

impl Shapes {
    /// The modules that have weights.
    pub(super) fn linears(&self) -> Vec<usize> {
        let modules = self.modules.iter().enumerate();
        let linears = modules.filter(|(_, (linear, _))| *linear);
        linears.map(|(m, _)| m).collect()
    }

    /// The module behind each Linear that is none.
    pub(super) fn activations(&self) -> Vec<Option<usize>> {
        let behind = |m: usize| self.modules.get(m).is_some_and(|(linear, _)| !linear);
        let linears = self.linears().into_iter();
        linears
            .map(|m| Some(m + 1).filter(|&m| behind(m)))
            .collect()
    }

    /// All weights and biases, in the order of the modules.
    pub(super) fn parameters(&self) -> Vec<What> {
        let linears = self.linears().into_iter();
        linears
            .flat_map(|m| [What::Weight(m), What::Bias(m)])
            .collect()
    }

    /// The inputs and outputs of a module.
    fn sizes(&self, m: usize) -> (usize, usize) {
        let before = m.checked_sub(1).and_then(|m| self.modules.get(m));
        let inputs = before.map_or(self.inputs, |(_, outputs)| *outputs);
        let outputs = self.modules.get(m).map_or(0, |(_, outputs)| *outputs);
        (inputs, outputs)
    }

    /// The outputs of the network.
    fn last(&self) -> usize {
        self.modules.last().map_or(self.inputs, |(_, width)| *width)
    }

    /// Whether an array can be meant to be this, rightly or not: a gradient may be transposed, or not yet be
    /// summed over the images.
    pub(super) fn fits(&self, shape: &[usize], what: What) -> bool {
        match (what, shape) {
            (What::Weight(m), &[n, a, b]) if n == self.n => {
                let (i, o) = self.sizes(m);
                [(o, i), (i, o)].contains(&(a, b))
            }
            (What::Bias(_), [] | [1]) => true,
            (What::Bias(m), &[n, o]) if n == self.n && o == self.sizes(m).1 => true,
            (What::Weight(_) | What::Bias(_), _) => self.fits_exactly(shape, what),
            (What::Y(m) | What::Dy(m), _) => self.is_batch(shape, self.sizes(m).1),
            (What::P | What::LogP, _) => self.is_batch(shape, self.last()),
            (What::Loss, _) => shape.iter().all(|&size| size == 1),
        }
    }

    /// Whether an array has the shape of a parameter, in either orientation.
    pub(super) fn fits_exactly(&self, shape: &[usize], what: What) -> bool {
        match (what, shape) {
            (What::Weight(m), &[a, b]) => {
                let (i, o) = self.sizes(m);
                [(o, i), (i, o)].contains(&(a, b))
            }
            (What::Bias(m), &[o] | &[1, o] | &[o, 1]) => o == self.sizes(m).1,
            _ => false,
        }
    }

    /// Whether an array has so many numbers for each image.
    fn is_batch(&self, shape: &[usize], width: usize) -> bool {
        match *shape {
            [n, found] => n == self.n && found == width,
            [found] => (self.n == 1 && found == width) || (width == 1 && found == self.n),
            _ => false,
        }
    }

    pub(super) fn is_images(&self, shape: &[usize]) -> bool {
        self.is_batch(shape, self.inputs)
    }

    /// The shape that an output, a prediction or a loss has.
    pub(super) fn expected(&self, what: What) -> String {
        match what {
            What::Weight(m) => text(&[self.sizes(m).1, self.sizes(m).0]),
            What::Bias(m) => text(&[self.sizes(m).1]),
            What::Y(m) | What::Dy(m) => text(&[self.n, self.sizes(m).1]),
            What::P | What::LogP => text(&[self.n, self.last()]),
            What::Loss => text(&[]),
        }
    }
}

/// A shape as NumPy prints it, but for a comma.
pub(super) fn text(shape: &[usize]) -> String {
    let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("({})", sizes.join(", "))
}
