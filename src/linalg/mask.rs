//! Where the elements are that are not zero.

use super::Float;

/// Elements that a mask covers: k's that are looked at together where zeros are left out. 128 rows of
/// 64 `f32`, a panel of b, are 32 KiB, of which few are touched.
pub(super) const BLOCK: usize = 128;
pub(super) const WORDS: usize = BLOCK / 64;

/// A bit for each of `BLOCK` elements of a row of a: whether it is not zero.
pub(super) type Mask = [u64; WORDS];

/// One mask a line.
#[inline(always)]
pub(super) fn find_in_rows<F: Float>(lines: &[&[F]], masks: &mut [Mask]) {
    for (line, mask) in lines.iter().zip(masks) {
        *mask = not_zero(line);
    }
}

/// One bit of every mask a line: squares of bits, turned around.
#[inline(always)]
pub(super) fn find_in_columns<F: Float>(lines: &[&[F]], masks: &mut [Mask]) {
    for mask in masks.iter_mut() {
        *mask = [0; WORDS];
    }
    for (word, lines) in lines.chunks(64).enumerate() {
        let mut squares = [[0; 64]; WORDS];
        for (k, line) in lines.iter().enumerate() {
            let bits = not_zero(line);
            for square in 0..WORDS {
                squares[square][k] = bits[square];
            }
        }
        for (square, masks) in squares.iter_mut().zip(masks.chunks_mut(64)) {
            transpose(square);
            for (mask, bits) in masks.iter_mut().zip(square) {
                mask[word] = *bits;
            }
        }
    }
}

/// A bit for each element of a line: whether it is not zero.
#[inline(always)]
fn not_zero<F: Float>(line: &[F]) -> Mask {
    let mut flags = [0_u8; BLOCK];
    for (flag, v) in flags.iter_mut().zip(line) {
        *flag = u8::from(*v != F::zero());
    }
    let mut mask = [0; WORDS];
    for (byte, flags) in flags.as_chunks::<8>().0.iter().enumerate() {
        // Eight bytes of 0 or 1, each moved to its place in one.
        let mut bits = u64::from_le_bytes(*flags);
        bits |= bits >> 7;
        bits |= bits >> 14;
        bits |= bits >> 28;
        mask[byte / 8] |= (bits & 0xff) << (8 * (byte % 8));
    }
    mask
}

/// Bit k of word i for bit i of word k.
///
/// Swaps the halves that are off the diagonal, then the quarters of each half, and so on.
/// Source: H. S. Warren, "Hacker's Delight", 7-3.
#[inline(always)]
fn transpose(square: &mut [u64; 64]) {
    let mut half = 32;
    let mut mask = u64::MAX >> 32;
    while half != 0 {
        for pair in 0..32 {
            // The words whose bit `half` is not set.
            let k = (pair / half) * 2 * half + pair % half;
            let swap = ((square[k] >> half) ^ square[k + half]) & mask;
            square[k] ^= swap << half;
            square[k + half] ^= swap;
        }
        half /= 2;
        mask ^= mask << half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_a_bit_where_an_element_is_not_zero_by_rows_and_by_columns() {
        // A pattern without symmetry, ragged in both directions.
        let element = |i: usize, k: usize| f32::from(u8::from((7 * i + 3 * k * k) % 5 == 1));
        for (rows, ks) in [(1, 1), (3, 128), (128, 5), (65, 67), (128, 128)] {
            let by_rows: Vec<Vec<f32>> = (0..rows)
                .map(|i| (0..ks).map(|k| element(i, k)).collect())
                .collect();
            let by_columns: Vec<Vec<f32>> = (0..ks)
                .map(|k| (0..rows).map(|i| element(i, k)).collect())
                .collect();
            let mut masks = [vec![[u64::MAX; WORDS]; rows], vec![[u64::MAX; WORDS]; rows]];
            let row_lines: Vec<&[f32]> = by_rows.iter().map(Vec::as_slice).collect();
            let column_lines: Vec<&[f32]> = by_columns.iter().map(Vec::as_slice).collect();
            find_in_rows(&row_lines, &mut masks[0]);
            find_in_columns(&column_lines, &mut masks[1]);
            for i in 0..rows {
                for k in 0..BLOCK {
                    let expected = k < ks && element(i, k) != 0.0;
                    for masks in &masks {
                        let bit = masks[i][k / 64] >> (k % 64) & 1 == 1;
                        assert_eq!(bit, expected, "row {i}, k {k} of ({rows}, {ks})");
                    }
                }
            }
        }
    }
}
