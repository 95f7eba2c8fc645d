//! What lies between this worker and the monitor: that it hears from us, and whether we had to take somebody's place.

use jiff::{SignedDuration, Timestamp};

use super::checks::warn_if;
use crate::state::vitals::board::{Finding, State};

/// The monitor is told every second that we live.
const BEAT_WITHIN: SignedDuration = SignedDuration::from_secs(3);

/// So long is the death of a worker worth a word.
const MOURNED: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug)]
pub(super) struct Supervision {
    /// As [`wire::ToWorker::Begin`] has it.
    replaces: u32,
    began: Timestamp,
}

impl Supervision {
    pub(super) fn begin(replaces: u32) -> Self {
        Self { replaces, began: Timestamp::now() }
    }

    /// `beat` is when the monitor last heard from us.
    pub(super) fn findings(&self, beat: Option<Timestamp>, now: Timestamp) -> [Finding; 2] {
        [watchdog(beat.map(|beat| now.duration_since(beat))), self.deaths(now)]
    }

    fn deaths(&self, now: Timestamp) -> Finding {
        let replaced = match self.replaces {
            0 => "it replaces none that died".to_owned(),
            1 => format!("replaced once, at {:.0}", self.began),
            several => format!("replaced {several} times, the last at {:.0}", self.began),
        };
        Finding {
            name: "worker",
            state: warn_if(self.replaces > 0 && now.duration_since(self.began) < MOURNED),
            measured: replaced,
            limit: Some("none within 1 h".to_owned()),
            key: None,
            effect: "the sessions of a worker that dies are lost, and another one takes its place",
            hint: "find out how it ended: `the worker died` in the log, and coredumpctl",
            screen: "health",
        }
    }
}

/// The monitor passes this on to the watchdog of the service manager.
fn watchdog(age: Option<SignedDuration>) -> Finding {
    Finding {
        name: "watchdog",
        state: match age {
            None => State::Unknown,
            Some(age) => warn_if(age > BEAT_WITHIN),
        },
        measured: age
            .map_or_else(|| "not yet".to_owned(), |age| format!("last beat {:.1} s ago", age.as_secs_f64().abs())),
        limit: Some(format!("{} s", BEAT_WITHIN.as_secs())),
        key: None,
        effect: "a worker that is silent for long is replaced, and its sessions end",
        hint: "look whether the host stands still: disk, memory, processor",
        screen: "health",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_takes_the_place_of_another_says_so_for_an_hour() {
        let began = Timestamp::now();
        let state = |replaces, after| {
            let [_, deaths] = Supervision { replaces, began }.findings(None, began + after);
            deaths.state
        };
        let (soon, late) = (SignedDuration::from_mins(59), SignedDuration::from_mins(61));
        assert_eq!([state(0, soon), state(2, soon), state(2, late)], [State::Ok, State::Warn, State::Ok]);
    }
}
