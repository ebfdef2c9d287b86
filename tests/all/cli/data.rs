//! `mlp data` as a user runs it: exit codes, what goes where, and the mend of each fault.

use std::{fs, path::Path, process::Command};

use mlp::data::FileKind::{self, TestImages, TestLabels, TrainImages, TrainLabels};

use crate::support::{
    http_server::{Reply, serve},
    mnist_files::{black_images, header, labels, names_in, official_archive, official_dir},
    program::{self, command, texts},
};

/// `mlp data` in `dir`, which finds no data elsewhere and may download.
fn data(dir: &Path, flags: &str) -> Command {
    let mut command = command(dir, &format!("data {flags}"));
    command
        .env("MLP_DATA_DIR", "data")
        .env_remove("MLP_OFFLINE");
    command
}

/// Runs it and returns (stdout, stderr), after a look at the exit code.
#[track_caller]
fn run(dir: &Path, flags: &str, code: i32) -> (String, String) {
    texts(&mut data(dir, flags), code)
}

#[track_caller]
fn json(dir: &Path, code: i32) -> serde_json::Value {
    serde_json::from_str(&run(dir, "--json --data-dir .", code).0).unwrap()
}

/// Runs on `dir`, expects exit code 1, and that stdout names all of these.
#[track_caller]
fn assert_names(dir: &Path, expected: &[&str]) {
    let (stdout, _) = run(dir, "--data-dir .", 1);
    for text in expected {
        assert!(stdout.contains(text), "{stdout}\nlacks {text:?}");
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    fs::write(dir.join(name), bytes).unwrap();
}

#[test]
fn the_committed_files_are_official() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = data(elsewhere.path(), "");
    command.env("MLP_DATA_DIR", official_dir());
    let (stdout, _) = texts(&mut command, 0);
    assert_eq!(stdout.matches("  official\n").count(), 4, "{stdout}");
    assert!(stdout.contains("0x0803  60000x28x28"), "{stdout}");
    assert!(stdout.contains("train  5,923  6,742"), "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "no colours in a pipe");
    let widest = stdout
        .lines()
        .skip(1)
        .map(|line| line.chars().count())
        .max();
    assert!(widest <= Some(80), "{stdout}");
    assert!(
        names_in(elsewhere.path()).is_empty(),
        "a look changes nothing"
    );
}

#[test]
fn another_data_set_of_the_same_shape_is_usable_and_noted() {
    let folder = black_images();
    let (stdout, _) = run(folder.path(), "--data-dir .", 0);
    assert!(
        stdout.contains("not MNIST's official content: usable"),
        "{stdout}"
    );
    assert_eq!(names_in(folder.path()).len(), 4, "a look unpacks nothing");
}

#[test]
fn json_tells_programs_the_same() {
    let folder = black_images();
    let report = json(folder.path(), 0);
    assert_eq!(report["ok"], true);
    let labels = &report["files"][3];
    assert_eq!(labels["file"], "t10k-labels-idx1-ubyte");
    assert_eq!(
        (&labels["state"], &labels["form"]),
        (&"sound".into(), &"raw".into())
    );
    assert_eq!(
        (&labels["official"], &labels["bytes"]),
        (&false.into(), &10_008.into())
    );
    assert_eq!(labels["labels"], serde_json::json!(vec![1000; 10]));
    assert_eq!(report["files"][0]["rows"], 28);

    write(folder.path(), TrainLabels.name(), b"<html>");
    fs::remove_file(folder.path().join(TestImages.name())).unwrap();
    let report = json(folder.path(), 1);
    assert_eq!(report["ok"], false);
    assert_eq!(report["files"][1]["state"], "broken");
    assert!(
        report["files"][1]["fault"]
            .as_str()
            .unwrap()
            .contains("HTML")
    );
    assert!(
        report["files"][1]["mend"]
            .as_str()
            .unwrap()
            .contains("move it away")
    );
    assert_eq!(report["files"][2]["state"], "missing");
}

#[test]
fn every_broken_file_is_named_with_its_mend_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (images, label_file) = (header(TestImages, 10_000), labels(TestLabels));
    write(folder.path(), TrainImages.name(), &label_file);
    write(folder.path(), TrainLabels.name(), &[]);
    write(folder.path(), TestImages.name(), &images);
    write(
        folder.path(),
        "t10k-labels-idx1-ubyte.gz",
        b"<!DOCTYPE html>",
    );
    assert_names(
        folder.path(),
        &[
            "error: ./train-images-idx3-ubyte: magic 0x00000801 is a label file",
            "mend: were two files swapped?",
            "error: ./train-labels-idx1-ubyte: empty",
            "truncated at byte 16 of 7840016 (0 of 10000 images)",
            "t10k-labels-idx1-ubyte.gz: starts with an HTML",
            "mend: move it away and run `mlp data --download --data-dir .`",
        ],
    );
    let mirror = serve(|_| panic!("nothing is missing, nothing is asked for"));
    let download = format!("--data-dir . --download --mirror {mirror}");
    run(folder.path(), &download, 1);
    assert_eq!(
        fs::read(folder.path().join(TestImages.name())).unwrap(),
        images
    );
}

#[test]
fn counts_that_differ_between_images_and_labels_are_named() {
    let folder = black_images();
    let mut short = header(TestLabels, 9_999);
    short.resize(8 + 9_999, 0);
    write(folder.path(), TestLabels.name(), &short);
    let expected = "10000 images, but ./t10k-labels-idx1-ubyte has 9999 labels";
    assert_names(
        folder.path(),
        &[expected, "header counts 9999 labels, expected 10000"],
    );
}

#[test]
fn a_file_unpacked_by_the_browser_and_one_that_is_there_twice_are_noted() {
    let folder = black_images();
    let name = |kind: FileKind| folder.path().join(kind.name());
    fs::rename(
        name(TestLabels),
        folder.path().join("t10k-labels-idx1-ubyte.gz"),
    )
    .unwrap();
    fs::copy(
        name(TrainLabels),
        folder.path().join("train-labels.idx1-ubyte"),
    )
    .unwrap();
    let (stdout, _) = run(folder.path(), "--data-dir .", 0);
    assert!(
        stdout.contains("already unpacked despite its name"),
        "{stdout}"
    );
    assert!(
        stdout.contains("a second copy, not used: ./train-labels.idx1-ubyte"),
        "{stdout}"
    );
}

#[test]
fn a_download_fetches_what_is_missing_and_says_so_on_stderr() {
    let folder = black_images();
    fs::remove_file(folder.path().join(TestLabels.name())).unwrap();
    let bad = serve(|_| Reply::Page(403));
    let good = serve(|_| Reply::Body(official_archive(TestLabels)));
    let download = format!("--data-dir . --download --json --mirror {bad} --mirror {good}");
    let (stdout, stderr) = run(folder.path(), &download, 0);
    assert!(
        stderr.contains("downloading t10k-labels-idx1-ubyte.gz"),
        "{stderr}"
    );
    assert!(stderr.contains("HTTP status 403"), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["files"][3]["official"], true);
}

#[test]
fn a_download_that_fails_everywhere_exits_1_and_says_how_to_do_without() {
    let folder = tempfile::tempdir().unwrap();
    let mirror = serve(|_| Reply::Page(200));
    let (_, stderr) = run(folder.path(), &format!("--download --mirror {mirror}"), 1);
    assert!(stderr.contains("by hand"), "{stderr}");
    assert!(
        names_in(folder.path()).is_empty(),
        "not even the folder was made"
    );
}

#[test]
fn offline_is_off_when_its_variable_says_so() {
    let folder = black_images();
    for (value, code) in [("", 0), ("0", 0), ("1", 2)] {
        let mut command = data(folder.path(), "--data-dir . --download");
        texts(command.env("MLP_OFFLINE", value), code);
    }
}

#[test]
fn an_empty_folder_names_the_command_that_fills_it() {
    let folder = tempfile::tempdir().unwrap();
    let (stdout, _) = run(folder.path(), "", 1);
    assert!(stdout.contains("run `mlp data --download`"), "{stdout}");
}

#[test]
fn wrong_usage_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [
        "--no-such-flag",
        "--download --offline",
        "--mirror ftp://example.org/",
        "--mirror https://",
    ] {
        run(folder.path(), flags, 2);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_during_a_download_exits_130_and_leaves_no_file() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let folder = tempfile::tempdir().unwrap();
    let mirror = serve(|_| Reply::Stall);
    let mut child = data(folder.path(), &format!("--download --mirror {mirror}"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = stderr.next().unwrap().unwrap();
    assert!(first.contains("downloading"), "{first}");
    program::signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let last = stderr.last().unwrap().unwrap();
    assert!(
        last.contains("interrupted") && last.contains("mlp data --download"),
        "{last}"
    );
    assert!(names_in(folder.path()).is_empty());
}
