//! Waiting for what must come, with an end.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that a working server does at once: generous, because it only ever passes on a broken one.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at something that sends no event.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Whether `claim` becomes true within `limit`.
pub fn eventually(limit: Duration, claim: impl FnMut() -> bool) -> bool {
    let mut claim = claim;
    found(limit, || claim().then_some(())).is_some()
}

/// What `look` finds within `limit`.
pub fn found<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let seen = look();
        if seen.is_some() || Instant::now() >= deadline {
            return seen;
        }
        thread::sleep(LOOK_AGAIN);
    }
}
