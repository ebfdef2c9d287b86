//! Instruction sets: what a kernel may do with each, and the choice of one once the program runs.

mod copy;
mod kernel;
mod portable;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use copy::{fill, spill};
pub use kernel::{Instructions, Kernel, LANES, Register, SIDE, TILE, fma};
use portable::Portable;
pub use scalar::Scalar;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug)]
pub enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(Detected),
    #[cfg(target_arch = "x86_64")]
    Avx2(Detected),
    Portable,
}

/// Proof that the processor was asked.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub struct Detected(());

impl Set {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        Self::available()
            .next()
            .expect("one is for every processor")
    }

    /// All that this processor has, the widest first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let bmi = is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
            let avx512 = avx2 && bmi && is_x86_feature_detected!("avx512f");
            [
                avx512.then_some(Self::Avx512(Detected(()))),
                avx2.then_some(Self::Avx2(Detected(()))),
            ]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide = [];
        wide.into_iter().flatten().chain([Self::Portable])
    }

    /// Runs a kernel with these instructions.
    #[allow(unsafe_code)]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: only `available` makes a `Detected`, once the processor was found to have these.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(Detected(())) => unsafe { x86::avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Detected(())) => unsafe { x86::avx2(kernel) },
            Self::Portable => kernel.run::<Portable, 8, 8>(),
        }
    }

    /// As processors' manuals call them.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2 and FMA",
            Self::Portable => "portable",
        }
    }

    /// Whether a multiply-add is fused.
    #[cfg(test)]
    pub fn fused(self) -> bool {
        match self {
            Self::Portable => Portable::FMA,
            #[cfg(target_arch = "x86_64")]
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Transpose<'a>([&'a [f32; SIDE]; SIDE]);

    impl Kernel for Transpose<'_> {
        type Output = [[f32; SIDE]; SIDE];

        #[inline(always)]
        fn run<I: Instructions, const W: usize, const H: usize>(self) -> Self::Output {
            I::transpose(self.0)
        }
    }

    #[test]
    fn a_square_is_transposed_with_every_instruction_set() {
        let number = |r: usize, c: usize| (SIDE * r + c) as f32;
        let square: [_; SIDE] =
            std::array::from_fn(|r| std::array::from_fn::<_, SIDE, _>(|c| number(r, c)));
        for set in Set::available() {
            let transposed = set.run(Transpose(square.each_ref()));
            for (r, row) in transposed.iter().enumerate() {
                for (c, found) in row.iter().enumerate() {
                    assert_eq!(*found, number(c, r), "row {r}, column {c}, {set:?}");
                }
            }
        }
    }
}
