//! What to do about an error of the library, in flags and commands: the library knows neither.

use std::{error::Error, path::Path};

use mlp::{
    atomic_file::folder_of,
    data::{DataError, Fault, download::DownloadError},
    explain::worksheet::WorksheetError,
    files::{
        checkpoint::CheckpointError,
        dataset::DatasetError,
        model::{self, ModelError},
        run::RunError,
        tensorboard::TensorboardError,
    },
    picture::drawing::TooLarge,
    train::TrainError,
};

use crate::cli::terminal::shell::{download_command, shell_quote};

/// An error with all its causes, and what to do about it.
pub fn with_advice(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    match error.chain().find_map(advice) {
        None => text,
        // Behind a list of several lines it begins one of its own.
        Some(advice) if text.contains('\n') => format!("{text}\n{advice}"),
        Some(advice) => format!("{text}: {advice}"),
    }
}

fn advice(error: &(dyn Error + 'static)) -> Option<String> {
    None.or_else(|| error.downcast_ref().and_then(data))
        .or_else(|| error.downcast_ref().and_then(dataset))
        .or_else(|| error.downcast_ref().and_then(download))
        .or_else(|| error.downcast_ref().and_then(of_model))
        .or_else(|| error.downcast_ref().and_then(checkpoint))
        .or_else(|| error.downcast_ref().and_then(run))
        .or_else(|| error.downcast_ref().and_then(tensorboard))
        .or_else(|| error.downcast_ref().and_then(training))
        .or_else(|| error.downcast_ref().map(drawing))
        .or_else(|| error.downcast_ref().and_then(worksheet))
}

/// What shows a network that is no drawing.
fn drawing(_: &TooLarge) -> String {
    "explain it without --svg and --html".into()
}

/// What mends the data.
pub fn data(error: &DataError) -> Option<String> {
    match error {
        DataError::Missing { dir, .. } => Some(format!(
            "run `{}`, or name the folder that holds the files with --data-dir",
            download_command(dir)
        )),
        DataError::File { path, fault } => Some(file(path, fault)),
        DataError::Mismatch { .. } => Some("get both files from the same place".into()),
        DataError::Changed { .. } => Some("run the command again".into()),
        DataError::Unpack { .. } | DataError::Split { .. } => None,
    }
}

/// What mends a data set.
pub fn dataset(error: &DatasetError) -> Option<String> {
    match error {
        DatasetError::Mnist(error) => data(error),
        DatasetError::NothingHere { path, found, .. } if found.is_empty() => Some(format!(
            "name the folder or file of a data set with --data-dir, or run `{}` for MNIST",
            download_command(path)
        )),
        DatasetError::NothingHere { .. } => Some(
            "name the folder or file of a data set with --data-dir; `mlp data --help` says what is read".into(),
        ),
        _ => None, // they say it themselves
    }
}

/// What mends one file of the data.
fn file(path: &Path, fault: &Fault) -> String {
    let fetch = download_command(path.parent().unwrap_or(Path::new("")));
    match fault {
        Fault::Read(_) => "check its permissions and the disk".into(),
        Fault::NotAFile(_) => format!("move it away; run `{fetch}`"),
        Fault::Swapped { .. } => {
            format!("were two files swapped? rename them, or move it away and run `{fetch}`")
        }
        Fault::Count { .. } | Fault::Dims { .. } | Fault::Label { .. } => format!(
            "the other files are MNIST's; if this one belongs to another data set, it is sound and needs a folder \
             of its own with the rest of its files; `{fetch}` fetches MNIST's once it is moved away"
        ),
        Fault::Empty { .. }
        | Fault::Foreign { .. }
        | Fault::Truncated { .. }
        | Fault::Trailing { .. }
        | Fault::GzipTruncated { .. }
        | Fault::GzipDamaged { .. }
        | Fault::GzipTrailing { .. } => format!("move it away and run `{fetch}`"),
    }
}

fn download(error: &DownloadError) -> Option<String> {
    match error {
        DownloadError::NoMirror {
            of, dir, attempts, ..
        } => Some(format!(
            "{}get the four .gz files by hand from {} or wherever {} is kept, and put them into {} \
             (packed or not), or name the folder that holds them with --data-dir",
            match attempts.iter().find_map(|attempt| attempt.proxy) {
                None => String::new(),
                Some(variable) => format!(
                    "mend or unset {variable}, or name the host in NO_PROXY, if the proxy is in the way; or "
                ),
            },
            of.mirrors().first().unwrap_or(&"its makers"),
            of.title(),
            dir.display()
        )),
        DownloadError::ByHand { of, dir } => Some(format!(
            "{} into {}, or name the folder that holds them with --data-dir",
            of.by_hand().unwrap_or_default(),
            dir.display()
        )),
        DownloadError::Write { .. } => Some("name a folder that can, with --data-dir".into()),
        DownloadError::Folder(error) => data(error),
        DownloadError::Stopped { .. } => None,
    }
}

fn of_model(error: &ModelError) -> Option<String> {
    match error {
        ModelError::Fault {
            path,
            fault: model::Fault::Checkpoint,
        } => Some(format!(
            "go on with `mlp train --resume {}`, or name the model that the run has saved",
            shell_quote(folder_of(path))
        )),
        ModelError::Io { .. } | ModelError::Fault { .. } => None,
    }
}

fn checkpoint(error: &CheckpointError) -> Option<String> {
    match error {
        CheckpointError::None { path } => Some(format!(
            "start a run with `mlp train --checkpoint {}`",
            shell_quote(path)
        )),
        CheckpointError::Exists { path } => Some(format!(
            "go on from them with `mlp train --resume {}`, choose another folder, or pass --force to lose them",
            shell_quote(path)
        )),
        CheckpointError::Io { .. }
        | CheckpointError::NotAFolder { .. }
        | CheckpointError::Locked { .. }
        | CheckpointError::Moved { .. }
        | CheckpointError::Fault { .. }
        | CheckpointError::Both { .. } => None,
    }
}

fn run(error: &RunError) -> Option<String> {
    match error {
        RunError::Exists { .. } => Some("choose another folder, or pass --force to lose it".into()),
        RunError::Missing { path } => Some(format!(
            "`mlp train --run {}` keeps a run there",
            shell_quote(path)
        )),
        RunError::NotARecord { .. } => Some("`mlp train --run` keeps one".into()),
        RunError::Io { .. }
        | RunError::NotAFolder { .. }
        | RunError::InUse { .. }
        | RunError::Gone { .. }
        | RunError::Line { .. } => None,
    }
}

fn tensorboard(error: &TensorboardError) -> Option<String> {
    match error {
        TensorboardError::Exists { .. } => {
            Some("choose another folder, or pass --force to lose them".into())
        }
        TensorboardError::Io { .. }
        | TensorboardError::NotAFolder { .. }
        | TensorboardError::InUse { .. }
        | TensorboardError::Gone { .. }
        | TensorboardError::Foreign { .. } => None,
    }
}

fn training(error: &TrainError) -> Option<String> {
    match error {
        TrainError::NotFinite { learning_rate, .. } => {
            Some(format!("try --lr {:?}", shorter(*learning_rate)))
        }
        TrainError::Augmentation(_) => None,
    }
}

fn worksheet(error: &WorksheetError) -> Option<String> {
    match error {
        WorksheetError::Uncertain { precision, .. } if *precision < 8 => {
            Some(format!("such as --precision {}", (precision + 2).min(8)))
        }
        WorksheetError::OneClass => Some("pass --outputs 2, or --loss bce".into()),
        WorksheetError::NotPleasant => Some("pass another --seed".into()),
        WorksheetError::Uncertain { .. }
        | WorksheetError::TooLarge { .. }
        | WorksheetError::Dropout => None,
    }
}

/// A tenth of a learning rate, to one digit.
pub fn shorter(learning_rate: f32) -> f32 {
    let tenth = format!("{:.0e}", learning_rate / 10.0);
    tenth.parse().expect("a number just written")
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use mlp::data::FileKind;

    use super::*;

    #[test]
    fn advice_follows_the_error_however_deep_it_lies() {
        let error = DataError::Missing {
            dir: "my data".into(),
            files: FileKind::ALL.into(),
        };
        let error = Err::<(), _>(error).context("no training").unwrap_err();
        assert_eq!(
            with_advice(&error),
            "no training: my data: none of the four MNIST files is here: run `mlp data --download --data-dir 'my \
             data'`, or name the folder that holds the files with --data-dir"
        );
        let error = anyhow::anyhow!("nothing to say");
        assert_eq!(with_advice(&error), "nothing to say");
    }

    #[test]
    fn a_shorter_learning_rate_has_one_digit() {
        assert_eq!(shorter(3e38), 3e37);
        assert_eq!(shorter(0.25), 0.03);
    }
}
