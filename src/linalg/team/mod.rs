//! Threads that live as long as a training run and share each step of it.

mod pace;
mod pieces;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pace::Pace;
pub use pieces::Pieces;

/// A fixed number of threads, the caller's among them, that work through lists of parts together.
///
/// A step of training takes some 50 µs: too short to start threads for, or to put them to sleep
/// between its two phases. So the threads of a team wait by spinning, and soon by yielding their
/// processor; and nobody waits for a thread that has not begun. So a machine with fewer processors to
/// spare than threads still makes progress. Dropping the team ends the threads.
pub struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    pace: Pace,
    /// The caller works alone for now.
    alone: bool,
}

struct Shared {
    /// Which job this is, whether it may still be joined, and how many helpers have: see [`OPEN`].
    state: AtomicUsize,
    job: Mutex<Option<Job>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Parts that are handed out at a time, a bit each.
const SLOTS: usize = u32::BITS as usize;

/// The lowest bit of the state: the job may be joined.
const OPEN: usize = 1;
/// Above it: the team ends.
const END: usize = 2;
/// Above that, 16 bits for the number of helpers at work, and then the number of the job.
const HELPER: usize = 4;
const JOB: usize = HELPER << 16;

/// Helpers at work.
fn helpers(state: usize) -> usize {
    state % JOB / HELPER
}

/// Takes the first slot of one's own, or else the last of another's, if any is left: sets its bit.
fn take(taken: &AtomicU32, own: u32) -> Option<usize> {
    loop {
        let free = !taken.load(Ordering::Relaxed);
        let slot = match (free & own, free) {
            (_, 0) => return None,
            (0, others) => others.ilog2(),
            (own, _) => own.trailing_zeros(),
        };
        // What is in the slot is guarded by its mutex.
        if taken.fetch_or(1 << slot, Ordering::Relaxed) & 1 << slot == 0 {
            return Some(slot as usize);
        }
    }
}

/// What every thread is to do, as long as `Team::run` has not returned.
#[derive(Clone, Copy)]
struct Job(&'static (dyn Fn(usize) + Sync));

impl Team {
    /// A team of `threads` in all, at least one. Where the system allows no more, they are fewer:
    /// [`threads`](Self::threads) tells.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicUsize::new(0),
            job: Mutex::new(None),
            panic: Mutex::new(None),
        });
        let helper = |thread| {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new();
            builder.spawn(move || shared.help(thread)).ok()
        };
        let threads = (1..threads.max(1)).map_while(helper).collect();
        Self {
            shared,
            threads,
            pace: Pace::default(),
            alone: false,
        }
    }

    /// How many threads this machine runs at once, 256 at most: as many as pay.
    pub fn processors() -> usize {
        thread::available_parallelism()
            .map_or(1, usize::from)
            .min(256)
    }

    /// How many threads work, the caller's included.
    pub fn threads(&self) -> usize {
        match self.alone {
            true => 1,
            false => self.threads.len() + 1,
        }
    }

    /// Begins a step of training, of which there are many alike: until [`end_step`](Self::end_step) all work
    /// together, or the caller alone, whichever was faster when the team last tried. What is computed is the same.
    pub fn begin_step(&mut self) -> Instant {
        self.alone = self.pace.alone();
        Instant::now()
    }

    /// Ends the step that began then.
    pub fn end_step(&mut self, begun: Instant) {
        self.pace.count(begun.elapsed());
        self.alone = false;
    }

    /// How work is cut for the threads that work now.
    pub fn pieces(&self) -> Pieces {
        Pieces {
            threads: self.threads(),
        }
    }

    /// Calls `work` once for each of `parts`, on any thread of the team and in any order, and returns
    /// when all is done. A panic in `work` goes on in the caller, once no thread works any more.
    ///
    /// Of T threads, each first does every T-th part: what it wrote the last time is still in its cache,
    /// and far away in another's. Then it does what others have not begun.
    pub fn for_each<T: Send>(&mut self, parts: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        if self.threads() == 1 {
            return parts.for_each(work);
        }
        let (threads, mut parts) = (self.threads(), parts.fuse().peekable());
        while parts.peek().is_some() {
            let mut all = 0;
            let slots: [_; SLOTS] = std::array::from_fn(|slot| {
                let part = parts.next();
                all |= u32::from(part.is_some()) << slot;
                Mutex::new(part)
            });
            let taken = AtomicU32::new(!all);
            self.run(&|thread| {
                let own = (thread..SLOTS)
                    .step_by(threads)
                    .fold(0, |own, slot| own | 1 << slot);
                while let Some(slot) = take(&taken, own) {
                    let part = slots[slot]
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .take();
                    work(part.expect("whoever takes a slot is alone"));
                }
            });
        }
    }

    /// Calls `job`, with 0 here and the number of the thread elsewhere, here and on every thread that comes in time, and returns when all calls have returned.
    ///
    /// A thread that the system has no processor for just then is not waited for: when the call here
    /// returns nothing is left to do, and the job is closed.
    #[allow(unsafe_code)]
    fn run(&mut self, job: &(dyn Fn(usize) + Sync)) {
        // SAFETY: only the lifetime changes. Helpers call the job only between joining, while it is
        // open, and leaving; this function neither returns nor unwinds before it has closed the job
        // and seen that no helper is at work, so the borrow outlives every call.
        let job = Job(unsafe {
            std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(job)
        });
        let shared = &*self.shared;
        *shared.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
        // Release: what was written before is seen by whoever joins.
        shared.state.fetch_add(JOB | OPEN, Ordering::Release);
        let own = catch_unwind(AssertUnwindSafe(|| job.0(0)));
        shared.state.fetch_and(!OPEN, Ordering::Relaxed);
        // Acquire: what helpers wrote before they left is seen here.
        wait_until(|| helpers(shared.state.load(Ordering::Acquire)) == 0);
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
    /// The life of a helper: wait for a job, join it, do it, leave it.
    fn help(&self, thread: usize) {
        let mut done = 0;
        loop {
            let mut state = 0;
            wait_for_work(|| {
                state = self.state.load(Ordering::Relaxed);
                state & END != 0 || (state & OPEN != 0 && state / JOB != done)
            });
            if state & END != 0 {
                return;
            }
            // The state must still be this one, or the job may have been closed in between.
            let joined = state + HELPER;
            let order = (Ordering::Acquire, Ordering::Relaxed);
            if self
                .state
                .compare_exchange(state, joined, order.0, order.1)
                .is_err()
            {
                continue;
            }
            done = state / JOB;
            let job = *self.job.lock().unwrap_or_else(PoisonError::into_inner);
            let job = job.expect("a job is there before it is opened");
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job.0(thread))) {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            self.state.fetch_sub(HELPER, Ordering::Release);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.state.fetch_or(END, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A helper catches every panic of a job, so there is nothing to learn from its end.
            let _ = thread.join();
        }
    }
}

/// Looks that are made while spinning.
const SPINS: u32 = 4_000;

/// Spins for a moment, then yields the processor between looks.
fn wait_until(mut done: impl FnMut() -> bool) {
    if !spin_until(&mut done) {
        while !done() {
            thread::yield_now();
        }
    }
}

/// As [`wait_until`], but naps when there is nothing to do for milliseconds: nobody waits for a helper.
fn wait_for_work(mut done: impl FnMut() -> bool) {
    const YIELDS: u32 = 20_000;
    const NAP: Duration = Duration::from_micros(50);
    let found = spin_until(&mut done)
        || (0..YIELDS).any(|_| {
            thread::yield_now();
            done()
        });
    if !found {
        while !done() {
            thread::sleep(NAP);
        }
    }
}

fn spin_until(mut done: impl FnMut() -> bool) -> bool {
    (0..SPINS).any(|_| {
        std::hint::spin_loop();
        done()
    })
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

    #[test]
    fn alone_or_together_every_part_is_done() {
        let mut team = Team::new(3);
        for round in 0..50 {
            team.alone = round % 2 == 0;
            assert_eq!(team.threads(), if round % 2 == 0 { 1 } else { 3 });
            let mut done = [false; 40];
            team.for_each(done.iter_mut(), |done| *done = true);
            assert_eq!(done, [true; 40]);
        }
    }
}
