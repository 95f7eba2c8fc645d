//! Judges from heartbeats whether a worker lives.
//!
//! The rule: a worker is stalled if it sends no heartbeat for the limit, or if every heartbeat of that long names the same thread as silent.
//!
//! Silence is counted in the monitor's own steps, at most [`STEP`] between two looks, however long the clock says it was.
//! So a machine that was suspended, a frozen container or a stopped monitor condemns nobody: whoever did not look cannot have seen a silence.
//!
//! Knows no process and no clock.

use std::fmt;
use std::time::{Duration, Instant};

use wire::ThreadName;

/// The longest time between two looks, and the most that one of them adds to a silence.
pub(crate) const STEP: Duration = Duration::from_secs(1);

/// Silence that is no more the delay of a busy machine: two heartbeats are missing.
const LATE: Duration = Duration::from_secs(3);

/// The silences of one worker.
#[derive(Debug)]
pub(crate) struct Pulse {
    limit: Duration,
    looked: Instant,
    worker: Duration,
    threads: Vec<(ThreadName, Duration)>,
}

/// What one look says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Health {
    Fresh,
    /// Something is silent, but not yet for the limit.
    Late,
    Stalled(Stall),
}

/// What has been silent for the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stall {
    Worker,
    Thread(ThreadName),
}

impl Pulse {
    pub(crate) fn new(limit: Duration, now: Instant) -> Self {
        Self { limit, looked: now, worker: Duration::ZERO, threads: Vec::new() }
    }

    pub(crate) fn limit_to(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// A heartbeat has come, and names threads that did not beat.
    pub(crate) fn beat(&mut self, silent: Vec<ThreadName>) {
        self.worker = Duration::ZERO;
        let before = std::mem::take(&mut self.threads);
        let silence_of = |name: &ThreadName| {
            before.iter().find(|(known, _)| known == name).map_or(Duration::ZERO, |(_, silence)| *silence)
        };
        self.threads = silent.into_iter().map(|name| (name.clone(), silence_of(&name))).collect();
    }

    /// Lets the time since the last look pass, and judges.
    pub(crate) fn look(&mut self, now: Instant) -> Health {
        let step = now.saturating_duration_since(self.looked).min(STEP);
        self.looked = now;
        self.worker += step;
        self.threads.iter_mut().for_each(|(_, silence)| *silence += step);
        self.health()
    }

    fn health(&self) -> Health {
        if self.worker >= self.limit {
            return Health::Stalled(Stall::Worker);
        }
        let longest = self.threads.iter().max_by_key(|(_, silence)| *silence);
        if let Some((name, silence)) = longest
            && *silence >= self.limit
        {
            return Health::Stalled(Stall::Thread(name.clone()));
        }
        let silence = longest.map_or(self.worker, |(_, silence)| self.worker.max(*silence));
        if silence >= LATE { Health::Late } else { Health::Fresh }
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker => f.write_str("no heartbeat"),
            Self::Thread(name) => write!(f, "thread {name} is silent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn name(text: &str) -> ThreadName {
        ThreadName::new(text)
    }

    /// The silent threads that the heartbeat of one second names; `None` if no heartbeat came.
    type Second = Option<&'static [&'static str]>;

    const FRESH: Second = Some(&[]);
    const NONE: Second = None;
    const STUCK: Second = Some(&["io-1"]);
    const OTHER: Second = Some(&["io-2"]);
    const BOTH: Second = Some(&["io-2", "io-1"]);

    fn after(seconds: &[Second]) -> Health {
        let start = Instant::now();
        let mut pulse = Pulse::new(LIMIT, start);
        let mut health = Health::Fresh;
        for (second, beat) in (1..).zip(seconds) {
            if let Some(silent) = beat {
                pulse.beat(silent.iter().map(|text| name(text)).collect());
            }
            health = pulse.look(start + Duration::from_secs(second));
        }
        health
    }

    #[test]
    fn health_follows_from_the_heartbeats_of_the_last_seconds() {
        let by_turns = [STUCK, OTHER].repeat(30);
        let io_1 = || Health::Stalled(Stall::Thread(name("io-1")));
        for (what, seconds, expected) in [
            ("beats every second", vec![FRESH; 60], Health::Fresh),
            ("one beat missing", [vec![FRESH; 5], vec![NONE; 1]].concat(), Health::Fresh),
            ("three beats missing", [vec![FRESH; 5], vec![NONE; 3]].concat(), Health::Late),
            ("nothing but a moment less than the limit", vec![NONE; 9], Health::Late),
            ("nothing for the limit", vec![NONE; 10], Health::Stalled(Stall::Worker)),
            ("one thread silent for a while", vec![STUCK; 4], Health::Late),
            ("one thread silent for the limit", vec![STUCK; 10], io_1()),
            ("one thread silent, then back", [vec![STUCK; 9], vec![FRESH; 1], vec![STUCK; 2]].concat(), Health::Fresh),
            ("two threads silent by turns", by_turns, Health::Fresh),
            ("the longest silence is named", [vec![STUCK; 2], vec![BOTH; 8]].concat(), io_1()),
        ] {
            assert_eq!(after(&seconds), expected, "{what}");
        }
    }

    #[test]
    fn a_day_without_a_look_is_one_step_of_silence() {
        let start = Instant::now();
        let mut pulse = Pulse::new(LIMIT, start);
        pulse.beat(vec![name("io-1")]);
        assert_eq!(pulse.look(start + Duration::from_hours(24)), Health::Fresh);
    }

    #[test]
    fn many_looks_count_no_more_time_than_has_passed() {
        let start = Instant::now();
        let mut pulse = Pulse::new(LIMIT, start);
        for tenth in 1..29 {
            assert_eq!(pulse.look(start + Duration::from_millis(100) * tenth), Health::Fresh);
        }
    }
}
