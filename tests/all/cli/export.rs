//! `mlp export`, without the programs that its files are for: scripts/check_exports.py has them.

use std::{fs, path::Path};

use mlp::files::model;

use crate::support::program::{command, json, run, texts};

/// A model of a few images, in no time.
fn train(folder: &Path) {
    run(
        folder,
        "train --hidden 5 --valid 59900 --epochs 1 --quiet",
        0,
    );
}

#[test]
fn every_format_is_written_and_checked_and_only_an_older_one_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder);
    for (format, name) in [
        ("onnx", "model.onnx"),
        ("numpy", "model_numpy.py"),
        ("pytorch", "model_pytorch.py"),
        ("c", "model.c"),
        ("json", "model.json"),
    ] {
        let is_run = ["onnx", "json"].contains(&format);
        let line = format!("export model.bin --to {format}");
        let (text, stderr) = run(folder, &line, 0);
        assert!(text.contains(&format!("saved {name}")), "{text}");
        assert!(text.contains("all 3,985 parameters"), "{text}");
        assert_eq!(text.contains("10,000 classes as"), is_run, "{text}");
        assert!(stderr.contains("next: "), "{stderr}");
        let first = fs::read(folder.join(name)).unwrap();
        // Without data an older one is replaced by the same bytes, and not run.
        let mut again = command(folder, &format!("{line} --json"));
        let (text, stderr) = texts(again.env("MLP_DATA_DIR", folder.join("no-data")), 0);
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found["files"][0]["path"], name);
        assert!(found["compared"].is_null(), "{text}");
        assert_eq!(stderr.contains("not run on images: "), is_run, "{stderr}");
        assert_eq!(fs::read(folder.join(name)).unwrap(), first);
        // Anything else stays.
        fs::write(folder.join(name), "years of work").unwrap();
        let (_, stderr) = run(folder, &line, 1);
        assert!(stderr.contains("--force"), "{stderr}");
        assert_eq!(fs::read(folder.join(name)).unwrap(), b"years of work");
    }
}

#[test]
fn what_cannot_be_exported_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder);
    let model = fs::read(folder.join("model.bin")).unwrap();
    for (line, code, words) in [
        ("export model.bin", 2, "--to"),
        (
            "export model.bin --to tflite",
            2,
            "possible values: onnx, numpy, pytorch, c, json",
        ),
        (
            "export model.bin model.bin --to onnx",
            2,
            "holds one network",
        ),
        (
            "export model.bin --to c --out model.bin --force",
            1,
            "is the model itself",
        ),
        (
            "export model.bin --to c --out no/such/model.c",
            1,
            "no such folder",
        ),
        ("export other.bin --to c", 1, "no such file"),
        (
            "export model.bin --to numpy --out x.onnx",
            2,
            "--out x.onnx: the name of a file of --to onnx, expected one such as model_numpy.py",
        ),
        (
            "export model.bin --to c --out x.PY",
            2,
            "the name of a file of --to numpy or pytorch, expected one such as model.c",
        ),
        (
            "export model.bin --to onnx --out x.json",
            2,
            "expected one such as model.onnx",
        ),
        (
            "export model.bin --to c --activation relu",
            2,
            "says itself",
        ),
    ] {
        let (_, stderr) = run(folder, line, code);
        assert!(stderr.contains(words), "{line}: {stderr}");
    }
    assert_eq!(fs::read(folder.join("model.bin")).unwrap(), model);
    assert!(!folder.join("model.c").exists());
}

#[test]
fn the_largest_difference_is_told_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder);
    let found = json(folder, "export model.bin --to json --json", 0);
    let run = &found["compared"];
    assert_eq!(run["images"], 10_000);
    assert_eq!(run["same_classes"], 10_000);
    assert!(run["largest_difference"].as_f64().unwrap() < 1e-4, "{run}");
}

#[test]
fn outputs_that_are_not_finite_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder);
    let mut model = model::load::<f32>(&folder.join("model.bin")).unwrap();
    let values: Vec<_> = model
        .network
        .values()
        .map(|value| value.mapv(|_| 1e38))
        .collect();
    model.network.set_values(&values);
    fs::write(folder.join("huge.bin"), model::to_bytes(&model)).unwrap();
    for format in ["onnx", "json"] {
        let line = format!("export huge.bin --to {format}");
        let (stdout, stderr) = run(folder, &line, 1);
        assert!(
            stderr.contains("not finite for 10,000 of 10,000 images"),
            "{stderr}"
        );
        assert!(
            !stdout.contains("NaN") && !stdout.contains("run on"),
            "{stdout}"
        );
        let found = json(folder, &format!("{line} --json"), 1);
        let compared = &found["compared"];
        assert!(compared["largest_difference"].is_null(), "{found}");
        assert!(compared["largest_output"].is_null(), "{found}");
        assert_eq!(compared["not_finite"], 10_000);
    }
}
