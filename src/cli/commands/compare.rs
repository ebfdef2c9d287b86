//! `mlp compare`: is one model better than another, or luckier?

use std::{io::Write, path::PathBuf};

use mlp::{
    data::Dataset,
    files::model::Model,
    linalg::team::Team,
    train::metrics::{classes, mcnemar},
};
use serde_json::json;

use crate::cli::{
    args::{
        common::{JsonArg, ThreadArgs},
        data::DataArgs,
        memory::Use,
        model::{ForeignArgs, is_foreign, load_any_model},
        split::{SplitArg, measured_images},
    },
    terminal::{
        Outcome,
        output::{BOLD, DIM, Output, named, next_step, thousands},
        progress::busy,
        shell::shell_quote,
    },
};

/// Compare two models on the same images: McNemar's test
///
/// Only images that exactly one of them gets right tell them apart. The p-value is the probability of a split
/// at least as uneven between two models that are equally good.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp compare a.bin b.bin                     on the test images
  mlp compare a.bin b.bin --split valid       on those held back, to choose by
  mlp compare a.bin b.bin --json | jq .p_value

Choose by the validation images: the test images are for the last word.")]
pub struct Compare {
    /// A model that mlp train has saved
    first: PathBuf,

    /// Another
    second: PathBuf,

    #[command(flatten)]
    split: SplitArg,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    foreign: ForeignArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

impl Compare {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let paths = [self.first, self.second];
        let needs = Use::classifying(2, self.threads.count());
        let said = self.foreign.unsaid()?;
        let ours = !paths.iter().any(|path| is_foreign(path));
        // What is said is of those that do not say it themselves; where both do, it is one thing too many.
        let model = |path: &PathBuf| {
            let said = said.filter(|_| ours || is_foreign(path));
            load_any_model::<f32>(path, said, needs)
        };
        let models = [model(&paths[0])?, model(&paths[1])?];
        let split = self.split.split;
        let images = measured_images(&paths, &models, &self.data, split)?;
        let mut team = self.threads.team();
        let [first, second] = busy("measuring", || {
            models.map(|model| right(&model, &images, &mut team))
        });
        // By whether the first and the second are right.
        let mut counts = [[0_u32; 2]; 2];
        for (first, second) in first.into_iter().zip(second) {
            counts[usize::from(first)][usize::from(second)] += 1;
        }
        let [[neither, second], [first, both]] = counts;
        let p = mcnemar(first, second);
        let n = images.len() as f64;
        let accuracies = [f64::from(both + first) / n, f64::from(both + second) / n];
        if self.json.json {
            let object = json!({
                "models": paths.each_ref().map(|path| path.display().to_string()), "images": images.len(), "accuracies": accuracies,
                "both_right": both, "only_first_right": first, "only_second_right": second,
                "neither_right": neither, "p_value": p,
            });
            out.json(object)?;
        } else {
            for (path, accuracy) in paths.iter().zip(accuracies) {
                writeln!(
                    out,
                    "{BOLD}{}{BOLD:#}: {:.2} % right",
                    named(path),
                    100.0 * accuracy
                )?;
            }
            let count = |n: u32| thousands(n.into());
            writeln!(
                out,
                "\nof {} {} images\n{:>8}  both are right\n{:>8}  only the first\n{:>8}  only the second\n{:>8}  neither\n",
                thousands(images.len() as u64),
                split.name(),
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
        if said.is_some() {
            return Ok(Outcome::Done); // what comes next would need the same flags
        }
        let [first, second] = paths.map(|path| shell_quote(&path).to_string());
        next_step(format_args!(
            "mlp eval {first} {second}{}{}",
            self.split.text(),
            self.data.dir.flag()
        ));
        Ok(Outcome::Done)
    }
}

/// Which images a model gets right.
fn right(model: &Model<f32>, images: &Dataset, team: &mut Team) -> Vec<bool> {
    let loss = model.metadata.loss.build::<f32>();
    let classes = classes(
        &model.network,
        &*loss,
        images,
        model.metadata.preprocessing,
        team,
    );
    let pairs = classes.into_iter().zip(&images.labels);
    pairs.map(|(class, &label)| class == label).collect()
}
