//! `mlp eval`: the last word on a model, on images that it has never seen.

use std::{io::Write, path::PathBuf, time::Instant};

use anyhow::ensure;
use clap::ValueEnum;
use mlp::{
    data::{CLASSES, Dataset, Mnist, shell_quote},
    files::model::Model,
    linalg::team::Team,
    train::metrics::{Evaluation, committee, evaluate, predictions},
};
use ndarray::{Array2, Axis};
use serde_json::json;

use crate::cli::{
    Outcome,
    args::{
        architecture::architecture_text,
        network::{ThreadArgs, load_model},
    },
    commands::data::DataArgs,
    terminal::{
        interrupt,
        output::{BOLD, DIM, Output, next_step, note, progress_bar, thousands},
    },
};

/// Measure a model, or a committee of several, on the 10,000 test images
///
/// A committee averages the probabilities of its members, which cross-entropy models have. Recall is the share of a label's images that were found; precision the share of the images taken
/// for it that are.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp eval model.bin                        loss, accuracy, what is taken for what
  mlp eval model.bin --split valid          on the images held back while it was trained
  mlp eval a.bin b.bin c.bin                a committee of three, and each alone
  mlp eval model.bin --json | jq .accuracy  for a program to read")]
pub struct Eval {
    /// A model that mlp train has saved; several are a committee
    #[arg(required = true, value_name = "MODEL")]
    models: Vec<PathBuf>,

    /// The images to measure it on: those of the test file, or of either part of the training file,
    /// split as the model was trained
    #[arg(long, value_enum, default_value_t = Split::Test, help_heading = "Data")]
    split: Split,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// Which images.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Split {
    Test,
    Valid,
    Train,
}

impl Split {
    /// These images of the whole data, of which the last `valid` training images were held back.
    pub fn of(self, data: Mnist, valid: usize) -> anyhow::Result<Dataset> {
        let (train, valid) = match self {
            Self::Test => return Ok(data.test),
            _ => data.train.split_last(valid)?,
        };
        let images = if let Self::Train = self { train } else { valid };
        ensure!(
            !images.is_empty(),
            "the model was trained on all images (--valid 0), so none are left to validate on: choose --split test"
        );
        Ok(images)
    }

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Valid => "validation",
            Self::Train => "training",
        }
    }
}

impl Eval {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let models = self.models.iter().map(|path| load_model::<f32>(path));
        let models = models.collect::<anyhow::Result<Vec<_>>>()?;
        if models.len() > 1 {
            for (path, model) in self.models.iter().zip(&models) {
                let kind = model.metadata.loss;
                ensure!(
                    kind.probabilities(),
                    "{}: trained with {kind}, so its outputs are no probabilities to average: a committee is of \
                     models trained with --loss ce",
                    path.display()
                );
            }
        }
        let images = test_images(&self.models, &models, &self.data, self.split)?;
        let mut team = Team::new(self.threads.count());
        let spinner = progress_bar(0, "{spinner} measuring {elapsed}");
        let start = Instant::now();
        let mut alone = Vec::new();
        let mut members = Vec::new();
        for model in &models {
            let (loss, preprocessing) = (
                model.metadata.loss.build::<f32>(),
                model.metadata.preprocessing(),
            );
            alone.push(evaluate(
                &model.network,
                &*loss,
                &images,
                preprocessing,
                &mut team,
            ));
            if models.len() > 1 {
                members.push(predictions(
                    &model.network,
                    &*loss,
                    &images,
                    preprocessing,
                    &mut team,
                ));
            }
        }
        let result = match members.is_empty() {
            true => alone[0].clone(),
            false => committee(&members, &images.labels),
        };
        let seconds = start.elapsed().as_secs_f64();
        spinner.finish_and_clear();
        if self.json {
            let (low, high) = result.interval();
            let mut object = json!({
                "model": self.models[0], "split": self.split.to_possible_value().map(|v| v.get_name().to_owned()), "images": result.images(),
                "seconds": seconds, "images_per_second": f64::from(result.images()) / seconds,
                "loss": result.loss, "correct": result.correct(), "accuracy": result.accuracy(),
                "accuracy_interval_95": [low, high],
                "recall": share_right(&result.confusion, Axis(1)),
                "precision": share_right(&result.confusion, Axis(0)),
                "confusion": result.confusion.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
            });
            if models.len() > 1 {
                let members = self.models.iter().zip(&alone);
                let members = members.map(|(path, alone)| json!({"model": path, "loss": alone.loss, "accuracy": alone.accuracy()}));
                object["members"] = members.collect();
            }
            writeln!(out, "{object}")?;
        } else {
            for ((path, model), alone) in self.models.iter().zip(&models).zip(&alone) {
                let metadata = &model.metadata;
                write!(
                    out,
                    "{BOLD}{}{BOLD:#}: {}, {}{}",
                    path.display(),
                    architecture_text(&metadata.architecture()),
                    metadata.loss,
                    if metadata.deslant {
                        ", deslanted images"
                    } else {
                        ""
                    },
                )?;
                match models.len() {
                    1 => writeln!(out)?,
                    _ => writeln!(out, ": {:.2} % right", 100.0 * alone.accuracy())?,
                }
            }
            if models.len() > 1 {
                writeln!(out, "\nthe committee of these {}", models.len())?;
            }
            print(out, self.split, &result)?;
        }
        out.flush()?;
        match &self.models[..] {
            [model] => next_step(format_args!(
                "mlp gradcheck --model {}{}",
                shell_quote(model),
                self.data.dir.flag()
            )),
            [first, second, ..] => next_step(format_args!(
                "mlp compare {} {}{}",
                shell_quote(first),
                shell_quote(second),
                self.data.dir.flag()
            )),
            [] => unreachable!("one at least is required"),
        }
        Ok(Outcome::Done)
    }
}

/// The images to measure all of these models on. Notes if one was trained on other data; refuses to take
/// images as held back that another of the models was trained on.
pub fn test_images(
    paths: &[PathBuf],
    models: &[Model<f32>],
    args: &DataArgs,
    split: Split,
) -> anyhow::Result<Dataset> {
    let data = args.load()?;
    interrupt::release()?;
    let valid = models[0].metadata.training.valid;
    for (path, model) in paths.iter().zip(models) {
        let training = &model.metadata.training;
        if data.checksum != training.data_sha256 {
            note(format_args!(
                "{} was trained on other data files than those in {}: the numbers may not be comparable",
                path.display(),
                args.dir.path().display()
            ));
        }
        ensure!(
            training.valid == valid || matches!(split, Split::Test),
            "{}: trained with --valid {}, and {} with --valid {valid}: no part of the training file is the same \
             for both, choose --split test",
            path.display(),
            training.valid,
            paths[0].display()
        );
    }
    split.of(data, valid)
}

/// What share of each row (axis 1) or column (axis 0) stands on the diagonal; none of an empty one.
fn share_right(confusion: &Array2<u32>, axis: Axis) -> Vec<Option<f64>> {
    let all = confusion.sum_axis(axis);
    let shares = confusion.diag().into_iter().zip(all);
    shares
        .map(|(&right, all)| (all > 0).then(|| f64::from(right) / f64::from(all)))
        .collect()
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
    let classes: String = (0..CLASSES).map(|class| format!("{class:>5}")).collect();
    writeln!(out, "{DIM}       taken for")?;
    writeln!(out, "label{classes}    recall  precision{DIM:#}")?;
    let percent = |share: Option<f64>| {
        share.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
    };
    let recall = share_right(&result.confusion, Axis(1));
    let precision = share_right(&result.confusion, Axis(0));
    for (class, row) in result.confusion.rows().into_iter().enumerate() {
        write!(out, "{DIM}{class:>5}{DIM:#}")?;
        for (taken_for, count) in row.iter().enumerate() {
            match (class == taken_for, count) {
                (true, _) => write!(out, "{BOLD}{count:>5}{BOLD:#}")?,
                (false, 0) => write!(out, "{DIM}{:>5}{DIM:#}", "·")?,
                (false, _) => write!(out, "{count:>5}")?,
            }
        }
        let (recall, precision) = (percent(recall[class]), percent(precision[class]));
        writeln!(out, "{recall:>10}{precision:>11}")?;
    }
    Ok(())
}
