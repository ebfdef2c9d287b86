//! The normal distribution, with the same bits everywhere.

use libm::{exp, log as ln};
use ndarray_rand::{
    rand::{Rng, distr::Open01},
    rand_distr::Distribution,
};

/// Layers under the bell.
const LAYERS: usize = 256;

/// Where the tail begins, and the area of each layer, for so many.
const TAIL: f64 = 3.654_152_885_361_009;
const AREA: f64 = 0.004_928_673_233_99;

/// The standard normal distribution, of mean 0 and deviation 1.
///
/// Draws the same numbers as `rand_distr`'s, which takes e^x and ln from the system's library.
///
/// The bell e^(−x²/2) is cut into layers of the same area, each from 0 to `x[i]`, the lowest with the tail. A point
/// in a random layer is kept if it lies under the bell, which is certain left of `x[i + 1]`.
///
/// Source: J. A. Doornik, "An Improved Ziggurat Method to Generate Normal Random Samples", 2005.
#[derive(Clone, Debug)]
pub struct StandardNormal {
    /// How far each layer reaches, the lowest as if it were a rectangle, and 0 above the last.
    x: [f64; LAYERS + 1],
}

impl Default for StandardNormal {
    fn default() -> Self {
        let mut x = [0.0; LAYERS + 1];
        (x[0], x[1]) = (AREA / bell(TAIL), TAIL);
        for i in 1..LAYERS - 1 {
            x[i + 1] = (-2.0 * ln(AREA / x[i] + bell(x[i]))).sqrt();
        }
        Self { x }
    }
}

impl Distribution<f64> for StandardNormal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        loop {
            let bits = rng.next_u64();
            let layer = bits as usize % LAYERS;
            // The highest 52 bits behind the point of a number from 2 to 4.
            let side = f64::from_bits(2_f64.to_bits() | bits >> 12) - 3.0;
            let x = side * self.x[layer];
            if x.abs() < self.x[layer + 1] {
                return x;
            }
            if layer == 0 {
                return tail(rng).copysign(side);
            }
            let (low, high) = (bell(self.x[layer]), bell(self.x[layer + 1]));
            if high + (low - high) * rng.random::<f64>() < bell(x) {
                return x;
            }
        }
    }
}

fn bell(x: f64) -> f64 {
    exp(-x * x / 2.0)
}

/// A number beyond [`TAIL`].
fn tail<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    loop {
        let beyond = -ln(rng.sample::<f64, _>(Open01)) / TAIL;
        let level = -ln(rng.sample::<f64, _>(Open01));
        if 2.0 * level >= beyond * beyond {
            return TAIL + beyond;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, generator};
    use ndarray_rand::rand_distr;

    #[test]
    fn the_numbers_are_those_of_rand_distr() {
        let [mut ours, mut theirs] = [(); 2].map(|()| generator(1, Purpose::Check));
        let (normal, mut beyond) = (StandardNormal::default(), 0);
        for draw in 0..200_000 {
            let x: f64 = normal.sample(&mut ours);
            let y: f64 = rand_distr::StandardNormal.sample(&mut theirs);
            // Logarithms may differ in the last bit.
            assert!((x - y).abs() < 1e-15 * y.abs(), "draw {draw}: {x}, not {y}");
            beyond += usize::from(x.abs() > TAIL);
        }
        assert!(beyond > 20, "{beyond} draws from the tail");
    }
}
