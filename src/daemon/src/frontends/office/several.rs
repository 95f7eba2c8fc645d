//! Ends several sessions at once, if they are as many as somebody thinks.

use std::collections::{BTreeSet, HashSet};

use filter::Filter;
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::{Done, Order};
use super::sight::{Cell, Sight, now, seconds};
use super::{Caller, No, Office};
use crate::state::session::ending::ByHouse;
use crate::state::session::facts::AuthMethod;

/// How many of them are shown if nobody says it, and at most.
const SAMPLE: usize = 5;
const MOST_SHOWN: usize = 200;

/// Which sessions are to end, and under which conditions.
#[derive(Debug)]
pub(crate) struct Several {
    pub(crate) whom: Whom,
    /// The same in the words of whoever wants it.
    pub(crate) target: Value,
    /// How many there must be.
    pub(crate) expect: Option<u64>,
    pub(crate) reason: Option<String>,
    /// How many of them are shown.
    pub(crate) sample: Option<usize>,
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
    sums: Sums,
    pub(crate) killed: u64,
    pub(crate) gone: u64,
}

/// What they are together.
#[derive(Debug, Default)]
struct Sums {
    users: BTreeSet<Cell>,
    /// Whether the only user may log in, if the users file is what let that one in each time.
    enabled: Option<bool>,
    destinations: usize,
    /// When the first of them began, in microseconds since 1970.
    oldest: Option<i64>,
    bytes: u64,
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
        self.paces.look(&self.world.roster, std::time::Instant::now());
        let light = self.light(is_masked);
        match known {
            Known::Id(id) => self.world.roster.find(id).map(|session| Sight::of(&session, &light)),
            Known::Number(number) => {
                let mut found = None;
                self.world.roster.each(|session| {
                    if session.number == number {
                        found = Some(Sight::of(session, &light));
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
        let shown = several.sample.unwrap_or(SAMPLE).clamp(1, MOST_SHOWN);
        let ended = Ended {
            matched,
            sample: found.iter().take(shown).map(Sight::object).collect(),
            sums: self.totals(&found),
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
            ..Order::default()
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
        let mut sights = self.sights(&self.light(false));
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
        // The first one that came stands first.
        sights.sort_unstable_by_key(|sight| sight.session.number);
        sights
    }

    fn totals(&self, sights: &[Sight]) -> Sums {
        let known = |column| sights.iter().map(move |sight| sight.cell(column)).filter(|cell| *cell != Cell::Nothing);
        let users: BTreeSet<Cell> = known("user").collect();
        let is_of_file = |sight: &Sight| sight.cell("auth") == Cell::Word(AuthMethod::UserPass.word());
        let only = users.first().filter(|_| users.len() == 1 && sights.iter().all(is_of_file));
        Sums {
            enabled: only.and_then(|user| if let Cell::Text(name) = user { self.may_log_in(name) } else { None }),
            users,
            destinations: known("dst").collect::<BTreeSet<_>>().len(),
            oldest: sights.iter().map(|sight| sight.session.started()).min(),
            bytes: sights.iter().map(|sight| sight.read.up + sight.read.down).sum(),
        }
    }
}

impl Ended {
    pub(crate) fn json(&self, audit: Option<&str>) -> Value {
        let Self { matched, sample, sums, killed, gone } = self;
        let Sums { users, enabled, destinations, oldest, bytes } = sums;
        let only = users.first().filter(|_| users.len() == 1);
        json!({
            "matched": matched, "sample": sample, "users": users.len(), "user": only.map(Cell::json), "enabled": enabled,
            "destinations": destinations, "oldest": oldest.map(seconds), "bytes": bytes, "killed": killed, "gone": gone, "audit": audit,
        })
    }
}
