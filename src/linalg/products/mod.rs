//! The matrix product: the choice among the ways to go through it.

mod by_columns;
mod by_rows;
mod dense;
mod factors;
mod masks;
mod pack;
mod scratch;
mod zeros;

use std::cell::RefCell;

use crate::linalg::instructions::{Instructions, Kernel, Scalar, Set};
pub use dense::InRegisters;
use factors::sizes;
pub use factors::{Left, Product, Right};
use scratch::Scratch;
use zeros::Zeros;

/// Numbers that can be multiplied.
pub trait Multiply: Scalar {
    /// The product with these instructions. Not generic, so that it is compiled once, in this crate.
    fn multiply(set: Set, product: Product<'_, Self>);
}

macro_rules! multiply {
    ($float:ty) => {
        impl Multiply for $float {
            fn multiply(set: Set, product: Product<'_, Self>) {
                thread_local!(static SCRATCH: RefCell<Scratch<$float>> = RefCell::new(Scratch::new()));
                SCRATCH.with_borrow_mut(|scratch| set.run(WithScratch(product, scratch)));
            }
        }
    };
}
multiply!(f32);
multiply!(f64);

/// A product, with the scratch of the thread that computes it.
struct WithScratch<'a, F>(Product<'a, F>, &'a mut Scratch<F>);

impl<F: Scalar> Kernel for WithScratch<'_, F> {
    type Output = ();

    /// Goes through all of a, or only through what is not zero, whichever is less work.
    #[inline(always)]
    fn run<I: Instructions, const WIDE: usize, const HALF: usize>(self) {
        let Self(product, scratch) = self;
        let (m, _, n) = sizes(product.a, product.b);
        let enough_rows = matches!(product.b, Right::Rows(_)) || m >= ROWS_TO_TRANSPOSE_FOR;
        let share = match product.a {
            _ if n > HALF => (2, 5),
            // With one register of sums each multiply-add waits for the one before: few left out are little won.
            Left::Rows(_) => (3, 4),
            // But six columns at a time need no tiles.
            Left::Columns(_) => (0, 1),
        };
        let zeros = Zeros::judge(product.a);
        if enough_rows && zeros.exceed(share) {
            leave_out_zeros::<F, I, WIDE>(product, zeros.cluster(), scratch);
        } else {
            dense::product::<F, I, WIDE, HALF>(product, scratch);
        }
    }
}

/// Rows of c from which on it pays to transpose b, so that zeros of a can be left out.
const ROWS_TO_TRANSPOSE_FOR: usize = 24;

/// Goes through what is not zero in a, whose zeros may `cluster`.
#[inline(always)]
fn leave_out_zeros<F: Scalar, I: Instructions, const WIDE: usize>(
    product: Product<'_, F>,
    cluster: bool,
    scratch: &mut Scratch<F>,
) {
    let Product { a, b, c, add } = product;
    // With half as many registers a few rows of b do not stay in them: slower than row by row.
    let many_registers = WIDE >= 32;
    match (a, b) {
        (Left::Columns(x), Right::Rows(b)) => {
            by_columns::sum_over_rows::<F, I, WIDE>(x, b, c, add, cluster, scratch);
        }
        (Left::Rows(x), Right::Rows(b)) if cluster && many_registers => {
            by_columns::sum_over_columns::<F, I>(x, b, c, add, scratch);
        }
        (Left::Rows(a), b) => by_rows::product::<F, I, WIDE>(a, b, c, add, scratch),
        (Left::Columns(_), Right::Columns(_)) => unreachable!("a or b has contiguous rows"),
    }
}
