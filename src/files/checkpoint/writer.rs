use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use super::{CheckpointError, Folder, Run};
use crate::{nn::Mlp, train::Progress};

/// How often a checkpoint is written: a number of epochs such as `5`, or a time such as `90s`, `10m` or `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After this many epochs.
    Epochs(usize),
    /// Once this much time has passed, even in the middle of an epoch.
    Time(Duration),
}

impl FromStr for Every {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(unit).and_then(|n| n.parse::<u32>().ok());
        let number = number.filter(|&number| number > 0);
        let time = |milliseconds| {
            let each = Duration::from_millis(milliseconds);
            number.map(|number| Self::Time(number * each))
        };
        let every = match unit {
            "" => number.map(|epochs| Self::Epochs(epochs as usize)),
            "ms" => time(1),
            "s" => time(1_000),
            "m" => time(60_000),
            "h" => time(3_600_000),
            _ => None,
        };
        every.ok_or("expected a number of epochs such as 5, or a time such as 30s, 10m or 2h")
    }
}

/// Writes the checkpoints of a run as it trains. It only observes: the trained bytes are the same.
pub struct Writer {
    folder: Folder,
    run: Run,
    every: Every,
    last: Instant,
    /// Epoch and step of the last checkpoint.
    saved: Option<(usize, usize)>,
}

impl Writer {
    /// A writer that counts time from now on, in a folder that has a checkpoint of this moment.
    pub fn new(folder: Folder, run: Run, every: Every, progress: &Progress) -> Self {
        Self {
            folder,
            run,
            every,
            last: Instant::now(),
            saved: Some((progress.epoch, progress.step)),
        }
    }

    /// The folder of the checkpoints.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Writes a checkpoint if one is due. After an error the one before is still there, and the next attempt
    /// is made when the next checkpoint is due.
    pub fn save_if_due(
        &mut self,
        network: &Mlp<f32>,
        progress: &Progress,
    ) -> Result<(), CheckpointError> {
        let due = match self.every {
            Every::Epochs(n) => progress.step == 0 && progress.epoch.is_multiple_of(n),
            Every::Time(time) => self.last.elapsed() >= time,
        };
        match due {
            true => self.save(network, progress),
            false => Ok(()),
        }
    }

    /// Writes a checkpoint now, unless the last one is of the same step.
    pub fn save(&mut self, network: &Mlp<f32>, progress: &Progress) -> Result<(), CheckpointError> {
        let now = Some((progress.epoch, progress.step));
        if self.saved == now {
            return Ok(());
        }
        let result = self.folder.save(&self.run, network, progress);
        self.last = Instant::now();
        if result.is_ok() {
            self.saved = now;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_is_epochs_or_a_time() {
        let seconds = |n| Ok(Every::Time(Duration::from_secs(n)));
        for (text, expected) in [
            ("1", Ok(Every::Epochs(1))),
            ("90s", seconds(90)),
            ("10m", seconds(600)),
            ("2h", seconds(7_200)),
        ] {
            assert_eq!(text.parse::<Every>(), expected, "{text}");
        }
        for text in ["", "0", "0s", "-1", "m", "5 m", "5d", "4294967296", "1.5h"] {
            assert!(text.parse::<Every>().is_err(), "{text}");
        }
    }
}
