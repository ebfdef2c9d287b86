//! Sums over a row, weighted by the place.

use ndarray::NdFloat;

/// Sums that run beside each other: one alone waits for each addition.
const BESIDE: usize = 4;

/// See [`moments`](crate::linalg::moments).
#[inline]
pub fn moments<F: NdFloat>(x: &[F], zero: F) -> [F; 2] {
    let (mut sums, mut weighted) = ([F::zero(); BESIDE], [F::zero(); BESIDE]);
    let mut columns: [F; BESIDE] = std::array::from_fn(float);
    let mut add = |s: usize, x: F| {
        sums[s] += x - zero;
        weighted[s] += (x - zero) * columns[s];
        columns[s] += float(BESIDE);
    };
    let (whole, rest) = x.as_chunks::<BESIDE>();
    for part in whole {
        for (s, x) in part.iter().enumerate() {
            add(s, *x);
        }
    }
    for (s, x) in rest.iter().enumerate() {
        add(s, *x);
    }
    [sums, weighted].map(|sums| sums.into_iter().fold(F::zero(), F::add))
}

fn float<F: NdFloat>(n: usize) -> F {
    F::from(n).expect("a small number converts to any float")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_counts_at_its_place() {
        for len in [0, 1, 3, 4, 7, 28] {
            let x: Vec<f64> = (0..len).map(|c| f64::from(c * c % 7)).collect();
            let places = x.iter().enumerate();
            let weighted: f64 = places.map(|(c, x)| (x - 2.0) * c as f64).sum();
            let sum: f64 = x.iter().map(|x| x - 2.0).sum();
            assert_eq!(moments(&x, 2.0), [sum, weighted], "{len} whole numbers");
        }
    }
}
