//! `lr-find` as a user runs it.

use std::{fs, path::Path, process::Output};

use assert_cmd::Command;
use serde_json::Value;

fn run(folder: &Path, line: &str) -> Output {
    let mut command = Command::cargo_bin("mlp").unwrap();
    let command = command
        .current_dir(folder)
        .env_clear()
        .arg("lr-find")
        .args(line.split_whitespace())
        .args(["--data-dir", concat!(env!("CARGO_MANIFEST_DIR"), "/data")]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{line}: {stderr}");
    output
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn json(folder: &Path, line: &str) -> Value {
    let output = run(folder, &format!("{line} --json"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {stderr}");
    json_of(&output)
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value}: no number"))
}

#[test]
fn the_rates_climb_by_a_factor_and_the_suggestion_is_one_that_learns() {
    let folder = tempfile::tempdir().unwrap();
    let found = json(
        folder.path(),
        "--hidden 30 --batch-size 64 --from 1e-3 --to 1e3",
    );
    let points = found["points"].as_array().unwrap();
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
    let line = "--hidden 20 --steps 60 --batch-size 50 --momentum 0.9 --augment lecun1998";
    let one = json(folder.path(), &format!("{line} --threads 1"));
    assert_eq!(one, json(folder.path(), &format!("{line} --threads 3")));
    assert_ne!(one, json(folder.path(), &format!("{line} --seed 2")));
}

/// With 100 images to train on, 2 batches of 50, every image comes many times.
#[test]
fn few_images_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let line = "--valid 59900 --batch-size 50 --steps 40 --to 0.5 --json";
    let found = json_of(&run(folder.path(), line));
    let points = found["points"].as_array().unwrap();
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
        let output = run(folder.path(), &format!("{line} --json"));
        let found = json_of(&output);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(
            (&found["suggestion"], &found["no_suggestion"]),
            (&Value::Null, &Value::from(why)),
            "{line}"
        );
        let output = run(folder.path(), line);
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(stdout.contains(text), "{line}: {stdout}");
        assert!(!stdout.contains("falls fastest") && !stderr.contains("next:"));
    }
}

/// The losses of single images jump from near 0 to many times that; only the mean of several may end the test.
#[test]
fn single_images_do_not_end_the_test_before_it_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1..5 {
        let line = format!("--batch-size 1 --hidden 20 --seed {seed} --to 1e-3");
        let found = json_of(&run(folder.path(), &format!("{line} --json")));
        assert_eq!(found["points"].as_array().unwrap().len(), 500, "{line}");
    }
}

#[test]
fn the_picture_replaces_nothing_but_a_picture_and_nothing_else_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let svg = folder.join("rates.svg");
    for _ in 0..2 {
        let output = run(folder, "--steps 100 --hidden 10 --svg rates.svg");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert!(
            stderr.contains("next: mlp train --hidden 10 --data-dir"),
            "{stderr}"
        );
    }
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.contains("learning rate (log scale)") && picture.contains("try 0."));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);

    fs::write(&svg, "a letter").unwrap();
    let output = run(folder, "--steps 20 --hidden 10 --svg rates.svg");
    assert!(!output.status.success());
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
        ("--steps 3", 2, "3 is not in 10..=100000"),
        ("--svg no/such/folder.svg", 1, "no such folder"),
    ] {
        let output = run(folder.path(), line);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(stderr.contains(expected), "{line}: {stderr}");
    }
}
