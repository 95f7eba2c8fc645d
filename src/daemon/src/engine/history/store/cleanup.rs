//! Removes what is older than it may be, a few rows at a time, so that new rows hardly wait.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::fault::Fault;
use super::key::first_id;
use super::usage;

/// What users have carried is kept for twice the longest period of a quota, however short the retention of rows is.
const USAGE: Duration = Duration::from_hours(62 * 24);

/// Rows of one step: some milliseconds.
const STEP: i64 = 500;

/// When rows are removed, and which.
#[derive(Debug)]
pub(in crate::engine::history) struct Cleanup {
    /// Rows whose session ended longer ago are removed; nothing keeps them all.
    retention: Option<Duration>,
    every: Duration,
    next: Instant,
    removed: usize,
    clock: Clock,
}

/// The time of day, which a clock that is set forward does not hurry.
#[derive(Debug)]
struct Clock {
    began: Instant,
    /// What the time of day was then.
    at: SystemTime,
}

impl Cleanup {
    pub(in crate::engine::history) fn new(retention: Option<Duration>, every: Duration) -> Self {
        let now = Instant::now();
        let clock = Clock { began: now, at: SystemTime::now() };
        Self { retention, every, next: now, removed: 0, clock }
    }

    /// Makes one step, if one is due; another one follows at once as long as there is something to remove.
    pub(in crate::engine::history) fn step(&mut self, connection: &Connection) -> Result<(), Fault> {
        let Some(retention) = self.retention.filter(|_| Instant::now() >= self.next) else { return Ok(()) };
        let removed = remove(connection, self.clock.now() - micros(retention))?;
        self.removed += removed;
        if removed == 0 {
            usage::forget_before(connection, (self.clock.now() - micros(USAGE)) / 1_000_000)?;
            self.next = Instant::now() + self.every;
            if self.removed > 0 {
                tracing::info!(rows = self.removed, "old sessions are removed from the history");
                self.removed = 0;
            }
        }
        Ok(())
    }

    /// When the next step is due.
    pub(in crate::engine::history) fn due(&self) -> Option<Instant> {
        self.retention.map(|_| self.next)
    }
}

fn remove(connection: &Connection, before: i64) -> Result<usize, Fault> {
    let sql = "DELETE FROM sessions WHERE session_id IN (
        SELECT session_id FROM sessions WHERE session_id < ?1 AND end_time < ?2 LIMIT ?3)";
    Ok(connection.prepare_cached(sql)?.execute((first_id(before), before, STEP))?)
}

impl Clock {
    /// Microseconds since 1970. After the clock was set forward it is behind; then rows are only kept longer.
    fn now(&self) -> i64 {
        self.least(SystemTime::now(), self.began.elapsed())
    }

    fn least(&self, now: SystemTime, elapsed: Duration) -> i64 {
        let since = |time: SystemTime| micros(time.duration_since(UNIX_EPOCH).unwrap_or_default());
        since(now).min(since(self.at + elapsed))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_forward_removes_nothing_early() {
        let at = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let clock = Clock { began: Instant::now(), at };
        let day = Duration::from_hours(24);
        let hour = Duration::from_hours(1);
        for (now, expected) in [(at + hour, at + hour), (at + day, at + hour), (at - day, at - day)] {
            let expected = micros(expected.duration_since(UNIX_EPOCH).unwrap());
            assert_eq!(clock.least(now, hour), expected, "{now:?}");
        }
    }
}
