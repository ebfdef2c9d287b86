//! What `-h` shows: on one screen, the flags that most runs need, and some examples. `--help` shows all.

use clap::Command;

/// The rows of a screen.
#[cfg(test)]
pub const SCREEN: usize = 40;

/// The examples of a screen.
const EXAMPLES: usize = 4;

/// The commands with more flags than a screen holds, and the flags that come first, in this order. Both kinds of help
/// show these before all others; the short one shows no others.
pub const FIRST: [(&str, &[&str]); 14] = [
    (
        "train",
        &[
            "epochs",
            "lr",
            "batch-size",
            "hidden",
            "loss",
            "optimizer",
            "activation",
            "seed",
            "data-dir",
            "out",
        ],
    ),
    (
        "lr-find",
        &[
            "batch-size",
            "hidden",
            "loss",
            "activation",
            "data-dir",
            "svg",
            "json",
        ],
    ),
    (
        "sweep",
        &[
            "lr",
            "hidden",
            "batch-size",
            "activation",
            "seeds",
            "epochs",
            "minutes",
            "data-dir",
            "out",
            "json",
        ],
    ),
    (
        "eval",
        &[
            "split",
            "data-dir",
            "predictions",
            "calibration",
            "reject",
            "json",
        ],
    ),
    ("predict", &["show", "csv", "json"]),
    ("compare", &["split", "data-dir", "json"]),
    (
        "gradcheck",
        &[
            "model",
            "against",
            "net",
            "hidden",
            "loss",
            "inject",
            "list-mistakes",
            "json",
        ],
    ),
    (
        "explain",
        &[
            "index", "images", "image", "net", "logits", "svg", "html", "json",
        ],
    ),
    (
        "worksheet",
        &["seed", "hidden", "blank", "no-answers", "check", "out"],
    ),
    ("check", &["all", "file", "seed", "timeout", "json"]),
    ("watch", &["python"]),
    ("plot", &["out", "format", "split", "data-dir"]),
    ("export", &["to", "out", "activation"]),
    (
        "augment-preview",
        &["augment", "index", "images", "epochs", "out"],
    ),
];

/// The parser whose `-h` fits on a screen.
pub fn with_brief_help(parser: Command) -> Command {
    parser.mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        match FIRST.iter().find(|(known, _)| *known == name) {
            Some((_, first)) => brief(command, first),
            None => with_brief_help(command),
        }
    })
}

fn brief(command: Command, first: &[&str]) -> Command {
    let all = command.get_after_help().cloned().unwrap_or_default();
    let examples = all.to_string();
    let examples: Vec<_> = examples.lines().take(1 + EXAMPLES).collect();
    let more = "--help shows all flags";
    let command = command.mut_args(|arg| {
        let name = arg.get_long();
        match first.iter().position(|first| Some(*first) == name) {
            Some(place) => arg.help_heading(None).display_order(place),
            None if arg.is_positional() => arg,
            None => arg.hide_short_help(true),
        }
    });
    command
        .after_help(format!("{}\n\n{more}", examples.join("\n")))
        .after_long_help(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_is_shown_and_nothing_else() {
        let arg = |name| clap::Arg::new(name).long(name).help(name);
        let names = ["seed", "hidden", "lr", "epochs", "max-norm"];
        let train = Command::new("train").args(names.map(arg));
        let train = train.after_help("Examples:\n  mlp train\n  a\n  b\n  c\n  d\n  e");
        let mut parser = with_brief_help(Command::new("mlp").subcommand(train));
        let train = parser.find_subcommand_mut("train").unwrap();
        let short = train.render_help().to_string();
        let places =
            ["--epochs", "--lr", "--hidden", "--seed"].map(|flag| short.find(flag).unwrap());
        assert!(places.is_sorted(), "{short}");
        assert!(!short.contains("--max-norm"), "{short}");
        assert!(short.contains("  c\n\n--help shows all flags"), "{short}");
        let long = train.render_long_help().to_string();
        assert!(
            long.contains("--max-norm") && long.contains("  e\n"),
            "{long}"
        );
        assert!(!long.contains("shows all"), "{long}");
    }
}
