//! AVX2 and AVX-512.

use std::arch::x86_64::{
    __m256, __m512, _CMP_NEQ_UQ, _mm_loadu_ps, _mm256_castps128_ps256, _mm256_cmp_ps,
    _mm256_fmadd_ps, _mm256_insertf128_ps, _mm256_loadu_ps, _mm256_movemask_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{
    copy::copy,
    kernel::{Instructions, Kernel, LANES, Register, SIDE},
    portable::Portable,
};

/// 32 registers of 16 `f32`: a tile of 6 × 32 sums takes 12 of them.
#[target_feature(enable = "avx512f,avx2,fma,bmi1,bmi2")]
pub fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512, 32, 16>()
}

/// 16 registers of 8 `f32`: a tile of 6 × 16 sums takes 12 of them.
#[target_feature(enable = "avx2,fma")]
pub fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2, 16, 8>()
}

/// What the compiler makes of plain Rust, with the bits of the sets above.
#[target_feature(enable = "fma")]
pub fn portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Portable<true>, 8, 8>()
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
pub struct Zmm(__m512);

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
pub struct TwoYmm(__m256, __m256);

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
            let unequal =
                _mm256_cmp_ps::<_CMP_NEQ_UQ>(_mm256_loadu_ps(half.as_ptr()), _mm256_setzero_ps());
            _mm256_movemask_ps(unequal) as u64
        };
        bits(&halves[0]) | bits(&halves[1]) << 8
    }
}
