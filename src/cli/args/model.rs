//! Models that a command is given.

use std::{
    io::{self, Read},
    path::Path,
    str::FromStr,
};

use anyhow::{bail, ensure};
use mlp::{
    data::batch::Preprocessing,
    files::model::{self, Fault, Model, ModelError, Unsaid},
    linalg::Float,
    loss::LossKind,
    nn::Activation,
    regular_file,
};

use crate::cli::{
    args::{
        Usage,
        architecture::activation_parser,
        loss::LossArgs,
        memory::{Use, check_model},
    },
    terminal::{output::note, shell::shell_quote},
};

/// What another program's model does not say of itself.
#[derive(clap::Args)]
#[command(next_help_heading = "Model of another program")]
pub struct ForeignArgs {
    /// Of a .safetensors file of PyTorch's: the activation of its hidden layers; "relu" even if it has none
    #[arg(long, value_name = "NAME", value_parser = activation_parser())]
    activation: Option<Activation>,

    #[command(flatten)]
    loss: LossArgs,

    /// Mean and standard deviation that its pixels of 0 to 1 were normalised by, such as 0.1307,0.3081
    #[arg(long, value_name = "MEAN,STD")]
    normalize: Option<Normalize>,
}

/// x = (pixel/255 − mean)/std
#[derive(Clone, Copy, Debug)]
pub struct Normalize {
    mean: f64,
    std: f64,
}

impl FromStr for Normalize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(',').and_then(|(mean, std)| {
            let number = |text: &str| text.trim().parse::<f64>().ok();
            Some((number(mean)?, number(std)?))
        });
        match numbers {
            Some((mean, std)) if mean.is_finite() && std.is_finite() && std > 0.0 => {
                Ok(Self { mean, std })
            }
            _ => Err("expected a mean and a standard deviation above 0, such as 0.1307,0.3081"),
        }
    }
}

impl Normalize {
    fn preprocessing(self) -> Preprocessing {
        Preprocessing {
            scale: 1.0 / (255.0 * self.std),
            shift: -self.mean / self.std,
            deslant: false,
        }
    }
}

impl ForeignArgs {
    /// What is said of a model, if anything is.
    pub fn unsaid(&self) -> Result<Option<Unsaid>, Usage> {
        let given = self.activation.is_some() || self.loss.given() || self.normalize.is_some();
        given.then(|| self.all()).transpose()
    }

    fn all(&self) -> Result<Unsaid, Usage> {
        Ok(unsaid(self.activation, self.loss.kind()?, self.normalize))
    }
}

/// What was said, and the defaults for the rest.
pub fn unsaid(
    activation: Option<Activation>,
    loss: LossKind,
    normalize: Option<Normalize>,
) -> Unsaid {
    let preprocessing = normalize.map_or(Preprocessing::UNIT, Normalize::preprocessing);
    Unsaid {
        activation: activation.unwrap_or_default(),
        loss,
        preprocessing,
    }
}

/// Reads a model that fits the memory, or says how to get one. Notes if a mistake was planted in its training: every
/// number that it gives is then one of the mistake.
pub fn load_model<F: Float>(path: &Path, needs: Use) -> anyhow::Result<Model<F>> {
    Ok(match model::header(path) {
        Err(ModelError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => bail!(
            "{}: no such file: train a model first with `mlp train`, or name one that is there",
            path.display()
        ),
        Err(ModelError::Fault {
            fault: fault @ Fault::Foreign { .. },
            ..
        }) => bail!(
            "{}: {fault}; a network of Linear layers that PyTorch saved can be used with mlp eval, predict, \
             explain, export, plot and compare, which take --activation and --loss",
            path.display()
        ),
        Err(ModelError::Fault {
            fault: Fault::Container(error),
            ..
        }) if is_torch_save(path) => bail!(
            "{}: saved by torch.save, which is a pickle and can run any code, so it is not read ({error}); this line \
             converts it: {}",
            path.display(),
            convert(path)
        ),
        result => {
            let header = result?;
            let (layers, images) = (
                &header.metadata.architecture.layers,
                &header.metadata.images,
            );
            let inputs = layers[0];
            ensure!(
                inputs == images.pixels(),
                "{}: {inputs} inputs, expected {} for images of {}x{}",
                path.display(),
                images.pixels(),
                images.rows,
                images.cols
            );
            check_model(path, layers, needs)?;
            let planted = header.metadata.training.inject;
            let model = header.load()?;
            if let Some(mistake) = planted {
                note(format_args!(
                    "{}: trained with a planted mistake, {mistake}",
                    path.display()
                ));
            }
            model
        }
    })
}

/// Whether a file begins like one of `torch.save`: a zip archive or a pickle.
fn is_torch_save(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = regular_file::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && (start == *b"PK\x03\x04" || start[0] == 0x80 && start[1] <= 5)
}

/// The line that makes a safetensors file of the parameters that `torch.save` has saved.
fn convert(path: &Path) -> String {
    let to = path.with_extension("safetensors");
    format!(
        "python3 -c 'import sys, torch, safetensors.torch as s; s.save_file(torch.load(sys.argv[1]), sys.argv[2])' {} {}",
        shell_quote(path),
        shell_quote(&to)
    )
}

/// Whether this is a safetensors file that another program has written.
pub fn is_foreign(path: &Path) -> bool {
    match model::header(path) {
        Err(ModelError::Fault { fault, .. }) => matches!(fault, Fault::Foreign { .. }),
        _ => false,
    }
}

/// Reads a model of ours, or one of another program if what it does not say itself is said.
pub fn load_any_model<F: Float>(
    path: &Path,
    said: Option<Unsaid>,
    needs: Use,
) -> anyhow::Result<Model<F>> {
    match (is_foreign(path), said) {
        (false, None) => load_model(path, needs),
        (false, Some(_)) => {
            let model = load_model(path, needs)?;
            let text = format!(
                "{}: says itself what its activation and loss are and how pixels become its inputs: leave out \
                 --activation, --loss, --target, --label-smoothing and --normalize",
                path.display()
            );
            drop::<Model<F>>(model);
            Err(Usage(text).into())
        }
        (true, Some(said)) => {
            let (model, without_bias) = model::load_foreign(path, said)?;
            check_model(path, &model.metadata.architecture.layers, needs)?;
            if !without_bias.is_empty() {
                note(format_args!(
                    "{}: no bias beside {}: taken as 0",
                    path.display(),
                    without_bias.join(", ")
                ));
            }
            Ok(model)
        }
        (true, None) => bail!(
            "{}: a safetensors file of another program: if it is a network of Linear layers, such as PyTorch saves \
             with safetensors.torch.save_file(net.state_dict(), …), say what its shapes do not: --activation relu \
             --loss ce, and --normalize 0.1307,0.3081 if its pixels were normalised",
            path.display()
        ),
    }
}

/// Reads a model whose weights training begins with: one of ours says all of itself; of another program's, the flags
/// of training say what it does not, if any was given.
pub fn load_to_begin_with(
    path: &Path,
    (activation, loss, normalize): (Option<Activation>, LossKind, Option<Normalize>),
    needs: Use,
) -> anyhow::Result<Model<f32>> {
    let foreign = matches!(
        model::header(path),
        Err(ModelError::Fault {
            fault: Fault::Foreign { .. },
            ..
        })
    );
    if !foreign && normalize.is_some() {
        let text = format!(
            "{}: says itself how pixels become its inputs: leave out --normalize",
            path.display()
        );
        load_model::<f32>(path, needs)?;
        return Err(Usage(text).into());
    }
    let said = activation.is_some() || normalize.is_some();
    let first = unsaid(activation, loss, normalize);
    match foreign {
        false => load_model(path, needs),
        true if !said => load_any_model(path, None, needs),
        // Its outputs may be for another loss than the one to train with.
        true => load_any_model(path, Some(first), needs).or_else(|error| {
            let plain = Unsaid {
                loss: LossKind::Ce,
                ..first
            };
            load_any_model(path, Some(plain), needs).map_err(|_| error)
        }),
    }
}
