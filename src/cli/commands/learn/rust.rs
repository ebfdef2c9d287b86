//! A student's file in Rust: the package around it, and how it is compiled and run.

use std::{
    ffi::OsStr,
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context;
use mlp::learn::{Exercise, Language, exercises};

use super::{
    folder::write,
    sandbox::{self, Limits, Ran},
};
use crate::cli::terminal::{
    output::{line, named},
    progress::busy,
};

/// What belongs to the package and not to the student, in the folder.
const OURS: &str = ".mlp";

/// Makes a folder a package, with a program for each exercise.
pub fn package(folder: &Path) -> anyhow::Result<()> {
    const MANIFEST: &str = "\
# Made by `mlp learn init`: one program for each exercise, run by `mlp learn check`.
[package]
name = \"mlp-learn\"
version = \"0.0.0\"
edition = \"2024\"
publish = false

[dependencies]
ndarray = \"0.17\"

# Fast enough to train, and quick to compile; wrong indices and overflows are still caught.
[profile.dev]
opt-level = 2
debug = \"line-tables-only\"

[workspace]
";
    const RUN: &str = include_str!("../../../learn/harness/run.rs");
    const DRIVERS: &str = include_str!("../../../learn/harness/drivers.rs");
    let ours = folder.join(OURS);
    fs::create_dir_all(&ours).with_context(|| named(&ours))?;
    let mut manifest = MANIFEST.to_owned();
    for exercise in exercises() {
        let stem = exercise.stem();
        manifest += &format!("\n[[bin]]\nname = \"e{stem}\"\npath = \"{OURS}/{stem}.rs\"\n");
    }
    let cargo = folder.join("Cargo.toml");
    if !cargo.exists() {
        write(&cargo, manifest.as_bytes())?;
    }
    write_if_other(&folder.join(".gitignore"), "target\n")?;
    write_if_other(&ours.join("run.rs"), RUN)?;
    write_if_other(&ours.join("drivers.rs"), DRIVERS)?;
    for exercise in exercises() {
        let file = Path::new("..").join(exercise.file_name(Language::Rust));
        program(&ours, exercise, &file)?;
    }
    Ok(())
}

/// The program around the file of an exercise.
fn program(ours: &Path, exercise: &Exercise, file: &Path) -> anyhow::Result<()> {
    let text = format!(
        "#![allow(dead_code, unused, missing_docs)]\n\
         #[macro_use]\n#[path = \"drivers.rs\"]\nmod drivers;\n\
         #[path = {:?}]\nmod exercise;\n\
         #[path = \"run.rs\"]\nmod run;\n\n\
         fn main() {{\n    run::main(driver!({}));\n}}\n",
        file.to_string_lossy(),
        exercise.name
    );
    write_if_other(&ours.join(format!("{}.rs", exercise.stem())), &text)
}

/// Leaves a file alone that says the same already, so that nothing is compiled again.
fn write_if_other(path: &Path, text: &str) -> anyhow::Result<()> {
    match fs::read_to_string(path) {
        Ok(there) if there == text => Ok(()),
        _ => write(path, text.as_bytes()),
    }
}

/// Compiles the file of an exercise and runs it; an inner error is what the compiler says.
pub fn run(
    folder: &Path,
    exercise: &Exercise,
    file: &Path,
    [asked, answered]: [&Path; 2],
    limits: &Limits,
) -> anyhow::Result<Result<Ran, String>> {
    let folder = std::path::absolute(folder)?;
    let file = std::path::absolute(file)?;
    package(&folder)?;
    if file.parent() != Some(&folder) {
        program(&folder.join(OURS), exercise, &file)?;
    }
    let name = format!("e{}", exercise.stem());
    let target = folder.join("target");
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "build",
            "--quiet",
            "--color",
            "never",
            "--bin",
            &name,
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(&folder)
        .stdin(Stdio::null());
    if !std::io::stderr().is_terminal() {
        line(format_args!(
            "compiling {}",
            exercise.file_name(Language::Rust)
        ));
    }
    let built = busy("compiling", || cargo.output());
    let built = built.context("cargo cannot be run: exercises in Rust need Rust's own tools")?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        return Ok(Err(said.replace(&format!("{OURS}/../"), "")));
    }
    let program: PathBuf = target
        .join("debug")
        .join(name + std::env::consts::EXE_SUFFIX);
    let args = [asked.as_os_str(), answered.as_os_str()];
    let ran = sandbox::run(OsStr::new(&program), &args, &folder, limits, None)?;
    Ok(Ok(ran))
}
