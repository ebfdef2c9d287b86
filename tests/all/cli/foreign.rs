//! Models that another program has saved: every command that takes a model takes them, or says in words that it does not.

use std::{fs, path::Path};

use safetensors::{Dtype, tensor::TensorView};

use crate::support::{
    own_data::folder_of_quarters,
    program::{json, run},
};

/// What `safetensors.torch.save_file(net.state_dict(), …)` writes of Linear(64, 6), ReLU, Linear(6, 4).
fn save(path: &Path) {
    let shapes: [(&str, &[usize]); 4] = [
        ("0.weight", &[6, 64]),
        ("0.bias", &[6]),
        ("2.weight", &[4, 6]),
        ("2.bias", &[4]),
    ];
    let bytes = shapes.map(|(name, shape)| {
        let number = |i: usize| ((i * 37 + name.len()) % 23) as f32 / 46.0 - 0.25;
        let numbers = (0..shape.iter().product()).map(number);
        Vec::from_iter(numbers.flat_map(f32::to_le_bytes))
    });
    let views = shapes.iter().zip(&bytes).map(|((name, shape), bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
        (*name, view)
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

const SAID: &str = "--activation relu --loss ce";

#[test]
fn every_format_takes_it_and_says_what_is_missing() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    save(&folder.join("net.safetensors"));
    for format in ["onnx", "numpy", "pytorch", "c", "json"] {
        let line = format!("export net.safetensors --to {format} --data-dir own");
        let (_, stderr) = run(folder, &line, 1);
        assert!(stderr.contains("say what its shapes do not"), "{stderr}");
        let (stdout, _) = run(folder, &format!("{line} {SAID}"), 0);
        assert!(stdout.contains("all 418 parameters"), "{format}: {stdout}");
    }
}

#[test]
fn it_is_measured_drawn_and_compared_with_ours_or_refused_in_words() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    save(&folder.join("net.safetensors"));
    let own = "--data-dir own";
    let train = format!("train --hidden 6 --valid 300 --epochs 1 --quiet {own}");
    run(folder, &train, 0);
    let eval = json(
        folder,
        &format!("eval net.safetensors {SAID} {own} --json"),
        0,
    );
    let compared = format!("compare model.bin net.safetensors {SAID} {own} --json");
    let compared = json(folder, &compared, 0);
    assert_eq!(compared["accuracies"][1], eval["accuracy"]);
    let plot = format!("plot net.safetensors {SAID} {own} --format svg");
    let (stdout, _) = run(folder, &plot, 0);
    assert!(
        stdout.contains("confusion.svg") && stdout.contains("weights.svg"),
        "{stdout}"
    );
    for (line, code, words) in [
        ("plot net.safetensors", 1, "say what its shapes do not"),
        (
            "compare model.bin net.safetensors",
            1,
            "say what its shapes do not",
        ),
        (
            "compare model.bin model.bin --activation relu",
            2,
            "says itself",
        ),
        (
            "gradcheck --model net.safetensors",
            1,
            "can be used with mlp eval",
        ),
        (
            "export-batch net.safetensors",
            1,
            "can be used with mlp eval",
        ),
    ] {
        let (_, stderr) = run(folder, &format!("{line} {own}"), code);
        assert!(stderr.contains(words), "{line}: {stderr}");
    }
    let line = format!("train --hidden 6 --valid 300 --epochs 1 --quiet {own} --run r --out r.bin");
    run(folder, &line, 0);
    let (_, stderr) = run(folder, "plot r --activation relu", 2);
    assert!(stderr.contains("leave them out for runs"), "{stderr}");
}
