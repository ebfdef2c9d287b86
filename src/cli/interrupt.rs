//! Ctrl-C: the first asks the work to stop tidily, the second ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Exit code after an interrupt: 128 + SIGINT, as shells report it.
pub const EXIT_CODE: u8 = 130;

/// The work was stopped by Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: {0}")]
pub struct Interrupted(pub String);

/// Listens for Ctrl-C from now on. Call once, before long work that can stop half-way.
pub fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(EXIT_CODE));
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
