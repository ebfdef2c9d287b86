//! What counts as ink.

use super::plane::{Plane, quantile};

/// The levels of a picture of ink.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// The standard deviation of the paper.
    pub noise: f32,
    /// No paper is above it: 4 standard deviations.
    pub floor: f32,
    /// The ink of a full stroke; none if nothing is above the floor.
    pub peak: Option<f32>,
}

impl Levels {
    /// What a stroke has somewhere.
    pub fn seed(&self) -> f32 {
        (0.5 * self.peak.unwrap_or(1.0)).max(self.floor)
    }

    /// What a stroke has everywhere.
    pub fn edge(&self) -> f32 {
        (0.2 * self.peak.unwrap_or(1.0)).max(self.floor)
    }
}

/// Measures the levels of ink on paper of this standard deviation. Only pixels that `counts` tells to are taken for
/// ink. The peak is what three of four pixels above the floor are below.
pub fn levels(amount: &Plane, noise: f32, counts: impl Fn(usize) -> bool) -> Levels {
    let values = &amount.values;
    let floor = (4.0 * noise).max(0.035);
    let ink = values.iter().enumerate();
    let ink = ink.filter(|&(i, &v)| v > floor && counts(i));
    let peak = quantile(ink.map(|(_, &v)| v), 0.75, 1.5);
    Levels { noise, floor, peak }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_stroke_and_not_the_noise_is_ink() {
        let values = (0..1000).map(|i| match i % 10 {
            0 => 0.8,
            n if n % 2 == 0 => 0.01,
            _ => 0.0,
        });
        let plane = Plane {
            rows: 10,
            cols: 100,
            values: values.collect(),
        };
        let levels = levels(&plane, 0.01, |_| true);
        assert!((levels.seed() - 0.4).abs() < 0.01, "{levels:?}");
        assert!(levels.floor < 0.1 && levels.edge() > levels.floor);
    }

    #[test]
    fn blank_paper_has_no_peak() {
        let plane = Plane {
            rows: 10,
            cols: 10,
            values: vec![0.0; 100],
        };
        assert_eq!(levels(&plane, 0.01, |_| true).peak, None);
    }
}
