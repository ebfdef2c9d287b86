//! The program as a user runs it, with nothing of the caller's environment but the official data.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// The committed data folder.
pub const DATA_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// `mlp` with the words of `line`, in the folder `dir`, offline.
pub fn command(dir: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mlp"));
    command
        .args(line.split_whitespace())
        .current_dir(dir)
        .env_clear()
        .env("MLP_DATA_DIR", DATA_DIR)
        .env("MLP_OFFLINE", "1");
    command
}

/// Starts the program and leaves its stdout and stderr to the test.
pub fn start(dir: &Path, line: &str) -> Child {
    let mut command = command(dir, line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Sends a signal, such as `-INT`, which is Ctrl-C; `-INT -INT` twice.
pub fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    // One command, so that what comes twice comes in a moment.
    let times = signal.split(' ').count();
    let name = signal.split(' ').next().expect("a signal");
    let status = Command::new("kill")
        .arg(name)
        .args(vec![&id; times])
        .status();
    assert!(status.unwrap().success());
}

/// Runs a command and returns (stdout, stderr), after a look at the exit code.
#[track_caller]
pub fn texts(command: &mut Command, code: i32) -> (String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(
        output.status.code() == Some(code) && !stderr.contains("panicked"),
        "{command:?}\n{}, expected {code} and no panic\n{stdout}\n{stderr}",
        output.status
    );
    (stdout, stderr)
}

/// Runs the program as [`command`] makes it and returns (stdout, stderr), after a look at the exit code.
#[track_caller]
pub fn run(dir: &Path, line: &str, code: i32) -> (String, String) {
    texts(&mut command(dir, line), code)
}

/// As [`run`], of a program that prints one JSON value.
#[track_caller]
pub fn json(dir: &Path, line: &str, code: i32) -> Value {
    let (stdout, _) = run(dir, line, code);
    match serde_json::from_str(&stdout) {
        Ok(value) => value,
        Err(error) => panic!("{line}: {error} in {stdout}"),
    }
}

/// The JSON values in a text, one a line.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<Value> {
    match text.lines().map(serde_json::from_str).collect() {
        Ok(values) => values,
        Err::<_, serde_json::Error>(error) => panic!("{error} in {text}"),
    }
}
