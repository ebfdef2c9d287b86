//! The README's own commands do what it says.

use std::{fs, path::Path, process::Command};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// The lines behind `$ ` in blocks marked as console.
fn commands() -> Vec<String> {
    let readme = readme();
    let mut inside = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            commands.push(command.to_owned());
        }
    }
    commands
}

#[test]
fn every_mlp_command_of_the_readme_runs_in_order_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let commands: Vec<_> = commands()
        .into_iter()
        .filter(|command| command.starts_with("mlp "))
        .collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let words: Vec<_> = command
            .split('#')
            .next()
            .unwrap()
            .split_whitespace()
            .skip(1)
            .collect();
        let output = Command::new(env!("CARGO_BIN_EXE_mlp"))
            .args(&words)
            .current_dir(folder.path())
            .env_clear()
            .env("MLP_DATA_DIR", repository().join("data"))
            .env("MLP_OFFLINE", "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {stderr}");
        assert!(!output.stdout.is_empty(), "{command} printed nothing");
    }
}

#[test]
fn the_table_of_recipes_is_what_the_program_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_mlp"))
        .args(["recipes", "--markdown"])
        .env_clear()
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.lines().count() > 15, "{table}");
    assert!(
        readme().contains(&table),
        "put this into README.md, section Published results:\n{table}"
    );
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let readme = readme();
    let (_, test) = readme
        .split_once("\n## Test\n")
        .expect("a section named Test");
    let block = test.split("```").nth(1).expect("a block of code");
    let command = block
        .split_once('\n')
        .expect("a language, then lines")
        .1
        .trim();
    assert_eq!(command, "cargo test --release");
    let ci = fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(ci.contains("^## Test$") && ci.contains("README.md"));
}

#[test]
fn files_that_the_readme_names_are_there() {
    let readme = readme();
    let names = readme.split('`').filter(|word| {
        let known = ["src/", "scripts/", "tests/", "data/"];
        known.iter().any(|folder| word.starts_with(folder)) && !word.contains([' ', '*', '\n'])
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(repository().join(name).exists(), "{name}");
    }
}
