//! Runs the targets on mutated seeds, with a stable compiler and without libFuzzer.
//!
//!     sh tests/fuzz/seeds.sh
//!     cd tests/fuzz && cargo run --release --no-default-features --bin mutate -- 60 [TARGET [RANDOM SEED]]
//!
//! gives each target 60 seconds. A panic is shown, its input kept in `artifacts/`, and the exit code is 1.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env, fs,
    panic::catch_unwind,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use mlp_fuzz::{TARGETS, Target};

/// Counts bytes, to see what a small file makes a reader ask for.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(now, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Less than `n`, or 0.
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// A place, every other time near the beginning, where headers are.
    fn place(&mut self, length: usize) -> usize {
        match self.below(2) {
            0 => self.below(length.min(2048)),
            _ => self.below(length),
        }
    }
}

/// What stands for a number or a word elsewhere.
const WORDS: [&[u8]; 12] = [
    b"0",
    b"-1",
    b"1e999",
    b"18446744073709551615",
    b"4294967296",
    b"null",
    b"\"\"",
    b"[]",
    b"{}",
    b"NaN",
    b"\xff",
    b"\n",
];

fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.place(bytes.len());
        let length = random.below(64).min(bytes.len() - at);
        match random.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => {
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'9', b'-'][random.below(7)]
            }
            2 => bytes.insert(at, random.next() as u8),
            3 => drop(bytes.drain(at..at + length)),
            4 => bytes.truncate(at),
            5 => {
                let part = bytes[at..at + length].to_vec();
                let to = random.place(bytes.len());
                drop(bytes.splice(to..to, part));
            }
            6 => {
                let other = &seeds[random.below(seeds.len())];
                bytes.truncate(at);
                bytes.extend(&other[random.place(other.len())..]);
            }
            // A number in text becomes another one.
            7 => {
                let digit = |&byte: &u8| byte.is_ascii_digit();
                let begin = at + bytes[at..].iter().position(digit).unwrap_or(0);
                let end = begin + bytes[begin..].iter().take_while(|byte| digit(byte)).count();
                drop(bytes.splice(begin..end, WORDS[random.below(WORDS.len())].iter().copied()));
            }
            _ => drop(bytes.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
        }
    }
    bytes
}

/// How many inputs of a target made it panic.
fn run((name, target): Target, time: Duration, random: &mut Random) -> usize {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("corpus").join(name);
    let files = fs::read_dir(&folder).into_iter().flatten();
    let mut seeds: Vec<_> = files
        .filter_map(|file| fs::read(file.ok()?.path()).ok())
        .collect();
    seeds.sort();
    if seeds.is_empty() {
        eprintln!(
            "{}: no seeds there: sh tests/fuzz/seeds.sh",
            folder.display()
        );
        return 1;
    }
    let (start, mut inputs, mut panics, mut most) = (Instant::now(), 0_u64, 0, (0, 0));
    while start.elapsed() < time {
        let bytes = match seeds.get(inputs as usize) {
            Some(seed) => seed.clone(),
            None => mutate(&seeds, random),
        };
        let before = NOW.load(Relaxed);
        MOST.store(before, Relaxed);
        if catch_unwind(|| target(&bytes)).is_err() {
            panics += 1;
            let artifacts = here.join("artifacts").join(name);
            let file = artifacts.join(format!("panic-{panics}"));
            match fs::create_dir_all(&artifacts).and_then(|()| fs::write(&file, &bytes)) {
                Ok(()) => eprintln!("{name}: kept in {}", file.display()),
                Err(error) => eprintln!("{name}: {}: {error}", file.display()),
            }
        }
        most = most.max((MOST.load(Relaxed) - before, bytes.len()));
        inputs += 1;
    }
    let (allocated, length) = most;
    println!(
        "{name:<10}  {inputs:>9} inputs  {panics} panics  at most {allocated} bytes allocated, for a file of {length}"
    );
    panics
}

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let seconds = words.first().and_then(|word| word.parse().ok());
    let known = |name: &String| TARGETS.iter().any(|target| target.0 == name);
    let (Some(seconds), true) = (seconds, words.get(1).is_none_or(known)) else {
        let names = TARGETS.map(|target| target.0).join(", ");
        eprintln!("usage: mutate SECONDS [TARGET [RANDOM SEED]], with TARGET one of {names}");
        return ExitCode::from(2);
    };
    let seed = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(1);
    let mut random = Random(seed);
    let wanted = TARGETS
        .into_iter()
        .filter(|target| words.get(1).is_none_or(|name| name == target.0));
    let panics: usize = wanted
        .map(|target| run(target, Duration::from_secs(seconds), &mut random))
        .sum();
    match panics {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
