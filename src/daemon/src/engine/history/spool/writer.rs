//! Appends whole frames, and begins a new segment when one is long enough.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::directory::{Directory, Number};
use super::ledger::Ledger;

/// A segment that is longer gets a successor, so that what the database has can be removed.
const SEGMENT: u64 = 4 * 1024 * 1024;

/// How often it looks whether the segment still has a name.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::engine::history) struct Writer {
    directory: Arc<Directory>,
    ledger: Arc<Ledger>,
    current: Option<Segment>,
    /// The greatest number so far.
    last: Number,
}

#[derive(Debug)]
struct Segment {
    file: File,
    /// Up to here it holds whole frames.
    length: u64,
    looked: Instant,
}

impl Writer {
    /// Notes in the ledger what is there already; `last` is the greatest number there.
    pub(in crate::engine::history) fn new(directory: Arc<Directory>, ledger: Arc<Ledger>, last: Number) -> Self {
        Self { directory, ledger, current: None, last }
    }

    /// Appends `frames`, which are so many, all of them or none.
    ///
    /// # Errors
    /// The words of open(2) or write(2).
    pub(in crate::engine::history) fn append(&mut self, frames: &[u8], count: u64) -> io::Result<()> {
        self.leave_unfit_segment();
        let segment = match &mut self.current {
            Some(segment) => segment,
            none => none.insert(begin(&self.directory, &self.ledger, &mut self.last)?),
        };
        match segment.file.write_all(frames) {
            Ok(()) => {
                segment.length += frames.len() as u64;
                self.ledger.wrote(segment.length, count);
                Ok(())
            }
            Err(error) => {
                // A reader stops where a frame is torn, so nothing may follow one.
                if segment.file.set_len(segment.length).is_err() {
                    self.leave();
                }
                Err(error)
            }
        }
    }

    fn leave_unfit_segment(&mut self) {
        let Some(segment) = &mut self.current else { return };
        let mut is_unfit = segment.length >= SEGMENT;
        if segment.looked.elapsed() >= LOOK {
            segment.looked = Instant::now();
            // Whatever goes to a file without a name is gone with it.
            is_unfit |= segment.file.metadata().is_ok_and(|found| found.nlink() == 0);
        }
        if is_unfit {
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.current = None;
        self.ledger.completed();
    }
}

fn begin(directory: &Directory, ledger: &Ledger, last: &mut Number) -> io::Result<Segment> {
    let number = next_number(*last);
    let file = directory.create(number)?;
    *last = number;
    ledger.began(number);
    Ok(Segment { file, length: 0, looked: Instant::now() })
}

/// Greater than every number so far, whatever the clock says.
fn next_number(last: Number) -> Number {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX).max(last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_long_segment_gets_a_successor_and_the_ledger_knows_both() {
        let home = tempfile::tempdir().unwrap();
        let (directory, ledger) = (Arc::new(Directory::take(home.path(), 1).unwrap()), Arc::new(Ledger::default()));
        let last = u64::MAX / 2;
        let mut writer = Writer::new(Arc::clone(&directory), Arc::clone(&ledger), last);
        let frames = vec![0; 3 * 1024 * 1024];
        for _ in 0..3 {
            writer.append(&frames, 1).unwrap();
        }
        let length = frames.len() as u64;
        assert_eq!(directory.segments().unwrap(), [(last + 1, 2 * length), (last + 2, length)]);
        assert_eq!(ledger.complete(), [last + 1]);
        assert_eq!(ledger.bytes(), 3 * length);
    }

    #[test]
    fn a_removed_directory_is_made_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("spool");
        let (directory, ledger) = (Arc::new(Directory::take(&path, 1).unwrap()), Arc::new(Ledger::default()));
        let mut writer = Writer::new(Arc::clone(&directory), ledger, 0);
        writer.append(b"one", 1).unwrap();
        fs::remove_dir_all(&path).unwrap();
        writer.current.as_mut().unwrap().looked -= LOOK;
        writer.append(b"three", 1).unwrap();
        assert_eq!(directory.segments().unwrap().iter().map(|(_, length)| *length).collect::<Vec<_>>(), [5]);
    }
}
