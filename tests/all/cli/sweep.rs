//! `sweep` as a user runs it.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::support::{
    own_data::{folder_of_quarters, idx, write},
    program::{json, json_lines, run},
};

const SMALL: &str = "--valid 300 --epochs 1 --data-dir own";

fn record(dir: &Path) -> Vec<Value> {
    json_lines(&fs::read_to_string(dir.join("sweep.jsonl")).unwrap())
}

#[test]
fn every_combination_is_trained_as_train_does_it_and_the_best_mean_comes_first() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = format!("sweep --lr 0.005,0.1 --hidden 4,8-6 --seeds 2 --seed 3 {SMALL} --json");
    let found = json(folder, &line, 0);
    let configurations = found["configurations"].as_array().unwrap();
    assert_eq!((configurations.len(), record(folder).len()), (4, 8));
    assert_eq!(found["seeds"], Value::from(vec![3, 4]));
    let means: Vec<_> = configurations
        .iter()
        .map(|c| c["mean_valid_accuracy"].as_f64().unwrap())
        .collect();
    assert!(means.is_sorted_by(|a, b| a >= b), "{means:?}");
    let winner = found["winner"].as_array().unwrap();
    assert_eq!(found["winner"], configurations[0]["flags"]);
    let words: Vec<_> = winner.iter().map(|word| word.as_str().unwrap()).collect();
    let line = format!("train {} --seed 4 --data-dir own --json", words.join(" "));
    let (stdout, _) = run(folder, &line, 0);
    let saved = json_lines(&stdout).pop().unwrap();
    let of_sweep = &configurations[0]["valid_accuracies"][1];
    assert_eq!(&saved["valid_accuracy"], of_sweep);
}

#[test]
fn no_result_depends_on_the_threads_and_no_test_image_is_looked_at() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let sweep = |threads: usize, more: &str| {
        let line = format!("sweep --lr 0.02,0.1 --seeds 2 {SMALL} --threads {threads} {more}");
        json(folder, &format!("{line} --json --out {threads}.jsonl"), 0)["configurations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["valid_accuracies"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(sweep(1, ""), sweep(3, ""));
    let random = "--valid-random --dropout 0.2";
    let first = sweep(2, random);
    for name in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(folder.join("own").join(name)).unwrap();
    }
    assert_eq!(first, sweep(4, random));
}

#[test]
fn finished_runs_are_not_repeated_and_a_broken_line_is_only_that_run() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = format!("sweep --lr 0.02,0.1 --hidden 4 --seeds 2 {SMALL}");
    let (first, stderr) = run(folder, &line, 0);
    assert!(stderr.contains("next: mlp train --hidden 4"), "{stderr}");
    let path = folder.join("sweep.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let (again, _) = run(folder, &line, 0);
    assert!(again.contains("where 4 of them are already"), "{again}");
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    let table = |text: &str| text.split_once("\n\n").unwrap().1.to_owned();
    assert_eq!(table(&first), table(&again));
    // Killed while it wrote the last run.
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let (again, _) = run(folder, &line, 0);
    assert!(again.contains("where 3 of them are already"), "{again}");
    assert_eq!(record(folder).len(), 4);
    // Another sweep takes what it has in common.
    let line = format!("sweep --lr 0.1 --hidden 4,5 --seeds 2 {SMALL}");
    let (other, _) = run(folder, &line, 0);
    assert!(other.contains("where 2 of them are already"), "{other}");
    assert_eq!(record(folder).len(), 6);
    // Other settings are other runs.
    let (other, _) = run(folder, &format!("{line} --momentum 0.5"), 0);
    assert!(!other.contains("already"), "{other}");
    let known: BTreeSet<_> = record(folder)
        .iter()
        .map(|run| run["run_sha256"].to_string())
        .collect();
    assert_eq!(known.len(), 10);
}

#[test]
fn what_the_table_can_say_is_said() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let (one, _) = run(
        folder,
        &format!("sweep --lr 0.02,0.1 --hidden 4 --seeds 1 {SMALL}"),
        0,
    );
    assert!(
        one.contains("\n?") && one.contains("--seeds 3 would"),
        "{one}"
    );
    assert!(one.contains("The test images were not looked at"), "{one}");
    let (three, _) = run(
        folder,
        &format!("sweep --lr 1e-6,0.2 --hidden 8 {SMALL}"),
        0,
    );
    assert!(
        three.contains("\n= ") && three.contains("\n   1e-6"),
        "{three}"
    );
    assert!(
        three.contains("95 % confidence")
            && three.contains("The first is the best")
            && three.contains("p < 0.05/2"),
        "{three}"
    );
    // Several lengths are not compared without a word.
    let line = "sweep --lr 0.02,0.2 --hidden 8 --valid 300 --epochs 3 --data-dir own";
    let (ended, _) = run(folder, &format!("{line} --target-accuracy 0.9"), 0);
    assert!(ended.contains("compare at the same length"), "{ended}");
    // A rate that is too high.
    let (_, stderr) = run(folder, &format!("sweep --lr 1e30 --seeds 2 {SMALL}"), 1);
    assert!(stderr.contains("none to choose"), "{stderr}");
    let (both, _) = run(folder, &format!("sweep --lr 1e30,0.1 --seeds 2 {SMALL}"), 0);
    assert!(both.contains("2 diverged"), "{both}");
}

#[test]
fn when_time_is_up_no_further_run_begins() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = format!("sweep --lr 0.02,0.1 --hidden 4 --seeds 20 {SMALL} --threads 1");
    let (stdout, stderr) = run(folder, &format!("{line} --minutes 1e-9"), 1);
    assert!(
        stderr.contains("40 of 40 runs have not begun") && stderr.contains("no run has begun"),
        "{stdout}{stderr}"
    );
    let (_, stderr) = run(folder, &format!("{line} --minutes 1000"), 0);
    assert!(!stderr.contains("not begun"), "{stderr}");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_written() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    for (flags, code, said) in [
        ("--lr 0.1,x", 2, "expected a number above 0"),
        ("--lr 0.1,0.10", 2, "the same as another"),
        ("--lr 0.1,,0.2", 2, "comma between"),
        ("--valid 0", 2, "validation images"),
        ("--seeds 0", 2, "expected a whole number"),
        (
            "--seeds 10000 --lr 0.1,0.2",
            2,
            "20,000 runs, expected at most 10,000",
        ),
        ("--minutes 0", 2, "expected minutes"),
        (
            "--hidden 500-",
            2,
            "--hidden 500-: expected widths such as 50 or 500-150",
        ),
        ("--hidden 100000-100000", 1, "choose a narrower --hidden"),
        ("--out own", 1, "own"),
        ("--out no/such/file", 1, "no/such/file"),
    ] {
        let line = format!("sweep --data-dir own {flags}");
        let (stdout, stderr) = run(folder, &line, code);
        assert!(stderr.contains(said), "{flags}: {stdout}{stderr}");
    }
    let long = format!("sweep --data-dir own --lr 0.2,0.1{}", "0".repeat(70_000));
    let (_, stderr) = run(folder, &long, 2);
    assert!(stderr.contains("too long for a line of --out"), "{stderr}");
    assert!(!folder.join("sweep.jsonl").exists());
    fs::write(folder.join("notes.txt"), "years of work\n").unwrap();
    let (_, stderr) = run(folder, &format!("sweep {SMALL} --out notes.txt"), 1);
    assert!(stderr.contains("choose another file"), "{stderr}");
    let notes = fs::read_to_string(folder.join("notes.txt")).unwrap();
    assert_eq!(notes, "years of work\n");
}

/// So many images of 4x4, of which `label` says the class.
fn small(dir: &Path, images: usize, label: impl Fn(usize) -> u8) {
    fs::create_dir_all(dir).unwrap();
    let pixels: Vec<_> = (0..images * 16).map(|n| (n * 37 % 251) as u8).collect();
    let labels: Vec<_> = (0..images).map(label).collect();
    write(
        dir,
        "train-images-idx3-ubyte",
        &idx(&[images, 4, 4], &pixels),
    );
    write(dir, "train-labels-idx1-ubyte", &idx(&[images], &labels));
}

#[test]
fn where_no_image_or_one_class_is_left_to_validate_nothing_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small(&folder.join("few"), 5, |n| (n % 2) as u8);
    let (_, stderr) = run(folder, "sweep --lr 0.1,0.2 --data-dir few", 2);
    assert!(stderr.contains("of 5 images none are held out"), "{stderr}");
    small(&folder.join("one"), 120, |n| {
        u8::from(n >= 90 || n % 2 == 1)
    });
    let (_, stderr) = run(folder, "sweep --lr 0.1,0.2 --data-dir one --valid 20", 1);
    assert!(stderr.contains("all of class 1"), "{stderr}");
    assert!(!folder.join("sweep.jsonl").exists());
}

#[test]
fn what_has_learned_nothing_is_not_recommended() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = format!("sweep --lr 1e9,1e10 --hidden 4 --seeds 2 {SMALL}");
    let (_, stderr) = run(folder, &line, 1);
    assert!(
        stderr.contains("no better than guessing") && !stderr.contains("next:"),
        "{stderr}"
    );
    let found = json(folder, &format!("{line} --json"), 1);
    assert_eq!(found["winner"], Value::Null);
}

#[test]
fn a_line_that_contradicts_its_hash_is_refused() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = format!("sweep --lr 0.02,0.1 --hidden 4 --seeds 1 {SMALL}");
    run(folder, &line, 0);
    let path = folder.join("sweep.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    for (from, to, said) in [
        ("\"seed\":1", "\"seed\":2", "line 1: seed 2, expected 1"),
        (
            "\"epochs\":1",
            "\"epochs\":2",
            "line 1: epochs 2, expected 1",
        ),
        ("\"--hidden\",\"4\"", "\"--hidden\",\"5\"", "line 1: flags"),
    ] {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole, "{from}");
        fs::write(&path, &changed).unwrap();
        let (_, stderr) = run(folder, &line, 1);
        assert!(
            stderr.contains(said) && stderr.contains("remove the line"),
            "{stderr}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), changed);
    }
    // The same in other words is no contradiction.
    fs::write(&path, &whole).unwrap();
    let line = format!("sweep --lr 0.020,0.10 --hidden 4 --seeds 1 {SMALL}");
    let (stdout, _) = run(folder, &line, 0);
    assert!(stdout.contains("where 2 of them are already"), "{stdout}");
}

#[cfg(unix)]
#[test]
fn a_record_that_is_removed_meanwhile_has_a_gap() {
    use std::io::Read;

    use crate::support::program::start;

    let folder = folder_of_quarters();
    let folder = folder.path();
    let line =
        "sweep --lr 0.02 --hidden 4 --seeds 30 --valid 300 --epochs 3 --data-dir own --threads 1";
    let mut child = start(folder, line);
    let path = folder.join("sweep.jsonl");
    let begun = || fs::read_to_string(&path).is_ok_and(|text| text.lines().count() >= 1);
    while !begun() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    fs::remove_file(&path).unwrap();
    let mut said = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("the record has a gap"), "{said}");
    assert!(said.contains("removed or replaced"), "{said}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_the_runs_that_are_finished() {
    use std::io::Read;

    use crate::support::program::{signal, start};

    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = "sweep --lr 0.02 --hidden 4 --seeds 10000 --valid 300 --epochs 1 --data-dir own";
    let mut child = start(folder, line);
    let path = folder.join("sweep.jsonl");
    let begun = || fs::read_to_string(&path).is_ok_and(|text| text.lines().count() >= 3);
    while !begun() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal(&child, "-INT");
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    let kept = record(folder).len();
    assert!(
        said.contains(&format!("{kept} of 10000 runs are finished")),
        "{said}"
    );
}
