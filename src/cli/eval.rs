//! `mlp eval`: the last word on a model, on images that it has never seen.

use std::{io::Write, path::PathBuf};

use anyhow::ensure;
use mlp::{
    data::{CLASSES, PIXELS},
    metrics::{Evaluation, evaluate},
    model_file,
    team::Team,
};
use serde_json::json;

use super::{
    Outcome,
    data::DataArgs,
    interrupt,
    network::{ThreadArgs, layers_text},
    output::{BOLD, DIM, Output, next_step, note},
};

/// Measure a model on the 10,000 test images
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp eval model.bin
  mlp eval model.bin --json | jq .accuracy")]
pub struct Eval {
    /// A model that mlp train has saved
    model: PathBuf,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

impl Eval {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let model = model_file::load::<f32>(&self.model)?;
        let (path, metadata) = (self.model.display(), &model.metadata);
        ensure!(
            model.network.inputs() == PIXELS,
            "{path}: {} inputs, expected {PIXELS} for images of 28x28",
            model.network.inputs()
        );
        interrupt::listen()?;
        let data = self.data.load()?;
        if data.checksum != metadata.training.data_sha256 {
            note(format_args!(
                "{path} was trained on other data files than those here"
            ));
        }
        let loss = metadata.loss.build::<f32>();
        let mut team = Team::new(self.threads.count());
        let result = evaluate(
            &model.network,
            &*loss,
            &data.test,
            metadata.scaling(),
            &mut team,
        );
        if self.json {
            let (low, high) = result.interval();
            let object = json!({
                "model": self.model, "split": "test", "images": result.images(),
                "loss": result.loss, "correct": result.correct(), "accuracy": result.accuracy(),
                "accuracy_interval_95": [low, high],
                "confusion": result.confusion.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
            });
            writeln!(out, "{object}")?;
        } else {
            let layers = layers_text(&metadata.layers);
            writeln!(
                out,
                "{BOLD}{path}{BOLD:#}: {layers}, ReLU, {}",
                metadata.loss
            )?;
            print(out, &result)?;
        }
        out.flush()?;
        next_step(format_args!("mlp gradcheck --model {path}"));
        Ok(Outcome::Done)
    }
}

fn print(out: &mut Output, result: &Evaluation) -> std::io::Result<()> {
    let (low, high) = result.interval();
    let wrong = result.images() - result.correct();
    writeln!(out, "{:>9}  {:.4}", "loss", result.loss)?;
    writeln!(
        out,
        "{:>9}  {BOLD}{:.2} %{BOLD:#} of {} test images, {wrong} wrong  {DIM}(95 % interval {:.2} to {:.2} %){DIM:#}",
        "accuracy",
        100.0 * result.accuracy(),
        result.images(),
        100.0 * low,
        100.0 * high,
    )?;
    write!(out, "\n{DIM}{:>9}", "is \\ taken for")?;
    writeln!(out, "{DIM:#}")?;
    write!(out, "{DIM}{:>9}", "")?;
    for class in 0..CLASSES {
        write!(out, "{class:>6}")?;
    }
    writeln!(out, "{:>9}{DIM:#}", "right")?;
    for (class, row) in result.confusion.rows().into_iter().enumerate() {
        write!(out, "{DIM}{class:>9}{DIM:#}")?;
        for (taken_for, count) in row.iter().enumerate() {
            match (class == taken_for, count) {
                (true, _) => write!(out, "{BOLD}{count:>6}{BOLD:#}")?,
                (false, 0) => write!(out, "{DIM}{:>6}{DIM:#}", "·")?,
                (false, _) => write!(out, "{count:>6}")?,
            }
        }
        let images = row.sum().max(1);
        writeln!(
            out,
            "{:>7.1} %",
            100.0 * f64::from(row[class]) / f64::from(images)
        )?;
    }
    Ok(())
}
