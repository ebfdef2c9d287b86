//! Copies of a few elements, in whole registers.

/// Fills a row of a tile or panel from a row of a matrix, as far as it reaches.
#[inline(always)]
pub fn fill<F: Copy, const W: usize>(row: &mut [F; W], from: &[F]) {
    match from.first_chunk::<W>() {
        Some(from) => *row = *from,
        None => copy(from, &mut row[..from.len()]),
    }
}

/// The reverse of [`fill`].
#[inline(always)]
pub fn spill<F: Copy, const W: usize>(row: &[F; W], to: &mut [F]) {
    match to.first_chunk_mut::<W>() {
        Some(to) => *to = *row,
        None => copy(&row[..to.len()], to),
    }
}

/// Copies fewer than 128 elements, in few steps: the last columns are too few to call a function for.
#[inline(always)]
pub fn copy<F: Copy>(mut from: &[F], mut to: &mut [F]) {
    macro_rules! step {
        ($($elements:literal),*) => {$(
            if let Some((first, rest)) = from.split_first_chunk::<$elements>() {
                let (place, others) = to.split_first_chunk_mut::<$elements>().expect("as many");
                *place = *first;
                (from, to) = (rest, others);
            }
        )*};
    }
    step!(64, 32, 16, 8, 4, 2, 1);
    debug_assert!(from.is_empty() && to.is_empty());
}
