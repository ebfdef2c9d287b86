//! `mlp gradcheck`: every gradient against finite differences.

mod diagnosis;
mod list;
mod net;
mod report;

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
    str::FromStr,
};

use mlp::{
    check::{
        self, Group, Settings,
        mistakes::{self, Mistake, Precision, Problem},
    },
    data::{CLASSES, PIXELS, Spec, batch::Batch, one_against_rest},
    files::{
        arrays::{self, Arrays},
        model::{Metadata, Model},
    },
    loss::LossKind,
    nn::{Activation, Architecture, Mlp},
};

use diagnosis::{judged_json, print_judged};

use crate::cli::{
    args::{
        self, Usage,
        architecture::ArchitectureArgs,
        common::JsonArg,
        data::DataDir,
        hidden::Hidden,
        loss::{LossArgs, POSITIVE},
        memory::{self, Use, check_size},
        mistake::{check_fits, mistake_parser},
        model::load_model,
        number,
    },
    terminal::{
        Outcome,
        output::{Output, next_step, note},
        progress,
        shell::{shell_quote, train_command},
    },
};

/// Check every gradient against finite differences
///
/// Without flags: every module and loss alone, networks of 0 to 3 hidden layers with every loss, and with
/// every activation and dropout (whose mask stays fixed), on real images where they are there, else on
/// random ones. With flags of a network: that network. Elements whose change crosses a kink of ReLU have no
/// derivative to compare with: they are left out and counted. Where a network has a wrong gradient, the known
/// mistakes are tried against the numbers, and the one that fits is named. Exit code 1 if a gradient is wrong, 3 if
/// nothing in the file of --against could be judged.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp gradcheck                                 everything
  mlp gradcheck --loss mse --hidden 500,150     one network
  mlp gradcheck --activation tanh --dropout 0.5 another
  mlp gradcheck --model model.bin               the weights of a trained one
  mlp gradcheck --net net.json                  a network of your own
  mlp gradcheck --list-mistakes                 what can be got wrong
  mlp gradcheck --inject relu-mask-missing      make that mistake, see it caught
  mlp gradcheck --json | jq .passed             for a program to read
  mlp gradcheck --model model.bin --against grads.npz
                               your own gradients, see mlp export-batch")]
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

    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "hidden", "activation", "dropout", "loss", "target", "label_smoothing", "inject"], help = args::net::HELP, long_help = args::net::LONG_HELP, help_heading = "Network")]
    net: Option<PathBuf>,

    /// Plant a known mistake in the backward pass of the network: one of --list-mistakes
    #[arg(long, value_name = "MISTAKE", value_parser = mistake_parser(), hide_possible_values = true, help_heading = "Mistakes")]
    inject: Option<Mistake>,

    /// List the known mistakes: what each does, the question that leads to it, and the formula that mends it
    #[arg(long, help_heading = "Mistakes")]
    list_mistakes: bool,

    /// Judge your own gradients, of the batch that mlp export-batch wrote: a .npz, .npy or .safetensors file
    ///
    /// Arrays named as in the model file, such as 0.weight (outputs, inputs) and 0.bias (outputs), or w1, b1,
    /// fc1.weight, arr_0, in either orientation; some of them are enough. Numbers on the way (l1, l2, z, p, loss,
    /// dz, dl2, dl1, or 0.y and 1.dy) show where it goes wrong. Goes with --model or --net. Exit code 0 if nothing
    /// in the file is wrong; 1 if something is, or the file cannot be read; 3 if nothing in it could be judged:
    /// nothing is a gradient of this network, or float32 cannot tell right from wrong in any.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "inject",
        help_heading = "Mistakes"
    )]
    against: Option<PathBuf>,

    /// The step of the finite difference
    #[arg(long, value_name = "SIZE", default_value_t = Positive(Settings::default().eps), help_heading = "Check")]
    eps: Positive,

    /// The largest relative error that passes [default: 1e-6; with --against what rounding
    /// in the file's precision can do]
    #[arg(long, value_name = "ERROR", help_heading = "Check")]
    tol: Option<Positive>,

    /// Elements to check in each tensor
    #[arg(long, value_name = "N", default_value_t = Settings::default().samples as u32, help_heading = "Check",
          value_parser = number::whole(1..=u32::MAX))]
    samples: u32,

    /// Batch size: images in the batch that a network is checked on
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Check",
          value_parser = number::whole(1..=10_000_u16))]
    batch_size: u16,

    /// Random seed of the weights and of the choice of elements and images
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed, value_parser = number::whole(0..=u64::MAX), help_heading = "Check")]
    seed: u64,

    #[command(flatten)]
    json: JsonArg,

    #[command(flatten)]
    data: DataDir,
}

/// A number above 0, shown as `1e-5`.
#[derive(Clone, Copy)]
struct Positive(f64);

impl FromStr for Positive {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        number::above_0(text).map(Self)
    }
}

impl fmt::Display for Positive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:e}", self.0)
    }
}

/// The losses that are checked without flags, and where an injected mistake is first tried.
const KINDS: [LossKind; 4] = [
    LossKind::Ce,
    LossKind::MseOnehot,
    LossKind::MseDigit,
    LossKind::Bce,
];

impl Gradcheck {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        if self.list_mistakes {
            return list::list_mistakes(out, self.json.json);
        }
        let needs = Use {
            batch: usize::from(self.batch_size),
            bytes: memory::CHECK,
            models: 1,
        };
        let model = match &self.model {
            Some(path) => Some((path.as_path(), load_model::<f64>(path, needs)?)),
            None => None,
        };
        if let Some(file) = &self.against {
            return match (&model, &self.net) {
                (Some((path, model)), _) => self.against(file, path, model, out),
                (None, Some(path)) => self.against_net(file, path, out),
                (None, None) => Err(Usage::from(
                    "--against FILE needs --model or --net: the network that the gradients belong to",
                )
                .into()),
            };
        }
        let settings = Settings {
            eps: self.eps.0,
            tolerance: self.tol.map_or(Settings::default().tolerance, |tol| tol.0),
            samples: self.samples as usize,
            seed: self.seed,
        };
        let trained_with = model.as_ref().and_then(|(_, m)| m.metadata.training.inject);
        let groups = match (&self.net, model) {
            (Some(path), _) => vec![net::group(path, &settings)?],
            (None, Some((_, model))) => self.model_group(model, &settings)?,
            (None, None) => self.groups(&settings)?,
        };
        let passed = groups.iter().all(Group::passed);
        match self.json.json {
            true => out.json(report::json(&groups, &settings, passed))?,
            false => report::print(out, &groups, &settings)?,
        }
        out.flush()?;
        match passed {
            true => {
                if let Some(mistake) = trained_with {
                    note(format_args!(
                        "the gradients here are right, but this model was trained with {mistake} injected: the \
                         mistake was in its training, and the file keeps only what came of it"
                    ));
                }
                if let Some(path) = &self.net {
                    next_step(format_args!("mlp explain --net {}", shell_quote(path)));
                    return Ok(Outcome::Done);
                }
                let network = match self.model {
                    Some(_) => " --hidden 500,150",
                    None => "",
                };
                next_step(train_command(&format!("{network}{}", self.data.flag())));
                Ok(Outcome::Done)
            }
            false => {
                self.help_out(&settings);
                Ok(Outcome::Failed)
            }
        }
    }

    /// What to look at where a gradient is wrong.
    fn help_out(&self, settings: &Settings) {
        let defaults = Settings::default();
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
    }

    /// The network of a model.
    fn model_group(&self, model: Model<f64>, settings: &Settings) -> anyhow::Result<Vec<Group>> {
        let images = self.images(Some(&model.metadata))?;
        self.injected(model.network, model.metadata.loss, &images, settings)
    }

    /// A network, with the mistake that is asked for.
    fn injected(
        &self,
        network: Mlp<f64>,
        kind: LossKind,
        images: &Batch,
        settings: &Settings,
    ) -> anyhow::Result<Vec<Group>> {
        if let Some(mistake) = self.inject {
            check_fits(mistake, &network, kind)?;
        }
        let check = || check::injected(network, kind, images, settings, self.inject);
        Ok(vec![busy(check)])
    }

    /// The network that the flags describe; without one, everything.
    fn groups(&self, settings: &Settings) -> anyhow::Result<Vec<Group>> {
        let given = self.hidden.is_some() || self.architecture.given() || self.loss.given();
        if given || self.inject.is_some() {
            let default = match self.inject {
                Some(Mistake::ReluMaskOfAnother) => Hidden(vec![24, 24, 24]),
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
            let mut architecture = self.architecture.of(hidden, kind, &Spec::default())?;
            match self.inject {
                Some(Mistake::SlopeFromX | Mistake::SlopeMissing | Mistake::SlopeAtOutput)
                    if !given =>
                {
                    architecture.activation = Activation::Tanh;
                }
                Some(Mistake::DropoutMaskMissing) if !given => {
                    architecture.dropout = vec![0.0, 0.5]
                }
                _ => {}
            }
            let batch = usize::from(self.batch_size);
            check_size(&architecture.layers, batch, memory::CHECK)?;
            let network = check::random_network(&architecture, settings);
            let images = targets_of(kind, &self.images(None)?);
            return self.injected(network, kind, &images, settings);
        }
        let images = self.images(None)?;
        Ok(busy(|| {
            let mut groups = check::modules(settings);
            groups.extend(check::losses(&KINDS, settings));
            groups.extend(check::losses(&[LossKind::SmoothedCe(0.1)], settings));
            for hidden in [&[][..], &[50], &[32, 24], &[24, 20, 16]] {
                for kind in KINDS {
                    let images = targets_of(kind, &images);
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

    fn images(&self, network: Option<&Metadata>) -> anyhow::Result<Batch> {
        let n = usize::from(self.batch_size);
        self.data.first_images(n, self.seed, network)
    }

    /// `--against`: somebody else's gradients.
    fn against(
        &self,
        file: &Path,
        path: &Path,
        model: &Model<f64>,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let kind = model.metadata.loss;
        let theirs = arrays::read(file)?;
        let n = usize::from(self.batch_size);
        // With some images behind those of the batch: people take these by mistake.
        let images = self
            .data
            .first_images(more(n), self.seed, Some(&model.metadata))?;
        let problem = Problem::of_batch(&model.network, kind, &images, n);
        if !model.metadata.architecture.dropout.is_empty() {
            note(
                "the model has dropout: yours are compared with the gradients without it, as in net.eval()",
            );
        }
        let outcome = self.judge(&theirs, &problem, out)?;
        match outcome {
            Outcome::Done => {
                let data = self.data.flag();
                next_step(format_args!(
                    "mlp gradcheck --model {}{data}",
                    shell_quote(path)
                ));
            }
            Outcome::Failed | Outcome::Unjudged => {
                if model.metadata.architecture.activation == Activation::Gelu {
                    note(
                        "GELU is the tanh form here: in PyTorch torch.nn.GELU(approximate=\"tanh\"), whose default is another function",
                    );
                }
                note(format_args!(
                    "compared on the first {n} training images, the mean of {kind} as loss: are they the batch of \
                     `mlp export-batch`?",
                ));
            }
        }
        Ok(outcome)
    }

    /// `--against` with `--net`.
    fn against_net(&self, file: &Path, path: &Path, out: &mut Output) -> anyhow::Result<Outcome> {
        let theirs = arrays::read(file)?;
        let net = args::net::load_net(path)?;
        let outcome = self.judge(&theirs, &net.problem, out)?;
        if outcome == Outcome::Done {
            next_step(format_args!("mlp explain --net {}", shell_quote(path)));
        }
        Ok(outcome)
    }

    /// Judges the arrays of a file.
    fn judge(
        &self,
        theirs: &Arrays,
        problem: &Problem,
        out: &mut Output,
    ) -> anyhow::Result<Outcome> {
        let tolerance = self.tol.map(|tol| tol.0);
        let judge = || mistakes::against(&theirs.arrays, problem, tolerance);
        let mut judgement = busy(judge);
        judgement.ignored.extend(theirs.ignored.iter().cloned());
        let coarsest = theirs.arrays.iter().map(|array| array.precision);
        let coarsest = coarsest.max_by(|a, b| a.unit_roundoff().total_cmp(&b.unit_roundoff()));
        // Double precision is the end of many a computation in single.
        let precision = match coarsest {
            None | Some(Precision::F64 | Precision::Integer) => Precision::F32,
            Some(other) => other,
        };
        match self.json.json {
            true => out.json(judged_json(&judgement, tolerance, precision.name()))?,
            false => print_judged(out, &judgement, tolerance, precision.name())?,
        }
        out.flush()?;
        let itself = |tensor: &mistakes::Judged| tensor.is_the_parameter();
        if judgement.tensors.iter().any(itself) {
            note(
                "these are parameters, as mlp export-batch writes them: compute the gradients with them, and save \
                 those",
            );
        }
        Ok(match (judgement.judged(), judgement.passed()) {
            (false, _) => Outcome::Unjudged,
            (true, true) => Outcome::Done,
            (true, false) => Outcome::Failed,
        })
    }
}

/// Images with the targets of a loss: for one of two classes, 1 for one digit and 0 for the others.
fn targets_of(kind: LossKind, images: &Batch) -> Batch {
    let mut images = images.clone();
    if kind.binary() {
        one_against_rest(&mut images.targets, POSITIVE);
    }
    images
}

/// How many images are read for a batch of n: those that people take for it are among them.
fn more(n: usize) -> usize {
    (5 * n).clamp(256, 2 * n.max(1000)).min(20_000)
}

fn busy<T>(work: impl FnOnce() -> T) -> T {
    progress::busy("checking gradients", work)
}
