//! `mlp eval`: the last word on a model, on images that it has never seen.

use std::{io::Write, path::PathBuf};

use mlp::{
    data::{CLASSES, shell_quote},
    metrics::{Evaluation, evaluate},
    team::Team,
};
use serde_json::json;

use super::{
    Outcome,
    data::DataArgs,
    interrupt,
    network::{ThreadArgs, load_model, network_text},
    output::{BOLD, DIM, Output, next_step, note, progress_bar, thousands},
};

/// Measure a model on the 10,000 test images
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp eval model.bin                        loss, accuracy, what is taken for what
  mlp eval model.bin --json | jq .accuracy  for a program to read")]
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
        let model = load_model::<f32>(&self.model)?;
        let (path, metadata) = (self.model.display(), &model.metadata);
        let data = self.data.load()?;
        interrupt::release()?;
        if data.checksum != metadata.training.data_sha256 {
            note(format_args!(
                "{path} was trained on other data files than those in {}: the numbers may not be comparable",
                self.data.dir.path().display()
            ));
        }
        let loss = metadata.loss.build::<f32>();
        let mut team = Team::new(self.threads.count());
        let spinner = progress_bar(0, "{spinner} measuring {elapsed}");
        let result = evaluate(
            &model.network,
            &*loss,
            &data.test,
            metadata.scaling(),
            &mut team,
        );
        spinner.finish_and_clear();
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
            writeln!(
                out,
                "{BOLD}{path}{BOLD:#}: {}, {}",
                network_text(&metadata.layers),
                metadata.loss
            )?;
            print(out, &result)?;
        }
        out.flush()?;
        next_step(format_args!(
            "mlp gradcheck --model {}{}",
            shell_quote(&self.model),
            self.data.dir.flag()
        ));
        Ok(Outcome::Done)
    }
}

fn print(out: &mut Output, result: &Evaluation) -> std::io::Result<()> {
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
        "{DIM}wrong{DIM:#}     {} of {} test images\n",
        thousands(wrong.into()),
        thousands(images.into())
    )?;
    let classes: String = (0..CLASSES).map(|class| format!("{class:>6}")).collect();
    writeln!(out, "{DIM}         taken for")?;
    writeln!(out, "label{classes}     right{DIM:#}")?;
    for (class, row) in result.confusion.rows().into_iter().enumerate() {
        write!(out, "{DIM}{class:>5}{DIM:#}")?;
        for (taken_for, count) in row.iter().enumerate() {
            match (class == taken_for, count) {
                (true, _) => write!(out, "{BOLD}{count:>6}{BOLD:#}")?,
                (false, 0) => write!(out, "{DIM}{:>6}{DIM:#}", "·")?,
                (false, _) => write!(out, "{count:>6}")?,
            }
        }
        let images = row.sum().max(1);
        let right = 100.0 * f64::from(row[class]) / f64::from(images);
        writeln!(out, "{right:>8.1} %")?;
    }
    Ok(())
}
