//! Ends several sessions at once, if they are as many as somebody thinks.

use std::collections::HashSet;

use filter::Filter;
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::{Done, Order};
use super::sight::{Sight, now};
use super::{Caller, No, Office};
use crate::state::session::ending::ByHouse;

/// How many of them are shown.
const SAMPLE: usize = 5;

/// Which sessions are to end, and under which conditions.
#[derive(Debug)]
pub(crate) struct Several {
    pub(crate) whom: Whom,
    /// The same in the words of whoever wants it.
    pub(crate) target: Value,
    /// How many there must be.
    pub(crate) expect: Option<u64>,
    pub(crate) reason: Option<String>,
    /// Nothing is done.
    pub(crate) is_rehearsal: bool,
    pub(crate) idem: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Whom {
    These(Vec<Known>),
    Fitting(Filter),
}

/// What a session is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Known {
    /// Within this run of the daemon.
    Number(u64),
    /// For ever.
    Id(Uuid),
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) matched: u64,
    pub(crate) sample: Vec<Value>,
    pub(crate) killed: u64,
    pub(crate) gone: u64,
}

impl Known {
    /// A UUID, or a number in hexadecimal.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let number = u64::from_str_radix(text, 16).ok().filter(|_| text.len() <= 16).map(Self::Number);
        number.or_else(|| Uuid::parse_str(text).ok().map(Self::Id))
    }
}

impl Office {
    /// The session that is known by this, if it is in.
    pub(crate) fn sight(&self, known: Known, is_masked: bool) -> Option<Sight> {
        let rates = self.paces.rates(&self.world.roster, std::time::Instant::now());
        match known {
            Known::Id(id) => self.world.roster.find(id).map(|session| Sight::of(&session, &rates, is_masked)),
            Known::Number(number) => {
                let mut found = None;
                self.world.roster.each(|session| {
                    if session.number == number {
                        found = Some(Sight::of(session, &rates, is_masked));
                    }
                });
                found
            }
        }
    }

    /// Orders them to end; their tasks hear of it wherever they wait.
    pub(super) fn end_several(&self, caller: &Caller, several: &Several) -> Result<Done<Ended>, No> {
        let found = self.those(&several.whom);
        let matched = found.len() as u64;
        if several.expect.is_some_and(|expected| expected != matched) {
            return Err(No::OtherNumber { matched, expected: several.expect.unwrap_or_default() });
        }
        let asked = match &several.whom {
            Whom::These(known) => known.iter().collect::<HashSet<_>>().len() as u64,
            Whom::Fitting(_) => matched,
        };
        let ended = Ended {
            matched,
            sample: found.iter().take(SAMPLE).map(Sight::object).collect(),
            killed: 0,
            gone: asked.saturating_sub(matched),
        };
        if several.is_rehearsal {
            return Ok(Done { outcome: ended, audit: None });
        }
        let order = Order {
            op: "sessions.kill",
            target: several.target.clone(),
            comment: several.reason.as_deref(),
            idem: several.idem.as_deref(),
        };
        let deed = || {
            for sight in &found {
                sight.session.course.end(ByHouse::Killed);
            }
            Ok(Ended { killed: matched, ..ended })
        };
        self.on_record(caller, &order, deed, |ended| {
            format!("{} ordered to end, {} were over", ended.killed, ended.gone)
        })
    }

    fn those(&self, whom: &Whom) -> Vec<Sight> {
        let rates = self.paces.rates(&self.world.roster, std::time::Instant::now());
        let mut sights = self.sights(&rates, false);
        match whom {
            Whom::Fitting(filter) => {
                let now = now();
                sights.retain(|sight| filter.admits(sight, now));
            }
            Whom::These(known) => {
                let known: HashSet<Known> = known.iter().copied().collect();
                sights.retain(|sight| {
                    known.contains(&Known::Number(sight.session.number)) || known.contains(&Known::Id(sight.session.id))
                });
            }
        }
        sights
    }
}

impl Ended {
    pub(crate) fn json(&self, audit: Option<&str>) -> Value {
        let Self { matched, sample, killed, gone } = self;
        json!({ "matched": matched, "sample": sample, "killed": killed, "gone": gone, "audit": audit })
    }
}
