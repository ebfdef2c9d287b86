//! Which of several configurations is the best, and which could be, from a few runs of each.

/// The lowest probability at which the best configuration stays among those that could be.
pub const CONFIDENCE: f64 = 0.95;

/// Whether a configuration could be the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouldBeBest {
    /// Its runs do not tell it from the one with the highest mean.
    Yes,
    /// Its mean is lower by more than chance explains.
    No,
    /// No configuration has two runs: nothing says how far runs are apart.
    Unknown,
}

/// Σ x / n. Panics without any x.
pub fn mean(x: &[f64]) -> f64 {
    assert!(!x.is_empty(), "a mean of nothing");
    x.iter().sum::<f64>() / x.len() as f64
}

/// √(Σ (x − mean)² / (n − 1)); none of a single x.
pub fn spread(x: &[f64]) -> Option<f64> {
    let n = x.len();
    (n > 1).then(|| {
        let mean = mean(x);
        let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
        (squares / (n - 1) as f64).sqrt()
    })
}

/// Which configurations could be the best: accuracies of the runs of each, and the place of the one with the highest
/// mean. An accuracy is a whole number k of so many `images` n.
///
/// They are compared as log odds, ln((k + ½)/(n − k + ½)): there, runs of 98 % and of 90 % spread alike, and no accuracy
/// is out of reach. One of K is told from the highest if one of two tests, one-sided, gives
/// p < (1 − [`CONFIDENCE`])/(K − 1)/2:
///
/// - [Student's](pooled), with the variance that all configurations have together. It finds out most from few runs.
/// - [Welch's](welch), with the variances of the two. One that is wild does not hide differences among the others.
///
/// The truly best one is left out only if one of the K − 1 others beats it by so much, and each of them does so with at
/// most that probability: so with the confidence of [`CONFIDENCE`] the best is among those that are left, although the
/// highest was chosen after looking.
///
/// Source: log odds with ½ are from D. R. Cox, "The analysis of binary data", 1970; the division by the number of tests is
/// Bonferroni's; that comparisons with the highest alone need no more is from J. C. Hsu, "Constrained simultaneous
/// confidence intervals for multiple comparisons with the best", 1984.
pub fn could_be_best(runs: &[&[f64]], highest: usize, images: usize) -> Vec<CouldBeBest> {
    let tests = 2 * runs.len().saturating_sub(1).max(1);
    let level = (1.0 - CONFIDENCE) / tests as f64;
    let odds: Vec<Vec<f64>> = runs.iter().map(|runs| log_odds(runs, images)).collect();
    // Runs that are equal by chance differ by less than an image: the variance of what is rounded to whole images.
    let p = share(mean(runs[highest]), images);
    let least = 1.0 / (12.0 * (images.max(1) as f64 * p * (1.0 - p)).powi(2));
    let (variance, degrees) = within(&odds);
    let variance = variance.max(least);
    let judge = |(place, these): (usize, &Vec<f64>)| {
        let best = &odds[highest];
        let found = [
            pooled(best, these, variance, degrees),
            welch(best, these, least),
        ];
        match found.into_iter().flatten().reduce(f64::min) {
            _ if place == highest && degrees > 0 => CouldBeBest::Yes,
            None => CouldBeBest::Unknown,
            Some(p) if p < level => CouldBeBest::No,
            Some(_) => CouldBeBest::Yes,
        }
    };
    odds.iter().enumerate().map(judge).collect()
}

/// (k + ½)/(n + 1), which is never 0 or 1.
fn share(accuracy: f64, images: usize) -> f64 {
    let n = images.max(1) as f64;
    (accuracy * n + 0.5) / (n + 1.0)
}

fn log_odds(accuracies: &[f64], images: usize) -> Vec<f64> {
    let of = |&accuracy: &f64| {
        let p = share(accuracy, images);
        libm::log(p / (1.0 - p))
    };
    accuracies.iter().map(of).collect()
}

/// The variance within the groups, Σ Σ (x − mean)² / Σ (n − 1), and its degrees of freedom Σ (n − 1).
fn within(groups: &[Vec<f64>]) -> (f64, usize) {
    let squares = groups
        .iter()
        .filter_map(|x| Some(spread(x)?.powi(2) * (x.len() - 1) as f64));
    let degrees = groups.iter().map(|x| x.len().saturating_sub(1)).sum();
    (squares.sum::<f64>() / (degrees as f64).max(1.0), degrees)
}

/// The probability that the mean of `a` is above that of `b` by as much as it is, or more, if both have the same
/// expectation and this variance, which is known with so many degrees of freedom; none if with none.
///
/// t = (mean a − mean b)/√(v/nₐ + v/n_b)
pub fn pooled(a: &[f64], b: &[f64], variance: f64, degrees: usize) -> Option<f64> {
    let of_means = variance * (1.0 / a.len() as f64 + 1.0 / b.len() as f64);
    let t = (mean(a) - mean(b)) / of_means.sqrt();
    (degrees > 0).then(|| student_above(t, degrees as f64))
}

/// The same, if each has a variance of its own, of at least `least`; none if one of them has a single run.
///
/// With the variances v of the means, t = (mean a − mean b)/√(vₐ + v_b) has Student's distribution with
/// (vₐ + v_b)² / (vₐ²/(nₐ − 1) + v_b²/(n_b − 1)) degrees of freedom.
///
/// Source: B. L. Welch, "The generalization of 'Student's' problem when several different population variances are
/// involved", 1947.
pub fn welch(a: &[f64], b: &[f64], least: f64) -> Option<f64> {
    let of_mean = |x: &[f64]| Some(spread(x)?.powi(2).max(least) / x.len() as f64);
    let (va, vb) = (of_mean(a)?, of_mean(b)?);
    let t = (mean(a) - mean(b)) / (va + vb).sqrt();
    let parts = va * va / (a.len() - 1) as f64 + vb * vb / (b.len() - 1) as f64;
    Some(student_above(t, (va + vb).powi(2) / parts))
}

/// The probability of more than t in Student's distribution with ν degrees of freedom:
/// I(ν/(ν + t²); ν/2, 1/2)/2 for t ≥ 0.
fn student_above(t: f64, nu: f64) -> f64 {
    let half = incomplete_beta(nu / (nu + t * t), nu / 2.0, 0.5) / 2.0;
    match t >= 0.0 {
        true => half,
        false => 1.0 - half,
    }
}

/// The regularised incomplete beta function I(x; a, b), 0 ≤ x ≤ 1, by its continued fraction.
///
/// Source: W. H. Press et al., "Numerical Recipes", 3rd edition, 6.4; evaluated by Lentz's method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let ln_gamma = libm::lgamma;
    let ln_front =
        ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let front = libm::exp(ln_front);
    // Where the fraction converges fast.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * fraction(x, a, b) / a,
        false => 1.0 - front * fraction(1.0 - x, b, a) / b,
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_0 = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut c, mut d) = (1.0, 1.0 / away_from_0(1.0 - (a + b) * x / (a + 1.0)));
    let mut product = d;
    for m in 1..1000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_0(1.0 + term * d);
            c = away_from_0(1.0 + term / c);
            change = c * d;
            product *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_distribution_is_that_of_the_tables() {
        // One-sided critical values.
        for (t, nu, p) in [
            (6.314, 1.0, 0.05),
            (2.920, 2.0, 0.05),
            (4.303, 2.0, 0.025),
            (2.776, 4.0, 0.025),
            (3.747, 4.0, 0.01),
            (1.697, 30.0, 0.05),
            (1.962, 1000.0, 0.025),
            (0.0, 5.0, 0.5),
            (-2.776, 4.0, 0.975),
        ] {
            let found = student_above(t, nu);
            assert!((found - p).abs() < 6e-5, "t {t}, {nu} degrees: {found}");
        }
        // In closed form for 2 degrees of freedom: (1 − t/√(2 + t²))/2.
        for t in [0.1_f64, 1.0, 9.0, 200.0] {
            let exact = (1.0 - t / (2.0 + t * t).sqrt()) / 2.0;
            assert!((student_above(t, 2.0) / exact - 1.0).abs() < 1e-6, "{t}");
        }
    }

    #[test]
    fn welch_has_its_degrees_of_freedom_from_both() {
        // v = 0.01/3 and 0.04/4; t = 1/√(0.01333…); ν = 4.61….
        let (a, b) = ([2.9, 3.0, 3.1], [1.8, 1.8, 2.2, 2.2]);
        let (va, vb) = (0.01_f64 / 3.0, 0.16 / 3.0 / 4.0);
        let t = 1.0 / (va + vb).sqrt();
        let nu = (va + vb).powi(2) / (va * va / 2.0 + vb * vb / 3.0);
        let p = welch(&a, &b, 1e-12).unwrap();
        assert!((p - student_above(t, nu)).abs() < 1e-12, "{p}");
        assert!((welch(&b, &a, 1e-12).unwrap() - (1.0 - p)).abs() < 1e-12);
        assert_eq!(welch(&a, &b[..1], 1e-12), None);
    }

    /// v = (2·0.01 + 3·0.16/3)/5 = 0.036; t = 1/√(0.036·7/12) = 6.90; 5 degrees of freedom.
    #[test]
    fn students_test_takes_the_variance_of_all() {
        let groups = [vec![2.9, 3.0, 3.1], vec![1.8, 1.8, 2.2, 2.2]];
        let (variance, degrees) = within(&groups);
        assert!(
            (variance - 0.036).abs() < 1e-12 && degrees == 5,
            "{variance}"
        );
        let p = pooled(&groups[0], &groups[1], variance, degrees).unwrap();
        let t = 1.0 / (0.036_f64 * 7.0 / 12.0).sqrt();
        assert!((p - student_above(t, 5.0)).abs() < 1e-12, "{p}");
        assert_eq!(pooled(&[1.0], &[2.0], 1.0, 0), None);
    }

    #[test]
    fn what_is_equal_by_chance_is_not_sure_beyond_an_image() {
        use CouldBeBest::{No, Yes};
        let of = |a: f64, b: f64| could_be_best(&[&[a; 2], &[b; 2]], 0, 100)[1];
        assert_eq!(
            [of(0.9, 0.9), of(0.91, 0.90), of(0.99, 0.50)],
            [Yes, Yes, No]
        );
    }

    /// Settings that are far worse, and unsteady on top, are told from steady ones with two runs.
    #[test]
    fn what_is_far_worse_and_wild_could_not_be_best() {
        use CouldBeBest::{No, Yes};
        let runs: [&[f64]; 4] = [
            &[0.9456, 0.9536],
            &[0.9343, 0.9411],
            &[0.3941, 0.3161],
            &[0.1901, 0.4609],
        ];
        assert_eq!(could_be_best(&runs, 0, 10_000), [Yes, Yes, No, No]);
    }

    /// One of the settings learns nothing with one of the seeds.
    #[test]
    fn one_that_is_wild_does_not_hide_differences_of_others() {
        use CouldBeBest::{No, Yes};
        let runs: [&[f64]; 3] = [
            &[0.980, 0.981, 0.979],
            &[0.971, 0.9708, 0.9712],
            &[0.098, 0.979, 0.9805],
        ];
        assert_eq!(could_be_best(&runs, 0, 10_000), [Yes, No, Yes]);
    }

    #[test]
    fn those_that_could_be_best_are_fewer_the_further_they_are_behind() {
        use CouldBeBest::{No, Unknown, Yes};
        let runs: [&[f64]; 4] = [
            &[0.980, 0.981, 0.979],
            &[0.9795, 0.9805, 0.9785],
            &[0.90, 0.901, 0.899],
            &[0.9805],
        ];
        assert_eq!(could_be_best(&runs, 0, 10_000), [Yes, Yes, No, Yes]);
        assert_eq!(could_be_best(&runs[..1], 0, 10_000), [Yes]);
        assert_eq!(could_be_best(&runs[3..], 0, 10_000), [Unknown]);
    }

    /// Equal configurations: the truly best, any of them, is left out in at most a twentieth of all sweeps.
    #[test]
    fn the_best_is_kept_as_often_as_is_said() {
        use crate::rng::{Purpose, generator};
        use ndarray_rand::rand::RngCore;
        let mut rng = generator(7, Purpose::Init);
        let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let (sweeps, mut left_out) = (2000, 0);
        for _ in 0..sweeps {
            let runs: Vec<Vec<f64>> = (0..6)
                .map(|_| (0..3).map(|_| 0.97 + 0.001 * normal()).collect())
                .collect();
            let runs: Vec<_> = runs.iter().map(Vec::as_slice).collect();
            let by_mean = |&a: &usize, &b: &usize| mean(runs[a]).total_cmp(&mean(runs[b]));
            let highest = (0..6).max_by(by_mean).unwrap();
            let could = could_be_best(&runs, highest, 1_000_000);
            left_out += usize::from(could[0] == CouldBeBest::No);
        }
        assert!(left_out * 20 <= sweeps, "{left_out} of {sweeps}");
    }
}
