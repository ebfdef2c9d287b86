//! What programs read: every key of `--json` stands in docs/json.md, with its type.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::support::{
    own_data::folder_of_quarters,
    program::{DATA_DIR, json_lines, run},
};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md");

/// Objects whose keys are names, or settings under the names of the model file.
const OPAQUE: [&str; 4] = ["training", "augmentation", "gradients", "params"];

/// The types of the keys, and their commands.
fn table() -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(TABLE).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let fields: Vec<_> = line.split('|').map(str::trim).collect();
        let key = fields[1].trim_matches('`').to_owned();
        (key, (fields[2].to_owned(), fields[5].to_owned()))
    };
    rows.map(row).collect()
}

fn fits(value: &Value, kind: &str) -> bool {
    kind.split(" or ").any(|kind| match kind {
        "text" => value.is_string(),
        "number" => value.is_number(),
        "bool" => value.is_boolean(),
        "object" => value.is_object(),
        "list" => value.is_array(),
        "numbers" => value.is_number() || value.is_array(),
        "null" => value.is_null(),
        other => panic!("no type: {other}"),
    })
}

/// Looks at every key of a value, and of what is in it.
fn look(
    value: &Value,
    table: &BTreeMap<String, (String, String)>,
    line: &str,
    seen: &mut BTreeSet<String>,
    faults: &mut BTreeSet<String>,
) {
    match value {
        Value::Array(all) => all
            .iter()
            .for_each(|one| look(one, table, line, seen, faults)),
        Value::Object(fields) => {
            for (key, value) in fields {
                seen.insert(key.clone());
                match table.get(key) {
                    None => drop(faults.insert(format!("{key}: not in the table ({line})"))),
                    Some((kind, _)) if !fits(value, kind) => {
                        faults.insert(format!("{key}: {value}, not {kind} ({line})"));
                    }
                    Some((_, commands)) => {
                        let command = line.split(' ').next().unwrap();
                        if !commands.split(", ").any(|known| known == command) {
                            faults.insert(format!("{key}: printed by {command}, too"));
                        }
                    }
                }
                if !OPAQUE.contains(&key.as_str()) {
                    look(value, table, line, seen, faults);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_stands_in_the_table_and_the_table_has_no_other() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let net = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/nets/mazur.json");
    let (own, small) = ("--data-dir own", "--hidden 8 --valid 300 --epochs 1");
    let lines = [
        format!("train {small} {own} --best best.bin --run run --checkpoint kept --json"),
        format!("train {small} {own} --init zeros --out zero.bin --label-smoothing 0.1 --json"),
        format!("train {small} {own} --lr 1e30 --out nan.bin --run failed --json"),
        format!("train {small} {own} --positive 2 --out two.bin --json --quiet"),
        format!("train --from model.bin --valid 300 --epochs 1 {own} --out more.bin --json"),
        format!("sweep --lr 0.1,1e30 --hidden 4 --seeds 2 --valid 300 --epochs 1 {own} --json"),
        format!("lr-find --hidden 4 --steps 20 {own} --json"),
        format!("eval model.bin {own} --calibration c.svg --reject 0.5 --predictions p.csv --json"),
        format!("eval model.bin model.bin {own} --json"),
        format!("eval two.bin {own} --json"),
        "predict model.bin own/t10k-images-idx3-ubyte --json".into(),
        format!("compare model.bin best.bin {own} --json"),
        format!("gradcheck --hidden 3 --samples 5 {own} --json"),
        format!("gradcheck --inject bias-averaged --samples 5 {own} --json"),
        "gradcheck --list-mistakes --json".into(),
        format!("export-batch model.bin {own} --json"),
        format!("export model.bin --to json --out model.json {own} --json"),
        format!("gradcheck --model model.bin --against batch.npz {own} --json"),
        format!("export-batch --net {net} --out net.npz --json"),
        format!("explain model.bin {own} --unit 0:3 --json"),
        format!("explain model.bin {own} --images 0..2 --json"),
        "explain --logits 0.5,-1 --target 0 --json".into(),
        format!("explain --net {net} --json"),
        "learn init".into(),
        "learn check --all --json".into(),
        "learn status --json".into(),
        "learn hint 7 --json".into(),
        "learn hint 7 --solution --json".into(),
        "learn errors --json".into(),
        "worksheet --seed 7 --answer-form a.csv --json".into(),
        "worksheet --check a.csv --show-answers --json".into(),
        "plot run --format svg --json".into(),
        format!("data {own} --json"),
        format!("augment-preview --out a.png --images 1 --epochs 1 {own} --json"),
        "recipes --json".into(),
    ];
    // These take minutes without optimisation.
    let slow = [
        format!("bench --hidden 4 --threads 1 --seconds 0.1 --phases {own} --json"),
        format!("data --data-dir {DATA_DIR} --json"),
    ];
    let slow = slow.iter().filter(|_| !cfg!(debug_assertions));
    let table = table();
    let (mut seen, mut faults) = (BTreeSet::new(), BTreeSet::new());
    for line in lines.iter().chain(slow) {
        let mut command = crate::support::program::command(folder, line);
        let output = command.output().unwrap();
        let (stdout, stderr) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        if !line.ends_with("--json") && !line.ends_with("--quiet") {
            continue;
        }
        assert!(!stderr.contains("next:"), "{line}: {stderr}");
        let values = json_lines(&stdout);
        assert!(!values.is_empty(), "{line}: {stderr}");
        for value in &values {
            assert_eq!(value["schema"], 1, "{line}");
            let first = value.as_object().unwrap().keys().next().unwrap();
            assert!(value.get("event").is_none() || first == "event", "{line}");
            look(value, &table, line, &mut seen, &mut faults);
        }
    }
    for (name, command) in [
        ("run/run.jsonl", "train"),
        ("failed/run.jsonl", "train"),
        ("sweep.jsonl", "sweep"),
    ] {
        let record = fs::read_to_string(folder.join(name)).unwrap();
        for value in &json_lines(&record) {
            look(value, &table, command, &mut seen, &mut faults);
        }
    }
    if !cfg!(debug_assertions) {
        // What a student's wrong program is answered with needs Python; `scripts/check_learn.py` sees it.
        let elsewhere = [
            "known_error",
            "message",
            "words",
            "details",
            "printed",
            "wrong",
        ];
        for key in table.keys().filter(|key| !seen.contains(*key)) {
            if !elsewhere.contains(&key.as_str()) {
                faults.insert(format!("{key}: in the table, and no command prints it"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn lines_for_a_program_have_short_numbers_and_nothing_of_the_terminal() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = "train --hidden 8 --valid 300 --epochs 2 --lr 0.1 --momentum 0.9 --schedule linear --data-dir own";
    let line = format!("{line} --json --quiet --color always");
    let (stdout, stderr) = run(folder, &line, 0);
    assert!(
        !stderr.contains('\u{1b}') && !stderr.contains("next:"),
        "{stderr}"
    );
    assert!(
        stdout.starts_with("{\"event\":\"start\",\"schema\":1,"),
        "{stdout}"
    );
    assert!(stdout.contains("\"learning_rate\":0.1,"), "{stdout}");
    assert!(stdout.contains("\"momentum\":0.9,"), "{stdout}");
    let lines = json_lines(&stdout);
    let rate = |line: &Value| line["learning_rate"].as_f64().unwrap();
    assert!(rate(&lines[2]) < rate(&lines[1]) && rate(&lines[1]) < 0.1);
    // Nothing of this file is a gradient.
    run(
        folder,
        "export-batch model.bin --data-dir own --out b.npz",
        0,
    );
    let net = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/nets/mazur.json");
    let against = format!("gradcheck --net {net} --against p.npy --json");
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(
        format!(
            "{:<117}\n",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (7,), }"
        )
        .bytes(),
    );
    npy.extend([0; 56]);
    fs::write(folder.join("p.npy"), npy).unwrap();
    let (found, _) = run(folder, &against, 3);
    assert_eq!(json_lines(&found)[0]["judgeable"], false);
}

#[test]
fn predictions_are_a_line_an_image_and_replace_nothing_else() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(
        folder,
        "train --hidden 8 --valid 300 --epochs 1 --data-dir own --quiet",
        0,
    );
    let eval = "eval model.bin --data-dir own --json --predictions";
    let (found, _) = run(folder, &format!("{eval} p.csv"), 0);
    let table = fs::read_to_string(folder.join("p.csv")).unwrap();
    assert_eq!(table.lines().count(), 121);
    let rows = table
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect::<Vec<_>>());
    let right = rows.filter(|row| row[1] == row[2]).count();
    assert_eq!(json_lines(&found)[0]["correct"], right);
    run(folder, &format!("{eval} p.csv"), 0);
    run(folder, &format!("{eval} p.jsonl"), 0);
    let lines = fs::read_to_string(folder.join("p.jsonl")).unwrap();
    assert_eq!(json_lines(&lines).len(), 120);
    run(folder, &format!("{eval} p.txt"), 2);
    fs::write(folder.join("mine.csv"), "a,b\n").unwrap();
    let (_, stderr) = run(folder, &format!("{eval} mine.csv"), 1);
    assert!(stderr.contains("--force"), "{stderr}");
    assert_eq!(
        fs::read_to_string(folder.join("mine.csv")).unwrap(),
        "a,b\n"
    );
}
