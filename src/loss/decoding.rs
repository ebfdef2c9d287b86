use ndarray::ArrayView1;

use super::{Float, float};

/// How the outputs of a network are read as a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoding {
    /// One output per class: the class of the largest output, the first of several equals.
    Largest,
    /// One output, the number of the class itself: the nearest class.
    Nearest,
    /// One output, the logit of class 1 of two: class 1 if it is above 0, which is a probability above 1/2.
    Threshold,
}

impl Decoding {
    /// The class, out of `classes`, that a row of outputs stands for. NaN is never the largest.
    pub fn class<F: Float>(self, outputs: ArrayView1<F>, classes: usize) -> u8 {
        match self {
            Self::Largest => {
                let mut best = (0, F::neg_infinity());
                for (class, &output) in outputs.iter().enumerate() {
                    if output > best.1 {
                        best = (class, output);
                    }
                }
                u8::try_from(best.0).expect("at most 256 classes")
            }
            Self::Nearest => {
                let nearest = outputs[0].round().max(F::zero()).min(float(classes - 1));
                nearest.to_u8().expect("between 0 and the last class")
            }
            Self::Threshold => u8::from(outputs[0] > F::zero()),
        }
    }

    /// The number of outputs for a data set of `classes` classes.
    pub fn outputs(self, classes: usize) -> usize {
        match self {
            Self::Largest => classes,
            Self::Nearest | Self::Threshold => 1,
        }
    }
}
