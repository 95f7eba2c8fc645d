//! What may be sent without asking, for whoever can't wait: what comes when there is none is lost.

use crate::tree::Need;

/// Whoever has less asks for more: early enough that it is his turn before he has nothing.
const LOW: usize = Credit::MOST / 2;

/// Bytes that may pass and have not.
#[derive(Debug, Default)]
pub struct Credit {
    bytes: usize,
}

impl Credit {
    /// The most that it ever is, in bytes: it is always filled up to that.
    pub const MOST: usize = 64 * 1024;

    /// Whether so many bytes, at most [`Credit::MOST`], pass now; `ask` says how many of those that are wanted are granted.
    pub fn lets_pass(&mut self, bytes: usize, mut ask: impl FnMut(usize, Need) -> usize) -> bool {
        while self.bytes < LOW.max(bytes) {
            let need = if self.bytes < bytes { Need::Now } else { Need::Soon };
            // Only of whoever has asked in vain is it known that he waits.
            let granted = ask(Self::MOST - self.bytes, need);
            if granted == 0 {
                break;
            }
            self.bytes += granted;
        }
        let passes = self.bytes >= bytes;
        self.bytes -= if passes { bytes } else { 0 };
        passes
    }

    /// What has not been needed.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes
    }
}
