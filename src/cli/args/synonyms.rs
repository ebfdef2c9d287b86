//! The words of other programs: flags and commands that people know from there, and what they are called here.

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error},
};

/// The names of one thing elsewhere.
type Others = &'static [&'static str];

/// Flags that mean the same, by their names here. They are taken, and shown nowhere.
const FLAGS: [(&str, Others); 9] = [
    ("lr", &["learning-rate", "learning_rate"]),
    ("batch-size", &["batch", "batch_size"]),
    (
        "epochs",
        &[
            "num-epochs",
            "num_epochs",
            "n-epochs",
            "n_epochs",
            "max-iter",
            "max_iter",
        ],
    ),
    ("seed", &["random-state", "random_state"]),
    (
        "threads",
        &["n-jobs", "n_jobs", "num-workers", "num_workers"],
    ),
    (
        "hidden",
        &[
            "hidden-layer-sizes",
            "hidden_layer_sizes",
            "hidden-sizes",
            "hidden_sizes",
        ],
    ),
    ("weight-decay", &["wd", "weight_decay"]),
    ("label-smoothing", &["label_smoothing"]),
    ("optimizer", &["optimiser", "solver"]),
];

/// Commands that mean the same.
const COMMANDS: [(&str, Others); 2] = [("train", &["fit"]), ("eval", &["test", "evaluate"])];

/// What there is instead of flags and commands that mean something else, or nothing.
const INSTEAD: [(&str, &str); 19] = [
    (
        "--layers",
        "--hidden takes the widths of the hidden layers, such as 500,150; inputs and outputs follow from the data",
    ),
    (
        "--device",
        "mlp computes on the CPU: leave it out; --threads says on how many processors",
    ),
    (
        "--gpu",
        "mlp computes on the CPU: leave it out; --threads says on how many processors",
    ),
    ("--early-stopping", PATIENCE),
    ("--tol", PATIENCE),
    ("--finetune", FROM),
    ("--fine-tune", FROM),
    ("--pretrained", FROM),
    ("--load", FROM),
    ("--init-from", FROM),
    ("--weights", FROM),
    (
        "--verbose",
        "progress is shown unless --quiet is given; mlp train --run DIR records every epoch",
    ),
    ("--validation-split", VALID),
    ("--val-split", VALID),
    (
        "--l2",
        "mlp train --weight-decay 1e-5 is an L2 penalty: this times w is added to the gradient of w",
    ),
    (
        "validate",
        "mlp eval model.bin --split valid measures it on the images held back in training",
    ),
    (
        "check",
        "mlp gradcheck checks gradients, mlp data looks at files of data, mlp learn check runs an exercise",
    ),
    (
        "convert",
        "mlp export writes a model for other programs; PyTorch loads it as it is, as the README says",
    ),
    (
        "inspect",
        "mlp eval says how good a model is, mlp plot and mlp explain show what is in it",
    ),
];

const PATIENCE: &str =
    "mlp train --patience 5 stops after 5 epochs in a row without a higher validation accuracy";
const FROM: &str = "mlp train --from model.bin begins with the weights of a model; other commands take a model as it is, such \
     as mlp eval model.bin";
const VALID: &str = "mlp train --valid 10000 holds out so many images to validate on: a number of images, not a share";

/// The parser that takes the synonyms, too.
pub fn with_synonyms(parser: Command) -> Command {
    parser.mut_subcommands(|command| {
        let others = self::others(&COMMANDS, command.get_name());
        command.aliases(others).mut_args(|arg| {
            let name = arg.get_long().unwrap_or_default();
            let others = self::others(&FLAGS, name);
            arg.aliases(others)
        })
    })
}

/// The other names of the one that has this name here.
fn others(all: &[(&str, Others)], name: &str) -> Others {
    let found = all.iter().find(|(here, _)| *here == name);
    found.map_or(&[], |(_, others)| others)
}

/// The error with what there is instead, if it is about a word that is known from elsewhere.
pub fn with_instead(mut error: Error) -> Error {
    let word = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    let word = word.into_iter().find_map(|kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    });
    let written = word.unwrap_or_default().replace('_', "-");
    let instead = INSTEAD.iter().find(|(known, _)| *known == written);
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::SuggestedArg)
        && !is_slip(&written, flag)
    {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
    }
    if let Some((_, text)) = instead {
        // What is only spelt alike.
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        let text = vec![StyledStr::from(*text)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(text));
    }
    as_help_has_them(&mut error);
    error
}

/// Whether one may be typed for the other: what the parser finds alike may be a word of another meaning.
fn is_slip(written: &str, flag: &str) -> bool {
    let [written, flag] = [written, flag].map(|word| word.trim_start_matches('-'));
    let part = written.len() >= 3 && (flag.contains(written) || written.contains(flag));
    part || edits(written, flag) <= (written.chars().count() / 3).max(1)
}

/// The fewest letters to insert, to leave out or to change for one word to become another.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<_> = to.chars().collect();
    // What it takes from the letters so far to each beginning of the other.
    let mut row: Vec<_> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// The parser proposes synonyms, too, where one is spelt alike: an answer names what help shows.
fn as_help_has_them(error: &mut Error) {
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::SuggestedArg) {
        let name = flag.trim_start_matches("--");
        let flag = format!("--{}", here(&FLAGS, name));
        error.insert(ContextKind::SuggestedArg, ContextValue::String(flag));
    }
    if let Some(ContextValue::Strings(names)) = error.get(ContextKind::SuggestedSubcommand) {
        let names = names.iter().map(|name| here(&COMMANDS, name).to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.dedup();
        let names = ContextValue::Strings(names);
        error.insert(ContextKind::SuggestedSubcommand, names);
    }
}

/// What has this name elsewhere, by its name here.
fn here<'a>(all: &[(&'a str, Others)], name: &'a str) -> &'a str {
    let found = all.iter().find(|(_, others)| others.contains(&name));
    found.map_or(name, |(here, _)| here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser() -> Command {
        let number = |name| clap::Arg::new(name).long(name);
        let flags = [
            "lr",
            "batch-size",
            "hidden",
            "epochs",
            "seed",
            "threads",
            "sigma",
            "alpha",
        ];
        let train = Command::new("train").args(flags.map(number));
        let parser = Command::new("mlp").subcommand_required(true);
        with_synonyms(parser.subcommands([train, Command::new("eval")]))
    }

    #[test]
    fn what_means_the_same_is_taken_and_not_shown() {
        let words = "mlp fit --learning-rate 1 --batch 2 --hidden_sizes 3 --max_iter 4 --random-state 5 --n_jobs 6";
        let matches = parser().get_matches_from(words.split(' '));
        let train = matches.subcommand_matches("train").unwrap();
        for (name, value) in [
            ("lr", "1"),
            ("batch-size", "2"),
            ("hidden", "3"),
            ("epochs", "4"),
            ("seed", "5"),
            ("threads", "6"),
        ] {
            assert_eq!(train.get_one::<String>(name).unwrap(), value);
        }
        let mut parser = parser();
        let help = parser.find_subcommand_mut("train").unwrap().render_help();
        assert!(!help.to_string().contains("learning-rate"), "{help}");
    }

    #[test]
    fn what_does_not_is_answered_with_what_there_is_instead() {
        for (known, instead) in INSTEAD {
            let words = match known.starts_with("--") {
                true => vec!["mlp", "train", known],
                false => vec!["mlp", known],
            };
            let error = parser().try_get_matches_from(words).unwrap_err();
            let text = with_instead(error).to_string();
            assert!(text.contains(&format!("  tip: {instead}\n")), "{text}");
        }
        for (line, proposed) in [
            ("mlp evil", "exists: 'eval'\n"),
            ("mlp train --learning_rat 1", "exists: '--lr'\n"),
        ] {
            let unknown = parser().try_get_matches_from(line.split(' '));
            let text = with_instead(unknown.unwrap_err()).to_string();
            assert!(text.contains(proposed), "{text}");
        }
        let underscored = parser().try_get_matches_from(["mlp", "train", "--early_stopping=5"]);
        let text = with_instead(underscored.unwrap_err()).to_string();
        assert!(text.contains("--patience 5"), "{text}");
    }

    #[test]
    fn only_what_may_be_a_slip_is_proposed() {
        for (line, proposed) in [
            ("mlp train --epoch 1", Some("'--epochs'")),
            ("mlp train --epcohs 1", Some("'--epochs'")),
            ("mlp train --hiden 1", Some("'--hidden'")),
            ("mlp train --gamma 0.1", None),
            ("mlp train --beta 0.1", None),
        ] {
            let unknown = parser().try_get_matches_from(line.split(' '));
            let text = with_instead(unknown.unwrap_err()).to_string();
            let tip = text
                .lines()
                .find(|line| line.contains("a similar argument exists"));
            assert_eq!(tip.is_some(), proposed.is_some(), "{text}");
            assert!(
                tip.is_none_or(|tip| tip.contains(proposed.unwrap())),
                "{text}"
            );
        }
    }
}
