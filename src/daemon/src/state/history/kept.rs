//! Whether a session's opening is written down, so that its client may be answered.

use std::sync::atomic::{AtomicU8, Ordering};

/// Written by the session's task and by the history's thread; one byte, so that neither needs a lock.
#[derive(Debug, Default)]
pub(crate) struct Kept(AtomicU8);

const NOT_SENT: u8 = 0;
const SENT: u8 = 1;
/// Somebody waits until it is written.
const AWAITED: u8 = 2;
const SETTLED: u8 = 3;

impl Kept {
    /// The opening is on its way.
    pub(crate) fn send(&self) {
        self.0.store(SENT, Ordering::Release);
    }

    /// Whether the opening ever was on its way.
    pub(crate) fn is_sent(&self) -> bool {
        self.0.load(Ordering::Acquire) != NOT_SENT
    }

    /// The opening is written, or nobody shall wait for it; says whether somebody does.
    pub(crate) fn settle(&self) -> bool {
        self.0.swap(SETTLED, Ordering::AcqRel) == AWAITED
    }

    /// Whether there is nothing to wait for. If there is, whoever settles it will know that somebody waits.
    pub(crate) fn is_settled_or_awaited(&self) -> bool {
        let await_it = |state| (state == SENT).then_some(AWAITED);
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, await_it) {
            Ok(_now_awaited) => false,
            Err(state) => state != AWAITED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_sent_is_not_waited_for() {
        let kept = Kept::default();
        assert!(kept.is_settled_or_awaited() && !kept.is_sent());
    }

    #[test]
    fn whoever_settles_learns_whether_somebody_waits() {
        for (looks, expected) in [(0, false), (1, true), (2, true)] {
            let kept = Kept::default();
            kept.send();
            for _ in 0..looks {
                assert!(!kept.is_settled_or_awaited());
            }
            assert_eq!(kept.settle(), expected, "{looks} looks");
            assert!(kept.is_settled_or_awaited() && kept.is_sent());
        }
    }
}
