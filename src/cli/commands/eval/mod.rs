//! `mlp eval`: the last word on a model, on images that it has never seen.

mod binary;
mod each_image;
mod scores;
mod table;
mod trust;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Instant,
};

use anyhow::{Context, ensure};
use mlp::{
    data::{Dataset, Spec},
    files::model::Model,
    linalg::team::Team,
    picture::plot,
    train::metrics::{Evaluation, committee, evaluate, predictions},
};
use ndarray::{Array2, Axis};
use serde_json::{Value, json};

use crate::cli::{
    args::{
        Usage,
        common::{JsonArg, ThreadArgs},
        data::DataArgs,
        memory::Use,
        model::{ForeignArgs, load_any_model},
        number,
        split::{Split, SplitArg, measured_images},
    },
    terminal::{
        Outcome,
        describe::architecture_text,
        json::written,
        output::{BOLD, DIM, Output, named, next_step, note, thousands},
        progress::busy,
        shell::shell_quote,
    },
};

use binary::Binary;
use each_image::Format;
use scores::Scores;
use table::share_right;
use trust::{Calibration, Rejection};

/// Measure a model, or a committee, on the test images
///
/// A committee averages the probabilities of its members, so they must be cross-entropy models. Recall is the
/// share of a label's images that are classified correctly; precision is the share of the images classified
/// as this label that have it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp eval model.bin                        loss, accuracy, table of confusions
  mlp eval model.bin --split valid          on the images held back in training
  mlp eval a.bin b.bin c.bin                a committee of three, and each alone
  mlp eval net.safetensors --activation relu --loss ce   saved by PyTorch
  mlp eval model.bin --predictions all.csv  every image, with probabilities
  mlp eval model.bin --calibration bars.svg is it as sure as it is right?
  mlp eval model.bin --reject 0.99          leave what it is not sure of
  mlp eval model.bin --json | jq .accuracy  for a program to read")]
pub struct Eval {
    /// A model that mlp train has saved; several are a committee
    #[arg(required = true, value_name = "MODEL")]
    models: Vec<PathBuf>,

    #[command(flatten)]
    split: SplitArg,

    /// Show how confidence and accuracy go together: the expected calibration error over 15 bins; with a name, also a
    /// reliability diagram, an SVG
    #[arg(long, value_name = "FILE.svg", num_args = 0..=1, value_parser = trust::diagram, help_heading = "Confidence")]
    calibration: Option<Option<PathBuf>>,

    /// Reject images of which the model is not sure, so that this share of the rest is right: 0.99 for 99 %. The
    /// threshold is fixed on the validation images, never on those measured
    #[arg(long, value_name = "ACCURACY", value_parser = number::accuracy, help_heading = "Confidence")]
    reject: Option<f64>,

    /// Write a line an image: index, label, predicted class, and the probability of each class; .csv or .jsonl
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    predictions: Option<PathBuf>,

    /// Replace the files of --predictions and --calibration whatever they are
    #[arg(long, help_heading = "Output")]
    force: bool,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    foreign: ForeignArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// What came of measuring the models.
struct Measured {
    /// Each alone, in their order.
    alone: Vec<Evaluation>,
    /// The one model, or the committee of all.
    together: Evaluation,
    seconds: f64,
    /// The predictions of every model, if there are several or they tell one class from the rest.
    members: Vec<Array2<f32>>,
}

/// What is asked about every image.
#[derive(Default)]
struct Trust {
    scores: Option<Scores>,
    calibration: Option<Calibration>,
    rejection: Option<Rejection>,
}

impl Trust {
    fn add_to(&self, object: &mut Value) {
        if let Some(calibration) = &self.calibration {
            object["calibration"] = calibration.json();
        }
        if let Some(rejection) = &self.rejection {
            object["reject"] = rejection.json();
        }
    }

    fn print(&self, split: Split, out: &mut Output) -> io::Result<()> {
        if let Some(rejection) = &self.rejection {
            rejection.print(split.name(), out)?;
        }
        match &self.calibration {
            Some(calibration) => calibration.print(out),
            None => Ok(()),
        }
    }
}

impl Eval {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let said = self.foreign.unsaid()?;
        let format = self.check_files()?;
        let models = self.models.iter();
        let needs = Use::classifying(self.models.len(), self.threads.count());
        let models = models.map(|path| load_any_model::<f32>(path, said, needs));
        let models = models.collect::<anyhow::Result<Vec<_>>>()?;
        if models.len() > 1 {
            self.check_committee(&models)?;
        }
        self.check_confidence(&models)?;
        let images = measured_images(&self.models, &models, &self.data, self.split.split)?;
        let mut team = self.threads.team();
        let measured = busy("measuring", || measure(&models, &images, &mut team));
        let trust = self.trust(&models, &images, &mut team)?;
        let binary = models[0].metadata.loss.binary();
        let binary = binary.then(|| Binary::new(&measured.members, &images.labels));
        match self.json.json {
            true => {
                let mut object = self.json(&measured, &images.spec);
                if let Some(binary) = &binary {
                    object["binary"] = binary.json(&images.spec);
                }
                trust.add_to(&mut object);
                let files = self.save(&trust, format, &images.spec)?;
                if !files.is_empty() {
                    let written = files.iter().map(|(path, bytes)| written(path, bytes));
                    object["files"] = written.collect();
                }
                out.json(object)?;
            }
            false => {
                self.print_models(&models, &measured, out)?;
                print(out, self.split.split, &measured.together)?;
                trust.print(self.split.split, out)?;
                if let Some(binary) = &binary {
                    binary.print(&images.spec, out)?;
                }
                let (confusion, names) = (&measured.together.confusion, &images.spec.classes);
                match names.len() {
                    ..=table::MOST_COLUMNS => table::print_table(out, confusion, names)?,
                    _ => table::print_list(out, confusion, names)?,
                }
                for (path, bytes) in self.save(&trust, format, &images.spec)? {
                    let count = thousands(bytes.len() as u64);
                    writeln!(
                        out,
                        "saved {BOLD}{}{BOLD:#} {DIM}({count} bytes){DIM:#}",
                        named(&path)
                    )?;
                }
            }
        }
        out.flush()?;
        if said.is_some() {
            return Ok(Outcome::Done); // what comes next would need the same flags
        }
        let (paths, data) = (&self.models, self.data.dir.flag());
        next_step(match paths.get(1) {
            None => format!("mlp gradcheck --model {}{data}", shell_quote(&paths[0])),
            Some(second) => format!(
                "mlp compare {} {}{}{data}",
                shell_quote(&paths[0]),
                shell_quote(second),
                self.split.text()
            ),
        });
        Ok(Outcome::Done)
    }

    /// Only probabilities of the same classes can be averaged.
    fn check_committee(&self, models: &[Model<f32>]) -> anyhow::Result<()> {
        for (path, model) in self.models.iter().zip(models) {
            let kind = model.metadata.loss;
            let first = models[0].metadata.loss;
            ensure!(
                kind.binary() == first.binary(),
                "{}: trained with {kind}, {} with {first}: a committee is of models with the same classes",
                path.display(),
                self.models[0].display()
            );
            ensure!(
                kind.probabilities(),
                "{}: trained with {kind}, so its outputs are no probabilities to average: a committee is of \
                 models trained with --loss ce",
                path.display()
            );
        }
        Ok(())
    }

    /// Whether the files that are asked for may be written, and what that of the predictions is.
    fn check_files(&self) -> anyhow::Result<Option<Format>> {
        if let Some(Some(path)) = &self.calibration {
            trust::KIND.check_writable(path, self.force)?;
        }
        let Some(path) = &self.predictions else {
            return Ok(None);
        };
        let format = Format::of(path).map_err(Usage)?;
        each_image::KIND.check_writable(path, self.force)?;
        Ok(Some(format))
    }

    /// Confidence is a probability.
    fn check_confidence(&self, models: &[Model<f32>]) -> anyhow::Result<()> {
        let flag = match (&self.calibration, self.reject) {
            (Some(_), _) => "--calibration",
            (None, Some(_)) => "--reject",
            (None, None) => return Ok(()),
        };
        let kind = models[0].metadata.loss;
        ensure!(
            kind.probabilities(),
            "{}: trained with {kind}, so its outputs are no probabilities: {flag} is for models trained with --loss ce",
            self.models[0].display()
        );
        Ok(())
    }

    /// What the flags ask about every image.
    fn trust(
        &self,
        models: &[Model<f32>],
        images: &Dataset,
        team: &mut Team,
    ) -> anyhow::Result<Trust> {
        let mut trust = Trust::default();
        if self.predictions.is_none() && self.calibration.is_none() && self.reject.is_none() {
            return Ok(trust);
        }
        let scores = busy("measuring", || Scores::of(models, images, team));
        let answers = scores.answers();
        trust.calibration = self
            .calibration
            .is_some()
            .then(|| Calibration::of(&answers));
        if let Some(asked) = self.reject {
            let valid = measured_images(&self.models, models, &self.data, Split::Valid)
                .context("--reject fixes its threshold on the validation images")?;
            if matches!(self.split.split, Split::Valid) {
                note(
                    "--reject: the threshold is fixed on the very images that are measured here: leave --split out \
                     for the last word",
                );
            }
            if models[0].metadata.training.data_sha256.is_empty() {
                note(
                    "--reject: the file does not say which images were held back: the model may have learned from \
                     those that the threshold is fixed on",
                );
            }
            let valid = busy("measuring", || Scores::of(models, &valid, team));
            trust.rejection = Some(Rejection::new(asked, &valid.answers(), &answers));
        }
        trust.scores = Some(scores);
        Ok(trust)
    }

    /// Writes what is asked for; returns the files.
    fn save(
        &self,
        trust: &Trust,
        format: Option<Format>,
        spec: &Spec,
    ) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut files = Vec::new();
        if let (Some(path), Some(scores), Some(format)) = (&self.predictions, &trust.scores, format)
        {
            let bytes = each_image::text(scores, spec, format).into_bytes();
            each_image::KIND.save(path, &bytes)?;
            files.push((path.clone(), bytes));
        }
        if let (Some(Some(path)), Some(calibration)) = (&self.calibration, &trust.calibration) {
            let error = calibration.error();
            let title = format!("expected calibration error {error:.4}, 15 bins");
            let picture = plot::reliability(&calibration.0, &title);
            let bytes = picture.svg().into_bytes();
            trust::KIND.save(path, &bytes)?;
            files.push((path.clone(), bytes));
        }
        Ok(files)
    }

    fn json(&self, measured: &Measured, spec: &Spec) -> Value {
        let Measured {
            alone,
            together,
            seconds,
            ..
        } = measured;
        let (low, high) = together.interval();
        let mut object = json!({
            "models": paths(&self.models), "split": self.split.split.flag(), "images": together.images(),
            "seconds": seconds, "images_per_second": f64::from(together.images()) / seconds,
            "loss": together.loss, "correct": together.correct(), "accuracy": together.accuracy(),
            "accuracy_interval_95": [low, high],
            "class_recall": share_right(&together.confusion, Axis(1)),
            "class_precision": share_right(&together.confusion, Axis(0)),
            "classes": spec.classes, "confusion": together.confusion.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
        });
        if alone.len() > 1 {
            let members = self.models.iter().zip(alone).map(|(path, alone)| {
                json!({"model": path.display().to_string(), "loss": alone.loss, "accuracy": alone.accuracy()})
            });
            object["each"] = members.collect();
        }
        object
    }

    /// A line a model.
    fn print_models(
        &self,
        models: &[Model<f32>],
        measured: &Measured,
        out: &mut Output,
    ) -> io::Result<()> {
        for ((path, model), alone) in self.models.iter().zip(models).zip(&measured.alone) {
            let metadata = &model.metadata;
            let (name, network) = (named(path), architecture_text(&metadata.architecture));
            let deslanted = match metadata.preprocessing.deslant {
                true => ", deslanted images",
                false => "",
            };
            let right = match models.len() {
                1 => String::new(),
                _ => format!(": {:.2} % right", 100.0 * alone.accuracy()),
            };
            let loss = metadata.loss;
            writeln!(
                out,
                "{BOLD}{name}{BOLD:#}: {network}, {loss}{deslanted}{right}"
            )?;
        }
        match models.len() {
            1 => Ok(()),
            n => writeln!(out, "\nthe committee of these {n}"),
        }
    }
}

fn paths(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// Each model alone, and all together.
fn measure(models: &[Model<f32>], images: &Dataset, team: &mut Team) -> Measured {
    let start = Instant::now();
    let (mut alone, mut members) = (Vec::new(), Vec::new());
    for Model { network, metadata } in models {
        let (loss, preprocessing) = (metadata.loss.build::<f32>(), metadata.preprocessing);
        alone.push(evaluate(network, &*loss, images, preprocessing, team));
        if models.len() > 1 || metadata.loss.binary() {
            members.push(predictions(network, &*loss, images, preprocessing, team));
        }
    }
    let together = match models.len() {
        1 => alone[0].clone(),
        _ => committee(&members, &images.labels),
    };
    Measured {
        alone,
        together,
        seconds: start.elapsed().as_secs_f64(),
        members,
    }
}

fn print(out: &mut Output, split: Split, result: &Evaluation) -> std::io::Result<()> {
    let (low, high) = result.interval();
    let [images, wrong] = [result.images(), result.images() - result.correct()];
    writeln!(out, "\n{DIM}loss{DIM:#}      {:.4}", result.loss)?;
    writeln!(
        out,
        "{DIM}accuracy{DIM:#}  {BOLD}{:.2} %{BOLD:#}  {DIM}95 % interval{DIM:#} {:.2} to {:.2} %",
        100.0 * result.accuracy(),
        100.0 * low,
        100.0 * high,
    )?;
    writeln!(
        out,
        "{DIM}wrong{DIM:#}     {} of {} {} images\n",
        thousands(wrong.into()),
        thousands(images.into()),
        split.name(),
    )?;
    Ok(())
}
