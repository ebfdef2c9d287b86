//! Threads that live as long as a training run and share each step of it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A fixed number of threads, the caller's among them, that work through lists of parts together.
///
/// A step of training takes some 50 µs: too short to start threads for, or to put them to sleep
/// between its two phases. So the threads of a team wait by spinning, and soon by yielding their
/// processor, which lets an oversubscribed machine make progress. Dropping the team ends them.
pub struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Counts jobs; a new number is the sign to start. `usize::MAX` is the sign to end.
    started: AtomicUsize,
    /// Threads, the caller's not among them, that have yet to finish the job.
    unfinished: AtomicUsize,
    job: Mutex<Option<Job>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// What every thread is to do, as long as `Team::run` has not returned.
#[derive(Clone, Copy)]
struct Job(&'static (dyn Fn() + Sync));

const END: usize = usize::MAX;

impl Team {
    /// A team of `threads` in all, at least one.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            started: AtomicUsize::new(0),
            unfinished: AtomicUsize::new(0),
            job: Mutex::new(None),
            panic: Mutex::new(None),
        });
        let helper = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.help())
        };
        let threads = (1..threads.max(1)).map(helper).collect();
        Self { shared, threads }
    }

    /// How many threads work, the caller's included.
    pub fn threads(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `work` once for each of `parts`, on any thread of the team and in any order, and returns
    /// when all is done. A panic in `work` goes on in the caller, once no thread works any more.
    pub fn for_each<T: Send>(
        &mut self,
        parts: impl Iterator<Item = T> + Send,
        work: impl Fn(T) + Sync,
    ) {
        if self.threads.is_empty() {
            return parts.for_each(work);
        }
        let parts = Mutex::new(parts);
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        self.run(&|| {
            while let Some(part) = next() {
                work(part);
            }
        });
    }

    /// Calls `job` on every thread at once and returns when all calls have returned.
    #[allow(unsafe_code)]
    fn run(&mut self, job: &(dyn Fn() + Sync)) {
        // SAFETY: only the lifetime changes. Threads call the job between the change of `started`
        // below and their decrement of `unfinished`; this function neither returns nor unwinds
        // before `unfinished` is back at 0, so the borrow outlives every call.
        let job = Job(unsafe {
            std::mem::transmute::<&(dyn Fn() + Sync), &'static (dyn Fn() + Sync)>(job)
        });
        let shared = &*self.shared;
        *shared.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
        shared
            .unfinished
            .store(self.threads.len(), Ordering::Relaxed);
        // Release: what was written before is seen by whoever sees the new number.
        shared.started.fetch_add(1, Ordering::Release);
        let own = catch_unwind(AssertUnwindSafe(job.0));
        wait_until(|| shared.unfinished.load(Ordering::Acquire) == 0);
        let theirs = shared
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(panic) = own.err().or(theirs) {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    /// The life of a thread: wait for a job, do it, say so.
    fn help(&self) {
        let mut seen = 0;
        loop {
            wait_until(|| self.started.load(Ordering::Acquire) != seen);
            seen = self.started.load(Ordering::Acquire);
            if seen == END {
                return;
            }
            let job = *self.job.lock().unwrap_or_else(PoisonError::into_inner);
            let job = job.expect("a job is there before it is announced");
            if let Err(panic) = catch_unwind(AssertUnwindSafe(job.0)) {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            // Release: what the job wrote is seen by the caller that sees the count.
            self.unfinished.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.started.store(END, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A helper catches every panic of a job, so there is nothing to learn from its end.
            let _ = thread.join();
        }
    }
}

/// Spins for a moment, then yields the processor between looks.
fn wait_until(done: impl Fn() -> bool) {
    const SPINS: u32 = 4_000;
    for _ in 0..SPINS {
        if done() {
            return;
        }
        std::hint::spin_loop();
    }
    while !done() {
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_whatever_the_number_of_threads() {
        for threads in [1, 2, 3, 7] {
            let mut team = Team::new(threads);
            assert_eq!(team.threads(), threads);
            for round in 0..200 {
                let mut counts = vec![0; round % 23];
                team.for_each(counts.iter_mut(), |count| *count += 1);
                assert!(
                    counts.iter().all(|&count| count == 1),
                    "{threads} threads: {counts:?}"
                );
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_still_works() {
        let mut team = Team::new(3);
        for bad in 0..8 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                team.for_each(0..8, |part| assert!(part != bad, "part {part} is bad"));
            }));
            let message = *result.unwrap_err().downcast::<String>().unwrap();
            assert_eq!(message, format!("part {bad} is bad"));
        }
        let mut done = [false; 8];
        team.for_each(done.iter_mut(), |done| *done = true);
        assert_eq!(done, [true; 8]);
    }
}
