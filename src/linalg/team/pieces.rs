//! How work is cut into pieces that a team shares.

/// Cuts work so that no piece is too long, and every thread gets as many.
#[derive(Clone, Copy)]
pub struct Pieces {
    pub(super) threads: usize,
}

impl Pieces {
    /// The length of pieces of `len`, at most `most` each.
    pub fn length(self, len: usize, most: usize) -> usize {
        len.div_ceil(len.div_ceil(most).next_multiple_of(self.threads))
    }

    /// Rows of the pieces of a matrix of this shape: few enough to stay in a cache while a thread goes through
    /// them several times, many enough to make up for handing them out.
    pub fn rows(self, (rows, columns): (usize, usize)) -> usize {
        const FEWEST: usize = 128;
        const ELEMENTS: usize = 48 << 10;
        self.length(rows, FEWEST.max(ELEMENTS / columns.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_gets_as_many_pieces_none_too_long() {
        for threads in [1, 2, 3, 8] {
            for (len, most) in [(784, 128), (512, 512), (10_000, 333), (1, 5)] {
                let length = Pieces { threads }.length(len, most);
                let pieces = len.div_ceil(length);
                assert!((1..=most).contains(&length), "{length} of {len}");
                assert!(
                    len < threads || pieces % threads == 0,
                    "{pieces} pieces for {threads} threads"
                );
            }
            assert!(Pieces { threads }.rows((784, 2500)) <= 128);
            assert_eq!(Pieces { threads: 1 }.rows((50, 10)), 50);
        }
    }
}
