//! `mlp train --checkpoint` and `--resume` as a user runs them, and as a machine that dies does.

use std::{fs, path::Path};

use tempfile::{TempDir, tempdir};

use crate::support::{
    mnist_files::{assert_says, black_images, names_in},
    program::{json_lines, run},
};

/// Two epochs of 5,000 images, with a best network.
const LINE: &str = "train --hidden 8 --epochs 2 --valid 55000 --best best.bin";

/// model.bin and best.bin.
fn models(dir: &Path) -> [Vec<u8>; 2] {
    ["model.bin", "best.bin"].map(|name| fs::read(dir.join(name)).unwrap())
}

/// A folder with a finished run in `run`.
fn finished() -> TempDir {
    let folder = tempdir().unwrap();
    let line = format!("{LINE} --checkpoint run --checkpoint-every 1");
    run(folder.path(), &line, 0);
    folder
}

#[test]
fn checkpoints_change_no_byte_and_more_epochs_are_what_they_would_have_been() {
    let whole = tempdir().unwrap();
    run(whole.path(), &format!("{LINE} --epochs 4"), 0); // the last --epochs counts
    let folder = tempdir().unwrap();
    let often = "--checkpoint run --checkpoint-every 1ms";
    let (stdout, stderr) = run(folder.path(), &format!("{LINE} {often}"), 0);
    assert_says(&stdout, "kept in   run\n");
    assert_eq!(stderr, "next: mlp eval best.bin\n");
    let names = ["best.bin", "model.bin", "run"];
    assert_eq!(names_in(folder.path()), names);

    // Every setting and both files are those of the checkpoint.
    let line = "train --resume run --epochs 4 --threads 3";
    let (stdout, _) = run(folder.path(), line, 0);
    assert_says(&stdout, "784-8-10, ReLU, cross-entropy");
    assert_says(&stdout, "run, resumed after epoch 2\n");
    assert_says(&stdout, "\n    3  ");
    assert!(!stdout.contains("\n    2  "), "{stdout}");
    assert!(models(folder.path()) == models(whole.path()));
    assert_eq!(names_in(folder.path()), names);

    // A run that is over only saves its models again.
    fs::remove_file(folder.path().join("best.bin")).unwrap();
    let (stdout, stderr) = run(folder.path(), "train --resume run", 0);
    assert_says(&stderr, "the run was over already, after epoch 4");
    assert!(!stdout.contains("\n    4  "), "{stdout}");
    assert!(models(folder.path()) == models(whole.path()));
}

#[test]
fn patience_and_a_target_accuracy_end_the_run_and_say_so() {
    let folder = tempdir().unwrap();
    let line = "train --hidden none --valid 59000 --epochs 300 --lr 0.5 --best best.bin";
    let (stdout, _) = run(folder.path(), &format!("{line} --patience 2"), 0);
    assert_says(
        &stdout,
        ": 2 epochs in a row without a higher validation accuracy\n",
    );
    let lines: Vec<_> = stdout.lines().collect();
    let (model, best) = (lines[lines.len() - 2], lines[lines.len() - 1]);
    assert!(model.starts_with("saved model.bin ("), "{stdout}");
    assert!(best.starts_with("saved best.bin ("), "{stdout}");
    let (stdout, _) = run(folder.path(), "eval best.bin --split valid", 0);
    let accuracy = best.rsplit("validation ").next().unwrap();
    assert_says(&stdout, &format!("accuracy  {accuracy}"));

    let line = format!("{line} --target-accuracy 0.8 --json");
    let (stdout, _) = run(folder.path(), &line, 0);
    let lines = json_lines(&stdout);
    let [.., epoch, saved] = &lines[..] else {
        panic!("{stdout}")
    };
    assert_eq!(saved["end"], "target-accuracy");
    assert_eq!(saved["epochs"], epoch["epoch"]);
    assert_eq!(saved["best"]["epoch"], epoch["epoch"]);
    assert_eq!(epoch["best_valid_accuracy"], epoch["valid_accuracy"]);
    assert!(epoch["valid_accuracy"].as_f64().unwrap() >= 0.8);
    let mut before = lines[1..lines.len() - 2].iter();
    assert!(before.all(|epoch| epoch["valid_accuracy"].as_f64().unwrap() < 0.8));
}

#[test]
fn what_cannot_go_on_says_why_and_what_to_do() {
    let folder = finished();
    let dir = folder.path();
    let kept = models(dir);
    let other = black_images();
    let data = format!(
        "train --resume run --epochs 3 --data-dir {}",
        other.path().display()
    );
    for (line, code, expected) in [
        (
            "train --resume nowhere",
            1,
            "mlp train --checkpoint nowhere",
        ),
        ("train --resume model.bin", 1, "a file, expected the folder"),
        (
            "train --resume run --epochs 1",
            1,
            "choose at least --epochs 2",
        ),
        (&data, 1, "name their folder with --data-dir"),
        (
            "train --resume run --lr 0.1",
            2,
            "--lr cannot be used with --resume",
        ),
        (
            "train --resume run --hidden 8",
            2,
            "--hidden cannot be used",
        ),
        ("train --resume run --loss ce", 2, "--loss cannot be used"),
        (
            "train --resume run --valid 55000",
            2,
            "--valid cannot be used",
        ),
        (
            "train --resume run --augment simard2003",
            2,
            "--augment cannot",
        ),
        (
            "train --resume run --checkpoint run",
            2,
            "cannot be used with",
        ),
        (
            "train --checkpoint run",
            1,
            "go on from them with `mlp train --resume run`",
        ),
        (
            "train --checkpoint model.bin --out m.bin",
            1,
            "a file, expected the folder",
        ),
        ("train --checkpoint-every 5", 2, "--checkpoint <DIR>"),
        (
            "train --checkpoint new --checkpoint-every 5d",
            2,
            "such as 30s, 10m",
        ),
        ("train --patience 0", 2, "--patience"),
        ("train --target-accuracy 98", 2, "such as 0.98 for 98 %"),
        ("train --valid 0 --patience 3", 2, "--patience needs images"),
        ("train --valid 0 --best best.bin", 2, "--best needs images"),
        ("train --best model.bin", 2, "the same file"),
    ] {
        let (stdout, stderr) = run(dir, line, code);
        assert_eq!(stdout, "", "{line}");
        assert_says(&stderr, expected);
    }
    assert!(models(dir) == kept);
    assert_eq!(names_in(dir), ["best.bin", "model.bin", "run"]);

    // Cut off, the one before goes on; both cut off, nothing does.
    for (name, code, expected) in [
        ("checkpoint.safetensors", 0, "put aside, going on from"),
        ("checkpoint.safetensors", 1, "train again from the start"),
    ] {
        let path = dir.join("run").join(name);
        let bytes = fs::read(&path).unwrap();
        if code == 1 {
            let previous = dir.join("run/previous.safetensors");
            fs::write(previous, &bytes[..bytes.len() - 9]).unwrap();
        }
        fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
        let (_, stderr) = run(dir, "train --resume run", code);
        assert_says(&stderr, expected);
        assert!(models(dir) == kept);
    }
    run(dir, &format!("{LINE} --checkpoint run --force"), 0);
    run(dir, "train --resume run", 0);
    assert!(models(dir) == kept);
}

#[cfg(unix)]
mod killed {
    use std::{
        io::{BufRead, BufReader, Read},
        process::{Child, Command},
        thread::sleep,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::support::{
        mnist_files::official_dir,
        program::{signal, start, texts},
    };

    /// Starts a run and waits until it has printed a line that begins so.
    fn started(dir: &Path, line: &str, wait_for: &str) -> Child {
        let mut child = start(dir, line);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.starts_with(wait_for) {
            text.clear();
            if stdout.read_line(&mut text).unwrap() == 0 {
                let mut stderr = String::new();
                child.stderr.unwrap().read_to_string(&mut stderr).unwrap();
                panic!("{line} ended early: {stderr}");
            }
        }
        // Somebody must go on reading, or the run waits for room in the pipe.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        child
    }

    /// A few seconds of training, were it left alone.
    const LONG: &str =
        "train --hidden 30 --epochs 6 --valid 50000 --augment ciresan2010 --best best.bin";

    #[test]
    fn a_run_killed_at_random_moments_goes_on_to_the_same_bytes() {
        let whole = tempdir().unwrap();
        let start = Instant::now();
        run(whole.path(), LONG, 0);
        // So that it is killed often on a fast machine, too.
        let longest = start.elapsed().as_micros() as u64 / 10;
        let folder = tempdir().unwrap();
        let dir = folder.path();
        let often = "--checkpoint-every 20ms --threads";
        let mut line = format!("{LONG} --checkpoint run {often} 2");
        let mut killed = 0;
        let mut random = fastrand(killed);
        loop {
            let mut child = started(dir, &line, "epoch  train loss");
            sleep(Duration::from_micros(random() % longest));
            child.kill().unwrap(); // SIGKILL
            if child.wait().unwrap().success() {
                break;
            }
            killed += 1;
            assert!(killed < 1_000, "no progress");
            line = format!("train --resume run {often} {}", killed % 3 + 1);
        }
        assert!(killed >= 5, "killed {killed} times");
        assert!(models(dir) == models(whole.path()), "killed {killed} times");
        let parts = names_in(&dir.join("run"));
        assert_eq!(parts.len(), 3, "no half-written file is left: {parts:?}");
    }

    #[test]
    fn one_command_starts_a_run_or_goes_on_with_it_wherever_it_was_killed() {
        let whole = tempdir().unwrap();
        run(whole.path(), LINE, 0);
        let folder = tempdir().unwrap();
        let dir = folder.path();
        let line = format!("{LINE} --checkpoint run --resume --checkpoint-every 1ms --run run");
        for wait in 0..25 {
            let mut child = start(dir, &line);
            sleep(Duration::from_millis(4 * wait));
            child.kill().unwrap();
            child.wait().unwrap();
            if dir.join("run").exists() {
                let latest = dir.join("run/checkpoint.safetensors");
                assert!(latest.exists() || dir.join("run/previous.safetensors").exists());
            }
        }
        run(dir, &line, 0);
        assert!(models(dir) == models(whole.path()));
        let (_, stderr) = run(dir, &format!("{line} --quiet"), 0);
        assert_says(&stderr, "the run was over already, after epoch 2");
        run(dir, "plot run", 0);

        for (flags, says) in [
            (
                "--lr 0.2",
                "begun with --lr 0.1, and this command is with --lr 0.2",
            ),
            (
                "--momentum 0.9",
                "begun with --momentum 0.0, and this command is with --momentum 0.9",
            ),
            (
                "--hidden 9,9",
                "begun with --hidden 8, and this command is with --hidden 9,9",
            ),
            ("--augment simard2003", "begun without --augment"),
        ] {
            let (_, stderr) = run(dir, &format!("{line} {flags}"), 2);
            assert_says(&stderr, says);
        }
        for (line, says) in [
            ("train --resume", "--resume needs the folder of the run"),
            ("train --resume run --checkpoint run", "cannot be used with"),
        ] {
            let (_, stderr) = run(dir, line, 2);
            assert_says(&stderr, says);
        }
        assert!(models(dir) == models(whole.path()));
    }

    #[test]
    fn a_run_resumed_from_elsewhere_saves_where_it_was_to() {
        let folder = finished();
        let dir = folder.path();
        let other = dir.join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("model.bin"), "mine").unwrap();
        fs::write(other.join("best.bin"), "mine").unwrap();
        let kept = models(dir);
        let (stdout, _) = run(&other, "train --resume ../run --epochs 3", 0);
        let real = dir.canonicalize().unwrap();
        assert_says(
            &stdout,
            &format!("saved as  {}", real.join("model.bin").display()),
        );
        assert!(models(dir) != kept);
        assert_eq!(models(&other), [b"mine", b"mine"]);
        // Moved together, they stay together.
        let moved = dir.join("moved");
        fs::create_dir(&moved).unwrap();
        fs::rename(dir.join("run"), moved.join("run")).unwrap();
        run(dir, "train --resume moved/run --epochs 4", 0);
        assert_eq!(names_in(&moved), ["best.bin", "model.bin", "run"]);
    }

    #[test]
    fn a_checkpoint_names_no_model_of_another_run_to_be_lost() {
        let folder = finished();
        let dir = folder.path();
        run(
            dir,
            "train --hidden 3 --epochs 1 --valid 55000 --out model.bin",
            0,
        );
        let other = fs::read(dir.join("model.bin")).unwrap();
        let (_, stderr) = run(dir, "train --resume run --epochs 3", 1);
        assert_says(
            &stderr,
            "a model of another run is there: say --out for this place or another",
        );
        assert!(fs::read(dir.join("model.bin")).unwrap() == other);
        run(dir, "train --resume run --epochs 3 --out model.bin", 0);
        assert!(fs::read(dir.join("model.bin")).unwrap() != other);
    }

    /// Numbers that are others in every run of the test: moments are random anyway.
    fn fastrand(seed: u64) -> impl FnMut() -> u64 {
        let start = Instant::now();
        let mut state = seed;
        move || {
            let time = start.elapsed().as_nanos() as u64;
            state = (state ^ time)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
            state
        }
    }

    #[test]
    fn ctrl_c_keeps_a_checkpoint_and_the_command_that_it_says_goes_on() {
        let whole = tempdir().unwrap();
        run(whole.path(), LONG, 0);
        let folder = tempdir().unwrap();
        let dir = folder.path();
        let child = started(dir, &format!("{LONG} --checkpoint run"), "    2  ");
        signal(&child, "-INT");
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert_says(&stderr, "interrupted: stopped in epoch 3 after step ");
        assert_says(&stderr, " %); `mlp train --resume run` goes on");
        run(dir, "eval model.bin", 0);
        let (stdout, _) = run(dir, "train --resume run", 0);
        assert_says(&stdout, "run, resumed in epoch 3 after step ");
        assert!(models(dir) == models(whole.path()));
    }

    #[test]
    fn two_runs_cannot_write_to_the_same_folder() {
        let folder = tempdir().unwrap();
        let line = format!("{LINE} --checkpoint run").replace("--epochs 2", "--epochs 1000000");
        let mut child = started(folder.path(), &line, "    1  ");
        for line in [
            "train --checkpoint run --force",
            "train --checkpoint run --resume",
        ] {
            let (_, stderr) = run(folder.path(), &format!("{line} --out b.bin"), 1);
            assert_says(&stderr, "another run is writing its checkpoints there");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// As with a full disk, a file cannot grow above 40 kB: a model does not, a checkpoint does.
    #[test]
    fn a_checkpoint_that_cannot_be_written_leaves_the_one_before_and_training_goes_on() {
        let folder = finished();
        let dir = folder.path();
        let kept = fs::read(dir.join("run/checkpoint.safetensors")).unwrap();
        let full = |line: &str| {
            let binary = env!("CARGO_BIN_EXE_mlp");
            let script = format!("trap '' XFSZ; ulimit -f 80; exec '{binary}' {line}");
            let mut command = Command::new("sh");
            command
                .args(["-c", &script])
                .env("MLP_DATA_DIR", official_dir())
                .current_dir(dir);
            texts(&mut command, 1).1
        };
        let stderr = full("train --resume run --epochs 3 --checkpoint-every 1");
        assert_says(&stderr, "note: run/checkpoint.safetensors: File too large");
        assert_says(&stderr, "the one before is kept; training goes on");
        assert_says(
            &stderr,
            "the model is saved, but the last checkpoint could not be",
        );
        assert!(fs::read(dir.join("run/checkpoint.safetensors")).unwrap() == kept);
        assert_eq!(names_in(&dir.join("run")).len(), 3);
        let saved = models(dir);
        run(dir, "train --resume run --epochs 3", 0);
        assert!(models(dir) == saved);
    }
}
