//! What somebody is told without asking again.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use wire::admin::{Push, Role};

use super::desk::{Asker, Desk};
use super::view::Shows;
use crate::frontends::office::sight::seconds;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(200);

/// The longest.
const LONGEST: Duration = Duration::from_mins(1);

/// Something that can have news.
pub(super) trait Source: Debug + Send {
    /// What has changed since the last time it was asked, with the word for it.
    fn news(&mut self, desk: &Desk, asker: &Asker) -> Vec<(&'static str, Value)>;
}

#[derive(Debug)]
pub(super) enum Subject {
    View(Box<dyn Shows>),
    Other(Box<dyn Source>),
}

#[derive(Debug)]
pub(super) struct Subscription {
    number: u64,
    pub(super) every: Duration,
    pub(super) due: Instant,
    said: u64,
    pub(super) subject: Subject,
    /// What it takes to be told; nothing if everybody may be.
    role: Option<Role>,
}

impl Subscription {
    pub(super) fn new(
        number: u64,
        (subject, role): (Subject, Option<Role>),
        every_ms: Option<u64>,
        now: Instant,
    ) -> Self {
        let every = interval(every_ms);
        Self { number, every, due: now + every, said: 0, subject, role }
    }

    pub(super) fn is_for(&self, role: Role) -> bool {
        self.role.is_none_or(|needed| role >= needed)
    }

    /// What there is to say now; the next look follows in its time.
    pub(super) fn look(&mut self, desk: &Desk, asker: &Asker, now: Instant) -> Vec<Push> {
        self.due = now + self.every;
        let news = match &mut self.subject {
            Subject::View(view) => view.patch(desk, asker).map(|patch| ("patch", patch)).into_iter().collect(),
            Subject::Other(source) => source.news(desk, asker),
        };
        news.into_iter().map(|(word, news)| self.say(word, news)).collect()
    }

    fn say(&mut self, word: &str, news: Value) -> Push {
        self.said += 1;
        let t = seconds(Timestamp::now().as_microsecond());
        Push { sub: self.number, seq: self.said, ev: word.to_owned(), t, d: news }
    }
}

/// How often somebody may be told; once a second if it does not matter to them.
pub(super) fn interval(every_ms: Option<u64>) -> Duration {
    Duration::from_millis(every_ms.unwrap_or(1_000)).clamp(SHORTEST, LONGEST)
}
