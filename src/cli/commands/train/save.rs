//! What is left of a run: the model, and the best one.

use std::{io::Write, path::Path};

use anyhow::Context;
use mlp::{
    files::model::{self, Model},
    train::{Best, End, Trained},
};
use serde_json::json;

use crate::cli::{
    commands::train::{
        plan::Plan,
        record::Recorder,
        report::{Style, percent},
    },
    terminal::output::{BOLD, DIM, Output, note, thousands},
};

impl Plan {
    /// Saves the network, and as it was at its best if that is asked for; returns which file to look at.
    pub(super) fn save(
        &self,
        trained: Trained,
        style: Style,
        out: &mut Output,
        record: Option<&mut Recorder<'_>>,
    ) -> anyhow::Result<&Path> {
        let Trained {
            network,
            progress,
            stopped,
        } = trained;
        let settings = self.metadata.training.settings;
        let after = |epoch| (epoch < settings.epochs).then_some(epoch);
        let end = progress.end(&settings);
        let mut model = Model {
            network,
            metadata: self.metadata.clone(),
        };
        model.metadata.training.stopped = stopped;
        model.metadata.training.epoch = end.and_then(|_| after(progress.epoch));
        model::save(&self.out, &model)
            .context("the model could not be saved, choose another --out")?;
        let best = self.best.as_deref().zip(progress.best);
        if let Some((path, Best { epoch, values, .. })) = &best {
            model.network.set_values(values);
            model.metadata.training.stopped = None;
            model.metadata.training.epoch = after(*epoch);
            model::save(path, &model)
                .context("the best model could not be saved, choose another --best")?;
        }
        let bytes = |path: &Path| path.metadata().map_or(0, |file| file.len());
        let best_json = best.as_ref().map(|(path, best)| {
            json!({"model": path.display().to_string(), "epoch": best.epoch, "valid_accuracy": best.accuracy})
        });
        let saved = json!({
            "event": "saved", "model": self.out.display().to_string(), "bytes": bytes(&self.out), "stopped": stopped,
            "epochs": progress.epoch, "end": end.map(name), "best": best_json,
        });
        if let Some(said) = record.and_then(|record| record.append(&saved)) {
            note(said);
        }
        match style {
            Style::Quiet => {}
            Style::Json => writeln!(out, "{saved}")?,
            Style::Table => {
                let why = match end {
                    Some(End::Patience) => settings.patience.map(|epochs| {
                        format!("{epochs} epochs in a row without a higher validation accuracy")
                    }),
                    Some(End::TargetAccuracy) => settings.target_accuracy.map(|target| {
                        format!("the validation accuracy has reached {}", percent(target))
                    }),
                    Some(End::Epochs) | None => None,
                };
                if let Some(why) = why {
                    writeln!(out, "ended after epoch {}: {why}", progress.epoch)?;
                }
                let mut line = |path: &Path, more: &str| {
                    writeln!(
                        out,
                        "saved {BOLD}{}{BOLD:#} {DIM}({} bytes){DIM:#}{more}",
                        path.display(),
                        thousands(bytes(path))
                    )
                };
                line(&self.out, "")?;
                if let Some((path, best)) = &best {
                    let accuracy = percent(best.accuracy);
                    line(
                        path,
                        &format!(": epoch {}, validation {accuracy}", best.epoch),
                    )?;
                }
            }
        }
        out.flush()?;
        if let (Some(path), None) = (&self.best, &best) {
            note(format_args!(
                "no epoch was finished, so none was the best: {} was not written",
                path.display()
            ));
        }
        Ok(best.map_or(&self.out, |(path, _)| path))
    }
}

fn name(end: End) -> &'static str {
    match end {
        End::Epochs => "epochs",
        End::Patience => "patience",
        End::TargetAccuracy => "target-accuracy",
    }
}
