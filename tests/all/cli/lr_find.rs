//! `lr-find` as a user runs it.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::program::{DATA_DIR, command, json, run, texts};

/// What is found, and be it that no rate can be suggested.
fn found(dir: &Path, line: &str) -> Value {
    let output = command(dir, line).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{line}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{line}: {e}: {stderr}"))
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value}: no number"))
}

#[test]
fn the_rates_climb_by_a_factor_and_the_suggestion_is_one_that_learns() {
    let folder = tempfile::tempdir().unwrap();
    let line = "lr-find --hidden 30 --batch-size 64 --from 1e-3 --to 1e3 --json";
    let found = json(folder.path(), line, 0);
    let points = found["tested"].as_array().unwrap();
    let rates: Vec<_> = points
        .iter()
        .map(|point| number(&point["learning_rate"]))
        .collect();
    assert!((rates[0] - 1e-3).abs() < 1e-9, "{}", rates[0]);
    let factor = 1e6_f64.powf(1.0 / 499.0);
    for pair in rates.windows(2) {
        assert!((pair[1] / pair[0] / factor - 1.0).abs() < 1e-5, "{pair:?}");
    }
    // A rate of 1000 is never reached: no network learns at it.
    assert_eq!(found["diverged"], true);
    assert!(points.len() < 500, "{}", points.len());
    let suggestion = number(&found["suggestion"]);
    assert!(
        (0.01..1.0).contains(&suggestion),
        "what is known to work lies from 0.05 to 0.5, found {suggestion}"
    );
    // One digit, not 0.10000000149.
    let text = found["suggestion"].to_string();
    assert!(text.len() <= 4, "{text}");
}

#[test]
fn the_same_is_found_at_any_number_of_threads_and_of_other_seeds_another() {
    let folder = tempfile::tempdir().unwrap();
    let line = "lr-find --hidden 20 --steps 60 --batch-size 50 --momentum 0.9 --augment lecun1998";
    let found = |flags: &str| json(folder.path(), &format!("{line} --json {flags}"), 0);
    let one = found("--threads 1");
    assert_eq!(one, found("--threads 3"));
    assert_ne!(one, found("--seed 2"));
}

/// With 100 images to train on, 2 batches of 50, every image comes many times.
#[test]
fn few_images_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let line = "lr-find --valid 59900 --batch-size 50 --steps 40 --to 0.5 --json";
    let found = found(folder.path(), line);
    let points = found["tested"].as_array().unwrap();
    assert_eq!(
        (points.len(), &found["diverged"]),
        (40, &Value::from(false))
    );
    assert!((number(&points[39]["learning_rate"]) - 0.5).abs() < 1e-6);
    assert!(number(&points[39]["loss"]) < number(&points[0]["loss"]));
}

#[test]
fn what_does_not_fall_or_still_falls_gives_no_suggestion_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    for (line, why, text) in [
        (
            "--steps 50 --from 1e-9 --to 1e-7",
            "never fell",
            "did not fall by a tenth",
        ),
        (
            "--batch-size 1 --from 1e-9 --to 1e-7",
            "never fell",
            "did not fall by a tenth",
        ),
        ("--to 0.01", "still falls", "try a larger --to"),
    ] {
        let line = format!("lr-find {line}");
        let found = json(folder.path(), &format!("{line} --json"), 1);
        assert_eq!(
            (&found["suggestion"], &found["no_suggestion"]),
            (&Value::Null, &Value::from(why)),
            "{line}"
        );
        let (stdout, stderr) = run(folder.path(), &line, 1);
        assert!(stdout.contains(text), "{line}: {stdout}");
        assert!(!stdout.contains("falls fastest") && !stderr.contains("next:"));
    }
}

/// The losses of single images jump from near 0 to many times that; only the mean of several may end the test.
#[test]
fn single_images_do_not_end_the_test_before_it_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..5 {
        let line = format!("lr-find --batch-size 1 --hidden 20 --seed {seed} --to 1e-3 --json");
        let found = found(folder.path(), &line);
        assert_eq!(found["tested"].as_array().unwrap().len(), 500, "{line}");
    }
}

#[test]
fn the_picture_replaces_nothing_but_a_picture_and_nothing_else_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let svg = folder.join("rates.svg");
    for _ in 0..2 {
        let line = "lr-find --steps 100 --hidden 10 --svg rates.svg --data-dir";
        let mut command = command(folder, line);
        let (_, stderr) = texts(command.arg(DATA_DIR).env_remove("MLP_DATA_DIR"), 0);
        assert!(
            stderr.contains("next: mlp train --hidden 10 --data-dir"),
            "{stderr}"
        );
    }
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.contains("learning rate (log scale)") && picture.contains("rate to try: 0."));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);

    fs::write(&svg, "a letter").unwrap();
    run(folder, "lr-find --steps 20 --hidden 10 --svg rates.svg", 1);
    assert_eq!(fs::read(&svg).unwrap(), b"a letter");
}

#[test]
fn wrong_ranges_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (line, code, expected) in [
        ("--from 1 --to 0.1", 2, "--from 1.0 is not below --to 0.1"),
        ("--from 0", 2, "expected a number above 0"),
        ("--from -1", 2, "expected a number above 0"),
        ("--to inf", 2, "expected a number above 0"),
        ("--steps 3", 2, "expected a whole number from 10 to 100000"),
        ("--svg no/such/folder.svg", 1, "no such folder"),
    ] {
        let (_, stderr) = run(folder.path(), &format!("lr-find {line}"), code);
        assert!(stderr.contains(expected), "{line}: {stderr}");
    }
}
