//! The numbers that kernels compute with.

use ndarray::NdFloat;

use super::kernel::{Instructions, LANES, Register, SIDE, transpose};

/// What a kernel needs of its numbers beyond arithmetic.
pub trait Scalar: NdFloat {
    /// `LANES` of them in registers.
    type Register<I: Instructions>: Register<Self>;

    /// A byte as a number, exactly.
    fn from_byte(byte: u8) -> Self;

    /// A bit for each element, the first in the lowest: whether it is not zero.
    fn not_zero<I: Instructions>(elements: &[Self; LANES]) -> u64;

    /// Rows for columns.
    fn transpose<I: Instructions>(square: [&[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE];
}

/// What networks are trained in: the instructions know it.
impl Scalar for f32 {
    type Register<I: Instructions> = I::Register;

    #[inline(always)]
    fn from_byte(byte: u8) -> Self {
        byte.into()
    }

    #[inline(always)]
    fn not_zero<I: Instructions>(elements: &[Self; LANES]) -> u64 {
        I::not_zero(elements)
    }

    #[inline(always)]
    fn transpose<I: Instructions>(square: [&[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE] {
        I::transpose(square)
    }
}

/// What they are checked in: plain Rust serves.
impl Scalar for f64 {
    type Register<I: Instructions> = [f64; LANES];

    #[inline(always)]
    fn from_byte(byte: u8) -> Self {
        byte.into()
    }

    #[inline(always)]
    fn not_zero<I: Instructions>(elements: &[Self; LANES]) -> u64 {
        let bits = elements.iter().enumerate();
        bits.fold(0, |mask, (k, v)| mask | u64::from(*v != 0.0) << k)
    }

    #[inline(always)]
    fn transpose<I: Instructions>(square: [&[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE] {
        transpose(square)
    }
}
