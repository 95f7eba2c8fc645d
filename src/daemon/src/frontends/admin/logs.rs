//! The daemon's own log: its last lines, the ones that follow, and how much it says.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::Level;
use wire::admin::{Code, Refusal, Role};

use super::conversation::{Conversation, Parameters};
use super::desk::{Asker, Desk};
use super::ops::{IDEM, Op, Takes, look, order, read, watch};
use super::outbox::GAP;
use super::subscription::Source;
use crate::frontends::office::Operation;
use crate::frontends::office::journal::Hear;
use crate::frontends::office::sight::seconds;
use crate::state::journal::{Journal, Kept, Line};

const LEVEL: Takes =
    ("level", "error, warn, info, debug or trace: lines that are at least so important; all without it");
const TARGET: Takes = ("target", "only lines of this room, as session, auth or daemon");
const FILTER: Takes = ("filter", "only lines that have this text somewhere, whatever its letters' case");

/// The operations of this room.
pub(super) const OPS: &[Op] = &[
    Op { role: Some(Role::Operate), ..GET },
    Op { role: Some(Role::Operate), ..SUBSCRIBE },
    order(
        "logs.level",
        level,
        &[
            ("target", "audit, auth, quota, session, daemon, monitor or rustsocks, or a module as daemon::reload"),
            ("level", "error, warn, info, debug or trace; what is configured again, without it"),
            ("ttl_s", "for how long, 1 to 86400; 900 without it"),
            ("reason", "for the audit log"),
            IDEM,
        ],
        "target, level, until, changed, audit",
        "changes how much the log says of something, for a while",
    ),
];

/// Looks, as everybody may who looks; but lines have addresses in them, and this is for operators.
const GET: Op = look(
    "logs.get",
    get,
    &[
        ("before", "lines with smaller numbers; the last ones without it"),
        ("n", "how many, 1 to 1000; 100 without it"),
        LEVEL,
        TARGET,
        FILTER,
    ],
    "lines: n, t, level, target, msg, fields, the oldest first; kept: lines, bytes, next, lost",
    "the last lines of the daemon's own log",
);

const SUBSCRIBE: Op = watch(
    "logs.sub",
    subscribe,
    &[
        LEVEL,
        TARGET,
        FILTER,
        ("backlog", "so many of the last lines at first, at most 1000; none without it"),
        ("every_ms", "how often to look, 200 to 60000; 250 without it"),
    ],
    "sub, lines; pushes log, a line each, and gap with lost where lines are missing",
    "the lines that follow",
);

/// Lines of one answer.
const MOST: usize = 1_000;

/// As many without a word of it.
const USUAL: usize = 100;

/// Bytes of lines in one answer or at one look, far from the longest line of the protocol.
const MOST_BYTES: usize = 512 * 1024;

/// Lines that are looked at once.
const LOOKED_AT: usize = 2_000;

/// Somebody who reads a log wants to see it run.
const OFTEN_MS: u64 = 250;

/// Which lines somebody wants.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    level: Option<String>,
    target: Option<String>,
    filter: Option<String>,
}

/// The same, ready to be compared.
#[derive(Debug)]
struct Sieve {
    level: Level,
    target: Option<String>,
    /// In small letters.
    text: Option<String>,
}

#[derive(Deserialize)]
struct Get {
    before: Option<u64>,
    n: Option<usize>,
    #[serde(flatten)]
    wanted: Wanted,
}

#[derive(Deserialize)]
struct Subscribe {
    #[serde(flatten)]
    wanted: Wanted,
    backlog: Option<usize>,
    every_ms: Option<u64>,
}

fn get(desk: &Desk, _: &Asker, p: Parameters) -> Result<Value, Refusal> {
    let Get { before, n, wanted } = read(p)?;
    let (sieve, journal) = (Sieve::of(wanted)?, &desk.office.journal);
    let most = n.unwrap_or(USUAL).clamp(1, MOST);
    let lines = last(journal, before.unwrap_or(u64::MAX), most, &sieve);
    let Kept { lines: count, bytes, next, lost } = journal.kept();
    Ok(json!({ "lines": lines, "kept": { "lines": count, "bytes": bytes, "next": next, "lost": lost } }))
}

fn subscribe(conversation: &mut Conversation, p: Parameters) -> Result<Value, Refusal> {
    let Subscribe { wanted, backlog, every_ms } = read(p)?;
    let (sieve, journal) = (Sieve::of(wanted)?, Arc::clone(&conversation.desk.office.journal));
    let next = journal.kept().next;
    let backlog = backlog.unwrap_or(0).min(MOST);
    let lines = last(&journal, next, backlog, &sieve);
    let follower = Follower { journal, sieve, next };
    let every_ms = every_ms.or(Some(OFTEN_MS));
    let sub = conversation.follow(follower, every_ms)?;
    Ok(json!({ "sub": sub, "lines": lines }))
}

fn level(desk: &Desk, asker: &Asker, p: Parameters, _: &mut dyn FnMut(Value) -> bool) -> Result<Value, Refusal> {
    let hear: Hear = read(p)?;
    desk.perform(asker, Operation::Hear(Box::new(hear)))
}

/// The last lines before this number that fit, the oldest first.
fn last(journal: &Journal, before: u64, most: usize, sieve: &Sieve) -> Vec<Value> {
    let mut bytes = 0;
    let lines = journal.before(before);
    let fitting = lines.iter().filter(|line| sieve.lets_through(line)).take(most);
    let fitting = fitting.take_while(|line| {
        bytes += line.size();
        bytes <= MOST_BYTES
    });
    let mut lines: Vec<Value> = fitting.map(|line| told(line)).collect();
    lines.reverse();
    lines
}

/// Somebody who is told the lines that follow.
#[derive(Debug)]
struct Follower {
    journal: Arc<Journal>,
    sieve: Sieve,
    /// The number of the next line.
    next: u64,
}

impl Source for Follower {
    /// Lines that were gone before this look are a gap; so nothing is kept for who reads slowly.
    fn news(&mut self, _: &Desk, _: &Asker) -> Vec<(&'static str, Value)> {
        let (mut news, mut bytes) = (Vec::new(), 0);
        for line in self.journal.since(self.next, LOOKED_AT) {
            if line.number > self.next {
                news.push((GAP, json!({ "lost": line.number - self.next })));
            }
            self.next = line.number + 1;
            if self.sieve.lets_through(&line) {
                bytes += line.size();
                news.push(("log", told(&line)));
            }
            if bytes > MOST_BYTES {
                break;
            }
        }
        news
    }
}

impl Sieve {
    fn of(wanted: Wanted) -> Result<Self, Refusal> {
        let Wanted { level, target, filter } = wanted;
        let level = level.as_deref().map_or(Ok(Level::TRACE), |word| {
            let no =
                || Refusal::new(Code::BadRequest, format!("level: error, warn, info, debug or trace, not {word:?}"));
            ["error", "warn", "info", "debug", "trace"]
                .contains(&word)
                .then(|| word.parse().ok())
                .flatten()
                .ok_or_else(no)
        })?;
        Ok(Self { level, target, text: filter.map(|text| text.to_lowercase()).filter(|text| !text.is_empty()) })
    }

    fn lets_through(&self, line: &Line) -> bool {
        let written = &line.written;
        let is_of = |target: &String| {
            let rest = written.target.strip_prefix(target.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        written.level <= self.level
            && self.target.as_ref().is_none_or(is_of)
            && self.text.as_ref().is_none_or(|text| has(line, text))
    }
}

fn has(line: &Line, text: &str) -> bool {
    let written = &line.written;
    let is_in = |part: &str| part.to_lowercase().contains(text);
    is_in(written.message())
        || is_in(written.target)
        || written.fields().any(|(name, value)| is_in(&format!("{name}={value}")))
}

pub(super) fn told(line: &Line) -> Value {
    let written = &line.written;
    let fields: Map<String, Value> = written.fields().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "n": line.number,
        "t": seconds(written.at),
        "level": written.level.as_str().to_lowercase(),
        "target": written.target,
        "msg": written.message(),
        "fields": fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::journal::line::Draft;

    #[test]
    fn a_line_is_let_through_by_level_room_and_text() {
        let mut draft = Draft::new(1, Level::WARN, "daemon::reload");
        draft.add("message", &"Cannot read");
        draft.add("user", &"alice");
        let line = Line { number: 1, written: draft.finish() };
        let lets = |level: Option<&str>, target: Option<&str>, filter: Option<&str>| {
            let owned = |word: Option<&str>| word.map(str::to_owned);
            let wanted = Wanted { level: owned(level), target: owned(target), filter: owned(filter) };
            Sieve::of(wanted).unwrap().lets_through(&line)
        };
        assert!(lets(None, None, None) && lets(Some("warn"), Some("daemon"), Some("USER=al")));
        assert!(lets(Some("info"), Some("daemon::reload"), Some("cannot")));
        assert!(!lets(Some("error"), None, None) && !lets(None, Some("daemon::re"), None));
        assert!(!lets(None, None, Some("bob")));
    }
}
