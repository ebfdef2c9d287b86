//! `mlp learn watch`: a check on every save.

use std::{
    collections::HashMap,
    io::Write,
    path::PathBuf,
    thread,
    time::{Duration, SystemTime},
};

use mlp::learn::{Exercise, exercises};

use super::{
    DirArg, RunArgs,
    checker::Verdict,
    folder::{Folder, Progress},
    print,
};
use crate::cli::terminal::{
    Outcome,
    interrupt::{self, Interrupted},
    output::{BOLD, DIM, Output, complain, named},
};

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_millis(200);

/// Check an exercise whenever its file is saved, until Ctrl-C
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mlp learn watch
  mlp learn watch --timeout 60    where the machine is slow")]
pub(super) struct Watch {
    #[command(flatten)]
    dir: DirArg,

    #[command(flatten)]
    run: RunArgs,
}

impl Watch {
    /// Checks the first exercise that is open, then whichever is saved; goes on to the next when one passes.
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<Outcome> {
        interrupt::hold();
        let mut folder = Folder::find(self.dir.dir.as_deref())?;
        let mnist = || self.run.mnist();
        let path = folder.path.clone();
        let mut seen = times(&folder);
        let mut now = first_open(&folder);
        if let Some(exercise) = now {
            tell_open(&folder, exercise, out)?;
        }
        loop {
            if let Some(exercise) = now.take() {
                let mut checker = self.run.checker(&path, &mnist);
                let file = folder.file(exercise);
                match checker.check(exercise, folder.language, &file) {
                    Ok(checked) => {
                        folder.checked(exercise, &checked.source, checked.passed());
                        folder.keep();
                        print::checked(&checked, out)?;
                        if checked.passed() {
                            match first_open(&folder) {
                                Some(next) => tell_open(&folder, next, out)?,
                                None => {
                                    writeln!(out, "\nall {} have passed", exercises().len())?;
                                    out.flush()?;
                                    interrupt::release()?;
                                    return Ok(Outcome::Done);
                                }
                            }
                        } else if !matches!(checked.verdict, Verdict::Unwritten) {
                            writeln!(
                                out,
                                "{DIM}   for help: mlp learn hint {}{DIM:#}",
                                exercise.number
                            )?;
                        }
                    }
                    Err(error) if error.is::<Interrupted>() => return Err(error),
                    // The file may be away for a moment while it is saved.
                    Err(error) => complain(format_args!("{error:#}")),
                }
                out.flush()?;
            }
            while now.is_none() {
                if interrupt::asked() {
                    anyhow::bail!(Interrupted(
                        "your files are as they were; the progress is kept".into()
                    ));
                }
                thread::sleep(PERIOD);
                let times = times(&folder);
                now = exercises().iter().find(|exercise| {
                    let file = folder.file(exercise);
                    times
                        .get(&file)
                        .is_some_and(|time| seen.get(&file) != Some(time))
                });
                seen = times;
            }
        }
    }
}

fn tell_open(folder: &Folder, exercise: &Exercise, out: &mut Output) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n{BOLD}{:02} {}{BOLD:#}: {}. Write it in {}; it is checked on every save {DIM}(Ctrl-C ends){DIM:#}",
        exercise.number,
        exercise.name,
        exercise.title,
        named(&folder.file(exercise))
    )?;
    out.flush()?;
    Ok(())
}

fn first_open(folder: &Folder) -> Option<&'static Exercise> {
    let mut all = exercises().iter();
    all.find(|exercise| folder.progress(exercise) != Progress::Passed)
}

/// When each file was last written.
fn times(folder: &Folder) -> HashMap<PathBuf, SystemTime> {
    let each = exercises().iter().filter_map(|exercise| {
        let file = folder.file(exercise);
        let time = file
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()?;
        Some((file, time))
    });
    each.collect()
}
