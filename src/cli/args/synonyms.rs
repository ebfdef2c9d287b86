//! The words of other programs: flags and commands that people know from there, and what they are called here.

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error},
};

/// The names of one thing elsewhere.
type Others = &'static [&'static str];

/// Flags that mean the same, by their names here. They are taken, and shown nowhere.
const FLAGS: [(&str, Others); 7] = [
    ("lr", &["learning-rate", "learning_rate"]),
    ("batch-size", &["batch", "batch_size"]),
    ("epochs", &["num-epochs", "num_epochs", "n-epochs"]),
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
const INSTEAD: [(&str, &str); 7] = [
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
    let instead = INSTEAD
        .iter()
        .find(|(known, _)| Some(*known) == word.as_deref());
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
        let train = Command::new("train").args(["lr", "batch-size", "hidden"].map(number));
        let parser = Command::new("mlp").subcommand_required(true);
        with_synonyms(parser.subcommands([train, Command::new("eval")]))
    }

    #[test]
    fn what_means_the_same_is_taken_and_not_shown() {
        let words = "mlp fit --learning-rate 1 --batch 2 --hidden_sizes 3";
        let matches = parser().get_matches_from(words.split(' '));
        let train = matches.subcommand_matches("train").unwrap();
        for (name, value) in [("lr", "1"), ("batch-size", "2"), ("hidden", "3")] {
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
    }
}
