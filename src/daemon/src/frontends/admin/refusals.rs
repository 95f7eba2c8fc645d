//! How much of what is refused is written down: whoever is refused does not decide how long the audit log is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Refused requests of one user that are written down within [`A_WHILE`].
const WRITTEN_DOWN: u32 = 10;

/// The same of conversations that somebody without any role begins.
const KNOCKS_WRITTEN_DOWN: u32 = 1;

const A_WHILE: Duration = Duration::from_mins(1);

/// How long it is remembered what was not written down.
const LONG_AGO: Duration = Duration::from_hours(1);

/// Those of late, by user.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(u32, Wanted), Refused>>);

/// What a user was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    Conversation,
    Operation,
}

#[derive(Debug)]
struct Refused {
    since: Instant,
    written: u32,
    /// Those that were not written down since the last that was.
    missed: u32,
}

impl Refusals {
    /// Nothing if it is not written down; otherwise how many before it were not.
    pub(super) fn written_down(&self, user: u32, wanted: Wanted, now: Instant) -> Option<u32> {
        let most = match wanted {
            Wanted::Conversation => KNOCKS_WRITTEN_DOWN,
            Wanted::Operation => WRITTEN_DOWN,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, refused| now.saturating_duration_since(refused.since) < LONG_AGO);
        let of_user = all.entry((user, wanted)).or_insert(Refused { since: now, written: 0, missed: 0 });
        if now.saturating_duration_since(of_user.since) >= A_WHILE {
            (of_user.since, of_user.written) = (now, 0);
        }
        if of_user.written >= most {
            of_user.missed = of_user.missed.saturating_add(1);
            return None;
        }
        of_user.written += 1;
        Some(std::mem::take(&mut of_user.missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_down_is_counted_by_the_next_that_is() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let knock = |secs| refusals.written_down(7, Wanted::Conversation, start + Duration::from_secs(secs));
        assert_eq!([0, 5, 10, 59].map(knock), [Some(0), None, None, None]);
        assert_eq!([60, 61, 119, 125].map(knock), [Some(3), None, None, Some(2)]);
        assert_eq!(refusals.written_down(8, Wanted::Conversation, start), Some(0), "others are others");
        let asked = (0..12).filter_map(|_| refusals.written_down(7, Wanted::Operation, start)).count();
        assert_eq!(asked, 10);
    }
}
