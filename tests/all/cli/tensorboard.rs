//! `train --tensorboard` as a user runs it. scripts/check_tensorboard.py has the real TensorBoard.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{
    own_data::folder_of_quarters,
    program::{json_lines, run},
};

const TRAIN: &str = "train --data-dir own --hidden 8 --valid 300 --quiet";

/// The fields of a message: each with its number, and its value if it is a whole number or its bytes if it has a length.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (number, length) = match key & 7 {
            0 => (varint(&mut bytes), 0),
            1 => (0, 8),
            2 => (0, varint(&mut bytes) as usize),
            5 => (0, 4),
            kind => panic!("kind {kind}"),
        };
        let (value, rest) = bytes.split_at(length);
        bytes = rest;
        fields.push((key >> 3, number, value));
    }
    fields
}

fn field(bytes: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut found = fields(bytes).into_iter().filter(|f| f.0 == wanted);
    found.next().map(|(_, _, bytes)| bytes)
}

/// The event files of a folder, in the order in which they are read.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The events of a file.
fn events(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        events.push(&bytes[12..12 + length]);
        bytes = &bytes[16 + length..];
    }
    events
}

/// Step and value of every number under a tag.
fn scalars(files: &[Vec<u8>], tag: &str) -> Vec<(u64, f32)> {
    let mut found = Vec::new();
    for event in files.iter().flat_map(|file| events(file)) {
        let all = fields(event);
        let step = all.iter().find(|f| f.0 == 2).unwrap().1;
        let summaries = all.iter().filter(|f| f.0 == 5);
        for (_, _, value) in summaries.flat_map(|f| fields(f.2)) {
            if field(value, 1).unwrap() == tag.as_bytes() {
                let number = field(value, 2).expect("a number").try_into().unwrap();
                found.push((step, f32::from_le_bytes(number)));
            }
        }
    }
    found
}

#[test]
fn the_events_are_those_of_the_record_and_change_no_model() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(folder, &format!("{TRAIN} --epochs 2 --out plain.bin"), 0);
    run(
        folder,
        &format!("{TRAIN} --epochs 2 --tensorboard tb/a --run a"),
        0,
    );
    let bytes = |name: &str| fs::read(folder.join(name)).unwrap();
    assert!(bytes("plain.bin") == bytes("model.bin"));
    let text = fs::read_to_string(folder.join("a/run.jsonl")).unwrap();
    let lines = json_lines(&text);
    let epochs = lines.iter().filter(|line| line["event"] == "epoch");
    let epochs: Vec<&Value> = epochs.collect();
    assert_eq!(lines[0]["tensorboard"], "tb/a");
    let written = files(&folder.join("tb/a"));
    for (tag, place) in [
        ("loss/train", "/train_loss"),
        ("loss/valid", "/valid_loss"),
        ("accuracy/train", "/train_accuracy"),
        ("accuracy/valid", "/valid_accuracy"),
        ("learning_rate", "/learning_rate"),
        ("images_per_second", "/images_per_second"),
        ("gradient_norm/2", "/statistics/1/gradient_norm"),
    ] {
        let expected = epochs.iter().map(|epoch| {
            let value = epoch.pointer(place).unwrap().as_f64().unwrap();
            (epoch["epoch"].as_u64().unwrap(), value as f32)
        });
        assert_eq!(
            scalars(&written, tag),
            expected.collect::<Vec<_>>(),
            "{tag}"
        );
    }

    let line = format!("{TRAIN} --epochs 1 --seed 5 --tensorboard tb/a");
    let (_, stderr) = run(folder, &line, 1);
    assert!(
        stderr.contains("already holds the events of another run: choose another folder"),
        "{stderr}"
    );
    run(folder, &format!("{line} --force"), 0);
    assert_eq!(scalars(&files(&folder.join("tb/a")), "loss/train").len(), 1);
    let (_, stderr) = run(folder, &format!("{TRAIN} --tensorboard plain.bin"), 1);
    assert!(
        stderr.contains("a file, expected the folder of event files"),
        "{stderr}"
    );
    let line = format!("{TRAIN} --tensorboard tb --out tb");
    let (_, stderr) = run(folder, &line, 2);
    assert!(stderr.contains("that is where --tensorboard"), "{stderr}");
}

#[test]
fn a_checkpoint_knows_where_the_events_are() {
    let folder = folder_of_quarters();
    let folder = folder.path();
    run(
        folder,
        &format!("{TRAIN} --epochs 2 --tensorboard tb --checkpoint c"),
        0,
    );
    run(
        folder,
        "train --resume c --epochs 3 --data-dir own --quiet",
        0,
    );
    let written = files(&folder.join("tb"));
    assert_eq!(written.len(), 2);
    let steps = scalars(&written, "loss/train").into_iter().map(|s| s.0);
    assert_eq!(steps.collect::<Vec<_>>(), [1, 2, 3]);
}

#[cfg(unix)]
#[test]
fn a_folder_in_use_is_not_taken_and_a_file_that_is_gone_is_noticed() {
    use std::io::Read;

    use crate::support::program::start;

    let folder = folder_of_quarters();
    let folder = folder.path();
    let line = format!("{TRAIN} --epochs 2000 --tensorboard tb");
    let mut child = start(folder, &line);
    let entries = || fs::read_dir(folder.join("tb")).into_iter().flatten();
    while entries().next().is_none() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let other = format!("{TRAIN} --epochs 1 --tensorboard tb --force --out other.bin");
    let (_, stderr) = run(folder, &other, 1);
    assert!(
        stderr.contains("another run writes its events there"),
        "{stderr}"
    );
    for entry in entries() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    crate::support::program::signal(&child, "-INT");
    let mut said = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert!(said.contains("removed or replaced"), "{said}");
    assert!(said.contains("have a gap"), "{said}");
}
