//! The commands of the README, the lesson and the other documents do what these say.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use crate::support::{
    program,
    transcript::{Shown, commands, stale},
};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// Every document with commands in it: README.md, and what is in docs.
fn documents() -> Vec<(String, Vec<Shown>)> {
    let docs = fs::read_dir(repository().join("docs")).unwrap();
    let docs = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().display()));
    let mut names: Vec<_> = docs.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    names.insert(0, "README.md".to_owned());
    let documents = names.into_iter().map(|name| {
        let text = fs::read_to_string(repository().join(&name)).unwrap();
        (name, commands(&text))
    });
    documents
        .filter(|(_, commands)| !commands.is_empty())
        .collect()
}

/// Runs a command in a folder and returns what a terminal shows of it. With a mistake planted in it, a check fails.
fn run(command: &str, folder: &Path) -> String {
    let line = command.split('#').next().unwrap();
    let fails = command.contains("gradcheck --inject");
    let mut command = program::command(folder, line.strip_prefix("mlp ").unwrap());
    // Both streams into one pipe, for their lines to stay in order.
    let (mut reader, writer) = io::pipe().unwrap();
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command); // which holds the pipe open
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    let code = child.wait().unwrap().code();
    let expected = i32::from(fails);
    assert!(
        code == Some(expected) && !printed.contains("panicked") && !printed.is_empty(),
        "{line}: {code:?}, expected {expected} and no panic\n{printed}"
    );
    printed.replace(program::DATA_DIR, "data")
}

#[test]
fn every_command_of_every_document_prints_what_the_document_shows() {
    let documents = documents();
    let count = |name: &str| {
        let document = documents.iter().find(|(document, _)| document == name);
        document.map_or(0, |(_, commands)| commands.len())
    };
    assert!(count("README.md") >= 5 && count("docs/lesson.md") >= 15);
    let mut faults = Vec::new();
    for (name, commands) in documents {
        let folder = tempfile::tempdir().unwrap();
        // As in a clone.
        let nets = folder.path().join("examples/nets");
        fs::create_dir_all(&nets).unwrap();
        for net in fs::read_dir(repository().join("examples/nets")).unwrap() {
            let net = net.unwrap();
            fs::copy(net.path(), nets.join(net.file_name())).unwrap();
        }
        for Shown {
            line,
            command,
            lines,
        } in commands
        {
            let printed = run(&command, folder.path());
            if let Some(stale) = stale(&lines, &printed) {
                faults.push(format!(
                    "{name}:{line}: {command}\ndoes not print, or not there: {stale:?}\n{printed}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
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
    assert!(!names.is_empty());
    for name in names {
        assert!(repository().join(name).exists(), "{name}");
    }
}

/// What a code host makes of a heading, for links to lead to.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_of_every_document_leads_somewhere() {
    let folders = ["", "docs", "scripts", "data"].map(|folder| repository().join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut links = 0;
    for file in files.filter(|file| file.extension().is_some_and(|kind| kind == "md")) {
        let text = fs::read_to_string(&file).unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        for (target, _) in targets.filter(|(target, _)| !target.contains(['[', ' ', ':'])) {
            let (name, part) = target.split_once('#').unwrap_or((target, ""));
            let there = match name {
                "" => file.clone(),
                name => file.parent().unwrap().join(name),
            };
            assert!(there.exists(), "{}: no {target}", file.display());
            links += 1;
            if part.is_empty() || there.extension().is_none_or(|kind| kind != "md") {
                continue;
            }
            let text = fs::read_to_string(there).unwrap();
            let headings = text.lines().filter(|line| line.starts_with('#'));
            let known = headings.map(|line| anchor(line.trim_start_matches('#')));
            let known: Vec<_> = known.collect();
            assert!(
                known.iter().any(|known| known == part),
                "{}: no {target} among {known:?}",
                file.display()
            );
        }
    }
    assert!(links > 50, "{links}");
}

/// scripts/check_pytorch.py proves that code; it is not run here, where there need be no Python.
#[test]
fn the_readme_loads_every_activation_in_pytorch() {
    let readme = readme();
    let section = readme.split("## Take the model with you").nth(1);
    let code = section.expect("that section").split("```").nth(1);
    let code = code.expect("a block of code");
    for activation in mlp::nn::Activation::ALL {
        let key = format!("\"{}\": ", activation.flag());
        assert!(code.contains(&key), "{key}");
    }
}
