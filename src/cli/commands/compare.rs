//! `mlp compare`: is one model better than another, or luckier?

use std::{io::Write, path::PathBuf};

use mlp::{
    data::{CLASSES, Dataset, shell_quote},
    files::model::Model,
    linalg::team::Team,
    train::metrics::{mcnemar, predictions},
};
use serde_json::json;

use crate::cli::{
    Outcome,
    args::network::{ThreadArgs, load_model},
    commands::{
        data::DataArgs,
        eval::{Split, test_images},
    },
    terminal::output::{BOLD, DIM, Output, next_step, progress_bar, thousands},
};

/// Compare two models on the same images: McNemar's test
///
/// Only images that exactly one of them gets right tell them apart. The p-value is the probability of a split
/// at least as uneven between two models that are equally good.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp compare a.bin b.bin                     on the test images
  mlp compare a.bin b.bin --split valid       to choose between them: the test images are for the last word
  mlp compare a.bin b.bin --json | jq .p_value")]
pub struct Compare {
    /// A model that mlp train has saved
    first: PathBuf,

    /// Another
    second: PathBuf,

    /// The images of the test file, or of either part of the training file
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

impl Compare {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let paths = [self.first, self.second];
        let models = [load_model::<f32>(&paths[0])?, load_model::<f32>(&paths[1])?];
        let images = test_images(&paths, &models, &self.data, self.split)?;
        let mut team = Team::new(self.threads.count());
        let spinner = progress_bar(0, "{spinner} measuring {elapsed}");
        let [first, second] = models.map(|model| right(&model, &images, &mut team));
        spinner.finish_and_clear();
        // By whether the first and the second are right.
        let mut counts = [[0_u32; 2]; 2];
        for (first, second) in first.into_iter().zip(second) {
            counts[usize::from(first)][usize::from(second)] += 1;
        }
        let [[neither, second], [first, both]] = counts;
        let p = mcnemar(first, second);
        let n = images.len() as f64;
        let accuracies = [f64::from(both + first) / n, f64::from(both + second) / n];
        if self.json {
            let object = json!({
                "models": paths, "images": images.len(), "accuracies": accuracies,
                "both_right": both, "only_first_right": first, "only_second_right": second,
                "neither_right": neither, "p_value": p,
            });
            writeln!(out, "{object}")?;
        } else {
            for (path, accuracy) in paths.iter().zip(accuracies) {
                writeln!(
                    out,
                    "{BOLD}{}{BOLD:#}: {:.2} % right",
                    path.display(),
                    100.0 * accuracy
                )?;
            }
            let count = |n: u32| thousands(n.into());
            writeln!(
                out,
                "\nof {} {} images\n{:>8}  both are right\n{:>8}  only the first\n{:>8}  only the second\n{:>8}  neither\n",
                thousands(images.len() as u64),
                self.split.name(),
                count(both),
                count(first),
                count(second),
                count(neither),
            )?;
            let verdict = match (p < 0.05, first > second) {
                (false, _) => "no difference that these images can show",
                (true, true) => "the first is better",
                (true, false) => "the second is better",
            };
            // Less than that is less than a float can tell from nothing.
            let p = match p < 1e-300 {
                true => "p < 1e-300".into(),
                false => format!("p = {p:.2e}"),
            };
            writeln!(
                out,
                "{BOLD}{verdict}{BOLD:#}  {DIM}McNemar's exact test, {p}{DIM:#}"
            )?;
        }
        out.flush()?;
        let [first, second] = paths.map(|path| shell_quote(&path).to_string());
        next_step(format_args!(
            "mlp eval {first} {second}{}",
            self.data.dir.flag()
        ));
        Ok(Outcome::Done)
    }
}

/// Which images a model gets right.
fn right(model: &Model<f32>, images: &Dataset, team: &mut Team) -> Vec<bool> {
    let loss = model.metadata.loss.build::<f32>();
    // Softmax has its maximum where the outputs have theirs.
    let predictions = predictions(
        &model.network,
        &*loss,
        images,
        model.metadata.preprocessing(),
        team,
    );
    let rows = predictions.rows().into_iter().zip(&images.labels);
    rows.map(|(row, &label)| loss.decoding().class(row, CLASSES) == label)
        .collect()
}
