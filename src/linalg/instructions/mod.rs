//! Instruction sets: what a kernel may do with each, and the choice of one once the program runs.

mod copy;
mod kernel;
mod portable;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

pub use copy::{fill, spill};
pub use kernel::{Instructions, Kernel, LANES, Register, SIDE, TILE, fma};
use portable::Portable;
pub use scalar::Scalar;

/// The instruction sets that kernels are compiled for. All that fuse multiply-adds give the same bits.
#[derive(Clone, Copy, Debug)]
pub enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(Detected),
    #[cfg(target_arch = "x86_64")]
    Avx2(Detected),
    #[cfg(target_arch = "x86_64")]
    PortableWithFma(Detected),
    Portable,
}

/// What every processor of the target has.
type Least = Portable<{ cfg!(target_arch = "aarch64") }>;

/// The set that all kernels run with, once it is known.
static CHOSEN: OnceLock<Set> = OnceLock::new();

/// Proof that the processor was asked.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub struct Detected(());

impl Set {
    /// The one that was chosen, or else the widest that this processor has.
    #[inline]
    pub fn detect() -> Self {
        *CHOSEN.get_or_init(|| {
            Self::available()
                .next()
                .expect("one is for every processor")
        })
    }

    /// Has all kernels run with the set of this [`key`](Self::key). Panics if one has run already.
    pub fn choose(key: &str) -> Result<(), NoSuchInstructions> {
        let chosen = Self::available().find(|set| set.key() == key);
        let chosen = chosen.ok_or_else(|| NoSuchInstructions::new(key))?;
        CHOSEN
            .set(chosen)
            .expect("instructions are chosen before anything is computed");
        Ok(())
    }

    /// All that this processor has, the widest first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let fma = is_x86_feature_detected!("fma");
            let avx2 = fma && is_x86_feature_detected!("avx2");
            let bmi = is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
            let avx512 = avx2 && bmi && is_x86_feature_detected!("avx512f");
            [
                avx512.then_some(Self::Avx512(Detected(()))),
                avx2.then_some(Self::Avx2(Detected(()))),
                fma.then_some(Self::PortableWithFma(Detected(()))),
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
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::PortableWithFma(Detected(())) => unsafe { x86::portable(kernel) },
            Self::Portable => kernel.run::<Least, 8, 8>(),
        }
    }

    /// As processors' manuals call them.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2 and FMA",
            _ if self.fused() => "portable, with FMA",
            _ => "portable, without FMA",
        }
    }

    /// As a user names it. On a processor with FMA, `portable` fuses multiply-adds, too.
    fn key(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            _ => "portable",
        }
    }

    /// Whether a multiply-add is fused.
    pub fn fused(self) -> bool {
        match self {
            Self::Portable => Least::FMA,
            #[cfg(target_arch = "x86_64")]
            _ => true,
        }
    }
}

/// Instructions that do not exist, or not on this processor.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no instructions {wanted:?} here, expected one of: {}", available.join(", "))]
pub struct NoSuchInstructions {
    wanted: String,
    available: Vec<&'static str>,
}

impl NoSuchInstructions {
    fn new(wanted: &str) -> Self {
        let mut available: Vec<_> = Set::available().map(Set::key).collect();
        available.dedup();
        Self {
            wanted: wanted.into(),
            available,
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
    fn what_is_not_here_is_an_error_that_names_what_is() {
        let error = Set::choose("avx1024").unwrap_err().to_string();
        let (found, available) = error.split_once(", expected one of: ").unwrap();
        assert_eq!(found, "no instructions \"avx1024\" here");
        let ends = available.ends_with("portable") && !available.ends_with("portable, portable");
        assert!(ends, "{available}");
    }

    /// The first set of a key is the one that is chosen.
    #[test]
    fn portable_instructions_fuse_where_the_processor_can() {
        let first = |key: &str| Set::available().find(|set| set.key() == key);
        let portable = first("portable").expect("for every processor");
        assert_eq!(portable.fused(), Set::detect().fused(), "{portable:?}");
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
