//! How good a network is that tells one class from the rest, whatever the threshold.

/// What comes of calling every image positive whose probability is above a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The threshold.
    pub threshold: f64,
    /// Of the images that are called positive, the share that is; none if none is called so.
    pub precision: Option<f64>,
    /// Of the images that are positive, the share that is called so; none if there are none.
    pub recall: Option<f64>,
    /// The share of all images that is called what it is.
    pub accuracy: f64,
}

impl Threshold {
    /// F1 = 2·precision·recall / (precision + recall); none if either is, or both are 0.
    pub fn f1(&self) -> Option<f64> {
        let (precision, recall) = (self.precision?, self.recall?);
        let sum = precision + recall;
        (sum > 0.0).then(|| 2.0 * precision * recall / sum)
    }

    /// Of images with these probabilities of class 1 and these labels, 0 or 1. Panics if there are none.
    pub fn of(threshold: f64, probabilities: &[f32], labels: &[u8]) -> Self {
        assert_eq!(probabilities.len(), labels.len(), "images against labels");
        assert!(!labels.is_empty(), "nothing to evaluate on");
        // By what an image is and what it is called.
        let mut counts = [[0_usize; 2]; 2];
        for (&p, &label) in probabilities.iter().zip(labels) {
            let called = f64::from(p) > threshold;
            counts[usize::from(label)][usize::from(called)] += 1;
        }
        let [[no, false_alarm], [missed, found]] = counts;
        let share = |part: usize, all: usize| (all > 0).then(|| part as f64 / all as f64);
        Self {
            threshold,
            precision: share(found, found + false_alarm),
            recall: share(found, found + missed),
            accuracy: (no + found) as f64 / labels.len() as f64,
        }
    }
}

/// The area under the ROC curve: the probability that a positive image has a higher probability than one that is
/// not, where equal ones count half. None unless there are images of both kinds.
///
/// With the ranks r of all probabilities, n₁ of them positive: (Σ r − n₁·(n₁ + 1)/2) / (n₁·n₀), over the positive
/// ones.
///
/// Source: J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic
/// (ROC) curve", 1982.
pub fn area_under_roc(probabilities: &[f32], labels: &[u8]) -> Option<f64> {
    assert_eq!(probabilities.len(), labels.len(), "images against labels");
    let mut order: Vec<_> = (0..labels.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let positive = labels.iter().filter(|&&label| label == 1).count();
    let others = labels.len() - positive;
    if positive == 0 || others == 0 {
        return None;
    }
    let (mut ranks, mut first) = (0.0, 0);
    for tied in order.chunk_by(|&a, &b| probabilities[a] == probabilities[b]) {
        // Equals share the mean of their ranks, which begin at 1.
        let rank = first as f64 + (tied.len() as f64 + 1.0) / 2.0;
        let ones = tied.iter().filter(|&&image| labels[image] == 1).count();
        ranks += rank * ones as f64;
        first += tied.len();
    }
    let n = positive as f64;
    Some((ranks - n * (n + 1.0) / 2.0) / (n * others as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f32; 6] = [0.9, 0.8, 0.6, 0.6, 0.3, 0.1];
    const LABELS: [u8; 6] = [1, 0, 1, 0, 1, 0];

    #[test]
    fn precision_and_recall_are_shares_of_what_is_called_and_of_what_is() {
        let at = |threshold| Threshold::of(threshold, &P, &LABELS);
        let half = at(0.5);
        assert_eq!((half.precision, half.recall), (Some(0.5), Some(2.0 / 3.0)));
        assert_eq!(half.accuracy, 0.5);
        assert!((half.f1().unwrap() - 4.0 / 7.0).abs() < 1e-12);
        let none = at(0.95);
        assert_eq!(
            (none.precision, none.recall, none.f1()),
            (None, Some(0.0), None)
        );
        assert_eq!(none.accuracy, 0.5, "what always no would score");
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_the_right_order() {
        let mut pairs = 0.0;
        for (a, la) in P.iter().zip(LABELS).filter(|(_, l)| *l == 1) {
            for (b, _) in P.iter().zip(LABELS).filter(|(_, l)| *l == 0) {
                let _ = la;
                pairs += match a.total_cmp(b) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        let area = area_under_roc(&P, &LABELS).unwrap();
        assert!((area - pairs / 9.0).abs() < 1e-12, "{area}");
        assert_eq!(area_under_roc(&P, &[1; 6]), None);
    }
}
