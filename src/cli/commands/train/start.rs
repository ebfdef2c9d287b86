//! What there is to say of a run before its first step.

use std::{
    io::{self, Write},
    path::Path,
};

use mlp::{
    files::model::Metadata,
    loss::LossKind,
    nn::{Architecture, Mlp},
    train::{ClassWeights, Progress},
};
use serde_json::{Value, json};

use crate::cli::commands::train::{origin::Origin, places::Place};
use crate::cli::terminal::{
    describe::{architecture_text, augmentation_text, images_text, optimiser_text},
    json::{event, shortest},
    output::{BAD, BOLD, DIM, Output, WARN, named, named_line, thousands},
};

/// What there is to say before the first step.
pub(super) struct Start<'a> {
    pub(super) data: &'a Path,
    pub(super) official: bool,
    /// To train on, and to validate.
    pub(super) images: (usize, usize),
    /// In the test set.
    pub(super) test: usize,
    pub(super) network: &'a Mlp<f32>,
    pub(super) metadata: &'a Metadata,
    pub(super) threads: usize,
    /// The folder of the checkpoints.
    pub(super) checkpoints: Option<&'a Path>,
    /// Where the model will be, and the best one.
    pub(super) models: (&'a Place, Option<&'a Place>),
    /// The folders of the record and of the event files.
    pub(super) records: (Option<&'a Path>, Option<&'a Path>),
    /// Where a run goes on from.
    pub(super) progress: &'a Progress,
    /// The model that it begins with.
    pub(super) origin: Option<&'a Origin>,
}

/// The most modules that are listed one by one.
const LISTED: usize = 12;

impl Start<'_> {
    pub(super) fn json(&self) -> Value {
        let Metadata {
            architecture,
            preprocessing,
            loss,
            training,
            images,
            ..
        } = self.metadata;
        let Architecture {
            layers,
            activation,
            dropout,
        } = architecture;
        let (loss_name, label_smoothing) = loss_names(*loss);
        let object = json!({
            "data": self.data.display().to_string(), "official": self.official,
            "train_images": self.images.0, "valid_images": self.images.1, "test_images": self.test,
            "rows": images.rows, "cols": images.cols, "classes": self.metadata.spec().classes,
            "layers": layers, "activation": activation, "dropout": dropout, "deslant": preprocessing.deslant,
            "loss_name": loss_name, "label_smoothing": label_smoothing,
            "parameters": self.network.parameter_count(),
            "threads": self.threads, "training": shortest(training),
            "from": self.origin.map(|origin| origin.json(self.metadata)),
            "checkpoints": self.checkpoints.map(|path| path.display().to_string()),
            "out": self.models.0.json(self.metadata), "best_out": self.models.1.map(|place| place.json(self.metadata)),
            "run": self.records.0.map(|path| path.display().to_string()),
            "tensorboard": self.records.1.map(|path| path.display().to_string()),
            "epochs_done": self.progress.epoch, "steps_done": self.progress.step,
        });
        event("start", object)
    }

    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        let Metadata { loss, training, .. } = self.metadata;
        let spec = &self.metadata.images;
        let data = match self.official {
            true => "official MNIST".to_owned(),
            false if spec.is_mnist() => "other files than MNIST's".to_owned(),
            false => images_text(spec),
        };
        let text = format!(
            "{data} from {}: {} images to train on, {} to validate{}",
            named(self.data),
            count(self.images.0),
            count(self.images.1),
            match (self.test, training.settings.test) {
                (0, _) => "; there is no test set".to_owned(),
                (_, 0) => String::new(),
                (test, _) => format!(", {} held back for the test", count(test)),
            }
        );
        named_line(out, "data", &text)?;
        if training.settings.class_weights == ClassWeights::Balanced {
            named_line(
                out,
                "classes",
                "weighted, so that each counts the same in the loss",
            )?;
        }
        let text = format!(
            "{BOLD}{}{BOLD:#}, {loss}: {} parameters",
            architecture_text(&self.metadata.architecture),
            count(self.network.parameter_count())
        );
        named_line(out, "network", &text)?;
        self.print_modules(out)?;
        if let Some(origin) = self.origin {
            named_line(out, "from", &origin.text(self.metadata))?;
        }
        let text = format!(
            "{}, batches of {}, {}, seed {}, {}",
            several(training.settings.epochs, "epoch"),
            count(training.settings.batch_size),
            optimiser_text(&training.settings),
            training.settings.seed,
            several(self.threads, "thread"),
        );
        named_line(out, "settings", &text)?;
        if let Some(mistake) = training.inject {
            let text = format!(
                "{BAD}{mistake}{BAD:#}, planted on purpose: {}",
                mistake.what()
            );
            named_line(out, "mistake", &text)?;
        }
        if training.settings.init != self.metadata.architecture.activation.about().init {
            named_line(out, "weights", &training.settings.init.to_string())?;
        }
        if self.metadata.preprocessing.deslant {
            named_line(out, "inputs", "deslanted: every image is set upright")?;
        }
        if let Some(augmentation) = &training.settings.augmentation {
            named_line(out, "augment", &augmentation_text(augmentation))?;
        }
        if let Some(checkpoints) = self.checkpoints {
            let Progress { epoch, step, .. } = self.progress;
            let (folder, next) = (named(checkpoints), epoch + 1);
            let resumed = match (epoch, step) {
                (0, 0) => String::new(),
                (_, 0) => format!(", resumed after epoch {epoch}"),
                _ => format!(", resumed in epoch {next} after step {}", count(*step)),
            };
            named_line(out, "kept in", &format!("{folder}{resumed}"))?;
        }
        self.print_places(out)?;
        writeln!(
            out,
            "\n{DIM}epoch  train loss  train acc  valid loss  valid acc     best  seconds   images/s{DIM:#}"
        )
    }

    /// What will be written where, and what is lost by it.
    fn print_places(&self, out: &mut Output) -> io::Result<()> {
        let (model, best) = self.models;
        for (name, place) in [("saved as", Some(model)), ("best as", best)] {
            let Some(place) = place else { continue };
            let replaces = place.replaces(self.metadata);
            let replaces = replaces.map(|text| format!(", which {WARN}{text}{WARN:#}"));
            let path = named(&place.path);
            named_line(
                out,
                name,
                &format!("{path}{}", replaces.unwrap_or_default()),
            )?;
        }
        if let Some(folder) = self.records.0 {
            named_line(out, "recorded", &format!("in {}", named(folder)))?;
        }
        match self.records.1 {
            Some(folder) => {
                let text = format!("in {}, for TensorBoard", named(folder));
                named_line(out, "events", &text)
            }
            None => Ok(()),
        }
    }

    /// A line a module: its name and its shapes.
    fn print_modules(&self, out: &mut Output) -> io::Result<()> {
        let modules = self.network.modules();
        let names = modules.iter().map(|module| module.name().len());
        let width = names.take(LISTED).max().unwrap_or(0).max("Linear".len());
        let mut inputs = self.network.inputs();
        let listed = modules.iter().zip(self.network.outputs()).take(LISTED);
        for (m, (module, outputs)) in listed.enumerate() {
            let shapes = module.params().into_iter().flatten().map(|param| {
                let (rows, columns) = param.value.dim();
                format!("  {} ({rows}, {columns})", param.name)
            });
            writeln!(
                out,
                "          {m:>2} {:<width$} {:>13}{DIM}{}{DIM:#}",
                module.name(),
                format!("{inputs} → {outputs}"),
                shapes.collect::<String>(),
            )?;
            inputs = outputs;
        }
        match modules.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => writeln!(out, "          … {more} more"),
        }
    }
}

/// The name of a loss as a model file has it, and its label smoothing if it has one.
fn loss_names(loss: LossKind) -> (Value, Option<f64>) {
    match loss {
        LossKind::SmoothedCe(smoothing) => ("smoothed-ce".into(), Some(smoothing)),
        other => (json!(other), None),
    }
}

fn count(n: usize) -> String {
    thousands(n as u64)
}

/// `1 epoch`, `20 epochs`
fn several(n: usize, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}
