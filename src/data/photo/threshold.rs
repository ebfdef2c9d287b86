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

/// Measures the levels. Only pixels that `counts` tells to are taken for ink.
///
/// The paper's deviation is that of its darker half: 1.4826 times the median of what is above the median.
pub fn levels(amount: &Plane, counts: impl Fn(usize) -> bool) -> Levels {
    let values = &amount.values;
    // Light taken out exactly leaves half of the paper at 0, where `amount` cuts it off.
    let above = values.iter().copied().filter(|&v| v > 0.0);
    let paper = quantile(above, 0.5, 1.5).unwrap_or(0.0);
    let share = values.iter().filter(|&&v| v > 0.0).count() as f32 / values.len().max(1) as f32;
    // Where less than a quarter is above the paper, what is above is ink, not noise.
    let noise = if share < 0.25 { 0.0 } else { 1.4826 * paper };
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
        let levels = levels(&plane, |_| true);
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
        assert_eq!(levels(&plane, |_| true).peak, None);
    }
}
