//! Who comes and who goes, as it happens.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Desk;
use super::ask::tell;
use crate::failure::Failure;
use crate::output::{Format, Kind, Output, raw, with_dates};

const COLUMNS: &[(&str, Kind)] = &[
    ("event", Kind::Text),
    ("t", Kind::Time),
    ("id", Kind::Text),
    ("user", Kind::Text),
    ("src", Kind::Text),
    ("dst", Kind::Text),
    ("rule", Kind::Text),
    ("up", Kind::Bytes),
    ("down", Kind::Bytes),
    ("reason", Kind::Text),
    ("uuid", Kind::Text),
];

impl Desk {
    /// A line for each session that is in, and then for each that comes or goes.
    pub(super) fn watch(&mut self, filter: Option<String>) -> Result<(), Failure> {
        let p = json!({ "filter": filter.unwrap_or_default() });
        let watched: Value = self.connection.call("sessions.sub", &p)?;
        let mut inside = Vec::new();
        self.connection.call_in_parts("sessions.export", &p, |mut part| {
            inside.extend(part["rows"].as_array_mut().map(std::mem::take).unwrap_or_default());
        })?;
        let mut known = HashSet::new();
        for session in inside {
            self.told("in", &session)?;
            known.insert(raw(&session["id"]));
        }
        loop {
            let push = self.connection.next_push()?;
            if watched["sub"] != push.sub {
                continue;
            }
            match push.ev.as_str() {
                // One that came while those who were in were told is among them.
                "came" if known.insert(raw(&push.d["id"])) => self.told("came", &push.d)?,
                "went" => {
                    known.remove(&raw(&push.d["id"]));
                    self.told("went", &push.d)?;
                }
                "gap" => self.missed(&push.d["lost"])?,
                _ => {}
            }
        }
    }

    /// So many came or went that were forgotten before they could be told.
    fn missed(&self, lost: &Value) -> Result<(), Failure> {
        match self.output.format {
            Format::Json | Format::Ndjson => Output::document(&json!({ "event": "gap", "lost": lost })),
            Format::Csv | Format::Tsv => {
                tell(&format!("gap {lost} that came or went are missing"));
                Ok(())
            }
            Format::Table | Format::Plain => Output::line(&format!("gap {lost} that came or went are missing")),
        }
    }

    fn told(&mut self, event: &str, session: &Value) -> Result<(), Failure> {
        let mut line = session.clone();
        line["event"] = Value::from(event);
        match self.output.format {
            Format::Json | Format::Ndjson => {
                with_dates(&mut line);
                self.output.next_document(COLUMNS, &line)
            }
            Format::Csv | Format::Tsv => self.output.next_row(COLUMNS, &line),
            Format::Table | Format::Plain => {
                let of = |name: &str| raw(&session[name]);
                let reason = if session["reason"].is_null() { String::new() } else { format!(" ({})", of("reason")) };
                let text =
                    format!("{event} {} {} {} > {} {}{reason}", of("id"), of("user"), of("src"), of("dst"), of("rule"));
                Output::line(&text)
            }
        }
    }
}
