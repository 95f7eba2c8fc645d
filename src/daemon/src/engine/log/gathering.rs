//! Lines that come thick are written many at once.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a batch gathers, and how soon after another one it must come for that.
const GATHER: Duration = Duration::from_millis(5);

/// A queue that is shorter may be full by then.
const LONG_ENOUGH: usize = 1024;

/// A writer that rests after a batch which came soon after another one. `tracing_appender` flushes whenever its queue is empty; while
/// its thread rests, whoever logs need not wake it, which costs him more than the line.
#[derive(Debug)]
pub(super) struct Gathering<W> {
    inner: W,
    rest: Duration,
    flushed: Option<Instant>,
}

impl<W: Write> Gathering<W> {
    /// For a queue of so many lines.
    pub(super) fn new(inner: W, queue_lines: usize) -> Self {
        let rest = if queue_lines < LONG_ENOUGH { Duration::ZERO } else { GATHER };
        Self { inner, rest, flushed: None }
    }
}

impl<W: Write> Write for Gathering<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.inner.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()?;
        if self.flushed.is_some_and(|at| at.elapsed() < self.rest) {
            sleep(self.rest);
        }
        self.flushed = Some(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long two batches take, one right after the other, and what has arrived.
    fn two_batches(queue_lines: usize) -> (Duration, Vec<u8>) {
        let mut written = Vec::new();
        let mut gathering = Gathering::new(&mut written, queue_lines);
        let began = Instant::now();
        for batch in [b"one\n", b"two\n"] {
            gathering.write_all(batch).unwrap();
            gathering.flush().unwrap();
        }
        (began.elapsed(), written)
    }

    #[test]
    fn a_batch_right_after_another_one_gathers_unless_the_queue_is_short() {
        let (took, written) = two_batches(LONG_ENOUGH);
        assert!(took >= GATHER, "{took:?}");
        assert_eq!(written, b"one\ntwo\n");
        assert!((0..100).any(|_| two_batches(LONG_ENOUGH - 1).0 < GATHER));
    }
}
