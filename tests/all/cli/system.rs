//! What the system around the program allows, and what it says where that is too little.

use std::{fs, path::Path, process::Command};

use tempfile::tempdir;

use crate::support::{
    own_data::folder_of_quarters,
    program::{DATA_DIR, command, run, texts},
};

/// A network and an epoch that take a moment.
const SMALL: &str = "train --quiet --data-dir own --hidden none --epochs 1";

/// The program under a limit on its address space.
#[cfg(target_os = "linux")]
fn within(kilobytes: u32, dir: &Path, line: &str) -> Command {
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_mlp");
    shell
        .args([
            "-c",
            &format!("ulimit -v {kilobytes} && exec \"$0\" {line}"),
        ])
        .arg(program)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("MLP_DATA_DIR", DATA_DIR)
        .env("MLP_OFFLINE", "1");
    shell
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_an_error_with_sizes_and_the_limit() {
    let folder = folder_of_quarters();
    for (kilobytes, line, expected) in [
        (
            100_000,
            SMALL,
            &["reading the data takes 115 MB", "ulimit -v"],
        ),
        (
            600_000,
            "train --hidden 6000,6000",
            &["expected at most ", "leaves: choose a narrower --hidden"],
        ),
    ] {
        let (stdout, stderr) = texts(&mut within(kilobytes, folder.path(), line), 1);
        assert!(stdout.is_empty(), "{stdout}");
        for text in expected {
            assert!(stderr.contains(text), "{line}: {stderr}");
        }
    }
    // Nobody knows beforehand how much a picture takes: where memory ends, a sentence does, too.
    run(folder.path(), &format!("{SMALL} --out model.bin"), 0);
    let mut large = b"P5 8000 8000 255\n".to_vec();
    large.resize(large.len() + 64_000_000, 0);
    fs::write(folder.path().join("large.pgm"), large).unwrap();
    let line = "predict model.bin large.pgm";
    let (_, stderr) = texts(&mut within(150_000, folder.path(), line), 1);
    assert!(stderr.contains("memory"), "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn threads_that_do_not_fit_are_noted_and_the_work_goes_on() {
    let folder = folder_of_quarters();
    let line = format!("{SMALL} --threads 200");
    let (_, stderr) = texts(&mut within(500_000, folder.path(), &line), 0);
    assert!(stderr.contains(" of the 200 threads asked for"), "{stderr}");
    assert_eq!(stderr.matches("threads asked for").count(), 1, "{stderr}");
}

#[test]
fn threads_are_as_many_as_the_environment_and_the_system_say() {
    let folder = folder_of_quarters();
    let line = SMALL.replace("--quiet ", "");
    let said = |command: &mut Command| texts(command, 0).0;
    let variable = "OMP_NUM_THREADS";
    let mut three = command(folder.path(), &line);
    assert!(said(three.env(variable, "3")).contains(", 3 threads\n"));
    let mut two = command(folder.path(), &format!("{line} --threads 2"));
    assert!(said(two.env(variable, "3")).contains(", 2 threads\n"));
    // Where there is such a program: one processor is left.
    let mut one = Command::new("taskset");
    one.args(["-c", "0", env!("CARGO_BIN_EXE_mlp")])
        .args(line.split(' '))
        .current_dir(folder.path());
    if let Ok(output) = one.output()
        && output.status.success()
    {
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(", 1 thread\n"), "{text}");
    }
}

#[test]
fn a_proxy_in_the_way_is_named_with_its_variable() {
    let folder = tempdir().unwrap();
    let line = "data --download --data-dir here --mirror http://127.0.0.1:1/mnist";
    let mut command = command(folder.path(), line);
    let command = command
        .env_remove("MLP_OFFLINE")
        .env("HTTP_PROXY", "http://me:secret@127.0.0.1:1");
    let (_, stderr) = texts(command, 1);
    for text in [
        "through the proxy http://127.0.0.1:1 (HTTP_PROXY): ",
        "mend or unset HTTP_PROXY",
        "NO_PROXY",
    ] {
        assert!(stderr.contains(text), "{stderr}");
    }
    assert!(!stderr.contains("secret"), "{stderr}");
    let (_, stderr) = texts(command.env("NO_PROXY", "127.0.0.1"), 1);
    assert!(!stderr.contains("proxy"), "{stderr}");
}

#[test]
fn a_data_set_that_is_not_there_is_called_by_its_name() {
    let folder = tempdir().unwrap();
    for (name, title, how) in [
        ("fashion", "Fashion-MNIST", "--download --data fashion"),
        ("emnist-letters", "EMNIST Letters", "gzip.zip"),
    ] {
        let mut command = command(folder.path(), &format!("train --data {name}"));
        let (_, stderr) = texts(command.env("XDG_CACHE_HOME", folder.path()), 1);
        assert!(stderr.contains(title) && stderr.contains(how), "{stderr}");
        assert!(!stderr.contains("four MNIST files"), "{stderr}");
    }
}

#[test]
fn a_folder_that_nobody_would_name_so_is_refused_before_anything_is_made() {
    let folder = tempdir().unwrap();
    for (value, why) in [
        ("~/mnist", "write $HOME/mnist"),
        ("\"mnist\"", "quotes"),
        ("'mnist'", "quotes"),
        ("mnist\r", "control character"),
    ] {
        let mut by_variable = command(folder.path(), "data --download");
        let by_variable = by_variable.env_remove("MLP_OFFLINE");
        let (_, stderr) = texts(by_variable.env("MLP_DATA_DIR", value), 2);
        assert!(
            stderr.contains("MLP_DATA_DIR is ") && stderr.contains(why),
            "{stderr}"
        );
        let mut by_flag = command(folder.path(), "data --download --data-dir");
        let (_, stderr) = texts(by_flag.arg(value), 2);
        assert!(stderr.contains(why), "{stderr}");
    }
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing was made");
}

#[test]
fn the_cache_goes_before_the_clone_and_the_folder_at_hand_before_both() {
    let folder = tempdir().unwrap();
    let cache = folder.path().join("mlp/mnist");
    let found = |line: &str| {
        let mut command = command(folder.path(), line);
        command
            .env("MLP_DATA_DIR", "")
            .env("XDG_CACHE_HOME", folder.path());
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for (place, name) in [(&cache, "mlp/mnist"), (&folder.path().join("data"), "data")] {
        fs::create_dir_all(place).unwrap();
        fs::write(place.join("train-images-idx3-ubyte"), "").unwrap();
        let text = found("data");
        assert!(text.lines().next().unwrap().contains(name), "{text}");
    }
    let text = found("data");
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("data"), "{text}");
}

#[test]
fn an_empty_variable_says_nothing() {
    let folder = tempdir().unwrap();
    let mut empty = command(folder.path(), "data --offline");
    let empty = empty
        .env("MLP_DATA_DIR", "")
        .env("XDG_CACHE_HOME", folder.path());
    let (stdout, _) = texts(empty, 0);
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let clone = clone.display().to_string();
    assert!(stdout.contains(&clone), "{stdout}");
    let mut by_flag = command(folder.path(), "data --data-dir");
    let (_, stderr) = texts(by_flag.arg(""), 2);
    assert!(stderr.contains("expected a folder"), "{stderr}");
}

/// Every command that writes a file, without the place that it writes to.
const WRITERS: [&str; 8] = [
    "train --hidden none --epochs 1 --out",
    "train --hidden none --epochs 1 --best",
    "lr-find --svg",
    "export-batch model.bin --out",
    "predict model.bin three.pgm --show",
    "explain model.bin --svg",
    "explain model.bin --html",
    "augment-preview --out",
];

#[test]
fn every_output_is_checked_before_the_work() {
    let folder = folder_of_quarters();
    let dir = folder.path();
    run(dir, &format!("{SMALL} --out model.bin"), 0);
    fs::write(dir.join("three.pgm"), b"P5 2 2 255\n0123").unwrap();
    fs::create_dir(dir.join("folder")).unwrap();
    fs::write(dir.join("thesis.tex"), "years of work").unwrap();
    let mut places = vec![
        ("folder", "a folder"),
        ("thesis.tex", "already"),
        ("no/such/file", "no such folder"),
        ("~/file", "the shell has not replaced ~"),
    ];
    let root = Path::new("/no-such-folder-of-mlp/file");
    places.push((root.to_str().unwrap(), "no such folder"));
    if cfg!(unix) {
        unix_places(dir, &mut places);
    }
    for writer in WRITERS {
        for (place, why) in &places {
            let (stdout, stderr) = run(dir, &format!("{writer} {place}"), 1);
            let said = stderr.contains(why) || stderr.contains("is there already");
            assert!(said && stdout.is_empty(), "{writer} {place}: {stderr}");
        }
    }
    assert_eq!(fs::read(dir.join("thesis.tex")).unwrap(), b"years of work");
    // A folder of pictures is checked, and each of them.
    for (place, why) in [
        ("thesis.tex", "a file, expected a folder"),
        ("no/such/plots", "create it first"),
        ("~/plots", "the shell has not replaced ~"),
    ] {
        let (_, stderr) = run(dir, &format!("plot model.bin --out {place}"), 1);
        assert!(stderr.contains(why), "{place}: {stderr}");
    }
    fs::write(dir.join("folder/confusion.svg"), "mine").unwrap();
    let (_, stderr) = run(dir, "plot model.bin --out folder", 1);
    assert!(stderr.contains("not a picture"), "{stderr}");
    assert!(!root.parent().unwrap().exists() && !dir.join("~").exists());
}

/// A pipe, a link to nowhere and a read-only file.
fn unix_places(dir: &Path, places: &mut Vec<(&str, &str)>) {
    #[cfg(unix)]
    {
        let made = Command::new("mkfifo").arg(dir.join("pipe")).status();
        assert!(made.unwrap().success());
        std::os::unix::fs::symlink("gone", dir.join("link")).unwrap();
    }
    let path = dir.join("read-only");
    fs::write(&path, "").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    places.extend([
        ("pipe", "a device or a pipe"),
        ("/dev/null", "a device or a pipe"),
        ("link", "a symbolic link"),
        ("read-only", "is read-only"),
    ]);
}
