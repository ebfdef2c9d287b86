//! The commands of the README and of the lesson do what these say.

#[path = "support/program.rs"]
mod program;

use std::{fs, path::Path};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// A command, and the lines that a document says it prints.
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The lines behind `$ ` in blocks marked as console, and what follows each.
fn commands(document: &str) -> Vec<Shown> {
    let mut inside = false;
    let mut commands: Vec<Shown> = Vec::new();
    for line in document.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            let command = command.to_owned();
            let lines = Vec::new();
            commands.push(Shown { command, lines });
        } else if let (true, Some(shown)) = (inside, commands.last_mut()) {
            shown.lines.push(line.to_owned());
        }
    }
    commands.retain(|shown| shown.command.starts_with("mlp "));
    commands
}

/// Runs a command in a folder and returns what it prints. With a mistake planted in it, a check fails.
fn run(command: &str, folder: &Path) -> String {
    let line = command.split('#').next().unwrap();
    let line = line.strip_prefix("mlp ").unwrap();
    let fails = command.contains("gradcheck --inject");
    let (stdout, _) = program::run(folder, line, i32::from(fails));
    assert!(!stdout.is_empty(), "{command} printed nothing");
    stdout
}

#[test]
fn every_mlp_command_of_the_readme_runs_in_order_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands(&readme());
    assert!(commands.len() >= 5);
    for shown in commands {
        run(&shown.command, folder.path());
    }
}

#[test]
fn every_mlp_command_of_the_lesson_prints_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let lesson = fs::read_to_string(repository().join("docs/lesson.md")).unwrap();
    let commands = commands(&lesson);
    assert!(commands.len() >= 15);
    for Shown { command, lines } in commands {
        let printed = run(&command, folder.path());
        // What training prints has times in it, and on another processor other last digits.
        if command.starts_with("mlp train") {
            continue;
        }
        let mut rest = printed.lines();
        for line in lines {
            let found = match line.trim_end().strip_suffix('…') {
                Some("") => true,
                Some(beginning) => rest.any(|printed| printed.starts_with(beginning)),
                None => rest.any(|printed| printed.trim_end() == line.trim_end()),
            };
            assert!(
                found,
                "{command} does not print, or not in this order, {line:?}: {printed}"
            );
        }
    }
}

#[test]
fn the_table_of_recipes_is_what_the_program_prints() {
    let (table, _) = program::run(repository(), "recipes --markdown", 0);
    assert!(table.lines().count() > 15, "{table}");
    let results = fs::read_to_string(repository().join("docs/results.md")).unwrap();
    assert!(
        results.contains(&table),
        "put this into docs/results.md:\n{table}"
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
