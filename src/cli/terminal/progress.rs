//! Progress on stderr, drawn only on a terminal.

use std::{
    io::{self, IsTerminal},
    thread,
    time::Duration,
};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::cli::terminal::{charset, output::note};

/// A progress bar. `template` is indicatif's; `length` counts whatever the template shows.
pub fn progress_bar(length: u64, template: &str) -> ProgressBar {
    progress_bar_from(0, length, template)
}

/// As [`progress_bar`], with a part done before, which says nothing of the speed of what is to come.
pub fn progress_bar_from(done: u64, length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length).with_position(done);
    bar.set_draw_target(target());
    let style = ProgressStyle::with_template(template).expect("progress templates are constants");
    bar.set_style(match charset::symbols(io::stderr().is_terminal()) {
        true => style.progress_chars("━━ "),
        false => style.progress_chars("== ").tick_chars("|/-\\ "),
    });
    bar.tick();
    bar.reset_eta();
    keep_ticking(&bar);
    bar
}

/// Redraws the bar again and again until it is finished. Where the system allows no further thread, it moves
/// only when something is done: indicatif's own ticking would panic.
fn keep_ticking(bar: &ProgressBar) {
    const PERIOD: Duration = Duration::from_millis(200);
    if bar.is_hidden() {
        return;
    }
    let bar = bar.downgrade();
    let tick = move || {
        loop {
            thread::sleep(PERIOD);
            match bar.upgrade() {
                Some(bar) if !bar.is_finished() => bar.tick(),
                _ => return,
            }
        }
    };
    // Without the thread there is nothing to wait for.
    let _ = thread::Builder::new().spawn(tick);
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

/// Draws on a terminal alone.
fn target() -> ProgressDrawTarget {
    const REDRAWS_A_SECOND: u8 = 20;
    let term = Term::stderr();
    match term.features().is_attended() {
        true => ProgressDrawTarget::term_like_with_hz(Box::new(Narrow(term)), REDRAWS_A_SECOND),
        false => ProgressDrawTarget::hidden(),
    }
}

/// A terminal that keeps a few columns back: the `^C` that it shows for Ctrl-C would end up on a line of its
/// own behind a bar that fills one, and what clears the bar would clear that line instead.
#[derive(Debug)]
struct Narrow(Term);

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        let (_, columns) = self.0.size();
        columns.saturating_sub("^C^C".len() as u16).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
