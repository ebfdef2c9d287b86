//! `train --run` and `plot` as a user runs them.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::program::{DATA_DIR, command, run, texts};

/// The epochs of a record, each without what depends on the clock.
fn epochs(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("run.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut epochs: Vec<Value> = lines
        .filter(|line: &Value| line["event"] == "epoch")
        .collect();
    for epoch in &mut epochs {
        let fields = epoch.as_object_mut().unwrap();
        fields.remove("seconds");
        fields.remove("images_per_second");
    }
    epochs
}

const TRAIN: &str = "train --quiet --valid 59000 --hidden 20,12";

#[test]
fn a_run_is_recorded_the_same_in_one_go_and_resumed_and_changes_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &format!("{TRAIN} --epochs 4 --out plain.bin"), 0);
    run(
        folder,
        &format!("{TRAIN} --epochs 4 --out a.bin --run a --threads 1"),
        0,
    );
    assert!(fs::read(folder.join("plain.bin")).unwrap() == fs::read(folder.join("a.bin")).unwrap());

    run(
        folder,
        &format!("{TRAIN} --epochs 2 --out b.bin --run b --checkpoint c --threads 2"),
        0,
    );
    // An epoch that the checkpoint does not know, and half a line.
    let record = folder.join("b/run.jsonl");
    let mut text = fs::read_to_string(&record).unwrap();
    let epoch = text
        .lines()
        .find(|line| line.contains("\"epoch\":2"))
        .unwrap();
    text += &format!(
        "{}\n{{\"event\":\"ep",
        epoch.replace("\"epoch\":2", "\"epoch\":3")
    );
    fs::write(&record, text).unwrap();
    run(folder, "train --quiet --resume c --epochs 4", 0);
    let (once, resumed) = (epochs(&folder.join("a")), epochs(&folder.join("b")));
    assert_eq!(once, resumed);
    assert_eq!(once.len(), 4);
    let layers = once[3]["statistics"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    assert!(
        layers
            .iter()
            .all(|layer| layer["update_ratio"].as_f64().unwrap() > 0.0)
    );

    let (_, stderr) = run(folder, &format!("{TRAIN} --epochs 1 --run a"), 1);
    assert!(stderr.contains("already holds another run"), "{stderr}");
    run(folder, &format!("{TRAIN} --epochs 1 --run a --force"), 0);
    assert_eq!(epochs(&folder.join("a")).len(), 1);
}

/// Width and height of a PNG that decodes.
fn png_size(path: &Path) -> (u32, u32) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert!(
        pixels.iter().any(|&p| p != pixels[0]),
        "{path:?} is empty paper"
    );
    (info.width, info.height)
}

#[test]
fn pictures_are_drawn_of_runs_and_models_in_both_themes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        &format!("{TRAIN} --epochs 2 --out m.bin --run a"),
        0,
    );
    run(
        folder,
        &format!("{TRAIN} --epochs 1 --loss mse --target digit --out d.bin --run b"),
        0,
    );
    run(folder, "plot a b --out runs", 0);
    run(folder, "plot a --out dark --theme dark", 0);
    let mut model = command(folder, "plot m.bin --out model --split valid --data-dir");
    texts(model.arg(DATA_DIR).env_remove("MLP_DATA_DIR"), 0);
    run(folder, "plot d.bin --out digit --theme dark", 0);
    for (path, (w, h)) in [
        ("runs/curves", (1920, 816)),
        ("runs/layers-2", (1920, 1200)),
        ("dark/layers", (1920, 1200)),
        ("model/confusion", (1200, 1252)),
        ("model/weights", (1884, 660)),
        ("digit/wrong", (1944, 1496)),
    ] {
        assert_eq!(
            png_size(&folder.join(format!("{path}.png"))),
            (w, h),
            "{path}"
        );
        let svg = fs::read_to_string(folder.join(format!("{path}.svg"))).unwrap();
        assert!(
            svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
            "{path}"
        );
        assert!(svg.contains(&format!("viewBox=\"0 0 {} {}\"", w / 2, h / 2)));
        assert!(svg.contains("prefers-color-scheme:dark") && !svg.contains("NaN"));
    }
    fs::write(folder.join("runs/curves.svg"), "my notes").unwrap();
    let (_, stderr) = run(folder, "plot a b --out runs", 1);
    assert!(stderr.contains("it is not a picture"), "{stderr}");
    run(folder, "plot a b --out runs --force", 0);
    let (_, stderr) = run(folder, "plot a m.bin", 1);
    assert!(stderr.contains("one after the other"), "{stderr}");
}

#[test]
fn a_hostile_record_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let start = r#"{"event":"start","layers":[784,10]}"#;
    let epoch = |loss: &str| {
        format!(
            "{start}\n{{\"event\":\"epoch\",\"epoch\":1,\"train_loss\":{loss},\"train_accuracy\":1,\"seconds\":1}}\n"
        )
    };
    for (name, text, fault) in [
        ("empty", String::new(), "empty"),
        ("garbage", "\u{0}\u{1}garbage".into(), "line 1: not JSON"),
        ("started", format!("{start}\n"), "no epoch was finished"),
        ("cut", epoch("1")[..60].into(), "no epoch was finished"),
        ("huge", epoch("1e300"), "line 2: train_loss is out of range"),
        ("nan", epoch("NaN"), "line 2: not JSON"),
    ] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("run.jsonl"), text).unwrap();
        let (_, stderr) = run(folder, &format!("plot {name}"), 1);
        assert!(stderr.contains(fault), "{name}: {stderr}");
    }
    fs::create_dir(folder.join("nothing")).unwrap();
    for (path, fault) in [
        ("nothing", "no run.jsonl in it"),
        ("absent.bin", "no such file"),
    ] {
        let (_, stderr) = run(folder, &format!("plot {path}"), 1);
        assert!(stderr.contains(fault), "{path}: {stderr}");
    }
    // The largest and the smallest that are believed.
    fs::create_dir(folder.join("wide")).unwrap();
    let text = epoch("1e39") + &epoch("1e-300").replace("\"epoch\":1", "\"epoch\":1000000");
    fs::write(folder.join("wide/run.jsonl"), text).unwrap();
    run(folder, "plot wide", 0);
}

#[test]
fn the_models_of_the_runs_come_next_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, model) in [("a", "a.bin"), ("b", "b.bin"), ("c", "a.bin")] {
        let line = format!("{TRAIN} --epochs 1 --hidden 5 --run {name} --out {model}");
        run(folder, &line, 0);
    }
    let next = |line: &str| {
        let (_, stderr) = run(folder, line, 0);
        let next = stderr.lines().find_map(|line| line.strip_prefix("next: "));
        next.unwrap().to_owned()
    };
    assert_eq!(next("plot a"), "mlp eval a.bin");
    assert_eq!(next("plot a b c"), "mlp compare a.bin b.bin");
    assert_eq!(next("plot a c"), "mlp eval a.bin");
    fs::remove_file(folder.join("a.bin")).unwrap();
    assert_eq!(next("plot a c"), "mlp train --run another");
}
