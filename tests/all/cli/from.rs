//! `train --from`: the weights that training begins with.

use std::{fs, path::Path};

use mlp::{files::model, nn::Activation};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{
    own_data::folder_of_quarters,
    program::{json_lines, run},
};

const SMALL: &str = "--valid 300 --epochs 1 --data-dir own";

/// The first line of `--json`.
fn start(dir: &Path, line: &str) -> Value {
    let (stdout, _) = run(dir, &format!("{line} --json --quiet"), 0);
    json_lines(&stdout)[0].clone()
}

/// A model without the metadata of ours, as another program saves it.
fn foreign(model: &Path) -> Vec<u8> {
    let bytes = fs::read(model).unwrap();
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
    let (header, numbers) = rest.split_at(length);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    header.as_object_mut().unwrap().remove("__metadata__");
    let mut header = header.to_string();
    header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), numbers].concat()
}

/// A rate at which no weight changes: what is saved is what training began with.
const STILL: &str = "--lr 1e-45";

#[test]
fn training_begins_with_every_weight_of_the_model_and_its_file_says_of_which() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = "train --hidden 8,6 --activation tanh --lr 0.02";
    run(folder, &format!("{line} {SMALL} --quiet"), 0);
    let line = format!("train --from model.bin {SMALL} {STILL} --dropout 0.2 --seed 5 --out b.bin");
    let start = start(folder, &line);
    let bytes = fs::read(folder.join("model.bin")).unwrap();
    let sha256 = Sha256::digest(&bytes);
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(start["from"]["sha256"], sha256);
    assert_eq!(start["from"]["last_layer_fresh"], false);
    let [first, then] =
        ["model.bin", "b.bin"].map(|name| model::load::<f32>(&folder.join(name)).unwrap());
    assert!(first.network.values().eq(then.network.values()));
    assert_eq!(then.metadata.architecture.layers, [64, 8, 6, 4]);
    assert_eq!(then.metadata.architecture.activation, Activation::Tanh);
    assert_eq!(then.metadata.training.from_sha256, Some(sha256));
    assert_eq!(first.metadata.training.from_sha256, None);
    run(folder, "eval b.bin --data-dir own", 0);
}

#[test]
fn for_other_classes_the_last_layer_is_fresh_and_the_others_are_kept() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(folder, &format!("train --hidden 8 {SMALL} --quiet"), 0);
    let line = format!("train --from model.bin --positive 2 {SMALL} {STILL} --out two.bin");
    let (stdout, _) = run(folder, &line, 0);
    let said = "the last layer is fresh, of 1 output, not 4";
    assert!(stdout.contains(said), "{stdout}");
    let [first, then] =
        ["model.bin", "two.bin"].map(|name| model::load::<f32>(&folder.join(name)).unwrap());
    let pairs: Vec<_> = first.network.values().zip(then.network.values()).collect();
    assert!(pairs[..2].iter().all(|(a, b)| a == b));
    assert_eq!(pairs[3].1.dim(), (1, 1));
    // As many outputs, and other classes.
    let line = format!("train --from two.bin --positive 3 {SMALL} --out three.bin");
    assert_eq!(start(folder, &line)["from"]["last_layer_fresh"], true);
    let line = format!("train --from two.bin --positive 2 {SMALL} --out four.bin");
    assert_eq!(start(folder, &line)["from"]["last_layer_fresh"], false);
}

#[test]
fn a_model_of_another_program_is_taken_as_eval_takes_it() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(
        folder,
        &format!("train --hidden 8 --activation gelu {SMALL} --quiet"),
        0,
    );
    let file = folder.join("other.safetensors");
    fs::write(file, foreign(&folder.join("model.bin"))).unwrap();
    let line = format!("train --from other.safetensors {SMALL} --out b.bin");
    let (_, stderr) = run(folder, &line, 1);
    assert!(stderr.contains("--activation relu"), "{stderr}");
    let line = format!("{line} --activation gelu --normalize 0.5,0.25 {STILL}");
    assert_eq!(start(folder, &line)["from"]["last_layer_fresh"], false);
    let [first, then] =
        ["model.bin", "b.bin"].map(|name| model::load::<f32>(&folder.join(name)).unwrap());
    assert!(first.network.values().eq(then.network.values()));
    assert_eq!(then.metadata.preprocessing.shift, -2.0);
    // Its outputs are not for the loss to train with.
    let line = format!("{line} --loss mse --target digit");
    assert_eq!(start(folder, &line)["from"]["last_layer_fresh"], true);
}

#[test]
fn what_its_weights_do_not_fit_is_refused_in_words() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(folder, &format!("train --hidden 8,6 {SMALL} --quiet"), 0);
    for (flags, code, said) in [
        (
            "--hidden 5",
            2,
            "model.bin has --hidden 8,6, and its weights fit no other",
        ),
        (
            "--hidden none",
            2,
            "--hidden none: model.bin has --hidden 8,6",
        ),
        ("--recipe lesson", 2, "--hidden 8,6"),
        ("--activation tanh", 2, "were trained for relu"),
        ("--deslant", 2, "trained on images as they are"),
        ("--init zeros", 2, "nothing to initialise"),
        ("--normalize 0.1,0.3", 2, "leave out --normalize"),
        ("--recipe lesson", 2, "leave --recipe out"),
        ("--resume kept", 2, "cannot be used with --resume"),
    ] {
        let line = format!("train --from model.bin {SMALL} --out b.bin {flags}");
        let (_, stderr) = run(folder, &line, code);
        assert!(stderr.contains(said), "{flags}: {stderr}");
    }
    let (_, stderr) = run(folder, "train --from model.bin --out b.bin", 1);
    assert!(stderr.contains("8x8"), "{stderr}");
    let (_, stderr) = run(folder, "train --normalize 0.1,0.3", 2);
    assert!(stderr.contains("--from"), "{stderr}");
    let (_, stderr) = run(folder, "train --from none.bin", 1);
    assert!(stderr.contains("no such file"), "{stderr}");
    assert!(!folder.join("b.bin").exists());
}

#[test]
fn a_validation_accuracy_on_images_that_it_has_learned_from_is_doubted() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(folder, &format!("train --hidden 8 {SMALL} --quiet"), 0);
    let noted = |flags: &str| {
        let line = format!("train --from model.bin --epochs 1 --data-dir own --out b.bin {flags}");
        run(folder, &line, 0)
            .1
            .contains("validation accuracy is too high")
    };
    assert!(noted("--valid 301") && noted("--valid 300 --valid-random"));
    assert!(!noted("--valid 300") && !noted("--valid 20") && !noted("--valid 0"));
}

#[test]
fn one_command_for_a_scheduler_starts_from_a_model_and_goes_on() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    for (out, seed) in [("first.bin", 1), ("other.bin", 2)] {
        let line = format!("train --hidden 8,6 {SMALL} --seed {seed} --out {out} --quiet");
        run(folder, &line, 0);
    }
    let line = |from: &str, epochs: u32| {
        format!(
            "train {from} --checkpoint kept --resume --epochs {epochs} --valid 300 --data-dir own --quiet --lr 0.01"
        )
    };
    run(folder, &line("--from first.bin", 1), 0);
    run(folder, &line("--from first.bin", 3), 0);
    let again = fs::read(folder.join("model.bin")).unwrap();
    let whole = "train --from first.bin --epochs 3 --valid 300 --data-dir own --quiet --lr 0.01";
    run(folder, &format!("{whole} --out whole.bin"), 0);
    assert!(fs::read(folder.join("whole.bin")).unwrap() == again);
    let (_, stderr) = run(folder, &line("--from other.bin", 4), 2);
    assert!(stderr.contains("began with another model"), "{stderr}");
    assert!(fs::read(folder.join("model.bin")).unwrap() == again);
    let plain = format!("train --hidden 8,6 --checkpoint plain {SMALL} --quiet --out plain.bin");
    run(folder, &plain, 0);
    let (_, stderr) = run(folder, &format!("{plain} --resume --from first.bin"), 2);
    assert!(stderr.contains("began with no model"), "{stderr}");
}

#[test]
fn a_checkpoint_is_no_model_of_another_program() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(
        folder,
        &format!("train --hidden 4 --checkpoint c {SMALL} --quiet"),
        0,
    );
    let file = "c/checkpoint.safetensors";
    for line in [
        "train --from",
        "eval",
        "plot",
        "export --to c",
        "eval --loss ce",
    ] {
        let (_, stderr) = run(folder, &format!("{line} {file}"), 1);
        assert!(
            stderr.contains("a checkpoint of mlp") && stderr.contains("mlp train --resume c"),
            "{line}: {stderr}"
        );
    }
}
