//! The report of `mlp data`, as a table and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use mlp::{
    data::{
        self, DataError, FileKind,
        inspect::{FileReport, mismatches},
        source::Form,
    },
    files::dataset,
};

use crate::cli::{
    args::data::DataDir,
    terminal::{
        Outcome, hints,
        output::{BAD, BOLD, DIM, GOOD, Output, WARN, named, next_step, thousands},
        shell::train_command,
    },
};

/// Prints a line a file, the label counts, and then what is wrong, with its mend.
pub fn table(dir: &DataDir, files: &[FileReport], out: &mut Output) -> anyhow::Result<Outcome> {
    let sound = files.iter().filter(|file| file.verdict.is_ok()).count();
    let official = files.iter().filter(|file| file.is_official()).count();
    writeln!(
        out,
        "{BOLD}{}{BOLD:#}: of 4 files {sound} sound, {official} official\n",
        named(&dir.path())
    )?;
    let names: Vec<_> = files.iter().map(name).collect();
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    writeln!(
        out,
        "{DIM}  {:width$}  {:<5} {:>10}  {:<6}  {:<12}  checksum{DIM:#}",
        "file", "form", "bytes", "magic", "shape"
    )?;
    for (file, name) in files.iter().zip(&names) {
        write!(
            out,
            "  {name:width$}  {:<5} {:>10}  ",
            form(file),
            file.bytes.map_or("-".into(), thousands)
        )?;
        match &file.verdict {
            Ok(checked) => {
                let header = checked.content.header;
                let dims = header
                    .dims
                    .map_or(String::new(), |[r, c]| format!("x{r}x{c}"));
                write!(
                    out,
                    "0x{:04x}  {:<12}  ",
                    header.magic,
                    format!("{}{dims}", header.count)
                )?;
                if file.is_official() {
                    writeln!(out, "{GOOD}official{GOOD:#}")?;
                } else {
                    writeln!(out, "{WARN}not official{WARN:#}")?;
                }
            }
            Err(DataError::Missing { .. }) => writeln!(out, "{:<20}  {BAD}missing{BAD:#}", "")?,
            Err(_) => writeln!(out, "{:<20}  {BAD}broken{BAD:#}", "")?,
        }
    }
    histograms(files, out)?;
    for file in files {
        for note in &file.notes {
            writeln!(out, "\n{WARN}note:{WARN:#} {}: {note}", name(file))?;
        }
        if let (Ok(checked), false) = (&file.verdict, file.is_official()) {
            writeln!(
                out,
                "\n{WARN}note:{WARN:#} {}: sound, but not MNIST's official content: usable\n  SHA-256 {}",
                name(file),
                checked.content.sha256
            )?;
        }
    }

    let missing = missing(files);
    let mismatches = mismatches(files);
    let missing = (!missing.is_empty()).then(|| DataError::Missing {
        dir: dir.path(),
        files: missing,
    });
    let broken = files.iter().filter_map(broken);
    let errors: Vec<_> = broken.chain(&mismatches).chain(&missing).collect();
    for error in &errors {
        writeln!(out, "\n{BAD}error:{BAD:#} {error}")?;
        if let Some(mend) = hints::data(error) {
            writeln!(out, "  {BOLD}mend:{BOLD:#} {mend}")?;
        }
    }
    if !errors.is_empty() {
        return Ok(Outcome::Failed);
    }
    let contents = files.iter().filter_map(|file| file.verdict.as_ref().ok());
    let contents = contents.map(|checked| &*checked.content.sha256);
    let checksum = data::checksum(contents);
    if official < files.len()
        && let Some(known) = dataset::known_as(&dir.path(), &checksum)
    {
        writeln!(
            out,
            "\n{WARN}note:{WARN:#} this is {known}, not MNIST; its classes have its names"
        )?;
    }
    out.flush()?;
    next_step(train_command(&dir.flag()));
    Ok(Outcome::Done)
}

/// Prints one JSON object: everything the table says, and the checksums.
pub fn json(dir: &DataDir, files: &[FileReport], out: &mut Output) -> anyhow::Result<Outcome> {
    let mismatches: Vec<_> = mismatches(files).iter().map(|e| e.to_string()).collect();
    let ok = files.iter().all(|file| file.verdict.is_ok()) && mismatches.is_empty();
    let report = json!({
        "data": dir.path().display().to_string(),
        "ok": ok,
        "files": files.iter().map(file_json).collect::<Vec<_>>(),
        "mismatches": mismatches,
    });
    out.json(report)?;
    Ok(if ok { Outcome::Done } else { Outcome::Failed })
}

fn file_json(file: &FileReport) -> Value {
    let mut object = json!({
        "file": file.kind.name(),
        "path": file.path.as_ref().map(|path| path.display().to_string()),
        "form": file.form.map(|form| match form { Form::Raw => "raw", Form::Gzip => "gzip" }),
        "bytes": file.bytes,
        "notes": file.notes,
    });
    let more = match &file.verdict {
        Ok(checked) => json!({
            "state": "sound",
            "official": file.is_official(),
            "sha256": checked.sha256,
            "content_sha256": checked.content.sha256,
            "magic": checked.content.header.magic,
            "count": checked.content.header.count,
            "rows": checked.content.header.dims.map(|d| d[0]),
            "cols": checked.content.header.dims.map(|d| d[1]),
            "labels": checked.content.histogram,
        }),
        Err(error) => json!({
            "state": if matches!(error, DataError::Missing { .. }) { "missing" } else { "broken" },
            "fault": error.to_string(),
            "mend": hints::data(error),
        }),
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// How many labels of each digit, in the training and in the test file.
fn histograms(files: &[FileReport], out: &mut Output) -> io::Result<()> {
    let rows: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file.kind, file.verdict.as_ref().ok()?.content.histogram?)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let digits: String = (0..10).map(|digit| format!("{digit:>7}")).collect();
    writeln!(out, "\n{DIM}  label{digits}{DIM:#}")?;
    for (kind, counts) in rows {
        let part = if kind == FileKind::TrainLabels {
            "train"
        } else {
            "test"
        };
        let counts: String = counts
            .map(|n| format!("{:>7}", thousands(n.into())))
            .concat();
        writeln!(out, "  {part:<5}{counts}")?;
    }
    Ok(())
}

fn broken(file: &FileReport) -> Option<&DataError> {
    file.verdict
        .as_ref()
        .err()
        .filter(|e| !matches!(e, DataError::Missing { .. }))
}

fn missing(files: &[FileReport]) -> Vec<FileKind> {
    let is_missing = |f: &&FileReport| matches!(f.verdict, Err(DataError::Missing { .. }));
    files.iter().filter(is_missing).map(|f| f.kind).collect()
}

fn name(file: &FileReport) -> String {
    let name = file.path.as_ref().and_then(|path| path.file_name());
    name.map_or(file.kind.name().into(), |name| {
        name.to_string_lossy().into_owned()
    })
}

fn form(file: &FileReport) -> &'static str {
    match file.form {
        Some(Form::Raw) => "raw",
        Some(Form::Gzip) => "gzip",
        None => "-",
    }
}
