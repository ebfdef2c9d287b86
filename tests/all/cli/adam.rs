//! Training by Adam and AdamW.

use std::fs;

use tempfile::tempdir;

use crate::support::{
    own_data::folder_of_quarters,
    program::{json_lines, run},
};

const TRAIN: &str = "train --hidden 8 --valid 300 --epochs 2 --batch-size 20 --data-dir own";

#[test]
fn a_run_says_its_rule_and_rate_and_everything_else_takes_it() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let line = format!("{TRAIN} --optimizer adam --run r --best best.bin --threads");
    let (stdout, _) = run(dir, &format!("{line} 1"), 0);
    let said = "batches of 20, Adam, lr 0.001 (Adam's default), seed 1,";
    assert!(stdout.contains(said), "{stdout}");
    let one = fs::read(dir.join("model.bin")).unwrap();
    for threads in [2, 3] {
        run(dir, &format!("{line} {threads} --force"), 0);
        assert!(fs::read(dir.join("model.bin")).unwrap() == one, "{threads}");
    }
    let record = fs::read_to_string(dir.join("r/run.jsonl")).unwrap();
    let training = &json_lines(&record)[0]["training"];
    assert_eq!(training["optimizer"]["name"], "adam");
    assert_eq!(training["optimizer"]["beta2"].to_string(), "0.999");
    assert_eq!(training["learning_rate"].to_string(), "0.001");

    let adamw =
        "--optimiser adamw --weight-decay 0.1 --lr 0.002 --beta1 0.8 --eps 1e-6 --warm-up 1";
    let (stdout, _) = run(dir, &format!("{TRAIN} {adamw} --out w.bin"), 0);
    let said = "AdamW, lr 0.002, beta1 0.8, eps 1e-6, warm-up 1, weight decay 0.1, seed";
    assert!(stdout.contains(said), "{stdout}");
    run(dir, &format!("{TRAIN} --out sgd.bin --run s"), 0);
    let record = fs::read_to_string(dir.join("s/run.jsonl")).unwrap();
    let training = &json_lines(&record)[0]["training"];
    assert!(
        training.get("optimizer").is_none(),
        "as before there was a choice"
    );
    for line in [
        "compare model.bin w.bin --data-dir own",
        "eval sgd.bin w.bin best.bin --data-dir own",
        "plot r s",
        "plot r",
    ] {
        run(dir, line, 0);
    }
}

#[test]
fn a_run_goes_on_by_the_same_rule_to_the_same_bytes_and_by_no_other() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let model = || fs::read(dir.join("model.bin")).unwrap();
    let whole = format!("{TRAIN} --optimizer adamw --weight-decay 0.01");
    run(dir, &whole, 0);
    let expected = model();
    run(dir, &format!("{whole} --epochs 1 --checkpoint kept"), 0);
    assert!(model() != expected);
    run(dir, "train --resume kept --epochs 2 --data-dir own", 0);
    assert!(model() == expected);
    let other = format!("{TRAIN} --checkpoint kept --resume --weight-decay 0.01");
    for (flags, said) in [
        (
            "",
            "begun with --optimizer adamw, and this command is with --optimizer sgd",
        ),
        (
            "--optimizer adam",
            "begun with --optimizer adamw, and this command is with --optimizer adam:",
        ),
        (
            "--optimizer adamw --beta1 0.5",
            "begun with --beta1 0.9, and this command is with --beta1 0.5",
        ),
    ] {
        let (_, stderr) = run(dir, &format!("{other} {flags}"), 2);
        assert!(stderr.contains(said), "{flags}: {stderr}");
    }
    let (_, stderr) = run(dir, "train --resume kept --optimizer adam", 2);
    assert!(
        stderr.contains("--optimizer cannot be used with --resume"),
        "{stderr}"
    );
}

#[test]
fn what_goes_with_the_other_rule_is_said_and_a_recipe_gives_way() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    for (flags, said) in [
        (
            "--optimizer adam --momentum 0.9",
            "--momentum goes with --optimizer sgd: in adam and adamw --beta1",
        ),
        (
            "--optimizer adam --nesterov",
            "--nesterov goes with --optimizer sgd",
        ),
        (
            "--beta2 0.9",
            "--beta1, --beta2 and --eps go with --optimizer adam or adamw",
        ),
        ("--optimizer adam --eps 0", "expected a number above 0"),
        (
            "--optimizer adam --beta1 1",
            "expected a share from 0 to below 1",
        ),
        ("--recipe fast-98 --optimizer adam", "add --momentum 0\n"),
    ] {
        let (_, stderr) = run(dir, &format!("{TRAIN} {flags}"), 2);
        assert!(stderr.contains(said), "{flags}: {stderr}");
    }
    let line =
        format!("{TRAIN} --recipe fast-98 --valid 300 --optimizer adam --momentum 0 --lr 0.01");
    let (stdout, _) = run(dir, &line, 0);
    assert!(
        stdout.contains("Adam, lr 0.01, cosine to 0.0, warm-up 1, seed"),
        "{stdout}"
    );
}

#[test]
fn steps_too_long_end_training_in_words_and_write_nothing() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    let line = format!("{TRAIN} --optimizer adam --loss mse --lr 1e30 --out nan.bin");
    let (_, stderr) = run(dir, &line, 1);
    assert!(
        stderr.contains("the steps are too long: try --lr"),
        "{stderr}"
    );
    assert!(!dir.join("nan.bin").exists());
}

#[test]
fn a_rate_is_found_where_adam_trains() {
    let folder = tempdir().unwrap();
    let line = "lr-find --hidden 20 --steps 100 --batch-size 50 --optimizer adam";
    let (stdout, _) = run(folder.path(), &format!("{line} --json"), 0);
    let found = &json_lines(&stdout)[0];
    let rate = found["suggestion"].as_f64().unwrap();
    assert!((1e-4..0.1).contains(&rate), "{rate}");
    assert_eq!(found["tested"][0]["learning_rate"].as_f64(), Some(1e-6));
    let (_, stderr) = run(folder.path(), line, 0);
    let next = stderr.lines().find(|line| line.contains("next:"));
    assert!(
        next.unwrap().contains("--optimizer adam --lr 0.0"),
        "{stderr}"
    );
}

#[test]
fn what_is_far_from_usual_is_named_and_not_the_rate() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    for (flags, code, said) in [
        ("--lr 1e38", 1, "try --lr 0.001"),
        ("--weight-decay 1e38", 1, "--weight-decay 1e38 is far"),
        ("--eps 1e30", 0, "--eps 1e30 is far"),
        ("--max-norm 1e-20", 0, "--max-norm 1e-20 is far"),
    ] {
        let line = format!("{TRAIN} --optimizer adam {flags} --valid 300 --out far.bin");
        let (_, stderr) = run(dir, &line, code);
        assert!(stderr.contains(said), "{flags}: {stderr}");
    }
}
