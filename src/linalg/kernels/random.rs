//! Random numbers by position: what stands at row r and column c depends on nothing else.

use ndarray::ArrayRef2;

use crate::linalg::{
    instructions::{Instructions, Kernel, Scalar},
    memory::{slice, slice_mut},
};

/// y = f(x, random bits)
pub struct MapRandom<'a, F, K, G> {
    pub key: K,
    pub x: &'a ArrayRef2<F>,
    pub y: &'a mut ArrayRef2<F>,
    pub f: G,
}

impl<F: Scalar, K: Fn(usize) -> u64, G: Fn(F, u32) -> F> Kernel for MapRandom<'_, F, K, G> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions, const W: usize, const H: usize>(self) {
        let Self { key, x, y, f } = self;
        for row in 0..x.nrows() {
            let key = key(row);
            let mut column = 0_u32;
            for (x, y) in slice(x, row).iter().zip(slice_mut(y, row)) {
                *y = f(*x, random(key, column));
                column = column.wrapping_add(1);
            }
        }
    }
}

/// 32 random bits for a column of the row with this key, by arithmetic that vectorises.
///
/// The finaliser of MurmurHash3 (A. Appleby, 2011) over multiples of the golden ratio, one half of the
/// key added before and the other in between.
#[inline(always)]
fn random(key: u64, column: u32) -> u32 {
    let (low, high) = (key as u32, (key >> 32) as u32);
    let h = column.wrapping_mul(0x9e37_79b9).wrapping_add(low);
    let h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b) ^ high;
    let h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::instructions::Set;
    use ndarray::Array2;
    use ndarray_rand::rand::{RngCore, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Rows of 1 and −1, one for each sign bit.
    fn signs(rows: usize, columns: u32) -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut row = |_| {
            let key = rng.next_u64();
            let bits = (0..columns).map(|c| random(key, c) >> 31);
            bits.map(|bit| 2.0 * f64::from(bit) - 1.0).collect()
        };
        (0..rows).map(&mut row).collect()
    }

    #[test]
    fn rows_and_columns_have_no_mean_and_no_correlation() {
        let (n, columns) = (400, 1000);
        let rows = signs(n, columns as u32);
        // Sums of so many signs are about normal: beyond six deviations is a defect, not chance.
        let small = |sum: f64, terms: usize, what: &str| {
            assert!(sum.abs() < 6.0 * (terms as f64).sqrt(), "{what}: {sum}");
        };
        small(rows.iter().flatten().sum(), n * columns, "all");
        for lag in [1, 2, 3, 8, 16, 64] {
            let along = rows.iter().flat_map(|row| row.iter().zip(&row[lag..]));
            small(
                along.map(|(a, b)| a * b).sum(),
                n * (columns - lag),
                "along rows",
            );
            let across = rows.iter().zip(&rows[lag..]);
            let across = across.flat_map(|(a, b)| a.iter().zip(b));
            small(
                across.map(|(a, b)| a * b).sum(),
                (n - lag) * columns,
                "across rows",
            );
        }
        for column in 0..columns {
            small(rows.iter().map(|row| row[column]).sum(), n, "a column");
        }
        for row in &rows {
            small(row.iter().sum(), columns, "a row");
        }
    }

    #[test]
    fn every_instruction_set_draws_the_same_and_every_byte_value_comes() {
        let x = Array2::<f32>::ones((7, 777));
        let key = |row: usize| 0x0123_4567_89ab_cdef_u64.rotate_left(row as u32);
        for set in Set::available() {
            let mut y = Array2::zeros(x.dim());
            let f = |x: f32, random: u32| x * (random >> 24) as f32;
            set.run(MapRandom {
                key,
                x: &x,
                y: &mut y,
                f,
            });
            for ((row, column), y) in y.indexed_iter() {
                assert_eq!(
                    *y,
                    (random(key(row), column as u32) >> 24) as f32,
                    "{set:?}"
                );
            }
            let mut seen = [0; 256];
            y.iter().for_each(|&y| seen[y as usize] += 1);
            assert!(seen.iter().all(|&times| times > 0), "{seen:?}");
        }
    }
}
