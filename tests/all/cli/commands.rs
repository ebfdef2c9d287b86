//! `mlp train`, `eval` and `gradcheck` as a user runs them: exit codes, what goes where, and what is left on the disk.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::{
    mnist_files::{black_images, names_in, official_dir},
    own_data::folder_of_quarters,
    program::{self, command, json, json_lines, run, start, texts},
};

/// A run that is over in a moment: 2,000 images, one epoch.
const SHORT: &str = "train --hidden 8 --epochs 1 --valid 58000";

/// A folder with a model.bin.
fn trained() -> TempDir {
    let folder = tempdir().unwrap();
    run(folder.path(), SHORT, 0);
    folder
}

#[test]
fn what_train_saves_eval_measures_and_gradcheck_confirms() {
    let folder = tempdir().unwrap();
    let dir = folder.path();
    for (flags, outputs) in [
        ("--loss ce", 10),
        ("--loss mse --target onehot", 10),
        ("--loss mse --target digit", 1),
    ] {
        let line = format!("{SHORT} {flags} --json --seed 3");
        let (stdout, stderr) = run(dir, &line, 0);
        let lines = json_lines(&stdout);
        let events: Vec<_> = lines.iter().map(|line| &line["event"]).collect();
        assert_eq!(events, ["start", "epoch", "saved"], "{stdout}");
        assert_eq!(lines[0]["layers"], serde_json::json!([784, 8, outputs]));
        assert_eq!(lines[0]["train_images"], 2000);
        // A longer step kills every unit of a network that regresses on the digit.
        let rate = lines[0]["training"]["learning_rate"].as_f64().unwrap();
        assert!((rate - if outputs == 1 { 0.01 } else { 0.1 }).abs() < 1e-6);
        assert_eq!(
            lines[2]["bytes"],
            dir.join("model.bin").metadata().unwrap().len()
        );
        assert!(!stderr.contains("next:"), "{stderr}");

        let (stdout, stderr) = run(dir, "eval model.bin --json", 0);
        let result = &json_lines(&stdout)[0];
        assert_eq!(stderr, "");
        assert_eq!(result["images"], 10_000);
        let accuracy = result["accuracy"].as_f64().unwrap();
        assert_eq!(accuracy, result["correct"].as_f64().unwrap() / 10_000.0);
        let confusion = |t: usize, p: usize| result["confusion"][t][p].as_u64().unwrap();
        let diagonal: u64 = (0..10).map(|class| confusion(class, class)).sum();
        assert_eq!(result["correct"], diagonal);
        assert_eq!((0..10).map(|p| confusion(7, p)).sum::<u64>(), 1_028);

        // The table says the same as the JSON.
        let (table, _) = run(dir, "eval model.bin", 0);
        assert!(
            table.contains(&format!("{:.2} %", 100.0 * accuracy)),
            "{table}"
        );
        assert!(
            table.lines().all(|line| line.chars().count() <= 80),
            "{table}"
        );

        let check = json(dir, "gradcheck --model model.bin --samples 20 --json", 0);
        assert_eq!(check["passed"], true, "{check}");
        assert_eq!(
            check["groups"][0]["tensors"][2]["shape"],
            serde_json::json!([8, outputs])
        );
    }
}

#[test]
fn the_number_of_threads_and_a_second_run_change_no_byte_of_the_model() {
    let folder = tempdir().unwrap();
    let dir = folder.path();
    let train = |threads: u32| {
        let line =
            format!("train --hidden 20,12 --epochs 1 --valid 50000 --threads {threads} --json");
        let (stdout, _) = run(dir, &line, 0);
        let epoch = json_lines(&stdout).swap_remove(1);
        let numbers = ["train_loss", "valid_loss", "valid_accuracy"].map(|key| epoch[key].clone());
        (fs::read(dir.join("model.bin")).unwrap(), numbers)
    };
    let one = train(1);
    for threads in [1, 2, 3, 4, 7] {
        assert!(train(threads) == one, "{threads} threads");
    }
}

/// What the variable MLP_INSTRUCTIONS may say on this machine.
fn instructions(dir: &Path) -> Vec<String> {
    let mut wrong = command(dir, SHORT);
    let (stdout, stderr) = texts(wrong.env("MLP_INSTRUCTIONS", "avx1024"), 2);
    assert_eq!(stdout, "");
    let start = "MLP_INSTRUCTIONS: no instructions \"avx1024\" here, expected one of: ";
    let (_, rest) = stderr.split_once(start).expect(&stderr);
    let (names, _) = rest
        .split_once("; unset it for the fastest")
        .expect(&stderr);
    names.split(", ").map(String::from).collect()
}

#[test]
fn every_instruction_set_of_this_machine_trains_to_the_same_bytes() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let names = instructions(dir);
    assert_eq!(names.last().unwrap(), "portable");
    for flags in [
        "--hidden 20,12 --augment ciresan2010 --momentum 0.9 --nesterov --weight-decay 1e-4",
        "--hidden 33 --activation gelu --dropout 0.2 --label-smoothing 0.1 --deslant \
         --schedule cosine --init xavier-normal --batch-size 37",
        "--hidden 17 --activation tanh --loss mse --target digit --schedule exponential",
        "--hidden 21 --optimizer adamw --weight-decay 0.01 --beta2 0.99 --clip-norm 1 --max-norm 2",
    ] {
        let line = format!("train --epochs 2 --data-dir own {flags}");
        let model = |name: &str| {
            run_with(dir, &line, name);
            fs::read(dir.join("model.bin")).unwrap()
        };
        // An empty variable is none.
        let widest = model("");
        for name in &names {
            assert!(model(name) == widest, "{name}: {line}");
        }
    }
}

fn run_with(dir: &Path, line: &str, instructions: &str) {
    let mut command = command(dir, line);
    texts(command.env("MLP_INSTRUCTIONS", instructions), 0);
}

#[test]
fn batches_of_one_and_of_all_train() {
    let folder = tempdir().unwrap();
    let line = "train --hidden none --epochs 1 --valid 59900 --lr 0.01 --json --batch-size";
    run(folder.path(), &format!("{line} 1"), 0);
    let (stdout, stderr) = run(folder.path(), &format!("{line} 4000000000"), 0);
    assert!(stderr.contains("more than the 100 images"), "{stderr}");
    assert_eq!(json_lines(&stdout)[0]["training"]["batch_size"], 100);
}

#[test]
fn no_validation_images_leave_their_columns_empty() {
    let folder = tempdir().unwrap();
    let line = "train --hidden none --epochs 1 --valid 0 --batch-size 6000";
    let (stdout, _) = run(folder.path(), line, 0);
    assert!(stdout.contains("–          –"), "{stdout}");
    let (stdout, _) = run(folder.path(), &format!("{line} --json"), 0);
    assert_eq!(json_lines(&stdout)[1]["valid_loss"], Value::Null);
    let (_, stderr) = run(folder.path(), "eval model.bin --split valid", 1);
    assert!(stderr.contains("trained on all images"), "{stderr}");
}

#[test]
fn train_first_says_what_it_trains_on_what_and_how() {
    let folder = tempdir().unwrap();
    let line = "train --hidden 20,12 --epochs 1 --valid 50000 --threads 1 --seed 7";
    let (stdout, _) = run(folder.path(), line, 0);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let flat = words(&stdout);
    for text in [
        "official MNIST from /",
        ": 10,000 images to train on, 50,000 to validate network",
        "784-20-12-10, ReLU, cross-entropy: 16,082 parameters",
        "784 → 20  weight (784, 20)  bias (1, 20)",
        "20 → 12  weight (20, 12)  bias (1, 12)",
        "1 epoch, batches of 16, lr 0.1, seed 7, 1 thread saved as model.bin epoch",
    ] {
        assert!(flat.contains(&words(text)), "{stdout}\nlacks {text:?}");
    }
    // A file keeps its lines whole; on a terminal they end between words, see cli::terminal::wrap.
    let named = stdout.lines().filter(|line| !line.starts_with(' '));
    assert_eq!(
        named.take_while(|line| !line.is_empty()).count(),
        4,
        "{stdout}"
    );

    let (stdout, _) = run(folder.path(), &format!("{line} --json"), 0);
    let lines = json_lines(&stdout);
    assert_eq!(lines[0]["official"], true);
    let (seconds, rate) = (&lines[1]["seconds"], &lines[1]["images_per_second"]);
    let images = seconds.as_f64().unwrap() * rate.as_f64().unwrap();
    assert!((images - 10_000.0).abs() < 1.0, "{stdout}");
}

#[test]
fn quiet_training_prints_nothing_and_saves_the_same_model() {
    let folder = trained();
    let model = fs::read(folder.path().join("model.bin")).unwrap();
    let (stdout, stderr) = run(folder.path(), &format!("{SHORT} --quiet --out q.bin"), 0);
    assert_eq!((stdout.as_str(), stderr.as_str()), ("", ""));
    assert!(fs::read(folder.path().join("q.bin")).unwrap() == model);
    let (_, stderr) = run(folder.path(), &format!("{SHORT} --quiet --lr 1e20"), 1);
    assert!(stderr.contains("no model was written"), "{stderr}");
    for noted in [
        "--batch-size 60000",
        "--recipe ciresan2010-committee --hidden 2 --valid 59900 --epochs 1",
    ] {
        let line = format!("{SHORT} --out n.bin {noted}");
        let (_, stderr) = run(folder.path(), &line, 0);
        assert!(stderr.contains("note: "), "{stderr}");
        // One or a few steps: that nothing was learned is a warning.
        let (_, stderr) = run(folder.path(), &format!("{line} --quiet"), 0);
        let mut lines = stderr.lines();
        assert!(
            lines.all(|line| line.contains(" better than guessing")),
            "{stderr}"
        );
    }
}

/// Whoever types the next command without a look loses nothing.
#[test]
fn the_next_command_never_overwrites_a_model() {
    let folder = trained();
    for (line, next) in [
        ("gradcheck --hidden none", "mlp train --out model-2.bin"),
        (
            "recipes lesson",
            "mlp train --recipe lesson --out model-2.bin",
        ),
    ] {
        let (_, stderr) = run(folder.path(), line, 0);
        assert_eq!(stderr, format!("next: {next}\n"));
    }
}

#[cfg(unix)]
#[test]
fn a_locale_without_symbols_gets_plain_ascii_and_programs_get_json_all_the_same() {
    let folder = trained();
    let in_c = |line: &str, code| {
        let mut command = command(folder.path(), line);
        texts(command.env("LC_ALL", "C"), code)
    };
    for (line, code) in [
        ("train --epochs 3 --valid 58000 --hidden 20", 0),
        ("eval model.bin", 0),
        ("explain model.bin --precision 6", 0),
        ("lr-find --hidden none --steps 60 --valid 59000", 0),
        ("gradcheck --model model.bin --samples 5", 0),
        ("gradcheck --list-mistakes", 0),
        ("recipes", 0),
        ("train --help", 0),
        ("train --augment lenet", 2),
    ] {
        let (stdout, stderr) = in_c(line, code);
        assert!(
            stdout.is_ascii() && stderr.is_ascii(),
            "{line}: {stdout}{stderr}"
        );
        let (stdout, _) = run(folder.path(), line, code);
        assert!(
            code == 2 || !stdout.is_ascii() || line.starts_with("gradcheck --m"),
            "{line}"
        );
    }
    let (stdout, _) = in_c("recipes --json", 0);
    assert!(stdout.contains("Cireşan"), "{stdout}");
}

#[test]
fn eval_measures_the_parts_that_training_split() {
    let folder = tempdir().unwrap();
    let (stdout, _) = run(folder.path(), &format!("{SHORT} --json"), 0);
    let epoch = &json_lines(&stdout)[1];
    let eval = |split: &str| {
        let line = format!("eval model.bin --json --split {split}");
        json(folder.path(), &line, 0)
    };
    let valid = eval("valid");
    assert_eq!(
        (&valid["split"], &valid["images"]),
        (&"valid".into(), &58_000.into())
    );
    assert_eq!(valid["loss"], epoch["valid_loss"]);
    assert_eq!(valid["accuracy"], epoch["valid_accuracy"]);
    assert_eq!(eval("train")["images"], 2_000);
    let without_time = |mut answer: serde_json::Value| {
        let object = answer.as_object_mut().unwrap();
        for time in ["seconds", "images_per_second"] {
            assert!(object.remove(time).unwrap().as_f64().unwrap() > 0.0);
        }
        answer
    };
    let test = eval("test");
    let default = json(folder.path(), "eval model.bin --json", 0);
    assert_eq!(without_time(test.clone()), without_time(default));

    // Recall by rows, precision by columns; a class that is never taken has none.
    let confusion = |t: usize, p: usize| test["confusion"][t][p].as_f64().unwrap();
    for class in 0..10 {
        let row: f64 = (0..10).map(|p| confusion(class, p)).sum();
        let column: f64 = (0..10).map(|t| confusion(t, class)).sum();
        // serde_json reads the last digit of a float a bit loosely.
        let close = |found: &Value, right: f64| (found.as_f64().unwrap() - right).abs() < 1e-12;
        assert!(close(
            &test["class_recall"][class],
            confusion(class, class) / row
        ));
        match column {
            0.0 => assert_eq!(test["class_precision"][class], Value::Null),
            _ => assert!(close(
                &test["class_precision"][class],
                confusion(class, class) / column
            )),
        }
    }
    let (table, _) = run(folder.path(), "eval model.bin --split valid", 0);
    assert!(table.contains("of 58,000 validation images"), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
}

#[test]
fn a_file_that_is_not_a_model_is_refused_before_training_and_replaced_by_force() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.bin");
    fs::write(&path, "my thesis").unwrap();
    let (stdout, stderr) = run(folder.path(), SHORT, 1);
    assert_eq!(stdout, "", "nothing was trained");
    assert!(
        stderr.contains("not a model") && stderr.contains("--force"),
        "{stderr}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"my thesis");
    run(folder.path(), &format!("{SHORT} --force"), 0);
    run(folder.path(), SHORT, 0);
    assert_eq!(names_in(folder.path()), ["model.bin"]);
}

#[test]
fn places_that_cannot_hold_a_model_are_refused_before_training() {
    let folder = tempdir().unwrap();
    for (out, expected) in [
        (".", "a folder, expected a file name"),
        ("new/", "a folder, expected a file name"),
        ("no/where/model.bin", "no such folder"),
    ] {
        let (stdout, stderr) = run(folder.path(), &format!("{SHORT} --out {out}"), 1);
        assert_eq!(stdout, "");
        assert_eq!(stderr.matches(expected).count(), 1, "{stderr}");
    }
}

#[test]
fn training_that_diverges_stops_names_the_place_and_writes_nothing() {
    let folder = trained();
    let old = fs::read(folder.path().join("model.bin")).unwrap();
    let (_, stderr) = run(folder.path(), &format!("{SHORT} --lr 1e20"), 1);
    for text in [
        "epoch 1, step ",
        "module ",
        "(Linear)",
        "try --lr ",
        "no model was written",
    ] {
        assert!(stderr.contains(text), "{stderr}\nlacks {text:?}");
    }
    assert_eq!(fs::read(folder.path().join("model.bin")).unwrap(), old);
    assert_eq!(names_in(folder.path()), ["model.bin"]);
    let (_, stderr) = run(folder.path(), &format!("{SHORT} --lr 3e38"), 1);
    assert!(stderr.contains("try --lr 0.1"), "{stderr}");
}

#[test]
fn networks_that_could_not_be_held_saved_or_read_again_are_refused() {
    let folder = tempdir().unwrap();
    for (line, expected) in [
        ("train --hidden 100000,100000", "expected at most 8 GB"),
        (
            "train --hidden 100000 --batch-size 4000000000 --valid 0",
            "smaller --batch-size",
        ),
        ("train --hidden 17000,17000", "what a model file holds"),
        ("gradcheck --hidden 100000,100000", "expected at most 8 GB"),
    ] {
        let (stdout, stderr) = run(folder.path(), line, 1);
        assert!(
            stdout.is_empty() && stderr.contains(expected),
            "{line}: {stderr}"
        );
    }
    let deep = |layers: usize| vec!["2"; layers].join(",");
    let (_, stderr) = run(folder.path(), &format!("train --hidden {}", deep(2_000)), 2);
    assert!(
        stderr.contains("2000 hidden layers, expected at most 998"),
        "{stderr}"
    );
    let line = format!("train --hidden {} --epochs 1 --valid 59990", deep(998));
    run(folder.path(), &line, 0);
    run(folder.path(), "eval model.bin", 0);
}

#[test]
fn models_that_cannot_be_read_say_what_to_do() {
    let folder = trained();
    let dir = folder.path();
    let whole = fs::read(dir.join("model.bin")).unwrap();
    fs::write(dir.join("half.bin"), &whole[..whole.len() / 2]).unwrap();
    fs::write(dir.join("empty.bin"), "").unwrap();
    for (line, expected) in [
        (
            "eval none.bin",
            "none.bin: no such file: train a model first with `mlp train`",
        ),
        (
            "gradcheck --model none.bin",
            "train a model first with `mlp train`",
        ),
        ("eval half.bin", "train again or copy it again"),
        ("gradcheck --model half.bin", "train again or copy it again"),
        ("eval empty.bin", "the file is empty"),
    ] {
        let (stdout, stderr) = run(dir, line, 1);
        assert!(
            stdout.is_empty() && stderr.contains(expected),
            "{line}: {stderr}"
        );
    }
}

#[test]
fn other_data_than_the_model_was_trained_on_are_noted() {
    let folder = trained();
    let other = black_images();
    let line = format!("eval model.bin --data-dir {}", other.path().display());
    let (_, stderr) = run(folder.path(), &line, 0);
    assert!(
        stderr.contains("was trained on other data files"),
        "{stderr}"
    );
    assert!(
        stderr.contains("next: mlp gradcheck --model model.bin --data-dir /"),
        "{stderr}"
    );
}

#[test]
fn the_next_command_quotes_a_path_with_blanks() {
    let folder = tempdir().unwrap();
    let mut command = command(folder.path(), SHORT);
    command.args(["--out", "my model.bin"]);
    let (_, stderr) = texts(&mut command, 0);
    assert_eq!(stderr, "next: mlp eval 'my model.bin'\n");
}

#[test]
fn wrong_usage_exits_2_and_shows_the_usage_of_the_command() {
    let folder = tempdir().unwrap();
    for line in [
        "",
        "bogus",
        "--color pink",
        "train --target digit",
        "train --loss ce --target onehot",
        "train --loss mae",
        "train --hidden 0",
        "train --hidden 50,",
        "train --hidden 100001",
        "train --lr 0",
        "train --lr -1",
        "train --lr nan",
        "train --lr inf",
        "train --batch-size 0",
        "train --epochs 0",
        "train --seed -1",
        "train --valid 60000",
        "train --valid -1",
        "train --threads 0",
        "train --nesterov",
        "train --optimizer rmsprop",
        "train --optimizer adam --momentum 0.9",
        "train --optimizer adamw --nesterov",
        "train --optimizer adam --beta1 1",
        "train --optimizer adam --beta2 -0.1",
        "train --optimizer adam --eps 0",
        "train --beta1 0.9",
        "train --optimizer sgd --eps 1e-8",
        "lr-find --optimizer adam --momentum 0.9",
        "lr-find --optimizer adam --from 2",
        "lr-find --from 1e39",
        "lr-find --from 1e-45",
        "lr-find --to 1e38",
        "explain --lr 1e-60",
        "bench --seconds 0",
        "eval",
        "eval a --split all",
        "gradcheck --samples 0",
        "gradcheck --eps 0",
        "gradcheck --eps nan",
        "gradcheck --tol -1",
        "gradcheck --tol inf",
        "gradcheck --batch-size 0",
        "gradcheck --target digit",
        "gradcheck --model a --hidden 5",
    ] {
        let (stdout, stderr) = run(folder.path(), line, 2);
        assert_eq!(stdout, "", "{line}");
        assert!(stderr.contains("--help"), "{line}: {stderr}");
    }
    let (_, stderr) = run(folder.path(), "train --target digit", 2);
    assert!(stderr.contains("--target goes with --loss mse"), "{stderr}");
    assert!(stderr.contains("Usage: mlp train"), "{stderr}");
    let (_, stderr) = run(folder.path(), "train --lr -1", 2);
    assert!(stderr.contains("expected a number above 0"), "{stderr}");
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn every_help_text_has_examples_and_fits() {
    let folder = tempdir().unwrap();
    for line in [
        "--help",
        "help train",
        "train --help",
        "eval --help",
        "gradcheck -h",
        "data --help",
    ] {
        let (stdout, stderr) = run(folder.path(), line, 0);
        assert!(stdout.contains("Examples:\n  mlp "), "{line}: {stdout}");
        assert!(
            stdout.lines().all(|l| l.chars().count() <= 100),
            "{line}: {stdout}"
        );
        assert_eq!(stderr, "");
    }
    let (stdout, _) = run(folder.path(), "--help", 0);
    for command in ["mlp train", "mlp eval model.bin", "mlp gradcheck"] {
        assert!(stdout.contains(&format!("\n  {command} ")), "{stdout}");
    }
    let (stdout, _) = run(folder.path(), "gradcheck --help", 0);
    assert!(
        stdout.contains("1e-5") && !stdout.contains("--mirror"),
        "{stdout}"
    );
    let (stdout, _) = run(folder.path(), "--version", 0);
    let start = concat!("mlp ", env!("CARGO_PKG_VERSION"), " (");
    assert!(stdout.starts_with(start), "{stdout}");
    let mut command = program::command(folder.path(), "--version");
    let (stdout, _) = texts(command.env("MLP_INSTRUCTIONS", "portable"), 0);
    assert!(stdout.contains("portable, with"), "{stdout}");
}

#[test]
fn colours_come_when_asked_for_only_and_on_both_streams() {
    let folder = tempdir().unwrap();
    let coloured = |text: &str| text.contains('\u{1b}');
    for (line, code) in [
        ("gradcheck --hidden none --samples 2", 0),
        ("eval none.bin", 1),
        ("train --target digit", 2),
        ("--help", 0),
        ("bogus", 2),
    ] {
        let (out, err) = run(folder.path(), line, code);
        assert!(!coloured(&out) && !coloured(&err), "{line}: a pipe");
        let always = format!("{line} --color always");
        let (out, err) = run(folder.path(), &always, code);
        assert!(out.is_empty() || coloured(&out), "{always}: {out}");
        assert!(err.is_empty() || coloured(&err), "{always}: {err}");
        let (out, err) = run(folder.path(), &format!("{line} --color=never"), code);
        assert!(!coloured(&out) && !coloured(&err), "{line}: never");
        let mut command = command(folder.path(), line);
        command.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0");
        let (out, err) = texts(&mut command, code);
        assert!(!coloured(&out) && !coloured(&err), "{line}: NO_COLOR");
    }
}

#[test]
fn gradcheck_is_right_by_default_and_fails_where_too_much_is_asked() {
    let folder = tempdir().unwrap();
    let (stdout, stderr) = run(folder.path(), "gradcheck", 0);
    assert!(stdout.contains("gradients are right"), "{stdout}");
    assert!(
        stdout.lines().all(|line| line.chars().count() <= 100),
        "{stdout}"
    );
    assert_eq!(stderr, "next: mlp train\n");

    let (stdout, stderr) = run(folder.path(), "gradcheck --hidden 5 --tol 1e-15", 1);
    assert!(
        stdout.contains("WRONG") && stdout.contains("gradients are wrong"),
        "{stdout}"
    );
    assert!(stderr.contains("--tol 1e-6"), "{stderr}");
    let check = json(folder.path(), "gradcheck --hidden 5 --tol 1e-15 --json", 1);
    assert_eq!(check["passed"], false);
    for eps in ["1e300", "1e-300"] {
        run(
            folder.path(),
            &format!("gradcheck --samples 3 --eps {eps}"),
            1,
        );
    }
}

#[test]
fn gradcheck_works_without_data_and_makes_no_folder() {
    let folder = tempdir().unwrap();
    let mut command = command(
        folder.path(),
        "gradcheck --loss mse --target digit --hidden 6,5 --samples 10",
    );
    command
        .env("MLP_DATA_DIR", "none")
        .env_remove("MLP_OFFLINE");
    let (stdout, stderr) = texts(&mut command, 0);
    assert!(
        stderr.contains("note: random images, not MNIST"),
        "{stderr}"
    );
    assert!(
        stdout.contains("network 784-6-5-1, mse, digit targets"),
        "{stdout}"
    );
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn binary_cross_entropy_is_checked_and_explained_and_ten_classes_are_refused() {
    let folder = tempdir().unwrap();
    let words = "bce is for two classes: add --positive 5";
    for args in ["train --loss bce", "lr-find --loss bce"] {
        let (_, stderr) = run(folder.path(), args, 2);
        assert!(stderr.contains(words), "{args}: {stderr}");
    }
    for (args, expected) in [
        ("train --loss bce --target digit", "--target goes with"),
        (
            "train --loss bce --label-smoothing 0.1",
            "--label-smoothing goes with --loss ce",
        ),
    ] {
        let (_, stderr) = run(folder.path(), args, 2);
        assert!(stderr.contains(expected), "{args}: {stderr}");
    }
    let (stdout, _) = run(
        folder.path(),
        "gradcheck --loss bce --hidden 6,5 --samples 10",
        0,
    );
    assert!(
        stdout.contains("network 784-6-5-1, binary cross-entropy"),
        "{stdout}"
    );
    for mistake in [
        "sigmoid-slope-besides",
        "mean-missing",
        "sign",
        "one-over-p",
        "target-not-subtracted",
        "broadcast-n-by-n",
        "labels-shifted",
    ] {
        let line = format!("gradcheck --loss bce --hidden 6 --inject {mistake}");
        let (stdout, _) = run(folder.path(), &line, 1);
        let named = format!("looks like {mistake}");
        assert!(stdout.contains(&named), "{mistake}: {stdout}");
    }
    let (stdout, _) = run(folder.path(), "explain --hidden 4 --loss bce", 0);
    for expected in [
        "test image 0, not 5 (class 0), taken for ",
        "p = σ(z)",
        "dz = p − t",
        "= −ln(1 − p) = ",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    // The first image of class 1.
    let (stdout, _) = run(folder.path(), "explain --loss bce --index 8 --json", 0);
    let value: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(value["target"], 1);
    let p = value["predictions"][0].as_f64().unwrap();
    assert!((value["loss"].as_f64().unwrap() + p.ln()).abs() < 1e-12);
    let svg = "explain --loss bce --hidden 4 --svg a.svg --html a.html";
    run(folder.path(), svg, 0);
    let drawn = std::fs::read_to_string(folder.path().join("a.svg")).unwrap();
    assert!(drawn.contains("p = σ(") && drawn.contains("L = −ln(1 − p)"));
}

#[test]
fn train_without_data_says_how_to_get_them() {
    let folder = tempdir().unwrap();
    let (stdout, stderr) = run(folder.path(), "train --data-dir here", 1);
    assert!(
        stdout.is_empty() && stderr.contains("mlp data --download --data-dir here"),
        "{stderr}"
    );
    assert!(names_in(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error_and_the_model_is_saved_all_the_same() {
    let folder = tempdir().unwrap();
    for line in [SHORT, "eval model.bin", "gradcheck --hidden none", "--help"] {
        let mut child = start(folder.path(), line);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
        assert!(!stderr.contains("error"), "{line}: {stderr}");
    }
    assert_eq!(names_in(folder.path()), ["model.bin"]);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_are_an_error_but_the_model_is_saved_first() {
    let folder = tempdir().unwrap();
    for line in [
        SHORT,
        "eval model.bin",
        "gradcheck --hidden none",
        "--help",
        "--version",
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (_, stderr) = texts(command(folder.path(), line).stdout(full), 1);
        assert!(stderr.contains("could not be printed"), "{line}: {stderr}");
    }
    run(folder.path(), "eval model.bin", 0);
}

#[cfg(unix)]
#[test]
fn closed_streams_are_no_reason_to_panic() {
    let folder = trained();
    let binary = env!("CARGO_BIN_EXE_mlp");
    for line in [
        "eval model.bin >&- 2>&-",
        "eval model.bin >&-",
        "gradcheck --hidden none 2>&-",
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec '{binary}' {line}")]);
        command
            .env("MLP_DATA_DIR", official_dir())
            .current_dir(folder.path());
        texts(&mut command, 0);
    }
}

/// Starts a training run that would take hours, waits until it trains, sends signals, and returns its end.
#[cfg(unix)]
fn signalled(dir: &Path, flags: &str, signal: &str) -> Output {
    use std::io::{BufRead, BufReader};
    let line = "train --hidden 8 --epochs 1000000 --valid 59000 --threads 1";
    let mut child = start(dir, &format!("{line} {flags}"));
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("    1  ") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended early");
    }
    // Somebody must go on reading, or the run waits for room in the pipe.
    let reader = std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    program::signal(&child, signal);
    let output = child.wait_with_output().unwrap();
    reader.join().unwrap().unwrap();
    output
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_training_saves_what_is_there_and_exits_130() {
    let folder = tempdir().unwrap();
    let output = signalled(folder.path(), "", "-INT");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted: stopped in epoch"), "{stderr}");
    assert!(
        stderr.contains("saved as model.bin (validation "),
        "{stderr}"
    );
    assert_eq!(names_in(folder.path()), ["model.bin"]);
    run(folder.path(), "eval model.bin", 0);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_a_finished_model_as_it_is() {
    let folder = trained();
    let old = fs::read(folder.path().join("model.bin")).unwrap();
    for (signal, code, name) in [
        ("-INT", 130, "interrupted: "),
        ("-TERM", 143, "interrupted by SIGTERM: "),
        ("-HUP", 129, "interrupted by SIGHUP: "),
    ] {
        let output = signalled(folder.path(), "", signal);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(name), "{stderr}");
        let saved = stderr.split("saved as ").nth(1).unwrap();
        let saved = saved.split(" (validation ").next().unwrap();
        assert!(saved.starts_with("model-interrupted"), "{stderr}");
        assert!(
            stderr.contains("model.bin, which was there before, stays as it was"),
            "{stderr}"
        );
        assert!(fs::read(folder.path().join("model.bin")).unwrap() == old);
        run(folder.path(), &format!("eval {saved}"), 0);
    }
    // The same run takes its own file again, unless it had come further.
    assert!((2..=4).contains(&names_in(folder.path()).len()));
}

#[cfg(unix)]
#[test]
fn what_is_told_twice_in_a_moment_is_told_once_and_what_is_ignored_is_not_heard() {
    // As `timeout` does it: the process, and its group.
    let folder = tempdir().unwrap();
    let output = signalled(folder.path(), "", "-TERM -TERM");
    assert_eq!(output.status.code(), Some(143));
    assert_eq!(names_in(folder.path()), ["model.bin"]);

    // As under `nohup`.
    let script = "trap '' HUP; exec \"$0\" train --hidden 8 --epochs 2 --valid 55000";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_mlp")]);
    command
        .env("MLP_DATA_DIR", program::DATA_DIR)
        .current_dir(folder.path());
    let mut child = command
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    fs::remove_file(folder.path().join("model.bin")).unwrap();
    while names_in(folder.path()).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5)); // until the shell has heard, and mlp has begun
    }
    while child.try_wait().unwrap().is_none() {
        program::signal(&child, "-HUP");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_record_of_whole_epochs_that_can_be_drawn() {
    let folder = tempdir().unwrap();
    let output = signalled(folder.path(), "--run record", "-INT");
    assert_eq!(output.status.code(), Some(130));
    let text = fs::read_to_string(folder.path().join("record/run.jsonl")).unwrap();
    let lines = json_lines(&text);
    let epochs = lines.iter().filter(|line| line["event"] == "epoch");
    for (before, epoch) in epochs.enumerate() {
        assert_eq!(epoch["epoch"], before + 1);
    }
    assert!(text.ends_with('\n'));
    run(folder.path(), "plot record", 0);
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_the_old_model_and_no_litter() {
    let folder = trained();
    let old = fs::read(folder.path().join("model.bin")).unwrap();
    for signal in ["-KILL", "-QUIT"] {
        assert_eq!(signalled(folder.path(), "", signal).status.code(), None);
        assert_eq!(fs::read(folder.path().join("model.bin")).unwrap(), old);
        // The place that was kept for the model, which the next run takes over.
        assert_eq!(names_in(folder.path()), [".model.bin.mlp-new", "model.bin"]);
    }
    let (stdout, _) = run(
        folder.path(),
        "train --hidden 4 --epochs 1 --valid 55000",
        0,
    );
    assert!(
        stdout.contains("saved as  model.bin, which replaces 784-"),
        "{stdout}"
    );
    assert_eq!(names_in(folder.path()), ["model.bin"]);
}

#[cfg(unix)]
#[test]
fn two_runs_cannot_save_in_the_same_place() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let mut child = start(folder.path(), "train --epochs 1000000 --out m.bin --quiet");
    let part = folder.path().join(".m.bin.mlp-new");
    while !part.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    for line in [
        "train --out m.bin",
        "train --out sub/../m.bin",
        "train --best m.bin",
    ] {
        let (_, stderr) = run(folder.path(), line, 1);
        let text = "m.bin: another run is going to save its model there: wait for it, or choose another --";
        assert!(stderr.contains(text), "{stderr}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn no_two_results_have_the_same_place() {
    let folder = tempdir().unwrap();
    for (flags, says) in [
        (
            "--out a.bin --best ./a.bin",
            "--best and --out name the same file, a.bin",
        ),
        (
            "--out c/checkpoint.safetensors --checkpoint c",
            "--out c/checkpoint.safetensors: that is where --checkpoint",
        ),
        (
            "--best c/previous.safetensors --checkpoint c",
            "--best c/previous.safetensors: that is",
        ),
        (
            "--out c/.lock --checkpoint c",
            "that is where --checkpoint keeps the run",
        ),
        (
            "--out c --checkpoint c",
            "that is where --checkpoint keeps the run",
        ),
        (
            "--out r --run r",
            "--out r: that is where --run keeps the run",
        ),
        (
            "--best r/run.jsonl --run r",
            "--best r/run.jsonl: that is where --run",
        ),
    ] {
        let (_, stderr) = run(folder.path(), &format!("train {flags}"), 2);
        assert!(stderr.contains(says), "{flags}: {stderr}");
    }
    assert!(names_in(folder.path()).is_empty());
    // In the same folder, they do not meet.
    let line = "train --hidden 4 --epochs 1 --valid 55000 --out c/m.bin --checkpoint c --run c";
    run(folder.path(), line, 0);
    assert_eq!(names_in(&folder.path().join("c")).len(), 5);
    run(folder.path(), "train --resume c --epochs 2", 0);
}

#[test]
fn a_run_that_learns_nothing_says_so_and_what_may_be_why() {
    let folder = tempdir().unwrap();
    let line = "train --hidden 8 --epochs 2 --valid 55000 --lr 50";
    let (_, stderr) = run(folder.path(), line, 0);
    for text in [
        "note: epoch 1: no better than guessing: ",
        "note: no better than guessing: ",
        " of the validation images are right, and always saying 1 gets 11.23 %",
        "hidden layer 1: 8 of 8 ReLU units are 0 for every image (dead); try --lr 0.1",
    ] {
        assert!(stderr.contains(text), "{stderr}");
    }
    let (stdout, _) = run(folder.path(), &format!("{line} --json"), 0);
    let lines = json_lines(&stdout);
    let saved = lines.last().unwrap();
    assert_eq!(saved["learned"], false);
    assert_eq!(saved["doubt"]["still_layers"][0]["state"], "dead");
    assert_eq!(lines[1]["guessing"], saved["doubt"]["guessing"]);

    let (stdout, stderr) = run(
        folder.path(),
        "train --hidden 8 --epochs 1 --valid 55000 --json",
        0,
    );
    assert!(!stderr.contains("guessing"), "{stderr}");
    assert_eq!(json_lines(&stdout).last().unwrap()["learned"], true);
    let line = "train --epochs 1 --valid 0 --lr 1e-7 --hidden none --out none.bin";
    let (_, stderr) = run(folder.path(), line, 0);
    assert!(
        stderr.contains("of the training images are right"),
        "{stderr}"
    );
    assert!(
        stderr.contains("the steps may be too short: try --lr 0.1"),
        "{stderr}"
    );
    // Luck with the first weights, and a rare class that is found.
    let line = "train --epochs 1 --valid 55000 --lr 1e-7 --hidden 8 --out none.bin --seed 3";
    let (_, stderr) = run(folder.path(), line, 0);
    assert!(stderr.contains(" better than guessing"), "{stderr}");
    let line = "train --epochs 1 --valid 50000 --positive 8 --hidden 8 --out eight.bin";
    let (_, stderr) = run(folder.path(), line, 0);
    assert!(!stderr.contains("guessing"), "{stderr}");
    let line = "train --epochs 1 --valid 50000 --init zeros --out zeros.bin";
    let (_, stderr) = run(folder.path(), line, 0);
    assert!(stderr.contains("leave out --init zeros"), "{stderr}");
    let (_, stderr) = run(
        folder.path(),
        "train --inject sign --epochs 1 --valid 55000",
        1,
    );
    assert!(
        stderr.contains("the planted mistake, sign, may be why"),
        "{stderr}"
    );
    assert!(!stderr.contains("try --lr"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_long_gradient_check_at_once() {
    let folder = tempdir().unwrap();
    let line = "gradcheck --hidden 500 --samples 4000000000 --data-dir none";
    let mut child = start(folder.path(), line);
    // The note that there is no data comes just before the check.
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut note = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut note).unwrap();
    assert!(note.contains("random images"), "{note}");
    program::signal(&child, "-INT");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert_eq!(rest, "error: interrupted\n");
}
