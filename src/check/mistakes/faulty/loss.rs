//! A wrong loss.

use ndarray::{Array2, ArrayRef1, ArrayRef2, ArrayView1, ArrayViewMut1, Axis, Zip};

use crate::{
    check::mistakes::Mistake,
    loss::{Decoding, Loss, LossKind},
    nn::Float,
};

/// A loss whose backward pass is wrong or, with one log-sum-exp for the whole batch, both passes are.
pub(super) struct Faulty<F> {
    pub right: Box<dyn Loss<F>>,
    pub kind: LossKind,
    pub mistake: Mistake,
}

impl<F: Float> Loss<F> for Faulty<F> {
    fn forward(
        &self,
        outputs: &ArrayRef2<F>,
        targets: &[u8],
        predictions: &mut ArrayRef2<F>,
        losses: &mut ArrayRef1<F>,
    ) {
        self.right.forward(outputs, targets, predictions, losses);
        match self.mistake {
            Mistake::LogsumexpNotByRows => {
                let m = outputs.fold(F::neg_infinity(), |m, &z| m.max(z));
                let lse = m + outputs.mapv(|z| (z - m).exp()).sum().ln();
                predictions.assign(&outputs.mapv(|z| (z - lse).exp()));
                let rows = outputs.rows().into_iter().zip(targets);
                for (loss, (z, &t)) in losses.iter_mut().zip(rows) {
                    *loss = lse - z[usize::from(t)];
                }
            }
            // The losses stay right: it is the predictions that the backward pass begins with.
            Mistake::SoftmaxOverBatch => {
                predictions.assign(outputs);
                predictions.columns_mut().into_iter().for_each(softmax);
            }
            Mistake::SoftmaxTwice => predictions.rows_mut().into_iter().for_each(softmax),
            _ => {}
        }
    }

    fn backward(
        &self,
        predictions: &ArrayRef2<F>,
        targets: &[u8],
        batch: usize,
        doutputs: &mut ArrayRef2<F>,
    ) {
        use Mistake::*;
        let (rows, classes) = predictions.dim();
        let mut right = |targets: &[u8], predictions: &ArrayRef2<F>| {
            self.right.backward(predictions, targets, batch, doutputs);
        };
        // The row of the next image; for the last image, that of the first.
        let turned = (0..rows).map(|row| (row + 1) % rows);
        match self.mistake {
            AnotherBatch => {
                let turned: Vec<_> = turned.collect();
                right(targets, &predictions.select(Axis(0), &turned));
            }
            LabelsShifted => {
                let turned: Vec<_> = turned.map(|row| targets[row]).collect();
                right(&turned, predictions);
            }
            _ => right(targets, predictions),
        }
        let n = batch as f64;
        let factor = match self.kind.probabilities() {
            true => 1.0 / n,
            false => 2.0 / (n * classes as f64),
        };
        let factor = float::<F>(factor);
        let pairs = Zip::from(&mut *doutputs).and(predictions);
        match self.mistake {
            ResForDiff | TargetNotSubtracted => pairs.for_each(|dz, &p| *dz = p * factor),
            SoftmaxSlopeBesides | SigmoidSlopeBesides => {
                pairs.for_each(|dz, &p| *dz *= p * (F::one() - p))
            }
            OneOverP if self.kind == LossKind::Bce => pairs.for_each(|dz, &p| {
                *dz /= (p * (F::one() - p)).max(F::min_positive_value());
            }),
            // The target q is what was subtracted: dz = (p − q)/N.
            OneOverP => pairs.for_each(|dz, &p| {
                let q = p - *dz / factor;
                *dz = -q / p.max(F::min_positive_value()) * factor;
            }),
            BroadcastNByN => {
                let sum: f64 = targets.iter().map(|&t| f64::from(t)).sum();
                let mean = float::<F>(sum / rows as f64);
                pairs.for_each(|dz, &z| *dz = (z - mean) * factor);
            }
            TargetEncoding => {
                let digit = |(row, _)| float::<F>(f64::from(targets[row]));
                let digits = Array2::from_shape_fn((rows, classes), digit);
                pairs
                    .and(&digits)
                    .for_each(|dz, &p, &digit| *dz = (p - digit) * factor);
            }
            _ => {
                let factor = float::<F>(self.factor(n, classes as f64));
                doutputs.map_inplace(|dz| *dz *= factor);
            }
        }
    }

    fn image(&self, z: ArrayView1<F>, t: usize, p: ArrayViewMut1<F>) -> F {
        self.right.image(z, t, p)
    }

    fn image_gradient(&self, p: &[F], t: usize, n: F, dz: &mut [F]) {
        self.right.image_gradient(p, t, n, dz);
    }

    fn decoding(&self) -> Decoding {
        self.right.decoding()
    }
}

impl<F> Faulty<F> {
    /// How many times too large dz is, for n images and c classes.
    fn factor(&self, n: f64, c: f64) -> f64 {
        match (self.mistake, self.kind) {
            (Mistake::Sign, _) => -1.0,
            (Mistake::MeanMissing, _) => n,
            (Mistake::MeanTwice, _) => 1.0 / n,
            (Mistake::MeanOverClasses, _) => n / c,
            (Mistake::TwoMissing, _) => 0.5,
            (Mistake::MeanOverOthers, LossKind::MseOnehot) => c,
            (Mistake::MeanOverOthers, _) => 1.0 / c,
            (Mistake::NotZeroed, _) => 2.0,
            _ => 1.0,
        }
    }
}

/// Replaces z by softmax(z).
fn softmax<F: Float>(mut z: ArrayViewMut1<F>) {
    let m = z.fold(F::neg_infinity(), |m, &z| m.max(z));
    z.map_inplace(|z| *z = (*z - m).exp());
    let sum = z.sum();
    z /= sum;
}

fn float<F: Float>(value: f64) -> F {
    F::from(value).expect("a float converts")
}
