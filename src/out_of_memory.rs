//! What happens when the system has no more memory: a sentence and exit code 1, where the standard library aborts.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, Ordering},
};

/// The system's allocator, which ends the program when it fails. Nothing here recovers from that, and an abort looks
/// like a crash of the program.
pub struct OrExit;

// SAFETY: all is left to the system's allocator, under the caller's own promises.
unsafe impl GlobalAlloc for OrExit {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        checked(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        checked(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        checked(unsafe { System.realloc(start, layout, size) }, size)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        unsafe { System.dealloc(start, layout) }
    }
}

#[inline]
fn checked(start: *mut u8, bytes: usize) -> *mut u8 {
    if start.is_null() {
        exit(bytes);
    }
    start
}

/// Says so without allocating, and exits at once: other threads may hold any lock.
#[cold]
fn exit(bytes: usize) -> ! {
    static SAID: AtomicBool = AtomicBool::new(false);
    // Memory ends for all threads together: the first one speaks.
    while SAID.swap(true, Ordering::Relaxed) {
        std::thread::yield_now();
    }
    let mut digits = [0; 20];
    let digits = decimal(bytes, &mut digits);
    for text in [BEFORE, digits, AFTER] {
        say(text);
    }
    end()
}

const BEFORE: &[u8] = b"error: out of memory: ";
const AFTER: &[u8] =
    b" bytes more are not to be had: free some memory, raise the limit (ulimit -v, or the \
container's), or choose a narrower --hidden, a smaller --batch-size or fewer --threads\n";

/// The digits of a number, at the end of `digits`.
fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

#[cfg(unix)]
fn say(text: &[u8]) {
    // SAFETY: the bytes are there, and a closed stderr is no harm.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}

#[cfg(not(unix))]
fn say(text: &[u8]) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text);
}

#[cfg(unix)]
fn end() -> ! {
    // SAFETY: it has no conditions.
    unsafe { libc::_exit(1) }
}

#[cfg(not(unix))]
fn end() -> ! {
    std::process::exit(1)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_written_without_an_allocation() {
        for number in [0, 7, 10, 123_456, usize::MAX] {
            let text = number.to_string();
            assert_eq!(decimal(number, &mut [0; 20]), text.as_bytes());
        }
    }
}
