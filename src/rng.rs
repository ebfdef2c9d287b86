//! Random numbers that follow from the seed: a generator for each purpose, and the noise of a step.

use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A generator for one purpose, so that what one draws does not change what another gets.
pub fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// What random numbers are for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The first weights.
    Init = 0,
    /// The order of the images.
    Shuffle = 1,
    /// The choice of what a check looks at.
    Check = 2,
    /// How images are distorted; each has a stream of its own.
    Augment = 3,
}

/// What a module draws in one step of training: the same however threads share the batch.
///
/// The random numbers of an element follow from the seed, the epoch and step, the module, the row of the batch
/// and the column, and from nothing else. So the backward pass draws what the forward pass drew, and
/// nothing has to be kept.
///
/// Each number is the n-th of a SplitMix64 generator whose seed is the number before, n being the
/// epoch, the step, the module and the row in turn.
///
/// Source: G. Steele, D. Lea and C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    key: u64,
    first: usize,
}

impl Noise {
    /// The noise of a step; the first row at hand is the first of the batch.
    pub fn new(seed: u64, epoch: usize, step: usize) -> Self {
        let key = split(split(seed, epoch), step);
        Self { key, first: 0 }
    }

    /// That of one module, for the rows of the batch from `first` on.
    pub(crate) fn of(self, module: usize, first: usize) -> Self {
        let key = split(self.key, module);
        Self { key, first }
    }

    /// 64 random bits for a row, counted from the first at hand.
    pub fn row(self, row: usize) -> u64 {
        split(self.key, self.first + row)
    }
}

/// Number `n` of SplitMix64 with this seed.
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
