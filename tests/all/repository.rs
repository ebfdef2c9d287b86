//! What lies around the program holds together: links of the documents, logs of the recipes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document that is read on a code host.
fn documents() -> Vec<PathBuf> {
    let mut documents = Vec::new();
    for folder in ["", "docs", "scripts", "data"] {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents
}

/// A document without its blocks of code.
fn prose(document: &str) -> String {
    let outside = document.split("```").step_by(2);
    outside.collect::<Vec<_>>().join("\n")
}

/// Where `[text](target)` and lines `[label]: target` lead.
fn targets(prose: &str) -> Vec<&str> {
    let inline = prose.split("](").skip(1);
    let inline = inline.filter_map(|rest| rest.split_once(')'));
    let defined = prose.lines().filter(|line| line.starts_with('['));
    let defined = defined.filter_map(|line| line.split_once("]: "));
    let inline = inline.map(|(target, _)| target);
    inline.chain(defined.map(|(_, target)| target)).collect()
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut links = 0;
    for document in documents() {
        let text = prose(&fs::read_to_string(&document).unwrap());
        for target in targets(&text) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            links += 1;
            let path = document.parent().unwrap().join(file);
            assert!(path.exists(), "{}: {target}", document.display());
        }
    }
    assert!(links > 20, "{links}");
}

#[test]
fn every_short_link_of_code_is_defined() {
    let mut links = 0;
    for document in documents() {
        let text = prose(&fs::read_to_string(&document).unwrap());
        for rest in text.split("[`").skip(1) {
            let (label, after) = rest.split_once("`]").expect("[`label`]");
            if after.starts_with('(') || after.starts_with(':') {
                continue;
            }
            links += 1;
            let definition = format!("\n[`{label}`]: ");
            let defined = text.contains(&definition);
            assert!(defined, "{}: [`{label}`]", document.display());
        }
    }
    assert!(links > 20, "{links}");
}

/// Files of Rust in a folder and in the folders within, or the one file.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.into()];
    }
    let entries = fs::read_dir(path).unwrap();
    let found = entries.flat_map(|entry| sources(&entry.unwrap().path()));
    found
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// They round as the version of the system's library does: `linalg::functions` has them with the same bits everywhere.
#[test]
fn nothing_that_training_depends_on_calls_an_elementary_function_of_the_system() {
    const NAMES: &str = "exp exp2 exp_m1 ln ln_1p log log2 log10 sin cos sin_cos tan asin acos atan atan2 sinh cosh \
                         tanh powf cbrt hypot Normal StandardNormal";
    let calls = NAMES.split_whitespace().flat_map(|name| {
        let path = ["f32", "f64", "rand_distr"].map(|of| format!("{of}::{name}"));
        path.into_iter().chain([format!(".{name}(")])
    });
    let calls: Vec<_> = calls.collect();
    let mut lines = 0;
    for place in [
        "rng",
        "linalg",
        "nn",
        "loss",
        "train",
        "data/augment",
        "data/batch.rs",
        "data/deslant.rs",
    ] {
        for file in sources(&repository().join("src").join(place)) {
            let text = fs::read_to_string(&file).unwrap();
            // What is only shown, or only tests.
            if file.ends_with("formula.rs") || file.ends_with("tests.rs") {
                continue;
            }
            let (code, _) = text
                .split_once("#[cfg(test)]\nmod tests")
                .unwrap_or((&text, ""));
            for line in code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                lines += 1;
                let called = calls.iter().find(|call| line.contains(*call));
                assert_eq!(called, None, "{}: {line}", file.display());
            }
        }
    }
    assert!(lines > 3000, "{lines}");
}

#[test]
fn every_measured_run_has_its_log() {
    let measured = repository().join("src/train/recipes/measured.tsv");
    let measured = fs::read_to_string(measured).unwrap();
    assert!(measured.lines().count() > 40);
    for line in measured.lines() {
        let [recipe, seed, correct, _] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line:?}");
        };
        let log = format!("scripts/results/{recipe}-{seed}.jsonl");
        let log = fs::read_to_string(repository().join(&log)).expect(&log);
        let correct = format!("\"correct\":{correct},");
        assert!(log.lines().last().unwrap().contains(&correct), "{line}");
    }
}

/// What a tool of Rust's prints.
fn printed(tool: &str, arguments: &str) -> String {
    let mut command = Command::new(tool);
    command.current_dir(repository());
    let done = command.args(arguments.split(' ')).output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{tool} {arguments}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

/// Every package that is built here, and its licence.
fn licences() -> Vec<(String, String)> {
    let rustc = printed("rustc", "-vV");
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    // What only other systems need may not have been downloaded.
    let arguments = format!(
        "metadata --locked --offline --format-version 1 --filter-platform {}",
        host.unwrap()
    );
    let metadata: serde_json::Value =
        serde_json::from_str(&printed(env!("CARGO"), &arguments)).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let text = |package: &serde_json::Value, field| package[field].as_str().map(str::to_owned);
    let licence = |package| {
        let name = text(package, "name").unwrap();
        let licence = text(package, "license").unwrap_or_else(|| panic!("{name}: no licence"));
        (name, licence)
    };
    packages.map(licence).collect()
}

/// Whether a licence such as `(MIT OR Apache-2.0) AND Unicode-3.0` lets its user choose among those accepted.
fn is_accepted(licence: &str, accepted: &[&str]) -> bool {
    let all = licence.replace('/', " OR ");
    all.split(" AND ").all(|part| {
        let part = part.trim_matches(['(', ')']);
        let mut choices = part.split(" OR ");
        choices.any(|choice| accepted.contains(&choice.trim()))
    })
}

#[test]
fn every_crate_has_a_licence_that_the_documents_name() {
    let document = fs::read_to_string(repository().join("docs/licences.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let accepted: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert!(accepted.contains(&"MIT"), "{accepted:?}");
    for refused in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Zlib) AND GPL-3.0-only",
    ] {
        assert!(!is_accepted(refused, &accepted), "{refused}");
    }
    let licences = licences();
    assert!(licences.len() > 100, "{}", licences.len());
    for (name, licence) in licences {
        let accepted = is_accepted(&licence, &accepted);
        assert!(
            accepted,
            "{name}: {licence}, expected one of docs/licences.md"
        );
        if licence.contains("MPL") {
            assert_eq!(
                name, "colored",
                "the one crate that docs/licences.md excepts"
            );
        }
    }
}
