//! The choice of the instruction set, once the program runs.

use super::{Float, product::fma};

/// A computation that is compiled for every instruction set. Implementations mark `run`, and all that
/// it calls, `inline(always)`: a function of its own would be compiled for the least processor of the
/// target, and so may be the closures that an iterator is given. Hence the plain loops.
pub(super) trait Kernel {
    type Output;

    /// A tile of 6 rows by `WIDE` columns of `f32` fits the registers. `HALF` is for the last
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
impl<F: Float> Register<F> for [F; LANES] {
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

/// Rows for columns, in plain Rust.
#[inline(always)]
pub(super) fn transpose<F: Copy>(square: [&[F; SIDE]; SIDE]) -> [[F; SIDE]; SIDE] {
    let mut transposed = [[square[0][0]; SIDE]; SIDE];
    for k in 0..SIDE {
        for s in 0..SIDE {
            transposed[k][s] = square[s][k];
        }
    }
    transposed
}

/// Rows and columns of a square that is transposed in registers.
pub(super) const SIDE: usize = 8;

/// Numbers of a [`Register`], and elements that are compared with zero at a time.
pub(super) const LANES: usize = 16;

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
        Self::available()
            .next()
            .expect("one is for every processor")
    }

    /// All that this processor has, the widest first.
    pub(super) fn available() -> impl Iterator<Item = Self> {
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
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
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
    pub(super) fn name(self) -> &'static str {
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
    pub(super) fn fused(self) -> bool {
        match self {
            Self::Portable => Portable::FMA,
            #[cfg(target_arch = "x86_64")]
            _ => true,
        }
    }
}

/// See [`super::prefetch`]; does nothing where there is no stable way to say it.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) fn prefetch<T>(elements: &[T]) {
    const LINE: usize = 64;
    for line in elements.chunks(LINE / size_of::<T>()) {
        // SAFETY: a hint, which reads nothing and cannot fault; every x86-64 has SSE.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = line;
    }
}

/// See [`super::prefer_huge_pages`]; does nothing where there is no such advice.
#[allow(unsafe_code)]
pub(super) fn prefer_huge_pages<T>(elements: &[T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 2 << 20;
        let all = elements.as_ptr_range();
        let start = (all.start as usize).next_multiple_of(PAGE);
        let end = all.end as usize / PAGE * PAGE;
        if start < end {
            for advice in [libc::MADV_HUGEPAGE, libc::MADV_COLLAPSE] {
                // SAFETY: the pages belong to `elements`; the advice changes where they lie, not what
                // they hold. A system that does not know it says so, and nothing is lost.
                unsafe { libc::madvise(start as *mut libc::c_void, end - start, advice) };
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = elements;
}

/// Whatever the target has at the least: SSE2, NEON.
struct Portable;

impl Instructions for Portable {
    const FMA: bool = cfg!(target_arch = "aarch64");

    type Register = [f32; LANES];

    #[inline(always)]
    fn not_zero(elements: &[f32; LANES]) -> u64 {
        let mut flags = [0_u8; LANES];
        for (flag, v) in flags.iter_mut().zip(elements) {
            *flag = u8::from(*v != 0.0);
        }
        let mut mask = 0;
        for (byte, flags) in flags.as_chunks::<8>().0.iter().enumerate() {
            // Eight bytes of 0 or 1, each moved to its place in one.
            let mut bits = u64::from_le_bytes(*flags);
            bits |= bits >> 7;
            bits |= bits >> 14;
            bits |= bits >> 28;
            mask |= (bits & 0xff) << (8 * byte);
        }
        mask
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _CMP_NEQ_UQ, _mm_loadu_ps, _mm256_castps128_ps256, _mm256_cmp_ps,
        _mm256_fmadd_ps, _mm256_insertf128_ps, _mm256_loadu_ps, _mm256_movemask_ps, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    use super::{Instructions, Kernel, LANES, Register, SIDE};
    use crate::linalg::product::copy;

    /// 32 registers of 16 `f32`: a tile of 6 × 32 sums takes 12 of them.
    #[target_feature(enable = "avx512f,avx2,fma,bmi1,bmi2")]
    pub(super) fn avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx512, 32, 16>()
    }

    /// 16 registers of 8 `f32`: a tile of 6 × 16 sums takes 12 of them.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx2, 16, 8>()
    }

    /// See [`Instructions::transpose`]; LLVM makes single moves of plain loops.
    ///
    /// # Safety
    ///
    /// The processor has AVX.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn transpose(square: [&[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
        let mut transposed = [[0.0; SIDE]; SIDE];
        // Four columns at a time.
        for k in [0, 4] {
            // SAFETY: AVX as the caller promises; 4 elements are read of 8 from 0 or 4 on, 8 are written of 8.
            unsafe {
                // Of the rows s and s + 4.
                let pair = |s: usize| {
                    let [low, high] = [s, s + 4].map(|s| _mm_loadu_ps(square[s][k..].as_ptr()));
                    _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
                };
                let [a, b, c, d] = [pair(0), pair(1), pair(2), pair(3)];
                let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
                _mm256_storeu_ps(
                    transposed[k].as_mut_ptr(),
                    _mm256_shuffle_ps::<0x44>(ab, cd),
                );
                _mm256_storeu_ps(
                    transposed[k + 1].as_mut_ptr(),
                    _mm256_shuffle_ps::<0xee>(ab, cd),
                );
                let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
                _mm256_storeu_ps(
                    transposed[k + 2].as_mut_ptr(),
                    _mm256_shuffle_ps::<0x44>(ab, cd),
                );
                _mm256_storeu_ps(
                    transposed[k + 3].as_mut_ptr(),
                    _mm256_shuffle_ps::<0xee>(ab, cd),
                );
            }
        }
        transposed
    }

    /// Named in [`avx512`] alone.
    struct Avx512;

    /// Made by [`Avx512`] alone.
    #[derive(Clone, Copy)]
    pub(super) struct Zmm(__m512);

    // SAFETY of all `unsafe` below: the caller runs inside of `avx512`; as many elements are read or written as
    // there are, of a part by a mask that has no more bits than the part has elements.
    #[allow(unsafe_code)]
    impl Register<f32> for Zmm {
        #[inline(always)]
        fn zero() -> Self {
            Self(unsafe { _mm512_setzero_ps() })
        }

        #[inline(always)]
        fn load(from: &[f32; LANES]) -> Self {
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn load_some(from: &[f32]) -> Self {
            Self(unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn store_some(self, to: &mut [f32]) {
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), self.0) }
        }

        #[inline(always)]
        fn add_product<I: Instructions>(self, a: f32, b: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(_mm512_set1_ps(a), b.0, self.0) })
        }
    }

    /// A bit for each of the first lanes.
    #[inline(always)]
    fn first(lanes: usize) -> u16 {
        ((1_u32 << lanes.min(LANES)) - 1) as u16
    }

    impl Instructions for Avx512 {
        const FMA: bool = true;

        type Register = Zmm;

        #[inline(always)]
        #[allow(unsafe_code)]
        fn transpose(square: [&[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
            // SAFETY: the caller runs inside of `avx512`.
            unsafe { transpose(square) }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        fn not_zero(elements: &[f32; LANES]) -> u64 {
            // SAFETY: the caller runs inside of `avx512`, and 16 elements are read of 16.
            unsafe {
                let elements = _mm512_loadu_ps(elements.as_ptr());
                _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(elements, _mm512_setzero_ps()).into()
            }
        }
    }

    /// Named in [`avx2`] alone.
    struct Avx2;

    /// Made by [`Avx2`] alone.
    #[derive(Clone, Copy)]
    pub(super) struct TwoYmm(__m256, __m256);

    // SAFETY of all `unsafe` below: the caller runs inside of `avx2`, and 8 elements are read or written of 16,
    // from the first or the ninth on.
    #[allow(unsafe_code)]
    impl Register<f32> for TwoYmm {
        #[inline(always)]
        fn zero() -> Self {
            let zero = unsafe { _mm256_setzero_ps() };
            Self(zero, zero)
        }

        #[inline(always)]
        fn load(from: &[f32; LANES]) -> Self {
            let half = |first: usize| unsafe { _mm256_loadu_ps(from[first..].as_ptr()) };
            Self(half(0), half(8))
        }

        #[inline(always)]
        fn load_some(from: &[f32]) -> Self {
            let mut all = [0.0; LANES];
            copy(from, &mut all[..from.len()]);
            Self::load(&all)
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; LANES]) {
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), self.0);
                _mm256_storeu_ps(to[8..].as_mut_ptr(), self.1);
            }
        }

        #[inline(always)]
        fn store_some(self, to: &mut [f32]) {
            let mut all = [0.0; LANES];
            self.store(&mut all);
            copy(&all[..to.len()], to);
        }

        #[inline(always)]
        fn add_product<I: Instructions>(self, a: f32, b: Self) -> Self {
            unsafe {
                let a = _mm256_set1_ps(a);
                Self(
                    _mm256_fmadd_ps(a, b.0, self.0),
                    _mm256_fmadd_ps(a, b.1, self.1),
                )
            }
        }
    }

    impl Instructions for Avx2 {
        const FMA: bool = true;

        type Register = TwoYmm;

        #[inline(always)]
        #[allow(unsafe_code)]
        fn transpose(square: [&[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
            // SAFETY: the caller runs inside of `avx2`.
            unsafe { transpose(square) }
        }

        #[inline(always)]
        #[allow(unsafe_code)]
        fn not_zero(elements: &[f32; LANES]) -> u64 {
            let (halves, _) = elements.as_chunks::<8>();
            // SAFETY: the caller runs inside of `avx2`, and 8 elements are read of each 8.
            let bits = |half: &[f32; 8]| unsafe {
                let unequal = _mm256_cmp_ps::<_CMP_NEQ_UQ>(
                    _mm256_loadu_ps(half.as_ptr()),
                    _mm256_setzero_ps(),
                );
                _mm256_movemask_ps(unequal) as u64
            };
            bits(&halves[0]) | bits(&halves[1]) << 8
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
