//! What goes around the program: completions of shells, manual pages, and the words of other programs.

use std::fs;

use tempfile::tempdir;

use crate::support::{mnist_files::names_in, program::run};

/// The commands that `--help` lists.
fn commands() -> Vec<String> {
    let folder = tempdir().unwrap();
    let (help, _) = run(folder.path(), "--help", 0);
    let (_, list) = help.split_once("\nCommands:\n").expect("a list");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> = names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

#[test]
fn every_shell_completes_commands_flags_and_values() {
    let folder = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (script, notes) = run(folder.path(), &format!("completions {shell}"), 0);
        assert_eq!(notes, "", "{shell}");
        let words: Vec<_> = script
            .split(|c: char| !c.is_alphanumeric() && !"-_".contains(c))
            .collect();
        for name in commands() {
            assert!(words.contains(&&*name), "{shell}: {name}");
        }
        assert!(script.contains("batch-size"), "{shell}");
        assert!(!script.contains("learning-rate"), "{shell}: a synonym");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = run(folder.path(), &format!("completions {shell}"), 0);
        // A recipe, a mistake, a preset, an activation.
        for value in ["ciresan2010", "shared-relu", "simard2003", "scaled-tanh"] {
            assert!(script.contains(value), "{shell}: {value}");
        }
    }
    // `mlp recipes <TAB>`; the scripts for other shells complete values of flags alone.
    for (shell, after) in [("bash", "--json --markdown"), ("zsh", "Show this one only")] {
        let (script, _) = run(folder.path(), &format!("completions {shell}"), 0);
        let mut lines = script.lines().filter(|line| line.contains(after));
        assert!(
            lines.any(|line| line.contains("ciresan2010-committee")),
            "{shell}"
        );
    }
    let (_, error) = run(folder.path(), "completions tcsh", 2);
    assert!(error.contains("possible values: bash"), "{error}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempdir().unwrap();
    let (said, _) = run(folder.path(), "man pages", 0);
    let pages = folder.path().join("pages");
    let names = names_in(&pages);
    let count = format!("saved {} manual pages", names.len());
    assert!(said.starts_with(&count), "{said}");
    for name in commands() {
        let page = format!("mlp-{name}.1");
        assert!(names.contains(&page), "{page}: {names:?}");
    }
    assert!(names.contains(&"mlp.1".to_owned()) && names.contains(&"mlp-learn-check.1".to_owned()));
    let train = fs::read_to_string(pages.join("mlp-train.1")).unwrap();
    assert!(train.contains("batch\\-size"), "{train}");

    run(folder.path(), "man pages", 0);
    fs::write(pages.join("mlp-eval.1"), "a thesis").unwrap();
    let (_, error) = run(folder.path(), "man pages", 1);
    assert!(error.contains("not a manual page"), "{error}");
    run(folder.path(), "man pages --force", 0);
    let (_, error) = run(folder.path(), "man pages/mlp.1", 1);
    assert!(error.contains("expected a folder"), "{error}");
}

#[test]
fn the_words_of_other_programs_are_understood_or_answered() {
    let folder = tempdir().unwrap();
    // Wrong usage would be exit code 2.
    let line = "fit --learning-rate 0.05 --batch 32 --num-epochs 1 --hidden_layer_sizes 4 --wd 0 --data-dir nowhere";
    let (_, error) = run(folder.path(), line, 1);
    assert!(error.contains("nowhere"), "{error}");
    let (_, error) = run(folder.path(), "test none.bin", 1);
    assert!(error.contains("none.bin"), "{error}");
    for (line, answer) in [
        ("train --layers 784,50,10", "tip: --hidden"),
        ("train --device cuda", "tip: mlp computes on the CPU"),
        (
            "validate model.bin",
            "tip: mlp eval model.bin --split valid",
        ),
        ("check", "tip: mlp gradcheck"),
        ("convert model.bin", "tip: mlp export writes a model"),
    ] {
        let (_, error) = run(folder.path(), line, 2);
        assert!(error.contains(answer), "{line}: {error}");
    }
}
