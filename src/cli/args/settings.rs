//! The flags that say what is trained and how: the same for `mlp train` and `mlp lr-find`.

use clap::ValueEnum;
use mlp::{
    data::{FileKind, Spec, Splits, batch::Preprocessing},
    files::model::Metadata,
    loss::LossKind,
    nn::{Activation, Architecture, Init},
    train::{ClassWeights, Settings, optim::Optimizer, schedule::Schedule},
};

use crate::cli::{
    args::{
        Usage,
        architecture::ArchitectureArgs,
        augment::AugmentArgs,
        hidden::Hidden,
        loss::{LossArgs, TWO_CLASSES},
        number,
        optim::ExtrasArgs,
    },
    terminal::output::thousands,
};

/// What a network has to know of the data that it is trained on.
#[derive(Clone)]
pub struct Facts {
    /// What the images are.
    pub spec: Spec,
    /// How many there are, apart from a test set.
    pub images: usize,
    /// How many there are in the test set.
    test: usize,
    /// Whether they are sorted by class.
    pub sorted: bool,
    /// Whether they are not known yet.
    assumed: bool,
}

impl Facts {
    /// MNIST's, for usage to be checked by before anything is read.
    pub fn assumed() -> Self {
        Self {
            spec: Spec::default(),
            images: usize::MAX,
            test: 0,
            sorted: false,
            assumed: true,
        }
    }
}

impl From<&Splits> for Facts {
    fn from(data: &Splits) -> Self {
        Self {
            spec: data.train.spec.clone(),
            images: data.train.len(),
            test: data.test.len(),
            sorted: data.train.is_sorted(),
            assumed: false,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum WeightsName {
    Balanced,
}

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

    /// Tell one class from all others, by its name or number: one output, binary cross-entropy
    #[arg(long, value_name = "CLASS", help_heading = "Network")]
    positive: Option<String>,

    /// Batch size: images per step; the last batch of an epoch takes what remains
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Training",
          value_parser = number::whole(1..=u32::MAX))]
    batch_size: u32,

    #[command(flatten)]
    extras: ExtrasArgs,

    /// Random seed of the initial weights, the order of the images, dropout and augmentation
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::whole(0..=u64::MAX), help_heading = "Training")]
    seed: u64,

    /// Validation images, held out from the end of the training file; 0 trains on all images [default:
    /// 10000, or a sixth of fewer than 60000]
    #[arg(long, value_name = "N", value_parser = number::images(0..=u32::MAX), help_heading = "Training")]
    valid: Option<u32>,

    /// Draw the validation images at random, by the seed, instead, as is always done where a file is sorted by
    /// class
    #[arg(long, help_heading = "Training")]
    valid_random: bool,

    /// Where the data have no test set: hold back so many images as one, drawn at random, the same for every
    /// seed
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = number::images(1..=u32::MAX))]
    hold_test: Option<u32>,

    /// Let every class count the same in the loss, however few images it has: balanced
    #[arg(long, value_name = "WEIGHTS", help_heading = "Training")]
    class_weights: Option<WeightsName>,

    #[command(flatten)]
    augment: AugmentArgs,
}

impl SettingsArgs {
    /// The widths of the hidden layers.
    pub fn hidden(&self) -> &[usize] {
        &self.hidden.0
    }

    /// The activation that was given.
    pub fn activation(&self) -> Option<Activation> {
        self.architecture.activation()
    }

    /// Whether images are to be deslanted.
    pub fn deslant(&self) -> bool {
        self.deslant
    }

    /// Takes the hidden layers and the activation of a network that is there already.
    pub fn build_as(&mut self, network: &Architecture) {
        let [_, hidden @ .., _] = &network.layers[..] else {
            return;
        };
        self.hidden = Hidden(hidden.to_vec());
        self.architecture.set_activation(network.activation);
    }

    /// The loss, or wrong usage.
    pub fn loss(&self) -> Result<LossKind, Usage> {
        match (&self.positive, self.loss.kind()?) {
            (None, kind) => Ok(kind),
            (Some(_), LossKind::Ce) if !self.loss.given() => Ok(LossKind::Bce),
            (Some(_), LossKind::Bce) => Ok(LossKind::Bce),
            (Some(_), _) => Err("--positive goes with --loss bce: leave out the other".into()),
        }
    }

    /// The rule by which the weights change, or wrong usage.
    pub fn optimizer(&self) -> Result<Optimizer, Usage> {
        self.extras.optimizer()
    }

    /// The label of the class to find.
    fn positive(&self, spec: &Spec) -> Result<Option<u8>, Usage> {
        let Some(name) = &self.positive else {
            return Ok(None);
        };
        match spec.label(name) {
            Some(label) => Ok(Some(label)),
            None => Err(Usage(format!(
                "--positive {name}: no such class, expected one of {}",
                spec.classes.join(", ")
            ))),
        }
    }

    /// What is other than the flags say.
    pub fn notes(&self, data: &Facts) -> Vec<String> {
        let Ok((images, valid, _)) = self.parts(data) else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        if self.batch_size as usize > images {
            notes.push(format!(
                "--batch-size {} is more than the {} images: every step takes them all",
                self.batch_size,
                thousands(images as u64)
            ));
        }
        if data.sorted && !self.valid_random && valid > 0 {
            notes.push(
                "the file is sorted by class, so the validation images are drawn at random, as with --valid-random"
                    .to_owned(),
            );
        }
        notes
    }

    /// Images to train on, to validate on and to hold back for the test; or wrong usage.
    fn parts(&self, data: &Facts) -> Result<(usize, usize, usize), Usage> {
        let images = data.images;
        let test = self.hold_test.map_or(0, |n| n as usize);
        if test > 0 && data.test > 0 {
            return Err(Usage(format!(
                "--hold-test {test}: these data have a test set, of {} images: leave it out",
                thousands(data.test as u64)
            )));
        }
        let left = images.checked_sub(test).filter(|&left| left > 0);
        let Some(left) = left else {
            return Err(Usage(format!(
                "--hold-test {test}: there are {} images, and some must remain to train on",
                thousands(images as u64)
            )));
        };
        let valid = match self.valid {
            Some(valid) => valid as usize,
            None if left >= FileKind::TrainImages.count() as usize => 10_000,
            None => left / 6,
        };
        match left.checked_sub(valid).filter(|&train| train > 0) {
            Some(train) => Ok((train, valid, test)),
            None => Err(Usage(format!(
                "--valid {valid}: there are {} images, and some must remain to train on",
                thousands(left as u64)
            ))),
        }
    }

    /// All that is known of a network for these data before it is trained, without their checksum; or wrong
    /// usage.
    pub fn metadata(
        &self,
        data: &Facts,
        epochs: usize,
        learning_rate: f32,
        schedule: Schedule,
    ) -> Result<Metadata, Usage> {
        let loss = self.loss()?;
        // Of data that are not known yet, the classes are not either.
        let positive = match data.assumed {
            true => None,
            false => self.positive(&data.spec)?,
        };
        let has_two = positive.is_some() || data.spec.classes.len() == 2;
        if loss.binary() && !data.assumed && !has_two {
            return Err(TWO_CLASSES.into());
        }
        let (images, valid, test) = self.parts(data)?;
        let architecture = self.architecture.of(&self.hidden, loss, &data.spec)?;
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
            batch_size: (self.batch_size as usize).min(images),
            learning_rate,
            optimizer: self.optimizer()?,
            extras: self.extras.extras()?,
            schedule,
            init,
            valid,
            valid_random: self.valid_random || data.sorted,
            test,
            class_weights: self
                .class_weights
                .map_or(ClassWeights::Equal, |WeightsName::Balanced| {
                    ClassWeights::Balanced
                }),
            seed: self.seed,
            augmentation,
        };
        Ok(Metadata {
            images: data.spec.clone(),
            positive,
            ..Metadata::new(architecture, loss, preprocessing, settings)
        })
    }
}
