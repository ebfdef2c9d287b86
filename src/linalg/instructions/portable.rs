//! Instructions that every processor of the target has, as the compiler makes them of plain Rust.

use super::kernel::{Instructions, LANES};

/// Whatever the target has at the least, SSE2 or NEON, and a fused multiply-add if `FUSED`.
pub struct Portable<const FUSED: bool>;

impl<const FUSED: bool> Instructions for Portable<FUSED> {
    const FMA: bool = FUSED;

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
