//! A student's program, run with limits: on time, on memory, and without a network.
//!
//! These are for accidents: an endless loop, a list that grows for ever, a download that does not belong there. They
//! do not hold a program that means harm; whoever runs those of strangers does it in a container.

use std::{
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;

use crate::cli::terminal::interrupt;

/// What a program may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run, once it has begun.
    pub time: Duration,
    /// Its memory, in MiB.
    pub memory: u64,
    /// Whether it runs without a network, where the system has a way for that.
    pub offline: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// At the end of its time.
    TimeLimit,
    /// Because the user stopped it.
    Interrupted,
}

/// A program that has run.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// The beginning of what it printed.
    pub stdout: String,
    /// The same of its standard error.
    pub stderr: String,
}

/// What is kept of what a program prints, in bytes; the rest is read and dropped.
const KEPT: usize = 64 << 10;

/// The largest file that it may write.
const LARGEST_FILE: u64 = 512 << 20;

/// Runs a program in a folder, and waits for its end.
///
/// Its time begins when there is a file at `begun`: a library may take long to load on a busy machine. Without one, at
/// once.
pub fn run(
    program: &OsStr,
    args: &[&OsStr],
    folder: &Path,
    limits: &Limits,
    begun: Option<&Path>,
) -> anyhow::Result<Ran> {
    let mut command = limited(program, args, limits);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    system::alone(&mut command);
    let mut child = command
        .spawn()
        .with_context(|| format!("{} cannot be run", Path::new(program).display()))?;
    let stdout = read(child.stdout.take().expect("piped"));
    let stderr = read(child.stderr.take().expect("piped"));
    let ended = wait(&mut child, limits.time, begun);
    // Whatever it has started itself.
    system::kill(&mut child);
    Ok(Ran {
        ended: ended?,
        stdout: stdout(),
        stderr: stderr(),
    })
}

/// Waits for the end, the time limit or Ctrl-C.
fn wait(child: &mut Child, limit: Duration, begun: Option<&Path>) -> anyhow::Result<Ended> {
    const PERIOD: Duration = Duration::from_millis(5);
    const START: Duration = Duration::from_secs(120);
    let started = Instant::now();
    let mut since = begun.is_none().then_some(started);
    loop {
        if since.is_none() && begun.is_some_and(Path::exists) {
            since = Some(Instant::now());
        }
        let over = match since {
            Some(since) => since.elapsed() >= limit,
            None => started.elapsed() >= START.max(limit),
        };
        if let Some(status) = child.try_wait()? {
            return Ok(match (status.code(), system::signal(status)) {
                // So a shell tells the signal of what it ran.
                (Some(code @ 129..160), _) => Ended::Signal(code - 128),
                (Some(code), _) => Ended::Exit(code),
                (None, signal) => Ended::Signal(signal.unwrap_or(0)),
            });
        }
        let ended = match () {
            () if interrupt::asked() => Ended::Interrupted,
            () if over => Ended::TimeLimit,
            () => {
                thread::sleep(PERIOD);
                continue;
            }
        };
        system::kill(child);
        child.wait()?;
        return Ok(ended);
    }
}

/// Reads a pipe to its end in the background; what is returned gives what it said. A process that the program left
/// behind may hold the pipe open: what has come by then is what there is.
fn read(mut pipe: impl Read + Send + 'static) -> impl FnOnce() -> String {
    const PATIENCE: Duration = Duration::from_millis(500);
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let mut chunk = [0; 4096];
        let mut left = KEPT;
        while let Ok(length @ 1..) = pipe.read(&mut chunk) {
            let kept = length.min(left);
            left -= kept;
            if kept > 0 && sender.send(chunk[..kept].to_vec()).is_err() {
                return;
            }
        }
    };
    // Without a thread nothing of it is known.
    let started = thread::Builder::new().spawn(work).is_ok();
    move || {
        let end = Instant::now() + PATIENCE;
        let mut bytes = Vec::new();
        while let (true, Ok(chunk)) = (
            started,
            receiver.recv_timeout(end.saturating_duration_since(Instant::now())),
        ) {
            bytes.extend(chunk);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The command with its limits. The shell sets them, and becomes the program.
fn limited(program: &OsStr, args: &[&OsStr], limits: &Limits) -> Command {
    const SHELL: &str = "sh";
    // A system that has no such limit goes without.
    const SCRIPT: &str =
        "{ ulimit -c 0; ulimit -d \"$1\"; ulimit -f \"$2\"; } 2>/dev/null; shift 2; exec \"$@\"";
    // The first process of a namespace hears no signals of its own: that is a shell, and not the program.
    const FIRST: [&str; 4] = [SHELL, "-c", "\"$@\"; exit $?", SHELL];
    if !cfg!(unix) {
        let mut command = Command::new(program);
        command.args(args);
        return command;
    }
    let mut command = Command::new(SHELL);
    command.args(["-c", SCRIPT, SHELL]);
    command.arg((limits.memory << 10).to_string());
    command.arg((LARGEST_FILE / 512).to_string());
    if limits.offline && has_namespaces() {
        command.args(NAMESPACES).args(FIRST);
    }
    command.arg(program).args(args);
    command
}

/// A network with nothing in it, and processes that end with the first of them.
const NAMESPACES: [&str; 4] = ["unshare", "-rnpf", "--kill-child", "--"];

/// Whether the system lets a program have namespaces of its own.
pub fn has_namespaces() -> bool {
    static TRIED: LazyLock<bool> = LazyLock::new(|| {
        let [program, args @ ..] = NAMESPACES;
        cfg!(target_os = "linux") && succeeds(Command::new(program).args(args).arg("true"))
    });
    *TRIED
}

/// Whether a command ends well; what it says is nobody's business.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[cfg(unix)]
mod system {
    use std::{
        os::unix::process::{CommandExt, ExitStatusExt},
        process::{Child, Command, ExitStatus},
    };

    use rustix::process::{Pid, Signal, kill_process_group};

    /// A group of processes of its own.
    pub fn alone(command: &mut Command) {
        command.process_group(0);
    }

    /// Ends the group.
    pub fn kill(child: &mut Child) {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // Nobody may be left.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }

    pub fn signal(status: ExitStatus) -> Option<i32> {
        status.signal()
    }
}

#[cfg(not(unix))]
mod system {
    use std::process::{Child, Command, ExitStatus};

    pub fn alone(_command: &mut Command) {}

    /// Ends the program.
    pub fn kill(child: &mut Child) {
        let _ = child.kill();
    }

    pub fn signal(_status: ExitStatus) -> Option<i32> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limits: &Limits) -> Ran {
        let args = ["-c", script].map(OsStr::new);
        run(OsStr::new("sh"), &args, Path::new("/"), limits, None).unwrap()
    }

    const LIMITS: Limits = Limits {
        time: Duration::from_secs(60),
        memory: 1024,
        offline: true,
    };

    #[test]
    fn what_a_program_says_and_how_it_ends_is_told() {
        let ran = shell("echo out; echo err >&2; exit 3", &LIMITS);
        assert_eq!(ran.ended, Ended::Exit(3));
        assert_eq!((&*ran.stdout, &*ran.stderr), ("out\n", "err\n"));
        assert_eq!(shell("kill -9 $$", &LIMITS).ended, Ended::Signal(9));
        assert!(
            run(
                OsStr::new("/no/such/program"),
                &[],
                Path::new("/"),
                &LIMITS,
                None
            )
            .is_ok_and(|ran| matches!(ran.ended, Ended::Exit(126 | 127)))
        );
    }

    #[test]
    fn a_program_that_never_ends_is_ended_with_all_that_it_started() {
        let limits = Limits {
            time: Duration::from_millis(300),
            ..LIMITS
        };
        let ran = shell("sleep 1000 & echo begun; while :; do :; done", &limits);
        assert_eq!(ran.ended, Ended::TimeLimit);
        assert_eq!(ran.stdout, "begun\n");
    }

    #[test]
    fn one_that_prints_without_end_fills_nothing() {
        let limits = Limits {
            time: Duration::from_millis(300),
            ..LIMITS
        };
        let ran = shell("while :; do echo again; done", &limits);
        assert_eq!(ran.ended, Ended::TimeLimit);
        assert!(ran.stdout.len() <= KEPT);
    }

    #[test]
    fn one_that_leaves_a_process_behind_is_not_waited_for() {
        let ran = shell("sleep 1000 & exit 0", &LIMITS);
        assert_eq!(ran.ended, Ended::Exit(0));
    }
}
