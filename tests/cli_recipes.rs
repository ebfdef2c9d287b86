//! Recipes, committees and comparisons as a user runs them.

use std::{path::Path, process::Output};

use assert_cmd::Command;
use mlp::model_file;
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

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_recipe_is_its_flags_and_flags_beside_it_take_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for args in [
        "train --recipe lesson --epochs 1 --valid 55000 --out a.bin",
        "train --epochs 1 --valid 55000 --recipe=lesson --out b.bin",
        "train --hidden 50 --batch-size 50 --lr 0.5 --epochs 1 --valid 55000 --out c.bin",
    ] {
        assert!(mlp(folder, args).status.success(), "{args}");
    }
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(bytes("a.bin"), bytes("b.bin"));
    assert_eq!(bytes("a.bin"), bytes("c.bin"));
    let list = json(&mlp(folder, "recipes --json"));
    assert!(list.as_array().unwrap().len() >= 15);
    let one = json(&mlp(folder, "recipes hinton2005 --json"));
    assert!(
        one[0]["flags"]
            .as_str()
            .unwrap()
            .contains("--hidden 500,300")
    );
    assert_eq!(one[0]["members"], 1);
    let output = mlp(folder, "recipes ciresan2010-committee");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("train 7 of them, with --seed 1 to 7"),
        "{text}"
    );
    let line =
        "train --recipe ciresan2010-committee --hidden 2 --epochs 1 --valid 59900 --out one.bin";
    let output = mlp(folder, line);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && text.contains("a committee of 7: this trains one"),
        "{text}"
    );
    assert_eq!(mlp(folder, "recipes nonsense").status.code(), Some(1));
    assert_eq!(
        mlp(folder, "train --recipe nonsense").status.code(),
        Some(2)
    );
}

#[test]
fn a_committee_is_measured_beside_its_members_and_two_models_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = "train --hidden 20 --epochs 1 --valid 55000 --quiet";
    for flags in [
        "--seed 1 --out a.bin",
        "--seed 2 --out b.bin",
        "--loss mse --out mse.bin",
    ] {
        assert!(mlp(folder, &format!("{train} {flags}")).status.success());
    }
    let alone = json(&mlp(folder, "eval a.bin --json"));
    let twice = json(&mlp(folder, "eval a.bin a.bin --json"));
    for key in ["accuracy", "confusion"] {
        assert_eq!(alone[key], twice[key], "a model and itself are that model");
    }
    let both = json(&mlp(folder, "eval a.bin b.bin --json"));
    assert_eq!(both["members"][0]["accuracy"], alone["accuracy"]);
    assert_ne!(both["confusion"], alone["confusion"]);
    let refused = mlp(folder, "eval a.bin mse.bin");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("no probabilities")
    );

    let compared = json(&mlp(folder, "compare a.bin b.bin --json"));
    let count = |key: &str| compared[key].as_u64().unwrap();
    let (first, second) = (count("only_first_right"), count("only_second_right"));
    assert_eq!(
        count("both_right") + first + second + count("neither_right"),
        10_000
    );
    assert_eq!(
        (count("both_right") + first) as f64 / 1e4,
        alone["accuracy"].as_f64().unwrap()
    );
    assert!((0.0..=1.0).contains(&compared["p_value"].as_f64().unwrap()));
    let same = json(&mlp(folder, "compare a.bin a.bin --json"));
    assert_eq!(same["p_value"], 1.0);
    assert!(
        mlp(folder, "compare a.bin mse.bin --split valid")
            .status
            .success()
    );
    let model = model_file::load::<f32>(&folder.join("a.bin")).unwrap();
    assert_eq!(model.metadata.training.valid, 55_000);
}
