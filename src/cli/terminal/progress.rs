//! Progress on stderr, drawn only on a terminal.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::terminal::{charset, output::note};

/// A progress bar. `template` is indicatif's; `length` counts whatever the template shows.
pub fn progress_bar(length: u64, template: &str) -> ProgressBar {
    progress_bar_from(0, length, template)
}

/// As [`progress_bar`], with a part done before, which says nothing of the speed of what is to come.
pub fn progress_bar_from(done: u64, length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length).with_position(done);
    let style = ProgressStyle::with_template(template).expect("progress templates are constants");
    bar.set_style(match charset::symbols(io::stderr().is_terminal()) {
        true => style.progress_chars("━━ "),
        false => style.progress_chars("== ").tick_chars("|/-\\ "),
    });
    bar.tick();
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Works with a sign of life.
pub fn busy<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let spinner = progress_bar(0, &format!("{{spinner}} {what} {{elapsed}}"));
    let result = work();
    spinner.finish_and_clear();
    result
}

/// A [`note`] above the bar.
pub fn note_above(bar: &ProgressBar, text: impl std::fmt::Display) {
    bar.suspend(|| note(text));
}
