//! The daemon's own log, and how much it says.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::ask::tell;
use super::{Desk, idem};
use crate::args::{LogLevel, Logs};
use crate::failure::Failure;
use crate::output::{Format, Kind, Output, Sheet, raw};
use crate::shown;

const COLUMNS: &[(&str, Kind)] = &[
    ("n", Kind::Count),
    ("t", Kind::Time),
    ("level", Kind::Text),
    ("target", Kind::Text),
    ("msg", Kind::Text),
    ("fields", Kind::Text),
];

/// What a line says first, whatever else it has: whose it is, then how that went, and the long number of the session.
const FIRST: [&str; 12] = [
    "caller",
    "op",
    "user",
    "claimed",
    "source",
    "client",
    "destination",
    "ending",
    "reason",
    "result",
    "rule",
    "session",
];

/// Lines of one answer of the daemon.
const MOST: usize = 1_000;

impl Desk {
    /// The last lines, and with `--follow` those that come.
    pub(super) fn logs(&mut self, logs: &Logs) -> Result<(), Failure> {
        let mut p = wanted(logs);
        if logs.follow {
            p.insert("backlog".to_owned(), logs.number.min(MOST).into());
            let began: Value = self.connection.call("logs.sub", &p)?;
            p.remove("backlog");
            let lines = began["lines"].as_array().cloned().unwrap_or_default();
            // An answer has as many as fit into it; what has come since is pushed.
            let lines = if lines.is_empty() { lines } else { self.with_earlier(lines, logs.number, p)? };
            lines.iter().try_for_each(|line| self.shown(line))?;
            return self.follow(began["sub"].as_u64());
        }
        let lines = self.with_earlier(Vec::new(), logs.number, p)?;
        match self.output.format {
            Format::Table | Format::Plain => lines.iter().try_for_each(|line| self.shown(line)),
            Format::Json | Format::Ndjson | Format::Csv | Format::Tsv => {
                self.output.rows("rustsocks.logs/1", Sheet::of_objects(COLUMNS, &lines))
            }
        }
    }

    /// These lines and those before them, until there are so many.
    fn with_earlier(
        &mut self,
        mut lines: Vec<Value>,
        number: usize,
        mut p: Map<String, Value>,
    ) -> Result<Vec<Value>, Failure> {
        while lines.len() < number {
            if let Some(first) = lines.first() {
                p.insert("before".to_owned(), first["n"].clone());
            }
            p.insert("n".to_owned(), (number - lines.len()).min(MOST).into());
            let answer: Value = self.connection.call("logs.get", &p)?;
            let earlier = answer["lines"].as_array().cloned().unwrap_or_default();
            if earlier.is_empty() {
                break;
            }
            lines.splice(0..0, earlier);
        }
        Ok(lines)
    }

    fn follow(&mut self, sub: Option<u64>) -> Result<(), Failure> {
        loop {
            let push = self.connection.next_push()?;
            match (Some(push.sub) == sub, push.ev.as_str()) {
                (true, "log") => self.shown(&push.d)?,
                (true, "gap") => self.missing(&push.d)?,
                (_, _) => {}
            }
        }
    }

    /// A line of the log as a line.
    fn shown(&mut self, line: &Value) -> Result<(), Failure> {
        match self.output.format {
            Format::Json | Format::Ndjson => {
                let mut exact = line.clone();
                exact["t"] = Kind::Time.exact(&line["t"]);
                self.output.next_document(COLUMNS, &exact)
            }
            Format::Csv | Format::Tsv => self.output.next_row(COLUMNS, line),
            Format::Table | Format::Plain => Output::line(&words(line)),
        }
    }

    /// Lines that nobody has any more are never passed over in silence.
    fn missing(&self, gap: &Value) -> Result<(), Failure> {
        match self.output.format {
            Format::Json | Format::Ndjson => Output::document(&json!({ "gap": gap })),
            Format::Csv | Format::Tsv => {
                tell(&format!("-- {} lines are missing here --", raw(&gap["lost"])));
                Ok(())
            }
            Format::Table | Format::Plain => {
                Output::line(&format!("-- {} lines are missing here --", raw(&gap["lost"])))
            }
        }
    }

    /// Makes the log say more or less of something for a while.
    pub(super) fn log_level(&mut self, order: &LogLevel) -> Result<ExitCode, Failure> {
        let (target, level) = match order.what.split_once('=') {
            Some((target, level)) => (target, Some(level)),
            None => (order.what.as_str(), None),
        };
        let mut p = json!({ "target": target, "level": level, "reason": order.reason, "idem": idem() });
        if let Some(time) = order.time {
            if level.is_none() {
                let words =
                    "--for: what is configured holds again from now on; say TARGET=LEVEL for a while of something else";
                return Err(Failure::Usage(words.to_owned()));
            }
            p["ttl_s"] = time.into();
        }
        self.record("logs.level", &p, "rustsocks.log-level/1")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn wanted(logs: &Logs) -> Map<String, Value> {
    let Logs { follow: _, level, target, filter, number: _ } = logs;
    let named = [("level", level), ("target", target), ("filter", filter)];
    let said = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?))));
    said.collect()
}

/// `2026-11-22T08:00:00Z WARN auth: banned source=203.0.113.77`; after what comes first, fields are in the order of
/// their names.
pub(crate) fn words(line: &Value) -> String {
    let mut fields: Vec<(&String, &Value)> = line["fields"].as_object().into_iter().flatten().collect();
    let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    fields.sort_by_key(|(name, _)| place(name));
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!(" {name}={}", quoted(&raw(value)))).collect();
    format!(
        "{} {:5} {}: {}{}",
        line["t"].as_f64().map_or_else(String::new, shown::time_of_line),
        raw(&line["level"]).to_uppercase(),
        raw(&line["target"]),
        raw(&line["msg"]),
        fields.concat(),
    )
}

/// A value that has spaces or is none at all, in quotes.
fn quoted(value: &str) -> String {
    if value.is_empty() || value.contains([' ', '"']) { format!("{value:?}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_from_left_to_right() {
        let line = json!({
            "n": 7, "t": 1_795_334_400.0, "level": "warn", "target": "auth", "msg": "banned",
            "fields": { "bytes_sent": 7, "source": "203.0.113.77", "why": "too many", "user": "", "session": "019a" },
        });
        assert_eq!(
            words(&line),
            "2026-11-22T08:00:00.000Z WARN  auth: banned user=\"\" source=203.0.113.77 session=019a bytes_sent=7 why=\"too many\""
        );
    }
}
