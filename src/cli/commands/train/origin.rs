//! `--from`: the weights that training begins with.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use mlp::{
    data::{Spec, Splits, idx::hex},
    files::model::{Metadata, Model},
    nn::{Activation, Mlp},
    regular_file,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::{
    args::{
        Usage,
        memory::{TRAINING, Use},
        model::load_to_begin_with,
        split::check_size_of_images,
    },
    commands::train::Train,
    terminal::{
        describe::architecture_text,
        output::{named, percent},
    },
};

/// The model whose weights training begins with.
pub(super) struct Origin {
    path: PathBuf,
    /// SHA-256 of the file.
    pub(super) sha256: String,
    model: Model<f32>,
}

impl Train {
    /// Reads the model of `--from`, and takes over what its weights are made for, where no flag says otherwise.
    pub(super) fn take_origin(&mut self) -> anyhow::Result<()> {
        let Some(path) = self.from.clone() else {
            return match self.normalize {
                None => Ok(()),
                Some(_) => Err(Usage::from(
                    "--normalize goes with --from and a model of another program: leave it out",
                )
                .into()),
            };
        };
        if matches!(self.resume, Some(Some(_))) {
            let text = "--from cannot be used with --resume <DIR>: a run that goes on has its weights, leave one out";
            return Err(Usage::from(text).into());
        }
        let settings = &mut self.asked.settings;
        let said = (settings.activation(), settings.loss()?, self.normalize);
        let needs = Use {
            batch: 1,
            bytes: TRAINING,
            models: 1,
        };
        let model = load_to_begin_with(&path, said, needs)?;
        let architecture = &model.metadata.architecture;
        let hidden = &architecture.layers[1..architecture.layers.len() - 1];
        let given = &self.given;
        // What nobody has typed came with the recipe.
        let leave_out = |flag: &str| match (&self.recipe, given.has(flag)) {
            (Some(recipe), false) => format!("{recipe} is no --recipe for it: leave --recipe out"),
            _ => format!("leave --{flag} out"),
        };
        let is_given = given.has("hidden") || self.recipe.is_some();
        if is_given && settings.hidden() != hidden {
            return Err(Usage(format!(
                "--hidden {}: {} has {}, and its weights fit no other: {}",
                widths(settings.hidden()),
                path.display(),
                match hidden {
                    [] => "no hidden layer".to_owned(),
                    _ => format!("--hidden {}", widths(hidden)),
                },
                leave_out("hidden"),
            ))
            .into());
        }
        let other = settings
            .activation()
            .filter(|&a| a != architecture.activation);
        if let Some(other) = other.filter(|_| !hidden.is_empty()) {
            return Err(Usage(format!(
                "--activation {}: the weights of {} were trained for {}: {}",
                Activation::flag(other),
                path.display(),
                architecture.activation.flag(),
                leave_out("activation"),
            ))
            .into());
        }
        if settings.deslant() && !model.metadata.preprocessing.deslant {
            return Err(Usage(format!(
                "--deslant: the weights of {} were trained on images as they are: {}",
                path.display(),
                leave_out("deslant"),
            ))
            .into());
        }
        settings.build_as(architecture);
        let sha256 = sha256(&path).with_context(|| path.display().to_string())?;
        self.origin = Some(Origin {
            path,
            sha256,
            model,
        });
        Ok(())
    }
}

/// `500,150`, or `none`
fn widths(hidden: &[usize]) -> String {
    let widths: Vec<_> = hidden.iter().map(usize::to_string).collect();
    match widths.is_empty() {
        true => "none".into(),
        false => widths.join(","),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (regular_file::open(path)?, Sha256::new());
    let mut some = vec![0; 1 << 16];
    loop {
        match file.read(&mut some)? {
            0 => break,
            n => hasher.update(&some[..n]),
        }
    }
    Ok(hex(&hasher.finalize()))
}

impl Origin {
    /// What a network that begins with it takes over.
    pub(super) fn give(&self, metadata: &mut Metadata) {
        metadata.preprocessing = self.model.metadata.preprocessing;
        metadata.training.from_sha256 = Some(self.sha256.clone());
    }

    /// Whether the run in a folder began with it.
    pub(super) fn check_begun(&self, begun: &Metadata, folder: &Path) -> Result<(), Usage> {
        let (folder, model) = (folder.display(), self.path.display());
        match &begun.training.from_sha256 {
            Some(sha256) if *sha256 == self.sha256 => Ok(()),
            Some(sha256) => Err(Usage(format!(
                "--from {model}: the run in {folder} began with another model (SHA-256 {sha256}, and this file has {}): \
                 name that one, or leave --from out if the run has saved its own over it",
                self.sha256
            ))),
            None => Err(Usage(format!(
                "--from {model}: the run in {folder} began with no model: leave --from out, or choose another folder"
            ))),
        }
    }

    /// Whether its weights are for such images.
    pub(super) fn check_data(&self, data: &Spec, dir: &Path) -> anyhow::Result<()> {
        check_size_of_images(&self.path, &self.model.metadata, data, dir)
    }

    /// Why the last layer is not taken over, if it is not: what comes out of it means something else.
    fn why_fresh(&self, metadata: &Metadata) -> Option<String> {
        let own = &self.model.metadata;
        let outputs = |metadata: &Metadata| metadata.architecture.layers.last().copied();
        let (had, has) = (outputs(own), outputs(metadata));
        let foreign = own.training.data_sha256.is_empty();
        if had != has {
            let count = |n: Option<usize>| n.unwrap_or(0);
            let outputs = match has {
                Some(1) => "1 output".to_owned(),
                has => format!("{} outputs", count(has)),
            };
            Some(format!("of {outputs}, not {}", count(had)))
        } else if own.spec().classes != metadata.spec().classes && !foreign {
            Some("for other classes".into())
        } else {
            None
        }
    }

    /// Whether there is anything to initialise.
    pub(super) fn check_init(&self, metadata: &Metadata, given: bool) -> Result<(), Usage> {
        match given && self.why_fresh(metadata).is_none() {
            false => Ok(()),
            true => Err(Usage(format!(
                "--init: all weights are those of {}, so there is nothing to initialise: leave --init out",
                self.path.display()
            ))),
        }
    }

    /// The network before its first step.
    pub(super) fn network(&self, metadata: &Metadata) -> Mlp<f32> {
        let mut network = metadata.first_network();
        let mut values: Vec<_> = self.model.network.values().cloned().collect();
        if self.why_fresh(metadata).is_some() {
            // The weight and the bias of the last layer.
            let kept = values.len() - 2;
            values.truncate(kept);
            values.extend(network.values().skip(kept).cloned());
        }
        network.set_values(&values);
        network
    }

    /// What makes its validation accuracy too high, if anything does.
    pub(super) fn doubt(&self, metadata: &Metadata, data: &Splits) -> Option<String> {
        let (then, now) = (
            &self.model.metadata.training.settings,
            &metadata.training.settings,
        );
        let same_data = self.model.metadata.training.data_sha256 == data.checksum;
        let drawn_alike = !now.valid_random || (then.seed == now.seed && then.valid == now.valid);
        let held_back = then.valid_random == now.valid_random
            && then.test == now.test
            && then.valid >= now.valid
            && drawn_alike;
        (same_data && !held_back && now.valid > 0).then(|| {
            format!(
                "{} was trained on some of the images that are validated here, so that the validation accuracy is too \
                 high: hold back the same as then",
                self.path.display()
            )
        })
    }

    /// `model.bin: 784-50-10, ReLU, cross-entropy, validation 97.60 %; all layers`
    pub(super) fn text(&self, metadata: &Metadata) -> String {
        let own = &self.model.metadata;
        let accuracy = own.training.valid_accuracy;
        let accuracy = accuracy.map(|accuracy| format!(", validation {}", percent(accuracy)));
        format!(
            "{}: {}, {}{}; {}",
            named(&self.path),
            architecture_text(&own.architecture),
            own.loss,
            accuracy.unwrap_or_default(),
            match self.why_fresh(metadata) {
                None => "all weights are taken over".to_owned(),
                Some(why) => format!("the last layer is fresh, {why}"),
            }
        )
    }

    pub(super) fn json(&self, metadata: &Metadata) -> Value {
        json!({
            "path": self.path.display().to_string(), "sha256": self.sha256,
            "last_layer_fresh": self.why_fresh(metadata).is_some(),
        })
    }
}
