//! Who and what has the most: sessions that are in by user or destination, and what was denied lately.

use std::collections::HashMap;
use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Office;
use crate::state::session::ticket::Session;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    User,
    Dst,
    Denied,
}

/// What makes one come before another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Measure {
    #[default]
    Rate,
    Sessions,
    Bytes,
}

/// What those of one name have together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    sessions: u64,
    /// Bytes a second, both directions.
    rate: u64,
    bytes: u64,
}

impl By {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Dst => "dst",
            Self::Denied => "denied",
        }
    }
}

impl Office {
    /// Rows `[name, sessions, rate, bytes]`, or of denials `[user, destination, rule, how often]`; at most so many.
    pub(crate) fn top(&self, by: By, measure: Measure, limit: usize) -> Vec<Value> {
        match by {
            By::User => self.sums(measure, limit, user_of),
            By::Dst => self.sums(measure, limit, destination_of),
            By::Denied => self.denied_lately(limit),
        }
    }

    fn sums(&self, measure: Measure, limit: usize, name_of: fn(&Session) -> Option<String>) -> Vec<Value> {
        let mut sums: HashMap<String, Sum> = HashMap::new();
        self.paces.each(&self.world.roster, Instant::now(), |session| {
            let Some(name) = name_of(session) else { return };
            let (up, down) = session.pace.rates().unwrap_or_default();
            let sum = sums.entry(name).or_default();
            sum.sessions += 1;
            sum.rate += up + down;
            sum.bytes += session.up.bytes() + session.down.bytes();
        });
        let mut sums: Vec<(String, Sum)> = sums.into_iter().collect();
        sums.sort_by(|(one, sum), (other, its)| its.by(measure).cmp(&sum.by(measure)).then_with(|| one.cmp(other)));
        sums.truncate(limit);
        sums.into_iter().map(|(name, sum)| json!([name, sum.sessions, sum.rate, sum.bytes])).collect()
    }

    fn denied_lately(&self, limit: usize) -> Vec<Value> {
        let most = self.vitals.denials.most(limit, Timestamp::now());
        most.into_iter().map(|(denial, count)| json!([denial.user, denial.destination, denial.rule, count])).collect()
    }
}

impl Sum {
    /// What is compared first, and what if that is the same.
    fn by(self, measure: Measure) -> [u64; 3] {
        let Self { sessions, rate, bytes } = self;
        match measure {
            Measure::Rate => [rate, sessions, bytes],
            Measure::Sessions => [sessions, rate, bytes],
            Measure::Bytes => [bytes, rate, sessions],
        }
    }
}

/// Nothing before somebody has logged in.
fn user_of(session: &Session) -> Option<String> {
    session.facts().proof.as_ref().map(|proof| proof.identity.name().to_owned())
}

/// Nothing before it was asked for.
fn destination_of(session: &Session) -> Option<String> {
    session.facts().request.as_ref().map(|request| request.target.to_string())
}
