//! The report of `mlp data` on data sets other than MNIST.

use std::{io::Write, path::Path};

use anyhow::bail;
use mlp::{
    data::{Dataset, Splits, oddities::oddities},
    files::dataset::{self, DatasetError, Seen},
};
use serde_json::{Value, json};

use crate::cli::{
    args::data::DataDir,
    terminal::{
        Outcome,
        describe::images_text,
        hints,
        output::{BAD, BOLD, DIM, Output, WARN, named, next_step, spelled, thousands},
        progress::busy,
        shell::{download_command, train_command},
    },
};

/// The most classes whose images are counted one by one.
const LISTED: usize = 64;

/// Reads the data set, and says what is seen there, what comes of it, and what is odd about it.
pub(super) fn report(dir: &DataDir, as_json: bool, out: &mut Output) -> anyhow::Result<Outcome> {
    let path = dir.path();
    if !path.exists() {
        match dir.named().by_hand() {
            Some(by_hand) => bail!("{}: not there yet: {by_hand} into it", path.display()),
            None => bail!(
                "{}: not there yet: run `{}`",
                path.display(),
                download_command(&path)
            ),
        }
    }
    let (seen, loaded) = busy("reading the data", || {
        (dataset::inspect(&path), dataset::load(&path))
    });
    if as_json {
        let report = json(&path, &seen, &loaded);
        out.json(report)?;
    } else {
        print(&path, &seen, &loaded, out)?;
    }
    out.flush()?;
    match loaded {
        Err(_) => Ok(Outcome::Failed),
        Ok(_) if as_json => Ok(Outcome::Done),
        Ok(data) => {
            let held = match data.test.is_empty() {
                true => format!(" --hold-test {}", (data.train.len() / 6).max(1)),
                false => String::new(),
            };
            next_step(train_command(&format!("{}{held}", dir.flag())));
            Ok(Outcome::Done)
        }
    }
}

fn print(
    path: &Path,
    seen: &[Seen],
    loaded: &Result<Splits, DatasetError>,
    out: &mut Output,
) -> std::io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}", named(path))?;
    for Seen { path, what, usable } in seen {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mark = if *usable { "" } else { "  (not used)" };
        let (name, what) = (spelled(&name), spelled(what));
        writeln!(out, "  {name}  {DIM}{what}{mark}{DIM:#}")?;
    }
    let data = match loaded {
        Ok(data) => data,
        Err(error) => {
            writeln!(out, "\n{BAD}error:{BAD:#} {}", spelled(&error.to_string()))?;
            if let Some(mend) = hints::dataset(error) {
                writeln!(out, "  {BOLD}mend:{BOLD:#} {mend}")?;
            }
            return Ok(());
        }
    };
    let spec = &data.train.spec;
    let count = |data: &Dataset| thousands(data.len() as u64);
    writeln!(
        out,
        "\n{}: {} to train on, {}",
        images_text(spec),
        count(&data.train),
        match data.test.is_empty() {
            true => "no test set (mlp train --hold-test holds one back)".to_owned(),
            false => format!("{} to test on", count(&data.test)),
        }
    )?;
    print_classes(data, out)?;
    for note in &data.notes {
        writeln!(out, "\n{WARN}note:{WARN:#} {}", spelled(note))?;
    }
    if data.train.is_sorted() {
        writeln!(
            out,
            "\n{WARN}note:{WARN:#} sorted by class: mlp train draws the validation images at random"
        )?;
    }
    let nothing = Dataset::empty(spec.clone());
    for oddity in oddities(&data.train, &nothing, &data.test) {
        writeln!(out, "\n{WARN}note:{WARN:#} {oddity}")?;
    }
    Ok(())
}

/// How many images there are of every class.
fn print_classes(data: &Splits, out: &mut Output) -> std::io::Result<()> {
    let names = &data.train.spec.classes;
    if names.len() > LISTED {
        return Ok(());
    }
    let wide = names.iter().map(|name| name.chars().count()).max();
    let wide = wide.unwrap_or(0).max(5);
    writeln!(
        out,
        "\n{DIM}  {:<wide$}  {:>8}  {:>8}{DIM:#}",
        "class", "train", "test"
    )?;
    let (train, test) = (data.train.histogram(), data.test.histogram());
    for (class, name) in names.iter().enumerate() {
        let [train, test] = [train[class], test[class]].map(|n| thousands(n as u64));
        writeln!(out, "  {name:<wide$}  {train:>8}  {test:>8}")?;
    }
    Ok(())
}

fn json(path: &Path, seen: &[Seen], loaded: &Result<Splits, DatasetError>) -> Value {
    let seen = seen.iter().map(|seen| {
        json!({ "path": seen.path.display().to_string(), "what": seen.what, "usable": seen.usable })
    });
    let seen: Vec<_> = seen.collect();
    let dir = path.display().to_string();
    match loaded {
        Err(error) => json!({
            "data": dir, "ok": false, "seen": seen, "fault": error.to_string(), "mend": hints::dataset(error),
        }),
        Ok(data) => {
            let spec = &data.train.spec;
            let nothing = Dataset::empty(spec.clone());
            let odd = oddities(&data.train, &nothing, &data.test).into_iter();
            let sorted = data.train.is_sorted();
            let notes = data
                .notes
                .iter()
                .cloned()
                .chain(odd.map(|odd| odd.to_string()));
            json!({
                "data": dir, "ok": true, "seen": seen, "rows": spec.rows, "cols": spec.cols,
                "classes": spec.classes, "train_images": data.train.len(), "test_images": data.test.len(),
                "train_labels": data.train.histogram(), "test_labels": data.test.histogram(),
                "sorted": sorted, "sha256": data.checksum, "notes": notes.collect::<Vec<_>>(),
            })
        }
    }
}
