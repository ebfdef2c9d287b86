//! The flags that say what a run is: the same for `mlp train` and for every run of `mlp sweep`.

use mlp::{
    files::{checkpoint::MAX_EPOCHS, model::Metadata},
    loss::LossKind,
    train::{Settings, optim::Optimizer},
};

use crate::cli::args::{
    Usage, number,
    optim::{ADAM_RATE, ScheduleArgs},
    settings::{Facts, SettingsArgs},
};

/// The digits reach 9 and their squared errors 81: a longer step kills every unit in the first epoch.
pub fn default_learning_rate(kind: LossKind, optimizer: Optimizer) -> f32 {
    use LossKind::{Bce, Ce, MseDigit, MseOnehot, SmoothedCe};
    match (optimizer, kind) {
        (Optimizer::Sgd, Ce | SmoothedCe(_) | MseOnehot | Bce) => 0.1,
        (Optimizer::Sgd, MseDigit) => 0.01,
        (Optimizer::Adam(_) | Optimizer::AdamW(_), _) => ADAM_RATE,
    }
}

/// What is said of a learning rate that is meant for SGD and goes to Adam, if it is one.
pub fn doubt_about_rate(settings: &Settings) -> Option<String> {
    const FAR: f32 = 30.0;
    let (rate, title) = (settings.learning_rate, settings.optimizer.title());
    let times = rate / ADAM_RATE;
    // 0.03 / 0.001 is a little less than 30.
    let is_far = settings.optimizer != Optimizer::Sgd && times.round() >= FAR;
    is_far.then(|| {
        format!(
            "lr {rate:?} is {times:.0} times {title}'s usual {ADAM_RATE:?}, and its steps are as long as the rate: expect \
             the loss to jump about"
        )
    })
}

/// All that the weights of a run follow from, but for its data.
#[derive(clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// Times that every training image is seen [default: 20]
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = number::whole(1..=MAX_EPOCHS as u32))]
    pub epochs: Option<u32>,

    /// Stop after this many epochs in a row without a higher validation accuracy
    #[arg(long, value_name = "N", help_heading = "Training",
          value_parser = number::whole(1..=u32::MAX))]
    pub patience: Option<u32>,

    /// Stop after an epoch that reaches this validation accuracy: 0.98 for 98 %
    #[arg(long, value_name = "PART", help_heading = "Training", value_parser = number::accuracy)]
    pub target_accuracy: Option<f64>,

    /// Learning rate: the length of a step [default: 0.1, or 0.01 with --target digit, or 0.001 with adam and
    /// adamw]
    #[arg(long, value_name = "RATE", help_heading = "Training", value_parser = number::learning_rate::<f32>)]
    lr: Option<f32>,

    #[command(flatten)]
    schedule: ScheduleArgs,
}

impl RunArgs {
    /// All that is known of a network for these data before it is trained, without their checksum; or wrong usage.
    pub fn metadata(&self, data: &Facts) -> Result<Metadata, Usage> {
        let epochs = self.epochs.map_or(20, |epochs| epochs as usize);
        let learning_rate = match self.lr {
            Some(rate) => rate,
            None => default_learning_rate(self.settings.loss()?, self.settings.optimizer()?),
        };
        let schedule = self.schedule.schedule(learning_rate, epochs)?;
        let mut metadata = self
            .settings
            .metadata(data, epochs, learning_rate, schedule)?;
        let settings = &mut metadata.training.settings;
        settings.patience = self.patience.map(|epochs| epochs as usize);
        settings.target_accuracy = self.target_accuracy;
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests {
    use mlp::train::optim::Moments;

    use super::*;

    #[test]
    fn a_rate_for_sgd_is_doubted_with_adam_alone() {
        let (adam, adamw) = (Moments::default(), Moments::default());
        for (optimizer, learning_rate, said) in [
            (Optimizer::Sgd, 0.1, None),
            (Optimizer::Adam(adam), 0.001, None),
            (Optimizer::Adam(adam), 0.02, None),
            (
                Optimizer::Adam(adam),
                0.03,
                Some("lr 0.03 is 30 times Adam's usual 0.001"),
            ),
            (
                Optimizer::AdamW(adamw),
                0.1,
                Some("lr 0.1 is 100 times AdamW's usual 0.001"),
            ),
        ] {
            let settings = Settings {
                optimizer,
                learning_rate,
                ..Settings::default()
            };
            let doubt = doubt_about_rate(&settings);
            assert_eq!(doubt.is_some(), said.is_some(), "{doubt:?}");
            if let Some((doubt, said)) = doubt.zip(said) {
                assert!(doubt.starts_with(said), "{doubt}");
            }
        }
    }
}
