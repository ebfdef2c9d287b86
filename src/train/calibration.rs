//! Whether a network is as sure as it is right: calibration, and images that it had better leave to others.

/// How sure a network is of an image, and whether it is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The probability of the class that it names, 0 to 1.
    pub confidence: f64,
    /// Whether that is the label.
    pub right: bool,
}

/// Bins of confidence.
pub const BINS: usize = 15;

/// The images whose confidence lies in one of [`BINS`] equal parts of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The end of the part below, which does not belong to it.
    pub above: f64,
    /// The end of the part above, which does.
    pub up_to: f64,
    /// How many images there are.
    pub images: usize,
    /// The mean confidence; none where there are no images.
    pub confidence: Option<f64>,
    /// The share of them that is right; none where there are no images.
    pub accuracy: Option<f64>,
}

/// The bins of some images. Bin i of n has those with i/n < confidence ≤ (i + 1)/n; the first has 0 too.
pub fn bins(answers: &[Answer]) -> [Bin; BINS] {
    let mut sums = [(0_usize, 0.0, 0_usize); BINS];
    for answer in answers {
        let place = (answer.confidence * BINS as f64).ceil() as usize;
        let (images, confidence, right) = &mut sums[place.clamp(1, BINS) - 1];
        *images += 1;
        *confidence += answer.confidence;
        *right += usize::from(answer.right);
    }
    let end = |i: usize| i as f64 / BINS as f64;
    std::array::from_fn(|i| {
        let (images, confidence, right) = sums[i];
        let mean = |sum: f64| (images > 0).then(|| sum / images as f64);
        Bin {
            above: end(i),
            up_to: end(i + 1),
            images,
            confidence: mean(confidence),
            accuracy: mean(right as f64),
        }
    })
}

/// The expected calibration error: Σ over bins of (images in it / all images)·|accuracy − mean confidence|. 0 if there
/// are no images.
///
/// Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", 2017, with 15 bins
/// as there.
pub fn expected_error(bins: &[Bin]) -> f64 {
    let all: usize = bins.iter().map(|bin| bin.images).sum();
    let gap = |bin: &Bin| {
        let gap = (bin.accuracy? - bin.confidence?).abs();
        Some(bin.images as f64 * gap)
    };
    bins.iter().filter_map(gap).sum::<f64>() / all.max(1) as f64
}

/// The lowest confidence such that, of the images with at least as much, this share is right. None if there is no
/// such confidence.
pub fn threshold(answers: &[Answer], accuracy: f64) -> Option<f64> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (mut kept, mut right, mut found) = (0, 0, None);
    // Images of the same confidence are kept or rejected together.
    for tied in sorted.chunk_by(|a, b| a.confidence == b.confidence) {
        kept += tied.len();
        right += tied.iter().filter(|answer| answer.right).count();
        if right as f64 >= accuracy * kept as f64 {
            found = Some(tied[0].confidence);
        }
    }
    found
}

/// What comes of rejecting the images with a confidence below a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// All images.
    pub images: usize,
    /// Those that are kept.
    pub kept: usize,
    /// Those of them that are right.
    pub right: usize,
    /// Those that are rejected, and would have been right.
    pub rejected_right: usize,
}

impl Kept {
    /// Of these images, at this threshold.
    pub fn of(answers: &[Answer], threshold: f64) -> Self {
        let (kept, rejected): (Vec<_>, Vec<_>) = answers
            .iter()
            .partition(|answer| answer.confidence >= threshold);
        let right = |answers: &[&Answer]| answers.iter().filter(|answer| answer.right).count();
        Self {
            images: answers.len(),
            kept: kept.len(),
            right: right(&kept),
            rejected_right: right(&rejected),
        }
    }

    /// The share of the images that is kept.
    pub fn coverage(&self) -> f64 {
        self.kept as f64 / self.images.max(1) as f64
    }

    /// The share of what is kept that is wrong; none if nothing is.
    pub fn error(&self) -> Option<f64> {
        (self.kept > 0).then(|| (self.kept - self.right) as f64 / self.kept as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(all: &[(f64, bool)]) -> Vec<Answer> {
        let answer = |&(confidence, right)| Answer { confidence, right };
        all.iter().map(answer).collect()
    }

    #[test]
    fn the_error_is_the_mean_gap_weighted_by_images() {
        // 0.95 and 0.97 in the last bin, of which one is right; 0.5 alone and right; 0 in the first.
        let all = answers(&[(0.95, true), (0.97, false), (0.5, true), (0.0, false)]);
        let bins = bins(&all);
        let counts = bins.map(|bin| bin.images);
        assert_eq!((counts[0], counts[7], counts[14]), (1, 1, 2));
        assert_eq!(counts.iter().sum::<usize>(), 4);
        assert_eq!(bins[14].accuracy, Some(0.5));
        assert_eq!(bins[1].accuracy, None);
        let expected = (2.0 * 0.46 + 0.5 + 0.0) / 4.0;
        assert!((expected_error(&bins) - expected).abs() < 1e-12);
        assert_eq!(expected_error(&super::bins(&[])), 0.0);
    }

    #[test]
    fn the_end_of_a_bin_belongs_to_it() {
        let bins = bins(&answers(&[(1.0 / 15.0, true), (1.0, true)]));
        assert_eq!((bins[0].images, bins[14].images), (1, 1));
    }

    #[test]
    fn the_threshold_keeps_as_many_as_the_accuracy_allows() {
        let all = answers(&[
            (0.9, true),
            (0.8, false),
            (0.7, true),
            (0.7, true),
            (0.6, false),
        ]);
        assert_eq!(threshold(&all, 1.0), Some(0.9));
        assert_eq!(threshold(&all, 0.75), Some(0.7), "3 of 4");
        assert_eq!(threshold(&all, 0.6), Some(0.6), "all");
        assert_eq!(threshold(&answers(&[(0.9, false)]), 0.5), None);
        assert_eq!(threshold(&[], 0.5), None);
        let kept = Kept::of(&all, 0.7);
        assert_eq!((kept.kept, kept.right, kept.rejected_right), (4, 3, 0));
        assert_eq!((kept.coverage(), kept.error()), (0.8, Some(0.25)));
        assert_eq!(Kept::of(&all, 0.99).error(), None);
    }
}
