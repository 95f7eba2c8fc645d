//! The page: what the history costs who relays, what it has of the sessions, and how fast rows are written.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::load::Load;

/// How much the slowest hundredth may differ with a history.
const NOISE: f64 = 0.10;

/// Rows a second.
const FAST: f64 = 10_000.0;

#[derive(Debug)]
pub(crate) struct Findings {
    /// Sessions a second that were asked for.
    pub(crate) wanted: u32,
    pub(crate) with: Load,
    pub(crate) none: Load,
    /// Final ones, and all.
    pub(crate) rows: (usize, usize),
    pub(crate) pile: Pile,
}

/// Rows that had to wait.
#[derive(Debug)]
pub(crate) struct Pile {
    /// How many sessions there were meanwhile.
    pub(crate) sessions: usize,
    /// Rows that were written between the first look that saw any and the last, and how long that was.
    pub(crate) rows: usize,
    pub(crate) took: Duration,
}

/// The whole page, and whether every goal is reached.
pub(crate) fn page(findings: &Findings) -> (String, bool) {
    let Findings { wanted, with, none, rows, pile } = findings;
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("an unnamed processor", |(_, name)| name.trim());
    let cores = available_parallelism().map_or(0, usize::from);
    let mut page = format!(
        "# The history in numbers

Written by `make bench-history`; do not edit.
{wanted} short sessions a second were asked for; with a history and without one take turns of a few seconds.
Each has five bytes there and back, and one more relays messages of 64 bytes beside them.
Daemons, clients and target share {cores} cores, {name}.

## Beside short sessions

| what | with a history | without |
|---|---:|---:|
"
    );
    let [reply_with, reply_none] = [with, none].map(|load| [50, 99].map(|percent| percentile(&load.replies, percent)));
    let [message_with, message_none] =
        [with, none].map(|load| [50, 99].map(|percent| percentile(&load.messages, percent)));
    line(&mut page, "sessions", &with.sessions.to_string(), &none.sessions.to_string());
    line(&mut page, "a second", &format!("{:.0}", rate(with)), &format!("{:.0}", rate(none)));
    for (which, what) in ["median", "p99"].into_iter().enumerate() {
        let shown = |times: [f64; 2]| format!("{:.3}", times[which]);
        line(&mut page, &format!("until the proxy's reply, {what}, ms"), &shown(reply_with), &shown(reply_none));
        line(&mut page, &format!("a message there and back, {what}, ms"), &shown(message_with), &shown(message_none));
    }
    let a_second = number(pile.rows) / pile.took.as_secs_f64().max(f64::EPSILON);
    let (closed, all) = rows;
    let difference = message_with[1] / message_none[1] - 1.0;
    let _never_fails = write!(
        page,
        "
## Rows

{} sessions have {closed} final rows, and the table has {all} rows.
While the database was locked, {} sessions came and went; then {} rows were written in {:.1} s, {a_second:.0} a second.

## Goals

",
        with.sessions,
        pile.sessions,
        pile.rows,
        pile.took.as_secs_f64(),
    );
    let goals = [
        ("every session has exactly one row, and it is final".to_owned(), *rows == (with.sessions, with.sessions)),
        (format!("p99 of a message differs by 10 % at most ({:+.1} %)", difference * 100.0), difference <= NOISE),
        (format!("at least {FAST} rows a second ({a_second:.0})"), a_second >= FAST),
    ];
    for (text, is_reached) in &goals {
        let word = if *is_reached { "reached" } else { "not reached" };
        let _never_fails = writeln!(page, "- {word}: {text}");
    }
    (page, goals.iter().all(|(_, is_reached)| *is_reached))
}

fn line(page: &mut String, what: &str, with: &str, none: &str) {
    let _never_fails = writeln!(page, "| {what} | {with} | {none} |");
}

/// So many per cent took no longer, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let place = times.len().saturating_sub(1) * percent / 100;
    times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

fn rate(load: &Load) -> f64 {
    number(load.sessions) / load.took.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "there are no 2^52 of them")]
fn number(count: usize) -> f64 {
    count as f64
}
