//! `mlp learn`, as far as it needs no Python.

use std::{fs, path::Path};

use crate::support::program::{command, json, run, texts};

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "learn init", 0);
    dir
}

#[test]
fn exercises_are_written_once_and_kept() {
    let dir = folder();
    let first = dir.path().join("learn/01_lin.py");
    assert!(
        fs::read_to_string(&first)
            .unwrap()
            .contains("raise NotImplementedError")
    );
    fs::write(&first, "# mine").unwrap();
    fs::remove_file(dir.path().join("learn/02_relu.py")).unwrap();
    let (said, next) = run(dir.path(), "learn init", 0);
    assert!(
        said.contains("1 exercises in learn") && said.contains("23 that were there"),
        "{said}"
    );
    assert!(next.contains("next: mlp learn check 1"), "{next}");
    assert_eq!(fs::read_to_string(&first).unwrap(), "# mine");
    let (_, error) = run(dir.path(), "learn init --language rust", 1);
    assert!(error.contains("has exercises in python already"), "{error}");
    let (_, error) = run(dir.path(), "learn init learn/01_lin.py", 1);
    assert!(error.contains("01_lin.py"), "{error}");
}

#[test]
fn stubs_never_pass_and_need_no_python() {
    let dir = folder();
    let found = json(dir.path(), "learn check --all --json", 1);
    assert_eq!((&found["right"], &found["points"]), (&0.into(), &0.into()));
    let exercises = found["exercises"].as_array().unwrap();
    assert_eq!(exercises.len(), 24);
    assert!(
        exercises
            .iter()
            .all(|found| found["verdict"] == "unwritten")
    );
    let (said, next) = run(&dir.path().join("learn"), "learn check", 1);
    assert!(
        said.contains("01 lin") && said.contains("not written yet"),
        "{said}"
    );
    assert!(
        !said.contains("02 relu") && next.contains("next: mlp learn check 1"),
        "{said}{next}"
    );
}

#[test]
fn without_a_folder_it_is_said_how_to_begin() {
    let dir = tempfile::tempdir().unwrap();
    for line in ["learn check", "learn status", "learn watch"] {
        let (_, error) = run(dir.path(), line, 1);
        assert!(error.contains("mlp learn init"), "{error}");
    }
    let (_, error) = run(dir.path(), "learn check 99", 2);
    assert!(error.contains("1 to 24"), "{error}");
    let (said, _) = run(dir.path(), "learn check lin --file missing.py", 1);
    assert!(said.contains("there is no missing.py"), "{said}");
}

#[test]
fn hints_grow_and_are_remembered() {
    let dir = folder();
    let (one, next) = run(dir.path(), "learn hint lin_grad", 0);
    assert!(
        one.contains("hint 1 of 3") && next.contains("--degree 2"),
        "{one}{next}"
    );
    let (two, _) = run(dir.path(), "learn hint 7", 0);
    assert!(
        two.contains("hint 2 of 3") && !two.contains("xᵀ·dy"),
        "{two}"
    );
    let (three, _) = run(dir.path(), "learn hint 7", 0);
    assert!(three.contains("dw = xᵀ·dy"), "{three}");
    let (solution, _) = run(dir.path(), "learn hint 7 --solution", 0);
    assert!(solution.contains("return dx, dw, db"), "{solution}");
    let status = json(dir.path(), "learn status --json", 0);
    let seventh = &status["exercises"][6];
    assert_eq!(
        (&seventh["hints"], &seventh["solution_read"]),
        (&3.into(), &true.into())
    );
    assert_eq!(seventh["state"], "open");
    fs::write(dir.path().join("learn/07_lin_grad.py"), "# begun").unwrap();
    let (said, _) = run(dir.path(), "learn status", 0);
    assert!(
        said.contains("begun") && said.contains("(2 points, 3 hints, solution read)"),
        "{said}"
    );
    // Whatever stands in the file.
    let state = dir.path().join("learn/.mlp-learn.json");
    let huge = r#"{"language":"python","hints":{"relu":18446744073709551615}}"#;
    fs::write(&state, huge).unwrap();
    assert!(
        run(dir.path(), "learn hint relu", 0)
            .0
            .contains("hint 3 of 3")
    );
    fs::write(&state, r#"{"language":"cobol"}"#).unwrap();
    let (_, error) = run(dir.path(), "learn hint relu --dir learn", 1);
    assert!(error.contains("damaged"), "{error}");
    // Without a folder a hint is a hint.
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(
        run(elsewhere.path(), "learn hint 1", 0)
            .0
            .contains("hint 1 of 3")
    );
}

#[test]
fn known_errors_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let (said, _) = run(
        dir.path(),
        "learn errors operands could not be broadcast together with shapes (6,3) (6,)",
        0,
    );
    assert!(said.contains("keepdims=True"), "{said}");
    let (said, _) = run(dir.path(), "learn errors nobody knows this", 1);
    assert!(said.contains("no known error"), "{said}");
    let (all, _) = run(dir.path(), "learn errors --json", 0);
    assert!(all.lines().count() > 30, "{all}");
}

/// A Python that is none: what its end is answered with.
#[cfg(unix)]
#[test]
fn a_program_that_ends_otherwise_is_answered_in_words() {
    use std::os::unix::fs::PermissionsExt;

    let dir = folder();
    fs::write(
        dir.path().join("learn/01_lin.py"),
        "def lin(x, w, b):\n    return x @ w + b\n",
    )
    .unwrap();
    let python = dir.path().join("python");
    for (script, verdict, word) in [
        (
            "printf 'mlp-learn\\t1\\n' > \"$5\"; exit 3",
            "crash",
            "ended with code 3",
        ),
        ("kill -11 $$", "crash", "segmentation fault"),
        ("printf 'nonsense' > \"$5\"", "crash", "begins with"),
        (
            "printf 'mlp-learn\\t1\\n' > \"$5\"; while :; do :; done",
            "time",
            "no end after 0.5 s",
        ),
        (
            "printf 'mlp-learn\\t1\\ncase\\nfault\\tnone\\ty\\ndone\\n' > \"$5\"",
            "none",
            "Is there a return?",
        ),
        (
            "printf 'mlp-learn\\t1\\ncase\\nvalue\\ty\\tfloat64\\t1x3\\t1 2 3\\ndone\\n' > \"$5\"",
            "wrong",
            "y is wrong",
        ),
        (
            "printf 'mlp-learn\\t1\\ncase\\nfault\\terror\\tNameError: x\\t2\\treturn x\\ndone\\n' > \"$5\"",
            "error",
            "in line 2",
        ),
    ] {
        fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let line = format!(
            "learn check 1 --json --timeout 0.5 --python {}",
            python.display()
        );
        let mut command = command(dir.path(), &line);
        let (said, _) = texts(command.env("PATH", "/usr/bin:/bin"), 1);
        assert!(
            said.contains(&format!("\"verdict\":\"{verdict}\"")) && said.contains(word),
            "{script}: {said}"
        );
    }
    // What never read the exercise says nothing of it.
    let (_, error) = run(dir.path(), "learn check 1 --python /bin/true", 1);
    assert!(
        error.contains("ended before it read the exercise"),
        "{error}"
    );
    let (_, error) = run(dir.path(), "learn check 1 --python /no/python", 1);
    assert!(error.contains("no Python 3.8 or newer"), "{error}");
}

/// The known errors stand in the lesson as well.
#[test]
fn the_lesson_has_all_known_errors() {
    let lesson =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lesson.md")).unwrap();
    for stumble in mlp::check::mistakes::STUMBLES {
        let row = format!(
            "| `{}` | {} | {} |",
            stumble.message.replace('`', "'"),
            stumble.meaning,
            stumble.look
        );
        assert!(lesson.contains(&row), "{row}");
    }
}
