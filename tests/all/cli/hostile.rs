//! Files that come from elsewhere: they may not harm, whatever is in them.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
};

use mlp::{
    data::{Spec, batch::Preprocessing},
    files::model::Metadata,
    loss::LossKind,
    nn::Architecture,
    train::Settings,
};
use serde_json::{Value, json};

use crate::support::{own_data::folder_of_quarters, program::run};

/// A sound model of 1x1 images with so many hidden units, all weights 0: a file with holes.
fn wide_model(path: &Path, hidden: usize) {
    let layers = [1, hidden, 10];
    let spec = Spec {
        rows: 1,
        cols: 1,
        ..Spec::default()
    };
    let metadata = Metadata {
        images: spec,
        ..Metadata::new(
            Architecture::relu(&layers),
            LossKind::Ce,
            Preprocessing::UNIT,
            Settings::default(),
        )
    };
    let metadata = serde_json::to_string(&metadata).unwrap();
    let mut header: HashMap<String, Value> = HashMap::new();
    header.insert("__metadata__".into(), json!({ "mlp": metadata }));
    let mut end = 0;
    for (module, io) in [0, 2].into_iter().zip(layers.windows(2)) {
        for (name, shape) in [("weight", vec![io[1], io[0]]), ("bias", vec![io[1]])] {
            let start = end;
            end += 4 * shape.iter().product::<usize>();
            let tensor = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
            header.insert(format!("{module}.{name}"), tensor);
        }
    }
    let header = serde_json::to_string(&header).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes())
        .unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len((8 + header.len() + end) as u64).unwrap();
}

#[test]
fn a_model_too_wide_for_the_memory_is_refused_in_words() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    // 240 MB, which take 10 GB or more.
    wide_model(&dir.join("wide.bin"), 5_000_000);
    // 960 MB, which take as much in `f64`.
    wide_model(&dir.join("wider.bin"), 20_000_000);
    for line in [
        "eval wide.bin --data-dir own",
        "plot wide.bin --data-dir own",
        "explain wider.bin --data-dir own",
        "gradcheck --model wider.bin --data-dir own",
        "export-batch wider.bin --batch-size 64 --data-dir own",
    ] {
        let (_, stderr) = run(dir, line, 1);
        assert!(
            stderr.contains("the model is too wide for this command"),
            "{line}: {stderr}"
        );
    }
    for line in [
        "compare wide.bin wide.bin --data-dir own",
        "eval wide.bin wide.bin --data-dir own",
    ] {
        let (_, stderr) = run(dir, line, 1);
        assert!(
            stderr.contains("the models are too wide to be used together"),
            "{line}: {stderr}"
        );
    }
}

#[test]
fn a_picture_larger_than_any_is_not_read() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    run(dir, "train --quiet --hidden 4 --epochs 1 --data-dir own", 0);
    let file = File::create(dir.join("huge.png")).unwrap();
    file.set_len(1 << 40).unwrap();
    let (_, stderr) = run(dir, "explain model.bin --image huge.png", 1);
    assert!(
        stderr.contains("huge.png: 1099511627776 bytes, expected"),
        "{stderr}"
    );
}

/// Other systems refuse such names themselves.
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_no_obstacle_to_json() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    use crate::support::program::{command, texts};

    let folder = folder_of_quarters();
    let dir = folder.path();
    run(dir, "train --quiet --hidden 4 --epochs 1 --data-dir own", 0);
    let odd = OsStr::from_bytes(b"m\xff.bin");
    std::fs::rename(dir.join("model.bin"), dir.join(odd)).unwrap();
    for (line, names) in [
        ("eval --json", 1),
        ("eval --json", 2),
        ("compare --json", 2),
    ] {
        let mut command = command(dir, line);
        command.args(vec![odd; names]).args(["--data-dir", "own"]);
        let (stdout, _) = texts(&mut command, 0);
        let shown: Value = serde_json::from_str(&stdout).unwrap();
        assert!(shown.to_string().contains("m\u{fffd}.bin"), "{stdout}");
    }
    for line in ["gradcheck --json --model", "explain --json"] {
        let mut command = command(dir, line);
        command.arg(odd).args(["--data-dir", "own"]);
        let (stdout, _) = texts(&mut command, 0);
        serde_json::from_str::<Value>(&stdout).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    fs::write(folder.path().join("model.bin"), "").unwrap();
    for line in [
        "eval pipe",
        "plot pipe",
        "explain pipe",
        "explain --net pipe",
        "gradcheck --net pipe",
        "compare pipe model.bin",
    ] {
        let (_, stderr) = run(folder.path(), line, 1);
        assert!(
            stderr.contains("pipe: not a regular file"),
            "{line}: {stderr}"
        );
    }
}
