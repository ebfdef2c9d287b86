//! What a kernel is, and the words that it may use.

use ndarray::NdFloat;

/// Rows and columns of a square that is transposed in registers.
pub const SIDE: usize = 8;

/// Numbers of a [`Register`], and elements that are compared with zero at a time.
pub const LANES: usize = 16;

/// Rows of a tile of sums.
pub const TILE: usize = 6;

/// A computation that is compiled for every instruction set. Implementations mark `run`, and all that
/// it calls, `inline(always)`: a function of its own would be compiled for the least processor of the
/// target, and so may be the closures that an iterator is given. Hence the plain loops.
pub trait Kernel {
    type Output;

    /// A tile of [`TILE`] rows by `WIDE` columns of `f32` fits the registers. `HALF` is for the last
    /// columns of a matrix.
    fn run<I: Instructions, const WIDE: usize, const HALF: usize>(self) -> Self::Output;
}

/// What plain Rust has no words for, or none that become good vector code.
pub trait Instructions {
    /// Whether a multiply-add may be fused: whether there is an instruction for it.
    const FMA: bool;

    /// `LANES` numbers in registers.
    type Register: Register<f32>;

    /// A bit for each element, the first in the lowest: whether it is not zero.
    fn not_zero(elements: &[f32; LANES]) -> u64;

    /// Rows for columns.
    #[inline(always)]
    fn transpose(square: [&[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
        transpose(square)
    }
}

/// `LANES` numbers, in as many registers as they take. An array of them is the same to whoever reads it, but not
/// always to the compiler: it may leave the array in memory, and then a product takes twenty times as long.
pub trait Register<F>: Copy {
    fn zero() -> Self;

    fn load(from: &[F; LANES]) -> Self;

    /// Of as many as there are, fewer than `LANES`, and then zeros.
    fn load_some(from: &[F]) -> Self;

    fn store(self, to: &mut [F; LANES]);

    /// The first, as many as there is room for: fewer than `LANES`.
    fn store_some(self, to: &mut [F]);

    /// a·b + self, rounded once where there is an instruction for it.
    fn add_product<I: Instructions>(self, a: F, b: Self) -> Self;
}

/// In plain Rust.
impl<F: NdFloat> Register<F> for [F; LANES] {
    #[inline(always)]
    fn zero() -> Self {
        [F::zero(); LANES]
    }

    #[inline(always)]
    fn load(from: &[F; LANES]) -> Self {
        *from
    }

    #[inline(always)]
    fn load_some(from: &[F]) -> Self {
        let mut part = Self::zero();
        part[..from.len()].copy_from_slice(from);
        part
    }

    #[inline(always)]
    fn store(self, to: &mut [F; LANES]) {
        *to = self;
    }

    #[inline(always)]
    fn store_some(self, to: &mut [F]) {
        to.copy_from_slice(&self[..to.len()]);
    }

    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // over a fixed size: it becomes vector code
    fn add_product<I: Instructions>(mut self, a: F, b: Self) -> Self {
        for s in 0..LANES {
            self[s] = fma::<F, I>(a, b[s], self[s]);
        }
        self
    }
}

/// a·b + c, rounded once where there is an instruction for it.
#[inline(always)]
pub fn fma<F: NdFloat, I: Instructions>(a: F, b: F, c: F) -> F {
    match I::FMA {
        true => a.mul_add(b, c),
        false => a * b + c,
    }
}

/// Rows for columns, in plain Rust.
#[inline(always)]
pub fn transpose<F: Copy>(square: [&[F; SIDE]; SIDE]) -> [[F; SIDE]; SIDE] {
    let mut transposed = [[square[0][0]; SIDE]; SIDE];
    for k in 0..SIDE {
        for s in 0..SIDE {
            transposed[k][s] = square[s][k];
        }
    }
    transposed
}
