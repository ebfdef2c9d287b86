//! e^x and what is made of it, in arithmetic that is the same on every instruction set.
//!
//! The functions of the standard library are calls, one element at a time, and round as the system's
//! library does. These are a few sums, products and one quotient, without a branch, so that the compiler
//! makes vector code of a loop over them; and without a fused multiply-add, so that every processor
//! gives the same bits. In `f64`, which checks and does not train, the standard library serves.

/// Functions of one number that a kernel may call.
pub trait Elementary {
    /// See [`tanh`](crate::linalg::tanh).
    fn hyperbolic_tangent(self) -> Self;

    /// See [`sigmoid`](crate::linalg::sigmoid).
    fn logistic(self) -> Self;
}

impl Elementary for f64 {
    #[inline(always)]
    fn hyperbolic_tangent(self) -> Self {
        self.tanh()
    }

    #[inline(always)]
    fn logistic(self) -> Self {
        // Of −|x|, which cannot overflow.
        let e = (-self.abs()).exp();
        if self < 0.0 {
            e / (1.0 + e)
        } else {
            1.0 / (1.0 + e)
        }
    }
}

impl Elementary for f32 {
    /// tanh |x| = (e^2|x| − 1) / (e^2|x| − 1 + 2)
    #[inline(always)]
    fn hyperbolic_tangent(self) -> Self {
        const LAST: f32 = 9.1; // from here on tanh rounds to 1
        let x = self.abs();
        let (power, p) = exp(2.0 * if x > LAST { LAST } else { x });
        // e^x − 1, without the loss of digits near 0.
        let e = power * p + (power - 1.0);
        (e / (e + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn logistic(self) -> Self {
        const LAST: f32 = 87.0; // e^-87 is a normal number still
        let x = self.abs();
        let (power, p) = exp(-if x > LAST { LAST } else { x });
        let e = power * p + power;
        (if self < 0.0 { e } else { 1.0 }) / (1.0 + e)
    }
}

/// 2^k and p with e^x = 2^k·(1 + p), for |x| up to 87.
///
/// k is x/ln 2 to the nearest integer, so the rest r = x − k·ln 2 is at most 0.35 and
/// p = e^r − 1 = r + r²/2! + r³/3! + …, of which the eighth term is below the last bit.
#[inline(always)]
fn exp(x: f32) -> (f32, f32) {
    // Added to a number below 2²², leaves its nearest integer in the lowest bits.
    const TO_INTEGER: f32 = 3.0 * (1 << 22) as f32;
    // ln 2 in two parts: k times the first, of few bits, is exact.
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    let shifted = x * std::f32::consts::LOG2_E + TO_INTEGER;
    let k = shifted - TO_INTEGER;
    let r = x - k * LN_2.0 - k * LN_2.1;
    let p = 1.0 / 720.0 + r * (1.0 / 5040.0);
    let p = 1.0 / 120.0 + r * p;
    let p = 1.0 / 24.0 + r * p;
    let p = 1.0 / 6.0 + r * p;
    let p = 0.5 + r * p;
    let p = r + r * r * p;
    // The exponent of a float stands above 23 bits, and counts from −127.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (power, p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{instructions::Set, kernels::Map};
    use ndarray::Array2;

    /// Inputs from tiny to beyond the ends, of both signs.
    fn inputs() -> impl Iterator<Item = f32> {
        let sizes = (0..200_000).map(|i| 10_f32.powf(-30.0 + 32.3 * i as f32 / 200_000.0));
        sizes.flat_map(|x| [x, -x])
    }

    /// The largest error in units of the last place of the exact value.
    fn worst(approximate: fn(f32) -> f32, exact: fn(f64) -> f64) -> (f64, f32) {
        let ulps = |x: f32| {
            let (exact, last) = (exact(x.into()), (exact(x.into()) as f32).abs());
            let ulp = f64::from(last.next_up()) - f64::from(last);
            (f64::from(approximate(x)) - exact).abs() / ulp
        };
        let errors = inputs().map(|x| (ulps(x), x));
        errors.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
    }

    #[test]
    fn both_are_right_to_a_few_units_of_the_last_place() {
        let (error, x) = worst(f32::hyperbolic_tangent, f64::tanh);
        assert!(error < 3.0, "tanh {x}: {error} ulp");
        // Below e^-87 the logistic function stands still.
        let logistic = |x: f64| 1.0 / (1.0 + (-x.max(-87.0)).exp());
        let (error, x) = worst(f32::logistic, logistic);
        assert!(error < 3.0, "logistic {x}: {error} ulp");
        for x in [-30.0, -1.0, 0.0, 1e-9, 2.0, 40.0_f64] {
            assert!(
                (x.logistic() - 1.0 / (1.0 + (-x).exp())).abs() < 1e-16,
                "{x}"
            );
        }
    }

    #[test]
    fn signs_ends_and_what_is_no_number_stay() {
        for x in inputs() {
            let y = x.hyperbolic_tangent();
            assert!(
                y.abs() <= 1.0 && y.is_sign_negative() == x.is_sign_negative(),
                "{x}: {y}"
            );
            assert!((0.0..=1.0).contains(&x.logistic()), "{x}");
        }
        assert_eq!(
            (-0.0_f32).hyperbolic_tangent().to_bits(),
            (-0.0_f32).to_bits()
        );
        assert_eq!(0.0_f32.logistic(), 0.5);
        assert_eq!(f32::NEG_INFINITY.hyperbolic_tangent(), -1.0);
        assert_eq!(f32::INFINITY.logistic(), 1.0);
        assert!(f32::NAN.hyperbolic_tangent().is_nan() && f32::NAN.logistic().is_nan());
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let mut some = inputs().skip(10_000).step_by(25);
        // Rows that end within a register.
        let x = Array2::from_shape_simple_fn((50, 311), || some.next().expect("many"));
        for set in Set::available() {
            let (mut y, mut z) = (Array2::zeros(x.dim()), Array2::zeros(x.dim()));
            set.run(Map {
                x: &x,
                y: &mut y,
                f: f32::hyperbolic_tangent,
            });
            set.run(Map {
                x: &x,
                y: &mut z,
                f: f32::logistic,
            });
            assert_eq!(y, x.mapv(f32::hyperbolic_tangent), "tanh, {set:?}");
            assert_eq!(z, x.mapv(f32::logistic), "logistic, {set:?}");
        }
    }
}
