//! Recipes, committees and comparisons as a user runs them.

use mlp::files::model;

use crate::support::program::{json, json_lines, run};

#[test]
fn a_recipe_is_its_flags_and_flags_beside_it_take_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for args in [
        "train --recipe lesson --epochs 1 --valid 55000 --out a.bin",
        "train --epochs 1 --valid 55000 --recipe=lesson --out b.bin",
        "train --hidden 50 --batch-size 50 --lr 0.5 --epochs 1 --valid 55000 --out c.bin",
    ] {
        run(folder, args, 0);
    }
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(bytes("a.bin"), bytes("b.bin"));
    assert_eq!(bytes("a.bin"), bytes("c.bin"));
    let (list, _) = run(folder, "recipes --json", 0);
    assert!(json_lines(&list).len() >= 15);
    let one = json(folder, "recipes hinton2005 --json", 0);
    let flags = one["flags"].as_array().unwrap();
    assert_eq!(flags[..2], ["--hidden", "500,300"]);
    assert_eq!(one["members"], 1);
    assert_eq!(one["published_error"].to_string(), "0.0153");
    let measured = &one["measured"][0];
    let interval = measured["accuracy_interval_95"].as_array().unwrap();
    let accuracy = measured["accuracy"].as_f64().unwrap();
    let ends = [&interval[0], &interval[1]].map(|end| end.as_f64().unwrap());
    assert!(0.9 < ends[0] && ends[0] < accuracy && accuracy < ends[1]);
    let (stdout, _) = run(folder, "recipes ciresan2010-committee", 0);
    assert!(
        stdout.contains("train 7 of them, with --seed 1 to 7"),
        "{stdout}"
    );
    let line =
        "train --recipe ciresan2010-committee --hidden 2 --epochs 1 --valid 59900 --out one.bin";
    let (_, stderr) = run(folder, line, 0);
    assert!(
        stderr.contains("a committee of 7: this trains one"),
        "{stderr}"
    );
    let (_, stderr) = run(folder, "recipes lessen", 2);
    assert!(stderr.contains("'lesson'"), "{stderr}");
    run(folder, "train --recipe nonsense", 2);
}

#[test]
fn a_conflict_with_a_flag_of_the_recipe_names_the_recipe_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let small = "--hidden 2 --epochs 1 --valid 59900 --quiet";
    for (line, said, way_out) in [
        (
            "--recipe srivastava2014 --epochs 1",
            "--warm-up 2 comes with --recipe srivastava2014",
            "--warm-up 0",
        ),
        (
            "--recipe ciresan2010-committee --patience 3",
            "--valid 0 comes with --recipe ciresan2010-committee",
            "--valid 10000",
        ),
        (
            "--recipe ciresan2010-committee --loss mse",
            "--label-smoothing 0.05 comes with --recipe",
            "--label-smoothing 0",
        ),
        (
            "--recipe srivastava2014 --hidden none",
            "--dropout 0.2,0.5 comes with --recipe",
            "--dropout 0",
        ),
        (
            "--recipe lecun1998-300 --label-smoothing 0.1",
            "--loss mse comes with --recipe",
            "--loss ce",
        ),
    ] {
        let (_, stderr) = run(folder, &format!("train {line}"), 2);
        assert!(stderr.contains(said), "{line}: {stderr}");
        assert!(stderr.contains(&format!("add {way_out}\n")), "{stderr}");
        let small = match way_out {
            "--valid 10000" => "--hidden 2 --epochs 1 --quiet --batch-size 5000",
            _ => small,
        };
        let line = format!("train {line} {small} --warm-up 0 {way_out}");
        run(folder, &line, 0);
    }
    let (_, stderr) = run(folder, "train --recipe lesson --resume run", 2);
    assert!(
        stderr.contains("--recipe cannot be used with --resume"),
        "{stderr}"
    );
    // With the momentum of the recipe.
    let line = "train --recipe srivastava2014 --nesterov --warm-up 0 --dropout 0";
    run(folder, &format!("{line} {small}"), 0);
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
        run(folder, &format!("{train} {flags}"), 0);
    }
    let alone = json(folder, "eval a.bin --json", 0);
    let twice = json(folder, "eval a.bin a.bin --json", 0);
    for key in ["accuracy", "confusion"] {
        assert_eq!(alone[key], twice[key], "a model and itself are that model");
    }
    let both = json(folder, "eval a.bin b.bin --json", 0);
    assert_eq!(both["each"][0]["accuracy"], alone["accuracy"]);
    assert_ne!(both["confusion"], alone["confusion"]);
    let (_, stderr) = run(folder, "eval a.bin mse.bin", 1);
    assert!(stderr.contains("no probabilities"), "{stderr}");

    let compared = json(folder, "compare a.bin b.bin --json", 0);
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
    let same = json(folder, "compare a.bin a.bin --json", 0);
    assert_eq!(same["p_value"], 1.0);
    run(folder, "compare a.bin mse.bin --split valid", 0);
    let model = model::load::<f32>(&folder.join("a.bin")).unwrap();
    assert_eq!(model.metadata.training.settings.valid, 55_000);
}
