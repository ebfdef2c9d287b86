//! `mlp gradcheck`: every gradient against finite differences.

use std::{io::Write, path::PathBuf};

use anyhow::ensure;
use mlp::{
    data::{self, PIXELS, batches::Scaling},
    gradcheck::{self, Group, Images, Settings, TensorReport},
    model_file::{self, LossKind},
};
use ndarray::Array2;
use serde_json::{Value, json};

use super::{
    Outcome,
    data::DataArgs,
    network::{Hidden, LossArgs},
    output::{BAD, BOLD, DIM, GOOD, Output, next_step, note},
};

/// Check every gradient against finite differences, in double precision
///
/// Without flags: every module and loss alone, and networks of 0 to 3 hidden layers with every loss, on
/// real images where they are there. With --loss or --hidden: that network. Exit code 1 if a
/// gradient is wrong.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp gradcheck                                 everything
  mlp gradcheck --loss mse --hidden 500,150     one network
  mlp gradcheck --model model.bin               the weights of a trained one
  mlp gradcheck --json | jq .passed             for a program to read")]
pub struct Gradcheck {
    /// Check a network with these hidden layers: 50, or 500,150, or none
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    hidden: Option<Hidden>,

    #[command(flatten)]
    loss: LossArgs,

    /// Check the weights of a model, with the loss it was trained for
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hidden", "loss", "target"], help_heading = "Network")]
    model: Option<PathBuf>,

    /// The change of an element
    #[arg(long, default_value_t = Settings::default().eps, value_parser = positive, help_heading = "Check")]
    eps: f64,

    /// The largest relative error that passes
    #[arg(long, default_value_t = Settings::default().tolerance, value_parser = positive, help_heading = "Check")]
    tol: f64,

    /// Elements to check of each tensor
    #[arg(long, value_name = "N", default_value_t = Settings::default().samples, help_heading = "Check")]
    samples: usize,

    /// Images in the batch of a network
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Check",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch_size: u16,

    /// What random weights, and the choice of elements and images, follow from
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed, help_heading = "Check")]
    seed: u64,

    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    data: DataArgs,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a number above 0, such as 1e-6".into()),
    }
}

impl Gradcheck {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let settings = Settings {
            eps: self.eps,
            tolerance: self.tol,
            samples: self.samples.max(1),
            seed: self.seed,
        };
        let groups = self.groups(&settings)?;
        let passed = groups.iter().all(Group::passed);
        if self.json {
            writeln!(out, "{}", report(&groups, &settings, passed))?;
        } else {
            print(out, &groups, &settings)?;
        }
        out.flush()?;
        if !passed {
            return Ok(Outcome::Failed);
        }
        if self.model.is_none() {
            next_step("mlp train --loss ce --hidden 50");
        }
        Ok(Outcome::Done)
    }

    fn groups(&self, settings: &Settings) -> anyhow::Result<Vec<Group>> {
        if let Some(path) = &self.model {
            let model = model_file::load::<f64>(path)?;
            let inputs = model.network.inputs();
            ensure!(
                inputs == PIXELS,
                "{}: {inputs} inputs, expected {PIXELS}",
                path.display()
            );
            let images = self.images(model.metadata.scaling());
            let kind = model.metadata.loss;
            return Ok(vec![gradcheck::model(
                model.network,
                kind,
                &images,
                settings,
            )]);
        }
        let images = self.images(Scaling::UNIT);
        if self.hidden.is_some() || self.loss.given() {
            let hidden = self.hidden.as_ref().map_or(&[50][..], |hidden| &hidden.0);
            return Ok(vec![gradcheck::network(
                hidden,
                self.loss.kind()?,
                &images,
                settings,
            )]);
        }
        let kinds = [LossKind::Ce, LossKind::MseOnehot, LossKind::MseDigit];
        let mut groups = gradcheck::modules(settings);
        groups.extend(gradcheck::losses(&kinds, settings));
        for hidden in [&[][..], &[50], &[32, 24], &[24, 20, 16]] {
            for kind in kinds {
                groups.push(gradcheck::network(hidden, kind, &images, settings));
            }
        }
        Ok(groups)
    }

    /// The first training images, or random ones where MNIST is not at hand: a check needs no download.
    fn images(&self, scaling: Scaling) -> Images {
        let n = usize::from(self.batch_size);
        match data::load(&self.data.data_dir) {
            Ok(mnist) => {
                let mut x = Array2::zeros((n, PIXELS));
                scaling.gather(&mnist.train, &data::batches::in_order(n), &mut x);
                Images {
                    x,
                    targets: mnist.train.labels[..n].to_vec(),
                }
            }
            Err(error) => {
                note(format_args!(
                    "checking on random images, not on MNIST: {error}"
                ));
                gradcheck::random_images(n, PIXELS, self.seed)
            }
        }
    }
}

fn print(out: &mut Output, groups: &[Group], settings: &Settings) -> std::io::Result<()> {
    writeln!(
        out,
        "{DIM}{:<10} {:>11} {:>7} {:>5} {:>8} {:>8}  {:<35}{DIM:#}",
        "gradient",
        "shape",
        "checked",
        "kinks",
        "abs err",
        "rel err",
        "worst: backward against difference",
    )?;
    for group in groups {
        writeln!(out, "\n{BOLD}{}{BOLD:#}", group.title)?;
        for tensor in &group.tensors {
            print_tensor(out, tensor)?;
        }
    }
    let tensors = || groups.iter().flat_map(|group| &group.tensors);
    let wrong = tensors().filter(|tensor| !tensor.passed).count();
    let checked: usize = tensors().map(|tensor| tensor.checked).sum();
    let (tensors, Settings { tolerance, eps, .. }) = (tensors().count(), settings);
    writeln!(out)?;
    match wrong {
        0 => writeln!(
            out,
            "{GOOD}all {tensors} gradients are right{GOOD:#}: {checked} elements within {tolerance:e} of central differences, eps {eps:e}"
        ),
        _ => writeln!(
            out,
            "{BAD}{wrong} of {tensors} gradients are wrong{BAD:#}: off by more than {tolerance:e} from central differences, eps {eps:e}"
        ),
    }
}

fn print_tensor(out: &mut Output, tensor: &TensorReport) -> std::io::Result<()> {
    let TensorReport {
        name,
        shape,
        checked,
        skipped,
        max_absolute,
        max_relative,
        ..
    } = tensor;
    let shape = format!("({}, {})", shape.0, shape.1);
    write!(
        out,
        "{name:<10} {shape:>11} {checked:>7} {skipped:>5} {max_absolute:>8.1e} {max_relative:>8.1e}  "
    )?;
    let worst = tensor
        .worst
        .map_or("nothing could be checked".to_owned(), |worst| {
            let index = format!("[{}, {}]", worst.index.0, worst.index.1);
            format!(
                "{index:<10} {:>10.3e} {:>10.3e}",
                worst.backward, worst.difference
            )
        });
    match tensor.passed {
        true => writeln!(out, "{worst:<32}  {GOOD}ok{GOOD:#}"),
        false => writeln!(out, "{worst:<32}  {BAD}WRONG{BAD:#}"),
    }
}

fn report(groups: &[Group], settings: &Settings, passed: bool) -> Value {
    let tensor = |tensor: &TensorReport| {
        let worst = tensor.worst.map(|worst| {
            let index = [worst.index.0, worst.index.1];
            json!({"index": index, "backward": worst.backward, "difference": worst.difference})
        });
        json!({
            "name": tensor.name, "shape": [tensor.shape.0, tensor.shape.1],
            "checked": tensor.checked, "skipped": tensor.skipped,
            "max_absolute_error": tensor.max_absolute, "max_relative_error": tensor.max_relative,
            "worst": worst, "passed": tensor.passed,
        })
    };
    let group = |group: &Group| {
        let tensors: Vec<_> = group.tensors.iter().map(tensor).collect();
        json!({"title": group.title, "passed": group.passed(), "tensors": tensors})
    };
    json!({
        "passed": passed, "eps": settings.eps, "tolerance": settings.tolerance, "seed": settings.seed,
        "groups": groups.iter().map(group).collect::<Vec<_>>(),
    })
}
