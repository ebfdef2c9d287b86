//! Ctrl-C and its kin: they end the process at once, or ask the work to stop where something would be left half done.
//!
//! On Unix these are SIGINT (Ctrl-C), SIGTERM (`docker stop`, `timeout`, schedulers) and SIGHUP (a closed terminal).
//! A handler runs on whatever thread is interrupted and needs none of its own; a signal that was ignored when the
//! program began stays so, as `nohup` and shells mean it. On Windows these are the events of the console.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::cli::terminal::output::BAD;

/// The number of the first signal that came; 0 before.
static ASKED: AtomicI32 = AtomicI32::new(0);
/// When it came, in milliseconds since [`BEGUN`].
static WHEN: AtomicU64 = AtomicU64::new(0);
static HELD: AtomicBool = AtomicBool::new(false);
/// Set before a signal is listened to.
static BEGUN: OnceLock<Begun> = OnceLock::new();

/// What a handler needs: made beforehand, for it must not allocate.
struct Begun {
    when: Instant,
    /// What is said of each signal in turn.
    words: [Vec<u8>; ALL.len()],
    /// What a terminal is told when the work is asked to end.
    asked: &'static [u8],
}

/// What is told where the work is ended at once.
static LAST_WORDS: OnceLock<Vec<u8>> = OnceLock::new();

/// What asks once may come twice: `timeout` tells the process and then its group, a shell that dies tells its jobs
/// and the system tells them again. Only what comes later than this is a second wish.
const ONE_WISH: Duration = Duration::from_millis(500);

/// A signal that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signal {
    number: i32,
    name: &'static str,
}

/// Their numbers are the same on every Unix.
const CTRL_C: Signal = Signal {
    number: 2,
    name: "",
};
const ALL: [Signal; 3] = [
    CTRL_C,
    Signal {
        number: 15,
        name: " by SIGTERM",
    },
    HANG_UP,
];
const HANG_UP: Signal = Signal {
    number: 1,
    name: " by SIGHUP",
};

/// The work was stopped by Ctrl-C or another signal.
#[derive(Debug, thiserror::Error)]
pub struct Interrupted(pub String);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted{}: {}", name(), self.0)
    }
}

/// Which signal it was, after a blank; nothing of Ctrl-C.
fn name() -> &'static str {
    let asked = ASKED.load(Ordering::Relaxed);
    let signal = ALL.iter().find(|signal| signal.number == asked);
    signal.map_or("", |signal| signal.name)
}

/// Exit code after an interrupt: 128 and the number of the signal, as shells report it.
pub fn exit_code() -> u8 {
    match ASKED.load(Ordering::Relaxed) {
        0 => 130,
        number => 128 + number as u8,
    }
}

/// Listens for signals from now on. Call once.
pub fn listen() -> anyhow::Result<()> {
    use std::io::IsTerminal;
    // A progress bar may stand on this line.
    let clear = match std::io::stderr().is_terminal() {
        true => "\r\x1b[2K",
        false => "",
    };
    let coloured = anstream::AutoStream::choice(&std::io::stderr());
    let error = match coloured {
        anstream::ColorChoice::Never => "error:".to_owned(),
        _ => format!("{BAD}error:{BAD:#}"),
    };
    let words =
        ALL.map(|signal| format!("{clear}{error} interrupted{}\n", signal.name).into_bytes());
    BEGUN.get_or_init(|| Begun {
        when: Instant::now(),
        words,
        asked: match clear {
            "" => b"",
            _ => b"\r\x1b[2Kending after this batch; once more ends it at once, without saving\n",
        },
    });
    system::listen()
}

/// Takes down that a signal came; ends the process if nothing is held, or if this is the second wish. Does nothing
/// that a handler must not do.
fn came(number: i32) {
    let Some(begun) = BEGUN.get() else { return };
    let now = begun.when.elapsed().as_millis() as u64;
    let order = Ordering::Relaxed;
    let first = ASKED.compare_exchange(0, number, order, order).is_ok();
    let held = HELD.load(order);
    if first {
        WHEN.store(now, order);
        if held {
            system::say(begun.asked);
        }
    }
    let again = !first
        && number != HANG_UP.number // a terminal is closed once, and tells so more than once
        && now >= WHEN.load(order) + ONE_WISH.as_millis() as u64;
    if again || !held {
        let said = ALL
            .iter()
            .zip(&begun.words)
            .find(|(signal, _)| signal.number == number);
        system::say(said.map_or(&[], |(_, words)| words));
        system::say(LAST_WORDS.get().map_or(&[], Vec::as_slice));
        system::end(128 + number)
    }
}

/// What a second signal, which ends the work at once, leaves: a line.
pub fn last_words(text: &str) {
    LAST_WORDS.get_or_init(|| format!("{text}\n").into_bytes());
}

/// From now on the first signal only asks, and the work looks at [`asked`]; the second ends the process.
pub fn hold() {
    HELD.store(true, Ordering::Relaxed);
}

/// Nothing can be left half done any more: a signal ends the process at once. An error if one has come already.
pub fn release() -> Result<(), Interrupted> {
    HELD.store(false, Ordering::Relaxed);
    match asked() {
        true => Err(Interrupted("run the command again".into())),
        false => Ok(()),
    }
}

/// Whether the work is to stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed) != 0
}

#[cfg(unix)]
#[allow(unsafe_code)] // what a handler may do, no compiler checks
mod system {
    use anyhow::Context;
    use signal_hook::low_level::{exit, register};

    use super::{ALL, came};

    /// Has every signal heard that is not ignored.
    pub fn listen() -> anyhow::Result<()> {
        for signal in ALL.into_iter().filter(|signal| !is_ignored(signal.number)) {
            let number = signal.number;
            // SAFETY: `came` reads and writes atomic numbers and the clock, and calls write and _exit: all of these
            // may be called in a handler. `BEGUN` was set before.
            unsafe { register(number, move || came(number)) }
                .with_context(|| format!("cannot listen for signal {number}"))?;
        }
        Ok(())
    }

    /// Says these words, if anybody listens.
    pub fn say(words: &[u8]) {
        // SAFETY: as many bytes as there are; write may be called in a handler.
        unsafe { libc::write(libc::STDERR_FILENO, words.as_ptr().cast(), words.len()) };
    }

    /// Ends the process.
    pub fn end(code: i32) -> ! {
        exit(code)
    }

    fn is_ignored(number: i32) -> bool {
        // SAFETY: a `sigaction` of zeros is one, and with no new one the call only fills it.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(number, std::ptr::null(), &mut now) == 0
                && now.sa_sigaction == libc::SIG_IGN
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io::Write;

    use anyhow::Context;

    use super::{CTRL_C, came};

    /// Hears Ctrl-C, Ctrl-Break, a closed console, and the end of the session.
    pub fn listen() -> anyhow::Result<()> {
        ctrlc::set_handler(|| came(CTRL_C.number)).context("cannot listen for Ctrl-C")
    }

    /// Says these words, if anybody listens.
    pub fn say(words: &[u8]) {
        let _ = std::io::stderr().write_all(words);
    }

    /// Ends the process.
    pub fn end(code: i32) -> ! {
        std::process::exit(code)
    }
}
