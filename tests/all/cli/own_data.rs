//! Data sets other than MNIST, as a user trains on them.

use std::fs;

use serde_json::Value;

use crate::support::{
    own_data::{folder_of_quarters, idx, png, quarter, quarters, write},
    program::{command, json, json_lines, run, texts},
};

const TRAIN: &str = "train --quiet --hidden 12 --epochs 3";

/// What `mlp train --json` says at its start.
fn start_of(stdout: &str) -> Value {
    json_lines(stdout).remove(0)
}

#[test]
fn images_of_another_size_and_number_train_evaluate_and_explain() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let (stdout, _) = run(dir, "train --hidden 12 --epochs 3 --json --data-dir own", 0);
    let start = start_of(&stdout);
    assert_eq!(start["layers"], serde_json::json!([64, 12, 4]));
    assert_eq!(
        (&start["train_images"], &start["valid_images"]),
        (&500.into(), &100.into())
    );
    assert_eq!(start["test_images"], 120);

    let result = json(dir, "eval model.bin --json --data-dir own", 0);
    assert_eq!(result["images"], 120);
    assert!(result["accuracy"].as_f64().unwrap() > 0.95, "{result}");
    assert_eq!(result["confusion"].as_array().unwrap().len(), 4);

    for line in [
        "explain model.bin --data-dir own",
        "explain model.bin --data-dir own --svg net.svg --html page.html",
        "plot model.bin --data-dir own",
        "gradcheck --model model.bin --data-dir own",
        "export-batch model.bin --data-dir own",
        "compare model.bin model.bin --data-dir own",
        "lr-find --steps 20 --data-dir own --json",
    ] {
        let code = i32::from(line.starts_with("lr-find"));
        let output = command(dir, line).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{line}: {stderr}");
        let found = output.status.code().unwrap();
        assert!(found == 0 || found == code, "{line}: {found}\n{stderr}");
    }
}

#[test]
fn the_same_data_train_to_the_same_bytes_at_any_number_of_threads() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    for (out, threads) in [("a.bin", 1), ("b.bin", 3)] {
        let line = format!(
            "{TRAIN} --data-dir own --valid-random --class-weights balanced --threads {threads} --out {out}"
        );
        run(dir, &line, 0);
    }
    assert!(fs::read(dir.join("a.bin")).unwrap() == fs::read(dir.join("b.bin")).unwrap());
}

#[test]
fn a_run_on_other_data_is_resumed_to_the_same_bytes() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let flags = "--data-dir own --valid-random --valid 90";
    run(dir, &format!("{TRAIN} {flags} --out once.bin"), 0);
    run(
        dir,
        &format!("train --quiet --hidden 12 --epochs 1 {flags} --checkpoint kept --out two.bin"),
        0,
    );
    run(
        dir,
        "train --quiet --resume kept --epochs 3 --data-dir own",
        0,
    );
    assert!(fs::read(dir.join("once.bin")).unwrap() == fs::read(dir.join("two.bin")).unwrap());
}

#[test]
fn a_model_and_data_of_another_size_are_told_apart_in_words() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    run(dir, &format!("{TRAIN} --data-dir own"), 0);
    for line in ["eval model.bin", "explain model.bin", "plot model.bin"] {
        let (_, stderr) = run(dir, line, 1);
        assert!(
            stderr.contains("trained on images of 8x8 in 4 classes")
                && stderr.contains("28x28 in 10"),
            "{line}: {stderr}"
        );
    }
}

#[test]
fn without_a_test_set_one_is_held_back_on_request_and_never_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::create_dir(dir.join("own")).unwrap();
    let (images, labels) = quarters(400, 0);
    write(&dir.join("own"), "train-images.idx", &images);
    write(&dir.join("own"), "train-labels.idx", &labels);
    let (stdout, stderr) = run(dir, "train --json --hidden 8 --epochs 2 --data-dir own", 0);
    assert_eq!(start_of(&stdout)["test_images"], 0);
    assert!(stderr.contains("no test set"), "{stderr}");
    let (_, stderr) = run(dir, "eval model.bin --data-dir own", 1);
    assert!(stderr.contains("--hold-test"), "{stderr}");

    let line = "train --json --hidden 8 --epochs 2 --data-dir own --hold-test 100 --out held.bin";
    let (stdout, _) = run(dir, line, 0);
    let start = start_of(&stdout);
    let counts = ["train_images", "valid_images", "test_images"].map(|name| start[name].clone());
    assert_eq!(counts, [250, 50, 100].map(Value::from));
    let result = json(dir, "eval held.bin --json --data-dir own", 0);
    assert_eq!(result["images"], 100);
    // Another seed, the same test images.
    run(dir, &format!("{line} --seed 7 --force"), 0);
    assert_eq!(
        json(dir, "eval held.bin --json --data-dir own", 0)["images"],
        100
    );
}

#[test]
fn a_file_sorted_by_class_is_noticed_and_drawing_at_random_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::create_dir(dir.join("own")).unwrap();
    let images: Vec<u8> = (0..400).flat_map(|n| quarter(n / 100, n)).collect();
    let labels: Vec<u8> = (0..400).map(|n| (n / 100) as u8).collect();
    write(
        &dir.join("own"),
        "train-images",
        &idx(&[400, 8, 8], &images),
    );
    write(&dir.join("own"), "train-labels", &idx(&[400], &labels));
    let line = "train --hidden 8 --epochs 1 --data-dir own --valid 100";
    let (_, stderr) = run(dir, line, 0);
    assert!(
        stderr.contains("drawn at random") && stderr.contains("--valid-random"),
        "{stderr}"
    );
    let (_, stderr) = run(dir, &format!("{line} --valid-random --out b.bin"), 0);
    assert!(!stderr.contains("sorted by class"), "{stderr}");
    assert!(fs::read(dir.join("model.bin")).unwrap() == fs::read(dir.join("b.bin")).unwrap());
    // Sorted but for two images: noticed, and left to the user.
    let (mut labels, mut pixels) = (labels, images);
    labels.swap(0, 150);
    let (first, rest) = pixels.split_at_mut(150 * 64);
    first[..64].swap_with_slice(&mut rest[..64]);
    let own = dir.join("own");
    write(&own, "train-images", &idx(&[400, 8, 8], &pixels));
    write(&own, "train-labels", &idx(&[400], &labels));
    let (_, stderr) = run(dir, &format!("{line} --out c.bin"), 0);
    assert!(
        stderr.contains("sorted by class") && stderr.contains("--valid-random draws"),
        "{stderr}"
    );
}

#[test]
fn folders_of_pictures_give_their_names_to_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    for (part, count) in [("train", 30), ("test", 8)] {
        for (class, name) in ["cat", "dog", "eel", "fox"].into_iter().enumerate() {
            let place = dir.join("pets").join(part).join(name);
            fs::create_dir_all(&place).unwrap();
            for n in 0..count {
                let bytes = png(8, 8, &quarter(class, 100 * class + n + part.len()));
                fs::write(place.join(format!("{n}.png")), bytes).unwrap();
            }
        }
    }
    run(
        dir,
        "train --quiet --hidden 8 --epochs 8 --valid-random --data-dir pets",
        0,
    );
    let (stdout, _) = run(dir, "eval model.bin --data-dir pets", 0);
    assert!(stdout.contains("cat") && stdout.contains("fox"), "{stdout}");
    let picture = dir.join("pets/test/dog/3.png");
    let line = format!("predict model.bin {} --json", picture.display());
    let found = json(dir, &line, 0);
    assert_eq!(
        (&found["class"], &found["label"]),
        (&"dog".into(), &1.into())
    );
    let (stdout, _) = run(dir, "explain model.bin --data-dir pets", 0);
    assert!(stdout.contains("cat (class 0)"), "{stdout}");
    let report = json(dir, "data --json --data-dir pets", 0);
    assert_eq!(
        report["classes"],
        serde_json::json!(["cat", "dog", "eel", "fox"])
    );
}

#[test]
fn one_class_against_the_rest_is_measured_as_such() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let (_, stderr) = run(dir, "train --loss bce --data-dir own", 2);
    assert!(stderr.contains("--positive"), "{stderr}");
    let (_, stderr) = run(dir, "train --positive 9 --data-dir own", 2);
    assert!(stderr.contains("expected one of 0, 1, 2, 3"), "{stderr}");
    let (_, stderr) = run(dir, "train --positive 2 --loss mse --data-dir own", 2);
    assert!(
        stderr.contains("--positive goes with --loss bce"),
        "{stderr}"
    );

    let (stdout, _) = run(
        dir,
        "train --positive 2 --hidden 8 --epochs 4 --json --data-dir own",
        0,
    );
    let start = start_of(&stdout);
    assert_eq!(start["layers"], serde_json::json!([64, 8, 1]));
    assert_eq!(start["classes"], serde_json::json!(["not 2", "2"]));
    let result = json(dir, "eval model.bin --json --data-dir own", 0);
    let binary = &result["binary"];
    assert_eq!(binary["positive"], "2");
    assert_eq!(binary["always_no_accuracy"], 0.75);
    assert!(binary["recall"].as_f64().unwrap() > 0.9, "{result}");
    assert_eq!(result["confusion"].as_array().unwrap().len(), 2);
    let (stdout, _) = run(dir, "eval model.bin --data-dir own", 0);
    for words in ["always no", "precision", "recall", "ROC area", "not 2"] {
        assert!(stdout.contains(words), "{stdout}");
    }
    for line in [
        "explain model.bin --data-dir own",
        "gradcheck --model model.bin --data-dir own",
        "plot model.bin --data-dir own",
        "export-batch model.bin --data-dir own",
        "eval model.bin model.bin --data-dir own",
    ] {
        run(dir, line, 0);
    }
}

#[test]
fn what_another_program_keeps_is_named_with_the_line_that_converts_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::create_dir(dir.join("own")).unwrap();
    write(
        &dir.join("own"),
        "mnist.pkl",
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
    );
    let (_, stderr) = run(dir, "train --data-dir own", 1);
    assert!(
        stderr.contains("pickle") && stderr.contains("python"),
        "{stderr}"
    );
    assert!(!stderr.contains("delete"), "{stderr}");
    let (stdout, _) = run(dir, "data --data-dir own", 1);
    assert!(
        stdout.contains("pickle") && !stdout.contains("delete"),
        "{stdout}"
    );
}

#[test]
fn data_sets_have_names_and_a_place_in_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let cache = dir.join("cache/mlp/kmnist");
    fs::create_dir_all(&cache).unwrap();
    let (images, labels) = quarters(200, 0);
    write(&cache, "train-images-idx3-ubyte", &images);
    write(&cache, "train-labels-idx1-ubyte", &labels);
    let mut train = command(dir, &format!("{TRAIN} --data kmnist"));
    train
        .env("XDG_CACHE_HOME", dir.join("cache"))
        .env("HOME", dir);
    texts(&mut train, 0);
    let mut letters = command(dir, "train --data emnist-letters");
    letters
        .env("XDG_CACHE_HOME", dir.join("cache"))
        .env("HOME", dir);
    letters.env_remove("MLP_OFFLINE");
    let (_, stderr) = texts(&mut letters, 1);
    assert!(
        stderr.contains("gzip.zip") && stderr.contains("emnist-letters"),
        "{stderr}"
    );
    let (_, stderr) = run(dir, "train --data cifar", 2);
    assert!(stderr.contains("emnist-balanced"), "{stderr}");
}

#[test]
fn data_that_were_typed_are_taken_even_where_the_variable_says_the_same() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let other = dir.join("other");
    fs::create_dir(&other).unwrap();
    let (images, labels) = quarters(200, 9000);
    for part in ["train", "t10k"] {
        write(&other, &format!("{part}-images-idx3-ubyte"), &images);
        write(&other, &format!("{part}-labels-idx1-ubyte"), &labels);
    }
    let with_cache = |line: &str, variable: &str| {
        let mut command = command(dir, line);
        command.env("HOME", dir).env("MLP_DATA_DIR", variable);
        texts(&mut command, 0)
    };
    with_cache(&format!("{TRAIN} --data-dir own"), "none");
    let (_, stderr) = with_cache("eval model.bin", "other");
    assert!(stderr.contains("where it was trained"), "{stderr}");
    let (_, stderr) = with_cache("eval model.bin --data-dir other", "other");
    let found = "other data files than those in other";
    assert!(stderr.contains(found), "{stderr}");
    // A name says where they are, too, and what was typed is more than that.
    let (_, stderr) = with_cache("eval model.bin --data kmnist --data-dir other", "other");
    assert!(stderr.contains(found), "{stderr}");
    // A variable that says nothing is no excuse for a flag that says nothing.
    let mut nothing = command(dir, "eval model.bin");
    nothing.args(["--data-dir", ""]).env("MLP_DATA_DIR", "");
    let (_, stderr) = texts(&mut nothing, 2);
    assert!(stderr.contains("expected a folder or a file"), "{stderr}");
}
