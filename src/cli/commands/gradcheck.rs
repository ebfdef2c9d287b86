//! `mlp gradcheck`: every gradient against finite differences.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
    str::FromStr,
};

use mlp::{
    check::{
        self, Group, Settings, TensorReport,
        mistakes::{self, Mistake, Verdict},
    },
    data::{
        self, CLASSES, PIXELS,
        batch::{Batch, Preprocessing},
        shell_quote,
    },
    files::arrays,
    loss::LossKind,
    nn::{Activation, Architecture, Mlp},
};
use ndarray::Array2;
use serde_json::{Value, json};

use crate::cli::{
    Outcome,
    args::{
        architecture::ArchitectureArgs,
        network::{Hidden, LossArgs, check_size, load_model},
    },
    commands::{
        data::DataDir,
        mistakes::{
            check_fits, diagnosis_json, judged_json, list_mistakes, mistake_parser,
            print_diagnosis, print_judged,
        },
    },
    terminal::{
        interrupt,
        output::{BAD, BOLD, DIM, GOOD, Output, next_step, note, progress_bar, scientific},
    },
};

/// Check every gradient against finite differences, in double precision
///
/// Without flags: every module and loss alone, networks of 0 to 3 hidden layers with every loss, and with
/// every activation and dropout (whose mask stays fixed), on real images where they are there, else on
/// random ones. With flags of a network: that network. Elements whose change crosses a kink of ReLU have no
/// derivative to compare with: they are left out and counted. Where a network has a wrong gradient, the known
/// mistakes are tried against the numbers, and the one that fits is named. Exit code 1 if a gradient is wrong.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp gradcheck                                 everything
  mlp gradcheck --loss mse --hidden 500,150     one network
  mlp gradcheck --activation tanh --dropout 0.5 another
  mlp gradcheck --model model.bin               the weights of a trained one
  mlp gradcheck --list-mistakes                 what can be got wrong
  mlp gradcheck --inject relu-mask-missing      make that mistake, and see it caught
  mlp gradcheck --model model.bin --against grads.npz   your own gradients, see mlp export-batch
  mlp gradcheck --json | jq .passed             for a program to read")]
pub struct Gradcheck {
    /// Check a network with these hidden layers: 50, or 500,150, or none
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    hidden: Option<Hidden>,

    #[command(flatten)]
    architecture: ArchitectureArgs,

    #[command(flatten)]
    loss: LossArgs,

    /// Check the weights of a model, with the loss it was trained for
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hidden", "activation", "dropout", "loss", "target", "label_smoothing"], help_heading = "Network")]
    model: Option<PathBuf>,

    /// Make a known mistake in the backward pass of the network: one of --list-mistakes
    #[arg(long, value_name = "MISTAKE", value_parser = mistake_parser(), hide_possible_values = true, help_heading = "Mistakes")]
    inject: Option<Mistake>,

    /// List the known mistakes: what each does, the question that leads to it, and the formula that mends it
    #[arg(long, help_heading = "Mistakes")]
    list_mistakes: bool,

    /// Check your own gradients, of the batch that mlp export-batch wrote: a .safetensors or .npz file with
    /// arrays named as in the model file, such as 0.weight (outputs, inputs) and 0.bias (outputs)
    #[arg(
        long,
        value_name = "FILE",
        requires = "model",
        conflicts_with = "inject",
        help_heading = "Mistakes"
    )]
    against: Option<PathBuf>,

    /// The change of an element
    #[arg(long, value_name = "SIZE", default_value_t = Positive(Settings::default().eps), help_heading = "Check")]
    eps: Positive,

    /// The largest relative error that passes [default: 1e-6, or 1e-4 with --against]
    #[arg(long, value_name = "ERROR", help_heading = "Check")]
    tol: Option<Positive>,

    /// Elements to check of each tensor
    #[arg(long, value_name = "N", default_value_t = Settings::default().samples as u32, help_heading = "Check",
          value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,

    /// Batch in the batch of a network
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
    data: DataDir,
}

/// A number above 0, shown as `1e-5`.
#[derive(Clone, Copy)]
struct Positive(f64);

impl FromStr for Positive {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            Ok(number) if number > 0.0 && number.is_finite() => Ok(Self(number)),
            _ => Err("expected a number above 0, such as 1e-6"),
        }
    }
}

impl fmt::Display for Positive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:e}", self.0)
    }
}

/// The losses that are checked without flags, and where an injected mistake is first tried.
const KINDS: [LossKind; 3] = [LossKind::Ce, LossKind::MseOnehot, LossKind::MseDigit];

impl Gradcheck {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        if self.list_mistakes {
            return list_mistakes(out, self.json);
        }
        if let Some(file) = &self.against {
            return self.against(file, out);
        }
        let settings = Settings {
            eps: self.eps.0,
            tolerance: self.tol.map_or(Settings::default().tolerance, |tol| tol.0),
            samples: self.samples as usize,
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
        let defaults = Settings::default();
        if passed {
            let next = match self.model {
                Some(_) => "mlp train --hidden 500,150",
                None => "mlp train",
            };
            next_step(format_args!("{next}{}", self.data.flag()));
            return Ok(Outcome::Done);
        }
        if self.inject.is_some() {
            next_step("mlp gradcheck --list-mistakes");
        } else if (settings.eps, settings.tolerance) == (defaults.eps, defaults.tolerance) {
            note(
                "gradients flow from the loss back to the images: look first at the last module that is wrong",
            );
        } else {
            note(format_args!(
                "rounding limits what can be asked for: --eps {:e} and --tol {:e} are known to tell right from wrong",
                defaults.eps, defaults.tolerance
            ));
        }
        Ok(Outcome::Failed)
    }

    fn groups(&self, settings: &Settings) -> anyhow::Result<Vec<Group>> {
        if let Some(path) = &self.model {
            let model = load_model::<f64>(path)?;
            let images = self.images(model.metadata.preprocessing())?;
            let kind = model.metadata.loss;
            let network = model.network;
            self.check_inject(&network, kind)?;
            return Ok(busy(|| {
                vec![check::injected(
                    network,
                    kind,
                    &images,
                    settings,
                    self.inject,
                )]
            }));
        }
        let given = self.hidden.is_some() || self.architecture.given() || self.loss.given();
        if given || self.inject.is_some() {
            let default = match self.inject {
                // Some mistakes need two layers of one width.
                Some(_) => Hidden(vec![24, 24]),
                None => Hidden(vec![50]),
            };
            let hidden = self.hidden.as_ref().unwrap_or(&default);
            let mut kind = self.loss.kind()?;
            if let (Some(mistake), false) = (self.inject, self.loss.given()) {
                let fitting = KINDS.into_iter().find(|&kind| mistake.fits_loss(kind));
                kind = fitting.unwrap_or(kind);
            }
            // A weight, its gradient and its place in the list to choose from; y and dy, on both sides of a change.
            let mut architecture = self.architecture.of(hidden, kind)?;
            match self.inject {
                Some(Mistake::SlopeFromX) if !given => architecture.activation = Activation::Tanh,
                Some(Mistake::DropoutMaskMissing) if !given => {
                    architecture.dropout = vec![0.0, 0.5]
                }
                _ => {}
            }
            let batch = usize::from(self.batch_size);
            check_size(&architecture.layers, batch, (48, 48))?;
            let network = check::random_network(&architecture, settings);
            self.check_inject(&network, kind)?;
            let images = self.images(Preprocessing::UNIT)?;
            return Ok(busy(|| {
                vec![check::injected(
                    network,
                    kind,
                    &images,
                    settings,
                    self.inject,
                )]
            }));
        }
        let images = self.images(Preprocessing::UNIT)?;
        Ok(busy(|| {
            let mut groups = check::modules(settings);
            groups.extend(check::losses(&KINDS, settings));
            groups.extend(check::losses(&[LossKind::SmoothedCe(0.1)], settings));
            for hidden in [&[][..], &[50], &[32, 24], &[24, 20, 16]] {
                for kind in KINDS {
                    groups.push(check::network(hidden, kind, &images, settings));
                }
            }
            for activation in Activation::ALL {
                let architecture = Architecture {
                    layers: vec![PIXELS, 24, 20, CLASSES],
                    activation,
                    dropout: vec![0.2, 0.5, 0.5],
                };
                let kind = LossKind::Ce;
                groups.push(check::architecture(&architecture, kind, &images, settings));
            }
            groups
        }))
    }

    fn check_inject(&self, network: &Mlp<f64>, kind: LossKind) -> Result<(), clap::Error> {
        match self.inject {
            Some(mistake) => check_fits(mistake, network, kind),
            None => Ok(()),
        }
    }

    fn images(&self, preprocessing: Preprocessing) -> anyhow::Result<Batch> {
        first_images(
            &self.data,
            usize::from(self.batch_size),
            self.seed,
            preprocessing,
        )
    }

    /// `--against`: somebody else's gradients.
    fn against(&self, file: &Path, out: &mut Output) -> anyhow::Result<Outcome> {
        let path = self.model.as_deref().expect("required by --against");
        let model = load_model::<f64>(path)?;
        let kind = model.metadata.loss;
        let theirs = arrays::read(file)?;
        let images = self.images(model.metadata.preprocessing())?;
        // Others compute in f32.
        let tolerance = self.tol.map_or(1e-4, |tol| tol.0);
        if !model.metadata.dropout.is_empty() {
            note(
                "the model has dropout: yours are compared with the gradients without it, as in net.eval()",
            );
        }
        let (judged, diagnosis) =
            mistakes::against(&theirs, &model.network, kind, &images, tolerance);
        let right = judged.iter().all(|tensor| tensor.verdict == Verdict::Right);
        if self.json {
            writeln!(
                out,
                "{}",
                judged_json(&judged, diagnosis.as_ref(), tolerance)
            )?;
        } else {
            print_judged(out, &judged, diagnosis.as_ref(), tolerance)?;
        }
        out.flush()?;
        match right {
            true => {
                next_step(format_args!("mlp gradcheck --model {}", shell_quote(path)));
                Ok(Outcome::Done)
            }
            false => {
                note(format_args!(
                    "compared on the first {} training images, the mean of {kind} as loss: are they the batch of \
                     `mlp export-batch`?",
                    self.batch_size
                ));
                Ok(Outcome::Failed)
            }
        }
    }
}

/// The first training images, or random ones where MNIST is not at hand: a check needs no download.
pub fn first_images(
    data: &DataDir,
    n: usize,
    seed: u64,
    preprocessing: Preprocessing,
) -> anyhow::Result<Batch> {
    let mnist = data.load();
    interrupt::release()?;
    Ok(match mnist {
        Ok(mnist) => {
            let mut x = Array2::zeros((n, PIXELS));
            preprocessing.gather(&mnist.train, &data::batch::in_order(n), &mut x);
            Batch {
                x,
                targets: mnist.train.labels[..n].to_vec(),
            }
        }
        Err(error) => {
            note(format_args!("random images, not MNIST: {error:#}"));
            check::random_images(n, PIXELS, seed)
        }
    })
}

/// Works with a sign of life.
fn busy<T>(work: impl FnOnce() -> T) -> T {
    let spinner = progress_bar(0, "{spinner} checking gradients {elapsed}");
    let result = work();
    spinner.finish_and_clear();
    result
}

fn print(out: &mut Output, groups: &[Group], settings: &Settings) -> std::io::Result<()> {
    writeln!(
        out,
        "{DIM}{:<10} {:>12} {:>7} {:>5} {:>8} {:>8}  {:<11} {:>11} {:>11}{DIM:#}",
        "gradient",
        "shape",
        "checked",
        "kinks",
        "abs err",
        "rel err",
        "worst at",
        "backward",
        "difference",
    )?;
    for group in groups {
        writeln!(out, "\n{BOLD}{}{BOLD:#}", group.title)?;
        for tensor in &group.tensors {
            print_tensor(out, tensor)?;
        }
        if let Some(diagnosis) = &group.diagnosis {
            print_diagnosis(out, diagnosis)?;
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
    let pair = |(row, column): (usize, usize)| format!("({row}, {column})");
    write!(
        out,
        "{name:<10} {:>12} {checked:>7} {skipped:>5} {:>8} {:>8}  ",
        pair(*shape),
        scientific(*max_absolute, 1),
        scientific(*max_relative, 1),
    )?;
    match tensor.worst {
        Some(worst) => write!(
            out,
            "{:<11} {:>11} {:>11}",
            pair(worst.index),
            scientific(worst.backward, 3),
            scientific(worst.difference, 3)
        )?,
        None => write!(out, "{:<35}", "nothing but kinks")?,
    }
    match tensor.passed {
        true => writeln!(out, "  {GOOD}ok{GOOD:#}"),
        false => writeln!(out, "  {BAD}WRONG{BAD:#}"),
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
        let diagnosis = group.diagnosis.as_ref().map(diagnosis_json);
        json!({"title": group.title, "passed": group.passed(), "tensors": tensors, "diagnosis": diagnosis})
    };
    json!({
        "passed": passed, "eps": settings.eps, "tolerance": settings.tolerance, "seed": settings.seed,
        "groups": groups.iter().map(group).collect::<Vec<_>>(),
    })
}
