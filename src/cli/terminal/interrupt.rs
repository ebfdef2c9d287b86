//! Ctrl-C: ends the process at once, or asks the work to stop where something would be left half done.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context;

use crate::cli::terminal::output::{BAD, stderr};

static ASKED: AtomicBool = AtomicBool::new(false);
static HELD: AtomicBool = AtomicBool::new(false);

/// Exit code after an interrupt: 128 + SIGINT, as shells report it.
pub const EXIT_CODE: u8 = 130;

/// The work was stopped by Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: {0}")]
pub struct Interrupted(pub String);

/// Listens for Ctrl-C from now on. Call once.
pub fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        let again = ASKED.swap(true, Ordering::Relaxed);
        if again || !HELD.load(Ordering::Relaxed) {
            // A progress bar may stand on this line.
            let clear = match io::stderr().is_terminal() {
                true => "\r\x1b[2K",
                false => "",
            };
            let _ = writeln!(stderr(), "{clear}{BAD}error:{BAD:#} interrupted");
            std::process::exit(i32::from(EXIT_CODE));
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// From now on the first Ctrl-C only asks, and the work looks at [`asked`]; the second ends the process.
pub fn hold() {
    HELD.store(true, Ordering::Relaxed);
}

/// Nothing can be left half done any more: Ctrl-C ends the process at once. An error if it has come already.
pub fn release() -> Result<(), Interrupted> {
    HELD.store(false, Ordering::Relaxed);
    match asked() {
        true => Err(Interrupted("run the command again".into())),
        false => Ok(()),
    }
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
