//! `mlp train`: train a network and save it.

mod report;

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use mlp::{
    data::{FileKind, batches::Scaling, shell_quote},
    model_file::{self, FORMAT_VERSION, LossKind, Metadata, Model, Training},
    nn::{Architecture, Init},
    team::Team,
    train::{self, Purpose, Settings, Trained, generator},
};
use serde_json::json;

use super::{
    Outcome,
    architecture::ArchitectureArgs,
    augment::AugmentArgs,
    data::DataArgs,
    interrupt::Interrupted,
    network::{Hidden, LossArgs, TRAIN_BYTES, ThreadArgs, check_size},
    optim::OptimArgs,
    output::{BOLD, DIM, Output, next_step, note, thousands},
};

use report::{Report, Start, Style};

/// Train a network on MNIST and save it
///
/// The training file's last images are held back to validate on; the test images are never looked
/// at (that is `mlp eval`). Same flags, same seed, same machine: the same bytes in the model file,
/// whatever the number of threads. Ctrl-C ends the run after the current batch and saves the network
/// as it is then; a second one ends it at once.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp train --loss ce --hidden 50                one hidden layer, cross-entropy
  mlp train --hidden 500,150 --epochs 20         two hidden layers
  mlp train --hidden none                        softmax regression
  mlp train --loss mse --target digit            one output, the digit itself
  mlp train --hidden 512,512 --dropout 0.2,0.5   drops units, of the inputs too
  mlp train --activation tanh                    tanh for ReLU
  mlp train --valid 0 --out all.bin              on all 60,000 images
  mlp train --momentum 0.9 --nesterov --schedule cosine --lr 0.02
  mlp train --augment ciresan2010                every epoch sees the images anew
  mlp train --json | jq .valid_accuracy          for a program to read")]
pub struct Train {
    /// Widths of the hidden layers, from the images to the outputs: 50, or 500,150, or none
    #[arg(
        long,
        value_name = "WIDTHS",
        default_value = "50",
        help_heading = "Network"
    )]
    hidden: Hidden,

    #[command(flatten)]
    architecture: ArchitectureArgs,

    /// How weights begin: kaiming-, xavier- or lecun-, each -uniform or -normal; uniform=a for ±a; zeros
    /// [default: kaiming-uniform with relu, lecun-uniform with scaled-tanh, else xavier-uniform]
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    init: Option<Init>,

    #[command(flatten)]
    loss: LossArgs,

    /// Times that every training image is seen
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Training",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    epochs: u32,

    /// Images a step; the last step of an epoch takes what remains
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Training",
          value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,

    /// Learning rate: the length of a step [default: 0.1, or 0.01 with --target digit]
    #[arg(long, value_name = "RATE", help_heading = "Training", value_parser = learning_rate)]
    lr: Option<f32>,

    #[command(flatten)]
    optim: OptimArgs,

    /// What all that is random follows from: first weights, order of the images
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Training")]
    seed: u64,

    /// Images held back from the end of the training file to validate on; 0 trains on all
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(..=i64::from(FileKind::TrainImages.count()) - 1),
        help_heading = "Training"
    )]
    valid: u32,

    #[command(flatten)]
    augment: AugmentArgs,

    /// Where to save the model
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "model.bin",
        help_heading = "Output"
    )]
    out: PathBuf,

    /// Replace the file at --out even if it is not a model
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Print JSON lines, one for the start, each epoch and the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print nothing but notes and errors
    #[arg(long, short, conflicts_with = "json", help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// The digits reach 9 and their squared errors 81: a longer step kills every unit in the first epoch.
fn default_learning_rate(kind: LossKind) -> f32 {
    match kind {
        LossKind::Ce | LossKind::SmoothedCe(_) | LossKind::MseOnehot => 0.1,
        LossKind::MseDigit => 0.01,
    }
}

fn learning_rate(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("expected a number above 0, such as 0.1".into()),
    }
}

impl Train {
    /// Runs the command.
    pub fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        let kind = self.loss.kind()?;
        let augmentation = self.augment.augmentation()?;
        let loss = kind.build::<f32>();
        let learning_rate = self.lr.unwrap_or(default_learning_rate(kind));
        let schedule = self.optim.schedule(learning_rate, self.epochs as usize)?;
        let architecture = self.architecture.of(&self.hidden, kind)?;
        let init = self.init.unwrap_or(architecture.activation.init());
        let images = (FileKind::TrainImages.count() - self.valid) as usize;
        let batch_size = (self.batch_size as usize).min(images);
        // A weight and its gradient, twice when saved; y and dy.
        check_size(&architecture.layers, batch_size, TRAIN_BYTES)?;
        model_file::check_writable(&self.out, self.force)?;

        let data = self.data.load()?;
        if batch_size < self.batch_size as usize {
            note(format_args!(
                "--batch-size {} is more than the {} images: every step takes them all",
                self.batch_size,
                thousands(images as u64)
            ));
        }
        let (train, valid) = data.train.split_last(self.valid as usize)?;
        drop(data.test);
        let network = architecture.init(init, &mut generator(self.seed, Purpose::Init));
        let settings = Settings {
            epochs: self.epochs as usize,
            batch_size,
            learning_rate,
            extras: self.optim.extras(),
            schedule,
            seed: self.seed,
            scaling: Scaling::UNIT,
            augmentation,
        };
        let Architecture {
            layers,
            activation,
            dropout,
        } = architecture;
        let mut metadata = Metadata {
            format_version: FORMAT_VERSION,
            layers,
            activation,
            dropout,
            loss: kind,
            input_scale: settings.scaling.scale,
            input_shift: settings.scaling.shift,
            training: Training {
                epochs: settings.epochs,
                batch_size: settings.batch_size,
                learning_rate,
                extras: settings.extras,
                schedule: settings.schedule,
                init,
                valid: valid.len(),
                seed: self.seed,
                augmentation: settings.augmentation.clone(),
                data_sha256: data.checksum,
                mlp_version: env!("CARGO_PKG_VERSION").into(),
                stopped: None,
            },
        };
        let team = Team::new(self.threads.count());
        let images = (train.len(), valid.len());
        let style = match (self.json, self.quiet) {
            (true, _) => Style::Json,
            (_, true) => Style::Quiet,
            _ => Style::Table,
        };
        let mut report = Report::new(out, style, &settings, images.0);
        report.start(&Start {
            data: self.data.dir.path(),
            official: data.official,
            images,
            network: &network,
            metadata: &metadata,
            threads: team.threads(),
        })?;
        let trained = train::train(
            network,
            &*loss,
            (&train, &valid),
            &settings,
            team,
            &mut report,
        );
        let Trained { network, stopped } = report.finish(trained)?;
        metadata.training.stopped = stopped;
        let model = Model { network, metadata };
        model_file::save(&self.out, &model)
            .context("the model could not be saved, choose another --out")?;
        let bytes = self.out.metadata().map_or(0, |file| file.len());
        match style {
            Style::Quiet => {}
            Style::Json => {
                let saved = json!({
                    "event": "saved", "model": self.out, "bytes": bytes, "stopped": stopped,
                });
                writeln!(out, "{saved}")?;
            }
            Style::Table => writeln!(
                out,
                "saved {BOLD}{}{BOLD:#} {DIM}({} bytes){DIM:#}",
                self.out.display(),
                thousands(bytes)
            )?,
        }
        out.flush()?;
        if let Some((epoch, step)) = stopped {
            return Err(Interrupted(format!(
                "stopped in epoch {epoch} after step {step}; the network as it was then is saved as {}",
                self.out.display()
            ))
            .into());
        }
        if self.quiet {
            return Ok(Outcome::Done);
        }
        next_step(format_args!(
            "mlp eval {}{}",
            shell_quote(&self.out),
            self.data.dir.flag()
        ));
        Ok(Outcome::Done)
    }
}
