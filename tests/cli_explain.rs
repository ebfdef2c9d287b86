//! `mlp explain` as a user runs it.

use std::{path::Path, process::Output};

use assert_cmd::Command;
use serde_json::Value;

/// The program in an empty folder, with the real data.
fn mlp(folder: &Path, args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mlp"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env(
            "MLP_DATA_DIR",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("data"),
        )
        .env("MLP_OFFLINE", "1")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

#[test]
fn any_logits_are_explained_without_model_and_data() {
    let folder = tempfile::tempdir().unwrap();
    let args = "explain --logits 0.1,0,0,0.2,0.3,0,0,0.3,0,0.2 --target 4";
    let text = stdout(&mlp(folder.path(), args));
    // The lesson's own numbers: 0.12 of softmax, 2.1202 of loss.
    for expected in [
        "0.1200      2.1202    1.0000     -0.8800",
        "L = −ln p[4] = 2.1202",
        "L = Σ diff² / C = 0.0670",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let text = stdout(&mlp(
        folder.path(),
        "explain --logits -1,2.5 --target 0 --precision 2",
    ));
    assert!(text.contains("L = −ln p[0] = 3.53"), "{text}");
}

#[test]
fn every_network_and_loss_is_explained_from_the_digit_to_the_step() {
    let folder = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (
            "--hidden none",
            "0 Linear  y = x·w + b   (1, 784)·(784, 10) + (1, 10) = (1, 10)",
        ),
        ("--hidden 4,5,6,5,4 --seed 3", "10 Linear"),
        (
            "--hidden 4 --loss mse",
            "mse, digit target: 7 for every output",
        ),
        (
            "--hidden 4 --loss mse --target digit",
            "the one output shall be the digit itself, 7",
        ),
        ("--hidden 3000", "… 2990 more]"),
    ] {
        let text = stdout(&mlp(folder.path(), &format!("explain {args}")));
        for expected in [
            expected,
            "████",
            "backward",
            "w ← w − lr·dw",
            "dx is not needed",
        ] {
            assert!(text.contains(expected), "{args}, {expected}: {text}");
        }
    }
}

#[test]
fn a_trained_model_with_other_activations_dropout_and_smoothing_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let flags = "--activation tanh --dropout 0.2 --label-smoothing 0.1 --hidden 8,8 --epochs 1 --valid 55000";
    stdout(&mlp(folder.path(), &format!("train {flags}")));
    let text = stdout(&mlp(
        folder.path(),
        "explain model.bin --split valid --index 3",
    ));
    for expected in [
        "validation image 3",
        "dropout is off",
        "dx = dy·(1 − y²)",
        "smoothed by 0.1",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn the_numbers_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let output = mlp(
        folder.path(),
        "explain --hidden 6 --seed 2 --index 5 --unit 0:3 --json",
    );
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let unit = &all["units"][0];
    let products = unit["terms"].as_array().unwrap().iter().map(|term| {
        let (x, w, product) = (&term["x"], &term["w"], &term["product"]);
        assert_eq!(
            x.as_f64().unwrap() * w.as_f64().unwrap(),
            product.as_f64().unwrap()
        );
        product.as_f64().unwrap()
    });
    let sum = products.sum::<f64>() + unit["bias"].as_f64().unwrap();
    let y = numbers(&all["modules"][0]["y"]);
    assert!((sum - y[3]).abs() < 1e-12);
    // softmax − one-hot comes back as dy of the last module, and its db.
    let (p, dz) = (
        numbers(&all["predictions"]),
        numbers(&all["modules"][2]["dy"]),
    );
    let target = usize::try_from(all["target"].as_u64().unwrap()).unwrap();
    for c in 0..10 {
        assert!((p[c] - f64::from(u8::from(c == target)) - dz[c]).abs() < 1e-12);
    }
    assert_eq!(numbers(&all["modules"][2]["gradients"]["bias"][0]), dz);
    assert!((all["loss"].as_f64().unwrap() + p[target].ln()).abs() < 1e-12);
    assert!(all["step"]["loss_after"].as_f64().unwrap() < all["loss"].as_f64().unwrap());
}

#[test]
fn what_cannot_be_explained_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (args, code, expected) in [
        ("--index 10000", 1, "10000 test images, counted from 0"),
        ("--unit 9:1", 1, "no such unit"),
        ("--unit 1", 2, "MODULE:UNIT"),
        ("--logits 1,2 --target 2", 2, "0 to 1"),
        ("--logits 1,inf --target 0", 2, "finite"),
        ("--logits 1,2", 2, "--target"),
        ("--target 5", 2, "a class goes with --logits"),
        ("nowhere.bin", 1, "train a model first"),
        ("--split valid", 1, "none are left to validate on"),
    ] {
        let output = mlp(folder.path(), &format!("explain {args}"));
        assert_eq!(output.status.code(), Some(code), "{args}: {output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
}

#[test]
fn a_page_is_written_that_overwrites_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let explain = |args: &str| mlp(folder.path(), &format!("explain --html page.html {args}"));
    for args in [
        "",
        "--hidden none --index 3",
        "--loss mse --target digit",
        "--hidden 6,5 --lr 0.5 --precision 6",
    ] {
        let text = stdout(&explain(args));
        assert!(text.starts_with("saved page.html ("), "{text}");
        let html = std::fs::read_to_string(&page).unwrap();
        assert!(html.starts_with(mlp::page::BEGINNING) && html.trim_end().ends_with("</html>"));
        assert!(
            !html.contains("http:") && !html.contains("https:"),
            "{args}"
        );
        assert!(!html.contains("{{"), "{args}: every place is filled");
    }
    std::fs::write(&page, "a letter").unwrap();
    let refused = explain("");
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("not overwritten") && stderr.contains("--force"),
        "{stderr}"
    );
    assert_eq!(std::fs::read(&page).unwrap(), b"a letter");
    stdout(&explain("--force"));
    assert!(
        std::fs::read(&page)
            .unwrap()
            .starts_with(mlp::page::BEGINNING.as_bytes())
    );
}

#[test]
fn a_page_of_the_lessons_network_is_small_and_one_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    stdout(&mlp(folder.path(), "explain --hidden 50 --html page.html"));
    let bytes = std::fs::metadata(folder.path().join("page.html"))
        .unwrap()
        .len();
    assert!(bytes < 400_000, "{bytes} bytes");
    for (args, code, expected) in [
        (
            "--hidden 7000,7000 --html large.html",
            1,
            "expected at most 50,000,000",
        ),
        ("--html nowhere/page.html", 1, "could not be saved"),
        ("--html . --force", 1, "something else"),
        ("--html page.html --json", 2, "cannot be used with"),
        ("--force", 2, "--html"),
    ] {
        let output = mlp(folder.path(), &format!("explain {args}"));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args}: {stderr}");
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
    assert!(!folder.path().join("large.html").exists());
}
