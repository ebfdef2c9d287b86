//! The choice of the instruction set, once the program runs.

/// A computation that is compiled for every instruction set. Implementations mark `run`, and all that
/// it calls, `inline(always)`: a function of its own would be compiled for the least processor of the
/// target, and so may be the closures that an iterator is given. Hence the plain loops.
pub(super) trait Kernel {
    type Output;

    /// `NR` columns of a tile of 6 rows, and `WIDE` columns of a single row, fit the registers. `FMA`
    /// says whether a multiply-add may be fused.
    fn run<const NR: usize, const WIDE: usize, const FMA: bool>(self) -> Self::Output;
}

/// The most columns of a single row, on any of the instruction sets.
pub(super) const WIDEST: usize = 128;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(Detected),
    #[cfg(target_arch = "x86_64")]
    Avx2(Detected),
    Portable,
}

/// Proof that the processor was asked.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Detected(());

impl Set {
    /// The widest that this processor has.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if fma && is_x86_feature_detected!("avx512f") {
                return Self::Avx512(Detected(()));
            }
            if fma {
                return Self::Avx2(Detected(()));
            }
        }
        Self::Portable
    }

    /// Runs a kernel with these instructions.
    #[allow(unsafe_code)]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: only `detect` makes a `Detected`, once the processor was found to have these.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(Detected(())) => unsafe { avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Detected(())) => unsafe { avx2(kernel) },
            Self::Portable => portable(kernel),
        }
    }
}

/// 32 registers of 16 `f32`: a tile of 6 × 32 sums takes 12 of them, 1 × 128 takes 8.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<32, WIDEST, true>()
}

/// 16 registers of 8 `f32`: a tile of 6 × 16 sums takes 12 of them, 1 × 64 takes 8.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<16, 64, true>()
}

/// Whatever the target has at the least: SSE2, NEON. Fused only where there is an instruction for it.
fn portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<8, 32, { cfg!(target_arch = "aarch64") }>()
}
