//! The flags that say what is trained and how: the same for `mlp train` and `mlp lr-find`.

use mlp::{
    data::{FileKind, batch::Preprocessing},
    files::model::Metadata,
    loss::LossKind,
    nn::Init,
    train::{Settings, schedule::Schedule},
};

use crate::cli::{
    args::{
        Usage,
        architecture::ArchitectureArgs,
        augment::AugmentArgs,
        hidden::Hidden,
        loss::{LossArgs, TWO_CLASSES},
        optim::ExtrasArgs,
    },
    terminal::output::thousands,
};

/// What is trained, and on what.
#[derive(clap::Args)]
pub struct SettingsArgs {
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

    /// Initialisation of the weights: kaiming-, xavier- or lecun-, each -uniform or -normal; uniform=a for
    /// ±a; zeros [default: kaiming-uniform with relu, leaky-relu and gelu, lecun-uniform with scaled-tanh,
    /// else xavier-uniform]
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    init: Option<Init>,

    /// Deslant every image before the network sees it, in training and afterwards: it is sheared until it is
    /// upright
    #[arg(long, help_heading = "Network")]
    deslant: bool,

    #[command(flatten)]
    loss: LossArgs,

    /// Batch size: images per step; the last batch of an epoch takes what remains
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Training",
          value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,

    #[command(flatten)]
    extras: ExtrasArgs,

    /// Random seed of the initial weights, the order of the images, dropout and augmentation
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Training")]
    seed: u64,

    /// Validation images, held out from the end of the training file; 0 trains on all images
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
}

impl SettingsArgs {
    /// The loss, or wrong usage.
    pub fn loss(&self) -> Result<LossKind, Usage> {
        match self.loss.kind()? {
            kind if kind.binary() => Err(TWO_CLASSES.into()),
            kind => Ok(kind),
        }
    }

    /// Images to train on.
    fn images(&self) -> u32 {
        FileKind::TrainImages.count() - self.valid
    }

    /// What is other than the flags say.
    pub fn note(&self) -> Option<String> {
        (self.batch_size > self.images()).then(|| {
            format!(
                "--batch-size {} is more than the {} images: every step takes them all",
                self.batch_size,
                thousands(self.images().into())
            )
        })
    }

    /// All that is known of a network before it is trained, without the checksum of the data; or wrong usage.
    pub fn metadata(
        &self,
        epochs: usize,
        learning_rate: f32,
        schedule: Schedule,
    ) -> Result<Metadata, Usage> {
        let loss = self.loss()?;
        let architecture = self.architecture.of(&self.hidden, loss)?;
        let init = self.init.unwrap_or(architecture.activation.about().init);
        let augmentation = self.augment.augmentation()?;
        let preprocessing = Preprocessing {
            deslant: self.deslant,
            ..Preprocessing::UNIT
        };
        let settings = Settings {
            epochs,
            patience: None,
            target_accuracy: None,
            batch_size: self.batch_size.min(self.images()) as usize,
            learning_rate,
            extras: self.extras.extras()?,
            schedule,
            init,
            valid: self.valid as usize,
            seed: self.seed,
            augmentation,
        };
        Ok(Metadata::new(architecture, loss, preprocessing, settings))
    }
}
