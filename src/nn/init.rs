use std::{fmt, str::FromStr};

use ndarray::{Array1, Array2};
use ndarray_rand::{RandomExt, rand::RngCore, rand_distr::Uniform};
use serde::{Deserialize, Serialize};

use super::{Float, Linear};
use crate::rng::StandardNormal;

/// How the weights w (I, O) of a linear layer are initialised; b starts at 0.
///
/// A sum `Σᵢ x[i]·w[i]` over I inputs has the variance I·Var(w) times the mean square of x. So the variance
/// of w decides whether the signal grows, fades or keeps its size from layer to layer:
///
/// | | variance | fits |
/// |---|---|---|
/// | LeCun | 1/I | units that pass on their input: tanh near 0 |
/// | Kaiming (He) | 2/I | ReLU, which zeroes half of its inputs |
/// | Xavier (Glorot) | 2/(I + O) | tanh; a compromise with the gradients, whose sums run over O |
///
/// Weights are drawn from the uniform distribution in ±√(3·variance), or from the normal one.
///
/// Sources: Y. LeCun et al., "Efficient BackProp", 1998, equation 16; X. Glorot and Y. Bengio,
/// "Understanding the difficulty of training deep feedforward neural networks", 2010, equations 12 and 16;
/// K. He et al., "Delving Deep into Rectifiers", 2015, equation 10.
///
/// ```
/// use mlp::{nn::Init, rng::{Purpose, generator}};
///
/// let rng = &mut generator(1, Purpose::Init);
/// let linear = Init::XavierUniform.linear::<f64>(200, 100, rng);
/// assert!(linear.w.value.iter().all(|w| w.abs() <= (6_f64 / 300.).sqrt()));
/// let linear = Init::KaimingNormal.linear::<f64>(200, 100, rng);
/// assert!((linear.w.value.std(0.) - 0.1).abs() < 0.002); // √(2/200)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Uniform in ±√(6/I); PyTorch's `kaiming_uniform_(nonlinearity="relu")`.
    #[default]
    KaimingUniform,
    /// Normal with variance 2/I.
    KaimingNormal,
    /// Uniform in ±√(6/(I + O)).
    XavierUniform,
    /// Normal with variance 2/(I + O).
    XavierNormal,
    /// Uniform in ±√(3/I).
    LecunUniform,
    /// Normal with variance 1/I.
    LecunNormal,
    /// Uniform in ±a, with a above 0.
    Uniform(f64),
    /// All weights 0. Units of a layer that start alike stay alike, so a network with hidden layers learns
    /// next to nothing. For demonstration.
    Zeros,
}

/// The initialisations that need no number, by name.
const NAMED: [(&str, Init); 7] = [
    ("kaiming-uniform", Init::KaimingUniform),
    ("kaiming-normal", Init::KaimingNormal),
    ("xavier-uniform", Init::XavierUniform),
    ("xavier-normal", Init::XavierNormal),
    ("lecun-uniform", Init::LecunUniform),
    ("lecun-normal", Init::LecunNormal),
    ("zeros", Init::Zeros),
];

/// The name of an initialisation, with its number if it has one: `xavier-normal`, `uniform=0.05`.
impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, NAMED.iter().find(|(_, init)| init == self)) {
            (Self::Uniform(a), _) => write!(f, "uniform={a}"),
            (_, Some((name, _))) => f.write_str(name),
            (_, None) => unreachable!("all others are named"),
        }
    }
}

impl FromStr for Init {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, init)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*init);
        }
        match text.strip_prefix("uniform=").map(str::parse) {
            Some(Ok(a)) if 0.0 < a && a <= 100.0 => Ok(Self::Uniform(a)),
            Some(_) => {
                Err("expected uniform=a with a above 0 and up to 100, such as uniform=0.05".into())
            }
            None => {
                let names = NAMED.map(|(name, _)| name).join(", ");
                Err(format!("expected {names} or uniform=a"))
            }
        }
    }
}

impl Init {
    /// A linear layer with this many inputs and outputs. Weights are drawn in `f64` whatever `F` is, so a
    /// random seed gives the same network up to rounding.
    ///
    /// Panics if `inputs` or `outputs` is zero, or the a of [`Uniform`](Self::Uniform) is not a number above 0.
    pub fn linear<F: Float>(
        self,
        inputs: usize,
        outputs: usize,
        rng: &mut impl RngCore,
    ) -> Linear<F> {
        assert!(
            inputs > 0 && outputs > 0,
            "a layer of {inputs} inputs and {outputs} outputs"
        );
        let shape = (inputs, outputs);
        let mut uniform = |bound: f64| {
            let uniform = Uniform::new_inclusive(-bound, bound).expect("a finite bound above zero");
            Array2::random_using(shape, uniform, rng)
        };
        let (i, o) = (inputs as f64, outputs as f64);
        let w: Array2<f64> = match self {
            Self::KaimingUniform => uniform((6.0 / i).sqrt()),
            Self::XavierUniform => uniform((6.0 / (i + o)).sqrt()),
            Self::LecunUniform => uniform((3.0 / i).sqrt()),
            Self::Uniform(a) => uniform(a),
            Self::KaimingNormal => normal(shape, 2.0 / i, rng),
            Self::XavierNormal => normal(shape, 2.0 / (i + o), rng),
            Self::LecunNormal => normal(shape, 1.0 / i, rng),
            Self::Zeros => Array2::zeros(shape),
        };
        let w = w.mapv(|v| F::from(v).expect("f64 converts to any float"));
        Linear::new(w, Array1::zeros(outputs))
    }
}

fn normal(shape: (usize, usize), variance: f64, rng: &mut impl RngCore) -> Array2<f64> {
    Array2::random_using(shape, StandardNormal::default(), rng) * variance.sqrt()
}

/// [`Init::KaimingUniform`], which [`Mlp::kaiming`](super::Mlp::kaiming) uses.
pub fn kaiming_uniform<F: Float>(
    inputs: usize,
    outputs: usize,
    rng: &mut impl RngCore,
) -> Linear<F> {
    Init::KaimingUniform.linear(inputs, outputs, rng)
}
