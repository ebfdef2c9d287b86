//! What is left of a run: the model, and the best one.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use mlp::{
    data::Dataset,
    files::model::{self, Metadata, Model},
    train::{Best, End, Settings, Trained, familiar::Familiar},
};
use serde_json::{Value, json};

use crate::cli::{
    commands::train::plan::Plan,
    terminal::{
        output::{BOLD, DIM, Output, percent, thousands},
        own_file::make_folder,
        wrap::prose,
    },
};

/// What was saved, and why training was over.
pub(super) struct Saved {
    model: PathBuf,
    /// The best network: where, of which epoch, and its validation accuracy.
    best: Option<(PathBuf, usize, f64)>,
    /// Epochs that were finished.
    epochs: usize,
    end: Option<End>,
    stopped: Option<(usize, usize)>,
    settings: Settings,
}

impl Plan {
    /// Saves the network, and as it was at its best if that is asked for.
    pub(super) fn save(&self, trained: Trained, valid: &Dataset) -> anyhow::Result<Saved> {
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
        let familiar = |model: &Model| {
            let Metadata {
                loss,
                preprocessing,
                ..
            } = model.metadata;
            Familiar::measure(&model.network, loss, valid, preprocessing)
        };
        model.metadata.familiar = familiar(&model);
        model.metadata.training.stopped = stopped;
        model.metadata.training.epoch = end.and_then(|_| after(progress.epoch));
        make_folder(&self.out)?;
        model::save(&self.out, &model)
            .context("the model could not be saved, choose another --out")?;
        let best = match self.best.clone().zip(progress.best) {
            None => None,
            Some((path, best)) => {
                let Best {
                    epoch,
                    accuracy,
                    values,
                } = best;
                model.network.set_values(&values);
                model.metadata.familiar = familiar(&model);
                model.metadata.training.stopped = None;
                model.metadata.training.epoch = after(epoch);
                make_folder(&path)?;
                model::save(&path, &model)
                    .context("the best model could not be saved, choose another --best")?;
                Some((path, epoch, accuracy))
            }
        };
        Ok(Saved {
            model: self.out.clone(),
            best,
            epochs: progress.epoch,
            end,
            stopped,
            settings: settings.clone(),
        })
    }
}

impl Saved {
    /// The file to look at: the best, if there is one.
    pub(super) fn to_look_at(&self) -> &Path {
        self.best.as_ref().map_or(&self.model, |(path, ..)| path)
    }

    /// Whether there was an epoch to be the best.
    pub(super) fn has_best(&self) -> bool {
        self.best.is_some()
    }

    pub(super) fn json(&self) -> Value {
        let best = self.best.as_ref().map(|(path, epoch, accuracy)| {
            json!({"model": path.display().to_string(), "epoch": epoch, "valid_accuracy": accuracy})
        });
        json!({
            "event": "saved", "model": self.model.display().to_string(), "bytes": bytes(&self.model),
            "stopped": self.stopped, "epochs": self.epochs, "end": self.end.map(name), "best": best,
        })
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
        let mut line = |path: &Path, more: &str| {
            let (name, bytes) = (path.display(), thousands(bytes(path)));
            let text = format!("saved {BOLD}{name}{BOLD:#} {DIM}({bytes} bytes){DIM:#}{more}");
            writeln!(out, "{}", prose(&text, 2))
        };
        line(&self.model, "")?;
        match &self.best {
            None => Ok(()),
            Some((path, epoch, accuracy)) => {
                let accuracy = percent(*accuracy);
                line(path, &format!(": epoch {epoch}, validation {accuracy}"))
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
