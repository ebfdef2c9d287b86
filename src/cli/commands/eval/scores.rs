//! What models say of every image: its class and the probability of each.

use mlp::{
    data::Dataset,
    files::model::Model,
    linalg::team::Team,
    loss::Decoding,
    train::{
        calibration::Answer,
        metrics::{classes, predictions},
    },
};
use ndarray::{Array2, Axis, concatenate};

/// The classes of some images and what they follow from, of one model or a committee.
pub(super) struct Scores {
    /// The class that each image is taken for.
    pub(super) classes: Vec<u8>,
    /// The probability of every class (images, classes), or the outputs where they are none.
    pub(super) scores: Array2<f32>,
    /// Whether they are probabilities.
    pub(super) probabilities: bool,
    pub(super) labels: Vec<u8>,
}

impl Scores {
    /// Of these models, whose mean counts.
    pub(super) fn of(models: &[Model<f32>], images: &Dataset, team: &mut Team) -> Self {
        let mut sum = Array2::<f64>::zeros((0, 0));
        for Model { network, metadata } in models {
            let (loss, preprocessing) = (metadata.loss.build::<f32>(), metadata.preprocessing);
            let of_one = predictions(network, &*loss, images, preprocessing, team);
            let of_one = of_one.mapv(f64::from);
            sum = match sum.is_empty() {
                true => of_one,
                false => sum + of_one,
            };
        }
        let mut mean = sum / models.len() as f64;
        let kind = models[0].metadata.loss;
        if kind.binary() {
            // The probability of class 1 becomes those of both.
            mean = concatenate![Axis(1), 1.0 - &mean, mean];
        }
        let classes = match models {
            // As it is measured: two outputs may differ whose probabilities do not.
            [Model { network, metadata }] => {
                let loss = kind.build::<f32>();
                classes(network, &*loss, images, metadata.preprocessing, team)
            }
            _ => {
                let count = images.classes();
                let rows = mean.rows().into_iter();
                rows.map(|p| Decoding::Largest.class(p, count)).collect()
            }
        };
        Self {
            classes,
            scores: mean.mapv(|score| score as f32),
            probabilities: kind.probabilities(),
            labels: images.labels.clone(),
        }
    }

    /// How sure the models are of each image, and whether they are right.
    pub(super) fn answers(&self) -> Vec<Answer> {
        let rows = self.scores.rows().into_iter();
        let answers = rows.zip(&self.classes).zip(&self.labels);
        answers
            .map(|((p, &class), &label)| Answer {
                // What is no number is not sure.
                confidence: f64::from(p[usize::from(class)]).max(0.0),
                right: class == label,
            })
            .collect()
    }
}
