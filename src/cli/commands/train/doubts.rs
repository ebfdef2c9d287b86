//! The observer that says when a network has learned nothing, and what may be why.

use indicatif::ProgressBar;
use mlp::{
    data::Dataset,
    files::model::Metadata,
    loss::Loss,
    nn::{Init, Mlp},
    train::{
        Epoch, Observer, Progress, Settings,
        learned::{Guessing, Still, still},
    },
};
use serde_json::{Value, json};

use crate::cli::{
    args::run::default_learning_rate,
    commands::train::unusual::unusual,
    terminal::{
        hints::shorter,
        output::{percent, scientific},
        progress::note_above,
    },
};

/// Why a network that does no better than guessing may do so.
pub(super) struct Doubt {
    guessing: Guessing,
    /// What the images are that this was seen on, and the name of their most frequent class.
    on: &'static str,
    class: String,
    still: Vec<Still>,
    advice: String,
}

/// What is asked when there is a doubt.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) loss: &'a dyn Loss<f32>,
    pub(super) train: &'a Dataset,
    /// Whether there are validation images.
    pub(super) validated: bool,
}

impl Case<'_> {
    /// What may be why a network does no better than this.
    pub(super) fn doubt(self, network: &Mlp<f32>, guessing: Guessing) -> Doubt {
        let Metadata {
            loss,
            preprocessing,
            training,
            ..
        } = self.metadata;
        let still = still(network, self.loss, self.train, *preprocessing);
        let (rate, usual) = (
            training.settings.learning_rate,
            default_learning_rate(*loss, training.settings.optimizer),
        );
        let alike = || {
            let mut images = self.train.images.rows().into_iter().take(1_000);
            let first = images.next();
            images.all(|image| Some(image) == first)
        };
        let Settings {
            epochs, batch_size, ..
        } = training.settings;
        let steps = epochs * self.train.len().div_ceil(batch_size);
        let advice = if let Some(mistake) = training.inject {
            format!("the planted mistake, {mistake}, may be why")
        } else if alike() {
            "the training images are all the same: look whether their file is the right one".into()
        } else if training.settings.init == Init::Zeros {
            "weights of zero stay alike: leave out --init zeros".into()
        } else if let Some(advice) = unusual(self.metadata) {
            advice
        } else if rate > usual {
            format!("try --lr {usual:?}")
        } else if !still.is_empty() {
            format!("try --lr {:?}", shorter(rate))
        } else if rate < usual / 20.0 {
            format!("the steps may be too short: try --lr {usual:?}, or more --epochs")
        } else if steps < 500 {
            format!("{steps} steps are few: try more --epochs")
        } else {
            "why cannot be told: try more --epochs or another --activation, and look whether the labels belong to the \
             images"
                .into()
        };
        let on = match self.validated {
            true => "validation",
            false => "training",
        };
        let class = self
            .metadata
            .spec()
            .classes
            .get(guessing.class)
            .cloned()
            .unwrap_or_default();
        Doubt {
            guessing,
            on,
            class,
            still,
            advice,
        }
    }
}

impl Doubt {
    /// `no better than guessing: 10.10 % of …; try --lr 0.01`
    pub(super) fn text(&self) -> String {
        let Guessing {
            share,
            accuracy,
            constant_loss,
            loss,
            ..
        } = self.guessing;
        let (on, class, number) = (self.on, &self.class, |loss: f64| match loss {
            ..1e4 => format!("{loss:.4}"),
            _ => scientific(loss, 3),
        });
        let (right, always) = (percent(accuracy), percent(share));
        let mut text = match accuracy > share {
            false => format!(
                "no better than guessing: {right} of the {on} images are right, and always saying {class} gets {always}"
            ),
            true => format!(
                "hardly better than guessing: the loss of the {on} images, {}, is no lower than {}, that of giving every \
                 class its share whatever the image; {right} are right, and always saying {class} gets {always}",
                number(loss),
                number(constant_loss)
            ),
        };
        for layer in &self.still {
            let Still {
                layer: number,
                still,
                units,
                activation,
            } = layer;
            let what = match layer.is_dead() {
                true => "are 0 for every image (dead)",
                false => "stand at an end of their range for every image (saturated)",
            };
            let name = activation.about().name;
            text += &format!("; hidden layer {number}: {still} of {units} {name} units {what}");
        }
        format!("{text}; {}", self.advice)
    }

    /// The same for a program.
    pub(super) fn json(&self) -> Value {
        let layers = self.still.iter().map(|layer| {
            let state = if layer.is_dead() { "dead" } else { "saturated" };
            json!({"layer": layer.layer, "units": layer.units, "still": layer.still, "state": state})
        });
        json!({
            "accuracy": self.guessing.accuracy, "guessing": self.guessing.share, "class": self.class,
            "loss": self.guessing.loss, "constant_loss": self.guessing.constant_loss,
            "still_layers": Value::from_iter(layers), "advice": self.advice,
        })
    }
}

/// Says it once, after the first epoch where it shows.
pub(super) struct Doubts<'a> {
    case: Case<'a>,
    bar: ProgressBar,
    /// What an epoch has shown, until its network comes.
    shown: Option<(usize, Guessing)>,
    said: bool,
}

impl<'a> Doubts<'a> {
    /// Notes appear above the bar.
    pub(super) fn new(case: Case<'a>, bar: ProgressBar) -> Self {
        Self {
            case,
            bar,
            shown: None,
            said: false,
        }
    }
}

impl Observer for Doubts<'_> {
    fn epoch(&mut self, epoch: &Epoch) {
        // After the last epoch the end of the run says it.
        let last = epoch.epoch >= self.case.metadata.training.settings.epochs;
        if !self.said && !last {
            let guessing = epoch.valid.as_ref();
            let guessing = guessing.and_then(|valid| Guessing::of(valid, self.case.metadata.loss));
            self.shown = guessing.map(|guessing| (epoch.epoch, guessing));
        }
    }

    fn progress(&mut self, network: &Mlp<f32>, _: &Progress) {
        if let Some((epoch, guessing)) = self.shown.take() {
            self.said = true;
            let text = self.case.doubt(network, guessing).text();
            note_above(&self.bar, format_args!("epoch {epoch}: {text}"));
        }
    }
}
