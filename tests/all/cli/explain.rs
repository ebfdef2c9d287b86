//! `mlp explain` as a user runs it.

use std::path::Path;

use mlp::{
    data::{Spec, batch::Preprocessing},
    explain::{Numbers, shown},
    files::model::{Metadata, Model, save},
    loss::LossKind,
    nn::{Architecture, Mlp},
    rng::{Purpose, generator},
    train::Settings,
};
use serde_json::Value;

use crate::support::program::{json, run};

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
    let (text, _) = run(folder.path(), args, 0);
    // The lesson's own numbers: 0.12 of softmax, 2.1202 of loss.
    for expected in [
        "0.1200      2.1202    1.0000     -0.8800",
        "L = −ln p[4] = 2.1202",
        "L = Σ (z − t)² / C = 0.06700 with one-hot targets, 15.1470 with digit targets",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let (text, _) = run(
        folder.path(),
        "explain --logits -1,2.5 --target 0 --precision 2",
        0,
    );
    assert!(text.contains("L = −ln p[0] = 3.53"), "{text}");
    // Any number of classes, and probabilities too small for a number.
    let many = "explain --logits 1000,1,2,3,4,5,6,7,8,9,10,-1000 --target 11";
    let (text, _) = run(folder.path(), many, 0);
    assert!(text.contains("2000.0000    1.0000     -1.0000"), "{text}");
    assert!(!text.contains("-0.0000 "), "{text}");
}

#[test]
fn the_plain_powers_of_e_stand_beside_the_shifted_ones() {
    let folder = tempfile::tempdir().unwrap();
    let explained = |logits: &str| {
        let args = format!("explain --logits {logits} --target 1");
        let (text, _) = run(folder.path(), &args, 0);
        (text, json(folder.path(), &format!("{args} --json"), 0))
    };
    let (text, all) = explained("0.1,0,0,0.2,0.3,0,0,0.3,0,0.2");
    for expected in [
        "e^z     z − max e^(z − max)   softmax p",
        "    0      0.1000      1.1052     -0.2000      0.8187",
        "sum                   11.2477                  8.3325      1.0000",
        "p[1] = e^z / Σ e^z                 = 1.0000 / 11.2477 = 0.08891",
        "     = e^(z − max) / Σ e^(z − max) = 0.74082 / 8.33250 = 0.08891, the same: e^max divides out",
        "−ln p is never below 0",
        "mlp train --hidden 20 --epochs 1 --loss mse --target digit",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let sums = ["sum_exp_z", "sum_exp_z_minus_max"].map(|name| all[name].as_f64());
    let powers = ["exp_z", "exp_z_minus_max"].map(|name| numbers(&all[name]));
    for (powers, sum) in powers.iter().zip(sums) {
        assert!((powers.iter().sum::<f64>() - sum.unwrap()).abs() < 1e-12);
        let p = numbers(&all["judged"]["predictions"])[1];
        assert!((powers[1] / sum.unwrap() - p).abs() < 1e-12);
    }
    // A power that is large, one that is infinite, a sum that is, and one that is 0.
    let (text, _) = explained("50,49");
    assert!(text.contains("= 1.9073e21 / 7.0921e21 = 0.2689"), "{text}");
    for logits in ["1000,-1000", "709.5,709.5"] {
        let (text, all) = explained(logits);
        let sum = text.lines().find(|line| line.starts_with("sum")).unwrap();
        assert!(sum.contains(" inf "), "{text}");
        let expected = "cannot be had: the sum is too large for double precision";
        assert!(text.contains(expected), "{text}");
        assert!(all["sum_exp_z"].is_null(), "{all}");
        assert!(all["sum_exp_z_minus_max"].is_number(), "{all}");
    }
    let (text, _) = explained("-1000,-1001");
    let expected = "cannot be had: the sum is too small for double precision";
    assert!(text.contains(expected), "{text}");
}

/// The numbers at the beginning of the lines of a sum, and what they sum up to.
fn sum(lines: &str) -> (f64, f64) {
    let mut sum = 0.0;
    for line in lines.lines() {
        let (left, _) = line.split_once("  =").unwrap_or((line, ""));
        let words: Vec<_> = left.split_whitespace().collect();
        let (sign, number) = match words[..] {
            ["+", number, ..] | [number, ..] if number != "=" => ('+', number),
            _ => ('=', line.split_whitespace().nth(1).unwrap()),
        };
        let number: f64 = number.parse().unwrap();
        if sign == '=' {
            return (sum, number);
        }
        sum += number;
    }
    panic!("no result: {lines}");
}

#[test]
fn what_is_shown_of_a_unit_sums_up_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    let mut rounded = 0;
    for precision in [2, 3, 4, 9] {
        for unit in ["0:0", "0:3", "2:1", "2:7"] {
            let args = format!("explain --hidden 8 --seed 3 --unit {unit} --precision {precision}");
            let (text, _) = run(folder.path(), &args, 0);
            let (_, lines) = text.split_once("Σ x[p]·w[p]").unwrap();
            let (_, lines) = lines.split_once('\n').unwrap();
            let (sum, result) = sum(lines);
            assert!((sum - result).abs() < 1e-12, "{args}: {sum} {text}");
            rounded += usize::from(text.contains("from rounding"));
            let unit = unit.split_once(':').unwrap().1;
            assert!(
                text.contains(&format!("the largest of unit {unit}: dw[")),
                "{text}"
            );
        }
    }
    assert!(rounded > 0, "rounding never shows");
    let (text, _) = run(folder.path(), "explain --hidden 8 --unit 1:2", 0);
    assert!(text.contains("unit 2, x[2] = "), "{text}");
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
            "right with digit targets: 7 for every output",
        ),
        (
            "--hidden 4 --loss mse --target digit",
            "the one output shall be the digit itself, 7",
        ),
        ("--hidden 3000", "… 2990 more]"),
    ] {
        let (text, _) = run(folder.path(), &format!("explain {args}"), 0);
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
    run(folder.path(), &format!("train {flags}"), 0);
    let (text, _) = run(
        folder.path(),
        "explain model.bin --split valid --index 3",
        0,
    );
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
    let line = "explain --hidden 6 --seed 2 --index 5 --unit 0:3 --json";
    let all = json(folder.path(), line, 0);
    let unit = &all["followed"][0];
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
        ("nowhere.bin --activation tanh", 1, "train a model first"),
        ("--target onehot", 2, "goes with --loss mse"),
        ("--activation gelatine", 2, "possible values"),
        ("nowhere.bin --target 4", 2, "a model has its own"),
        ("--logits 1,2 --target 0 --lr 3", 2, "--lr"),
        ("--split valid", 1, "none are left to validate on"),
    ] {
        let (_, stderr) = run(folder.path(), &format!("explain {args}"), code);
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
}

#[test]
fn a_network_before_training_has_the_flags_that_others_have() {
    let folder = tempfile::tempdir().unwrap();
    let line = "explain --hidden 6,5 --activation tanh --dropout 0.5 --label-smoothing 0.1";
    let (text, _) = run(folder.path(), line, 0);
    for part in ["Tanh", "dropout is off", "the labels smoothed by 0.1"] {
        assert!(text.contains(part), "{text}\nlacks {part}");
    }
}

#[test]
fn the_network_is_drawn_into_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.svg");
    let line = "explain --hidden 4 --svg net.svg --unit 0:2 --precision 6";
    let (text, _) = run(folder.path(), line, 0);
    let svg = std::fs::read_to_string(&path).unwrap();
    let loss = text.lines().find_map(|l| l.strip_prefix("L = −ln p[7] = "));
    let loss = loss.unwrap().split(';').next().unwrap();
    assert!(svg.contains(&format!("L = −ln p[7] = {loss}<")), "{loss}");
    assert!(svg.contains("w₁, unit 2") && svg.ends_with("</svg>\n"));

    // An older drawing gives way, another file does not, and stdout is for programs.
    let line = "explain --hidden 5 --svg net.svg --json";
    json(folder.path(), line, 0);
    let newer = std::fs::read_to_string(&path).unwrap();
    assert!(newer.contains("784-5-10"));
    std::fs::write(&path, "<svg>mine</svg>").unwrap();
    for (args, code, expected) in [
        ("--svg net.svg", 1, "not a drawing of mlp"),
        ("--svg .", 1, "a folder"),
        ("--svg no/where/net.svg", 1, "no such folder"),
        ("--force", 2, "--svg"),
    ] {
        let (_, stderr) = run(folder.path(), &format!("explain {args}"), code);
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"<svg>mine</svg>");
    run(folder.path(), "explain --svg net.svg --force", 0);
    assert!(std::fs::read_to_string(&path).unwrap().contains("784-4-10"));
}

#[test]
fn a_page_is_written_that_overwrites_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let explain = |args: &str, code| {
        let line = format!("explain --html page.html {args}");
        run(folder.path(), &line, code)
    };
    for args in [
        "",
        "--hidden none --index 3",
        "--loss mse --target digit",
        "--hidden 6,5 --lr 0.5 --precision 6",
    ] {
        let (text, _) = explain(args, 0);
        assert!(text.starts_with("saved page.html ("), "{text}");
        let html = std::fs::read_to_string(&page).unwrap();
        assert!(
            html.starts_with(mlp::picture::page::BEGINNING) && html.trim_end().ends_with("</html>")
        );
        assert!(
            !html.contains("http:") && !html.contains("https:"),
            "{args}"
        );
        assert!(!html.contains("{{"), "{args}: every place is filled");
    }
    std::fs::write(&page, "a letter").unwrap();
    let (_, stderr) = explain("", 1);
    assert!(
        stderr.contains("not a page of mlp explain") && stderr.contains("--force"),
        "{stderr}"
    );
    assert_eq!(std::fs::read(&page).unwrap(), b"a letter");
    explain("--force", 0);
    assert!(
        std::fs::read(&page)
            .unwrap()
            .starts_with(mlp::picture::page::BEGINNING.as_bytes())
    );
}

#[test]
fn a_page_of_the_lessons_network_is_small_and_one_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "explain --hidden 50 --html page.html", 0);
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
        ("--html no/where/page.html", 1, "no such folder"),
        ("--html . --force", 1, "a folder"),
        ("--html page.html --json", 2, "cannot be used with"),
        ("--force", 2, "--html"),
    ] {
        let (_, stderr) = run(folder.path(), &format!("explain {args}"), code);
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
    assert!(!folder.path().join("large.html").exists());
}

/// A model of 8x8 images with names, `model.bin`, and a picture of a bar, `bar.pgm`.
fn named_model(folder: &Path, classes: &[&str]) {
    let classes: Vec<_> = classes.iter().map(|&name| name.to_owned()).collect();
    let layers = [64, 5, classes.len()];
    let network = Mlp::kaiming(&layers, &mut generator(1, Purpose::Init));
    let architecture = Architecture::relu(&layers);
    let (kind, settings) = (LossKind::Ce, Settings::default());
    let metadata = Metadata {
        images: Spec {
            rows: 8,
            cols: 8,
            classes,
        },
        ..Metadata::new(architecture, kind, Preprocessing::UNIT, settings)
    };
    save(&folder.join("model.bin"), &Model { network, metadata }).unwrap();
    let mut picture = b"P5 40 60 255\n".to_vec();
    let bar = |p: usize| (15..25).contains(&(p % 40)) && (10..50).contains(&(p / 40));
    picture.extend((0..40 * 60).map(|p| if bar(p) { 20 } else { 240 }));
    std::fs::write(folder.join("bar.pgm"), picture).unwrap();
}

#[test]
fn images_of_another_size_and_classes_with_names_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "<script>alert(1)</script>";
    named_model(folder.path(), &["Coat", hostile, "Ankle boot"]);
    let line = "explain model.bin --image bar.pgm --target 2";
    let (text, _) = run(folder.path(), line, 0);
    for part in [
        "bar.pgm, Ankle boot (class 2)",
        "target 2 (Ankle boot)",
        "\n        Ankle boot ",
        "\n              Coat ",
        "\n<script>alert(1)<… ",
        "row p / 8, column p mod 8",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let files = "--html page.html --svg net.svg";
    run(folder.path(), &format!("{line} {files}"), 0);
    let html = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(!html.contains(hostile) && html.contains("\\u003cscript>alert(1)"));
    assert_eq!(html.matches("</script>").count(), 2);
    let (_, data) = html.split_once(r#"id="data">"#).unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!((&data["rows"], &data["cols"]), (&8.into(), &8.into()));
    assert_eq!(data["classes"][2], "Ankle boot");
    assert_eq!(data["label"], 2);
    let svg = std::fs::read_to_string(folder.path().join("net.svg")).unwrap();
    assert!(!svg.contains("<script") && svg.contains("&lt;script"));
    assert!(svg.contains("target Ankle boot, read as ") && svg.contains(">Coat</text>"));
}

#[test]
fn a_page_of_two_classes_has_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let line = "explain --hidden 3 --loss bce --html page.html";
    run(folder.path(), line, 0);
    let html = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(html.contains(r#""classes":["not 5","5"]"#));
}

/// The list of lists at a place of the answer.
fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

#[test]
fn several_images_are_the_rows_of_x_and_gradients_are_sums_over_them() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [
        "--hidden 4",
        "--hidden 5,3 --activation none --loss mse",
        "--hidden none --loss mse --target digit",
        "--hidden 4 --loss bce --activation tanh",
        "--hidden 4 --label-smoothing 0.1 --dropout 0.2,0.5",
    ] {
        let line = format!("explain --images 0..3 {flags}");
        let (text, _) = run(folder.path(), &line, 0);
        for expected in [
            "(3, 784)·(784, ",
            "  X[2]  test image 2  t = ",
            "dw = xᵀ·dy   (784, 3)·(3, ",
            "a sum over 3 images",
            "] = dy[0][",
            "L = Σₙ L[n] / N = (",
            ") / 3 = ",
            "every weight and bias at once",
        ] {
            assert!(text.contains(expected), "{flags}: {expected}: {text}");
        }
        // What is written out sums up to the last digit that is shown.
        let begins = |line: &str| line.starts_with("  dw[") || line.starts_with("  db[");
        let lines: Vec<_> = text.lines().collect();
        let sums = lines.windows(5).filter(|lines| {
            begins(lines[0]) && lines[1].contains("  = ") && lines[4].starts_with("  = ")
        });
        let mut count = 0;
        for lines in sums {
            let number = |line: &str| line[4..].split_whitespace().next().unwrap().to_owned();
            let terms: f64 = lines[1..4].iter().map(|l| shown(&number(l))).sum();
            assert_eq!(
                Numbers(4).text(terms),
                number(lines[4]),
                "{flags}: {lines:?}"
            );
            for line in &lines[1..4] {
                if let Some((_, product)) = line.rsplit_once(" = ")
                    && let Some((x, dy)) = product.split_once(" · ")
                {
                    let (found, digits) = (number(line), shown(&number(line)).abs());
                    let error = (shown(x) * shown(dy) - shown(&found)).abs();
                    assert!(error <= 1e-3 * digits.max(1e-3), "{flags}: {line}");
                }
            }
            count += 1;
        }
        assert!(count >= 2, "{flags}: {text}");
        let all = json(folder.path(), &format!("{line} --json"), 0);
        let images = all["batch"].as_array().unwrap();
        let losses = images.iter().map(|image| image["loss"].as_f64().unwrap());
        assert!((losses.sum::<f64>() / 3.0 - all["loss"].as_f64().unwrap()).abs() < 1e-12);
        assert_eq!(images[1]["index"], 1);
        for module in all["modules"].as_array().unwrap() {
            let (x, dy) = (matrix(&module["x"]), matrix(&module["dy"]));
            assert_eq!((x.len(), dy.len()), (3, 3));
            if module["name"] != "Linear" {
                continue;
            }
            let (dw, db) = (&module["gradients"]["weight"], &module["gradients"]["bias"]);
            let (dw, db) = (matrix(dw), matrix(db));
            for u in 0..dy[0].len() {
                let sum: f64 = (0..3).map(|n| dy[n][u]).sum();
                assert!((sum - db[0][u]).abs() < 1e-12, "{flags}");
                let p = x[0].len() / 2;
                let sum: f64 = (0..3).map(|n| x[n][p] * dy[n][u]).sum();
                assert!((sum - dw[p][u]).abs() < 1e-12, "{flags}");
            }
        }
        assert!(all["step"]["loss_after_all"].is_number());
    }
}

#[test]
fn images_are_picked_by_ranges_lists_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let indices = |which: &str| {
        let line = format!("explain --hidden 2 --json --split train --images {which}");
        let all = json(folder.path(), &line, 0);
        let images = all["batch"].as_array().unwrap().clone();
        let index = |image: &Value| image["index"].as_u64().unwrap();
        images.iter().map(index).collect::<Vec<_>>()
    };
    assert_eq!(indices("0..=2"), [0, 1, 2]);
    assert_eq!(indices("4,7,9"), [4, 7, 9]);
    assert_eq!(indices("5"), [5]);
    // A followed unit has its own sums, and a model its classes.
    let (text, _) = run(folder.path(), "explain --images 0..16 --unit 0:1", 0);
    assert!(
        text.contains("dw[") && text.contains("  db[1] = Σₙ dy[n][1]"),
        "{text}"
    );
    assert!(text.contains("  unit 1, y[n][1] = ["), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() < 130),
        "{text}"
    );
    for (rest, code, expected) in [
        ("--images 0..17", 2, "expected at most 16"),
        ("--images 3..3", 2, "no image"),
        ("--images some", 2, "expected images such as 0..3"),
        ("--images 0..2 --index 1", 2, "cannot be used with"),
        (
            "--images 0..2 --logits 1,2 --target 0",
            2,
            "cannot be used with",
        ),
        (
            "m.bin --images 0..2 --image x.png",
            2,
            "cannot be used with",
        ),
        ("--images 0..2 --svg a.svg", 2, "show one image (--index)"),
        ("--images 0..2 --html a.html", 2, "show one image (--index)"),
        (
            "--images 9999..=10000",
            1,
            "there are 10000 test images, counted from 0",
        ),
        ("--images 0..2 --unit 9:0", 1, "no such unit"),
    ] {
        let (_, said) = run(folder.path(), &format!("explain {rest}"), code);
        assert!(said.contains(expected), "{rest}: {said}");
    }
}

#[test]
fn without_an_activation_several_layers_are_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    for (flags, expected) in [
        (
            "--hidden 4 --activation none",
            "w = w1·w2   (784, 4)·(4, 10) = (784, 10)",
        ),
        (
            "--hidden 4,3 --activation linear --images 0..2",
            "b = (b1·w2 + b2)·w3 + b3",
        ),
        (
            "--hidden 5,4,3 --activation identity",
            "w = w1·w2·…·w4   (784, 5)·(5, 4)·…·(3, 10) = (784, 10)",
        ),
    ] {
        let (text, _) = run(folder.path(), &format!("explain {flags}"), 0);
        assert!(
            text.contains("layers are one: without an activation"),
            "{text}"
        );
        assert!(text.contains(expected), "{text}");
    }
    for flags in ["--hidden 4", "--hidden none --activation none"] {
        let (text, _) = run(folder.path(), &format!("explain {flags}"), 0);
        assert!(!text.contains("layers are one"), "{text}");
    }
}

#[test]
fn the_head_says_what_the_network_answers_and_whether_it_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut verdicts = std::collections::BTreeSet::new();
    for index in 0..8 {
        let line = format!("explain --hidden 4 --index {index}");
        let (stdout, _) = run(folder.path(), &line, 0);
        let head = stdout.lines().next().unwrap();
        let (_, said) = head.split_once(&format!("test image {index}, ")).unwrap();
        let (answer, verdict) = said.rsplit_once(": ").unwrap();
        let (is, taken) = answer.split_once(", taken for ").unwrap();
        assert_eq!(
            verdict,
            if is == taken { "right" } else { "wrong" },
            "{head}"
        );
        verdicts.insert(verdict.to_owned());
    }
    assert!(verdicts.contains("wrong"), "{verdicts:?}");
}
