//! Whether all is well, check by check, and what was not well lately.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Incidents that are remembered.
const MOST_INCIDENTS: usize = 200;

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Ok,
    /// It cannot be measured here.
    Unknown,
    /// Somebody should look; sessions go on.
    Warn,
    /// New clients should go elsewhere.
    Fail,
}

/// What was found of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The stable word.
    pub(crate) name: &'static str,
    pub(crate) state: State,
    /// In words, with its unit.
    pub(crate) measured: String,
    /// From when on it is not well, in words.
    pub(crate) limit: Option<String>,
    /// The key of the configuration that this limit follows.
    pub(crate) key: Option<&'static str>,
    /// What it means for clients and operators, if it is not well.
    pub(crate) effect: &'static str,
    /// What to try then.
    pub(crate) hint: &'static str,
    /// The console's screen that shows more.
    pub(crate) screen: &'static str,
}

/// A check as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    #[serde(flatten)]
    pub(crate) finding: Finding,
    /// Since when it stands so.
    pub(crate) since: Timestamp,
}

/// A time in which a check was not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) name: &'static str,
    pub(crate) state: State,
    /// What was measured when it began, or when it became worse.
    pub(crate) text: String,
    pub(crate) began: Timestamp,
    pub(crate) ended: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    checks: Vec<Check>,
    /// The latest last.
    incidents: VecDeque<Incident>,
}

impl Finding {
    pub(crate) fn is_well(&self) -> bool {
        self.state <= State::Unknown
    }
}

impl Incident {
    /// How long it lasted, or lasts.
    pub(crate) fn duration(&self, now: Timestamp) -> SignedDuration {
        self.ended.unwrap_or(now).duration_since(self.began)
    }
}

impl Board {
    /// Takes what was found now; whatever is not among it is no check any more.
    pub(crate) fn report(&self, now: Timestamp, findings: Vec<Finding>) {
        let mut books = self.books();
        let before = std::mem::take(&mut books.checks);
        for finding in findings {
            let was = before.iter().find(|check| check.finding.name == finding.name);
            let since = was.filter(|was| was.finding.state == finding.state).map_or(now, |was| was.since);
            books.follow(&finding, now);
            books.checks.push(Check { finding, since });
        }
    }

    /// In the order in which they were reported.
    pub(crate) fn checks(&self) -> Vec<Check> {
        self.books().checks.clone()
    }

    /// The latest first, at most so many.
    pub(crate) fn incidents(&self, most: usize) -> Vec<Incident> {
        self.books().incidents.iter().rev().take(most).cloned().collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn follow(&mut self, finding: &Finding, now: Timestamp) {
        let is_it = |incident: &&mut Incident| incident.ended.is_none() && incident.name == finding.name;
        let open = self.incidents.iter_mut().rfind(is_it);
        match (open, finding.is_well()) {
            (None, true) => {}
            (Some(open), true) => open.ended = Some(now),
            (Some(open), false) => {
                if finding.state > open.state {
                    (open.state, open.text) = (finding.state, finding.measured.clone());
                }
            }
            (None, false) => {
                let Finding { name, state, measured, .. } = finding;
                let incident = Incident { name, state: *state, text: measured.clone(), began: now, ended: None };
                self.incidents.push_back(incident);
                if self.incidents.len() > MOST_INCIDENTS {
                    self.incidents.pop_front();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn finding(name: &'static str, state: State, measured: &str) -> Finding {
        let measured = measured.to_owned();
        Finding { name, state, measured, limit: None, key: None, effect: "", hint: "", screen: "health" }
    }

    #[test]
    fn a_check_stands_since_it_changed_and_not_since_it_was_looked_at() {
        let board = Board::default();
        for (second, state) in [(1, State::Ok), (2, State::Ok), (3, State::Warn), (4, State::Warn)] {
            board.report(at(second), vec![finding("dns", state, "x")]);
        }
        assert_eq!(board.checks()[0].since, at(3));
        board.report(at(5), Vec::new());
        assert_eq!(board.checks(), []);
    }

    #[test]
    fn an_incident_begins_and_ends_with_its_check_and_tells_the_worst() {
        let board = Board::default();
        let states = [
            (1, State::Ok, "1"),
            (2, State::Warn, "2"),
            (3, State::Fail, "3"),
            (4, State::Warn, "2"),
            (9, State::Ok, "1"),
        ];
        for (second, state, measured) in states {
            board.report(at(second), vec![finding("dns", state, measured), finding("disk", State::Ok, "")]);
        }
        board.report(at(20), vec![finding("dns", State::Warn, "4")]);
        let incidents = board.incidents(10);
        let told: Vec<_> = incidents.iter().map(|incident| (&*incident.text, incident.state, incident.ended)).collect();
        assert_eq!(told, [("4", State::Warn, None), ("3", State::Fail, Some(at(9)))]);
        assert_eq!(incidents[1].duration(at(100)), SignedDuration::from_secs(7));
        assert_eq!(incidents[0].duration(at(100)), SignedDuration::from_secs(80));
    }

    #[test]
    fn only_so_many_incidents_are_remembered() {
        let board = Board::default();
        for second in 0..1_000 {
            let state = if second % 2 == 0 { State::Warn } else { State::Ok };
            board.report(at(second), vec![finding("dns", state, "x")]);
        }
        assert_eq!(board.incidents(usize::MAX).len(), MOST_INCIDENTS);
        assert_eq!(board.incidents(1)[0].began, at(998));
    }
}
