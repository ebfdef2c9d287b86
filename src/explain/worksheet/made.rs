//! Small networks whose numbers are pleasant by hand, made from a seed.

use ndarray::Array2;
use ndarray_rand::rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    MAX_LAYERS, MAX_ROWS, MAX_UNITS, WorksheetError,
    line::Line,
    script::{Script, values_while},
};
use crate::{
    check::mistakes::{Objective, Problem, Step},
    nn::Activation,
    rng::{Purpose, generator},
};

/// What a network is to be like.
#[derive(Clone, Debug)]
pub struct Made {
    /// The widths of all layers, from the inputs to the outputs.
    pub layers: Vec<usize>,
    /// N
    pub rows: usize,
    /// Behind every layer but the last.
    pub activation: Activation,
    /// The loss.
    pub objective: Objective,
    /// The random seed.
    pub seed: u64,
}

/// How many networks are drawn before less is asked of one.
const TRIES: usize = 2000;
/// What every gradient that is not 0 has to be larger than; less is asked when none is found.
const LARGE_ENOUGH: [f64; 4] = [0.01, 0.004, 0.001, 0.0];

impl Made {
    /// Draws networks until one is pleasant: numbers with one decimal that are never 0, units of every layer that are
    /// on, some off where there are several, none at the kink, and gradients that can be told from 0.
    pub fn problem(&self) -> Result<Problem, WorksheetError> {
        self.check()?;
        let mut rng = generator(self.seed, Purpose::Worksheet);
        let Script { lines, .. } = Script::new(&self.draw(&mut rng), 0.1, true);
        for least in LARGE_ENOUGH {
            for _ in 0..TRIES {
                let problem = self.draw(&mut rng);
                let pleasant = |line: &Line, value: &_| self.pleasant(line, value, least);
                if values_while(&lines, Script::given(&problem), pleasant).is_some() {
                    return Ok(problem);
                }
            }
        }
        Err(WorksheetError::NotPleasant)
    }

    /// Refuses what fits no page, and what has no gradient.
    fn check(&self) -> Result<(), WorksheetError> {
        let wide = self
            .layers
            .iter()
            .any(|width| !(1..=MAX_UNITS).contains(width));
        let layers = self.layers.len().saturating_sub(1);
        if wide || !(1..=MAX_LAYERS).contains(&layers) || !(1..=MAX_ROWS).contains(&self.rows) {
            return Err(WorksheetError::TooLarge {
                widths: self.layers.clone(),
                rows: self.rows,
            });
        }
        match (self.objective, self.layers.last()) {
            (Objective::Ce(_), Some(1)) => Err(WorksheetError::OneClass),
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Problem {
        let (inputs, outputs) = (self.layers[0], self.layers[self.layers.len() - 1]);
        let x = numbers(rng, (self.rows, inputs), 4, 2.0);
        let mut steps = Vec::new();
        for (layer, widths) in self.layers.windows(2).enumerate() {
            if layer > 0 {
                steps.push(Step::Activation(self.activation));
            }
            steps.push(Step::Linear {
                w: numbers(rng, (widths[0], widths[1]), 9, 10.0),
                b: numbers(rng, (1, widths[1]), 5, 10.0),
            });
        }
        let mut t = Array2::zeros((self.rows, outputs));
        for mut row in t.rows_mut() {
            match self.objective {
                Objective::Ce(_) => row[rng.random_range(0..outputs)] = 1.0,
                Objective::Bce(_) => row.mapv_inplace(|_| f64::from(rng.random_range(0..2_u8))),
                Objective::Mse(_) => {
                    row.mapv_inplace(|_| f64::from(rng.random_range(1..10_u8)) / 10.0);
                }
            }
        }
        Problem {
            steps,
            x,
            t,
            classes: None,
            objective: self.objective,
            pixels: false,
            others: None,
        }
    }

    fn pleasant(&self, line: &Line, value: &Array2<f64>, least: f64) -> bool {
        match line.name.as_bytes() {
            [b'w', _] => different(value),
            [b'z', layer] => match usize::from(layer - b'0') == self.layers.len() - 1 {
                true => value.iter().all(|z| (0.05..4.0).contains(&z.abs())),
                false => hidden(value, self.activation),
            },
            b"p" => value.iter().all(|p| (0.03..0.97).contains(p)),
            b"L" => value[[0, 0]] < 5.0,
            [b'd', ..] => {
                value.iter().any(|v| *v != 0.0)
                    && value.iter().all(|v| *v == 0.0 || v.abs() >= least)
            }
            _ => true,
        }
    }
}

/// Numbers from 1 to `most` over `unit`, of either sign and never 0.
fn numbers(rng: &mut ChaCha8Rng, shape: (usize, usize), most: i8, unit: f64) -> Array2<f64> {
    Array2::from_shape_simple_fn(shape, || {
        let size = f64::from(rng.random_range(1..=most)) / unit;
        // More are above 0: fewer signs to lose.
        match rng.random_range(0..5_u8) {
            0 | 1 => -size,
            _ => size,
        }
    })
}

/// Whether a matrix of weights differs from its transpose, and no two of its columns are alike.
fn different(w: &Array2<f64>) -> bool {
    let columns = w.ncols();
    let pairs = (0..columns).flat_map(|a| (0..a).map(move |b| (a, b)));
    let mut alike = pairs.filter(|&(a, b)| w.column(a) == w.column(b));
    let square = w.nrows() == columns && columns > 1;
    alike.next().is_none() && !(square && *w == w.t())
}

/// Whether units are well off the kink, on in every row, and some off where there are several.
fn hidden(z: &Array2<f64>, activation: Activation) -> bool {
    let off_the_kink = z.iter().all(|z| (0.095..5.0).contains(&z.abs()));
    let on = z.rows().into_iter().all(|row| row.iter().any(|z| *z > 0.0));
    let off = z.ncols() == 1 || z.iter().any(|z| *z < 0.0);
    match activation.about().kink {
        true => off_the_kink && on && off,
        false => z.iter().all(|z| (0.05..2.5).contains(&z.abs())),
    }
}
