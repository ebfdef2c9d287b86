//! What is left of a run: the model, and the best one.

use std::{
    io::{self, Write},
    path::Path,
};

use mlp::{
    data::Dataset,
    files::model::Model,
    linalg::team::Team,
    nn::Mlp,
    train::{
        Best, End, Images, Settings, Trained, familiar::Familiar, learned::Guessing,
        metrics::evaluate,
    },
};
use serde_json::{Value, json};

use crate::cli::{
    commands::train::{
        doubts::{Case, Doubt},
        places::{Kept, Place},
        plan::Plan,
    },
    terminal::{
        json::event,
        output::{BOLD, DIM, Output, named, percent, thousands},
        wrap::prose,
    },
};

/// The most training images that a network is judged on where there are none to validate.
const JUDGED: usize = 10_000;

/// What was saved, and why training was over.
pub(super) struct Saved {
    model: Kept,
    /// Its validation accuracy.
    accuracy: Option<f64>,
    /// The best network: where, of which epoch, and its validation accuracy.
    best: Option<(Kept, usize, f64)>,
    /// Epochs that were finished.
    epochs: usize,
    end: Option<End>,
    stopped: Option<(usize, usize)>,
    settings: Settings,
    /// Of the network to look at.
    doubt: Option<Doubt>,
}

impl Plan {
    /// Saves the network, and as it was at its best if that is asked for.
    pub(super) fn save(
        &self,
        trained: Trained,
        images: Images<'_>,
        (out, best): (Place, Option<Place>),
        mut team: Team,
    ) -> anyhow::Result<Saved> {
        let Trained {
            network,
            progress,
            stopped,
        } = trained;
        let settings = &self.metadata.training.settings;
        let after = |epoch| (epoch < settings.epochs).then_some(epoch);
        let end = progress.end(settings);
        let mut model = Model {
            network,
            metadata: self.metadata.clone(),
        };
        let loss = self.metadata.loss.build::<f32>();
        let some;
        let judged = match images.valid.is_empty() {
            false => images.valid,
            true => {
                some = first(images.train, JUDGED);
                &some
            }
        };
        let mut judge = |network: &Mlp<f32>| {
            let evaluation = evaluate(network, &*loss, judged, images.preprocessing, &mut team);
            let familiar = Familiar::measure(
                network,
                self.metadata.loss,
                images.valid,
                images.preprocessing,
            );
            let accuracy = (!images.valid.is_empty()).then(|| evaluation.accuracy());
            (
                accuracy,
                familiar,
                Guessing::of(&evaluation, self.metadata.loss),
            )
        };
        let (accuracy, familiar, mut guessing) = judge(&model.network);
        model.metadata.familiar = familiar;
        let training = &mut model.metadata.training;
        training.valid_accuracy = accuracy;
        training.stopped = stopped;
        training.epoch = end.and_then(|_| after(progress.epoch));
        let model_kept = out.keep(&model)?;
        let best = match best.zip(progress.best) {
            None => None,
            Some((
                place,
                Best {
                    epoch,
                    accuracy,
                    values,
                },
            )) => {
                model.network.set_values(&values);
                let (_, familiar, guessed) = judge(&model.network);
                guessing = guessed;
                model.metadata.familiar = familiar;
                let training = &mut model.metadata.training;
                training.valid_accuracy = Some(accuracy);
                training.epoch = after(epoch);
                let kept = place.keep_best(&mut model, stopped.is_some())?;
                Some((kept, epoch, accuracy))
            }
        };
        let case = Case {
            metadata: &self.metadata,
            loss: &*loss,
            train: images.train,
            validated: !images.valid.is_empty(),
        };
        Ok(Saved {
            model: model_kept,
            accuracy,
            best,
            epochs: progress.epoch,
            end,
            stopped,
            settings: settings.clone(),
            doubt: guessing.map(|guessing| case.doubt(&model.network, guessing)),
        })
    }
}

/// The first images of many.
fn first(images: &Dataset, most: usize) -> Dataset {
    images.select(&Vec::from_iter(0..images.len().min(most)))
}

impl Saved {
    /// The file to look at: the best, if there is one.
    pub(super) fn to_look_at(&self) -> &Path {
        self.best
            .as_ref()
            .map_or(&self.model.path, |(kept, ..)| &kept.path)
    }

    /// Whether there was an epoch to be the best.
    pub(super) fn has_best(&self) -> bool {
        self.best.is_some()
    }

    /// What there is to doubt in the network to look at.
    pub(super) fn doubt(&self) -> Option<String> {
        self.doubt.as_ref().map(Doubt::text)
    }

    /// Why a model is not where it was to be, if one is not.
    pub(super) fn failure(&mut self) -> Option<anyhow::Error> {
        let best = self.best.as_mut().and_then(|(kept, ..)| kept.failed.take());
        self.model.failed.take().or(best)
    }

    /// `saved as model.bin, validation 97.30 %`, and what stays as it was.
    pub(super) fn in_words(&self) -> String {
        let accuracy = self
            .accuracy
            .map(|accuracy| format!(" (validation {})", percent(accuracy)));
        let stays = self.model.instead_of.as_ref().map(|path| {
            format!(
                "; {}, which was there before, stays as it was",
                path.display()
            )
        });
        format!(
            "saved as {}{}{}",
            self.model.path.display(),
            accuracy.unwrap_or_default(),
            stays.unwrap_or_default()
        )
    }

    pub(super) fn json(&self) -> Value {
        let text = |path: &Path| path.display().to_string();
        let best = self.best.as_ref().map(|(kept, epoch, accuracy)| {
            json!({"model": text(&kept.path), "epoch": epoch, "valid_accuracy": accuracy})
        });
        let object = json!({
            "model": text(&self.model.path), "bytes": bytes(&self.model.path),
            "instead_of": self.model.instead_of.as_deref().map(text),
            "valid_accuracy": self.accuracy, "learned": self.doubt.is_none(),
            "doubt": self.doubt.as_ref().map(Doubt::json),
            "stopped": self.stopped, "epochs": self.epochs, "end": self.end.map(name), "best": best,
        });
        event("saved", object)
    }

    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        let why = match self.end {
            Some(End::Patience) => self.settings.patience.map(|epochs| {
                format!("{epochs} epochs in a row without a higher validation accuracy")
            }),
            Some(End::TargetAccuracy) => self
                .settings
                .target_accuracy
                .map(|target| format!("the validation accuracy has reached {}", percent(target))),
            Some(End::Epochs) | None => None,
        };
        if let Some(why) = why {
            let text = format!("ended after epoch {}: {why}", self.epochs);
            writeln!(out, "{}", prose(&text, 2))?;
        }
        let mut line = |kept: &Kept, more: &str| {
            let (name, bytes) = (named(&kept.path), thousands(bytes(&kept.path)));
            let text = format!("saved {BOLD}{name}{BOLD:#} {DIM}({bytes} bytes){DIM:#}{more}");
            writeln!(out, "{}", prose(&text, 2))
        };
        line(&self.model, "")?;
        match &self.best {
            None => Ok(()),
            Some((kept, epoch, accuracy)) => {
                let accuracy = percent(*accuracy);
                line(kept, &format!(": epoch {epoch}, validation {accuracy}"))
            }
        }
    }
}

fn bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |file| file.len())
}

fn name(end: End) -> &'static str {
    match end {
        End::Epochs => "epochs",
        End::Patience => "patience",
        End::TargetAccuracy => "target-accuracy",
    }
}
