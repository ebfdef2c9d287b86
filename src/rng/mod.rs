//! Random numbers from the random seed: a generator for each purpose, the normal distribution, and the noise of a
//! training step.

mod normal;

use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use normal::StandardNormal;

/// A generator for one purpose. Each purpose has a stream of its own, so drawing from one does not change another.
pub fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// What random numbers are for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The initial weights.
    Init = 0,
    /// The order of the images.
    Shuffle = 1,
    /// What checks draw: random inputs, and which elements or images to look at.
    Check = 2,
    /// How images are distorted. Each pair of epoch and image has a stream of its own.
    Augment = 3,
    /// Which images are held back from training.
    Split = 4,
    /// The networks of worksheets.
    Worksheet = 5,
}

/// The random numbers of one training step, the same no matter how threads share the batch.
///
/// Those of an element depend only on the seed, the epoch, the step, the module, the row of the batch and the
/// column. So the backward pass can draw again what the forward pass drew, and nothing has to be stored.
///
/// The seed is split step by step: each number is the n-th output of a SplitMix64 generator seeded with the
/// number before, n being the epoch, the step, the module and the row in turn.
///
/// Source: G. Steele, D. Lea and C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    key: u64,
    first: usize,
}

impl Noise {
    /// The noise of a step, from the first row of the batch on.
    pub fn new(seed: u64, epoch: usize, step: usize) -> Self {
        let key = split(split(seed, epoch), step);
        Self { key, first: 0 }
    }

    /// The noise of one module, from row `first` of the batch on.
    pub(crate) fn of(self, module: usize, first: usize) -> Self {
        let key = split(self.key, module);
        Self { key, first }
    }

    /// 64 random bits for a row, counted from the first row of this noise.
    pub fn row(self, row: usize) -> u64 {
        split(self.key, self.first + row)
    }
}

/// Output `n` of SplitMix64 with this seed.
fn split(seed: u64, n: usize) -> u64 {
    let z = seed.wrapping_add((n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        // Seed 1234567, as Rosetta Code lists them.
        let numbers = [0, 1, 2].map(|n| split(1_234_567, n));
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn rows_from_the_middle_of_a_batch_are_those_of_the_batch() {
        let noise = Noise::new(1, 2, 3);
        assert_eq!(noise.of(4, 10).row(7), noise.of(4, 0).row(17));
        let others = [
            Noise::new(2, 2, 3).of(4, 0),
            Noise::new(1, 3, 3).of(4, 0),
            Noise::new(1, 2, 4).of(4, 0),
            noise.of(5, 0),
            noise.of(4, 1),
        ];
        assert!(
            others
                .iter()
                .all(|other| other.row(0) != noise.of(4, 0).row(0))
        );
    }
}
