//! e^x and what is made of it, in arithmetic that is the same on every instruction set.
//!
//! The functions of the standard library are calls, one element at a time, and round as the system's
//! library does. These are a few sums, products and one quotient, without a branch, so that the compiler
//! makes vector code of a loop over them; and without a fused multiply-add, so that every processor
//! gives the same bits. For `f64`, which checks and does not train, and for logarithms, of which there is one an
//! image, the crate `libm` serves: its bits do not depend on the system either.

/// Functions of one number that a kernel may call.
pub trait Elementary {
    /// See [`exp`](crate::linalg::functions::exp).
    fn exponential(self) -> Self;

    /// See [`ln`](crate::linalg::functions::ln).
    fn logarithm(self) -> Self;

    /// See [`ln_1p`](crate::linalg::functions::ln_1p).
    fn logarithm_of_one_plus(self) -> Self;

    /// See [`tanh`](crate::linalg::functions::tanh).
    fn hyperbolic_tangent(self) -> Self;

    /// See [`sigmoid`](crate::linalg::functions::sigmoid).
    fn logistic(self) -> Self;
}

impl Elementary for f64 {
    fn exponential(self) -> Self {
        libm::exp(self)
    }

    fn logarithm(self) -> Self {
        libm::log(self)
    }

    fn logarithm_of_one_plus(self) -> Self {
        libm::log1p(self)
    }

    fn hyperbolic_tangent(self) -> Self {
        libm::tanh(self)
    }

    #[inline(always)]
    fn logistic(self) -> Self {
        // Of −|x|, which cannot overflow.
        let e = libm::exp(-self.abs());
        if self < 0.0 {
            e / (1.0 + e)
        } else {
            1.0 / (1.0 + e)
        }
    }
}

impl Elementary for f32 {
    /// e^x = 2^k·(1 + p)
    #[inline(always)]
    fn exponential(self) -> Self {
        const LEAST: f32 = -87.336_54; // below, e^x is no normal number, and such are slow
        const MOST: f32 = 89.0; // e^89 is beyond the largest number
        let (k, p) = exp(if self > MOST { MOST } else { self });
        // 2^k itself may be too large or too small for a float.
        let half = k >> 1;
        let e = (1.0 + p) * power_of_two(half) * power_of_two(k.wrapping_sub(half));
        if self < LEAST { 0.0 } else { e }
    }

    fn logarithm(self) -> Self {
        libm::logf(self)
    }

    fn logarithm_of_one_plus(self) -> Self {
        libm::log1pf(self)
    }

    /// tanh |x| = (e^2|x| − 1) / (e^2|x| − 1 + 2)
    #[inline(always)]
    fn hyperbolic_tangent(self) -> Self {
        const LAST: f32 = 9.1; // from here on tanh rounds to 1
        let x = self.abs();
        let (k, p) = exp(2.0 * if x > LAST { LAST } else { x });
        let power = power_of_two(k);
        // e^x − 1, without the loss of digits near 0.
        let e = power * p + (power - 1.0);
        (e / (e + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn logistic(self) -> Self {
        const LAST: f32 = 87.0; // e^-87 is a normal number still
        let x = self.abs();
        let (k, p) = exp(-if x > LAST { LAST } else { x });
        let power = power_of_two(k);
        let e = power * p + power;
        (if self < 0.0 { e } else { 1.0 }) / (1.0 + e)
    }
}

/// k and p with e^x = 2^k·(1 + p), for |x| up to 89.
///
/// k is x/ln 2 to the nearest integer, so the rest r = x − k·ln 2 is at most 0.35 and
/// p = e^r − 1 = r + r²/2! + r³/3! + …, of which the eighth term is below the last bit.
#[inline(always)]
fn exp(x: f32) -> (i32, f32) {
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
    let k = shifted.to_bits().wrapping_sub(TO_INTEGER.to_bits());
    (k.cast_signed(), p)
}

/// 2^k, for k from −126 to 127.
#[inline(always)]
fn power_of_two(k: i32) -> f32 {
    // The exponent of a float stands above 23 bits, and counts from −127.
    f32::from_bits(k.cast_unsigned().wrapping_add(127) << 23)
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
    fn powers_of_e_are_right_to_two_units_of_the_last_place_from_end_to_end() {
        let end = 88.722_83; // e^ of the next float is beyond the largest
        let normal = inputs().filter(|x| (-87.336_54..=end).contains(x));
        for x in normal.chain([-87.336_54, -86.7, 88.4, end]) {
            let exact = f64::from(x).exp();
            let ulp = f64::from((exact as f32).next_up()) - f64::from(exact as f32);
            let error = (f64::from(x.exponential()) - exact).abs() / ulp.min(2_f64.powi(104));
            assert!(error < 2.0, "e^{x}: {error} ulp");
        }
        for x in [-87.34, -100.0, -1e9, -1e38, f32::NEG_INFINITY] {
            assert_eq!(x.exponential(), 0.0, "{x}");
        }
        for x in [end.next_up(), 89.5, 1e9, f32::INFINITY] {
            assert_eq!(x.exponential(), f32::INFINITY, "{x}");
        }
        assert_eq!(
            (0.0_f32.exponential(), (-0.0_f32).exponential()),
            (1.0, 1.0)
        );
        assert!(f32::NAN.exponential().is_nan());
    }

    /// The standard library's functions may err themselves.
    #[test]
    fn what_libm_computes_is_near_what_the_standard_library_does() {
        let close = |found: f64, expected: f64, unit: f64| {
            (found - expected).abs() <= 2.0 * unit * expected.abs()
        };
        for x in inputs().step_by(7).map(f64::from) {
            let pairs = [
                (x.exponential(), x.exp()),
                (x.hyperbolic_tangent(), x.tanh()),
                (x.abs().logarithm(), x.abs().ln()),
                (x.abs().logarithm_of_one_plus(), x.abs().ln_1p()),
            ];
            for (found, expected) in pairs {
                assert!(
                    close(found, expected, f64::EPSILON),
                    "{x}: {found}, not {expected}"
                );
            }
            let narrow = x.abs() as f32;
            let pairs = [
                (narrow.logarithm(), f64::from(narrow).ln()),
                (narrow.logarithm_of_one_plus(), f64::from(narrow).ln_1p()),
            ];
            for (found, expected) in pairs {
                assert!(
                    close(found.into(), expected, f32::EPSILON.into()),
                    "{narrow}: {found}, not {expected}"
                );
            }
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
            let [mut e, mut y, mut z] = [(); 3].map(|()| Array2::zeros(x.dim()));
            set.run(Map {
                x: &x,
                y: &mut e,
                f: f32::exponential,
            });
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
            assert_eq!(e, x.mapv(f32::exponential), "e^x, {set:?}");
            assert_eq!(y, x.mapv(f32::hyperbolic_tangent), "tanh, {set:?}");
            assert_eq!(z, x.mapv(f32::logistic), "logistic, {set:?}");
        }
    }
}
